// How things ended, as numbers: `ok` and the closed list of error codes. A counter of each is one array.

import { HOST_ERROR_CODES, type HostErrorCode } from "../core/errors.ts";

const CODES: readonly string[] = ["ok", ...HOST_ERROR_CODES];
const NUMBERS: ReadonlyMap<string, number> = new Map(CODES.map((code, number) => [code, number]));

export const OK = 0;

export const numberOf = (code: HostErrorCode): number => NUMBERS.get(code) ?? OK;

export const codeOf = (number: number): string => CODES[number] ?? "";

/** How often something ended in which way. */
export class Outcomes {
  readonly #counts = new Float64Array(CODES.length);

  add(number: number): void {
    this.#counts[number] = (this.#counts[number] ?? 0) + 1;
  }

  get total(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  get failed(): number {
    return this.total - (this.#counts[OK] ?? 0);
  }

  /** Those that there were. */
  *[Symbol.iterator](): Generator<readonly [code: string, count: number]> {
    for (const [number, count] of this.#counts.entries()) if (count > 0) yield [codeOf(number), count];
  }
}
