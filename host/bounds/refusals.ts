// How a provider says no: the reasons that everybody has, what a declared one may be, and how a guest's own refusal is read. Nothing that a guest says makes a
// code of the host's: it has one, `refused`, and chooses the reason.

import { type ErrorShape, HOST_ERROR_CODES, HostError, type HostErrorCode } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { isJsonWithin } from "./json.ts";

export const REASONS = ["not-found", "invalid-input", "conflict", "forbidden", "unavailable"] as const;
export type Reason = (typeof REASONS)[number];

export const isReason = (text: string | undefined): text is Reason => (REASONS as readonly (string | undefined)[]).includes(text);

const KEBAB = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
export const MAX_REASON_LENGTH = 64;

/** What a provider may declare: kebab-case that is none of the host's own codes, which callers would take it for. */
export const isDeclarable = (text: string): boolean =>
  isReason(text) || (isWellFormed(text) && !(HOST_ERROR_CODES as readonly HostErrorCode[]).some((code) => code === text));

/** Whether it looks like a reason at all. */
export const isWellFormed = (text: string): boolean => text.length <= MAX_REASON_LENGTH && KEBAB.test(text);

/** The longest wait that anybody may ask for: a day. */
const MAX_RETRY_AFTER_MS = 86_400_000;
export const isRetryAfter = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MAX_RETRY_AFTER_MS;

/**
 * What a service, a function or a fake of a program's own throws to say no: `refused` with this reason. Throws HostError `invalid-message` for what is no reason,
 * or no time to wait: 1 to 86,400,000 whole milliseconds, of `unavailable` only.
 */
export function refusal(
  reason: Reason | (string & {}),
  message: string,
  { retryAfterMs }: { readonly retryAfterMs?: number } = {},
): HostError {
  if (!isDeclarable(reason))
    throw new HostError("invalid-message", `"${printable(reason)}" is no reason of a refusal; write kebab-case, such as out-of-stock`);
  if (retryAfterMs !== undefined && !(reason === "unavailable" && isRetryAfter(retryAfterMs)))
    throw new HostError(
      "invalid-message",
      `retryAfterMs is ${retryAfterMs}; write 1 to ${MAX_RETRY_AFTER_MS} milliseconds, for the reason unavailable`,
    );
  return new HostError("refused", message, { reason, retryAfterMs });
}

/** What was thrown on purpose by code of the program's own, to be told to whoever asked; undefined for a fault, and for a reason that was not declared. */
export function toldOnPurpose(thrown: unknown, declared: readonly string[]): HostError | undefined {
  if (!(thrown instanceof HostError) || thrown.code === "internal") return undefined;
  const { code, message, detail, reason, retryAfterMs } = thrown;
  if (code !== "refused")
    return new HostError(code, message, { detail, retryAfterMs: isRetryAfter(retryAfterMs) ? retryAfterMs : undefined });
  if (reason === undefined || !(isReason(reason) || declared.includes(reason))) return undefined;
  return new HostError(code, message, { detail, reason, retryAfterMs: isRetryAfter(retryAfterMs) ? retryAfterMs : undefined });
}

/** The first byte of an error that is a refusal. */
export const REFUSAL_MARK = 0x01;
/** Of a refusal with its mark; a message of 4,096 characters fits, however it is escaped. */
export const MAX_REFUSAL_BYTES: number = 32 * 1_024;
const MAX_MESSAGE_LENGTH = 4_096;
const JSON_LIMITS = { maxValues: 16, maxDepth: 1 };
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * What a guest's marked block says: `refused` with its reason, or `plugin-failed` for what is none, is larger than MAX_REFUSAL_BYTES or has a reason that is
 * neither everybody's nor in `declared`. `said` may end after MAX_REFUSAL_BYTES + 1.
 */
export function readRefusal(plugin: string, said: Uint8Array, declared: readonly string[]): ErrorShape {
  const failed = (what: string): ErrorShape => ({ code: "plugin-failed", message: `${plugin} ${what}` });
  if (said.length > MAX_REFUSAL_BYTES) return failed(`refuses with more than ${MAX_REFUSAL_BYTES} bytes, which is the limit`);
  const { code: reason, message, retryAfterMs } = parsed(said.subarray(1)) ?? {};
  if (typeof reason !== "string" || typeof message !== "string")
    return failed('refuses with what is no refusal; behind the mark stands the JSON object {"code", "message"}');
  const text = escapeControls(message.slice(0, MAX_MESSAGE_LENGTH));
  if (!isReason(reason) && !declared.includes(reason))
    return failed(`refuses with "${printable(reason)}", which services.<name>.errors of its manifest does not declare here: ${text}`);
  const isTimed = reason === "unavailable" && isRetryAfter(retryAfterMs);
  return { code: "refused", message: text, reason, ...(isTimed ? { retryAfterMs } : {}) };
}

function parsed(bytes: Uint8Array): Readonly<Record<"code" | "message" | "retryAfterMs", unknown>> | undefined {
  if (!isJsonWithin(bytes, JSON_LIMITS)) return undefined;
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return typeof value === "object" && value !== null
      ? (value as Readonly<Record<"code" | "message" | "retryAfterMs", unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
