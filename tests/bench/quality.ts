// Bytes at the same VMAF, against PeerTube's options: the mean over what two curves of four qualities have in common
// (Bjøntegaard's rate), and the CPU time that each took.
//
// Debian's ffmpeg has no VMAF; the one inside of PyPI's imageio-ffmpeg has, and is used for judging only.

import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { realClip, transcoderBin } from '../lib/env.ts';
import { freshFolder } from '../lib/folders.ts';
import { ok } from '../lib/process.ts';
import type { Comparison } from './compare.ts';
import { took } from './took.ts';

/** What is read of a result here. */
interface Transcoded {
  video: {
    name: string;
    made: 'encoded' | 'remuxed';
    width: number;
    height: number;
    frame_rate: { num: number; den: number };
    init: { name: string };
    segments: { file: { name: string } }[];
  }[];
}

const CLIPS = ['big_buck_bunny_0_30.webm', 'bigbuckbunny.mp4', 'chaplin.mp4', 'world.mp4'];
/** Of each side, so that both curves reach about the same scores. */
const CRFS = { ours: [22, 25, 28, 31], peer: [20, 23, 26, 29] };
/** The default preset. */
const USUAL = {
  ladder: [1080, 720, 480, 360, 240],
  crf: 25,
  max_kbits_per_second: null,
  max_frame_rate: 60,
  max_hours: 12,
};
const MOST = 0.9;
const STEPS = 100;
const LEAST_SECONDS = 20;
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
  // Under one name for their colours: a newer ffmpeg converts what is called otherwise, or isn't called anything.
  const same =
    'setpts=PTS-STARTPTS,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709';
  const filters = `[0:v]${same}[a];[1:v]${same}[b];[a][b]scale2ref=flags=bicubic[c][d];[c][d]libvmaf`;
  const { stderr } = await ok(program, ['-i', made, '-i', source, '-lavfi', filters, '-f', 'null', '-']);
  const score = /VMAF score: ([\d.]+)/.exec(stderr)?.[1];
  if (!score) throw new Error(`no score: ${stderr.slice(-500)}`);
  return Number(score);
}

/** Of one quality: its score, and the logarithm of its bytes. */
type Point = [score: number, bytes: number];

/** A curve's logarithm of bytes at a score, along straight lines. */
function at(curve: Point[], score: number): number {
  const upper = Math.max(
    curve.findIndex(([there]) => there >= score),
    1,
  );
  const [[low, lowBytes], [high, highBytes]] = [curve[upper - 1]!, curve[upper]!];
  return lowBytes + ((score - low) / (high - low)) * (highBytes - lowBytes);
}

/** How many bytes one takes of the other's at the same score, on average over the scores of both. */
function rate(ours: Point[], peer: Point[]): number {
  for (const curve of [ours, peer]) curve.sort((a, b) => a[0] - b[0]);
  const from = Math.max(ours[0]![0], peer[0]![0]);
  const to = Math.min(ours.at(-1)![0], peer.at(-1)![0]);
  if (from >= to) throw new Error('the curves have no score in common');
  const differences = Array.from({ length: STEPS }, (_, step) => {
    const score = from + ((step + 0.5) / STEPS) * (to - from);
    return at(ours, score) - at(peer, score);
  });
  return Math.exp(differences.reduce((sum, each) => sum + each) / STEPS);
}

interface Clip {
  path: string;
  /** Of the largest rung that is encoded, where the others of its ladder are left out. */
  width: number;
  height: number;
  /** Frames a second. */
  pace: number;
}

/** A clip without its sound, again and again until it is long enough: the first segments are short, and weigh more. */
async function longEnough(path: string, folder: string): Promise<string> {
  const { stdout } = await ok('ffprobe', [
    '-v',
    'error',
    '-show_entries',
    'format=duration',
    '-of',
    'csv=p=0',
    path,
  ]);
  const times = Math.max(0, Math.ceil(LEAST_SECONDS / Number(stdout)) - 1);
  const long = join(folder, 'clip.mkv');
  await ok('ffmpeg', [
    '-v',
    'error',
    '-y',
    '-stream_loop',
    String(times),
    '-i',
    path,
    '-an',
    '-c',
    'copy',
    long,
  ]);
  return long;
}

