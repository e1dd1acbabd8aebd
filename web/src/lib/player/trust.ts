//! What the signed records say about a claim, and the badge's words for it. Nothing here trusts the node's own
//! summary: root, source and who named them come out of records whose signatures were checked.

export interface Provenance {
  /** `broken`: a signature is wrong, or what is signed doesn't belong together. */
  status: 'checked' | 'broken';
  /** Who put their name under the root: the channel, or the node that transcoded. */
  rootBy: 'channel' | 'node' | null;
  root: string | null;
  source: string;
  signedAt: number | null;
  /** The creator's own, ascending, in seconds; part of what they signed. */
  chapters: { at: number; title: string }[];
  /** When something is wrong: what, in a sentence. */
  fault: string | null;
}

export type Badge = 'waiting' | 'checked' | 'refused' | 'unverified';

export const BADGE_WORDS: Record<Badge, string> = {
  waiting: 'Checking bytes',
  checked: 'Bytes checked',
  refused: 'Wrong bytes refused',
  unverified: 'Not verified',
};

/** The protocol's words. A channel is called by its handle: display names aren't unique, so anybody could have this one. */
export function approvalWords(
  provenance: Provenance,
  handle: string,
  node: string,
  growing = false,
): string | null {
  if (provenance.status !== 'checked') return null;
  if (provenance.rootBy === 'channel') return `Approved by @${handle}`;
  if (provenance.rootBy === 'node') return `Transcoded by ${node} from a source signed by @${handle}`;
  if (growing) return `Being transcoded by ${node} from a source signed by @${handle}`;
  return `Source signed by @${handle}`;
}
