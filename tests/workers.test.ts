// Workers on other machines, as far as one machine can show it: processes that hold nothing but a key, and what the
// operator sees of them and does with them.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { AxeBuilder } from '@axe-core/playwright';

import { chooseName, visitor } from './lib/browser.ts';
import { Cli, type Published, type Resolved } from './lib/cli.ts';
import { transcoderBin } from './lib/env.ts';
import { freshFolder } from './lib/folders.ts';
import { makeClip } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { ended, letGo, run } from './lib/process.ts';
import { until } from './lib/wait.ts';

interface Job {
  id: string;
  state: string;
  source: string;
  file_name: string;
  code: string | null;
  reason: string | null;
  worker: string | null;
  attempts: number;
  updated_ms: number;
}

interface WorkerRow {
  name: string;
  registered: boolean;
  renditions: number;
  revoked_ms: number | null;
  codecs: number;
}

const clips = freshFolder('clips');
const operator = new Cli();
const alive: Worker[] = [];
let node: PinreelNode;

before(async () => {
  node = await PinreelNode.start({ transcoder: false });
});
after(() => node.stop());
/** A test that fails half-way must not leave its worker to the next. */
afterEach(() => Promise.all(alive.splice(0).map((worker) => worker.stop())));

const asOperator = <T>(...args: string[]): Promise<T> => operator.json<T>(...args, '--data', node.data);
const jobs = async (state = 'all'): Promise<Job[]> =>
  (await asOperator<{ items: Job[] }>('jobs', 'list', '--state', state)).items;
const jobOf = async (source: string): Promise<Job> => {
  const found = (await jobs()).find((job) => job.source === source);
  if (!found) throw new Error(`no job of ${source}`);
  return found;
};
const workers = async (): Promise<WorkerRow[]> =>
  (await asOperator<{ workers: WorkerRow[] }>('worker', 'list')).workers;

class Worker {
  readonly child: ChildProcess;
  readonly key: string;
  readonly folder: string;
  log = '';

  private constructor(child: ChildProcess, key: string, folder: string) {
    this.child = child;
    this.key = key;
    this.folder = folder;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    letGo(child);
    alive.push(this);
  }

  /** Registers with a fresh invitation and begins to work. */
  static async registered(name: string): Promise<Worker> {
    const key = join(freshFolder('worker'), 'key');
    const { token } = await asOperator<{ token: string }>('worker', 'invite');
    const args = ['register', '--server', node.url, '--token', token, '--key', key, '--name', name];
    const done = await run(transcoderBin, args);
    assert.equal(done.code, 0, done.stderr);
    assert.equal(statSync(key).mode & 0o777, 0o600);
    return Worker.by(key);
  }

  static by(key: string): Worker {
    const folder = freshFolder('work');
    const args = ['--server', node.url, '--key', key, '--work-dir', folder, '--drain', '0'];
    return new Worker(spawn(transcoderBin, args, { stdio: ['ignore', 'ignore', 'pipe'] }), key, folder);
  }

  /** The process of the job at hand. */
  jobProcess(): number | undefined {
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
        if (Number(parent) !== this.child.pid) continue;
        if (readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')[1] === 'child') return Number(name);
      } catch {
        // It has ended meanwhile.
      }
    }
    return undefined;
  }

  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return (await ended(this.child)).code;
  }
}

async function publish(name: string, seconds: number, ...args: string[]): Promise<Published> {
  // Other pictures for each name, so that no two clips are one job.
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);
  const clip = await makeClip(join(clips, `${name}.mp4`), seconds, ['-vf', `hue=h=${hue}`]);
  const cli = new Cli();
  return cli.json<Published>('publish', clip, '--node', node.url, ...args);
}

test('a worker that holds nothing but its key does a job, and the job tells of it', async () => {
  const worker = await Worker.registered('away-1');
  const { source, root } = await publish('first', 3, '--wait', 'complete');
  assert.ok(root);
  const job = await jobOf(source);
  assert.deepEqual([job.state, job.worker], ['complete', 'away-1']);
  const [known] = await workers();
  assert.deepEqual([known?.name, known?.registered, known?.renditions], ['away-1', true, 1]);
  assert.ok((known?.codecs ?? 0) > 20, 'it says what it can decode');
  const { log } = await asOperator<{ log: { text: string }[] }>('jobs', 'show', job.id);
  const lines = log.map(({ text }) => text);
  assert.equal(lines[0], 'given to away-1');
  assert.ok(
    lines.some((line) => line.startsWith('fetching ')),
    lines.join('\n'),
  );
  assert.equal(lines.at(-1), 'complete');
  assert.equal(await worker.stop(), 0);
});

