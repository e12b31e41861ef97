// What must be the same in every language: numbers, texts and depths of JSON (json-cases.json), what is refused, and randomness that no other instance has.

import { createHash, createHmac, createPublicKey, type JsonWebKeyInput, verify } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REASONS } from "../../host/bounds/refusals.ts";
import { findToolchain, LANGUAGES, type Language } from "../../host/cli/toolchains/languages.ts";
import { loadPlugin, refusal, type TestPlugin } from "../../host/testing/index.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { describeWith } from "../support/toolchains.ts";
import { CASES, sdkFolder, writeSources } from "./examples.ts";
import cases from "./json-cases.json" with { type: "json" };

const BUILD_TIMEOUT_MS = 600_000;
const SERVICES = [
  "any",
  "floats",
  "signed",
  "unsigned",
  "text",
  "unfit",
  "random",
  "frozen",
  "route",
  "transact",
  "blob",
  "sealed",
  "refuse",
  "passed",
  "seen",
  "configured",
];
const CONFIG = { level: 21.5, count: 3, on: true, name: "5", rooms: ["a", "é"] };
/** Words of the language have another export. */
const ENTRY_POINTS: Readonly<Partial<Record<Language, Readonly<Record<string, string>>>>> = {
  c: { signed: "signed_", unsigned: "unsigned_" },
  rust: { random: "drawn" },
  assemblyscript: { refuse: "refuse_" },
};
/** Where the SDK has a helper for raw routes. */
const WITH_ROUTES: ReadonlySet<Language> = new Set(["typescript", "python", "go", "rust"]);
/** Where code runs when the component is built. */
const RUN_AT_BUILD: ReadonlySet<Language> = new Set(["typescript", "python"]);

const WRONG_INPUT = { code: "refused", reason: "invalid-input" };

const encoder = new TextEncoder();
const v = (json: string): Uint8Array => encoder.encode(`{"v":${json}}`);

/** Doubles of all sizes: as JavaScript writes them, and with digits that only exact arithmetic gets right. The same ones each time. */
function random(count: number): string[] {
  let state = 0x2545f491;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const bits = new DataView(new ArrayBuffer(8));
  const doubles = Array.from({ length: count }, () => {
    bits.setUint32(0, next());
    bits.setUint32(4, next());
    return bits.getFloat64(0);
  });
  return doubles.filter(Number.isFinite).flatMap((value) => [String(value), value.toPrecision(16), value.toPrecision(25)]);
}

