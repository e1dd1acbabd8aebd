//! What is played: a finished root, or a stream that is still being made.

import { GrowingTree } from './growing';

export type Stream = { root: string; bases: string[] } | GrowingTree;

export function sameStream(one: Stream, other: Stream): boolean {
  if (one instanceof GrowingTree || other instanceof GrowingTree) return one === other;
  return one.root === other.root;
}

/** The same stream, with nothing remembered of what was refused. */
export const fresh = (stream: Stream): Stream =>
  stream instanceof GrowingTree ? new GrowingTree(stream.base, stream.expected, stream.fetcher) : stream;
