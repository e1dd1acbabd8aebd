// The time that a program takes.

import { ok } from '../lib/process.ts';

export interface Took {
  /** Seconds of CPU, of the program and its children. */
  cpu: number;
  wall: number;
}

/** Runs under the shell's own accounting. */
export async function took(program: string, args: string[]): Promise<Took> {
  const command = 'TIMEFORMAT="took %U %S %R"; time "$0" "$@"';
  const { stderr } = await ok('bash', ['-c', command, program, ...args], { timeoutMs: 900_000 });
  const [, user, system, wall] = /took ([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(stderr.trim()) ?? [];
  return { cpu: Number(user) + Number(system), wall: Number(wall) };
}
