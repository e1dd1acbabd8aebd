// Starting, stopping and starting again: what an operator meets first.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

import { Cli } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { freePort, PinreelNode } from './lib/node.ts';
import { ended, ok, run } from './lib/process.ts';
import { until } from './lib/wait.ts';

/** Processes whose command line or environment names this data folder. */
function processesOf(data: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(data) ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
}

/** The one sentence that a failed start says, without log lines. */
async function refusal(node: PinreelNode): Promise<string> {
  const { code } = await ended(node.child);
  assert.equal(code, 1, node.log);
  assert.doesNotMatch(node.log, /panicked/);
  return node.log.trim().split('\n').at(-1) ?? '';
}

test('a node starts, answers, stops within ten seconds and leaves no process behind', async () => {
  const node = await PinreelNode.start();
  assert.equal(await (await fetch(`${node.url}/healthz`)).text(), 'ok');
  assert.ok(processesOf(node.data).length > 1, 'Postgres runs below it');
  const begun = performance.now();
  assert.equal(await node.stop(), 0);
  assert.ok(performance.now() - begun < 10_000);
  assert.deepEqual(processesOf(node.data), []);
  assert.equal(node.stdout, `ready: ${node.url}\n`, 'stdout holds the ready line and nothing else');
});

test('a node whose log nobody reads any more stops all the same', async () => {
  const node = await PinreelNode.start();
  node.child.stderr!.destroy();
  await fetch(`${node.url}/ipfs/nothing`);
  assert.equal(await node.stop(), 0);
  assert.deepEqual(processesOf(node.data), []);
});

test('a second start on the same data goes on, with the same identity', async () => {
  const first = await PinreelNode.start();
  const before = await first.json('/api/v1/node');
  await first.stop();
  const second = await first.again();
  const after = await second.json('/api/v1/node');
  assert.equal(after.origin, before.origin);
  assert.equal(after.log_key, before.log_key);
  assert.equal(after.channel, before.channel);
  await second.stop();
});

test('kill -9 of the node and of its Postgres is survived', async () => {
  const node = await PinreelNode.start();
  const before = await node.json('/api/v1/node');
  const below = processesOf(node.data).map((line) => Number(line.split(' ')[0]));
  await node.kill();
  for (const pid of below) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It had ended with its parent.
    }
  }
  const again = await node.again();
  assert.equal((await again.json('/api/v1/node')).log_key, before.log_key);
  await again.stop();
});

test('kill -9 of the node alone leaves nothing that hinders the next start, nor frightens anybody', async () => {
  const node = await PinreelNode.start();
  await node.kill();
  const again = await node.again();
  await again.stop();
  assert.doesNotMatch(node.log + again.log, /program="postgres"/);
  await until('every process of the folder to end', () => processesOf(node.data).length === 0);
});

