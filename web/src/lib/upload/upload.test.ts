// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { api, ApiError } from '../api/client';
import type { Companion, Job, NodeInfo, Upload } from '../api/types';
import { Link } from '../records';
import { streamBody } from '../publish/publish';
import { Draft, titleFrom, type When } from './draft.svelte';
import { follow, settled } from './follow';
import { refusalOf } from './limits';
import { isReady } from './task.svelte';

const job = (state: Job['state']): Job => ({
  id: 'j',
  state,
  playable: state === 'complete',
  stage: '',
  fraction: 0,
  speed: null,
  left_ms: null,
  rungs: [],
  code: null,
  reason: null,
  root: null,
  duration_ms: null,
  warnings: [],
});

const SOURCE = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
const ROOT = 'bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354';
const upload = (more: Partial<Upload> = {}): Upload => ({
  id: 'u',
  file_name: 'My clip.MP4',
  media_type: 'Video/MP4; codecs=x',
  size_bytes: 5,
  offset_bytes: 5,
  state: 'stored',
  created_ms: 1,
  expires_ms: null,
  source: SOURCE,
  job: job('complete'),
  root: ROOT,
  preview: null,
  companions: [],
  unfinished: false,
  damaged: false,
  claim: null,
  ...more,
});

describe('titleFrom', () => {
  it.each([
    ['my_holiday-video.final.mp4', 'my holiday video final'],
    ['IMG_0001.JPG', 'IMG 0001'],
    ['A - B.webm', 'A - B'],
    ['no extension', 'no extension'],
    ['.mp4', ''],
  ])('%s → %s', (name, title) => expect(titleFrom(name)).toBe(title));
});

describe('isReady', () => {
  const early = { ...job('running'), playable: true };
  it.each([
    ['now', job('queued'), true],
    ['playable', null, true],
    ['playable', job('none'), true],
    ['playable', job('running'), null],
    ['playable', early, true],
    ['playable', job('failed'), false],
    ['complete', early, null],
    ['complete', job('complete'), true],
    ['complete', job('failed'), false],
  ] as const)('%s, %o: %s', (when, job, ready) => expect(isReady(when, job)).toBe(ready));

  it('waits for what is still to be put into the root, if all is to be there', () => {
    const ready = (when: When) => isReady(when, job('complete'), true);
    expect([ready('now'), ready('playable'), ready('complete')]).toEqual([true, true, null]);
  });
});

describe('refusalOf', () => {
  const node = { limits: { upload_bytes: 1000, free_bytes: 500 } } as NodeInfo;
  it.each([
    [0, /empty/],
    [1001, /up to 1.0 kB/],
    [501, /500 B left/],
  ])('says why %i bytes are not taken', (size, reason) => {
    expect(refusalOf({ size }, node)).toMatch(reason);
  });
  it('takes the rest', () => {
    expect(refusalOf({ size: 500 }, node)).toBeNull();
    expect(refusalOf({ size: 5e12 }, null)).toBeNull();
  });
});

describe('streamBody', () => {
  it('holds what was written, in the form of the protocol', () => {
    const draft = new Draft('x.mp4');
    Object.assign(draft, { title: '  Fire & water ', tags: 'a, #b,, a', description: ' ', language: 'de' });
    expect(streamBody(upload(), ROOT, draft)).toEqual({
      name: 'fire-water',
      title: 'Fire & water',
      source: { cid: new Link(SOURCE), bytes: 5, media_type: 'video/mp4', file_name: 'My clip.MP4' },
      root: new Link(ROOT),
      tags: ['a', 'b'],
      language: 'de',
      visibility: 'public',
      comments: 'open',
    });
  });

  it('leaves out what can’t be seen and is refused, and cuts nothing in half', () => {
    const draft = new Draft('x.mp4');
    draft.title = '\u202egnp.exe\u202c\u0000 and\tmore';
    draft.description = 'one\r\ntwo\u0007';
    draft.tags = `a\u202e, a, ${'👍'.repeat(60)}`;
    const name = `${'👍'.repeat(300)}.mp4`;
    const body = streamBody(upload({ file_name: name }), null, draft);
    expect(body).toMatchObject({ title: 'gnp.exe\u202c  and more', description: 'one\ntwo' });
    expect(body.tags).toEqual(['a', '👍'.repeat(50)]);
    expect(body.source.file_name).toBe('👍'.repeat(255));
  });

  it('names no root that isn’t there, and no folder of the creator’s machine', () => {
    const body = streamBody(
      upload({ file_name: 'C:\\secret\\clip.mp4', media_type: '' }),
      null,
      new Draft('x.mp4'),
    );
    expect(body.root).toBeUndefined();
    expect(body.source).toMatchObject({ file_name: 'clip.mp4', media_type: 'application/octet-stream' });
  });

  it('names what lies beside the film, and has its chapters', () => {
    const beside: Companion = {
      id: 'c',
      role: 'captions',
      file_name: 'a.de.srt',
      language: 'de',
      label: 'German',
      at_ms: null,
      sent: SOURCE,
      state: 'ready',
      problem: null,
      notes: [],
      file: SOURCE,
    };
    const companions: Companion[] = [
      beside,
      { ...beside, language: null }, // A record has no place for captions in no language.
      { ...beside, state: 'failed', file: null },
      { ...beside, role: 'poster', language: null },
    ];
    const draft = new Draft('a.mp4');
    draft.description = '0:00 A\n0:10 B\n0:20 C';
    const body = streamBody(upload({ companions }), ROOT, draft);
    expect(body.captions?.map(({ language, cid }) => `${language} ${cid.toString()}`)).toEqual([
      `de ${SOURCE}`,
    ]);
    expect(body.poster?.toString()).toBe(SOURCE);
    expect(body.chapters?.map(({ at_ms }) => at_ms)).toEqual([0, 10_000, 20_000]);
  });

  it('can’t be made of half an upload', () => {
    expect(() => streamBody(upload({ source: null }), null, new Draft('x'))).toThrow();
  });
});

