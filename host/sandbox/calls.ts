// The calls of functions that are under way. A guest waits for one thing at a time, and a stranger's program for many: so it begins each, and asks for the next
// answer there is.

import { LogLimit } from "../bounds/log-limit.ts";
import { toldOnPurpose } from "../bounds/refusals.ts";
import { describeCause, HostError } from "../core/errors.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Bytes, Limits } from "../core/types.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { type DeclaredFunction, defineFunction, type FunctionContext, type HostFunctions } from "../embedding/functions.ts";
import { BEGIN, NEXT, SANDBOX_MODULE } from "../engine/quickjs/request.ts";
import { runFunction, type SandboxFunction } from "./functions.ts";

/** What every sandbox is granted; it has no functions but those that it was given. */
export const PERMISSION = "sandbox.call";
/** Of one evaluation. */
const MAX_UNDER_WAY = 256;
const MAX_HEAD_BYTES = 96;
const HEAD = /^(\d{1,10}) (\d{1,15}) ([\w$]{1,64}) /;
const EVALUATIONS = 2 ** 32;

/** What a stranger is told of a function that failed; each member is there, so that none is looked for in what he has made of prototypes. */
interface Told {
  readonly code: string;
  readonly message: string;
  readonly reason: string | null;
  readonly retryAfterMs: number | null;
}

const encoder = new TextEncoder();

/** What one evaluation waits for. */
class UnderWay {
  readonly over: AbortController = new AbortController();
  readonly #answers: Bytes[] = [];
  #count = 0;
  #wake: () => void = () => {};

  get length(): number {
    return this.#count;
  }

  add(answer: Promise<Bytes>): void {
    this.#count += 1;
    void answer.then((bytes) => {
      this.#answers.push(bytes);
      this.#wake();
    });
  }

  async next(): Promise<Bytes> {
    if (this.#count === 0) throw new HostError("invalid-message", "no function is under way");
    for (;;) {
      const answer = this.#answers.shift();
      if (answer !== undefined) {
        this.#count -= 1;
        return answer;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export class Calls {
  /** By module and name, as the core answers them. */
  readonly declared: HostFunctions;
  readonly #functions: Readonly<Record<string, SandboxFunction>>;
  readonly #log: LogSink;
  /** So that who calls what fails, again and again, does not fill the log. */
  readonly #logLimit: LogLimit;
  /** By the sandbox and the number of the evaluation: one that is over has none. */
  readonly #underWay = new Map<string, UnderWay>();
  #evaluations = 0;

  constructor(functions: Readonly<Record<string, SandboxFunction>>, log: LogSink, { logBytesPerMinute }: Limits) {
    this.#functions = functions;
    this.#log = log;
    this.#logLimit = new LogLimit(systemClock, logBytesPerMinute);
    const begin: DeclaredFunction = defineFunction({ params: ["i64"], results: [], permission: PERMISSION }, (context, handle) =>
      this.#begin(context.plugin, context.read(handle)?.bytes() ?? new Uint8Array(0)),
    );
    const next: DeclaredFunction = defineFunction({ params: ["i64"], results: ["i64"], permission: PERMISSION }, (context, evaluation) =>
      this.#next(context, evaluation),
    );
    this.declared = { [SANDBOX_MODULE]: { [BEGIN]: begin, [NEXT]: next } };
  }

  /** The number of an evaluation that begins, and what ends it: nobody waits any more for what it has under way. */
  open(sandbox: string): { readonly id: number; end(): void } {
    this.#evaluations = (this.#evaluations + 1) % EVALUATIONS;
    const id = this.#evaluations;
    const key = `${sandbox} ${id}`;
    const underWay = new UnderWay();
    this.#underWay.set(key, underWay);
    const end = (): void => {
      this.#underWay.delete(key);
      underWay.over.abort(new HostError("deadline-exceeded", "the evaluation is over"));
    };
    return { id, end };
  }

  #underWayOf(sandbox: string, evaluation: string): UnderWay {
    const underWay = this.#underWay.get(`${sandbox} ${evaluation}`);
    if (underWay === undefined) throw new HostError("plugin-not-running", "the evaluation is over");
    return underWay;
  }

  #begin(sandbox: string, call: Bytes): void {
    const head = HEAD.exec(Buffer.from(call.subarray(0, MAX_HEAD_BYTES)).toString("latin1"));
    const [whole = "", evaluation = "", id = "", name = ""] = head ?? [];
    if (whole === "") throw new HostError("invalid-message", "that is no call of a function");
    const underWay = this.#underWayOf(sandbox, evaluation);
    if (underWay.length >= MAX_UNDER_WAY)
      throw new HostError("queue-full", `${sandbox} waits for ${underWay.length} functions, which is the limit; await some of them first`);
    const answered = this.#run(name, call.subarray(whole.length), { sandbox, signal: underWay.over.signal });
    underWay.add(
      answered.then(
        (json) => textOf(`${id} +`, json),
        (thrown: unknown) => textOf(`${id} -`, encoder.encode(JSON.stringify(this.#refusalOf(name, sandbox, thrown)))),
      ),
    );
  }

  async #run(name: string, args: Bytes, context: Parameters<typeof runFunction>[3]): Promise<Bytes> {
    const made = Object.hasOwn(this.#functions, name) ? this.#functions[name] : undefined;
    if (made === undefined) throw new HostError("invalid-message", `${name} is no function of this sandbox`);
    return runFunction(name, made, args, context);
  }

  async #next({ plugin, store }: FunctionContext, evaluation: bigint): Promise<bigint> {
    return store(await this.#underWayOf(plugin, String(evaluation)).next());
  }

  // What is not a refusal meant for the caller is the program's own fault, and its words are for the log.
  #refusalOf(name: string, about: string, thrown: unknown): Told {
    const told = toldOnPurpose(thrown, []);
    if (told !== undefined)
      return { code: told.code, message: told.message, reason: told.reason ?? null, retryAfterMs: told.retryAfterMs ?? null };
    const message = `${name} failed`;
    const verdict = this.#logLimit.judge(message + describeCause(thrown));
    const line = { plugin: "host", about, level: "error" } as const;
    if (verdict === "pass") this.#log.write({ ...line, message, cause: thrown });
    else if (verdict === "drop-and-tell")
      this.#log.write({ ...line, message: "failures of functions are not logged for the rest of this minute (limits.logMiBPerMinute)" });
    return { code: "plugin-failed", message: `${name} failed; the host's log has the cause`, reason: null, retryAfterMs: null };
  }
}

function textOf(head: string, rest: Bytes): Bytes {
  const bytes = new Uint8Array(head.length + rest.length);
  encoder.encodeInto(head, bytes);
  bytes.set(rest, head.length);
  return bytes;
}
