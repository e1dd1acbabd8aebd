//! Approval afterwards: a creator who published before the stream was ready signs an update that names its root,
//! on the next visit. Only a root that the home node has signed for, of exactly this source, is approved.

import { api, ApiError } from '../api/client';
import { untilAnswered } from '../api/patience';
import type { Claim } from '../api/types';
import { account } from '../identity/account.svelte';
import { append } from '../identity/sign';
import { checkClaim } from '../player/provenance';
import { fromBase64url, Link, verifyRecord } from '../records';

/** One at a time for a claim: both its own page and a new visit ask for it. */
const underWay = new Map<string, Promise<boolean>>();

/** True when an update was signed and taken. */
export function approve(claim: Claim): Promise<boolean> {
  const { claim: id } = claim;
  const approval = underWay.get(id) ?? signApproval(claim).finally(() => underWay.delete(id));
  underWay.set(id, approval);
  return approval;
}

async function signApproval(claim: Claim): Promise<boolean> {
  if (claim.unfinished) return false; // Captions or a poster come yet, and make it another root.
  const provenance = await checkClaim(claim);
  if (provenance.status !== 'checked' || provenance.rootBy !== 'node' || !provenance.root) return false;
  if (!claim.record.body) return false;
  const newest = await verifyRecord(fromBase64url(claim.record.header), fromBase64url(claim.record.body));
  if (newest.kind !== 'stream') return false;
  const body = {
    ...newest.body,
    salt: undefined, // A new one is made.
    claim: new Link(claim.claim),
    replaces: new Link(claim.record.id),
    root: new Link(provenance.root),
  };
  await untilAnswered(() => append({ kind: 'stream', body, about: `approve ${claim.claim}` }));
  forget(claim.claim);
  return true;
}

/** Approves the claim on the page; its newest version if that was signed just now. */
export async function approveShown(claim: Claim): Promise<Claim | null> {
  return (await approve(claim)) ? untilAnswered(() => api.claim(claim.claim)) : null;
}

/** Whatever was published early on this browser, and is ready by now. */
export async function approvePending(): Promise<void> {
  for (const id of account.pendingApprovals()) {
    try {
      const claim = await untilAnswered(() => api.claim(id));
      const working = claim.job?.state === 'queued' || claim.job?.state === 'running' || claim.unfinished;
      if (claim.root_by === 'node') await approve(claim);
      else if (!working) forget(id); // Approved already, or it never became a stream.
    } catch (error) {
      // Whatever else was refused is tried again on the next visit, and says so on the claim's own page.
      if (error instanceof ApiError && (error.status === 404 || error.status === 410)) forget(id);
    }
  }
}

const forget = (id: string): void =>
  account.setPendingApprovals(account.pendingApprovals().filter((other) => other !== id));
