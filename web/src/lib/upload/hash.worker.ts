//! Hashes a file beside the upload, so that the page can compare its own CID with the server's.

import { formatCid } from '../content/cid';
import { importFile } from '../content/import';

export type HashMessage = { done: number } | { cid: string } | { error: string };

const say = (message: HashMessage) => self.postMessage(message);

self.onmessage = async ({ data: file }: MessageEvent<File>) => {
  try {
    let last = 0;
    const cid = await importFile(file, (done) => {
      if (done - last < 8 * 1024 * 1024 && done < file.size) return;
      last = done;
      say({ done });
    });
    if (cid) say({ cid: formatCid(cid) });
  } catch (error) {
    say({ error: error instanceof Error ? error.message : 'the file could not be read' });
  }
};
