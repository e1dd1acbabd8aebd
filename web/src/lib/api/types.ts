//! What the node answers, in the words of its API. Times are milliseconds since 1970, bytes base64url, CIDs text.

export interface Session {
  channel: string;
  handle: string | null;
  name: string | null;
  operator: boolean;
  expires_at?: number;
}

export type Registration = 'open' | 'invitation' | 'closed';

export interface NodeInfo {
  name: string;
  version: string;
  origin: string;
  log_key: string;
  channel: string;
  node_key: string;
  url: string;
  registration: Registration;
  signed_in: Session | null;
  limits: { upload_bytes: number; free_bytes: number };
  pinning: boolean;
  protocol: string;
}

export interface ChannelRef {
  id: string;
  handle: string;
  name: string | null;
}

export interface Card {
  claim: string;
  url: string;
  watch: string;
  title: string;
  channel: ChannelRef;
  poster: string | null;
  duration_ms: number | null;
  received_ms: number;
  media_type: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface ChannelPage extends Page<Card> {
  channel: string;
  url: string;
  name: string | null;
  handle: string;
  about: string | null;
}

export interface Rung {
  name: string;
  height: number | null;
  fraction: number;
}

export interface Job {
  id: string;
  state: 'queued' | 'running' | 'complete' | 'failed' | 'none';
  stage: string;
  fraction: number;
  speed: number | null;
  left_ms: number | null;
  rungs: Rung[];
  code: string | null;
  reason: string | null;
  root: string | null;
  duration_ms: number | null;
  warnings: string[];
}

export interface Upload {
  id: string;
  file_name: string;
  media_type: string;
  size_bytes: number;
  offset_bytes: number;
  state: 'receiving' | 'stored';
  created_ms: number;
  expires_ms: number | null;
  source: string | null;
  job: Job | null;
  root: string | null;
  claim: string | null;
}

/** A record as it travels: both parts are DAG-CBOR in base64url. */
export interface WireRecord {
  id: string;
  header: string;
  body: string | null;
}

export interface Pin {
  root: string;
  role: 'source' | 'hls';
  state: 'pending' | 'pinned' | 'failed';
  detail: string | null;
}

export interface Claim {
  claim: string;
  url: string;
  watch: string;
  index: number;
  received_ms: number;
  title: string;
  description_html: string;
  channel: ChannelRef & { key: string };
  source: { cid: string; bytes: number; media_type: string; file_name: string };
  root: string | null;
  root_by: 'channel' | 'node' | null;
  record: WireRecord;
  created: WireRecord;
  rendition: (WireRecord & { worker: string | null }) | null;
  genesis: { header: string; body: string };
  node: { channel: string; node_key: string; genesis: { header: string; body: string } };
  renditions: { height: number; bandwidth: number }[];
  poster: string | null;
  duration_ms: number | null;
  job: Job | null;
  pins: Pin[];
  origins: string[];
}

export interface KeyState {
  channel: string;
  handle: string | null;
  keys: string;
  head: { id: string; seq: number } | null;
}

export interface Receipt {
  id: string;
  index: number;
  received_ms: number;
}

/** A pin as the operator sees it. */
export interface PinStatus extends Pin {
  id: number;
  name: string;
  attempts: number;
  next_try_ms: number;
}

export interface OperatorStatus {
  store: { blobs: number; bytes: number; free_bytes: number };
  jobs: (Job & { source: string })[];
  pins: PinStatus[];
  registration: Registration;
}

export interface Invitation {
  url: string;
  token: string;
  expires_at: number;
}

export interface Problem {
  title: string;
  status: number;
  code: string;
  detail: string;
  [extra: string]: unknown;
}

/** What the server puts into the page, so that the first view asks for nothing. */
export interface PageData {
  node: NodeInfo | null;
  session: Session | null;
  page:
    | { kind: 'home'; publications: Page<Card> }
    | { kind: 'channel'; channel: ChannelPage }
    | { kind: 'watch'; claim: Claim }
    | { kind: 'error'; error: Problem }
    | null;
}
