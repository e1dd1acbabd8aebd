import { beforeAll, describe, expect, it } from 'vitest';

import { formatCid, RAW } from '../content/cid';
import { sha256 } from '../content/sha256';
import { EMPTY_CHAIN, extend, Link, toBase64url } from '../records';
import { encode } from '../records/cbor';
import { publicKeyBytes, sign } from '../records/keys';
import { build, fetcher, honest } from './fixture';
import { GrowingTree } from './growing';
import { Origins } from './origins';
import { isRefusal, VerifiedTree } from './tree';

const BASE = 'http://here/api/v1/claims/c/growing';
const ROOT = 'http://here/ipfs/root';
const SECONDS = [1, 1, 2, 4];

const bytesOf = (path: string) => new TextEncoder().encode(`the bytes of ${path}`);
const linkOf = async (path: string) =>
  new Link(formatCid({ codec: RAW, digest: await sha256(bytesOf(path)) }));
const pathOf = (name: string, number: number) => `${name}/seg-0000${number}.m4s`;

let key: CryptoKeyPair;
let other: CryptoKeyPair;
beforeAll(async () => {
  key = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  other = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
});

interface Revision {
  revision: number;
  segments: number;
  ended?: boolean;
  source?: string;
  signer?: CryptoKeyPair;
  /** Segments are those of another encoder. */
  altered?: boolean;
}

/** A node that tells of one revision after the other, and serves every file. */
class Node {
  asked: string[] = [];
  wrong: string | null = null;
  now: Revision | null = null;

  readonly fetch = (async (input: RequestInfo | URL) => {
    const rest = String(input).slice(BASE.length);
    this.asked.push(rest);
    if (!rest.startsWith('?')) {
      const path = rest.slice(1);
      return new Response(bytesOf(path === this.wrong ? `${path}, altered` : path));
    }
    if (!this.now) return new Response(null, { status: 204 });
    return Response.json(await this.#answer(this.now, Number(rest.split('=')[1])));
  }) as typeof fetch;

  async #answer(
    { revision, segments, ended = false, source = 'source', signer = key, altered }: Revision,
    after: number,
  ) {
    const names = ['v480', 'a0'];
    const step = (number: number) =>
      Promise.all(
        names.map(async (name, place) => ({
          cid: await linkOf(altered ? `altered ${number}` : pathOf(name, number)),
          ticks: SECONDS[number]! * [12_800, 48_000][place]!,
        })),
      );
    let chain = EMPTY_CHAIN;
    const steps = [];
    for (let number = 0; number < segments; number++) {
      const pieces = await step(number);
      chain = await extend(chain, pieces);
      steps.push(pieces.map(({ cid, ticks }) => ({ cid: cid.toString(), ticks })));
    }
    const [picture, sound] = [await linkOf('v480/init.mp4'), await linkOf('a0/init.mp4')];
    const statement = encode({
      ...{
        key: await publicKeyBytes(signer),
        source: await linkOf(source),
        recipe: 'r',
        revision,
        segments,
        chain,
        ended,
      },
      renditions: [
        { name: 'v480', init: picture, codecs: 'avc1.64001f', timescale: 12_800, width: 854, height: 480 },
        { name: 'a0', init: sound, codecs: 'mp4a.40.2', timescale: 48_000 },
      ],
    });
    const sig = await sign('growing', statement, signer);
    return {
      statement: toBase64url(statement),
      sig: toBase64url(sig),
      first: after,
      steps: steps.slice(after),
    };
  }
}

async function follow(): Promise<{ node: Node; tree: GrowingTree; text(path: string): Promise<string> }> {
  const node = new Node();
  const expected = { source: (await linkOf('source')).toString(), nodeKeys: [await publicKeyBytes(key)] };
  const tree = new GrowingTree(BASE, expected, node.fetch, 0);
  return { node, tree, text: async (path) => new TextDecoder().decode((await tree.file(path)).bytes) };
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => null,
    (error: Error) => error,
  );
  expect(isRefusal(error)).toBe(true);
  return error!.message;
}

