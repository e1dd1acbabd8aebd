// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';

import { api, ApiError } from '../api/client';
import type { Job, NodeInfo, Upload } from '../api/types';
import { Link } from '../records';
import { streamBody } from '../publish/publish';
import { Draft, titleFrom } from './draft.svelte';
import { follow, settled } from './follow';
import { refusalOf } from './limits';

const job = (state: Job['state']): Job => ({
  id: 'j',
  state,
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

  it('names no root that isn’t there, and no folder of the creator’s machine', () => {
    const body = streamBody(
      upload({ file_name: 'C:\\secret\\clip.mp4', media_type: '' }),
      null,
      new Draft('x.mp4'),
    );
    expect(body.root).toBeUndefined();
    expect(body.source).toMatchObject({ file_name: 'clip.mp4', media_type: 'application/octet-stream' });
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
  });

  it('polls when events don’t come, until the upload is gone', async () => {
    const sources: { onerror?: () => void; close: () => void }[] = [];
    vi.stubGlobal(
      'EventSource',
      class {
        onerror?: () => void;
        close = vi.fn();
        addEventListener = vi.fn();
        constructor() {
          sources.push(this);
        }
      },
    );
    vi.spyOn(api, 'upload').mockRejectedValue(
      new ApiError({ status: 410, code: 'gone', title: '', detail: '' }),
    );
    const gone = new Promise((resolve) => follow('u', { upload: vi.fn(), gone: resolve }));
    sources[0]!.onerror!();
    sources[0]!.onerror!();
    expect(await gone).toMatchObject({ code: 'gone' });
    expect(sources[0]!.close).toHaveBeenCalled();
  });
});
