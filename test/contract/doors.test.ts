// What holds for every door by which services are called: what its clients are told of errors, that limits and permissions are the gate's, that a call ends with
// its client, and that a trace goes on. A new door is a row of test/support/doors.ts.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TokenStore } from "../../host/admin/tokens.ts";
import { refusal } from "../../host/bounds/refusals.ts";
import { HOST_ERROR_CODES, HostError, type HostErrorCode } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { authSchema, parseScope } from "../../host/manifest/auth.ts";
import { testContext, tokensInMemory } from "../support/adapter-context.ts";
import { manifestOf } from "../support/catalogs.ts";
import { DOORS, type OpenDoor, type Told } from "../support/doors.ts";
import { eventually } from "../support/eventually.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

/** What no client is ever told, and what nobody is but the operator. */
const [CAUSE, DETAIL] = ["/root/secret.key", "line 7 of secret.json"];
/** Those that a call of a service cannot have. */
const OF_OTHERS: ReadonlySet<HostErrorCode> = new Set([
  "invalid-manifest",
  "admission-refused",
  "incompatible-api",
  "service-taken",
  "refused",
]);
const CODES = HOST_ERROR_CODES.filter((code) => !OF_OTHERS.has(code));

/** For doors whose readers are models. */
const READ = { holds: () => true, onChange: () => () => {} };

let begun = 0;
let ended = 0;
const inputOf = (input: Uint8Array): Record<string, string> => JSON.parse(Buffer.from(input).toString());
const SCRIPT: Script = {
  echo: (input) => input,
  who: (_input, { caller }) => utf8(JSON.stringify({ kind: caller.kind, name: caller.name, principal: caller.principal })),
  trace: (_input, { traceparent }) => utf8(JSON.stringify({ traceparent })),
  fail(input) {
    throw new HostError(inputOf(input).code as HostErrorCode, "it failed", { detail: DETAIL, cause: new Error(CAUSE) });
  },
  refuse(input) {
    const { reason = "" } = inputOf(input);
    throw refusal(reason, "no \u202e\u0000\nthanks", reason === "unavailable" ? { retryAfterMs: 2_000 } : {});
  },
  wait: (_input, { cancelled }) =>
    new Promise((resolve) => {
      begun += 1;
      const end = (): void => {
        ended += 1;
        resolve(utf8("null"));
      };
      if (cancelled?.aborted === true) end();
      else cancelled?.addEventListener("abort", end);
    }),
};

