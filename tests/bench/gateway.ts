// Bytes per CPU second of 6 MiB ranges over a file in the page cache, against nginx with sendfile.

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Cli, type Published } from '../lib/cli.ts';
import { freshFolder } from '../lib/folders.ts';
import { makeRandomFile } from '../lib/media.ts';
import { freePort, PinreelNode } from '../lib/node.ts';
import { ended, ok } from '../lib/process.ts';
import { until } from '../lib/wait.ts';
import { type Comparison, compare, cpuSeconds } from './compare.ts';

const FILE_BYTES = 256 << 20;
const RANGE_BYTES = 6 << 20;
const LOAD_SECONDS = 4;

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

async function bytesPerCpuSecond(url: string, script: string, pid: number): Promise<number> {
  const before = cpuOf(pid);
  const { stdout } = await ok('wrk', ['-t1', '-c4', `-d${LOAD_SECONDS}s`, '-s', script, url]);
  const used = cpuOf(pid) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (!requests || /Non-2xx/.test(stdout)) throw new Error(`wrk: ${stdout}`);
  return (requests * RANGE_BYTES) / used;
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

export async function gateway(): Promise<Comparison[]> {
  const folder = freshFolder('bench-gateway');
  mkdirSync(join(folder, 'www'));
  const file = makeRandomFile(join(folder, 'www', 'file.bin'), FILE_BYTES);
  chmodSync(file, 0o644);
  const script = join(folder, 'ranges.lua');
  writeFileSync(
    script,
    `local n = 0
request = function()
  n = (n + 7) % 40
  local from = n * ${RANGE_BYTES}
  wrk.headers["Range"] = "bytes=" .. from .. "-" .. (from + ${RANGE_BYTES} - 1)
  return wrk.format("GET")
end`,
  );
  const node = await PinreelNode.start({ transcoder: false, env: { RUST_LOG: 'warn' } });
  const { source } = await new Cli().json<Published>('publish', file, '--node', node.url);
  const port = await freePort();
  const nginx = await startNginx(folder, port);
  try {
    return [
      await compare({
        name: 'gateway',
        unit: 'B/CPU s',
        goal: '≥ 1.0',
        note: '6 MiB ranges of 256 MiB in the page cache, peer nginx with sendfile',
        pairs: 3,
        ours: () => bytesPerCpuSecond(`${node.url}/ipfs/${source}`, script, node.child.pid!),
        peer: () => bytesPerCpuSecond(`http://127.0.0.1:${port}/file.bin`, script, nginx.pid!),
        reached: (ratio) => ratio >= 1,
      }),
    ];
  } finally {
    nginx.kill('SIGTERM');
    await ended(nginx);
    await node.stop();
  }
}
