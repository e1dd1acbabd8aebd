//! The kinds of records: their fields as types and, beside them, the rules that the bytes are held to. The twin of
//! `crates/records/src/body`; both are tested against the same vectors.

import type { Link, Value, ValueMap } from './cbor';
import { isNormalName } from './names';
import * as rule from './schema';

export interface GenesisBody {
  salt: Uint8Array;
  home: { origin: string; key: Uint8Array };
  keys: { key: Uint8Array; scopes: Scope[] }[];
  recovery?: Uint8Array;
}

export type Scope = 'comment' | 'keys' | 'publish';

export interface ProfileBody {
  salt: Uint8Array;
  handle: string;
  name: string;
  about?: string;
  avatar?: Link;
  banner?: Link;
  links?: { url: string; title?: string }[];
  lightning?: string;
}

export interface StreamBody {
  salt: Uint8Array;
  /** An update names the claim and the version that it replaces. */
  claim?: Link;
  replaces?: Link;
  /** The slug. */
  name: string;
  title: string;
  description?: string;
  source: { cid: Link; bytes: number; media_type: string; file_name?: string };
  /** The playback folder that the creator approves. */
  root?: Link;
  poster?: Link;
  tags?: string[];
  language?: string;
  licence?: string;
  released_at?: number;
  warning?: string;
  visibility: 'public' | 'unlisted';
  comments: 'open' | 'followers' | 'off';
  captions?: { language: string; cid: Link }[];
  chapters?: { at_ms: number; title: string }[];
}

export interface TombstoneBody {
  salt: Uint8Array;
  target: Link;
  reason: 'withdrawn' | 'mistake' | 'privacy' | 'copyright' | 'law' | 'abuse';
}

export interface RenditionBody {
  salt: Uint8Array;
  source: Link;
  recipe: string;
  root: Link;
  worker: string;
  video?: {
    height: number;
    width: number;
    codecs: string;
    /** Bits a second, as the average. */
    peak_bandwidth: number;
    average_bandwidth: number;
    bytes: number;
    frame_rate: { num: number; den: number };
  }[];
  audio?: {
    codecs: string;
    channels: number;
    language?: string;
    peak_bandwidth: number;
    average_bandwidth: number;
    bytes: number;
  }[];
  duration_ms: number;
  poster?: Link;
  storyboard?: Link;
}

export interface Bodies {
  genesis: GenesisBody;
  profile: ProfileBody;
  stream: StreamBody;
  tombstone: TombstoneBody;
  rendition: RenditionBody;
}

export type Kind = keyof Bodies;

