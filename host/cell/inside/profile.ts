// Where a guest's CPU goes, by function: each time a small piece of its fuel is spent, its stack is looked at, and the piece is counted there. Only while
// somebody asks for it.

import { printable } from "../../core/names.ts";
import type { ProfiledStack } from "../../core/ports/cell.ts";

/** Fuel between two looks: some 50 µs of most code. */
export const PIECE_FUEL = 15_000;
/** Of a stack, the innermost functions. */
const MAX_DEPTH = 24;
const MAX_STACKS = 5_000;
/** Of what is told, so that it fits into a frame. */
const MAX_CHARACTERS = 40_000;
const OTHERS = "(others)";
/** More than are kept: those of the host are among them. */
const STACK_LIMIT: number = MAX_DEPTH + 16;

export class Profile {
  readonly #stacks = new Map<string, number>();
  /** As frames name it; V8 may have put it into its callers, and then there is no frame of it. */
  readonly #meter: string;

  /** `meterFunction` is the number of the meter's own function in the module. */
  constructor(meterFunction: number | undefined) {
    this.#meter = `wasm-function[${meterFunction}]`;
  }

  /** Counts fuel where the guest stands; to be called from within it. */
  sample(fuel: number): void {
    this.#add(stackNow(this.#meter), fuel);
  }

  /** Counts fuel of a turn that ended before its next look. */
  rest(entryPoint: string, fuel: number): void {
    this.#add(`${shown(entryPoint)};(before the next look)`, fuel);
  }

  /** Those with the most, as far as there is room for them; the rest together. */
  stacks(): ProfiledStack[] {
    const sorted = [...this.#stacks].sort(([, one], [, other]) => other - one);
    const told: ProfiledStack[] = [];
    let [room, others] = [MAX_CHARACTERS, 0];
    for (const [stack, fuel] of sorted) {
      room -= stack.length + 16;
      if (room > 0 && stack !== OTHERS) told.push({ stack, fuel });
      else others += fuel;
    }
    return others === 0 ? told : [...told, { stack: OTHERS, fuel: others }];
  }

  #add(stack: string, fuel: number): void {
    const key = this.#stacks.has(stack) || this.#stacks.size < MAX_STACKS ? stack : OTHERS;
    this.#stacks.set(key, (this.#stacks.get(key) ?? 0) + fuel);
  }
}

/** The guest's functions, outermost first, joined by semicolons as flame graphs have them. */
function stackNow(meter: string): string {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = STACK_LIMIT;
    Error.prepareStackTrace = (_error, sites) => sites;
    const { stack } = new Error();
    const sites = (Array.isArray(stack) ? stack : []) as NodeJS.CallSite[];
    // The innermost is the trampoline to the host, by which every look comes.
    const [, ...frames] = sites.filter((site) => site.getScriptNameOrSourceURL()?.startsWith("wasm://") === true);
    const ofGuest = frames[0] !== undefined && String(frames[0]).includes(meter) ? frames.slice(1) : frames;
    return ofGuest.slice(0, MAX_DEPTH).map(nameOf).reverse().join(";") || "(nowhere)";
  } finally {
    Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
}

const INDEX = /wasm-function\[(\d+)\]/;

/** Its name, where the module has names, else its number. */
function nameOf(site: NodeJS.CallSite): string {
  const name = site.getFunctionName();
  return name === null ? `function ${INDEX.exec(String(site))?.[1] ?? "?"}` : shown(name);
}

const shown = (name: string): string => printable(name).replaceAll(";", ":");
