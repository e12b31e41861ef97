// Who wants cryptography to cost others something: hashes that ask for gigabytes, floods of them, keys of megabytes, and endless verifying.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cryptoFunctions } from "../../host/capabilities/crypto/capability.ts";
import { HashingLine } from "../../host/capabilities/crypto/hashing-line.ts";
import { memoryKeys } from "../../host/capabilities/crypto/memory-keys.ts";
import { cryptoOptions } from "../../host/capabilities/crypto/options.ts";
import { parseHash } from "../../host/capabilities/crypto/phc.ts";
import type { CheckedCall } from "../../host/core/ports/capability.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { locksmith, type Step } from "../support/crypto.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const OPTIONS = cryptoOptions.parse({});
const SALT_AND_HASH = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
const phc = (parameters: string, rest = SALT_AND_HASH): string => `$argon2id$v=19$${parameters}${rest}`;

describe("a stranger's hash of a password", () => {
  const refusal = (text: string): unknown => {
    try {
      return parseHash(text, OPTIONS.most);
    } catch (thrown) {
      return thrown;
    }
  };

  it("is refused before anything is hashed when it asks for more than the operator allows", () => {
    for (const parameters of [
      "m=65537,t=1,p=1",
      "m=4194304,t=1,p=1",
      "m=65536,t=5,p=1",
      "m=65536,t=4,p=5",
      "m=9999999999,t=9999999999,p=255",
    ])
      expect(refusal(phc(parameters)), parameters).toMatchObject({
        code: "invalid-message",
        message: `phc asks for ${parameters}; the limit is m=65536,t=4,p=4 (capabilities.crypto: maxMemoryMiB, maxPasses, maxLanes)`,
      });
    expect(refusal(phc("m=65536,t=4,p=4"))).toMatchObject({ parameters: { memoryKiB: 65_536, passes: 4, lanes: 4 } });
    expect(refusal(phc("m=8,t=1,p=1"))).toMatchObject({ parameters: { memoryKiB: 8, passes: 1, lanes: 1 } });
  });

  it("is refused in any other form", () => {
    const base64 = (bytes: number): string => Buffer.alloc(bytes, 1).toString("base64").replace(/=+$/, "");
    const others = [
      ...["", "$", "plain", phc("m=65536,t=2"), phc("t=2,m=65536,p=1"), phc("m=65536,t=2,p=1,keyid=a"), phc("m=065536,t=2,p=1")],
      ...[phc("m=-1,t=2,p=1"), phc("m=1e3,t=2,p=1"), phc("m=99999999999,t=2,p=1"), phc("m=0,t=2,p=1"), phc("m=65536,t=0,p=1")],
      ...[phc("m=65536,t=2,p=0"), phc("m=7,t=2,p=1"), phc("m=31,t=2,p=4"), phc("m=65536,t=2,p=1", "$$"), phc("m=65536,t=2,p=1", "")],
      ...[phc("m=65536,t=2,p=1").replace("argon2id", "argon2i"), phc("m=65536,t=2,p=1").replace("v=19", "v=16")],
      ...[`${phc("m=65536,t=2,p=1")} `, `\n${phc("m=65536,t=2,p=1")}`, `${phc("m=65536,t=2,p=1")}${"A".repeat(4_000)}`],
      ...[phc("m=65536,t=2,p=1", `$${base64(7)}$${base64(32)}`), phc("m=65536,t=2,p=1", `$${base64(65)}$${base64(32)}`)],
      ...[phc("m=65536,t=2,p=1", `$${base64(16)}$${base64(11)}`), phc("m=65536,t=2,p=1", `$${base64(16)}$${base64(65)}`)],
    ];
    for (const text of others)
      expect(refusal(text), text).toMatchObject({ code: "invalid-message", message: expect.stringContaining("phc is no hash") });
    expect(refusal(phc("m=8,t=1,p=1", `$${base64(64)}$${base64(64)}`))).toMatchObject({ parameters: { memoryKiB: 8 } });
  });
});

