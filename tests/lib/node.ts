// A Pinreel node under test: the real binary, on a free port, with a data folder and a private Postgres of its own.

import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { pinreelBin, transcoderBin, webDist } from './env.ts';
import { freshFolder } from './folders.ts';
import { ended, letGo } from './process.ts';
import { until } from './wait.ts';

export interface NodeOptions {
  data?: string;
  port?: number;
  args?: string[];
  env?: Record<string, string>;
  /** Whether to run a transcoder beside it; it does unless this is false. */
  transcoder?: boolean;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** What a node of these tests is started with: nothing of the developer's own environment that would change it. */
export function nodeEnvironment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PINREEL_WEB: webDist,
    PINREEL_TRANSCODER: transcoderBin,
    RUST_LOG: process.env['RUST_LOG'] ?? 'info',
    ...extra,
  };
  for (const name of ['DATABASE_URL', 'KUBO_API']) if (!(name in extra)) delete env[name];
  return env;
}

export class PinreelNode {
  readonly data: string;
  readonly port: number;
  readonly url: string;
  readonly child: ChildProcess;
  log = '';
  private out = '';

  private constructor(data: string, port: number, child: ChildProcess) {
    this.data = data;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.child = child;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.log += text));
  }

  /** Starts the program without waiting for it. */
  static async launch(options: NodeOptions = {}): Promise<PinreelNode> {
    const data = options.data ?? freshFolder('node');
    const port = options.port ?? (await freePort());
    const args = ['serve', '--port', String(port), '--data', data, ...(options.args ?? [])];
    if (options.transcoder === false) args.push('--transcoder', 'none');
    const child = spawn(pinreelBin, args, {
      env: nodeEnvironment(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const node = new PinreelNode(data, port, child);
    // A test that fails half-way must not leave its node behind, nor wait for it.
    letGo(child);
    return node;
  }

  /** Starts the program and waits for its ready line. */
  static async start(options: NodeOptions = {}): Promise<PinreelNode> {
    const node = await PinreelNode.launch(options);
    await node.ready();
    return node;
  }

  async ready(): Promise<void> {
    await until(
      'the ready line',
      () => {
        if (this.child.exitCode !== null || this.child.signalCode !== null) return true;
        return this.out.split('\n').includes(`ready: ${this.url}`);
      },
      120_000,
    );
    if (this.child.exitCode !== null || this.child.signalCode !== null) {
      throw new Error(`the node ended before it was ready:\n${this.log}`);
    }
  }

  get stdout(): string {
    return this.out;
  }

  /** Ends it as a service manager would. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    const { code } = await ended(this.child);
    return code;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await ended(this.child);
  }

  /** Starts another process on the same data and port. */
  async again(options: NodeOptions = {}): Promise<PinreelNode> {
    return PinreelNode.start({ ...options, data: this.data, port: this.port });
  }

  async json<T = any>(path: string, init?: RequestInit): Promise<T> {
    const response = await fetch(this.url + path, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** Resident memory of the server process itself, in bytes. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }

  /** The most memory it ever had resident, in bytes. */
  peakBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }

  /** The process that transcodes, below the worker that this node runs. */
  transcoding(): number | undefined {
    const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isTranscoding(name));
    const found = children.find((pid) => parentOf(parentOf(pid)) === String(this.child.pid));
    return found === undefined ? undefined : Number(found);
  }

  operatorLink(): string | undefined {
    return /https?:\/\/\S+\/operator\?token=[\w-]+/.exec(this.log)?.[0];
  }

  path(...parts: string[]): string {
    return join(this.data, ...parts);
  }
}

/** Processes come and go while they are looked at. */
function fromProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

const isTranscoding = (pid: string): boolean =>
  fromProc(pid, 'cmdline').startsWith('pinreel-transcoder\0child\0');

const parentOf = (pid: string): string => /^PPid:\s+(\d+)/m.exec(fromProc(pid, 'status'))?.[1] ?? '0';
