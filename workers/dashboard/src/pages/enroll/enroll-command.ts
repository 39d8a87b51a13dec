/** What to run on the machine; the agent keeps its token in a file only its owner can read. */
export function enrollCommand(origin: string, code: string): string {
  return `node sentinel-agent.mjs enroll --url ${origin} --code ${code}\nnode sentinel-agent.mjs run`;
}
