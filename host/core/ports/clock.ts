// Time. The only thing that tests fake.

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since an arbitrary moment; never goes back. */
  monotonicMs(): number;
  /** Calls once after `delayMs`, never before; the returned function cancels. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void;
}
