// The one standard interface that timers need.

declare module "wasi:clocks/monotonic-clock@0.2.0" {
  export function now(): number;
  export function subscribeDuration(ns: number): { block(): void };
}
