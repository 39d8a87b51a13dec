/** Where every issuer sends the browser back to; what an administrator registers there. */
export function redirectUriOf(publicUrl: URL): string {
  return new URL("/sign-in/callback", publicUrl).href;
}