for (const language of LANGUAGES)
  await describeWith(language, `cases in ${language}`, () => {
    let folder: TemporaryFolder;
    let at: string;
    let plugin: TestPlugin;
    /** What the service of another plugin does that the cases call. */
    let open: () => never;

    const load = (seed?: number, config: object = CONFIG): Promise<TestPlugin> =>
      loadPlugin(at, {
        limits: { memoryMiB: 128, hostMsPerSecond: 1_000, deadlineMs: 60_000 },
        seed,
        config: { ...config },
        services: { "vault.open": () => open() },
      });
    const ask = async (service: string, input: string | Uint8Array): Promise<string> =>
      (await plugin.call(`cases.${service}`, typeof input === "string" ? encoder.encode(input) : input)).text();
    /** The answer, or the failure that the caller is told. */
    const told = (service: string, input: string | Uint8Array): Promise<string> =>
      ask(service, input).catch((thrown: { readonly code: string; readonly message: string }) => `${thrown.code}: ${thrown.message}`);

    beforeAll(async () => {
      folder = temporaryFolder();
      at = join(folder.path, "cases");
      mkdirSync(at);
      const known = SERVICES.filter(
        (name) => (name !== "route" || WITH_ROUTES.has(language)) && (name !== "frozen" || RUN_AT_BUILD.has(language)),
      );
      const services = Object.fromEntries(
        known.map((name) => [
          `cases.${name}`,
          {
            entryPoint: ENTRY_POINTS[language]?.[name] ?? name,
            ...(name === "refuse" ? { errors: { "out-of-stock": "no more of it" } } : {}),
          },
        ]),
      );
      const permissions = [
        { permission: "services.call", resource: "vault.open", reason: "To be refused." },
        { permission: "keys.sign", resource: "tokens", reason: "To sign." },
      ];
      const source = readFileSync(new URL(`cases/${CASES[language]}`, import.meta.url), "utf8");
      const manifest = { name: "cases", version: "1.0.0", api: "0.2", wasm: "cases.wasm", services, permissions };
      // Zig takes no absolute path.
      const sdk = language === "zig" ? relative(at, sdkFolder(language)) : undefined;
      writeSources(language, at, { source, manifest }, sdk);
      const build = await findToolchain(language, at);
      const built = await build(at, join(at, "cases.wasm"));
      expect(built.ok ? "" : built.output).toBe("");
      plugin = await load();
    }, BUILD_TIMEOUT_MS);
    afterAll(async () => {
      await plugin?.stop();
      folder?.remove();
    });

    it("reads each number as the nearest double, and writes one that means it", async () => {
      for (const written of [...cases.floats, ...random(400)]) {
        const answer = JSON.parse(await ask("floats", v(written))) as { readonly v: number };
        expect(answer.v === Number(written), `${written} came back as ${answer.v}`).toBe(true);
      }
    });

    it("hands no number on that no double holds", async () => {
      for (const written of cases.beyondFloats) expect(await told("floats", v(written)), written).toMatch(/^(?:refused|plugin-failed): /);
    });

    it("keeps whole numbers of 64 bits to the last digit, and refuses what is beyond or keeps it too", async () => {
      for (const [service, within, beyond] of [
        ["signed", cases.signed, cases.beyondSigned],
        ["unsigned", cases.unsigned, cases.beyondUnsigned],
      ] as const) {
        for (const written of within) expect(await ask(service, v(written))).toBe(`{"v":${written}}`);
        for (const written of beyond) {
          const answer = await told(service, v(written));
          if (!answer.startsWith("refused: ")) expect(answer).toBe(`{"v":${written}}`);
        }
      }
    });

    it("reads and writes each text", async () => {
      for (const text of cases.strings) expect(JSON.parse(await ask("text", v(JSON.stringify(text))))).toEqual({ v: text });
      for (const [escaped = "", text] of cases.escapes) expect(JSON.parse(await ask("text", v(escaped)))).toEqual({ v: text });
      const long = "a€😀".repeat(20_000);
      expect(JSON.parse(await ask("text", v(JSON.stringify(long))))).toEqual({ v: long });
    });

    it("refuses what is no JSON", async () => {
      // An empty input counts as {} where the SDK reads by types.
      for (const text of cases.noJson.filter((one) => one !== "")) expect(await told("any", text), text).toMatch(/^refused: /);
    });

    it("reads what is nested, and lives on after what is nested too deeply", async () => {
      const { fits, tooDeep } = cases.depth;
      const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
      expect(await ask("any", nested(fits))).toBe(nested(fits));
      expect(await told("any", nested(tooDeep))).toMatch(/^(?:refused|plugin-failed|memory-exhausted|cpu-exhausted): /);
      expect(await ask("any", "[1]")).toBe("[1]");
    });

    it("refuses to answer with NaN and infinities, and says where they stand", async () => {
      for (const name of cases.unfit) {
        const input = language === "assemblyscript" ? JSON.stringify(name) : name;
        expect(await told("unfit", input), name).toMatch(/^plugin-failed: .*\blist\.1\.x\b.*JSON/);
      }
      expect(await ask("any", "[1]")).toBe("[1]");
    });

    it("draws other numbers in each instance", async () => {
      const other = await load();
      const answers = [await ask("random", "{}"), await ask("random", "{}"), (await other.call("cases.random", {})).text()];
      expect(new Set(answers).size).toBe(3);
      if (RUN_AT_BUILD.has(language)) expect((await other.call("cases.frozen", {})).text()).toBe(await ask("frozen", "{}"));
      await other.stop();
    });

    it("draws the same numbers where a test has seeded them", async () => {
      const drawn: string[] = [];
      for (const seed of [1, 1, 2]) {
        const seeded = await load(seed);
        drawn.push((await seeded.call("cases.random", {})).text());
        await seeded.stop();
      }
      expect(drawn[1]).toBe(drawn[0]);
      expect(drawn[2]).not.toBe(drawn[0]);
    });

    it("commits a transaction at once, and runs it again while what it read is changed, ten times at most", async () => {
      plugin.stored.set("gone", "g");
      expect(await ask("transact", v("0"))).toBe('{"v":1}');
      expect([plugin.stored.text("n"), plugin.stored.text("brief"), plugin.stored.text("gone")]).toEqual(["0x", "b", undefined]);
      plugin.stored.set("gone", "g");
      expect(await ask("transact", v("9"))).toBe('{"v":10}');
      expect([plugin.stored.text("n"), plugin.stored.text("gone")]).toEqual(["9x", undefined]);
      plugin.stored.set("gone", "g");
      expect(await told("transact", v("10"))).toMatch(
        /^plugin-failed: (?:conflict: )?what the transaction read was changed in each of 10 runs/,
      );
      expect([plugin.stored.text("n"), plugin.stored.text("gone")]).toEqual(["10", "g"]);
    });

    it("writes and reads a blob as a whole, in pieces, and fails as a value for one that is not there or too large", async () => {
      const text = "a;é;😀\n".repeat(20_000);
      expect(await ask("blob", v(JSON.stringify("write")))).toBe("no blob");
      await plugin.blobs.set("in", text, { mediaType: "text/csv" });
      expect(await ask("blob", v(JSON.stringify("write")))).toBe(text);
      expect(await plugin.blobs.get("out")).toMatchObject({ mediaType: "text/plain", bytes: new Uint8Array(encoder.encode(text)) });
      await plugin.blobs.set("in", new Uint8Array(0));
      expect(await ask("blob", v(JSON.stringify("write")))).toBe("");
      for (const name of ["full", "in"]) await plugin.blobs.delete(name);
      for (let i = 0; i < 9; i += 1) await plugin.blobs.set(`full-${i}`, new Uint8Array(7 * 1_048_576));
      await plugin.blobs.set("in", new Uint8Array(900_000));
      expect(await told("blob", v(JSON.stringify("write")))).toMatch(
        /^plugin-failed: (quota-exceeded: )?cases would have .*limits\.blobMiB/,
      );
      expect((await plugin.blobs.get("out"))?.bytes.length).toBe(0);
      for (const name of await plugin.blobs.names()) await plugin.blobs.delete(name);
    });

    it("hashes, authenticates, signs, verifies and keeps passwords, and fails as a value for a key that is none", async () => {
      const message = Uint8Array.from({ length: 1_000 }, (_, i) => i);
      const answer = Buffer.from((await plugin.call("cases.sealed", message)).bytes);
      expect(answer.subarray(0, 32)).toEqual(createHash("sha256").update(message).digest());
      expect(answer.subarray(32, 96)).toEqual(createHmac("sha512", "key").update(message).digest());
      const jwk = JSON.parse(answer.toString("utf8", 160)) as object;
      expect(jwk).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256" });
      const key = createPublicKey({ key: { ...jwk }, format: "jwk" } as JsonWebKeyInput);
      expect(verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, answer.subarray(96, 160))).toBe(true);
      plugin.deny("keys.sign", "tokens");
      expect(await told("sealed", message)).toMatch(
        /^plugin-failed: .*cases has no permission keys\.sign for tokens; the operator denied it/,
      );
      plugin.grant("keys.sign", "tokens");
    });

    it("reads the configuration into its own types, and names the key that does not fit", async () => {
      expect(JSON.parse(await ask("configured", ""))).toEqual({ ...CONFIG, extra: 7 });
      for (const [level, extra] of [
        ["warm", 9],
        [[21.5], 9],
        [21.5, ["x"]],
      ]) {
        const other = await load(undefined, { ...CONFIG, level, extra });
        const wrong = level === 21.5 ? "extra" : "level";
        // What is JSON in the manifest is what TypeScript says of its type.
        const said = other.call("cases.configured", "").then(
          (answer) => answer.json(),
          ({ code, message }) => `${code}: ${message}`,
        );
        if (language === "typescript" && wrong === "extra") expect(await said).toEqual({ ...CONFIG, extra });
        else expect(await said).toMatch(new RegExp(`^plugin-failed: .*\\bconfig\\.${wrong}\\b`));
        await other.stop();
      }
      const { level: _, ...without } = CONFIG;
      const other = await load(undefined, without);
      const said = other.call("cases.configured", "").then(
        (answer) => answer.json(),
        ({ message }) => message,
      );
      // Where the author's own value stands in for what is missing.
      if (["c", "go", "typescript"].includes(language)) expect(await said).toMatchObject(without);
      else expect(await said).toMatch(/^config\.level is missing/);
      await other.stop();
    });

    it("refuses with a reason, which is one of everybody's or one that the manifest declares", async () => {
      for (const reason of [...REASONS, "out-of-stock"]) {
        const isGone = reason === "unavailable";
        const expected = {
          code: "refused",
          reason,
          message: `${isGone ? "gone for" : "no"} "1" é`,
          retryAfterMs: isGone ? 1_500 : undefined,
        };
        await expect(plugin.call("cases.refuse", v(JSON.stringify(reason))), reason).rejects.toMatchObject(expected);
      }
      for (const reason of ["sold-out", "permission-denied", "Not Found", ""])
        expect(await told("refuse", v(JSON.stringify(reason))), reason).toMatch(/^plugin-failed: .*does not declare/);
      // Where types read the input.
      if (!RUN_AT_BUILD.has(language)) await expect(plugin.call("cases.text", v("1"))).rejects.toMatchObject(WRONG_INPUT);
      await expect(plugin.call("cases.any", "{")).rejects.toMatchObject(WRONG_INPUT);
    });

    it("sees why another plugin refuses, and hands that on", async () => {
      open = () => {
        throw refusal("unavailable", "shut", { retryAfterMs: 250 });
      };
      expect(await ask("seen", "")).toBe("refused unavailable 250");
      await expect(plugin.call("cases.passed")).rejects.toMatchObject({
        code: "refused",
        reason: "unavailable",
        message: "shut",
        retryAfterMs: 250,
      });
      open = () => {
        throw refusal("sold-out", "gone");
      };
      expect(await ask("seen", "")).toBe("refused sold-out 0");
      expect(await told("passed", "")).toMatch(/^plugin-failed: .*sold-out/);
    });

    if (WITH_ROUTES.has(language))
      describe("a raw route", () => {
        const head = (headers: readonly (readonly [string, string])[]): string =>
          JSON.stringify({
            ...{ method: "POST", path: "/cases/a%20b", query: "x=1", params: { id: "a b" } },
            headers: headers.map(([name, value]) => ({ name, value })),
          });
        const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);

        it("gets each byte, and answers with status and headers", async () => {
          const sent = Buffer.concat([Buffer.from(`${head([["x-test", "zoë"]])}\n`), bytes]);
          const answer = (await plugin.call("cases.route", sent)).bytes;
          const end = answer.indexOf(0x0a);
          const { status, headers } = JSON.parse(new TextDecoder().decode(answer.subarray(0, end)));
          expect({ status, headers }).toEqual({ status: 201, headers: [{ name: "etag", value: "POST a b x=1 zoë" }] });
          expect(answer.subarray(end + 1)).toEqual(bytes);
        });

        it("refuses a header that is there twice, and what is no raw request", async () => {
          const twice = head([
            ["x-test", "1"],
            ["x-test", "2"],
          ]);
          expect(await told("route", `${twice}\n`)).toMatch(/^plugin-failed: the header X-Test is there twice/);
          expect(await told("route", "{}")).toMatch(/^plugin-failed: the input is no raw request: .*plugin\.json/);
        });
      });
  });
