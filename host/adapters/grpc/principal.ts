// Who makes a call: found out once, before its message is read.

import { HostError } from "../../core/errors.ts";
import type { Principal } from "../../seams.ts";
import type { Metadata } from "../gateway/grpc/packages.ts";

const known = new WeakMap<Metadata, Principal>();

/** The call with this metadata is let in. */
export const admitted = (metadata: Metadata, principal: Principal): unknown => known.set(metadata, principal);

/** Of a call that was let in. */
export function principalOf({ metadata }: { readonly metadata: Metadata }): Principal {
  const found = known.get(metadata);
  if (found === undefined) throw new HostError("internal", "the call was not let in");
  return found;
}
