//! What can be asked of the player, and the keyboard map: which key asks for what. Pure.

export type Request =
  | { do: 'toggle' | 'mute' | 'fullscreen' | 'pip' | 'toggleCaptions' }
  /** Seconds from here, or from the start. */
  | { do: 'seek'; by: number }
  | { do: 'seekTo'; seconds: number }
  /** A share of the whole. */
  | { do: 'jump'; to: number }
  | { do: 'volume'; by: number }
  | { do: 'setVolume' | 'rate'; value: number }
  | { do: 'level' | 'sound'; index: number }
  /** -1 for none. */
  | { do: 'captions'; index: number };

const MAP: Record<string, Request> = {
  k: { do: 'toggle' },
  ' ': { do: 'toggle' },
  j: { do: 'seek', by: -10 },
  l: { do: 'seek', by: 10 },
  ArrowLeft: { do: 'seek', by: -5 },
  ArrowRight: { do: 'seek', by: 5 },
  ArrowUp: { do: 'volume', by: 0.05 },
  ArrowDown: { do: 'volume', by: -0.05 },
  f: { do: 'fullscreen' },
  m: { do: 'mute' },
  c: { do: 'toggleCaptions' },
  Home: { do: 'jump', to: 0 },
  End: { do: 'jump', to: 1 },
};

interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** Null for a key that means nothing here, or that the element in focus needs for itself. */
export function requestFor(
  press: Press,
  focus: Pick<Element, 'tagName' | 'getAttribute'> | null,
): Request | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  const tag = focus?.tagName ?? '';
  const editable = focus?.getAttribute('contenteditable') === 'true';
  const typing = tag === 'TEXTAREA' || tag === 'SELECT' || editable || (tag === 'INPUT' && !isRange(focus));
  if (typing) return null;
  if (key === ' ' && /^(BUTTON|A|SUMMARY)$/.test(tag)) return null;
  if (isRange(focus) && /^(Arrow|Home|End)/.test(key)) return null;
  if (/^(Arrow(Up|Down)|Home|End)$/.test(key) && !focus?.getAttribute('data-player')) return null;
  if (/^\d$/.test(key)) return { do: 'jump', to: Number(key) / 10 };
  return MAP[key] ?? null;
}

const isRange = (focus: Pick<Element, 'tagName' | 'getAttribute'> | null): boolean =>
  focus?.tagName === 'INPUT' && focus.getAttribute('type') === 'range';
