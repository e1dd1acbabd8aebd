//! The verified player is MIT OR Apache-2.0, so that it can be used anywhere; so is everything that it imports.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const repository = path.join(import.meta.dirname, '../../../..');
const said = readFileSync(path.join(repository, 'LICENSES/README.md'), 'utf8');
const paragraph = /^The verified player is [^]*?\n\n|^The verified player is [^]*$/m.exec(said)?.[0] ?? '';
/** The folders and files that LICENSES/README.md names. */
const permissive = [...paragraph.matchAll(/`(web\/src\/lib\/[^`]+?)`/g)]
  .map(([, name]) => name!)
  .filter((name) => !name.endsWith('.test.ts'));

const covered = (file: string): boolean =>
  permissive.some((name) => (name.endsWith('/') ? file.startsWith(name) : file === name));

function files(): string[] {
  return permissive.flatMap((name) => {
    const at = path.join(repository, name);
    if (!statSync(at).isDirectory()) return [name];
    return readdirSync(at, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|svelte)$/.test(file) && !/\.test\.ts$/.test(file))
      .map((file) => path.posix.join(name, file));
  });
}

/** What a relative import names, with the ending that it may leave out. */
function resolve(from: string, to: string): string {
  const at = path.posix.join(path.posix.dirname(from), to);
  const endings = ['', '.ts', '/index.ts'];
  const found = endings.map((ending) => at + ending).find((file) => isFile(path.join(repository, file)));
  return found ?? at;
}

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

it('the verified player imports nothing under another licence', () => {
  expect(permissive).toContain('web/src/lib/player/');
  const imports = files().flatMap((file) => {
    const text = readFileSync(path.join(repository, file), 'utf8');
    const named = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, to]) => to!);
    return named.map((to) => ({ file, to }));
  });
  expect(imports.length).toBeGreaterThan(20);
  const foreign = imports
    .filter(({ to }) => to.startsWith('.') || to.startsWith('$lib'))
    .filter(({ file, to }) => !covered(resolve(file, to)));
  expect(foreign).toEqual([]);
});
