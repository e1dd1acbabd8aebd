import type { IconName } from './Icon.svelte';

export type MediaKind = 'video' | 'audio' | 'image' | 'file';

export function kindOf(mediaType: string): MediaKind {
  const group = mediaType.split('/')[0];
  return group === 'video' || group === 'audio' || group === 'image' ? group : 'file';
}

const ICONS: Record<MediaKind, IconName> = { video: 'film', audio: 'audio', image: 'image', file: 'file' };

export const iconFor = (mediaType: string): IconName => ICONS[kindOf(mediaType)];
