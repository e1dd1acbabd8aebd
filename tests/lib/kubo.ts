// A real Kubo with a repository of its own, alone on loopback: the peer and the oracle of these tests.

import { spawn, type ChildProcess } from 'node:child_process';

import { kuboBin } from './env.ts';
import { freshFolder } from './folders.ts';
import { freePort } from './node.ts';
import { ended, letGo, ok, run } from './process.ts';
import { until } from './wait.ts';

export const PROFILE = 'unixfs-v1-2025';

export class Kubo {
  readonly repo: string;
  readonly api: string;
  readonly gateway: string;
  private child: ChildProcess | undefined;

  private constructor(repo: string, api: string, gateway: string) {
    this.repo = repo;
    this.api = api;
    this.gateway = gateway;
  }

  /** The running daemon's process. */
  get pid(): number {
    return this.child!.pid!;
  }

  /** A repository, not yet running. */
  static async init(): Promise<Kubo> {
    const [api, gateway] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
    const kubo = new Kubo(freshFolder('kubo'), api!, gateway!);
    await kubo.run('init', '--empty-repo', '-p', PROFILE);
    const port = new URL(kubo.api).port;
    const settings: [string, unknown][] = [
      [
        'Addresses',
        {
          API: `/ip4/127.0.0.1/tcp/${port}`,
          Gateway: `/ip4/127.0.0.1/tcp/${new URL(kubo.gateway).port}`,
          Swarm: [],
        },
      ],
      ['Bootstrap', []],
      ['Routing', { Type: 'none' }],
      ['AutoConf', { Enabled: false }],
      ['Discovery', { MDNS: { Enabled: false } }],
      ['AutoTLS', { Enabled: false }],
      ['Gateway.NoFetch', true],
    ];
    for (const [key, value] of settings) await kubo.run('config', '--json', key, JSON.stringify(value));
    return kubo;
  }

  async run(...args: string[]): Promise<string> {
    return (await ok(kuboBin, args, { env: { IPFS_PATH: this.repo } })).stdout.trim();
  }

  async fails(...args: string[]): Promise<boolean> {
    return (await run(kuboBin, args, { env: { IPFS_PATH: this.repo } })).code !== 0;
  }

  async start(): Promise<void> {
    this.child = spawn(kuboBin, ['daemon', '--offline'], {
      env: { ...process.env, IPFS_PATH: this.repo },
      stdio: 'ignore',
    });
    letGo(this.child);
    await until('Kubo', async () => (await fetch(`${this.api}/api/v0/version`, { method: 'POST' })).ok);
  }

  async stop(): Promise<void> {
    if (!this.child) return;
    this.child.kill('SIGTERM');
    await ended(this.child);
  }

  /** Writes a root's DAG into a CAR file. */
  async export(root: string, car: string): Promise<void> {
    await ok('sh', ['-c', '"$0" dag export --progress=false "$1" >"$2"', kuboBin, root, car], {
      env: { IPFS_PATH: this.repo },
    });
  }

  /** The CID that `ipfs add` gives a file, without storing it. */
  cidOf(path: string): Promise<string> {
    return this.run('add', '--only-hash', '--quieter', path);
  }
}
