//! What can be wrong with a record taken alone: the same words as in the Rust crate, one for each failure.

export class RecordFault extends Error {
  /** The exact failure: `cbor_float`, `field_unknown`, `signature_wrong`, … */
  readonly fault: string;

  constructor(fault: string, message: string) {
    super(message);
    this.name = 'RecordFault';
    this.fault = fault;
  }

  /** The word that the API answers. */
  get code(): string {
    return /^(cbor|field)_/.test(this.fault) ? 'record_malformed' : this.fault;
  }
}
