// What an operator can do with the keys that plugins sign with: see them, exchange one, take it away. Nobody can take one out.

import { z } from "zod";
import type { Actor } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";
import type { SigningKeyInfo, SigningKeyStore } from "./signing-keys.ts";

const text = z.string().min(1).max(512);
const anySchema: z.ZodType<{ readonly plugin?: string | undefined }> = z.strictObject({ plugin: text.optional() });
const namedSchema: z.ZodType<{ readonly plugin: string; readonly name: string }> = z.strictObject({ plugin: text, name: text });
const removeSchema: z.ZodType<{ readonly plugin: string; readonly name: string; readonly kid?: string | undefined }> = z.strictObject({
  plugin: text,
  name: text,
  kid: text.optional(),
});

/** Each answers with the plugin's keys as they are then. */
export function keyOperations(keys: SigningKeyStore): readonly (readonly [string, Operation])[] {
  return [
    ["keys", checked(anySchema, ({ plugin }): SigningKeyInfo[] => keys.info(plugin))],
    [
      "rotate-key",
      checked(namedSchema, ({ plugin, name }, actor: Actor): SigningKeyInfo[] => {
        keys.rotate(plugin, name, actor);
        return keys.info(plugin);
      }),
    ],
    [
      "remove-key",
      checked(removeSchema, ({ plugin, name, kid }, actor: Actor): SigningKeyInfo[] => {
        keys.remove(plugin, name, kid, actor);
        return keys.info(plugin);
      }),
    ],
  ];
}
