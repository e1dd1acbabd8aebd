//! What identity keeps in this browser, in IndexedDB: the signing key, not extractable, and the records that were
//! signed but not yet acknowledged. A record is here before it is sent, so that a lost answer can be asked for again.

export interface StoredKey {
  id: 'signing';
  pair: CryptoKeyPair;
  createdMs: number;
  /** The channel that this key speaks for: null until its genesis is accepted. */
  channel: string | null;
}

export interface Unsent {
  id?: number;
  record: string;
  header: string;
  body: string;
  kind: string;
  /** What it was signed for, so that the same wish isn't signed twice: an upload, a claim. */
  about: string | null;
}

const NAME = 'pinreel';
const VERSION = 1;

const settle = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the browser refused to store the key'));
  });

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opened ??= open();
  opened.catch(() => (opened = null));
  return opened;
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('keys', { keyPath: 'id' });
    request.result.createObjectStore('unsent', { keyPath: 'id', autoIncrement: true });
  };
  const db = await settle(request);
  // Another tab wants a newer form: make way, and open again when needed.
  db.onversionchange = () => {
    db.close();
    opened = null;
  };
  return db;
}

async function run<T>(
  store: 'keys' | 'unsent',
  mode: IDBTransactionMode,
  action: (objects: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const transaction = (await database()).transaction(store, mode, { durability: 'strict' });
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('the browser gave up storing'));
  });
  const [result] = await Promise.all([settle(action(transaction.objectStore(store))), done]);
  return result;
}

export const keys = {
  get: () => run('keys', 'readonly', (store) => store.get('signing') as IDBRequest<StoredKey | undefined>),
  put: (key: StoredKey) => run('keys', 'readwrite', (store) => store.put(key)),
};

export const unsent = {
  all: () => run('unsent', 'readonly', (store) => store.getAll() as IDBRequest<Required<Unsent>[]>),
  add: (record: Unsent) => run('unsent', 'readwrite', (store) => store.add(record)) as Promise<number>,
  remove: (id: number) => run('unsent', 'readwrite', (store) => store.delete(id)),
};
