/** `JBSW Y3DP …`: four characters at a time are what a person can carry from one screen to another. */
export function groupSecret(secret: string): string {
  return secret.match(/.{1,4}/g)?.join(" ") ?? "";
}
