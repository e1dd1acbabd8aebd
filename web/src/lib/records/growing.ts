//! Streams that are watched while they are still being made: each revision is signed by the node and only adds. The
//! twin of `crates/records/src/growing.rs`. Only nodes sign them.

import { sha256 } from '../content/sha256';
import type { Bytes } from './base64url';
import { decode, encode, type Link, type ValueMap } from './cbor';
import { RecordFault } from './fault';
import { verify } from './keys';
import * as rule from './schema';

/** One revision. */
export interface Growing {
  /** The node's key. */
  key: Uint8Array;
  source: Link;
  recipe: string;
  renditions: Opening[];
  revision: number;
  /** How many segments each rendition has. */
  segments: number;
  /** `extend`ed over all of them. */
  chain: Uint8Array;
  ended: boolean;
}

/** A rendition before its first segment. */
export interface Opening {
  name: string;
  init: Link;
  codecs: string;
  /** Ticks a second. */
  timescale: number;
  /** Absent for sound, as the height. */
  width?: number;
  height?: number;
}

/** One rendition's segment. */
export interface Piece {
  cid: Link;
  ticks: number;
}

export const EMPTY_CHAIN: Bytes = new Uint8Array(32);

const LIMITS = { bytes: 4096, depth: 3, values: 128 };

const side = rule.int(1, 65_535);
const growingRule = rule.map({
  key: rule.publicKey,
  source: rule.file,
  recipe: rule.match(/^[a-z0-9.-]{1,64}$/, '1 to 64 of a-z, 0-9, dot and hyphen'),
  renditions: rule.list(
    8,
    rule.map(
      {
        name: rule.match(/^[a-z0-9]{1,16}$/, '1 to 16 of a-z and 0-9'),
        init: rule.file,
        codecs: rule.match(/^[A-Za-z0-9.]{1,64}$/, '1 to 64 letters, digits and dots'),
        timescale: rule.int(1, 2 ** 32 - 1),
      },
      { width: side, height: side },
    ),
  ),
  revision: rule.int(1, Number.MAX_SAFE_INTEGER),
  segments: rule.uint,
  chain: rule.bytes(32),
  ended: rule.bool,
});

/** A revision whose form and signature hold. Whether its key is the node's, the node's channel says. */
export async function verifyGrowing(statement: Uint8Array, sig: Uint8Array): Promise<Growing> {
  const value = decode(statement, LIMITS);
  growingRule(value, 'growing');
  const growing = value as unknown as Growing;
  if (!(await verify('growing', statement, sig, growing.key))) {
    throw new RecordFault('signature_wrong', 'the signature isn’t the key’s over this statement');
  }
  return growing;
}

/** The chain's next link: over the one before and the segments that begin together, one of each rendition. */
export async function extend(chain: Uint8Array, step: Piece[]): Promise<Bytes> {
  return sha256(Uint8Array.of(...chain, ...encode(step.map(({ cid, ticks }) => [cid, ticks]))));
}

/** Whether `after` only adds to `before`. That its chain goes on from there, `extend` tells. */
export function addsTo(after: Growing, before: Growing): boolean {
  const head = ({ key, source, recipe, renditions }: Growing) =>
    hex(encode({ key, source, recipe, renditions: renditions as unknown as ValueMap[] }));
  const sameChain = hex(after.chain) === hex(before.chain);
  if (head(after) !== head(before)) return false;
  const { revision, segments, ended } = before;
  if (after.revision === revision) {
    return after.segments === segments && after.ended === ended && sameChain;
  }
  const more = after.segments > segments;
  return after.revision > revision && !ended && (more || (after.ended && after.segments === segments && sameChain));
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
