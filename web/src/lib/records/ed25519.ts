//! Ed25519 verification in plain JavaScript, for pages without WebCrypto (http on a host other than localhost, or an
//! older browser). Slow, some tens of milliseconds, and not constant-time: it never sees a secret. Loaded on demand.

type Point = readonly [x: bigint, y: bigint, z: bigint, t: bigint];

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * power(121666n, P - 2n));
const ROOT_OF_MINUS_1 = power(2n, (P - 1n) / 4n);
const MASK_64 = 2n ** 64n - 1n;
const BASE = decompress(new Uint8Array(32).fill(0x66).with(0, 0x58))!;

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (base = mod(base); exponent > 0n; exponent >>= 1n, base = (base * base) % P) {
    if (exponent & 1n) result = (result * base) % P;
  }
  return result;
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** RFC 8032, 5.1.3. */
function decompress(bytes: Uint8Array): Point | null {
  const sign = BigInt(bytes[31]! >> 7);
  const y = littleEndian(bytes) & (2n ** 255n - 1n);
  if (y >= P) return null;
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  let x = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n));
  if (mod(v * x * x) !== u) x = mod(x * ROOT_OF_MINUS_1);
  if (mod(v * x * x) !== u || (x === 0n && sign === 1n)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

function add([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * t1 * t2 * D);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function multiply(point: Point, scalar: bigint): Point {
  let result: Point = [0n, 1n, 1n, 0n];
  for (; scalar > 0n; scalar >>= 1n, point = add(point, point)) {
    if (scalar & 1n) result = add(result, point);
  }
  return result;
}

/** Without the check for small orders, which the caller has made. */
export function verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  const a = decompress(publicKey);
  const expected = decompress(r);
  if (!a || !expected || s >= ORDER) return false;
  const k = littleEndian(sha512(Uint8Array.of(...r, ...publicKey, ...message))) % ORDER;
  const [x1, y1, z1] = multiply(BASE, s);
  const [x2, y2, z2] = add(expected, multiply(a, k));
  return mod(x1 * z2) === mod(x2 * z1) && mod(y1 * z2) === mod(y2 * z1);
}

/** The first 64 bits of the fractional part of a prime's square or cube root. */
function fraction(prime: bigint, root: 2n | 3n): bigint {
  const scaled = prime << (64n * root);
  let low = 0n;
  let high = 1n << 72n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** root <= scaled) low = middle;
    else high = middle;
  }
  return low & MASK_64;
}

function primes(count: number): bigint[] {
  const found: bigint[] = [];
  for (let n = 2n; found.length < count; n++) if (found.every((prime) => n % prime !== 0n)) found.push(n);
  return found;
}

/** FIPS 180-4. */
export function sha512(message: Uint8Array): Uint8Array {
  const rounds = primes(80).map((prime) => fraction(prime, 3n));
  const state = primes(8).map((prime) => fraction(prime, 2n));
  const padded = new Uint8Array(Math.ceil((message.length + 17) / 128) * 128);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  const turn = (word: bigint, by: bigint) => (word >> by) | ((word << (64n - by)) & MASK_64);
  for (let at = 0; at < padded.length; at += 128) {
    const words = Array.from({ length: 16 }, (_, index) => view.getBigUint64(at + index * 8));
    for (let t = 16; t < 80; t++) {
      const [w15, w2] = [words[t - 15]!, words[t - 2]!];
      const s0 = turn(w15, 1n) ^ turn(w15, 8n) ^ (w15 >> 7n);
      const s1 = turn(w2, 19n) ^ turn(w2, 61n) ^ (w2 >> 6n);
      words.push((words[t - 16]! + s0 + words[t - 7]! + s1) & MASK_64);
    }
    let [a, b, c, d, e, f, g, h] = state as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
    for (let t = 0; t < 80; t++) {
      const s1 = turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n);
      const t1 = h + s1 + ((e & f) ^ (~e & g)) + rounds[t]! + words[t]!;
      const s0 = turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n);
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & MASK_64, c, b, a, (t1 + t2) & MASK_64];
    }
    [a, b, c, d, e, f, g, h].forEach((word, index) => (state[index] = (state[index]! + word) & MASK_64));
  }
  const digest = new DataView(new ArrayBuffer(64));
  state.forEach((word, index) => digest.setBigUint64(index * 8, word));
  return new Uint8Array(digest.buffer);
}