test('a Postgres that dies is started again, and calls wait or say that the database is away', async () => {
  const node = await PinreelNode.start();
  const postmaster = () =>
    Number(readFileSync(node.path('postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const first = postmaster();
  process.kill(first, 'SIGKILL');
  const failures = new Set<string>();
  await until('a new Postgres to answer', async () => {
    const response = await fetch(`${node.url}/api/v1/node`);
    if (!response.ok) failures.add(((await response.json()) as { code: string }).code);
    return response.ok && postmaster() !== first;
  });
  failures.delete('database_away');
  assert.deepEqual([...failures], []);
  await node.stop();
});

test('a second process on the same folder says so', async () => {
  const node = await PinreelNode.start();
  const second = await PinreelNode.launch({ data: node.data });
  assert.match(await refusal(second), /another|already/i);
  await node.stop();
});

test('a port in use says so', async () => {
  const port = await freePort();
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve));
  const node = await PinreelNode.launch({ port });
  const said = await refusal(node);
  assert.match(said, new RegExp(`${port}`));
  assert.match(said, /port|address/i);
  assert.deepEqual(readdirSync(node.data), ['lock'], 'a start that fails early leaves no half of a node');
  squatter.close();
});

test('a data folder that is a file says so', async () => {
  const file = join(freshFolder('file'), 'data');
  writeFileSync(file, '');
  assert.match(await refusal(await PinreelNode.launch({ data: file })), /folder|directory/i);
});

test('a data folder below a closed folder says which one is closed', async (t) => {
  if (process.getuid?.() !== 0)
    return t.skip('SKIPPED: only root can pass through a folder that Postgres cannot');
  const closed = freshFolder('closed');
  const data = join(closed, 'data');
  mkdirSync(data);
  chmodSync(closed, 0o700);
  const sentence = /The database runs as user \w+, who may not enter .*/;
  const early = await new Cli().run('import', '/dev/null', '--data', data);
  assert.match(early.stderr, /The CAR file ends in the middle of its header, at byte 0/);
  const said = sentence.exec(early.stderr)?.[0] ?? assert.fail(early.stderr);
  assert.ok(said.includes(closed));
  assert.ok((await refusal(await PinreelNode.launch({ data }))).includes(said));
});

test('options that name nothing usable are refused before anything is made', async () => {
  const data = join(freshFolder('unmade'), 'data');
  for (const [args, says] of [
    [['--web', '/nowhere'], /no built web app in \/nowhere/],
    [['--worker-token-file', '/nowhere/token'], /\/nowhere\/token can't be used/],
    [['--database-url', 'nonsense'], /database address/],
  ] as const) {
    assert.match(await refusal(await PinreelNode.launch({ data, args: [...args] })), says);
  }
  for (const url of ['ftp://media.example', 'http://media.example/sub', 'http://ann@media.example']) {
    const { code, stderr } = await new Cli().run('serve', '--data', data, '--url', url);
    assert.equal(code, 2, url);
    assert.match(stderr, /https:\/\/video\.example\.org/, url);
  }
  assert.ok(!existsSync(data));
});

test('an ordinary owner of a database is told what to run, and after that the node starts', async () => {
  const cluster = await PinreelNode.start({ transcoder: false });
  const superuser = new URL((await new Cli().run('db', 'url', '--data', cluster.data)).stdout.trim());
  const sql = (statements: string) =>
    ok('psql', [
      superuser.href,
      '-v',
      'ON_ERROR_STOP=1',
      ...statements.split('; ').flatMap((one) => ['-c', one]),
    ]);
  // A cluster that has never seen Pinreel, as far as the role goes.
  await sql(
    'alter role pinreel_app rename to somebody_else; create role ann login; create database films owner ann',
  );
  const url = new URL(superuser);
  url.username = 'ann';
  url.pathname = '/films';
  const env = { DATABASE_URL: url.href };
  const refused = await PinreelNode.launch({ env, transcoder: false });
  const said = await refusal(refused);
  assert.match(said, /^The database user ann may not make the role pinreel_app/);
  assert.deepEqual(readdirSync(refused.data), ['lock']);
  const statements = /run: (.*);$/.exec(said)?.[1] ?? assert.fail(said);
  assert.equal(statements, 'create role pinreel_app nologin; grant pinreel_app to ann');
  await sql(statements);
  for (let start = 0; start < 2; start++) {
    const node = await PinreelNode.start({ data: refused.data, env, transcoder: false });
    assert.equal((await fetch(`${node.url}/api/v1/publications`)).status, 200);
    await node.stop();
  }
  await cluster.stop();
});

test('wrong usage is exit 2', async () => {
  const cli = new Cli();
  assert.equal((await cli.run('serve', '--port', 'many')).code, 2);
  assert.equal((await cli.run('resolve')).code, 2);
  assert.equal((await cli.run('nonsense')).code, 2);
});

test('db url reaches the private cluster as its owner', async () => {
  const node = await PinreelNode.start();
  const cli = new Cli();
  const { stdout, code, stderr } = await cli.run('db', 'url', '--data', node.data);
  assert.equal(code, 0, stderr);
  const answer = await run('psql', [
    stdout.trim(),
    '-tAc',
    "select has_table_privilege('_sqlx_migrations', 'insert')",
  ]);
  assert.equal(answer.stdout.trim(), 't', answer.stderr);
  await node.stop();
});

test('the one-time link is printed, and makes only its first opener the operator', async () => {
  const node = await PinreelNode.start();
  assert.ok(node.operatorLink(), node.log);
  await node.stop();
});
