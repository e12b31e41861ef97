// A binary heap of guests that wait for a slice: who has used least first, equals in their order. It decides nothing else.

import type { Account } from "./account.ts";

export interface Ready {
  readonly account: Account;
  /** What the account had used. It runs one thing at a time, so the key of what is queued stays true. */
  readonly key: number;
  readonly order: number;
  /** In the lane; infinite when it does not wait there. */
  readonly debt: number;
  /** Lets the guest run; control comes back at once, the guest ends its slice with `release`. */
  readonly go: () => void;
  /** It has run already, from the lane. */
  taken: boolean;
}

const before = (a: Ready, b: Ready): boolean => a.key < b.key || (a.key === b.key && a.order < b.order);

export class ReadyHeap {
  readonly #items: Ready[] = [];

  /** Of those that have not run. */
  get first(): Ready | undefined {
    let first = this.#items[0];
    while (first?.taken) {
      this.#shift();
      first = this.#items[0];
    }
    return first;
  }

  push(item: Ready): void {
    const items = this.#items;
    let i = items.length;
    while (i > 0) {
      const parent = items[(i - 1) >> 1];
      if (parent === undefined || before(parent, item)) break;
      items[i] = parent;
      i = (i - 1) >> 1;
    }
    items[i] = item;
  }

  #shift(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    let i = 0;
    for (;;) {
      let child = items[2 * i + 1];
      if (child === undefined) break;
      let at = 2 * i + 1;
      const right = items[at + 1];
      if (right !== undefined && before(right, child)) {
        child = right;
        at += 1;
      }
      if (before(last, child)) break;
      items[i] = child;
      i = at;
    }
    items[i] = last;
  }
}
