// Folders that live as long as one test file.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// One listener a folder and a process: a file of tests has many.
process.setMaxListeners(0);

/** A fresh folder, removed when the test file ends. Others may pass through it: Postgres runs as another user. */
export function freshFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `pinreel-${name}-`));
  chmodSync(folder, 0o711);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 20 }));
  return folder;
}
