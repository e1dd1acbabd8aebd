//! Times as people type them. Pure.

/** "1:23", "1:02:03.5", "12.5": seconds; null for what is no time. */
export function timeFrom(text: string): number | null {
  const found = /^\s*(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6}(?:[.,]\d{1,3})?)\s*$/.exec(text);
  if (!found) return null;
  const [, hours, minutes, seconds = '0'] = found;
  const s = Number(seconds.replace(',', '.'));
  if ((minutes !== undefined && s >= 60) || (hours !== undefined && Number(minutes) >= 60)) return null;
  return (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + s;
}
