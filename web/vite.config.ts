// The build: two things are not Vite's defaults. hls.js is compiled from its own source with the features
// that Pinreel doesn't use compiled out, and each asset gets its .br and .gz beside it for the server.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

import { hlsFromSource } from './scripts/hls-source.ts';

const here = import.meta.dirname;

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), hlsFromSource(), compressed()],
  resolve: {
    alias: { $lib: path.join(here, 'src/lib') },
    ...(mode === 'test' ? { conditions: ['browser'] } : {}),
  },
  html: { cspNonce: '{{nonce}}' },
  build: {
    target: 'es2022',
    manifest: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: devProxy() },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
}));

function devProxy() {
  const target = process.env.PINREEL_NODE ?? 'http://127.0.0.1:8080';
  return Object.fromEntries(['/api', '/ipfs', '/healthz'].map((at) => [at, { target, changeOrigin: false }]));
}

/** Writes `.br` and `.gz` next to each asset that shrinks, once the bundle is on disk. */
function compressed(): Plugin {
  const brotli = promisify(brotliCompress);
  const zip = promisify(gzip);
  return {
    name: 'compressed',
    apply: 'build',
    async writeBundle(options) {
      const assets = path.join(options.dir ?? path.join(here, 'dist'), 'assets');
      for (const name of await readdir(assets)) {
        if (!/\.(js|css|svg|json|webmanifest)$/.test(name)) continue;
        const file = path.join(assets, name);
        const bytes = await readFile(file);
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
        await writeFile(`${file}.br`, await brotli(bytes, { params }));
        await writeFile(`${file}.gz`, await zip(bytes, { level: 9 }));
      }
    },
  };
}