test('one channel’s many uploads don’t keep another’s single one waiting', async () => {
  const many: string[] = [];
  const crowd = new Cli();
  for (let number = 0; number < 6; number++) {
    const clip = await makeClip(join(clips, `crowd-${number}.mp4`), 1, ['-vf', `hue=h=${number * 40 + 3}`]);
    const args = ['publish', clip, '--node', node.url, '--channel', '@crowd'];
    many.push((await crowd.json<Published>(...args)).source);
  }
  const single = (await publish('single', 1)).source;
  const worker = await Worker.registered('away-fair');
  const complete = async () => (await jobs('complete')).sort((a, b) => a.updated_ms - b.updated_ms);
  await until('all to be complete', async () => {
    const done = new Set((await complete()).map(({ source }) => source));
    return [...many, single].every((source) => done.has(source));
  });
  const order = (await complete())
    .map(({ source }) => source)
    .filter((source) => [...many, single].includes(source));
  assert.ok(order.indexOf(single) <= 1, `it was number ${order.indexOf(single) + 1} of ${order.length}`);
  await worker.stop();
});

test('a job that kills its process three times is failed with a reason, and kept for the operator', async () => {
  const worker = await Worker.registered('away-killed');
  const { source } = await publish('killer', 60);
  const killed = new Set<number>();
  await until('three processes to die', () => {
    const child = worker.jobProcess();
    if (child !== undefined && !killed.has(child)) {
      // As a file would that makes ffmpeg go wrong. (A SIGSEGV that no fault has raised, Rust's runtime lets pass once.)
      process.kill(child, 'SIGABRT');
      killed.add(child);
    }
    return killed.size === 3;
  });
  await until('the job to fail', async () => (await jobOf(source)).state === 'failed');
  const failed = await jobOf(source);
  assert.deepEqual([killed.size, failed.attempts, failed.code], [3, 3, 'transcoder_crashed']);
  assert.match(failed.reason ?? '', /^The transcoder broke down on this file; .*\.$/);
  assert.ok((await jobs('failed')).some(({ id }) => id === failed.id));
  const refused = await operator.run('jobs', 'cancel', failed.id, '--data', node.data);
  assert.deepEqual(
    [refused.code, refused.stderr],
    [1, 'Only a job that waits or runs can be cancelled; this one is failed.\n'],
  );
  // The worker itself is none the worse, and neither is the source.
  await asOperator('jobs', 'retry', failed.id);
  await until('it to be made after all', async () => (await jobOf(source)).state === 'complete', 120_000);
  await worker.stop();
});

test('a worker whose disk fails says so and rests, and a healthy one does its job', async () => {
  const broken = await Worker.registered('away-broken');
  await until('it to wait for jobs', () => broken.log.includes('waiting for jobs'));
  rmSync(broken.folder, { recursive: true });
  const { source } = await publish('unlucky', 2);
  await until('its fault', () => broken.log.includes('this machine is at fault'));
  const waiting = await jobOf(source);
  assert.deepEqual([waiting.state, waiting.worker, waiting.attempts], ['queued', 'away-broken', 1]);
  const healthy = await Worker.registered('away-healthy');
  await until('it to be made', async () => (await jobOf(source)).state === 'complete');
  const made = await jobOf(source);
  assert.deepEqual([made.worker, made.attempts], ['away-healthy', 2]);
  assert.equal(broken.log.split('this machine is at fault').length - 1, 1);
  assert.deepEqual([await broken.stop(), await healthy.stop()], [0, 0]);
});

test('a cancelled job stops its process within seconds', async () => {
  const worker = await Worker.registered('away-cancel');
  const { source } = await publish('cancelled', 120);
  const child = await until('its process', () => worker.jobProcess());
  const began = performance.now();
  await asOperator('jobs', 'cancel', (await jobOf(source)).id);
  await until('the process to be gone', () => worker.jobProcess() !== child, 10_000);
  assert.ok(performance.now() - began < 6_000);
  const job = await jobOf(source);
  assert.deepEqual([job.state, job.code], ['failed', 'cancelled']);
  await worker.stop();
});

