// How soon a node with a large archive answers: from the start of the program to the first byte of a film.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Cli, type Published } from '../lib/cli.ts';
import { freshFolder } from '../lib/folders.ts';
import { makeRandomFile } from '../lib/media.ts';
import { PinreelNode } from '../lib/node.ts';
import { until } from '../lib/wait.ts';
import { type Comparison, median } from './compare.ts';

const LEAVES = 1_000_000;
const FILE_BYTES = 8 << 20;
const STARTS = 5;
const MOST_SECONDS = 2;

/** Forgets what files hold, where this may be done; says whether it was. */
function dropPageCache(): boolean {
  try {
    execFileSync('sync');
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}

async function secondsToFirstByte(stopped: PinreelNode, path: string): Promise<[number, PinreelNode]> {
  const begun = performance.now();
  const node = await PinreelNode.launch({ data: stopped.data, port: stopped.port, transcoder: false });
  await until('the first byte', async () => {
    try {
      const answer = await fetch(node.url + path, { headers: { range: 'bytes=0-0' } });
      return answer.status === 206 && (await answer.arrayBuffer()).byteLength === 1;
    } catch {
      return false;
    }
  });
  return [(performance.now() - begun) / 1000, node];
}

export async function coldStart(): Promise<Comparison[]> {
  let node = await PinreelNode.start({ transcoder: false });
  const file = makeRandomFile(join(freshFolder('bench-start'), 'film.bin'), FILE_BYTES);
  const { source } = await new Cli().json<Published>('publish', file, '--node', node.url);
  await node.stop();
  const examples = process.env['PINREEL_EXAMPLES']!;
  execFileSync(join(examples, 'fill_leaves'), [join(node.data, 'content'), String(LEAVES)]);
  const results: Comparison[] = [];
  for (const [name, end] of [
    ['cold-start', 'a clean stop'],
    ['cold-start-killed', 'kill -9'],
  ] as const) {
    const seconds: number[] = [];
    let cold = true;
    for (let n = 0; n < STARTS; n += 1) {
      cold = dropPageCache() && cold;
      const [taken, started] = await secondsToFirstByte(node, `/ipfs/${source}`);
      node = started;
      seconds.push(taken);
      if (name === 'cold-start') await node.stop();
      else await node.kill();
    }
    const ours = median(seconds);
    results.push({
      name,
      ours,
      peer: MOST_SECONDS,
      unit: 's',
      ratio: ours / MOST_SECONDS,
      goal: `≤ ${MOST_SECONDS} s`,
      ok: ours <= MOST_SECONDS,
      note:
        `to the first byte after ${end}, ${LEAVES} entries of leaves, page cache ${cold ? 'dropped' : 'kept'}; ` +
        `${STARTS} starts, ${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)} s`,
    });
  }
  return results;
}
