//! The addresses of a root at the origins that a claim names. This node is always one of them.

export function basesFor(cid: string, origins: string[], here = location.origin): string[] {
  const bases = origins.filter(isHttp).map((origin) => {
    const clean = origin.replace(/\/+$/, '');
    return clean.includes('/ipfs/') ? clean : `${clean}/ipfs/${cid}`;
  });
  return [...new Set([`${here}/ipfs/${cid}`, ...bases])];
}

const isHttp = (origin: string): boolean => /^https?:\/\//.test(origin);
