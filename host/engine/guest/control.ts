// How what serves a guest tells its instance that the guest must yield or die.

import type { HostError } from "../../core/errors.ts";

/** Whether and why the guest must die, and whether it must yield. */
export interface GuestControl {
  readonly doomed: boolean;
  doom(error: HostError): void;
  /** Ends the slice at the next check without charging for what is left of it. */
  forfeit(): void;
}
