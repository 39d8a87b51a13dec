/**
 * Whether a file takes its long form, with more rounds of the same claims: `npm run soak -- --only forms` asks for it.
 * The short form, which `npm test` runs, makes every claim, and enough rounds that each means something.
 */
export const longForm: boolean = process.env["SENTINEL_LONG_FORM"] === "1";
