/**
 * The token of a link in an e-mail. It stands in the fragment, which is not sent to any server nor
 * written to its logs; it is taken out of the address bar as soon as it is read.
 */
export declare function useFragmentToken(): string | null;
/** Accepts `#token` and `#token=…`. */
export declare function readFragmentToken(hash: string): string | null;
