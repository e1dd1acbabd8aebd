import 'fake-indexeddb/auto';

import { beforeEach, describe, expect, it, vi } from 'vitest';

import { api, ApiError } from '../api/client';
import { fromBase64url, generateKey, Link, verifyRecord } from '../records';
import { append } from './sign';
import { keys, unsent } from './store';

const CHANNEL = 'bafyreihyrpefhacm6kkp4ql6j6udakdit7g3dmkzfriqfykhjw6cad5lrm';
const HEAD = 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

const failure = (status: number, code: string, extra = {}) =>
  new ApiError({ status, code, title: code, detail: code, ...extra });

const profile = (handle: string) => ({
  kind: 'profile' as const,
  body: { handle, name: handle },
  about: handle,
});

beforeEach(async () => {
  vi.restoreAllMocks();
  vi.stubGlobal('navigator', { locks: { request: (_: string, work: () => unknown) => work() } });
  for (const { id } of await unsent.all()) await unsent.remove(id);
  await keys.put({ id: 'signing', pair: await generateKey(), createdMs: 1, channel: CHANNEL });
  vi.spyOn(api, 'keyState').mockResolvedValue({
    channel: CHANNEL,
    handle: null,
    keys: CHANNEL,
    head: { id: HEAD, seq: 4 },
  });
});

describe('the key in its store', () => {
  it('comes back usable, and can’t be taken out', async () => {
    const stored = await keys.get();
    expect(stored?.pair.privateKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey('pkcs8', stored!.pair.privateKey)).rejects.toThrow();
    const signature = await crypto.subtle.sign('Ed25519', stored!.pair.privateKey, new Uint8Array(1));
    expect(signature.byteLength).toBe(64);
  });
});

describe('append', () => {
  it('signs the next record of the key’s chain, stored before it is sent', async () => {
    let storedFirst = 0;
    const sent = vi.spyOn(api, 'appendRecord').mockImplementation(async ({ header, body }) => {
      storedFirst = (await unsent.all()).length;
      const record = await verifyRecord(fromBase64url(header), fromBase64url(body));
      expect(record.header).toMatchObject({ seq: 5, kind: 'profile' });
      expect(record.header.prev).toEqual(new Link(HEAD));
      return { id: record.id, index: 9, received_ms: 1 };
    });
    expect((await append(profile('ada'))).index).toBe(9);
    expect(sent).toHaveBeenCalledOnce();
    expect(storedFirst).toBe(1);
    expect(await unsent.all()).toEqual([]);
  });

  it('sends the very same record again after a lost answer, and signs no second one for the same wish', async () => {
    const sent = vi
      .spyOn(api, 'appendRecord')
      .mockRejectedValueOnce(failure(0, 'offline'))
      .mockResolvedValue({ id: HEAD, index: 9, received_ms: 1 });
    await expect(append(profile('ada'))).rejects.toThrow('offline');
    await append(profile('ada'));
    expect(sent).toHaveBeenCalledTimes(2);
    expect(sent.mock.calls[1]).toEqual(sent.mock.calls[0]);
    expect(await unsent.all()).toEqual([]);
  });

  it('sends what is unsent before it signs another wish', async () => {
    const sent = vi
      .spyOn(api, 'appendRecord')
      .mockRejectedValueOnce(failure(503, 'down'))
      .mockResolvedValue({ id: HEAD, index: 9, received_ms: 1 });
    await expect(append(profile('ada'))).rejects.toThrow('down');
    await append(profile('grace'));
    expect(sent).toHaveBeenCalledTimes(3);
    expect(sent.mock.calls[1]).toEqual(sent.mock.calls[0]);
  });

  it('signs nothing while an unsent record can’t be sent', async () => {
    const sent = vi.spyOn(api, 'appendRecord').mockRejectedValue(failure(0, 'offline'));
    await expect(append(profile('ada'))).rejects.toThrow('offline');
    await expect(append(profile('grace'))).rejects.toThrow('offline');
    expect(await unsent.all()).toHaveLength(1);
    expect(sent.mock.calls[1]).toEqual(sent.mock.calls[0]);
  });

  it('forgets what the node refused, and says why', async () => {
    vi.spyOn(api, 'appendRecord').mockRejectedValue(failure(409, 'handle_taken'));
    await expect(append(profile('ada'))).rejects.toMatchObject({ code: 'handle_taken' });
    expect(await unsent.all()).toEqual([]);
  });

  it('signs once more when its clock is off or the chain has moved', async () => {
    const now = Date.now() + 3_600_000;
    const sent = vi
      .spyOn(api, 'appendRecord')
      .mockRejectedValueOnce(failure(422, 'clock_skew', { now_ms: now }))
      .mockResolvedValue({ id: HEAD, index: 9, received_ms: 1 });
    await append(profile('ada'));
    const { header, body } = sent.mock.calls[1]![0];
    const record = await verifyRecord(fromBase64url(header), fromBase64url(body));
    expect(Math.abs(record.header.at - now)).toBeLessThan(60_000);
  });
});
