// What an operator can look at and do with what plugins keep for themselves. How a store is opened is the lifecycle's affair.

/** A key, as an operator is shown it. */
export interface StoredKey {
  readonly key: string;
  readonly bytes: number;
  readonly version: number;
}

export interface StoredValue {
  /** In base64. */
  readonly value: string;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
}

export interface StoredChange {
  readonly seq: number;
  readonly key: string;
  readonly removed: boolean;
  readonly time: number;
  readonly trace: string | undefined;
}

export interface MovedData {
  readonly from: string;
  readonly to: string;
  readonly keys: number;
  readonly bytes: number;
}

/** Rejects with HostError, `conflict` for what cannot be done as things stand. */
export interface StoredData {
  keys(
    plugin: string,
    range: { readonly prefix: string; readonly after: string | undefined; readonly limit: number },
  ): Promise<{
    readonly keys: readonly StoredKey[];
    readonly next: string | undefined;
  }>;
  get(plugin: string, key: string): Promise<StoredValue | undefined>;
  log(plugin: string, after: number, limit: number): Promise<readonly StoredChange[]>;
  /** Copies the data of a plugin that does not run to the driver that its configuration names, compares both, and has them there from then on. */
  move(plugin: string, to: string): Promise<MovedData>;
  /** Removes for good what a move left behind. */
  drop(plugin: string, from: string): Promise<void>;
  /** Removes for good what a plugin that is gone kept on the host's side. */
  purge(plugin: string): Promise<void>;
}
