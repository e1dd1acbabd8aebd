//! The only way to the API: calls typed by its OpenAPI document, one error type. Every failure has a code and a
//! sentence to show.

import type { paths } from './schema.gen';
import type { CompanionQuery, JobFilter, Problem, Registration, Whole } from './types';

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }

  get code(): string {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }
}

export const OFFLINE: Problem = {
  status: 0,
  code: 'offline',
  title: 'No connection',
  detail: 'The server cannot be reached. Check the connection and try again.',
};

/** Code of this app that is loaded late. Asking again is in vain if the node serves a newer build by now. */
export const PART_MISSING: Problem = {
  status: 0,
  code: 'page_unreachable',
  title: 'This page could not be loaded',
  detail:
    'The connection is down, or the node has just been updated. Load the page anew; what you wrote is kept.',
};

/** A line that has gone dead in mid-request says nothing: after so long it counts as down. */
const TIMEOUT_MS = 30_000;
/** A picture on a slow line takes longer. */
const FILE_TIMEOUT_MS = 300_000;

type Method = 'get' | 'post' | 'put' | 'delete';
type Path<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths];
type Json<T> = T extends { content: { 'application/json': infer J } } ? J : never;
type Answers<O> = O extends { responses: infer R } ? R[(200 | 201) & keyof R] : never;
type Answer<O> = [Json<Answers<O>>] extends [never] ? void : Whole<Json<Answers<O>>>;
type Body<O> = O extends { requestBody: infer B } ? Json<B> : undefined;
type In<O, Where extends 'path' | 'query'> = O extends { parameters: infer P }
  ? Where extends keyof P
    ? Exclude<P[Where], undefined>
    : undefined
  : undefined;

interface Options<O> {
  path?: In<O, 'path'>;
  query?: In<O, 'query'>;
  body?: Body<O>;
  /** Bytes in place of JSON. */
  file?: Blob | null;
  signal?: AbortSignal | undefined;
}

async function call<M extends Method, P extends Path<M>>(
  method: M,
  path: P,
  { path: named, query, body, file, signal }: Options<paths[P][M]> = {},
): Promise<Answer<paths[P][M]>> {
  const limit = AbortSignal.timeout(file === undefined ? TIMEOUT_MS : FILE_TIMEOUT_MS);
  const init: RequestInit = {
    method: method.toUpperCase(),
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
    headers: { accept: 'application/json' },
  };
  // An empty object too: a write without a JSON body is refused.
  if (file !== undefined) {
    init.body = file ?? new Blob();
    init.headers = { ...init.headers, 'content-type': 'application/octet-stream' };
  } else if (method === 'post' || method === 'put') {
    init.body = JSON.stringify(body ?? {});
    init.headers = { ...init.headers, 'content-type': 'application/json' };
  }
  let response: Response;
  try {
    response = await fetch(address(path, named, query), init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(OFFLINE);
  }
  if (!response.ok) throw new ApiError(await problemOf(response));
  if (response.status === 204) return undefined as Answer<paths[P][M]>;
  try {
    return (await response.json()) as Answer<paths[P][M]>;
  } catch (error) {
    // Cut off in the middle, or not the node's: what answers on a hotel's network before its form is filled in.
    if (signal?.aborted) throw error;
    throw new ApiError(OFFLINE);
  }
}

function address(path: string, named: object | undefined, query: object | undefined): string {
  const values = new Map(Object.entries(named ?? {}));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(values.get(name))),
  );
  const asked = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined);
  if (!asked.length) return filled;
  return `${filled}?${new URLSearchParams(asked.map(([name, value]) => [name, String(value)]))}`;
}

/** The server's own words when it has some; a plain sentence when a proxy answered instead. */
async function problemOf(response: Response): Promise<Problem> {
  const said = (await response.json().catch(() => null)) as Partial<Problem> | null;
  const title = said?.title ?? `The server answered ${response.status}`;
  const fallback = response.status >= 500 ? 'The server has a problem. Try again in a moment.' : `${title}.`;
  return {
    ...said,
    status: response.status,
    code: said?.code ?? `http_${response.status}`,
    title,
    detail: said?.detail ?? fallback,
  };
}