/** What our transcoder encodes of a clip at most; its largest rung may be a copy. */
async function largest(path: string, folder: string): Promise<Clip> {
  const out = join(folder, 'largest');
  const { video } = await transcode(path, out);
  rmSync(out, { recursive: true });
  const { width, height, frame_rate: rate } = video.find((each) => each.made === 'encoded')!;
  return { path, width, height, pace: rate.num / rate.den };
}

async function transcode(
  path: string,
  out: string,
  preset: object = {},
): Promise<Transcoded & { cpu: number }> {
  const choice = JSON.stringify({ ...USUAL, ...preset });
  const { cpu } = await took(transcoderBin, ['transcode', path, out, '--json', '--preset', choice]);
  const told = JSON.parse(readFileSync(join(out, 'transcoded.json'), 'utf8')) as Transcoded;
  return { ...told, cpu };
}

/** That rung alone, by the whole job: with poster, storyboard and hashes. Gives its file and CPU seconds. */
async function ours(clip: Clip, crf: number, folder: string): Promise<[string, number]> {
  const out = join(folder, 'ours');
  const ladder = [Math.min(clip.width, clip.height)];
  const { video, cpu } = await transcode(clip.path, out, { ladder, crf });
  const rung = video.find((each) => each.made === 'encoded')!;
  const whole = join(folder, 'ours.mp4');
  const files = [rung.init, ...rung.segments.map((segment) => segment.file)];
  writeFileSync(whole, Buffer.concat(files.map((file) => readFileSync(join(out, file.name)))));
  rmSync(out, { recursive: true });
  return [whole, cpu];
}

async function peerTube(clip: Clip, crf: number, folder: string): Promise<[string, number]> {
  const whole = join(folder, 'peer.mp4');
  const bitsPerPixel = clip.height >= 1080 ? 0.1 : clip.height >= 720 ? 0.11 : 0.12;
  const most = Math.round(clip.width * clip.height * clip.pace * bitsPerPixel);
  const { cpu } = await took('ffmpeg', [
    '-v', 'error', '-y', '-i', clip.path, '-vf', `scale=${clip.width}:${clip.height}`, '-c:v', 'libx264', '-preset', 'veryfast',
    '-crf', String(crf), '-maxrate', String(most), '-bufsize', String(2 * most), '-pix_fmt', 'yuv420p', '-bf', '16', '-b_strategy', '1',
    '-g', String(Math.round(2 * clip.pace)), '-an', whole,
  ]); // prettier-ignore
  return [whole, cpu];
}

export async function quality(): Promise<Comparison[]> {
  const folder = freshFolder('bench-quality');
  const program = await judge(folder);
  const rates: number[] = [];
  const notes: string[] = [];
  const sums = { ours: 0, peer: 0 };
  for (const name of CLIPS) {
    const short = realClip(name);
    if (!short) continue;
    const path = await longEnough(short, folder);
    const clip = await largest(path, folder);
    const curve = async (make: typeof ours, side: 'ours' | 'peer'): Promise<Point[]> => {
      const points: Point[] = [];
      for (const crf of CRFS[side]) {
        const [made, cpu] = await make(clip, crf, folder);
        sums[side] += cpu;
        points.push([await vmaf(program, made, path), Math.log(statSync(made).size)]);
      }
      return points;
    };
    const [own, peer] = [await curve(ours, 'ours'), await curve(peerTube, 'peer')];
    const usual = own[CRFS.ours.indexOf(USUAL.crf)]![0];
    rates.push(rate(own, peer));
    notes.push(`${name} in ${clip.height}, VMAF ${usual.toFixed(1)}, ${rates.at(-1)!.toFixed(2)}`);
  }
  if (rates.length === 0) throw new Error('none of the real clips is here');
  const ratio = rates.reduce((sum, each) => sum + each) / rates.length;
  const note = `mean of bytes at equal VMAF of the top encoded rung, peer PeerTube's options; CPU seconds stand beside; ${notes.join(', ')}`;
  const ok = ratio <= MOST && sums.ours <= sums.peer;
  return [
    { name: 'quality', ...sums, unit: 'CPU s', ratio, goal: `≤ ${MOST} in no more CPU time`, ok, note },
  ];
}
