import { beforeAll, describe, expect, it } from 'vitest';

import type { Claim, WireRecord } from '../api/types';
import { type BuiltRecord, buildRecord, generateKey, Link, publicKeyBytes, toBase64url } from '../records';
import type { Bodies, Kind } from '../records/kinds';
import { checkClaim } from './provenance';
import { approvalWords } from './trust';

const SOURCE = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
const OTHER_SOURCE = 'bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu';
const ROOT = 'bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354';

/** A key with its channel, at a home of that name. */
class Author {
  genesis!: BuiltRecord;
  #seq = 0;
  #prev = '';

  private constructor(readonly key: CryptoKeyPair) {}

  static async at(home: { origin: string; key: Uint8Array }): Promise<Author> {
    const author = new Author(await generateKey());
    const key = await publicKeyBytes(author.key);
    const body = { home, keys: [{ key, scopes: ['publish' as const] }] };
    author.genesis = await buildRecord({ kind: 'genesis', seq: 0, at: 1, key: author.key, body });
    author.#prev = author.genesis.id;
    return author;
  }

  async sign<K extends Kind>(
    kind: K,
    body: Omit<Bodies[K], 'salt'>,
    channel = this.genesis.id,
  ): Promise<BuiltRecord> {
    const [keys, prev] = [this.genesis.id, this.#prev];
    const built = await buildRecord({
      kind,
      channel,
      keys,
      seq: ++this.#seq,
      prev,
      at: 2,
      key: this.key,
      body,
    });
    this.#prev = built.id;
    return built;
  }
}

const wire = ({ id, header, body }: BuiltRecord): WireRecord => ({
  id,
  header: toBase64url(header),
  body: toBase64url(body),
});

const stream = (root?: string, more: Partial<Bodies['stream']> = {}): Omit<Bodies['stream'], 'salt'> => ({
  name: 'clip',
  title: 'Clip',
  source: { cid: new Link(SOURCE), bytes: 5, media_type: 'video/mp4' },
  visibility: 'public',
  comments: 'open',
  ...(root ? { root: new Link(root) } : {}),
  ...more,
});

const rendition = (source = SOURCE): Omit<Bodies['rendition'], 'salt'> => ({
  source: new Link(source),
  recipe: 'h264-1',
  root: new Link(ROOT),
  worker: 'w',
  duration_ms: 5,
});

let creator: Author;
let node: Author;
let stranger: Author;
let elsewhere: Author;

beforeAll(async () => {
  const home = { origin: 'home.example', key: await publicKeyBytes(await generateKey()) };
  const far = { origin: 'far.example', key: await publicKeyBytes(await generateKey()) };
  creator = await Author.at(home);
  node = await Author.at(home);
  stranger = await Author.at(home);
  elsewhere = await Author.at(far);
});

async function claimOf(created: BuiltRecord, more: Partial<Claim> = {}): Promise<Claim> {
  const genesis = (author: Author) => wire(author.genesis);
  return {
    claim: created.id,
    url: '@a/clip',
    watch: 'http://x/@a/clip',
    index: 4,
    received_ms: 3,
    title: 'Clip',
    description_html: '',
    channel: {
      id: creator.genesis.id,
      handle: 'a',
      name: 'A',
      key: toBase64url(await publicKeyBytes(creator.key)),
    },
    source: { cid: SOURCE, bytes: 5, media_type: 'video/mp4', file_name: 'clip.mp4' },
    root: null,
    root_by: null,
    unfinished: false,
    record: wire(created),
    created: wire(created),
    rendition: null,
    genesis: genesis(creator),
    node: {
      channel: node.genesis.id,
      node_key: toBase64url(await publicKeyBytes(node.key)),
      genesis: genesis(node),
    },
    renditions: [],
    poster: null,
    duration_ms: null,
    job: null,
    preview: null,
    pins: [],
    origins: [],
    ...more,
  };
}

const madeBy = async (author: Author, source = SOURCE): Promise<Claim['rendition']> => ({
  ...wire(await author.sign('rendition', rendition(source))),
  worker: 'w',
});

describe('checkClaim', () => {
  it('finds the root that the channel itself approved', async () => {
    const found = await checkClaim(await claimOf(await creator.sign('stream', stream(ROOT)), { root: ROOT }));
    expect(found).toMatchObject({ status: 'checked', rootBy: 'channel', root: ROOT, source: SOURCE });
    expect(approvalWords(found, 'a', 'N')).toBe('Approved by @a');
  });

  it('finds the root that the home node made of the signed source', async () => {
    const claim = await claimOf(await creator.sign('stream', stream()), {
      root: ROOT,
      rendition: await madeBy(node),
    });
    const found = await checkClaim(claim);
    expect(found).toMatchObject({ status: 'checked', rootBy: 'node', root: ROOT });
    expect(approvalWords(found, 'a', 'N')).toBe('Transcoded by N from a source signed by @a');
  });

  it('knows a claim without a stream', async () => {
    const found = await checkClaim(await claimOf(await creator.sign('stream', stream())));
    expect(found).toMatchObject({ status: 'checked', rootBy: null, root: null });
    expect(approvalWords(found, 'a', 'N')).toBe('Source signed by @a');
  });

  it('takes the newest version of a claim', async () => {
    const created = await creator.sign('stream', stream());
    const versions = { claim: new Link(created.id), replaces: new Link(created.id) };
    const newest = await creator.sign('stream', stream(ROOT, { ...versions, title: 'Better' }));
    const found = await checkClaim(
      await claimOf(created, { record: wire(newest), title: 'Better', root: ROOT }),
    );
    expect(found).toMatchObject({ status: 'checked', rootBy: 'channel', root: ROOT });
  });

  const lies: [string, () => Promise<Claim>][] = [
    [
      'another title than was signed',
      async () => claimOf(await creator.sign('stream', stream()), { title: 'Other' }),
    ],
    [
      'another source than was signed',
      async () => {
        const claim = await claimOf(await creator.sign('stream', stream()));
        return { ...claim, source: { ...claim.source, cid: OTHER_SOURCE } };
      },
    ],
    [
      'a root that nobody signed for',
      async () => claimOf(await creator.sign('stream', stream()), { root: ROOT }),
    ],
    [
      'a record of another key',
      async () => claimOf(await stranger.sign('stream', stream(ROOT), creator.genesis.id)),
    ],
    ['a record of another channel', async () => claimOf(await stranger.sign('stream', stream(ROOT)))],
    [
      'a signature lifted from another record',
      async () => {
        const [one, other] = [
          await creator.sign('stream', stream()),
          await creator.sign('stream', stream(ROOT)),
        ];
        const record = { ...wire(one), body: toBase64url(other.body) };
        return claimOf(one, { record, created: record });
      },
    ],
    [
      'a version of another claim',
      async () => {
        const [one, other] = [await creator.sign('stream', stream()), await creator.sign('stream', stream())];
        const versions = { claim: new Link(other.id), replaces: new Link(other.id) };
        return claimOf(one, { record: wire(await creator.sign('stream', stream(ROOT, versions))) });
      },
    ],
    [
      'a rendition of another source',
      async () =>
        claimOf(await creator.sign('stream', stream()), { rendition: await madeBy(node, OTHER_SOURCE) }),
    ],
    [
      'a rendition that a stranger signed',
      async () => claimOf(await creator.sign('stream', stream()), { rendition: await madeBy(stranger) }),
    ],
    [
      'a rendition of another node, shown as the home’s',
      async () => {
        const claim = await claimOf(await creator.sign('stream', stream()), {
          rendition: await madeBy(elsewhere),
        });
        const genesis = wire(elsewhere.genesis);
        return { ...claim, node: { ...claim.node, channel: genesis.id, genesis } };
      },
    ],
    [
      'an erased body',
      async () => {
        const created = await creator.sign('stream', stream());
        const erased = { ...wire(created), body: null };
        return claimOf(created, { record: erased, created: erased });
      },
    ],
    [
      'noise',
      async () =>
        claimOf(await creator.sign('stream', stream()), { genesis: { id: '', header: 'AAAA', body: '!' } }),
    ],
  ];
  it.each(lies)('refuses %s', async (_, make) => {
    const found = await checkClaim(await make());
    expect(found).toMatchObject({ status: 'broken', root: null });
    expect(found.fault).toMatch(/\w+ \w+/);
  });
});
