// Hashing and addressing a file in the page cache on one thread, against the plain hash by openssl.

import { join } from 'node:path';

import { freshFolder } from '../lib/folders.ts';
import { makeRandomFile } from '../lib/media.ts';
import { ok } from '../lib/process.ts';
import { type Comparison, compare } from './compare.ts';

const FILE_BYTES = 1 << 30;
const LARGEST_OPENSSL_BLOCK = 16_384;

export async function importing(): Promise<Comparison[]> {
  const examples = process.env['PINREEL_EXAMPLES'];
  if (!examples) throw new Error('PINREEL_EXAMPLES is not set: start this with bin/bench');
  const file = makeRandomFile(join(freshFolder('bench-import'), 'file.bin'), FILE_BYTES);
  return [
    await compare({
      name: 'import',
      unit: 'B/s',
      goal: '≥ 0.9',
      note: '1 GiB in the page cache read, hashed and addressed on one thread, peer `openssl speed sha256`',
      pairs: 5,
      ours: async () => {
        const { stdout } = await ok(join(examples, 'import_bench'), [file]);
        return Number(/^import (\d+)/m.exec(stdout)?.[1]);
      },
      peer: async () => {
        const { stdout } = await ok('openssl', [
          'speed', '-mr', '-seconds', '1', '-bytes', String(LARGEST_OPENSSL_BLOCK), '-evp', 'sha256',
        ]); // prettier-ignore
        return Number(stdout.trim().split('\n').at(-1)!.split(':').at(-1));
      },
      reached: (ratio) => ratio >= 0.9,
    }),
  ];
}
