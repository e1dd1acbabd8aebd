// A Vite plugin that compiles hls.js from its own source, with the features that Pinreel doesn't use compiled
// out: its published bundles are either "light" (no alternate audio, which our streams need) or everything.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Plugin } from 'vite';

const root = path.dirname(createRequire(import.meta.url).resolve('hls.js/package.json'));
const version = (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string })
  .version;

/** hls.js's own build flags. Our audio is a rendition of its own; captions are native tracks on the page. */
const features = {
  __VERSION__: JSON.stringify(version),
  __USE_ALT_AUDIO__: 'true',
  __USE_SUBTITLES__: 'false',
  __USE_EME_DRM__: 'false',
  __USE_CMCD__: 'false',
  __USE_CONTENT_STEERING__: 'false',
  __USE_VARIABLE_SUBSTITUTION__: 'false',
  __USE_M2TS_ADVANCED_CODECS__: 'false',
  __USE_MEDIA_CAPABILITIES__: 'false',
  __USE_INTERSTITIALS__: 'false',
  __USE_IFRAMES__: 'false',
};

/** Imported whatever the flags say: what a playlist of CMAF segments that the page itself fetches never needs. */
const never = [
  /\/controller\/(eme|cmcd|content-steering|interstitials|iframe|timeline|subtitle-track|subtitle-stream|id3-track)-controller$/,
  /\/demux\/(tsdemuxer|audio\/(aacdemuxer|mp3demuxer|ac3-demuxer))$/,
  /\/remux\/(aac-helper|mp4-generator)$/,
  // Our streams are in the clear.
  /\/crypt\/aes-decryptor$/,
  // Its own loaders: with them gone, no byte can reach the element but through ours.
  /\/utils\/(xhr|fetch)-loader$/,
  /\/utils\/(imsc1-ttml-parser|webvtt-parser|cues)$/,
];

/** Makes fragments out of other formats; the module is kept for the helpers that CMAF's way through needs too. */
const remuxesOther = (at: string, importer: string): boolean =>
  at.endsWith('/remux/mp4-remuxer') && importer.endsWith('/demux/transmuxer.ts');

export function hlsFromSource(): Plugin {
  const empty = '\0hls-unused.cjs';
  return {
    name: 'hls-from-source',
    enforce: 'pre',
    config: () => ({ define: features, optimizeDeps: { exclude: ['hls.js'] } }),
    async resolveId(id, importer) {
      if (id === 'hls.js') return { id: path.join(root, 'src/hls.ts'), moduleSideEffects: false };
      if (!importer?.startsWith(root) || !id.startsWith('.')) return null;
      const at = path.join(path.dirname(importer), id);
      if (never.some((pattern) => pattern.test(at)) || remuxesOther(at, importer))
        return { id: empty, moduleSideEffects: false };
      const found = await this.resolve(id, importer, { skipSelf: true });
      return found && { ...found, moduleSideEffects: false };
    },
    load: (id) => (id === empty ? 'module.exports = {};' : null),
  };
}
