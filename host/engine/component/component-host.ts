// What the interfaces of a component are made from.

import type { Bytes } from "../../core/types.ts";
import type { WitFunction } from "../../core/wit.ts";
import type { GuestEnvironment } from "../engine.ts";
import type { GuestControl } from "../guest/control.ts";
import type { Ledger } from "./resources.ts";

/** Functions and classes by jco's names for them, by interface without its version. */
export type Interfaces = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface ComponentHost {
  readonly environment: GuestEnvironment;
  readonly control: GuestControl;
  readonly ledger: Ledger;
  /** Counts a host call, whose arguments have been taken. */
  count(): void;
  /** The same for one that costs no more than entering the host, which CPU time alone bounds. */
  free(): void;
  /**
   * How the turn that runs asks the host, now and later: one question after the other, since the host takes one at a time. Resolves with the tagged
   * block; what is refused, what fails, and what is asked when the turn has ended, is such a block too.
   */
  asker(): (name: WitFunction, values: readonly unknown[]) => Promise<Bytes>;
  /** Suspends the guest. Throws when the guest is to end. */
  wait(answer: Promise<Bytes>): Promise<Bytes>;
}

const words = (name: string): string[] => name.split("-").map((word) => word.toLowerCase());
const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

/** The names that jco gives classes: `input-stream` → `InputStream`. */
export const upperCamelCase = (name: string): string => words(name).map(capital).join("");

/** The names that jco gives functions: `list-keys` → `listKeys`. */
export function lowerCamelCase(name: string): string {
  const [first = "", ...others] = words(name);
  return first + others.map(capital).join("");
}