describe('follow', () => {
  it('knows when nothing more will happen', () => {
    expect(settled(upload())).toBe(true);
    expect(settled(upload({ job: job('failed') }))).toBe(true);
    expect(settled(upload({ job: job('running') }))).toBe(false);
    expect(settled(upload({ job: null }))).toBe(false);
    expect(settled(upload({ state: 'receiving' }))).toBe(false);
    expect(settled(upload({ unfinished: true }))).toBe(false);
    const preview = { reason: null, root: null, width: null, height: null, sizes: [] };
    expect(settled(upload({ preview: { ...preview, state: 'queued' } }))).toBe(false);
    expect(settled(upload({ preview: { ...preview, state: 'failed' } }))).toBe(true);
  });

  describe('while it lasts', () => {
    type Source = {
      url: string;
      readyState: number;
      onerror?: () => void;
      close: () => void;
      tell?: (event: { data: string }) => void;
    };
    let sources: Source[];

    beforeEach(() => {
      vi.useFakeTimers();
      sources = [];
      class FakeSource implements Source {
        static CLOSED = 2;
        readyState = 1;
        onerror?: () => void;
        tell?: (event: { data: string }) => void;
        constructor(readonly url: string) {
          sources.push(this);
        }
        close = () => (this.readyState = 2);
        addEventListener = (_: string, listener: (event: { data: string }) => void) => {
          this.tell = listener;
        };
      }
      vi.stubGlobal('EventSource', FakeSource);
    });
    afterEach(() => {
      vi.useRealTimers();
      vi.restoreAllMocks();
    });

    const failure = (status: number, code: string) => new ApiError({ status, code, title: '', detail: '' });
    const offline = failure(0, 'offline');
    const start = () => {
      const told = { upload: vi.fn(), waiting: vi.fn(), gone: vi.fn() };
      return { ...told, stop: follow('u', told) };
    };

    it('hears events, and asks only now and then', async () => {
      const asked = vi.spyOn(api, 'upload').mockResolvedValue(upload());
      const { upload: heard, stop } = start();
      sources[0]!.tell!({ data: JSON.stringify(upload({ job: job('running') })) });
      expect(heard).toHaveBeenLastCalledWith(upload({ job: job('running') }));
      await vi.advanceTimersByTimeAsync(10_000);
      expect(asked).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(10_000);
      expect(asked).toHaveBeenCalledOnce();
      stop();
    });

    it('asks when events are swallowed on the way', async () => {
      vi.spyOn(api, 'upload').mockResolvedValue(upload());
      const { upload: heard, stop } = start();
      await vi.advanceTimersByTimeAsync(3000);
      expect(heard).toHaveBeenCalledWith(upload());
      stop();
    });

    it('says that the line is down, and goes on by itself with growing pauses', async () => {
      const asked = vi.spyOn(api, 'upload').mockRejectedValue(offline);
      const { upload: heard, waiting, gone, stop } = start();
      sources[0]!.onerror!();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(waiting).toHaveBeenLastCalledWith(offline.problem);
      expect(asked.mock.calls.length).toBeGreaterThan(3);
      expect(asked.mock.calls.length).toBeLessThan(9);
      asked.mockResolvedValue(upload());
      window.dispatchEvent(new Event('online'));
      await vi.advanceTimersByTimeAsync(0);
      expect(heard).toHaveBeenCalledWith(upload());
      expect(waiting).toHaveBeenLastCalledWith(null);
      expect(gone).not.toHaveBeenCalled();
      stop();
    });

    it('listens again after a proxy’s error, which closes an event source for good', async () => {
      vi.spyOn(api, 'upload').mockRejectedValueOnce(failure(502, 'http_502')).mockResolvedValue(upload());
      const { stop } = start();
      sources[0]!.close();
      sources[0]!.onerror!();
      await vi.advanceTimersByTimeAsync(4000);
      expect(sources).toHaveLength(2);
      stop();
    });

    it('ends when the upload is gone, and when it is told to', async () => {
      const asked = vi.spyOn(api, 'upload').mockRejectedValue(failure(410, 'gone'));
      const { gone } = start();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(gone).toHaveBeenCalledOnce();
      expect(sources[0]!.readyState).toBe(2);
      expect(asked).toHaveBeenCalledOnce();
      start().stop();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(asked).toHaveBeenCalledOnce();
    });
  });
});
