// What is compared: sandboxes for a stranger's JavaScript, each as its own documentation says, with the limits that it has.

export const MEMORY_MIB = 16;
export const CPU_MS = 1_000;

/** What every context is given first. */
export const PROGRAM =
  "function total(cart) { return { lines: cart.lines.length, total: cart.lines.reduce((s, l) => s + l.price * l.count, 0), cart } }";

export interface Cart {
  readonly lines: readonly { readonly name: string; readonly price: number; readonly count: number }[];
}

const lines = (count: number): Cart => ({
  lines: Array.from({ length: count }, (_, i) => ({ name: `a thing with a name, number ${i}`, price: 1 + i / 4, count: i })),
});
export const CARTS: Readonly<Record<"small" | "10 KB", Cart>> = { small: lines(1), "10 KB": lines(150) };

interface Context {
  /** Calls `total`; data goes in and comes out by value. */
  readonly call: (cart: Cart) => Promise<unknown>;
  /** Runs a program until its limit ends it. */
  readonly run: (source: string) => Promise<unknown>;
}

interface Runtime {
  readonly create: () => Promise<Context>;
}

/** Loads everything that one needs, up to where a context can be made. */
export type Load = () => Promise<Runtime>;
