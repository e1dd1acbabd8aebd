// @vitest-environment happy-dom
import { expect, it, vi } from 'vitest';

import { goOnAt, placeIn } from './place';

it('takes along whether it played, and how loud', () => {
  const place = (currentTime: number, paused: boolean) =>
    placeIn({ currentTime, paused, volume: 0.5, muted: true } as HTMLVideoElement);
  expect(place(0, false)).toBeNull();
  const video = document.createElement('video');
  const play = vi.spyOn(video, 'play').mockResolvedValue();
  goOnAt(video, place(12, true)!);
  expect([video.volume, video.muted, play.mock.calls.length]).toEqual([0.5, true, 0]);
  goOnAt(video, place(12, false)!);
  expect(play).toHaveBeenCalledTimes(1);
});
