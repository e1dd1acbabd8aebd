import { beforeAll, describe, expect, it, vi } from 'vitest';

import { build, dead, fetcher, honest, LEAF, lying, type Origin, silent, type Tree } from './fixture';
import { HEDGE_AFTER_MS, NoOrigin, Origins } from './origins';
import { checkedFile, isRefusal, VerifiedTree } from './tree';

const noise = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => (i * seed + (i >> 8)) % 256);
const CONTENT: Tree = {
  'master.m3u8': new TextEncoder().encode('#EXTM3U\n'),
  v720: {
    'init.mp4': noise(700, 3),
    'seg-00000.m4s': noise(50_000, 5),
    'seg-00001.m4s': noise(2 * LEAF + 77, 7),
    'seg-00002.m4s': new Uint8Array(0),
  },
};

let built: Awaited<ReturnType<typeof build>>;
beforeAll(async () => void (built = await build(CONTENT)));

const HERE = 'http://here/ipfs/root';
const THERE = 'http://there/ipfs/root';

function treeOver(origins: Record<string, Origin>) {
  const { fetch, asked } = fetcher(origins);
  const list = new Origins(Object.keys(origins), fetch);
  return { tree: new VerifiedTree(built.cid.toString(), list), list, asked };
}

const faultOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('it was accepted'),
    (error: unknown) => error,
  );

