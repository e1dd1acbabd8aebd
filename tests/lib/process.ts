// Child processes: run to the end, or run until told to stop. Everything started here is ended by its own pid.

import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string | undefined>;
  cwd?: string;
  timeoutMs?: number;
}

export async function run(program: string, args: string[], options: RunOptions = {}): Promise<Finished> {
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 600_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const { code, signal } = await ended(child);
  return { code, signal, stdout, stderr };
}

/** Runs to the end and throws, with what it said, unless it exits with 0. */
export async function ok(program: string, args: string[], options: RunOptions = {}): Promise<Finished> {
  const finished = await run(program, args, options);
  if (finished.code !== 0) {
    throw new Error(
      `${program} ${args.join(' ')} ended with ${finished.code ?? finished.signal}\n${finished.stderr}`,
    );
  }
  return finished;
}

/** Neither waits for a child when the tests are over, nor leaves it running. */
export function letGo(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdout, child.stderr]) (pipe as Socket | null)?.unref();
  process.once('exit', () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });
}

export function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  child.ref();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}
