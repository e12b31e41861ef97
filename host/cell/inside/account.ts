// What the scheduler writes down about one plugin.

import { Allowance } from "./lane.ts";

/** What one plugin has used, and its place among the others. */
export class Account {
  /** CPU time used, raised to the others' level after idling, so that sleeping earns no credit. */
  virtualMs = 0;
  readonly allowance: Allowance = new Allowance();
}
