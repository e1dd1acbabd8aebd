import { describe, expect, it } from 'vitest';

import { requestFor } from './keys';

const press = (key: string, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, ...more });
const focus = (tagName: string, attributes: Record<string, string> = {}) => ({
  tagName,
  getAttribute: (name: string) => attributes[name] ?? null,
});

describe('requestFor', () => {
  it('knows the map', () => {
    expect(requestFor(press('k'), null)).toEqual({ do: 'toggle' });
    expect(requestFor(press('K'), null)).toEqual({ do: 'toggle' });
    expect(requestFor(press('j'), null)).toEqual({ do: 'seek', by: -10 });
    expect(requestFor(press('l'), null)).toEqual({ do: 'seek', by: 10 });
    expect(requestFor(press('ArrowLeft'), null)).toEqual({ do: 'seek', by: -5 });
    expect(requestFor(press('7'), null)).toEqual({ do: 'jump', to: 0.7 });
    expect(requestFor(press('q'), null)).toBeNull();
  });

  it('leaves typing and the browser’s own keys alone', () => {
    for (const tag of ['TEXTAREA', 'SELECT', 'INPUT']) expect(requestFor(press('k'), focus(tag))).toBeNull();
    expect(requestFor(press('k'), focus('DIV', { contenteditable: 'true' }))).toBeNull();
    expect(requestFor(press('l', { ctrlKey: true }), null)).toBeNull();
    expect(requestFor(press(' '), focus('BUTTON'))).toBeNull();
    expect(requestFor(press('k'), focus('BUTTON'))).toEqual({ do: 'toggle' });
  });

  it('scrolls the page with up and down, unless the player has the focus', () => {
    expect(requestFor(press('ArrowUp'), focus('BODY'))).toBeNull();
    expect(requestFor(press('ArrowUp'), focus('SECTION', { 'data-player': 'true' }))).toEqual({
      do: 'volume',
      by: 0.05,
    });
  });

  it('lets a slider have its arrows and the player the rest', () => {
    const slider = focus('INPUT', { type: 'range' });
    expect(requestFor(press('ArrowLeft'), slider)).toBeNull();
    expect(requestFor(press('m'), slider)).toEqual({ do: 'mute' });
  });
});
