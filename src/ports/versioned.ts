// A stored value with what a compare-and-set needs.

/** A value with the version it was read at. */
export interface Versioned<T> {
  readonly value: T;
  readonly stamp: string;
}
