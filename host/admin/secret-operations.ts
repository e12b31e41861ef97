// What an operator can do with secrets: keep one, forget it, see which there are. Nobody can read one.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { AuditLog } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";
import type { SecretInfo, SecretStore } from "./secrets.ts";

export interface SecretOperationsPorts {
  readonly secrets: SecretStore;
  readonly audit: Pick<AuditLog, "append">;
  transaction(work: () => void): void;
}

interface NewSecret {
  readonly name: string;
  readonly value: string;
  readonly to: readonly string[];
}

const noneSchema: z.ZodType<object> = z.strictObject({});
const setSchema: z.ZodType<NewSecret> = z.strictObject({ name: z.string(), value: z.string(), to: z.array(z.string()).max(64) });
const nameSchema: z.ZodType<{ readonly name: string }> = z.strictObject({ name: z.string() });

/** Each answers with the secrets as they are then. */
export function secretOperations({ secrets, audit, transaction }: SecretOperationsPorts): readonly (readonly [string, Operation])[] {
  return [
    ["secrets", checked(noneSchema, (): SecretInfo[] => secrets.list())],
    [
      "set-secret",
      checked(setSchema, ({ name, value, to }, actor): SecretInfo[] => {
        transaction(() => {
          secrets.set(name, value, to);
          audit.append(actor, "set-secret", name, { to });
        });
        return secrets.list();
      }),
    ],
    [
      "remove-secret",
      checked(nameSchema, ({ name }, actor): SecretInfo[] => {
        transaction(() => {
          if (!secrets.remove(name)) throw new HostError("invalid-message", `there is no secret ${printable(name)}`);
          audit.append(actor, "remove-secret", name);
        });
        return secrets.list();
      }),
    ],
  ];
}
