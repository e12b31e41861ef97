// What a policy's or a list's keepers do with it: sign it, after having seen that others will understand it.

import { readPolicy } from "./policy.ts";
import { readRevocations } from "./revocations.ts";
import type { DocumentKind } from "./signed-documents.ts";

export { signDocument } from "./signed-documents.ts";

/** Whoever may have signed it. Throws HostError `invalid-message` for what nobody could read. */
export function checkDocument(text: string, kind: DocumentKind, label: string): void {
  const anybody = { keys: [], threshold: 0 };
  const readers = { "trust-policy": readPolicy, revocations: readRevocations } as const satisfies Record<DocumentKind, unknown>;
  readers[kind](text, anybody, label);
}
