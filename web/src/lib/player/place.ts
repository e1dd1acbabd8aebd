//! Where a viewer is in what an element plays, and how another element goes on there.

export interface Place {
  /** In seconds. */
  at: number;
  playing: boolean;
  volume: number;
  muted: boolean;
}

/** The picture stands a little before the end of what is there. */
export const NEAR_S = 0.05;

/** Null at the beginning, where there is nothing to go on with. */
export const placeIn = ({ currentTime, paused, volume, muted }: HTMLVideoElement): Place | null =>
  currentTime > 0 ? { at: currentTime, playing: !paused, volume, muted } : null;

/** Once the element has been given what it plays from there. */
export function goOnAt(video: HTMLVideoElement, { playing, volume, muted }: Place): void {
  video.volume = volume;
  video.muted = muted;
  if (playing) video.play().catch(() => undefined); // Refused without a gesture: the play button is there.
}

/** How many seconds of what is there are still to come. */
export function bufferedAfter({ buffered, currentTime }: HTMLVideoElement): number {
  for (let i = 0; i < buffered.length; i++) {
    // Streams begin a little after zero, and what is nearer than that is played without a stop.
    if (buffered.start(i) <= currentTime + NEAR_S && currentTime <= buffered.end(i))
      return buffered.end(i) - currentTime;
  }
  return 0;
}
