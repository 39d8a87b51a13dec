/** How long a second step or a passkey ceremony may take, in milliseconds. */
export const ceremonyMsMax = 5 * 60_000;
