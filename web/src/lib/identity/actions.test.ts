// @vitest-environment happy-dom
import 'fake-indexeddb/auto';

import { beforeEach, describe, expect, it, vi } from 'vitest';

import { api } from '../api/client';
import { createChannel } from './actions';
import { keys } from './store';

const taken = new Set(['ada', 'ada-2', 'ada-3']);

beforeEach(() => {
  vi.restoreAllMocks();
  vi.spyOn(api, 'handle').mockImplementation(async (handle) => ({ handle, free: !taken.has(handle) }));
});

describe('createChannel', () => {
  it('founds nothing for a handle that is taken, and names one that is free', async () => {
    const append = vi.spyOn(api, 'appendRecord');
    await expect(createChannel({ handle: 'Ada', name: 'Ada' })).rejects.toMatchObject({
      code: 'handle_taken',
      problem: {
        suggestion: 'ada-4',
        detail: '@ada, or one that looks like it, belongs to another channel; @ada-4 is free.',
      },
    });
    expect(append).not.toHaveBeenCalled();
    expect(await keys.get()).toBeUndefined();
  });

  it('says so when none of its like is free either', async () => {
    vi.spyOn(api, 'handle').mockImplementation(async (handle) => ({ handle, free: false }));
    await expect(createChannel({ handle: 'ada', name: 'Ada' })).rejects.toMatchObject({
      code: 'handle_taken',
      problem: { suggestion: null, detail: expect.stringMatching(/choose another\.$/) },
    });
  });
});
