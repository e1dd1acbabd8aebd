// Bytes at the same VMAF, against PeerTube's options: its curve over four qualities, read at the quality that ours has.
//
// Debian's ffmpeg has no VMAF; the one inside of PyPI's imageio-ffmpeg has, and is used for judging only.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { realClip, transcoderBin } from '../lib/env.ts';
import { freshFolder } from '../lib/folders.ts';
import { ok } from '../lib/process.ts';
import { type Comparison, median } from './compare.ts';

/** What is read of a result here. */
interface Transcoded {
  video: {
    name: string;
    made: 'encoded' | 'remuxed';
    width: number;
    height: number;
    init: { name: string };
    segments: { file: { name: string } }[];
  }[];
}

const CLIPS = ['big_buck_bunny_0_30.webm', 'bigbuckbunny.mp4', 'chaplin.mp4', 'world.mp4'];
const CRFS = [20, 23, 26, 29];
const JUDGE = 'imageio-ffmpeg==0.8.1';

/** The judging ffmpeg's path, installed into the bench's folder if need be. */
async function judge(folder: string): Promise<string> {
  const venv = join(folder, 'venv');
  if (!existsSync(venv)) await ok('python3', ['-m', 'venv', venv]);
  await ok(join(venv, 'bin', 'pip'), ['install', '--quiet', JUDGE]);
  const { stdout } = await ok(join(venv, 'bin', 'python'), [
    '-c',
    'import imageio_ffmpeg as f; print(f.get_ffmpeg_exe())',
  ]);
  return stdout.trim();
}

async function vmaf(program: string, made: string, source: string): Promise<number> {
  const filters =
    '[0:v]setpts=PTS-STARTPTS[a];[1:v]setpts=PTS-STARTPTS[b];[a][b]scale2ref=flags=bicubic[c][d];[c][d]libvmaf';
  const { stderr } = await ok(program, ['-i', made, '-i', source, '-lavfi', filters, '-f', 'null', '-']);
  const score = /VMAF score: ([\d.]+)/.exec(stderr)?.[1];
  if (!score) throw new Error(`no score: ${stderr.slice(-500)}`);
  return Number(score);
}

/** The bytes at which a curve of (score, bytes) reaches a score, along straight lines in the logarithm. */
function bytesAt(curve: [number, number][], score: number): number {
  const sorted = [...curve].sort((a, b) => a[0] - b[0]);
  const upper = Math.min(
    Math.max(
      sorted.findIndex(([at]) => at >= score),
      1,
    ),
    sorted.length - 1,
  );
  const [[low, lowBytes], [high, highBytes]] = [sorted[upper - 1]!, sorted[upper]!];
  const part = high === low ? 0 : (score - low) / (high - low);
  return Math.exp(Math.log(lowBytes) + part * (Math.log(highBytes) - Math.log(lowBytes)));
}

export async function quality(): Promise<Comparison[]> {
  const folder = freshFolder('bench-quality');
  const program = await judge(folder);
  const ratios: number[] = [];
  const notes: string[] = [];
  const sums = { ours: 0, peer: 0 };
  for (const name of CLIPS) {
    const clip = realClip(name);
    if (!clip) continue;
    const out = join(folder, `ours-${name}`);
    await ok(transcoderBin, ['transcode', clip, out, '--json']);
    const result = JSON.parse(readFileSync(join(out, 'transcoded.json'), 'utf8')) as Transcoded;
    const top = result.video.find((video) => video.made === 'encoded')!;
    const files = [top.init, ...top.segments.map((segment) => segment.file)];
    const whole = join(folder, `ours-${name}.mp4`);
    await ok('bash', ['-c', `cat ${files.map((file) => join(out, file.name)).join(' ')} > ${whole}`]);
    const score = await vmaf(program, whole, clip);
    const ours = statSync(whole).size;
    const curve: [number, number][] = [];
    for (const crf of CRFS) {
      const peer = join(folder, `peer-${crf}-${name}.mp4`);
      await ok('ffmpeg', [
        '-v', 'error', '-y', '-i', clip, '-an', '-vf', `scale=${top.width}:${top.height}`, '-c:v', 'libx264', '-preset', 'veryfast',
        '-crf', String(crf), '-pix_fmt', 'yuv420p', '-bf', '16', '-g', '60', peer,
      ]); // prettier-ignore
      curve.push([await vmaf(program, peer, clip), statSync(peer).size]);
    }
    const peer = bytesAt(curve, score);
    ratios.push(ours / peer);
    sums.ours += ours;
    sums.peer += peer;
    notes.push(`${name} ${top.name} VMAF ${score.toFixed(1)} ${(ours / peer).toFixed(2)}`);
  }
  if (ratios.length === 0) throw new Error('none of the real clips is here');
  const ratio = median(ratios);
  const note = `bytes at equal VMAF of the top encoded rung, peer PeerTube's options; ${notes.join(', ')}`;
  return [{ name: 'quality', ...sums, unit: 'B', ratio, goal: '≤ 0.9', ok: ratio <= 0.9, note }];
}