describe.each(Object.entries(DOORS))("the door %s", (_name, { open, authenticates, hasDeadlines, hasTraces }) => {
  let folder: TemporaryFolder;
  let host: Host;
  let tokens: TokenStore;
  let door: OpenDoor;
  let token: string | undefined;

  const start = async (auth: object = {}): Promise<void> => {
    const log = memoryLog();
    host = new Host(hostPorts({ clock: systemClock, log }));
    const services = Object.keys(SCRIPT).map((entryPoint) => ({ name: `p.${entryPoint}`, entryPoint }));
    host.add(definition("p", SCRIPT, { services }), scriptedCell({ p: SCRIPT }));
    await startAll(host, log);
    tokens = tokensInMemory();
    const mode = authenticates ? { mode: "required" } : {};
    const { context, manifests } = testContext(host, {
      log,
      adapter: "door",
      tokens,
      words: READ,
      auth: authSchema.parse({ ...mode, ...auth }),
    });
    manifests.set("p", manifestOf({ services: Object.fromEntries(services.map(({ name, entryPoint }) => [name, { entryPoint }])) }));
    door = await open(context, folder.path);
    token = tokenOf("operator");
  };
  const tokenOf = (name: string, ...scopes: readonly string[]): string =>
    tokens.create({ name, roles: ["operator"], scopes: scopes.map(parseScope), owner: "user:ada", expiresAt: undefined });
  const refused = async (called: Promise<Told>): Promise<Extract<Told, { ok: false }>> => {
    const found = await called;
    return found.ok ? expect.unreachable(JSON.stringify(found.answer)) : found;
  };

  beforeEach(() => {
    folder = temporaryFolder();
    [begun, ended] = [0, 0];
  });
  afterEach(async () => {
    await door[Symbol.asyncDispose]();
    await stopAll(host, 0);
    folder.remove();
  });

  it("hands over what it is given and answers what the service does", async () => {
    await start();
    const input = { text: "ä\u2028\u0000", numbers: [1.5, -1e-7, 1e21], none: null, deep: { a: [{}] } };
    expect(await door.call("p.echo", input, { token })).toEqual({ ok: true, answer: input });
  });

  it("calls in the name of whoever came in", async () => {
    await start();
    const { answer } = (await door.call("p.who", {}, { token })) as { answer: { kind: string; principal: string } };
    expect([answer.kind, answer.principal]).toEqual(["adapter", authenticates ? "token:operator" : "user:test"]);
  });

  it.each(CODES)("tells the code %s, and no detail or cause", async (code) => {
    await start();
    const found = await refused(door.call("p.fail", { code }, { token }));
    expect(found.code).toBe(code);
    expect(found.text).not.toContain(CAUSE);
    if (authenticates) expect(found.text).not.toContain(DETAIL);
  });

  it("tells the reason of a refusal, and how long to wait where that is known", async () => {
    await start();
    for (const reason of ["not-found", "invalid-input", "conflict", "forbidden", "unavailable", "out-of-stock"])
      expect(await refused(door.call("p.refuse", { reason }, { token })), reason).toMatchObject({ code: "refused", reason });
    expect((await refused(door.call("p.refuse", { reason: "unavailable" }, { token }))).retryAfterMs).toBe(2_000);
    expect((await refused(door.call("p.refuse", { reason: "conflict" }, { token }))).retryAfterMs).toBeUndefined();
  });

  it("tells what is no service, whatever its name looks like", async () => {
    await start();
    for (const name of ["p.nope", "nobody.here"])
      expect((await refused(door.call(name, {}, { token }))).code, name).toBe("no-such-service");
  });

  if (authenticates)
    it("lets in nobody who shows nothing, or what is nobody's", async () => {
      await start();
      for (const shown of [undefined, "bh_nobodys", "x".repeat(300)])
        expect(await refused(door.call("p.echo", {}, { token: shown }))).toMatchObject({
          code: "permission-denied",
          reason: "unauthenticated",
        });
    });

  if (authenticates)
    it("asks for the permission at each call, and for the token as long as one lasts", async () => {
      await start();
      const bounded = tokenOf("bounded", "services.call:p.echo", "services.call:p.wait");
      expect((await door.call("p.echo", {}, { token: bounded })).ok).toBe(true);
      expect(await refused(door.call("p.who", {}, { token: bounded }))).toMatchObject({ code: "permission-denied", reason: undefined });
      const waiting = door.call("p.wait", {}, { token: bounded });
      await eventually("the turn begins", () => begun === 1 || undefined);
      tokens.revoke("bounded");
      expect(await refused(waiting)).toMatchObject({ code: "permission-denied", reason: "unauthenticated" });
      expect(await refused(door.call("p.echo", {}, { token: bounded }))).toMatchObject({
        code: "permission-denied",
        reason: "unauthenticated",
      });
    });

  if (authenticates)
    it("has the limits of the principal, which it shares with every other door", async () => {
      await start({ limits: { callsAtOnce: 2 } });
      const calls = [1, 2].map(() => {
        const gone = new AbortController();
        // Whoever asks whether both are under way may take the place of one of them.
        const wait = async (): Promise<void> => {
          const found = await door.call("p.wait", {}, { token, signal: gone.signal }).catch(() => undefined);
          if (found?.ok === false && found.code === "rate-limited") await wait();
        };
        return { gone, called: wait() };
      });
      await eventually("both are under way", async () => {
        const found = await door.call("p.echo", {}, { token });
        return (!found.ok && found.code === "rate-limited") || undefined;
      });
      const found = await refused(door.call("p.echo", {}, { token }));
      expect(found).toMatchObject({ code: "rate-limited", retryAfterMs: expect.any(Number) });
      for (const { gone } of calls) gone.abort();
      await Promise.all(calls.map(({ called }) => called));
      await eventually("there is room again", async () => (await door.call("p.echo", {}, { token })).ok || undefined);
    });

  it("ends the turn of a client that goes away", async () => {
    await start();
    const gone = new AbortController();
    const called = door.call("p.wait", {}, { token, signal: gone.signal });
    await eventually("the turn begins", () => begun === 1 || undefined);
    gone.abort();
    await expect(called).rejects.toThrow();
    await eventually("the turn has ended", () => ended === 1 || undefined);
  });

  if (hasDeadlines)
    it("waits no longer than it is told to", async () => {
      await start();
      expect((await refused(door.call("p.wait", {}, { token, deadlineMs: 50 }))).code).toBe("deadline-exceeded");
    });

  if (hasTraces)
    it("goes on with the client's trace, and begins one where there is none or what is none", async () => {
      await start();
      const incoming = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      const traced = async (traceparent?: string): Promise<string> => {
        const { answer } = (await door.call("p.trace", {}, { token, traceparent })) as { answer: { traceparent: string } };
        return answer.traceparent.split("-")[1] ?? "";
      };
      expect(await traced(incoming)).toBe("0af7651916cd43dd8448eb211c80319c");
      for (const none of [undefined, "nonsense", incoming.replace("0af7651916cd43dd8448eb211c80319c", "0".repeat(32))])
        expect(await traced(none)).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    });
});
