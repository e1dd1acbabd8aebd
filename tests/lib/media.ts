// Clips made on the spot, and what ffprobe says of a stream.

import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

import { ok, run } from './process.ts';

/** A short clip with a moving picture and a tone; `filter` and `args` bend it into the case under test. */
export async function makeClip(path: string, seconds = 3, args: string[] = []): Promise<string> {
  await ok('ffmpeg', [
    '-v', 'error', '-y',
    '-f', 'lavfi', '-i', `testsrc2=size=640x360:rate=30:duration=${seconds}`,
    '-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${seconds}`,
    '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac',
    ...args, path,
  ]); // prettier-ignore
  return path;
}

/** A file of random bytes: nothing that any transcoder would take. */
export function makeRandomFile(path: string, bytes: number): string {
  const file = openSync(path, 'w');
  const piece = Buffer.alloc(1 << 20);
  for (let written = 0; written < bytes; written += piece.length) {
    randomFillSync(piece);
    writeSync(file, piece, 0, Math.min(piece.length, bytes - written));
  }
  closeSync(file);
  return path;
}

export interface Stream {
  index: number;
  codec_type: 'video' | 'audio';
  codec_name: string;
  width?: number;
  height?: number;
  avg_frame_rate?: string;
  disposition: { attached_pic: number };
}

export async function probeStreams(address: string): Promise<Stream[]> {
  const { stdout } = await ok('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', address]);
  return (JSON.parse(stdout) as { streams: Stream[] }).streams;
}

export interface Decoded {
  errors: string;
  /** Start of the first and end of the last decoded frame, in seconds. */
  start: number;
  end: number;
}

/** Decodes one stream wholly; durations are those of the decoded frames, not of any header. */
export async function decode(address: string, stream: string): Promise<Decoded> {
  const finished = await run('ffprobe', [
    '-v', 'error', '-select_streams', stream, '-show_entries', 'frame=best_effort_timestamp_time,duration_time,pkt_duration_time',
    '-of', 'json', address,
  ]); // prettier-ignore
  const frames = (JSON.parse(finished.stdout || '{"frames":[]}').frames ?? []) as Record<string, string>[];
  if (frames.length === 0) return { errors: finished.stderr || 'no frame', start: NaN, end: NaN };
  const at = (frame: Record<string, string>) => Number(frame['best_effort_timestamp_time']);
  const first = frames[0]!;
  const last = frames.at(-1)!;
  const before = frames.at(-2) ?? first;
  const length = Number(last['duration_time'] ?? last['pkt_duration_time'] ?? at(last) - at(before));
  return {
    errors: finished.stderr,
    start: at(first),
    end: at(last) + (Number.isFinite(length) ? length : 0),
  };
}