const PAGE_SIZE = 24;

export const api = {
  node: () => call('get', '/api/v1/node'),

  session: () => call('get', '/api/v1/session'),
  challenge: () => call('post', '/api/v1/session/challenge'),
  signIn: (body: { statement: string; sig: string }) => call('post', '/api/v1/session', { body }),
  signOut: () => call('delete', '/api/v1/session'),

  keyState: (key: string) => call('get', '/api/v1/keys/{key}', { path: { key } }),
  handle: (handle: string) => call('get', '/api/v1/handles/{handle}', { path: { handle } }),
  appendRecord: (body: { header: string; body: string; invitation?: string }) =>
    call('post', '/api/v1/records', { body }),

  publications: (after: string | null, signal?: AbortSignal) =>
    call('get', '/api/v1/publications', { query: { after: after ?? undefined, limit: PAGE_SIZE }, signal }),
  channel: (handle: string, after: string | null = null, signal?: AbortSignal) =>
    call('get', '/api/v1/channels/{handle}', {
      path: { handle },
      query: { after: after ?? undefined, limit: PAGE_SIZE },
      signal,
    }),
  claim: (claim: string, signal?: AbortSignal) =>
    call('get', '/api/v1/claims/{claim}', { path: { claim }, signal }),
  resolve: (url: string, signal?: AbortSignal) => call('get', '/api/v1/resolve', { query: { url }, signal }),

  uploads: (signal?: AbortSignal) => call('get', '/api/v1/uploads', { signal }),
  upload: (id: string, signal?: AbortSignal) => call('get', '/api/v1/uploads/{id}', { path: { id }, signal }),
  retryUpload: (id: string) => call('post', '/api/v1/uploads/{id}/retry', { path: { id } }),

  addCompanion: (id: string, query: CompanionQuery, file: Blob | null) =>
    call('post', '/api/v1/uploads/{id}/companions', { path: { id }, query, file }),
  describeCompanion: (id: string, companion: string, body: { language: string | null; label: string }) =>
    call('put', '/api/v1/uploads/{id}/companions/{companion}', { path: { id, companion }, body }),
  removeCompanion: (id: string, companion: string) =>
    call('delete', '/api/v1/uploads/{id}/companions/{companion}', { path: { id, companion } }),

  becomeOperator: (token: string) => call('post', '/api/v1/operator', { body: { token } }),
  operatorStatus: (signal?: AbortSignal) => call('get', '/api/v1/operator/status', { signal }),
  setRegistration: (registration: Registration) =>
    call('put', '/api/v1/operator/registration', { body: { registration } }),
  invite: () => call('post', '/api/v1/operator/invitations'),
  operatorJobs: (state: JobFilter, after: string | null, signal?: AbortSignal) =>
    call('get', '/api/v1/operator/jobs', {
      query: { state, after: after ?? undefined, limit: PAGE_SIZE },
      signal,
    }),
  operatorJob: (id: string) => call('get', '/api/v1/operator/jobs/{id}', { path: { id } }),
  retryJob: (id: string) => call('post', '/api/v1/operator/jobs/{id}/retry', { path: { id } }),
  cancelJob: (id: string) => call('post', '/api/v1/operator/jobs/{id}/cancel', { path: { id } }),
  workers: (signal?: AbortSignal) => call('get', '/api/v1/operator/workers', { signal }),
  inviteWorker: () =>
    call('post', '/api/v1/operator/workers/invitations', { body: { hours: null, reusable: false } }),
  revokeWorker: (name: string) => call('post', '/api/v1/operator/workers/{name}/revoke', { path: { name } }),
  withdrawWorker: (name: string) =>
    call('post', '/api/v1/operator/workers/{name}/withdraw', { path: { name } }),
  retryPin: (id: number) => call('post', '/api/v1/operator/pins/{id}/retry', { path: { id } }),
};

export const uploadPath = (id: string, rest = ''): string =>
  `/api/v1/uploads/${encodeURIComponent(id)}${rest}`;
