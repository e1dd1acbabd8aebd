// The command line under test, with a configuration folder of its own.

import { join } from 'node:path';

import { pinreelBin } from './env.ts';
import { freshFolder } from './folders.ts';
import { type Finished, run } from './process.ts';

export interface Published {
  claim: string;
  url: string;
  watch: string;
  source: string;
  root: string | null;
  state: 'processing' | 'playable' | 'complete' | 'failed' | 'file';
  log: { index: number };
}

export interface Resolved {
  claim: string;
  url: string;
  title: string;
  source: { cid: string; bytes: number; media_type: string };
  root: string | null;
  renditions: { height: number; bandwidth: number }[];
  origins: string[];
}

export class Cli {
  readonly config: string;
  private readonly env: Record<string, string>;

  constructor(config = freshFolder('cli'), env: Record<string, string> = {}) {
    this.config = config;
    this.env = env;
  }

  run(...args: string[]): Promise<Finished> {
    return run(pinreelBin, args, {
      env: {
        XDG_CONFIG_HOME: this.config,
        XDG_STATE_HOME: join(this.config, 'state'),
        DATABASE_URL: undefined,
        ...this.env,
      },
    });
  }

  /** Runs with --json and gives the one line it answers, or throws with what it said. */
  async json<T>(...args: string[]): Promise<T> {
    const finished = await this.run(...args, '--json');
    if (finished.code !== 0) {
      throw new Error(
        `pinreel ${args.join(' ')} ended with ${finished.code}\n${finished.stdout}${finished.stderr}`,
      );
    }
    return oneLine<T>(finished.stdout);
  }
}

/** Parses output that must be exactly one line of JSON. */
export function oneLine<T>(text: string): T {
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length !== 1) throw new Error(`expected one line of JSON, got ${lines.length}:\n${text}`);
  return JSON.parse(lines[0]!) as T;
}