const name = rule.match(isNormalName, 'not a name in its normal form');
const origin = rule.match(/^[a-z0-9.-]{1,253}$/, 'not the name of a log');
const language = rule.match(/^(?=.{2,35}$)[a-z]{2,8}(-[a-z0-9]{1,8})*$/i, 'not a BCP 47 language tag');
const code = rule.match(/^[a-z0-9.-]{1,64}$/, '1 to 64 of a-z, 0-9, dot and hyphen');
const codecs = rule.match(/^[A-Za-z0-9.]{1,64}$/, '1 to 64 letters, digits and dots');
const webUrl = rule.match(/^https?:\/\/[!#-;=?-[\]_a-z~]{1,500}$/, 'not an http or https URL');
const mediaType = rule.match(/^[a-z0-9.+\-_!#$&^]{1,63}\/[a-z0-9.+\-_!#$&^]{1,63}$/, 'not type/subtype in lower case');
const lightning = rule.match(/^[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,253}$/, 'not of the form user@host');
const fileName: rule.Rule = (value, path) => {
  rule.line(255)(value, path);
  if (/[/\\]|^\.\.?$/.test(value as string)) rule.broken(path, 'not a plain file name');
};
const ascending = (field: string): rule.Rule => {
  return (value, path) => {
    const numbers = (value as ValueMap[]).map((item) => item[field] as number);
    if (numbers.some((number, index) => index > 0 && number <= numbers[index - 1]!)) {
      rule.broken(path, 'not in ascending order');
    }
  };
};
const unique: rule.Rule = (value, path) => {
  if (new Set(value as Value[]).size !== (value as Value[]).length) rule.broken(path, 'one twice');
};
const sortedWords: rule.Rule = (value, path) => {
  const words = value as string[];
  if (words.some((word, index) => index > 0 && word <= words[index - 1]!)) {
    rule.broken(path, 'not in alphabetic order, or one twice');
  }
};

const hex = (bytes: Value | undefined) =>
  Array.from(bytes as Uint8Array, (byte) => byte.toString(16).padStart(2, '0')).join('');

const genesisKeys: rule.Rule = (value, path) => {
  const { keys, recovery } = value as ValueMap;
  const named = (keys as ValueMap[]).map((grant) => hex(grant.key));
  sortedWords(named, `${path}.keys`);
  if (recovery && named.includes(hex(recovery))) rule.broken(`${path}.recovery`, 'is a signing key, too');
};

const updates: rule.Rule = (value, path) => {
  const { claim, replaces } = value as ValueMap;
  if (!claim !== !replaces) rule.broken(`${path}.claim`, 'an update names both claim and replaces');
};

const salt = rule.bytes(16);
const measures = { peak_bandwidth: rule.uint, average_bandwidth: rule.uint, bytes: rule.uint };
const ratio = rule.int(1, 2 ** 32 - 1);

export const rules: Record<Kind, rule.Rule> = {
  genesis: rule.map(
    {
      salt,
      home: rule.map({ origin, key: rule.publicKey }),
      keys: rule.list(
        16,
        rule.map({
          key: rule.publicKey,
          scopes: rule.list(3, rule.word('comment', 'keys', 'publish'), sortedWords),
        }),
      ),
    },
    { recovery: rule.publicKey },
    genesisKeys,
  ),
  profile: rule.map(
    { salt, handle: name, name: rule.line(100) },
    {
      about: rule.lines(5000),
      avatar: rule.file,
      banner: rule.file,
      links: rule.list(20, rule.map({ url: webUrl }, { title: rule.line(100) })),
      lightning,
    },
  ),
  stream: rule.map(
    {
      salt,
      name,
      title: rule.line(200),
      source: rule.map({ cid: rule.file, bytes: rule.uint, media_type: mediaType }, { file_name: fileName }),
      visibility: rule.word('public', 'unlisted'),
      comments: rule.word('open', 'followers', 'off'),
    },
    {
      claim: rule.record,
      replaces: rule.record,
      description: rule.lines(20_000),
      root: rule.folder,
      poster: rule.file,
      tags: rule.list(20, rule.line(50), unique),
      language,
      licence: rule.line(200),
      released_at: rule.int(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      warning: rule.line(200),
      captions: rule.list(50, rule.map({ language, cid: rule.file })),
      chapters: rule.list(200, rule.map({ at_ms: rule.uint, title: rule.line(100) }), ascending('at_ms')),
    },
    updates,
  ),
  tombstone: rule.map({
    salt,
    target: rule.record,
    reason: rule.word('withdrawn', 'mistake', 'privacy', 'copyright', 'law', 'abuse'),
  }),
  rendition: rule.map(
    { salt, source: rule.file, recipe: code, root: rule.folder, worker: code, duration_ms: rule.uint },
    {
      video: rule.list(
        32,
        rule.map({
          height: rule.int(1, 65_535),
          width: rule.int(1, 65_535),
          codecs,
          ...measures,
          frame_rate: rule.map({ num: ratio, den: ratio }),
        }),
      ),
      audio: rule.list(32, rule.map({ codecs, channels: rule.int(1, 64), ...measures }, { language })),
      poster: rule.file,
      storyboard: rule.file,
    },
  ),
};