describe('GrowingTree', () => {
  it('writes playlists of what is signed, and asks only for what was added', async () => {
    const { node, text } = await follow();
    node.now = { revision: 1, segments: 1 };
    expect(await text('master.m3u8')).toBe(
      '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n' +
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,URI="a0/media.m3u8"\n' +
        '#EXT-X-STREAM-INF:BANDWIDTH=1500000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=854x480,AUDIO="audio"\n' +
        'v480/media.m3u8\n',
    );
    const first = await text('v480/media.m3u8');
    expect(first).toContain('#EXT-X-TARGETDURATION:1\n');
    expect(first).toMatch(/EVENT\n.*\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:1.000000,\nseg-00000.m4s\n$/);
    node.now = { revision: 2, segments: 4 };
    expect(await text('a0/media.m3u8')).toMatch(/#EXTINF:4.000000,\nseg-00003.m4s\n$/);
    node.now = { revision: 3, segments: 4, ended: true };
    expect(await text('v480/media.m3u8')).toMatch(/#EXT-X-TARGETDURATION:4\n[^]*#EXT-X-ENDLIST\n$/);
    expect(node.asked).toEqual(['?after=0', '?after=1', '?after=1', '?after=4']);
    await text('v480/media.m3u8');
    expect(node.asked).toHaveLength(4);
  });

  it('knows how far it reaches', async () => {
    const { node, tree } = await follow();
    expect(await tree.reaches(0)).toBe(false);
    node.now = { revision: 1, segments: 2 };
    expect([await tree.reaches(1.9), await tree.reaches(2)]).toEqual([true, false]);
    node.now = { revision: 2, segments: 4, ended: true };
    expect([await tree.reaches(7.9), await tree.reaches(100)]).toEqual([true, true]);
    const { node: liar, tree: other } = await follow();
    liar.now = { revision: 1, segments: 2, source: 'another' };
    await refusal(other.reaches(0));
  });

  it('gives only the bytes that were signed', async () => {
    const { node, tree, text } = await follow();
    node.now = { revision: 1, segments: 2 };
    await text('master.m3u8');
    for (const path of ['v480/init.mp4', 'v480/seg-00001.m4s', 'a0/seg-00000.m4s']) {
      expect((await tree.file(path)).bytes).toEqual(bytesOf(path));
    }
    node.wrong = 'v480/seg-00001.m4s';
    expect(await refusal(tree.file('v480/seg-00001.m4s'))).toContain('do not match');
    for (const path of ['v480/seg-00002.m4s', 'v720/init.mp4', 'v480/seg-1.m4s', 'poster.jpg']) {
      await refusal(tree.file(path));
    }
  });

  it.each<[string, Revision]>([
    [
      'another key',
      {
        revision: 2,
        segments: 2,
        get signer() {
          return other;
        },
      },
    ],
    ['another source', { revision: 2, segments: 2, source: 'another' }],
    ['takes back', { revision: 1, segments: 1 }],
    ['contradicts', { revision: 3, segments: 3, altered: true }],
  ])('refuses a revision that is or does: %s', async (words, wrong) => {
    const { node, tree, text } = await follow();
    node.now = { revision: 2, segments: 2 };
    await text('master.m3u8');
    node.now = wrong;
    expect(await refusal(tree.file('v480/media.m3u8'))).toContain(words);
  });

  it.each<[string, Revision]>([
    [
      'another key',
      {
        revision: 1,
        segments: 1,
        get signer() {
          return other;
        },
      },
    ],
    ['another source', { revision: 1, segments: 1, source: 'another' }],
  ])('refuses it from the first on: %s', async (words, wrong) => {
    const { node, tree } = await follow();
    node.now = wrong;
    expect(await refusal(tree.file('master.m3u8'))).toContain(words);
  });

  it('stays with what it knows while the node is away, and without anything it is merely unreachable', async () => {
    const { node, tree, text } = await follow();
    expect(isRefusal(await tree.file('master.m3u8').catch((error: unknown) => error))).toBe(false);
    node.now = { revision: 1, segments: 1 };
    const known = await text('v480/media.m3u8');
    node.now = null;
    expect(await text('v480/media.m3u8')).toBe(known);
  });

  it('knows whether a finished stream holds what it showed', async () => {
    const { node, tree, text } = await follow();
    node.now = { revision: 1, segments: 2 };
    await text('master.m3u8');
    const folder = (name: string, altered: boolean) => ({
      'init.mp4': bytesOf(`${name}/init.mp4`),
      'seg-00000.m4s': bytesOf(pathOf(name, 0)),
      'seg-00001.m4s': bytesOf(altered ? 'something else' : pathOf(name, 1)),
      'seg-00002.m4s': bytesOf(pathOf(name, 2)),
    });
    for (const altered of [false, true]) {
      const built = await build({
        v480: folder('v480', false),
        a0: folder('a0', altered),
        v1080: folder('v1080', false),
      });
      const origins = new Origins([ROOT], fetcher({ [ROOT]: honest(built) }).fetch);
      expect(await tree.isIn(new VerifiedTree(built.cid.toString(), origins))).toBe(!altered);
    }
  });
});
