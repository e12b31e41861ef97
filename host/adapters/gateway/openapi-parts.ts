// What every OpenAPI document of ours has: how calls are refused or fail, from the one table of errors, and the headers of a call.

import { callErrors } from "../../bounds/error-answers.ts";
import type { SchemaObject } from "../../bounds/json-schema/words.ts";

/** Kept out of the way of names of services, which have no such character. */
const nameOf = (status: number): string => `Error_${status}`;
const ERRORS = callErrors();
/** Statuses of the door itself. */
const DOOR_ERRORS: ReadonlyMap<number, string> = new Map([
  [415, "the body has another type than the service takes"],
  [431, "there are more headers, or larger ones, than the host reads"],
]);
/** With these it may be said how long to wait. */
const WAITS: ReadonlySet<number> = new Set([429, 503]);

const PROBLEM: SchemaObject = {
  type: "object",
  description: "RFC 9457, with the error as the host has it.",
  properties: {
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    error: {
      type: "object",
      properties: {
        code: { type: "string", description: "one of a closed list" },
        message: { type: "string" },
        reason: { type: "string", description: "why a service refused, when the code is refused" },
      },
      required: ["code", "message"],
    },
  },
  required: ["title", "status", "detail", "error"],
};

export const problemResponse = (status: number, description: string): SchemaObject => ({
  description,
  ...(WAITS.has(status) ? { headers: { "Retry-After": { schema: { type: "integer" }, description: "seconds, where it is known" } } } : {}),
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem_" } } },
});

export const SHARED_SCHEMAS: Readonly<Record<string, SchemaObject>> = { Problem_: PROBLEM };

export const SHARED_RESPONSES: Readonly<Record<string, SchemaObject>> = Object.fromEntries([
  ...[...ERRORS].map(([status, codes]) => [nameOf(status), problemResponse(status, codes.join(", "))] as const),
  ...[...DOOR_ERRORS].map(([status, description]) => [nameOf(status), problemResponse(status, description)] as const),
]);

/** Of every operation, by status. */
export const ERROR_RESPONSES: Readonly<Record<string, SchemaObject>> = Object.fromEntries(
  [...ERRORS.keys(), ...DOOR_ERRORS.keys()].map((status) => [String(status), { $ref: `#/components/responses/${nameOf(status)}` }]),
);

export const SHARED_PARAMETERS: Readonly<Record<string, SchemaObject>> = {
  DeadlineMs: {
    name: "Deadline-Ms",
    in: "header",
    description: "How long to wait for the answer, in milliseconds. The limit of the plugin holds when it is shorter.",
    schema: { type: "integer", minimum: 1, maximum: 999_999_999 },
  },
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "Makes the call at most once in ten minutes: a second one with this key and the same input is given the answer of the first.",
    schema: { type: "string", pattern: "^[!-~]+$", minLength: 1, maxLength: 255 },
  },
};

export const parameter = (name: keyof typeof SHARED_PARAMETERS): SchemaObject => ({ $ref: `#/components/parameters/${name}` });
