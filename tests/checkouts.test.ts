// `bin/pinreel` runs what its own checkout says now, though all checkouts share a target folder. With a cargo that only
// writes down which checkout it was asked to build: what is under test are the scripts.

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { freshFolder } from './lib/folders.ts';
import { ok, run } from './lib/process.ts';

const scripts = join(import.meta.dirname, '../bin');
const SOURCES = ['.cargo', 'crates', 'server', 'transcoder', 'migrations', 'vendor'];

function script(path: string, text: string): void {
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

/** Commands that stand in for the real ones; `cargo` makes programs that say what they were built from. */
function fakeTools(): string {
  const folder = freshFolder('tools');
  script(
    join(folder, 'cargo'),
    `root=$(pwd)
     if grep -q broken "$root/server/main.rs"; then echo "error: broken" >&2; exit 101; fi
     echo built >>"$root/builds"
     mkdir -p "$CARGO_TARGET_DIR/release"
     for program in pinreel pinreel-transcoder; do
       rm -f "$CARGO_TARGET_DIR/release/$program"
       printf '#!/bin/sh\\necho "%s" "$@"\\n' "$(cat "$root/server/main.rs")" >"$CARGO_TARGET_DIR/release/$program"
       chmod +x "$CARGO_TARGET_DIR/release/$program"
     done`,
  );
  script(join(folder, 'rustc'), 'echo rustc 1.99.0');
  script(join(folder, 'dpkg-query'), 'echo install ok installed');
  return folder;
}

class Checkout {
  readonly root = freshFolder('checkout');
  readonly env: Record<string, string | undefined>;

  constructor(env: Record<string, string | undefined>) {
    this.env = env;
    mkdirSync(join(this.root, 'bin/lib'), { recursive: true });
    for (const file of ['pinreel', 'lib/setup.sh']) {
      copyFileSync(join(scripts, file), join(this.root, 'bin', file));
    }
    for (const folder of SOURCES) mkdirSync(join(this.root, folder));
    for (const file of ['Cargo.toml', 'Cargo.lock']) writeFileSync(join(this.root, file), '');
  }

  source(text: string): void {
    writeFileSync(join(this.root, 'server/main.rs'), text);
  }

  async says(): Promise<string> {
    const { stdout } = await ok(join(this.root, 'bin/pinreel'), ['hello'], { env: this.env });
    return stdout.trim();
  }

  builds(): number {
    return readFileSync(join(this.root, 'builds'), 'utf8').trim().split('\n').length;
  }
}

test('bin/pinreel runs its own checkout, as it is now', async () => {
  const home = freshFolder('home');
  const env = {
    HOME: home,
    PATH: `${fakeTools()}:${process.env['PATH']}`,
    CARGO_TARGET_DIR: join(home, 'target'),
    PINREEL_CACHE: join(home, 'cache'),
  };
  const [one, two] = [new Checkout(env), new Checkout(env)];
  one.source('one');
  two.source('two');
  assert.equal(await one.says(), 'one hello');
  assert.equal(await two.says(), 'two hello');
  assert.equal(await one.says(), 'one hello', 'another checkout was built last');
  const quiet = await run(join(one.root, 'bin/pinreel'), ['again'], { env });
  assert.deepEqual([quiet.stdout, quiet.stderr], ['one again\n', '']);
  assert.deepEqual([one.builds(), two.builds()], [1, 1], 'nothing changed, nothing is built');

  one.source('pulled');
  assert.deepEqual(await Promise.all([one.says(), one.says(), two.says()]), [
    'pulled hello', 'pulled hello', 'two hello',
  ]); // prettier-ignore
  assert.deepEqual([one.builds(), two.builds()], [2, 1], 'two at once build once');

  one.source('broken');
  const broken = await run(join(one.root, 'bin/pinreel'), ['hello'], { env });
  assert.deepEqual([broken.code, broken.stdout], [1, ''], 'never the program from before');
});
