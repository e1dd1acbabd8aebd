import type { IconName } from './Icon.svelte';

export type MediaKind = 'video' | 'audio' | 'image' | 'file';

export function kindOf(mediaType: string): MediaKind {
  const group = mediaType.split('/')[0];
  return group === 'video' || group === 'audio' || group === 'image' ? group : 'file';
}

const ICONS: Record<MediaKind, IconName> = { video: 'film', audio: 'audio', image: 'image', file: 'file' };

export const iconFor = (mediaType: string): IconName => ICONS[kindOf(mediaType)];

/** Film in containers that a browser doesn't know, or calls by what else has this name: `.ts` is also a Qt translation. */
const FILM = new Map([
  ['avi', 'video/x-msvideo'],
  ['flv', 'video/x-flv'],
  ['m2t', 'video/mp2t'],
  ['m2ts', 'video/mp2t'],
  ['mkv', 'video/x-matroska'],
  ['mts', 'video/mp2t'],
  ['ogv', 'video/ogg'],
  ['ts', 'video/mp2t'],
  ['wmv', 'video/x-ms-wmv'],
]);

/** What to call a file until the node has looked at its bytes. */
export function guessOf({ name, type }: Pick<File, 'name' | 'type'>): string {
  if (kindOf(type) !== 'file') return type;
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase();
  return (extension && FILM.get(extension)) || type;
}