describe("a flood of passwords", () => {
  it("has two at once and eight that wait, and lets another plugin's through before its own", async () => {
    const functions = cryptoFunctions({ hashing: new HashingLine(systemClock), keys: memoryKeys(), options: OPTIONS });
    const order: string[] = [];
    const hash = (plugin: string): Promise<string> => {
      const call = { plugin, deadline: Number.POSITIVE_INFINITY, spend: () => {} } as unknown as CheckedCall;
      const asked = functions["crypto.password-hash"]?.answer(call, "password") ?? Promise.reject(new Error("there is none"));
      return asked.then(
        () => {
          order.push(plugin);
          return "hashed";
        },
        ({ code }) => code,
      );
    };
    const flood = Array.from({ length: 100 }, () => hash("flood"));
    const polite = hash("polite");
    expect(await polite).toBe("hashed");
    const ended = await Promise.all(flood);
    expect(ended.filter((one) => one === "hashed")).toHaveLength(10);
    expect(ended.filter((one) => one === "rate-limited")).toHaveLength(90);
    expect(order.indexOf("polite")).toBeLessThan(4);
  });
});

describe.each(["inline", "process"])("a plugin in a cell of kind %s", (isolation) => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  const start = async (limits: object): Promise<void> => {
    for (const name of ["greedy", "polite"]) await locksmith(folder.path, name);
    const plugins = {
      greedy: { path: "greedy", isolation, limits, grants: "all" },
      polite: { path: "polite", isolation, limits: { deadlineMs: 60_000 }, grants: "all" },
    };
    const text = JSON.stringify({ adapters: { http: false }, drainMs: 100, plugins });
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  };
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await host.stop();
    folder.remove();
  });
  const run = (plugin: string, ...steps: readonly Step[]): Promise<string[]> => host.call<string[]>(`${plugin}.run`, steps);
  const ended = (plugin: string, step: Step): Promise<string> =>
    run(plugin, step).then(
      (answers) => answers.join(),
      ({ code }) => code,
    );

  it("that hashes passwords without end leaves its neighbour what it needs", async () => {
    await start({ deadlineMs: 300_000 });
    let isOver = false;
    const flood = ended("greedy", { op: "password-hash", password: "p", times: 100_000 }).finally(() => {
      isOver = true;
    });
    for (let i = 0; i < 3; i += 1) {
      const [hashed = "", digest, key] = await run(
        "polite",
        { op: "password-hash", password: "p" },
        { op: "digest", message: "" },
        { op: "public-key", key: "tokens" },
      );
      expect(await run("polite", { op: "password-verify", password: "p", phc: hashed })).toEqual(["true"]);
      expect([digest?.slice(0, 8), key?.slice(0, 5)]).toEqual(["e3b0c442", '{"crv']);
    }
    expect(isOver).toBe(false);
    await host.stop();
    expect(await flood).not.toContain("argon2id");
  });

  it("pays for a password with the host's time", async () => {
    await start({ hostMsPerSecond: 1, deadlineMs: 2_000 });
    // What the first one took is paid back before its answer comes.
    expect(await ended("greedy", { op: "password-hash", password: "p" })).toBe("deadline-exceeded");
    expect(await ended("polite", { op: "password-hash", password: "p" })).toMatch(/^\$argon2id/);
  });

  it("that hashes or verifies without end has used its CPU time", async () => {
    await start({ cpuMs: 200, deadlineMs: 60_000 });
    const jwk = '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}';
    const signature = Buffer.alloc(64, 1).toString("base64");
    for (const step of [
      { op: "digest", zeros: 4_194_304, times: 1_000_000 },
      { op: "verify", algorithm: "ed25519", key: jwk, message: "m", signature, times: 1_000_000 },
      { op: "equal", key: "a".repeat(1_000), message: "a".repeat(1_000), times: 10_000_000 },
    ])
      expect(await ended("greedy", step), step.op).toBe("cpu-exhausted");
    expect(await run("polite", { op: "equal", key: "a", message: "a" })).toEqual(["true"]);
  });

  it("cannot bring a key of a megabyte to be parsed", async () => {
    await start({});
    const key = `{"kty":"RSA","n":"${"A".repeat(1_048_576)}","e":"AQAB"}`;
    expect(await ended("greedy", { op: "verify", algorithm: "rs256", key, message: "m" })).toBe(
      `invalid-message: the key is not taken: the JWK has ${key.length} bytes; the limit is 8192`,
    );
    const long = "A".repeat(5_000);
    expect(await ended("greedy", { op: "sign", key: long, message: "m" })).toBe(
      "invalid-message: an argument has 5000 bytes; the limit of its type is 4096",
    );
    expect(await ended("greedy", { op: "password-hash", password: long })).toContain("invalid-message");
    expect(
      await ended("greedy", {
        op: "password-verify",
        password: "p",
        phc: "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
      }),
    ).toContain("phc asks for m=4194304,t=1,p=1; the limit is m=65536,t=4,p=4");
  });
});
