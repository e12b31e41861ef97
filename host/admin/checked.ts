// An operation of an operator: its input is checked before anything is done.

import type { z } from "zod";
import { HostError } from "../core/errors.ts";
import { describeIssues } from "../manifest/issues.ts";
import type { Actor } from "./audit.ts";

export type Operation = (input: unknown, actor: Actor) => unknown;

export function checked<T>(schema: z.ZodType<T>, run: (input: T, actor: Actor) => unknown): Operation {
  return (input, actor) => {
    const parsed = schema.safeParse(input);
    if (parsed.success) return run(parsed.data, actor);
    throw new HostError("invalid-message", "the operation's input is malformed", { detail: describeIssues(parsed.error, { input }) });
  };
}
