//! Checks a claim from its records alone: signatures, the key's place in the channel's genesis, the version's place
//! in the claim, and who names the root. The node's summary of the same facts is compared, never believed.
//! Deliberately absent: the log's proofs, which `pinreel verify` checks.

import type { Claim } from '../api/types';
import {
  fromBase64url,
  RecordFault,
  signedUnder,
  type Verified,
  verifyRecord,
  type VerifiedOf,
} from '../records';
import type { Kind } from '../records/kinds';
import { plain } from './plain';
import type { Provenance } from './trust';

/** A check that did not hold, in words for the page. */
class Broken extends Error {}

function hold(right: boolean, otherwise: string): asserts right {
  if (!right) throw new Broken(otherwise);
}

export async function checkClaim(claim: Claim): Promise<Provenance> {
  try {
    return await check(claim);
  } catch (error) {
    const known = error instanceof Broken || error instanceof RecordFault || error instanceof RangeError;
    const fault = known ? error.message : 'The records that came with this page cannot be read.';
    const source = claim.source.cid;
    return { status: 'broken', rootBy: null, root: null, source, signedAt: null, chapters: [], fault };
  }
}

async function check(claim: Claim): Promise<Provenance> {
  const genesis = await read('genesis', claim.genesis, 'the channel');
  const created = await read('stream', claim.created, 'the claim');
  const newest =
    claim.record.id === claim.created.id ? created : await read('stream', claim.record, 'the newest version');

  hold(genesis.id === claim.channel.id, 'The records belong to another channel than the page says.');
  hold(created.id === claim.claim, 'The record is not the one that this claim is named after.');
  hold(newest.id === claim.record.id, 'The newest version is not the record that it is said to be.');
  for (const record of [created, newest]) {
    hold(signedUnder(record as Verified, genesis), 'The signing key is not one of this channel’s.');
  }
  if (newest !== created) {
    hold(newest.body.claim?.toString() === created.id, 'The newest version belongs to another claim.');
  }
  const source = newest.body.source.cid.toString();
  hold(source === claim.source.cid, 'The source on this page is not the one that was signed.');
  hold(newest.body.title === claim.title, 'The title on this page is not the one that was signed.');

  const chapters = (newest.body.chapters ?? []).map(({ at_ms, title }) => ({
    at: at_ms / 1000,
    title: plain(title),
  }));
  const signed: Omit<Provenance, 'rootBy' | 'root'> = {
    status: 'checked',
    source,
    signedAt: newest.header.at,
    chapters,
    fault: null,
  };
  if (newest.body.root) return { ...signed, rootBy: 'channel', root: newest.body.root.toString() };
  if (claim.rendition)
    return { ...signed, rootBy: 'node', root: await renditionRoot(claim, genesis, source) };
  hold(claim.root === null, 'The page names a stream that nobody has signed for.');
  return { ...signed, rootBy: null, root: null };
}

/** The rendition record binds the source to the root; its maker must be the node that is the channel's home. */
async function renditionRoot(claim: Claim, genesis: VerifiedOf<'genesis'>, source: string): Promise<string> {
  hold(claim.rendition !== null, 'There is no rendition record.');
  const node = await homeNode(claim, genesis);
  const rendition = await read('rendition', claim.rendition, 'the rendition');
  hold(signedUnder(rendition as Verified, node), 'The rendition is not signed with the node’s key.');
  hold(rendition.body.source.toString() === source, 'The rendition was made from another source.');
  return rendition.body.root.toString();
}

/** The channel of the node that is the home of the claim's channel. */
async function homeNode(claim: Claim, genesis: VerifiedOf<'genesis'>): Promise<VerifiedOf<'genesis'>> {
  const node = await read('genesis', claim.node.genesis, 'the node’s channel');
  hold(node.id === claim.node.channel, 'The rendition’s maker is not this node’s channel.');
  const [home, nodeHome] = [genesis.body.home, node.body.home];
  const sameHome = home.origin === nodeHome.origin && home.key.every((byte, at) => byte === nodeHome.key[at]);
  hold(sameHome, 'The rendition was made by another node than the channel’s home.');
  return node;
}

/** The keys under which that node may sign what it makes; none if the records don't hold. */
export async function nodeKeys(claim: Claim): Promise<Uint8Array[]> {
  try {
    const node = await homeNode(claim, await read('genesis', claim.genesis, 'the channel'));
    return node.body.keys.filter(({ scopes }) => scopes.includes('publish')).map(({ key }) => key);
  } catch {
    return [];
  }
}

async function read<K extends Kind>(
  kind: K,
  wire: { header: string; body: string | null },
  what: string,
): Promise<VerifiedOf<K>> {
  hold(wire.body !== null, `The content of ${what} has been erased.`);
  const record = await verifyRecord(fromBase64url(wire.header), fromBase64url(wire.body));
  hold(record.kind === kind, `The record of ${what} is of another kind.`);
  return record as unknown as VerifiedOf<K>;
}
