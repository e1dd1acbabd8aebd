//! Which claim an address of this site meant, as the cards that were shown have said: saves asking when one is opened.
//! A name is never given to another claim of the same channel while that one lives, so this doesn't grow stale.

const claims = new Map<string, string>();

export function rememberClaim(path: string, claim: string): void {
  claims.set(path, claim);
}

export const claimAt = (path: string): string | undefined => claims.get(path);
