//! What the node answers, in the words of its API, as generated from its OpenAPI document. Times are milliseconds
//! since 1970, bytes base64url, CIDs text. An optional field is always sent, as null: so none is undefined here.

import type { components, paths } from './schema.gen';

/** The same shape with every field there. */
export type Whole<T> = T extends (infer U)[]
  ? Whole<U>[]
  : T extends object
    ? { [K in keyof T]-?: Whole<Exclude<T[K], undefined>> }
    : T;

type Schema<Name extends keyof components['schemas']> = Whole<components['schemas'][Name]>;

export type Session = Schema<'SessionView'>;
export type Registration = Schema<'Registration'>;
export type NodeInfo = Schema<'NodeView'>;
export type Card = Schema<'Card'>;
export type ChannelPage = Schema<'ChannelPage'>;
export type Job = Schema<'Job'>;
export type Upload = Schema<'UploadView'>;
export type Companion = Schema<'Companion'>;
export type CompanionQuery = paths['/api/v1/uploads/{id}/companions']['post']['parameters']['query'];
export type WireRecord = Schema<'WireRecord'>;
export type Claim = Schema<'Watch'>;
export type Receipt = Schema<'Logged'>;
export type PinStatus = Schema<'PinStatus'>;
export type OperatorStatus = Schema<'Status'>;
export type Invitation = Schema<'Invitation'>;
export type JobFilter = NonNullable<
  NonNullable<paths['/api/v1/operator/jobs']['get']['parameters']['query']>['state']
>;
export type Jobs = Schema<'Jobs'>;
export type ListedJob = Schema<'ListedJob'>;
export type JobDetails = Schema<'JobDetails'>;
export type Worker = Schema<'Worker'>;
export type WorkerInvitation = Schema<'WorkerInvitation'>;

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** RFC 9457, with a stable `code`. */
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
