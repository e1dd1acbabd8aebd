// Reaching into a node's store from outside, as a failing disk or an intruder would.

import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { freshFolder } from './folders.ts';

/** The file that holds a blob, found by its CID in the file's name. */
export function blobFile(data: string, cid: string): string {
  const found = readdirSync(join(data, 'content', 'blobs'), { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.includes(cid),
  );
  if (found.length !== 1) throw new Error(`${found.length} files of the store are named after ${cid}`);
  return join(found[0]!.parentPath, found[0]!.name);
}

/** Flips one bit in the middle of a file, as a failing disk does: nothing else says that the file has changed. */
export function flipBit(path: string): void {
  const times = join(freshFolder('times'), 'file');
  execFileSync('touch', ['-r', path, times]);
  const file = openSync(path, 'r+');
  const at = Math.floor(readSync(file, Buffer.alloc(1 << 16), 0, 1 << 16, 0) / 2);
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0]! ^= 1;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
  execFileSync('touch', ['-r', times, path]);
}
