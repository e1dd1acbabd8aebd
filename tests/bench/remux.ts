// How soon a source that fits can be watched, against copying it and waiting for the disk.

import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { transcoderBin } from '../lib/env.ts';
import { freshFolder } from '../lib/folders.ts';
import { ended, ok } from '../lib/process.ts';
import { until } from '../lib/wait.ts';
import { type Comparison, compare } from './compare.ts';

const MINUTES = 10;
const MOST_SECONDS = 2;
const MOST_RATIO = 3;

/** Ten minutes of 1080p in groups of 2 s at about 4 Mbit/s: ten seconds sixty times, for only the copying matters. */
async function fittingClip(folder: string): Promise<string> {
  const [part, clip] = [join(folder, 'part.mp4'), join(folder, 'clip.mp4')];
  await ok('ffmpeg', [
    '-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=1920x1080:rate=25:duration=10,noise=alls=4:allf=t', '-c:v',
    'libx264', '-preset', 'veryfast', '-b:v', '4M', '-maxrate', '4M', '-bufsize', '8M', '-g', '50', '-pix_fmt', 'yuv420p', part,
  ]); // prettier-ignore
  await ok('ffmpeg', [
    '-v', 'error', '-y', '-stream_loop', String(MINUTES * 6 - 1), '-i', part, '-f', 'lavfi', '-i',
    `sine=frequency=440:duration=${MINUTES * 60}`, '-map', '0:v', '-map', '1:a', '-c:v', 'copy', '-c:a', 'aac', clip,
  ]); // prettier-ignore
  return clip;
}

async function secondsToPlayable(clip: string, out: string): Promise<number> {
  // What the disk has yet to write isn't what is measured either.
  await ok('sync', []);
  const begun = performance.now();
  const child = spawn(transcoderBin, ['transcode', clip, out, '--json'], { stdio: 'ignore' });
  try {
    await until('something to play', () => existsSync(join(out, 'playable.json')));
    return (performance.now() - begun) / 1000;
  } finally {
    // The other renditions aren't what is measured.
    child.kill('SIGTERM');
    await ended(child);
    rmSync(out, { recursive: true });
  }
}

export async function remux(): Promise<Comparison[]> {
  const folder = freshFolder('bench-remux');
  const clip = await fittingClip(folder);
  let run = 0;
  const result = await compare({
    name: 'remux',
    unit: 's',
    goal: `≤ ${MOST_RATIO}, and ours ≤ ${MOST_SECONDS} s`,
    note: `${MINUTES} min of fitting 1080p to its first playable rendition, peer cp and fsync`,
    pairs: 3,
    ours: () => secondsToPlayable(clip, join(folder, `ours-${(run += 1)}`)),
    peer: async () => {
      await ok('sync', []);
      const begun = performance.now();
      await ok('dd', [`if=${clip}`, `of=${join(folder, 'copy.mp4')}`, 'bs=1M', 'conv=fsync', 'status=none']);
      return (performance.now() - begun) / 1000;
    },
    reached: (ratio) => ratio <= MOST_RATIO,
  });
  return [{ ...result, ok: result.ok && result.ours <= MOST_SECONDS }];
}
