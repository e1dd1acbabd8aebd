//! What is turned down before a byte is sent, and the sentence that says why.

import type { NodeInfo } from '../api/types';
import { bytes } from '../format';

export function refusalOf(file: Pick<File, 'size'>, node: Pick<NodeInfo, 'limits'> | null): string | null {
  if (file.size === 0) return 'It is empty.';
  if (!node) return null;
  const { upload_bytes, free_bytes } = node.limits;
  if (file.size > upload_bytes) {
    return `It has ${bytes(file.size)}; this node takes files of up to ${bytes(upload_bytes)}.`;
  }
  if (file.size > free_bytes) {
    return `It has ${bytes(file.size)}; this node has ${bytes(free_bytes)} left. Ask its operator for room.`;
  }
  return null;
}
