// What globals.ts gives every plugin, and the clock and randomness that QuickJS has, for editors and compilers.

type Logs = (...values: readonly unknown[]) => void;

declare var console: {
  readonly debug: Logs;
  readonly trace: Logs;
  readonly log: Logs;
  readonly info: Logs;
  readonly warn: Logs;
  readonly error: Logs;
};

/** For UTF-8 only. */
declare var TextEncoder: typeof import("./utf8.ts").TextEncoder;
declare var TextDecoder: typeof import("./utf8.ts").TextDecoder;

/** A string with one unit a byte, and base64 of it. */
declare function atob(base64: string): string;
declare function btoa(units: string): string;

/** Milliseconds since the instance began, by the host's clock. */
declare var performance: { now(): number };

/** The turn goes on until no timer is left; each wait counts towards its deadline. */
declare function setTimeout(run: () => void, ms?: number): number;
declare function setInterval(run: () => void, ms?: number): number;
declare function clearTimeout(timer: number | undefined): void;
declare function clearInterval(timer: number | undefined): void;
