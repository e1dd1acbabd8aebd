// The gateway against nginx with sendfile, against Kubo's, and against itself.

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Cli, type Published } from '../lib/cli.ts';
import { freshFolder } from '../lib/folders.ts';
import { Kubo } from '../lib/kubo.ts';
import { makeRandomFile } from '../lib/media.ts';
import { freePort, PinreelNode } from '../lib/node.ts';
import { ended, ok } from '../lib/process.ts';
import { until } from '../lib/wait.ts';
import { type Comparison, compare, cpuSeconds } from './compare.ts';

const FILE_BYTES = 256 << 20;
const LARGE = 6 << 20;
const SMALL = 64 << 10;
const CAR_BYTES = 1 << 30;
const LOAD_SECONDS = 4;
const PAIRS = 5;

/** CPU seconds of a process and of those it started. */
function cpuOf(pid: number): number {
  const family = [pid];
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) family.push(Number(entry));
    } catch {
      // It ended meanwhile.
    }
  }
  return family.reduce((sum, each) => sum + cpuSeconds(readFileSync(`/proc/${each}/stat`, 'utf8')), 0);
}

/** A script for wrk that asks for ranges of this length, all over the file. */
function rangeScript(folder: string, length: number): string {
  const script = join(folder, `ranges-${length}.lua`);
  const ranges = Math.floor(FILE_BYTES / length);
  writeFileSync(
    script,
    `local n = 0
request = function()
  n = (n + 7) % ${ranges}
  local from = n * ${length}
  wrk.headers["Range"] = "bytes=" .. from .. "-" .. (from + ${length} - 1)
  return wrk.format("GET")
end`,
  );
  return script;
}

/** Requests that a server answers in a second of its own CPU time. */
async function requestsPerCpuSecond(url: string, script: string | undefined, pid: number): Promise<number> {
  const before = cpuOf(pid);
  const load = ['-t1', '-c4', `-d${LOAD_SECONDS}s`, '--timeout', '60s'];
  const { stdout } = await ok('wrk', [...load, ...(script ? ['-s', script] : []), url]);
  const used = cpuOf(pid) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (!requests || /Non-2xx/.test(stdout)) throw new Error(`wrk: ${stdout}`);
  return requests / used;
}

async function startNginx(folder: string, port: number) {
  mkdirSync(join(folder, 'logs'));
  writeFileSync(
    join(folder, 'nginx.conf'),
    `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/logs/error.log; user root;
events { worker_connections 256; }
http { access_log off; sendfile on; tcp_nopush on; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
server { listen 127.0.0.1:${port}; root ${folder}/www; } }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
  await until('nginx', async () => (await fetch(`http://127.0.0.1:${port}/`)).status > 0);
  return child;
}

interface Served {
  folder: string;
  node: PinreelNode;
  /** The published file's address. */
  url: string;
  file: string;
}

async function served(bytes: number): Promise<Served> {
  const folder = freshFolder('bench-gateway');
  mkdirSync(join(folder, 'www'));
  const file = makeRandomFile(join(folder, 'www', 'file.bin'), bytes);
  chmodSync(file, 0o644);
  const node = await PinreelNode.start({ transcoder: false, env: { RUST_LOG: 'warn' } });
  const { source } = await new Cli().json<Published>('publish', file, '--node', node.url);
  return { folder, node, url: `${node.url}/ipfs/${source}`, file };
}

async function againstNginx(name: string, length: number): Promise<Comparison> {
  const { folder, node, url } = await served(FILE_BYTES);
  const port = await freePort();
  const nginx = await startNginx(folder, port);
  const script = rangeScript(folder, length);
  try {
    return await compare({
      name,
      unit: length === LARGE ? 'B/CPU s' : 'requests/CPU s',
      goal: '≥ 1.0',
      note: `ranges of ${length >> 10} KiB of 256 MiB in the page cache, peer nginx with sendfile`,
      pairs: PAIRS,
      ours: async () =>
        (await requestsPerCpuSecond(url, script, node.child.pid!)) * (length === LARGE ? LARGE : 1),
      peer: async () =>
        (await requestsPerCpuSecond(`http://127.0.0.1:${port}/file.bin`, script, nginx.pid!)) *
        (length === LARGE ? LARGE : 1),
      reached: (ratio) => ratio >= 1,
    });
  } finally {
    nginx.kill('SIGTERM');
    await ended(nginx);
    await node.stop();
  }
}

async function againstKubo(): Promise<Comparison> {
  const { folder, node, url, file } = await served(FILE_BYTES);
  const kubo = await Kubo.init();
  await kubo.start();
  const cid = await kubo.run('add', '--quieter', file);
  const script = rangeScript(folder, LARGE);
  try {
    return await compare({
      name: 'gateway-kubo',
      unit: 'B/CPU s',
      goal: '≥ 10',
      note: "the same ranges, peer Kubo's gateway",
      pairs: PAIRS,
      ours: async () => (await requestsPerCpuSecond(url, script, node.child.pid!)) * LARGE,
      peer: async () => (await requestsPerCpuSecond(`${kubo.gateway}/ipfs/${cid}`, script, kubo.pid)) * LARGE,
      reached: (ratio) => ratio >= 10,
    });
  } finally {
    await kubo.stop();
    await node.stop();
  }
}

export async function gateway(): Promise<Comparison[]> {
  return [await againstNginx('gateway', LARGE), await againstKubo()];
}

export async function gatewaySmall(): Promise<Comparison[]> {
  return [await againstNginx('gateway-small', SMALL)];
}

/** A CAR file of a large file against the same bytes plain. */
export async function car(): Promise<Comparison[]> {
  const { node, url } = await served(CAR_BYTES);
  const perCpuSecond = async (address: string) => {
    const before = cpuOf(node.child.pid!);
    const answer = await fetch(address);
    let bytes = 0;
    for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) bytes += piece.length;
    if (bytes < CAR_BYTES) throw new Error(`${address} broke off after ${bytes} bytes`);
    return bytes / (cpuOf(node.child.pid!) - before);
  };
  try {
    return [
      await compare({
        name: 'car',
        unit: 'B/CPU s',
        goal: '≥ 0.8',
        note: 'a CAR file of 1 GiB, peer the plain file from ourselves',
        pairs: 3,
        ours: () => perCpuSecond(`${url}?format=car`),
        peer: () => perCpuSecond(url),
        reached: (ratio) => ratio >= 0.8,
      }),
    ];
  } finally {
    await node.stop();
  }
}
