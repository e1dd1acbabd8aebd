import { expect, it } from 'vitest';

import { captionsIn, chapterAt, chaptersIn } from './texts';

it('finds captions in a master playlist', () => {
  const line = (rest: string) =>
    `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",${rest},DEFAULT=NO,AUTOSELECT=YES,FORCED=NO`;
  const master = [
    '#EXTM3U',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",URI="a0/media.m3u8"',
    `${line('NAME="German, for all",LANGUAGE="de"')},URI="s0/media.m3u8"`,
    `${line('NAME="Subtitles"')},URI="s12/media.m3u8"`,
    `${line('NAME="elsewhere"')},URI="https://example.org/media.m3u8"`,
    `${line('NAME="above"')},URI="../s0/media.m3u8"`,
    `${line('LANGUAGE="en"')},URI="s1/media.m3u8"`,
    `${line('NAME="again"')},URI="s0/media.m3u8"`,
    `${line('NAME="cat\u202e4pm\u0007",LANGUAGE="e n"')},URI="s2/media.m3u8"`,
  ].join('\n');
  expect(captionsIn(master)).toEqual([
    { label: 'German, for all', language: 'de', path: 's0/captions.vtt' },
    { label: 'Subtitles', language: '', path: 's12/captions.vtt' },
    { label: 'cat4pm', language: '', path: 's2/captions.vtt' },
  ]);
});

it('reads chapters, and knows which one it is', () => {
  const chapters = chaptersIn(
    '[{"start_ms":60000,"end_ms":90000,"title":"B"},{"start_ms":0,"title":"A"},{"title":1},null]',
  );
  expect(chapters).toEqual([
    { at: 0, title: 'A' },
    { at: 60, title: 'B' },
  ]);
  expect([0, 59, 60, 100].map((time) => chapterAt(chapters, time)?.title)).toEqual(['A', 'A', 'B', 'B']);
  expect(chapterAt([{ at: 5, title: 'late' }], 1)).toBeUndefined();
  for (const wrong of ['', '{', '{}', '"x"', 'null']) expect(chaptersIn(wrong)).toEqual([]);
});

it('shows hostile chapters as they read, each time once', () => {
  const chapters = chaptersIn(
    JSON.stringify([
      { start_ms: 2000, title: 'cat\u202e4pm\u2066.\u061c' },
      { start_ms: 2000, title: 'again' },
      { start_ms: 1000, title: 'x'.repeat(1_000_000) },
      { start_ms: -1, title: 'before' },
    ]).replace('-1', '-1e999'),
  );
  expect(chapters).toEqual([
    { at: 1, title: 'x'.repeat(200) },
    { at: 2, title: 'cat4pm.' },
  ]);
  const many = Array.from({ length: 1001 }, (_, start_ms) => ({ start_ms, title: '' }));
  expect(chaptersIn(JSON.stringify(many))).toHaveLength(1000);
});
