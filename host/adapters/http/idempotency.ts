// At most once, for those who cannot know whether a call arrived: what was answered under a key is kept for a while and answered again. In memory, so a host
// that starts anew knows nothing of it. Bounded in number and bytes, with a share for each principal.

import { createHash } from "node:crypto";
import { HostError, type HostErrorCode, toHostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Bytes } from "../../core/types.ts";
import { clientError } from "./client-error.ts";

export interface IdempotencyLimits {
  readonly keptMs: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
}

export const IDEMPOTENCY_LIMITS: IdempotencyLimits = { keptMs: 600_000, maxEntries: 10_000, maxBytes: 16 * 1_024 * 1_024 };
/** Of the number and of the bytes that one principal may have: a quarter. */
const SHARES = 4;
/** Of a principal's bytes that one answer may have: a quarter again. */
const ANSWERS = 4;
/** Of an entry without its answer, about. */
const ENTRY_BYTES = 512;
const KEY = /^[!-~]{1,255}$/;

/** Throws an error with status 400 for what is no key. */
export function keyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === "string" && KEY.test(header)) return header;
  throw clientError(400, "the header Idempotency-Key is no key: write 1 to 255 visible ASCII characters, such as a UUID, once");
}

/** Whether the service may have run when a call ends so: then it is not called again under the same key. */
const MAY_HAVE_RUN: Readonly<Record<HostErrorCode, boolean>> = {
  ...{ "invalid-message": false, "invalid-manifest": false, "admission-refused": false, "incompatible-api": false },
  ...{ "permission-denied": false, "no-such-service": false, "service-taken": false, "call-loop": false, "queue-full": false },
  ...{ "rate-limited": false, "plugin-not-running": false, "host-unreachable": false },
  ...{ "deadline-exceeded": true, "cpu-exhausted": true, "memory-exhausted": true, "plugin-failed": true, "quota-exceeded": true },
  ...{ "storage-failed": true, "http-failed": true, conflict: true, internal: true, refused: true, "host-lost": true },
};

/** How a call ended; "too large" when its answer is not kept. */
type Outcome = { readonly output: Bytes } | { readonly error: HostError } | "too large";

interface Entry {
  /** Of the input. */
  readonly hash: string;
  readonly outcome: Outcome;
  readonly bytes: number;
  readonly untilMs: number;
}

/** What one principal has, the oldest first. */
interface Account {
  readonly entries: Map<string, Entry>;
  /** Hashes of the input of calls that run. */
  readonly running: Map<string, string>;
  bytes: number;
}

export interface KeyedCall {
  readonly principal: string;
  readonly service: string;
  readonly key: string;
  readonly payload: Bytes;
}

export class IdempotentCalls {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #limits: IdempotencyLimits;
  readonly #accounts = new Map<string, Account>();
  #entries = 0;
  #bytes = 0;

  constructor(clock: Pick<Clock, "monotonicMs">, limits: IdempotencyLimits = IDEMPOTENCY_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Does `work` unless it was done under this key: then its end is repeated, after `onReplay`. Rejects as `work` did, with HostError `conflict` while it runs or when its answer was
   * too large to be kept, with `rate-limited` when too many run, and with status 422 for a key that came with another input.
   */
  async once(call: KeyedCall, work: () => Promise<Bytes>, onReplay: () => void): Promise<Bytes> {
    this.#forgetOld();
    const account = this.#account(call.principal);
    const id = `${call.service} ${call.key}`;
    const hash = createHash("sha256").update(call.payload).digest("base64");
    const known = account.entries.get(id);
    if ((known?.hash ?? account.running.get(id) ?? hash) !== hash)
      throw clientError(
        422,
        "this Idempotency-Key came with another input before; a call that is another one takes a key of its own",
        "conflict",
      );
    if (account.running.has(id)) throw new HostError("conflict", "the call with this Idempotency-Key is still running; ask again later");
    if (known === undefined) return this.#run(account, { id, hash }, work);
    onReplay();
    return repeated(known.outcome);
  }

  get size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries, bytes: this.#bytes };
  }

