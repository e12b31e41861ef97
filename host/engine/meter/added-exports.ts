// The names under which an admitted module exports what admission added. A guest may export nothing with this prefix.

export const RESERVED_PREFIX = "__bulkhead_";

/**
 * Mutable i32 global: units of fuel left. The host sets it before a turn, reads what is left after it, and sets it to -1 to
 * let the guest trap at its next check. Far below that a check could wrap it around: nothing but -1 or more may be set.
 */
export const FUEL_EXPORT = "__bulkhead_fuel";
/** Mutable `(ref null (func))` global: what runs when the fuel is negative; see createRefuel. */
export const REFUEL_EXPORT = "__bulkhead_refuel";
/** The former start function, if there was one: the host calls it like a turn, before any other. */
export const START_EXPORT = "__bulkhead_start";
/** The linear memory, if there is one. */
export const MEMORY_EXPORT = "__bulkhead_memory";
/** What of its own things a guest does not export, where the host is to read and write them: see state/expose.ts. Never anything that was added to it. */
export const STATE_PREFIX = "__bulkhead_state_";