describe('VerifiedTree', () => {
  it.each(['master.m3u8', 'v720/init.mp4', 'v720/seg-00000.m4s', 'v720/seg-00001.m4s', 'v720/seg-00002.m4s'])(
    'gives %s as it was published',
    async (path) => {
      const { tree } = treeOver({ [HERE]: honest(built) });
      const file = await tree.file(path);
      expect(Buffer.from(file.bytes).equals(built.answers.get(`/${path}`)!)).toBe(true);
      expect(file.base).toBe(HERE);
    },
  );

  it('gives the poster of a root that has one, checked', async () => {
    const { tree } = treeOver({ [HERE]: honest(built) });
    expect(await tree.poster()).toBeNull();
    const pictured = await build({ 'poster.jpg': noise(99, 3) });
    const over = (origin: Origin) =>
      new VerifiedTree(pictured.cid.toString(), new Origins([HERE], fetcher({ [HERE]: origin }).fetch));
    expect((await over(honest(pictured)).poster())?.bytes.length).toBe(99);
    expect(isRefusal(await faultOf(over(lying(pictured, '/poster.jpg')).poster()))).toBe(true);
  });

  it('counts the leaves and the node of a large file', async () => {
    const { tree } = treeOver({ [HERE]: honest(built) });
    expect((await tree.file('v720/seg-00001.m4s')).blocks).toBe(4);
  });

  const flips: [string, string, number][] = [
    ['v720/seg-00000.m4s', '/v720/seg-00000.m4s', 49_999],
    ['v720/seg-00001.m4s', '/v720/seg-00001.m4s', 2 * LEAF + 76],
    ['v720/seg-00001.m4s', '/v720/seg-00001.m4s?format=raw', 20],
    ['v720/seg-00000.m4s', '/v720?format=raw', 8],
    ['v720/seg-00000.m4s', '?format=raw', 8],
    ['master.m3u8', '/master.m3u8', 0],
  ];
  it.each(flips)('refuses %s when one bit of %s at %i is flipped', async (path, where, at) => {
    const { tree } = treeOver({ [HERE]: lying(built, where, at) });
    const fault = await faultOf(tree.file(path));
    expect(fault).toBeInstanceOf(NoOrigin);
    expect(isRefusal(fault)).toBe(true);
  });

  it.each(flips)(
    'takes %s from the next origin when %s at %i is wrong at the first',
    async (path, where, at) => {
      const { tree, list } = treeOver({ [HERE]: lying(built, where, at), [THERE]: honest(built) });
      const file = await tree.file(path);
      expect(Buffer.from(file.bytes).equals(built.answers.get(`/${path}`)!)).toBe(true);
      expect(list.ranked()[0]!.base).toBe(THERE);
    },
  );

  it('refuses bytes that were cut short or made longer', async () => {
    for (const change of [(b: Uint8Array) => b.slice(1), (b: Uint8Array) => Uint8Array.of(...b, 0)]) {
      const origin: Origin = (path, signal) =>
        path === '/v720/init.mp4'
          ? new Response(Uint8Array.from(change(built.answers.get(path)!)))
          : honest(built)(path, signal);
      expect(isRefusal(await faultOf(treeOver({ [HERE]: origin }).tree.file('v720/init.mp4')))).toBe(true);
    }
  });

  it('refuses a path that the root does not name', async () => {
    const { tree } = treeOver({ [HERE]: () => new Response('anything') });
    expect(isRefusal(await faultOf(tree.file('v720/evil.m4s')))).toBe(true);
    const right = treeOver({ [HERE]: honest(built) });
    expect(isRefusal(await faultOf(right.tree.file('v720/evil.m4s')))).toBe(true);
  });

  it('calls a dead origin dead, not a liar', async () => {
    const fault = await faultOf(treeOver({ [HERE]: dead }).tree.file('master.m3u8'));
    expect(fault).toBeInstanceOf(NoOrigin);
    expect(isRefusal(fault)).toBe(false);
  });

  it('tries again after the line was down', async () => {
    let up = false;
    const { tree } = treeOver({ [HERE]: (path, signal) => (up ? honest(built) : dead)(path, signal) });
    await faultOf(tree.file('v720/init.mp4'));
    up = true;
    expect((await tree.file('v720/init.mp4')).bytes.length).toBe(700);
  });

  it('remembers who lied and asks the other one first', async () => {
    const { tree, asked } = treeOver({
      [HERE]: lying(built, '/v720/seg-00000.m4s'),
      [THERE]: honest(built),
    });
    await tree.file('v720/seg-00000.m4s');
    asked.length = 0;
    await tree.file('v720/init.mp4');
    expect(asked).toEqual([`${THERE}/v720/init.mp4`]);
  });

  it('asks past the browser’s cache when nobody is right: it may hold an old lie', async () => {
    const asked: (RequestCache | undefined)[] = [];
    const { fetch: lie } = fetcher({ [HERE]: lying(built, '/v720/init.mp4') });
    const { fetch: truth } = fetcher({ [HERE]: honest(built) });
    const cached: typeof fetch = (input, init) => {
      if (String(input).endsWith('/init.mp4')) asked.push(init?.cache);
      return init?.cache === 'reload' ? truth(input, init) : lie(input, init);
    };
    const origins = new Origins([HERE], cached);
    const file = await new VerifiedTree(built.cid.toString(), origins).file('v720/init.mp4');
    expect(file.bytes.length).toBe(700);
    expect(asked).toEqual(['default', 'reload']);
    expect(origins.reports[0]).toMatchObject({ wrong: 1 });
  });

  it('asks a second origin when the first is slow to begin, and stops the loser', async () => {
    vi.useFakeTimers();
    try {
      let aborted = false;
      const slow: Origin = (path, signal) => {
        signal.addEventListener('abort', () => (aborted = true));
        return silent(path, signal);
      };
      const { tree, asked } = treeOver({ [HERE]: slow, [THERE]: honest(built) });
      const file = tree.file('master.m3u8');
      await vi.advanceTimersByTimeAsync(HEDGE_AFTER_MS - 1);
      expect(asked.some((url) => url.startsWith(THERE))).toBe(false);
      await vi.advanceTimersByTimeAsync(2);
      await vi.waitFor(async () => expect((await file).base).toBe(THERE));
      expect(aborted).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const { tree } = treeOver({ [HERE]: silent });
    const file = faultOf(tree.file('master.m3u8', { signal: stop.signal }));
    stop.abort();
    expect(await file).toMatchObject({ name: 'AbortError' });
  });

  it('takes no root that is a file, and nothing that is not a CID', () => {
    const list = new Origins([HERE]);
    expect(
      () => new VerifiedTree('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku', list),
    ).toThrow();
    expect(() => new VerifiedTree('not a cid', list)).toThrow();
  });
});

describe('checkedFile', () => {
  it('checks a file that stands alone', async () => {
    const alone = await build(noise(LEAF + 5, 11));
    const right = new Origins([HERE], fetcher({ [HERE]: honest(alone) }).fetch);
    expect((await checkedFile(alone.cid.toString(), right)).bytes.length).toBe(LEAF + 5);
    const wrong = new Origins([HERE], fetcher({ [HERE]: lying(alone, '', LEAF) }).fetch);
    expect(isRefusal(await faultOf(checkedFile(alone.cid.toString(), wrong)))).toBe(true);
  });
});
