// Channels that the command line makes, and those that it doesn't.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { Cli, oneLine, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { makeRandomFile } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';

test('a handle that is taken costs no record, and the next command goes on as before', async () => {
  const node = await PinreelNode.start({ transcoder: false });
  const file = makeRandomFile(join(freshFolder('taken'), 'file.bin'), 100);
  const records = async () =>
    (await new Cli().json<{ records: number }>('verify', '--node', node.url)).records;
  const publish = (cli: Cli, ...args: string[]) =>
    cli.json<Published>('publish', file, '--node', node.url, ...args);
  await publish(new Cli(), '--channel', '@paypal');

  const newcomer = new Cli();
  const mine = new Cli();
  assert.match((await publish(mine, '--channel', '@mine')).url, /^@mine@/);
  const before = await records();
  for (const cli of [newcomer, mine]) {
    for (const handle of ['@paypal', '@paypa1']) {
      const { code, stdout } = await cli.run(
        'publish', file, '--node', node.url, '--channel', handle, '--json',
      ); // prettier-ignore
      assert.equal(code, 1);
      assert.equal(oneLine<{ error: { code: string } }>(stdout).error.code, 'handle_taken');
    }
  }
  assert.equal(await records(), before);
  assert.match((await publish(mine, '--slug', 'again')).url, /^@mine@.*\/again$/);
  assert.match((await publish(newcomer, '--channel', '@newcomer')).url, /^@newcomer@/);
  await node.stop();
});
