import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { HlsConfig, LoaderCallbacks, LoaderConfiguration, LoaderContext } from 'hls.js';

import { build, dead, fetcher, honest, lying, type Origin } from './fixture';
import { pathOf, verifyingLoader, VIRTUAL_BASE } from './loader';
import { Origins } from './origins';
import { VerifiedTree } from './tree';

let built: Awaited<ReturnType<typeof build>>;
beforeAll(async () => {
  built = await build({
    'master.m3u8': new TextEncoder().encode('#EXTM3U'),
    v720: { 'seg-00000.m4s': new Uint8Array(9) },
  });
});

const HERE = 'http://here/ipfs/root';

function load(origin: Origin, url: string, responseType = 'arraybuffer', more: object = {}) {
  const events = { checked: vi.fn(), refused: vi.fn(), dropped: vi.fn() };
  const tree = new VerifiedTree(built.cid.toString(), new Origins([HERE], fetcher({ [HERE]: origin }).fetch));
  const Loader = verifyingLoader(tree, events);
  const loader = new Loader({} as HlsConfig);
  type Answer = { data?: unknown; code?: number | undefined };
  const answer = new Promise<Answer>((resolve) => {
    const callbacks = {
      onSuccess: (response: Answer) => resolve(response),
      onError: (error: Answer) => resolve(error),
      onTimeout: () => resolve({ code: -1 }),
      onAbort: () => resolve({ code: -2 }),
    } as unknown as LoaderCallbacks<LoaderContext>;
    loader.load({ url, responseType, ...more } as LoaderContext, {} as LoaderConfiguration, callbacks);
  });
  return { answer, events, loader };
}

describe('verifyingLoader', () => {
  it('hands a playlist over as text and a segment as bytes', async () => {
    const playlist = await load(honest(built), `${VIRTUAL_BASE}master.m3u8`, '').answer;
    expect(playlist.data).toBe('#EXTM3U');
    const { answer, events, loader } = load(honest(built), `${VIRTUAL_BASE}v720/seg-00000.m4s`);
    expect((await answer).data).toBeInstanceOf(ArrayBuffer);
    expect(events.checked).toHaveBeenCalledOnce();
    expect(loader.stats.loaded).toBe(9);
  });

  it('refuses a flipped byte: the player is told where it is, hls.js gets no answer at all', async () => {
    const url = `${VIRTUAL_BASE}v720/seg-00000.m4s`;
    const frag = { sn: 0, start: 8, duration: 2 };
    const { answer, events, loader } = load(lying(built, '/v720/seg-00000.m4s'), url, 'arraybuffer', {
      frag,
    });
    await vi.waitFor(() => expect(events.refused).toHaveBeenCalledOnce());
    expect(events.refused.mock.calls[0]).toMatchObject(['v720/seg-00000.m4s', {}, { from: 8, to: 10 }]);
    expect(events.checked).not.toHaveBeenCalled();
    expect(await Promise.race([answer, 'none'])).toBe('none');
    loader.abort();
    expect((await answer).code).toBe(-2);
    expect(events.dropped).toHaveBeenCalledWith('v720/seg-00000.m4s');
  });

  it('says that everything depends on what is no segment', async () => {
    const lie = lying(built, '/master.m3u8');
    const { events } = load(lie, `${VIRTUAL_BASE}master.m3u8`, '');
    await vi.waitFor(() => expect(events.refused).toHaveBeenCalledOnce());
    expect(events.refused.mock.calls[0]![2]).toBeNull();
  });

  it('lets hls.js retry what is merely down', async () => {
    const { answer, events } = load(dead, `${VIRTUAL_BASE}master.m3u8`, '');
    expect((await answer).code).toBe(503);
    expect(events.refused).not.toHaveBeenCalled();
  });

  it('fetches nothing from outside of the root', async () => {
    const { events } = load(honest(built), 'http://elsewhere/master.m3u8', '');
    await vi.waitFor(() => expect(events.refused).toHaveBeenCalled());
    expect(events.refused).toHaveBeenCalledOnce();
  });

  it('says nothing more once it is aborted', async () => {
    const { answer, loader } = load(honest(built), `${VIRTUAL_BASE}master.m3u8`, '');
    loader.abort();
    expect((await answer).code).toBe(-2);
    expect(loader.stats.aborted).toBe(true);
  });
});

describe('pathOf', () => {
  it.each([
    ['master.m3u8', 'master.m3u8'],
    ['v720/seg-00000.m4s', 'v720/seg-00000.m4s'],
    ['a%20b.m4s', 'a b.m4s'],
    ['', null],
    ['../x', null],
    ['v720/../x', null],
    ['a?b', null],
    ['a#b', null],
    ['/a', null],
    ['a//b', null],
  ])('%s → %s', (path, expected) => {
    expect(pathOf({ url: VIRTUAL_BASE + path })).toBe(expected);
  });

  it('takes no byte ranges, which could not be checked', () => {
    expect(pathOf({ url: `${VIRTUAL_BASE}a.m4s`, rangeEnd: 9 })).toBeNull();
  });
});
