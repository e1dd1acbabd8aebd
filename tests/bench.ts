// Benchmarks against peers, both sides in the same run. `ratio` is ours over the peer's; a goal says which way is good.

import { car, gateway, gatewaySmall } from './bench/gateway.ts';
import { importing } from './bench/import.ts';
import { firstSegment, ladder } from './bench/ladder.ts';
import { memory } from './bench/memory.ts';
import { mutations } from './bench/mutations.ts';
import { quality } from './bench/quality.ts';
import { idleReaders, slowReaders } from './bench/readers.ts';
import { remux } from './bench/remux.ts';
import { coldStart } from './bench/start.ts';
import type { Comparison } from './bench/compare.ts';

const usual: Record<string, () => Promise<Comparison[]>> = {
  import: importing,
  gateway,
  'gateway-small': gatewaySmall,
  car,
  'slow-readers': slowReaders,
  'idle-readers': idleReaders,
  'cold-start': coldStart,
  ladder,
  'first-segment': firstSegment,
  remux,
};
/** Those that take long run only by name. */
const all: typeof usual = { ...usual, memory, quality, mutations };

const args = process.argv.slice(2);
const json = args.includes('--json');
const names = args.filter((arg) => !arg.startsWith('--'));
const unknown = names.filter((name) => !(name in all));
if (unknown.length > 0) {
  console.error(
    `There is no benchmark named ${unknown.join(', ')}; there are: ${Object.keys(all).join(', ')}`,
  );
  process.exit(2);
}

let missed = false;
for (const chosen of names.length > 0 ? names : Object.keys(usual)) {
  for (const result of await all[chosen]!()) {
    missed ||= !result.ok;
    console.log(json ? JSON.stringify(result) : line(result));
  }
}
process.exit(missed ? 1 : 0);

function line({ name, ours, peer, unit, ratio, goal, ok, note }: Comparison): string {
  const shown = (value: number) => `${value.toPrecision(4)} ${unit}`;
  const verdict = ok ? 'ok' : 'MISSED';
  return `${name}  ours ${shown(ours)}  peer ${shown(peer)}  ratio ${ratio.toFixed(2)}  goal ${goal}  ${verdict}  (${note})`;
}
