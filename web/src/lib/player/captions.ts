//! The captions that an element shows: one track at most, whose bytes were checked before.

import type { Captions } from './texts';

export class CaptionsTrack {
  #track: HTMLTrackElement | null = null;

  show(video: HTMLVideoElement, { label, language }: Captions, bytes: Uint8Array<ArrayBuffer>): void {
    this.remove();
    const track = document.createElement('track');
    track.kind = 'subtitles';
    track.label = label;
    track.srclang = language;
    track.src = URL.createObjectURL(new Blob([bytes], { type: 'text/vtt' }));
    video.append(track);
    track.track.mode = 'showing';
    this.#track = track;
  }

  remove(): void {
    const track = this.#track;
    if (!track) return;
    this.#track = null;
    track.remove();
    URL.revokeObjectURL(track.src);
  }
}
