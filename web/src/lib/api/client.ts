//! The only way to the API: typed calls, one error type. Every failure has a code and a sentence to show.

import type {
  ChannelPage,
  Claim,
  Card,
  Invitation,
  KeyState,
  NodeInfo,
  OperatorStatus,
  Page,
  Problem,
  Receipt,
  Registration,
  Session,
  Upload,
} from './types';

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

const problem = (status: number, code: string, title: string, detail: string): Problem => ({
  status,
  code,
  title,
  detail,
});

export const OFFLINE = problem(
  0,
  'offline',
  'No connection',
  'The server cannot be reached. Check the connection and try again.',
);

interface CallOptions {
  method?: string;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

export async function call<T>(path: string, { method = 'GET', body, signal }: CallOptions = {}): Promise<T> {
  const init: RequestInit = { method, signal: signal ?? null, headers: { accept: 'application/json' } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, 'content-type': 'application/json' };
  }
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(OFFLINE);
  }
  if (!response.ok) throw new ApiError(await problemOf(response));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** The server's own words when it has some; a plain sentence when a proxy answered instead. */
export async function problemOf(response: Response): Promise<Problem> {
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

const at = encodeURIComponent;
const query = (values: Record<string, string | number | null | undefined>): string => {
  const set = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return set.length ? `?${new URLSearchParams(set.map(([key, value]) => [key, String(value)]))}` : '';
};

export const api = {
  node: (signal?: AbortSignal) => call<NodeInfo>('/node', { signal }),

  session: () => call<Session>('/session'),
  challenge: () =>
    call<{ nonce: string; expires_at: number }>('/session/challenge', { method: 'POST', body: {} }),
  signIn: (body: { statement: string; sig: string }) => call<Session>('/session', { method: 'POST', body }),
  signOut: () => call<void>('/session', { method: 'DELETE' }),

  keyState: (key: string) => call<KeyState>(`/keys/${at(key)}`),
  appendRecord: (body: { header: string; body: string; invitation?: string }) =>
    call<Receipt>('/records', { method: 'POST', body }),

  publications: (after: string | null, signal?: AbortSignal) =>
    call<Page<Card>>(`/publications${query({ after, limit: 24 })}`, { signal }),
  channel: (handle: string, after: string | null = null, signal?: AbortSignal) =>
    call<ChannelPage>(`/channels/${at(handle)}${query({ after })}`, { signal }),
  claim: (id: string, signal?: AbortSignal) => call<Claim>(`/claims/${at(id)}`, { signal }),
  resolve: (url: string, signal?: AbortSignal) =>
    call<{ claim?: string }>(`/resolve${query({ url })}`, { signal }),

  uploads: (signal?: AbortSignal) => call<{ items: Upload[] }>('/uploads', { signal }),
  upload: (id: string, signal?: AbortSignal) => call<Upload>(`/uploads/${at(id)}`, { signal }),
  retryUpload: (id: string) => call<Upload | void>(`/uploads/${at(id)}/retry`, { method: 'POST', body: {} }),

  becomeOperator: (token: string) => call<void>('/operator', { method: 'POST', body: { token } }),
  operatorStatus: (signal?: AbortSignal) => call<OperatorStatus>('/operator/status', { signal }),
  setRegistration: (registration: Registration) =>
    call<void>('/operator/registration', { method: 'PUT', body: { registration } }),
  invite: () => call<Invitation>('/operator/invitations', { method: 'POST', body: {} }),
  retryPin: (id: number) => call<void>(`/operator/pins/${id}/retry`, { method: 'POST', body: {} }),
};

export const uploadPath = (id: string, rest = ''): string => `/api/v1/uploads/${at(id)}${rest}`;
