// The plugin that knows who somebody is, where the operator has named one. It is a stranger: what it says is counted and checked, it can name nobody but its own,
// and puts them into no group but those that the operator lets it use. One that does not answer lets nobody in.

import { z } from "zod";
import { isJsonWithin } from "../bounds/json.ts";
import { parseJsonInput } from "../bounds/json-input.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Bytes } from "../core/types.ts";
import type { AuthPlugin } from "../manifest/auth.ts";
import type { Authenticating, Scheme } from "../manifest/authenticate.ts";
import type { CalledFrom } from "../seams.ts";

export interface AuthenticatorPorts {
  readonly clock: Clock;
  readonly options: AuthPlugin;
  /** What the plugin's manifest says; undefined while it is not there, or says nothing. */
  section(): Authenticating | undefined;
  /** Calls the service as the host. Rejects like every call. */
  call(service: string, payload: Bytes, timeoutMs: number): Promise<Bytes>;
  tell(message: string, cause: unknown): void;
}

/** Somebody whom the plugin stands for. */
export interface Vouched {
  /** Such as `users/ada`. */
  readonly name: string;
  readonly groups: readonly string[];
  /** Of what he has shown; milliseconds since 1970. */
  readonly expiresAt: number | undefined;
}

/** A password is hashed, and waits for those of others. */
const ASK_MS = { password: 5_000, bearer: 1_000, subject: 1_000 } as const;
/** Of its queue, which others may need too. */
const MAX_ASKED = 16;
const BUSY_MS = 1_000;
const TELL_EVERY_MS = 60_000;
const MAX_ANSWER_BYTES = 32_768;
const JSON_LIMITS = { maxValues: 256, maxDepth: 4 } as const;
const MAX_TOKEN = 16_384;

const answerSchema: z.ZodType<{
  readonly subject: string;
  readonly groups: readonly string[];
  readonly expiresAtMs?: number | null | undefined;
}> = z.object({
  subject: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/),
  groups: z.array(z.string().min(1).max(256)).max(64).default([]),
  expiresAtMs: z.int().positive().nullish(),
});

type Credential =
  | { readonly scheme: "password"; readonly name: string; readonly password: string }
  | { readonly scheme: "bearer"; readonly token: string }
  | { readonly scheme: "subject"; readonly subject: string };

export class Authenticator {
  readonly #ports: AuthenticatorPorts;
  #asked = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(ports: AuthenticatorPorts) {
    this.#ports = ports;
  }

  /** What the names of all begin with whom it stands for. */
  get prefix(): string {
    return `${this.#ports.options.name}/`;
  }

  /** Whether it is to be asked: one that is away is not passed over, so that nobody is taken for another. */
  takes(scheme: Scheme): boolean {
    const section = this.#ports.section();
    return section === undefined || section.schemes.includes(scheme);
  }

  /** Undefined for nobody. Rejects with HostError `plugin-not-running` when it cannot say, `rate-limited` when it takes no more tries. */
  byPassword(name: string, password: string, from: CalledFrom): Promise<Vouched | undefined> {
    return this.#ask({ scheme: "password", name, password }, from);
  }

  /** The same. */
  async byToken(token: string, from: CalledFrom): Promise<Vouched | undefined> {
    return token.length > MAX_TOKEN ? undefined : this.#ask({ scheme: "bearer", token }, from);
  }

  /** Whether somebody whom it has stood for before is there still. */
  again(name: string, from: CalledFrom): Promise<Vouched | undefined> {
    return this.#ask({ scheme: "subject", subject: name.slice(this.prefix.length) }, from);
  }

  async #ask(credential: Credential, { address }: CalledFrom): Promise<Vouched | undefined> {
    const { section, call, options } = this.#ports;
    const service = section()?.service;
    if (service === undefined) throw this.#away(new HostError("no-such-service", `${options.name} lets nobody in by its manifest`));
    if (this.#asked >= MAX_ASKED)
      throw new HostError("queue-full", `${options.name} is asked by too many at once`, { retryAfterMs: BUSY_MS });
    this.#asked += 1;
    try {
      const payload = Buffer.from(JSON.stringify({ ...credential, address: address ?? null }));
      return this.#vouched(await call(service, payload, ASK_MS[credential.scheme]));
    } catch (thrown) {
      const { code, reason, retryAfterMs } = toHostError(thrown);
      if (code === "refused" && reason === "unavailable") throw new HostError("rate-limited", "try again later", { retryAfterMs });
      if (code === "refused") return undefined;
      throw this.#away(thrown);
    } finally {
      this.#asked -= 1;
    }
  }

  #vouched(answer: Bytes): Vouched {
    const isBounded = answer.length <= MAX_ANSWER_BYTES && isJsonWithin(answer, JSON_LIMITS);
    const parsed = isBounded ? answerSchema.safeParse(parseJsonInput(answer, "the answer")) : undefined;
    if (parsed?.success !== true) throw new HostError("plugin-failed", "it answered what names nobody (docs/auth.md)");
    const { subject, groups, expiresAtMs } = parsed.data;
    const mayUse = this.#ports.options.groups;
    return { name: this.prefix + subject, groups: groups.filter((one) => mayUse.includes(one)), expiresAt: expiresAtMs ?? undefined };
  }

  #away(cause: unknown): HostError {
    const { clock, options, tell } = this.#ports;
    const now = clock.monotonicMs();
    if (now - this.#toldAt >= TELL_EVERY_MS) {
      this.#toldAt = now;
      tell(`${options.name}, which says who somebody is (auth.plugin), does not: ${toHostError(cause).message}`, cause);
    }
    return new HostError("plugin-not-running", "who you are cannot be found out just now; try again later", { retryAfterMs: BUSY_MS });
  }
}
