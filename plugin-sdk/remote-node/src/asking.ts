// Asks the host for a function of wit/.

import { decodeAnswer, encodeBlock, type Shape } from "./blocks.ts";
import { current } from "./turn.ts";

/** Rejects with HostError for what the host answers with an error. */
export async function asking<T>(name: string, args: readonly (readonly [Shape, unknown])[], result: Shape): Promise<T> {
  const block = await current().ask(
    name,
    args.map(([shape, value]) => encodeBlock(shape, value)),
  );
  return decodeAnswer(result, block) as T;
}
