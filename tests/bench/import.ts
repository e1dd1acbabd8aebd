// Hashing and addressing a file in the page cache, on one thread and on all cores, against the plain hash by openssl and
// against `ipfs add --only-hash`.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { kuboBin, pinreelBin } from '../lib/env.ts';
import { freshFolder } from '../lib/folders.ts';
import { Kubo } from '../lib/kubo.ts';
import { makeRandomFile } from '../lib/media.ts';
import { ok } from '../lib/process.ts';
import { type Comparison, compare } from './compare.ts';

const FILE_BYTES = 2 * 1024 ** 3;
const LARGEST_OPENSSL_BLOCK = 16_384;

export async function importing(): Promise<Comparison[]> {
  const examples = process.env['PINREEL_EXAMPLES'];
  if (!examples) throw new Error('PINREEL_EXAMPLES is not set: start this with bin/bench');
  const file = makeRandomFile(join(freshFolder('bench-import'), 'file.bin'), FILE_BYTES);
  const cores = availableParallelism();
  const kubo = await Kubo.init();
  const hashing = (threads: number) =>
    bytesPerSecond(pinreelBin, ['cid', '--threads', String(threads), file]);
  const goal = { unit: 'B/s', goal: '≥ 0.9', reached: (ratio: number) => ratio >= 0.9 };
  return [
    await compare({
      ...goal,
      name: 'import-stream',
      note: '2 GiB in the page cache read, hashed and addressed as a stream on one thread, peer `openssl speed sha256`',
      pairs: 5,
      ours: async () => {
        const { stdout } = await ok(join(examples, 'import_bench'), [file]);
        return Number(/^import (\d+)/m.exec(stdout)?.[1]);
      },
      peer: () => openssl(1),
    }),
    await compare({
      ...goal,
      name: 'import-1',
      note: '`pinreel cid` of that file on one thread, its start included, peer `openssl speed sha256`',
      pairs: 5,
      ours: () => hashing(1),
      peer: () => openssl(1),
    }),
    await compare({
      ...goal,
      name: 'import-all',
      note: `\`pinreel cid\` of that file on ${cores} cores, peer \`openssl speed -multi ${cores} sha256\``,
      pairs: 5,
      ours: () => hashing(cores),
      peer: () => openssl(cores),
    }),
    await compare({
      name: 'import-kubo',
      unit: 'B/s',
      goal: '≥ 4',
      note: `\`pinreel cid\` of that file on ${cores} cores, peer \`ipfs add --only-hash\`, both with their start`,
      pairs: 3,
      ours: () => hashing(cores),
      peer: () =>
        bytesPerSecond(kuboBin, ['add', '--only-hash', '--quieter', '--progress=false', file], kubo.repo),
      reached: (ratio) => ratio >= 4,
    }),
  ];
}

async function bytesPerSecond(program: string, args: string[], repo?: string): Promise<number> {
  const started = performance.now();
  await ok(program, args, repo ? { env: { IPFS_PATH: repo } } : {});
  return (FILE_BYTES * 1000) / (performance.now() - started);
}

/** What openssl hashes in a second with so many processes, on buffers that stay in the cache. */
async function openssl(processes: number): Promise<number> {
  const multi = processes > 1 ? ['-multi', String(processes)] : [];
  const { stdout } = await ok('openssl', [
    'speed', ...multi, '-mr', '-seconds', '1', '-bytes', String(LARGEST_OPENSSL_BLOCK), '-evp', 'sha256',
  ]); // prettier-ignore
  return Number(stdout.trim().split('\n').at(-1)!.split(':').at(-1));
}
