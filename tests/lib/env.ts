// Where the programs under test are. bin/test sets these; a missing one is an error, never a silent skip.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} isn't set: start these tests with bin/test`);
  return value;
}

export const pinreelBin = required('PINREEL_BIN');
export const transcoderBin = required('PINREEL_TRANSCODER_BIN');
export const webDist = required('PINREEL_WEB');
export const kuboBin = required('PINREEL_TEST_KUBO');
export const chromiumBin = process.env['PINREEL_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

const mediaFolder = required('PINREEL_MEDIA');

/** The path of a real clip, or undefined (loudly) where this machine doesn't have them. */
export function realClip(name: string): string | undefined {
  const path = join(mediaFolder, name);
  if (existsSync(path)) return path;
  console.error(`SKIPPED: the real clip ${name} isn't here (PINREEL_MEDIA=${mediaFolder})`);
  return undefined;
}
