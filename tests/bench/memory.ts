// The memory that a long source takes, which must not grow with its length. The other side is the limit, not a peer.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { transcoderBin } from '../lib/env.ts';
import { freshFolder } from '../lib/folders.ts';
import { ok } from '../lib/process.ts';
import type { Comparison } from './compare.ts';

const HOURS = Number(process.env['PINREEL_BENCH_HOURS'] ?? '2');
const MOST_MB = 600;
const MOST_GROWTH = 1.15;
const SAMPLE_MS = 500;

/** Resident megabytes of a process's first child, or undefined when there is none (any more). */
function residentMb(parent: number): number | undefined {
  try {
    const child = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')[0];
    const status = child ? readFileSync(`/proc/${child}/status`, 'utf8') : '';
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}

export async function memory(): Promise<Comparison[]> {
  const folder = freshFolder('bench-memory');
  const clip = join(folder, 'long.mp4');
  const seconds = Math.round(HOURS * 3600);
  await ok('ffmpeg', [
    '-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc=size=640x360:rate=10:duration=${seconds}`, '-f', 'lavfi', '-i',
    `sine=frequency=440:duration=${seconds}`, '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '600', '-pix_fmt', 'yuv420p',
    '-c:a', 'aac', '-b:a', '320k', clip,
  ], { timeoutMs: 3_600_000 }); // prettier-ignore
  const child = spawn(transcoderBin, ['transcode', clip, join(folder, 'out'), '--json'], { stdio: 'ignore' });
  const over = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const samples: number[] = [];
  let code: number | null | undefined;
  void over.then((exit) => (code = exit));
  while (code === undefined) {
    const now = residentMb(child.pid!);
    if (now !== undefined) samples.push(now);
    await pause(SAMPLE_MS);
  }
  if (code !== 0 || samples.length < 20)
    throw new Error(`the job ended with ${code} after ${samples.length} samples`);
  const peak = Math.max(...samples);
  const most = (from: number, to: number) =>
    Math.max(...samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)));
  const growth = most(0.8, 1) / most(0.1, 0.3);
  return [
    {
      name: 'memory',
      ours: peak,
      peer: MOST_MB,
      unit: 'MB',
      ratio: peak / MOST_MB,
      goal: `≤ 1, and growth ≤ ${MOST_GROWTH}`,
      ok: peak <= MOST_MB && growth <= MOST_GROWTH,
      note: `${HOURS} h of 360p, resident memory of the job's child; the last fifth over the second tenth ${growth.toFixed(2)}`,
    },
  ];
}