  async #run(account: Account, { id, hash }: { readonly id: string; readonly hash: string }, work: () => Promise<Bytes>): Promise<Bytes> {
    if (account.running.size >= this.#limits.maxEntries / SHARES)
      throw new HostError("rate-limited", `more than ${account.running.size} calls with an Idempotency-Key run; wait for some of them`);
    account.running.set(id, hash);
    try {
      const output = await work();
      this.#keep(account, id, { hash, outcome: { output } });
      return output;
    } catch (thrown) {
      const error = toHostError(thrown);
      if (mayHaveRun(error)) this.#keep(account, id, { hash, outcome: { error } });
      throw thrown;
    } finally {
      account.running.delete(id);
    }
  }

  #keep(account: Account, id: string, { hash, outcome }: Pick<Entry, "hash" | "outcome">): void {
    const { keptMs, maxEntries, maxBytes } = this.#limits;
    const isTooLarge = sizeOf(outcome) > maxBytes / SHARES / ANSWERS;
    const kept = isTooLarge ? "too large" : copied(outcome);
    const bytes = ENTRY_BYTES + 2 * id.length + sizeOf(kept);
    while (account.entries.size + 1 > maxEntries / SHARES || account.bytes + bytes > maxBytes / SHARES)
      if (!this.#forgetFirst(account)) break;
    while (this.#entries + 1 > maxEntries || this.#bytes + bytes > maxBytes) if (!this.#forgetFirst(this.#heaviest())) break;
    account.entries.set(id, { hash, outcome: kept, bytes, untilMs: this.#clock.monotonicMs() + keptMs });
    account.bytes += bytes;
    this.#entries += 1;
    this.#bytes += bytes;
  }

  #account(principal: string): Account {
    const account = this.#accounts.get(principal) ?? { entries: new Map(), running: new Map(), bytes: 0 };
    this.#accounts.set(principal, account);
    return account;
  }

  /** All are kept equally long, so that the first ones of each are the first to go. */
  #forgetOld(): void {
    const now = this.#clock.monotonicMs();
    for (const [principal, account] of this.#accounts) {
      for (const { untilMs } of account.entries.values()) {
        if (untilMs > now) break;
        this.#forgetFirst(account);
      }
      if (account.entries.size + account.running.size === 0) this.#accounts.delete(principal);
    }
  }

  #heaviest(): Account | undefined {
    let found: Account | undefined;
    for (const account of this.#accounts.values()) if (account.entries.size > 0 && account.bytes > (found?.bytes ?? -1)) found = account;
    return found;
  }

  #forgetFirst(account: Account | undefined): boolean {
    const [first] = account?.entries ?? [];
    if (account === undefined || first === undefined) return false;
    const [id, { bytes }] = first;
    account.entries.delete(id);
    account.bytes -= bytes;
    this.#entries -= 1;
    this.#bytes -= bytes;
    return true;
  }
}

/** A provider that is unavailable says to ask again. */
const mayHaveRun = ({ code, reason }: HostError): boolean => MAY_HAVE_RUN[code] && !(code === "refused" && reason === "unavailable");

function sizeOf(outcome: Outcome): number {
  if (outcome === "too large") return 0;
  return "output" in outcome ? outcome.output.length : 2 * (outcome.error.message.length + (outcome.error.reason?.length ?? 0));
}

/** Without what it is a part of, and without the stack and cause of an error. */
function copied(outcome: Outcome): Outcome {
  if (outcome === "too large") return outcome;
  if ("output" in outcome) return { output: outcome.output.slice() };
  const { code, message, reason, retryAfterMs } = outcome.error;
  return { error: new HostError(code, message, { reason, retryAfterMs }) };
}

function repeated(outcome: Outcome): Bytes {
  if (outcome === "too large")
    throw new HostError("conflict", "the call with this Idempotency-Key was made, and its answer was too large to be kept");
  if ("error" in outcome) throw outcome.error;
  return outcome.output;
}
