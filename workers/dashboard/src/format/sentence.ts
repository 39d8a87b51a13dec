/** MQTT names its reasons in small letters: `server busy: retry after 30 s`. */
export function sentence(reason: string): string {
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}