test('a worker that is told to end gives its job back, and it counts as no try', async () => {
  const worker = await Worker.registered('away-ends');
  const { source } = await publish('given-back', 60);
  await until('its process', () => worker.jobProcess());
  assert.equal(await worker.stop(), 0);
  const job = await jobOf(source);
  assert.deepEqual([job.state, job.attempts], ['queued', 0]);
  await asOperator('jobs', 'cancel', job.id);
});

test('a revoked worker is refused in a sentence, and what it made is taken back and made again', async () => {
  const bad = await Worker.registered('away-bad');
  const { claim, source, root } = await publish('doubtful', 2, '--wait', 'complete');
  await asOperator('worker', 'revoke', 'away-bad');
  assert.equal((await ended(bad.child)).code, 78);
  assert.match(bad.log, /The key of the worker away-bad was revoked by this node's operator/);
  const again = Worker.by(bad.key);
  assert.equal((await ended(again.child)).code, 78);

  const unsure = await operator.run('worker', 'withdraw', 'away-bad', '--data', node.data);
  assert.equal(unsure.code, 2);
  assert.deepEqual(await asOperator('worker', 'withdraw', 'away-bad', '--yes'), {
    worker: 'away-bad',
    renditions: 1,
  });
  assert.equal((await fetch(`${node.url}/ipfs/${root}/master.m3u8`)).status, 404, 'at once');
  const resolve = () => operator.json<Resolved>('resolve', `/c/${claim}`, '--node', node.url);
  assert.equal((await resolve()).root, null, 'although the creator approved it');
  assert.equal((await jobOf(source)).state, 'queued');

  const good = await Worker.registered('away-good');
  await until('it to be made again', async () => (await resolve()).root !== null);
  // The same bytes: so the bad one was right about this one.
  assert.equal((await resolve()).root, root);
  await until('it to be served', async () => (await fetch(`${node.url}/ipfs/${root}/master.m3u8`)).ok);
  assert.equal((await jobOf(source)).worker, 'away-good');
  await good.stop();
});

test('the operator’s page lists jobs and workers, and stops, restarts and revokes them', async () => {
  const { page, complaints } = await visitor();
  await page.goto(`${node.url}/operator/jobs`);
  await page.getByText("This page is for the node's operator").waitFor();
  await page.goto(node.operatorLink()!);
  await chooseName(page, 'Jobs Operator');
  await page.getByRole('link', { name: 'Jobs and workers' }).click();
  await page.getByText('Nothing waits and nothing runs.').waitFor();

  const { source } = await publish('on-the-page', 2);
  const id = (await jobOf(source)).id;
  const job = page.locator(`[data-job="${id}"]`);
  await job.getByText('waiting').waitFor();
  await job.getByRole('button', { name: 'Cancel… on-the-page.mp4' }).click();
  await job.getByRole('button', { name: 'Cancel on-the-page.mp4', exact: true }).click();
  await page.getByRole('button', { name: 'Failed' }).click();
  await page.waitForURL(/state=failed/);
  await job.getByText('The operator of this node stopped').waitFor();
  await job.getByText('Log').click();
  await job.getByText('the operator cancelled it').waitFor();

  for (const dark of [false, true]) {
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: 800 });
      const { violations } = await new AxeBuilder({ page }).analyze();
      assert.deepEqual(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
        [],
      );
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(wide, false, `something is wider than ${width} px`);
    }
  }

  await job.getByRole('button', { name: 'Try again on-the-page.mp4' }).click();
  await page.getByRole('button', { name: 'Open' }).click();
  await job.getByText('waiting').waitFor();

  await page.getByRole('button', { name: 'Invite a worker' }).click();
  const command = await page.getByText(/^pinreel-transcoder register/).innerText();
  const key = join(freshFolder('worker'), 'key');
  const done = await run(transcoderBin, [...command.split(' ').slice(1, -1), key, '--name', 'from-the-page']);
  assert.equal(done.code, 0, done.stderr);
  const worker = Worker.by(key);
  await until('the job to be done', async () => (await jobOf(source)).state === 'complete');
  await page.reload();
  const row = page.locator('[data-worker="from-the-page"]');
  await row.getByRole('button', { name: 'Revoke… from-the-page' }).click();
  await row.getByRole('button', { name: 'Revoke from-the-page', exact: true }).click();
  await row.getByText('revoked', { exact: true }).waitFor();
  assert.equal((await ended(worker.child)).code, 78);
  assert.deepEqual(complaints, []);
});
