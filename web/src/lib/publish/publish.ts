//! Publish: signs the `stream` record of an upload, with the root if the stream is complete. Once signed it is sent
//! until the node has answered: an answer that is lost on the way neither loses the publication nor makes a second one.

import { ApiError } from '../api/client';
import { untilAnswered } from '../api/patience';
import type { Problem, Receipt, Upload } from '../api/types';
import { account } from '../identity/account.svelte';
import { append } from '../identity/sign';
import { addressPath, Link } from '../records';
import type { StreamBody } from '../records/kinds';
import { chaptersOf } from '../upload/chapters';
import { Draft } from '../upload/draft.svelte';
import { line, lines } from './words';

const MAX_SLUGS_TRIED = 5;

type Waiting = (problem: Problem | null) => void;

/** The path of the new watch page. */
export async function publishUpload(
  upload: Upload,
  root: string | null,
  draft: Draft,
  waiting: Waiting,
): Promise<string> {
  // What is still to be put into it makes it another root.
  const approved = upload.unfinished ? null : root;
  const body = streamBody(upload, approved, draft);
  const chosen = draft.slug !== '';
  const receipt = await untilAnswered(() => appendUnder(body, upload.id, chosen), { waiting });
  Draft.forget(upload.id);
  const working = upload.job?.state === 'queued' || upload.job?.state === 'running';
  if (!approved && (working || upload.unfinished))
    account.setPendingApprovals([...account.pendingApprovals(), receipt.id]);
  const handle = account.session?.handle;
  return addressPath(handle ? { handle, slug: body.name } : { claim: receipt.id });
}

/** A slug that was made from the title gives way to the next free one; a chosen one doesn't. */
async function appendUnder(body: Fields, about: string, chosen: boolean): Promise<Receipt> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await append({ kind: 'stream', body, about });
    } catch (error) {
      const suggestion = error instanceof ApiError && error.code === 'slug_taken' && error.problem.suggestion;
      if (chosen || typeof suggestion !== 'string' || attempt === MAX_SLUGS_TRIED) throw error;
      body.name = suggestion;
    }
  }
}

type Fields = Omit<StreamBody, 'salt'>;

export function streamBody(upload: Upload, root: string | null, draft: Draft): Fields {
  if (!upload.source) throw new Error('The upload has not arrived as a whole yet.');
  const tags = [...new Set(draft.tagList.map((tag) => line(tag, 50)).filter(Boolean))].slice(0, 20);
  const body: Fields = {
    name: draft.effectiveSlug,
    title: line(draft.title, 200),
    source: {
      cid: new Link(upload.source),
      bytes: upload.size_bytes,
      media_type: upload.media_type.split(';')[0]?.trim().toLowerCase() || 'application/octet-stream',
    },
    visibility: 'public',
    comments: 'open',
  };
  const fileName = line(upload.file_name.split(/[/\\]/).pop() ?? '', 255);
  if (fileName && !/^\.\.?$/.test(fileName)) body.source.file_name = fileName;
  if (root) body.root = new Link(root);
  if (tags.length) body.tags = tags;
  const { chapters } = chaptersOf(draft.description, upload.job?.duration_ms ?? null);
  if (chapters.length) body.chapters = chapters;
  const captions = upload.companions.flatMap(({ role, language, file }) =>
    role === 'captions' && language && file ? [{ language, cid: new Link(file) }] : [],
  );
  if (captions.length) body.captions = captions;
  const poster = upload.companions.find(({ role }) => role === 'poster')?.file;
  if (poster) body.poster = new Link(poster);
  const optional = {
    description: lines(draft.description, 20_000),
    language: draft.language,
    licence: line(draft.licence, 200),
  };
  for (const [name, said] of Object.entries(optional) as [keyof typeof optional, string][]) {
    if (said) body[name] = said;
  }
  return body;
}
