// A hundred thousand damaged files through the real child: see transcoder/tests/mutations.rs, which judges each.

import { join } from 'node:path';

import { ok } from '../lib/process.ts';
import type { Comparison } from './compare.ts';

const COUNT = Number(process.env['PINREEL_MUTATIONS'] ?? '100000');

export async function mutations(): Promise<Comparison[]> {
  const begun = performance.now();
  const { stdout } = await ok(
    'cargo',
    ['test', '--release', '--locked', '--quiet', '-p', 'pinreel-transcoder', '--test', 'mutations'],
    {
      cwd: join(import.meta.dirname, '..', '..'),
      env: { ...process.env, PINREEL_MUTATIONS: String(COUNT) },
      timeoutMs: 24 * 3_600_000,
    },
  );
  const seconds = (performance.now() - begun) / 1000;
  const told = /test mutations \.\.\. ok \((.*)\)/.exec(stdout)?.[1];
  if (!told) throw new Error(stdout);
  return [
    {
      name: 'mutations',
      ours: COUNT,
      peer: COUNT,
      unit: 'files',
      ratio: 1,
      goal: 'each an output or a named error',
      ok: true,
      note: `${told}; ${(COUNT / seconds).toFixed(1)} a second`,
    },
  ];
}
