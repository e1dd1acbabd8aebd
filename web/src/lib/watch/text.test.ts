import { describe, expect, it } from 'vitest';

import { build, fetcher, honest, LEAF, lying } from '../player/fixture';
import { Origins } from '../player/origins';
import { isRefusal } from '../player/tree';
import { beginningOf, cut, isText, SHOWN_BYTES } from './text';

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('the beginning of a text', () => {
  it('is whole when it is short, and cut between characters when it is long', () => {
    expect(cut(utf8('Grüße\n'), false)).toEqual({ text: 'Grüße\n', more: false });
    const long = cut(utf8('a' + 'ü'.repeat(SHOWN_BYTES)), false);
    expect(long.more).toBe(true);
    expect(long.text).toBe('a' + 'ü'.repeat(SHOWN_BYTES / 2 - 1));
    expect(cut(new Uint8Array([0xff, 0xfe, 0x41, 0, 0xfc, 0]), false).text).toBe('Aü');
    expect(cut(new Uint8Array(0), false)).toEqual({ text: '', more: false });
  });

  it('comes out of checked blocks', async () => {
    const short = await build(utf8('Hello'));
    const { fetch } = fetcher({ here: honest(short) });
    expect(await beginningOf(short.cid.toString(), () => new Origins(['here'], fetch))).toEqual({
      text: 'Hello',
      more: false,
    });

    const bytes = utf8('x'.repeat(2 * LEAF));
    const long = await build(bytes);
    const leaf = await build(bytes.subarray(0, LEAF));
    const answers = fetcher({ file: honest(long), leaf: honest(leaf) });
    const origins = (cid: string) =>
      new Origins([cid === long.cid.toString() ? 'file' : 'leaf'], answers.fetch);
    const { text, more } = await beginningOf(long.cid.toString(), origins);
    expect([text.length, more]).toEqual([SHOWN_BYTES, true]);
  });

  it('is refused when the bytes are others', async () => {
    const file = await build(utf8('Hello'));
    const { fetch } = fetcher({ here: lying(file, '') });
    const error = await beginningOf(file.cid.toString(), () => new Origins(['here'], fetch)).catch(
      (thrown: unknown) => thrown,
    );
    expect(isRefusal(error)).toBe(true);
  });

  it('is shown of texts alone', () => {
    for (const type of ['text/plain', 'text/markdown', 'text/xml', 'application/json'])
      expect(isText(type)).toBe(true);
    for (const type of ['image/svg+xml', 'application/pdf', 'application/zip', 'texts/plain'])
      expect(isText(type)).toBe(false);
  });
});
