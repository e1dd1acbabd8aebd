// CPU seconds of a whole ladder from one decode, against one ffmpeg command that splits.

import { join } from 'node:path';

import { transcoderBin } from '../lib/env.ts';
import { freshFolder } from '../lib/folders.ts';
import { ok } from '../lib/process.ts';
import { type Comparison, compare } from './compare.ts';

const CLIP_SECONDS = 20;

/** Runs under the shell's own accounting and gives the CPU seconds of the program and its children. */
async function cpuOf(program: string, args: string[]): Promise<number> {
  const { stderr } = await ok('bash', ['-c', 'TIMEFORMAT="cpu %U %S"; time "$0" "$@"', program, ...args]);
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(stderr.trim()) ?? [];
  return Number(user) + Number(system);
}

export async function ladder(): Promise<Comparison[]> {
  const folder = freshFolder('bench-ladder');
  const clip = join(folder, 'clip.mp4');
  await ok('ffmpeg', [
    '-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=1920x1080:rate=30:duration=${CLIP_SECONDS},noise=alls=6:allf=t`,
    '-f', 'lavfi', '-i', `sine=frequency=440:duration=${CLIP_SECONDS}`, '-c:v', 'libx264', '-preset', 'veryfast',
    '-pix_fmt', 'yuv420p', '-c:a', 'aac', clip,
  ]); // prettier-ignore
  const encode = (n: number, kbit: number) => [
    `-c:v:${n}`, 'libx264', `-preset:v:${n}`, 'veryfast', `-crf:v:${n}`, '23', `-maxrate:v:${n}`, `${kbit}k`, `-bufsize:v:${n}`, `${2 * kbit}k`,
  ]; // prettier-ignore
  let run = 0;
  return [
    await compare({
      name: 'ladder',
      unit: 'CPU s',
      goal: '≤ 1.05',
      note: `${CLIP_SECONDS} s of 1080p30 to 1080/720/480/360/240 and AAC, peer one ffmpeg command with split`,
      pairs: 2,
      ours: () => cpuOf(transcoderBin, ['transcode', clip, join(folder, `ours-${(run += 1)}`), '--json']),
      peer: () =>
        cpuOf('ffmpeg', [
          '-v', 'error', '-y', '-i', clip, '-filter_complex',
          '[0:v]split=5[a][b][c][d][e];[b]scale=1280:720[b1];[c]scale=854:480[c1];[d]scale=640:360[d1];[e]scale=426:240[e1]',
          '-map', '[a]', '-map', '[b1]', '-map', '[c1]', '-map', '[d1]', '-map', '[e1]', '-map', '0:a',
          ...encode(0, 6200), ...encode(1, 3000), ...encode(2, 1500), ...encode(3, 900), ...encode(4, 450),
          '-force_key_frames', 'expr:gte(t,n_forced*2)', '-sc_threshold', '0', '-c:a', 'aac', '-b:a', '128k',
          join(folder, 'peer.mkv'),
        ]), // prettier-ignore
      reached: (ratio) => ratio <= 1.05,
    }),
  ];
}
