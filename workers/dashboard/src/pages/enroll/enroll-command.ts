/** What to run on the machine; the agent keeps its token in a file only its owner can read. */
export function enrollCommand(origin: string, code: string): string {
  return `sentinel-agent enroll --url ${origin} --code ${code} && sentinel-agent run`;
}
