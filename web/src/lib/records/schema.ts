//! Rules for values, combined into the shape of a kind: each field once, each with its bound; a field that nobody
//! asked for is refused.

import { DAG_CBOR, DAG_PB } from '../content/cid';
import { Link, type Value, type ValueMap } from './cbor';
import { RecordFault } from './fault';
import { isUsableKey } from './keys';

/** Throws unless the value keeps the rule. */
export type Rule = (value: Value, path: string) => void;

export function broken(path: string, why: string): never {
  throw new RecordFault('field_rule', `${path} breaks its rule: ${why}`);
}

function type(holds: boolean, path: string): void {
  if (!holds) throw new RecordFault('field_type', `${path} has the wrong type`);
}

export function map(required: Record<string, Rule>, optional: Record<string, Rule> = {}, more?: Rule): Rule {
  return (value, path) => {
    const plain = typeof value === 'object' && value !== null && !Array.isArray(value);
    type(plain && !(value instanceof Link) && !(value instanceof Uint8Array), path);
    const fields = value as ValueMap;
    for (const [name, rule] of [...Object.entries(required), ...Object.entries(optional)]) {
      const field = fields[name];
      if (field !== undefined) rule(field, `${path}.${name}`);
      else if (required[name]) throw new RecordFault('field_missing', `${path}.${name} is missing`);
    }
    for (const name of Object.keys(fields)) {
      if (!Object.hasOwn(required, name) && !Object.hasOwn(optional, name)) {
        throw new RecordFault('field_unknown', `${path}.${name} is no field of this kind`);
      }
    }
    more?.(value, path);
  };
}

export function list(most: number, item: Rule, more?: Rule): Rule {
  return (value, path) => {
    type(Array.isArray(value), path);
    const items = value as Value[];
    if (items.length === 0 || items.length > most) broken(path, 'an empty list (leave the field out) or too many items');
    items.forEach((value, index) => item(value, `${path}[${index}]`));
    more?.(value, path);
  };
}

export function int(least: number, most: number): Rule {
  return (value, path) => {
    type(typeof value === 'number', path);
    if ((value as number) < least || (value as number) > most) broken(path, 'out of range');
  };
}

export const bool: Rule = (value, path) => type(typeof value === 'boolean', path);

export const uint = int(0, Number.MAX_SAFE_INTEGER);

export function match(holds: RegExp | ((text: string) => boolean), why: string): Rule {
  return (value, path) => {
    type(typeof value === 'string', path);
    if (!(holds instanceof RegExp ? holds.test(value as string) : holds(value as string))) broken(path, why);
  };
}

function words(most: number, refused: RegExp): Rule {
  return match(
    (text) => text !== '' && [...text].length <= most && !refused.test(text),
    `1 to ${most} characters without control characters`,
  );
}

/** One line of words: no control characters, no direction overrides. */
export const line = (most: number) => words(most, /[\p{Cc}\u202d\u202e]/u);
/** Several lines: line feeds and tabs allowed. */
export const lines = (most: number) => words(most, /[^\P{Cc}\n\t]/u);

export const word = (...known: string[]) => match((text) => known.includes(text), 'not one of the known words');

export function bytes(length: number): Rule {
  return (value, path) => {
    type(value instanceof Uint8Array, path);
    if ((value as Uint8Array).length !== length) broken(path, 'wrong length');
  };
}

export const publicKey: Rule = (value, path) => {
  bytes(32)(value, path);
  if (!isUsableKey(value as Uint8Array)) broken(path, 'not a usable Ed25519 public key');
};

function link(allowed: (codec: number) => boolean, why: string): Rule {
  return (value, path) => {
    type(value instanceof Link, path);
    if (!allowed((value as Link).cid.codec)) broken(path, why);
  };
}

/** A link to a header or body. */
export const record = link((codec) => codec === DAG_CBOR, 'not a dag-cbor CID');
/** A link to a file: raw or dag-pb. */
export const file = link((codec) => codec !== DAG_CBOR, 'not the CID of a file (raw or dag-pb)');
/** A link to a folder. */
export const folder = link((codec) => codec === DAG_PB, 'not the CID of a folder (dag-pb)');
