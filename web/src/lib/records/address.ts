//! Addresses of channels and claims: `[/]@handle[@origin][/slug][:hex]` and `/c/<claim id>`, bare, percent-encoded, or
//! as the URL of a node's page. The twin of `crates/records/src/address.rs`.

import { DAG_CBOR, parseCid } from '../content/cid';
import { parseName } from './names';

export type Address =
  | { claim: string }
  | { handle: string; origin?: string; slug?: string; prefix?: string };

export interface Located {
  /** `scheme://host[:port]`, if the address came as a URL. */
  node?: string;
  address: Address;
}

export class AddressError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'AddressError';
    this.code = code;
  }
}

const formError = () => new AddressError('address_form', 'An address reads @handle, @handle/name or /c/<claim id>.');

/** An address without a node. Throws an AddressError or a NameError. */
export function parseAddress(text: string): Address {
  if (new TextEncoder().encode(text).length > 4096) throw formError();
  // Split first, decode then: an encoded slash never separates.
  const segments = text.split('/').map(decodeSegment);
  if (segments[0] === '' && segments[1] === 'c' && segments.length === 3) return { claim: claimId(segments[2]!) };
  if (segments[0] === '' && segments.length > 1) segments.shift();
  if (segments.length > 2) throw formError();
  return named(segments[0]!, segments[1]);
}

/** As parseAddress, or the http or https URL of a page on a node; its query and fragment are left out. */
export function parseLocated(text: string): Located {
  if (!/^https?:\/\//.test(text)) return { address: parseAddress(text) };
  const parts = /^(https?:\/\/[A-Za-z0-9.\-:[\]]+)(\/[^?#]*)/.exec(text);
  if (!parts) throw formError();
  return { node: parts[1]!.toLowerCase(), address: parseAddress(parts[2]!) };
}

/** The form for people. */
export function formatAddress(address: Address): string {
  return 'claim' in address ? `/c/${address.claim}` : join(address, (name) => name);
}

/** The path of its page, percent-encoded. */
export function addressPath(address: Address): string {
  return 'claim' in address ? `/c/${address.claim}` : `/${join(address, encodeURIComponent)}`;
}

function join(address: Exclude<Address, { claim: string }>, encode: (name: string) => string): string {
  const { handle, origin, slug, prefix } = address;
  const at = origin === undefined ? '' : `@${origin}`;
  return `@${encode(handle)}${at}${slug === undefined ? '' : `/${encode(slug)}`}${prefix === undefined ? '' : `:${prefix}`}`;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AddressError('address_encoding', 'The percent-encoding is broken.');
  }
}

function claimId(text: string): string {
  try {
    if (parseCid(text).codec === DAG_CBOR) return text;
  } catch {
    // The error below says it.
  }
  throw new AddressError('address_claim_id', 'After /c/ stands a claim id.');
}

function named(channel: string, slug: string | undefined): Address {
  // The prefix stands at the end of whatever is last.
  let last = slug ?? channel;
  const colon = last.indexOf(':');
  const prefix = colon < 0 ? undefined : last.slice(colon + 1).toLowerCase();
  if (prefix !== undefined && !/^[0-9a-f]{1,64}$/.test(prefix)) {
    throw new AddressError('address_prefix', 'After the colon stand 1 to 64 hex digits of the claim id.');
  }
  if (colon >= 0) last = last.slice(0, colon);
  if (slug === undefined) channel = last;
  if (!channel.startsWith('@')) throw formError();
  const at = channel.indexOf('@', 1);
  const handle = parseName(at < 0 ? channel.slice(1) : channel.slice(1, at));
  const address: Address = { handle };
  if (at >= 0) {
    address.origin = channel.slice(at + 1).toLowerCase();
    if (!/^[a-z0-9.-]{1,253}$/.test(address.origin)) {
      throw new AddressError('address_origin', 'After the second @ stands the name of a log.');
    }
  }
  if (slug !== undefined) address.slug = parseName(last);
  if (prefix !== undefined) address.prefix = prefix;
  return address;
}
