// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { api } from '../api/client';
import type { Claim } from '../api/types';
import { followClaim, paceOf } from './follow';

const claim = (state: string, root: string | null = null, preview?: string): Claim =>
  ({ claim: 'c', root, job: { state }, preview: preview ? { state: preview } : null }) as unknown as Claim;

describe('the pace of looks', () => {
  it.each([
    [claim('running'), false, 2000],
    [claim('running'), true, 5000],
    [claim('none', null, 'queued'), false, 2000],
    [claim('failed'), false, 30_000],
    [claim('failed', 'bafyroot'), true, null],
    [claim('complete', 'bafyroot'), true, null],
    [claim('none', null, 'failed'), false, null],
  ])('%# is as calm as what is awaited', (shown, playing, paceMs) => {
    expect(paceOf(shown, playing)).toBe(paceMs);
  });
});

describe('what is given up', () => {
  let visibility: DocumentVisibilityState;
  const show = (state: DocumentVisibilityState) => {
    visibility = state;
    document.dispatchEvent(new Event('visibilitychange'));
  };
  const asks = vi.spyOn(api, 'claim');

  beforeEach(() => {
    vi.useFakeTimers();
    visibility = 'visible';
    vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visibility);
    asks.mockReset().mockResolvedValue(claim('running'));
  });
  afterEach(() => vi.useRealTimers());

  it('is asked for every half minute, and what became of it is told', async () => {
    const onlook = vi.fn();
    const stop = followClaim('c', 30_000, onlook);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(asks).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(onlook).toHaveBeenCalledExactlyOnceWith(claim('running'));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asks).toHaveBeenCalledTimes(2);
    stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asks).toHaveBeenCalledTimes(2);
  });

  it('waits until somebody sees the tab', async () => {
    show('hidden');
    const stop = followClaim('c', 30_000, () => undefined);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(asks).not.toHaveBeenCalled();
    show('visible');
    await vi.advanceTimersByTimeAsync(0);
    expect(asks).toHaveBeenCalledTimes(1);
    stop();
  });

  it('is asked for no more once it is stopped, seen or not', async () => {
    show('hidden');
    const stop = followClaim('c', 30_000, () => undefined);
    await vi.advanceTimersByTimeAsync(30_000);
    stop();
    show('visible');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asks).not.toHaveBeenCalled();
  });
});
