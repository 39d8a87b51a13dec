/**
 * Where to go after signing in: a path of this site only, so that a crafted link can't send a
 * person who has just typed a password to another one.
 */
export declare function returnPath(wanted: string | null): string;
export declare function signInPath(from: {
    readonly pathname: string;
    readonly search: string;
    readonly hash?: string;
}): string;
