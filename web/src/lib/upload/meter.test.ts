import { describe, expect, it } from 'vitest';

import { Meter } from './meter';

describe('Meter', () => {
  it('says nothing before it can tell', () => {
    const meter = new Meter();
    meter.add(0, 0);
    meter.add(100, 1000);
    expect(meter.rate).toBeNull();
    expect(meter.leftMs(5000)).toBeNull();
  });

  it('averages over its window', () => {
    const meter = new Meter();
    for (let at = 0; at <= 20_000; at += 500) meter.add(at, at < 10_000 ? 0 : (at - 10_000) * 2);
    expect(meter.rate).toBeCloseTo(2000);
    expect(meter.leftMs(40_000)).toBeCloseTo(10_000);
  });

  it('begins anew when a retry goes back', () => {
    const meter = new Meter();
    meter.add(0, 5000);
    meter.add(1000, 9000);
    meter.add(2000, 4000);
    expect(meter.rate).toBeNull();
    meter.add(3000, 5000);
    expect(meter.rate).toBeCloseTo(1000);
  });
});
