// What a benchmark answers, and how it is taken: ours and the peer's in turn, the median of the pairs' ratios.

export interface Comparison {
  name: string;
  ours: number;
  peer: number;
  unit: string;
  ratio: number;
  goal: string;
  ok: boolean;
  /** What the figures are, and how noisy the machine was. */
  note: string;
}

export interface Plan {
  name: string;
  unit: string;
  goal: string;
  note: string;
  pairs: number;
  ours: () => Promise<number>;
  peer: () => Promise<number>;
  reached: (ratio: number) => boolean;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export async function compare(plan: Plan): Promise<Comparison> {
  const ours: number[] = [];
  const peer: number[] = [];
  await plan.ours();
  await plan.peer();
  for (let n = 0; n < plan.pairs; n += 1) {
    ours.push(await plan.ours());
    peer.push(await plan.peer());
  }
  const ratios = ours.map((value, n) => value / peer[n]!);
  const ratio = median(ratios);
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  return {
    name: plan.name,
    ours: median(ours),
    peer: median(peer),
    unit: plan.unit,
    ratio,
    goal: plan.goal,
    ok: plan.reached(ratio),
    note: `${plan.note}; ${plan.pairs} pairs, ratios ${spread}`,
  };
}

/** CPU seconds, user and system, that a process and its ended children have used. */
export function cpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const TICKS_PER_SECOND = 100;
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
