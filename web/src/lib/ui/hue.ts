/** A colour's angle from the end of an id (its beginning is the same in every CID). */
export const hueOf = (id: string): number =>
  [...id.slice(-6)].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 360, 0);
