// What readers cost who take their time, or don't read at all: the memory of a server beside that of an idle one.

import { mkdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Cli, type Published } from '../lib/cli.ts';
import { freshFolder } from '../lib/folders.ts';
import { Kubo } from '../lib/kubo.ts';
import { makeRandomFile } from '../lib/media.ts';
import { PinreelNode } from '../lib/node.ts';
import type { Comparison } from './compare.ts';

const READERS = 1000;
const READER_FILES = 16;
const READER_BYTES_PER_SECOND = 100_000;
const READER_SECONDS = 15;
const IDLERS = 600;
const IDLER_FILES = 2000;
const IDLER_FILE_BYTES = 20_000;
const MOST_MIB = 64;
const IDLERS_MOST_MIB = 300;

/** Resident memory of a process, in MiB. */
function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

/** Reads an answer no faster than so many bytes a second; resolves to what came in the time. */
function readSlowly(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', highWaterMark: 16 << 10 } as never);
    let taken = 0;
    socket.on('error', reject);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: bench\r\n\r\n`);
    const tick = setInterval(() => {
      const piece = socket.read(READER_BYTES_PER_SECOND / 10) ?? socket.read();
      taken += piece?.length ?? 0;
    }, 100);
    setTimeout(() => {
      clearInterval(tick);
      socket.destroy();
      resolve(taken);
    }, READER_SECONDS * 1000);
  });
}

/** A node's memory before, its most meanwhile, in MiB, and what came of it. */
async function watched<T>(node: PinreelNode, load: () => Promise<T>): Promise<[number, number, T]> {
  const pid = node.child.pid!;
  const idle = residentMib(pid);
  let most = idle;
  const watch = setInterval(() => (most = Math.max(most, residentMib(pid))), 100);
  try {
    const result = await load();
    return [idle, most, result];
  } finally {
    clearInterval(watch);
  }
}

export async function slowReaders(): Promise<Comparison[]> {
  const folder = freshFolder('bench-readers');
  const node = await PinreelNode.start({ transcoder: false, env: { RUST_LOG: 'warn' } });
  const cli = new Cli();
  const paths: string[] = [];
  for (let n = 0; n < READER_FILES; n += 1) {
    const file = makeRandomFile(join(folder, `file-${n}.bin`), 32 << 20);
    const { source } = await cli.json<Published>('publish', file, '--node', node.url);
    paths.push(`/ipfs/${source}`);
  }
  const [idle, most, taken] = await watched(node, () =>
    Promise.all(Array.from({ length: READERS }, (_, n) => readSlowly(node.port, paths[n % paths.length]!))),
  );
  await node.stop();
  const slowest = Math.min(...taken) / READER_SECONDS;
  const grown = most - idle;
  return [
    {
      name: 'slow-readers',
      ours: most,
      peer: idle,
      unit: 'MiB',
      ratio: most / idle,
      goal: `≤ +${MOST_MIB} MiB`,
      ok: grown <= MOST_MIB && slowest > READER_BYTES_PER_SECOND / 2,
      note: `${READERS} readers at 100 kB/s of ${READER_FILES} files grow it by ${grown.toFixed(1)} MiB; the slowest got ${(slowest / 1000).toFixed(0)} kB/s`,
    },
  ];
}

/** Clients that ask for the CAR of a wide folder and never read a byte of it. */
export async function idleReaders(): Promise<Comparison[]> {
  const folder = freshFolder('bench-idlers');
  const files = join(folder, 'files');
  mkdirSync(files);
  for (let n = 0; n < IDLER_FILES; n += 1) makeRandomFile(join(files, `file-${n}.bin`), IDLER_FILE_BYTES);
  const kubo = await Kubo.init();
  const root = await kubo.run('add', '--recursive', '--quieter', files);
  const car = join(folder, 'files.car');
  await kubo.export(root, car);
  const node = await PinreelNode.start({ transcoder: false, env: { RUST_LOG: 'warn' } });
  await new Cli().run('import', car, '--data', node.data);
  // What the store keeps in memory isn't the readers'.
  const path = `/ipfs/${root}?format=car&car-dups=y`;
  await (await fetch(node.url + path)).arrayBuffer();
  const [idle, most] = await watched(node, async () => {
    const sockets = Array.from({ length: IDLERS }, () => connect({ port: node.port, host: '127.0.0.1' }));
    for (const socket of sockets) {
      socket.pause();
      socket.write(`GET ${path} HTTP/1.1\r\nhost: bench\r\n\r\n`);
    }
    await sleep(READER_SECONDS * 1000);
    const left = sockets.filter((socket) => socket.destroyed).length;
    if (left > 0) throw new Error(`${left} of ${IDLERS} connections were closed`);
    sockets.forEach((socket) => socket.destroy());
  });
  await node.stop();
  const grown = most - idle;
  const note = `${IDLERS} clients that ask for the CAR of ${IDLER_FILES} files and don't read grow it by ${grown.toFixed(1)} MiB`;
  const goal = `≤ +${IDLERS_MOST_MIB} MiB`;
  return [
    {
      name: 'idle-readers',
      ours: most,
      peer: idle,
      unit: 'MiB',
      ratio: most / idle,
      goal,
      ok: grown <= IDLERS_MOST_MIB,
      note,
    },
  ];
}
