// Holds the built app to its byte budgets: the gzipped JavaScript and CSS that a page loads before it shows its first
// frame or its content, as the manifest's graph of static imports plus the parts that the page asks for at once.
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

interface Chunk {
  file: string;
  imports?: string[];
  dynamicImports?: string[];
  css?: string[];
  isEntry?: boolean;
}

const dist = path.join(import.meta.dirname, '../dist');
const manifest = JSON.parse(readFileSync(path.join(dist, '.vite/manifest.json'), 'utf8')) as Record<
  string,
  Chunk
>;
const KB = 1000;

/** Page → the modules that it loads at once beside the entry, and its bar for JavaScript. */
const PAGES: Record<string, { modules: string[]; bar: number }> = {
  home: { modules: ['src/pages/Home.svelte'], bar: 60 * KB },
  watch: { modules: ['src/pages/Watch.svelte'], bar: 160 * KB },
  upload: { modules: ['src/pages/Upload.svelte'], bar: 90 * KB },
};
const CSS_BAR = 20 * KB;

function closure(start: string[]): Set<string> {
  const seen = new Set<string>();
  const waiting = [...start];
  for (let key = waiting.pop(); key; key = waiting.pop()) {
    if (seen.has(key)) continue;
    const chunk = manifest[key];
    if (!chunk) throw new Error(`${key} is not in the manifest: has it been renamed?`);
    seen.add(key);
    waiting.push(...(chunk.imports ?? []));
  }
  return seen;
}

const zipped = (file: string): number => statSync(path.join(dist, `${file}.gz`)).size;
const sum = (files: Iterable<string>): number =>
  [...new Set(files)].reduce((total, file) => total + zipped(file), 0);

let over = false;
function report(what: string, bytes: number, bar: number): void {
  const fine = bytes <= bar;
  over ||= !fine;
  console.log(
    `${fine ? 'ok  ' : 'OVER'} ${what.padEnd(12)} ${(bytes / KB).toFixed(1).padStart(6)} KB of ${bar / KB}`,
  );
}

for (const [page, { modules, bar }] of Object.entries(PAGES)) {
  const chunks = [...closure(['index.html', ...modules])].map((key) => manifest[key]!);
  report(`${page} js`, sum(chunks.map((chunk) => chunk.file)), bar);
  report(`${page} css`, sum(chunks.flatMap((chunk) => chunk.css ?? [])), CSS_BAR);
}
process.exitCode = over ? 1 : 0;
