// Plugins written with Extism's own PDKs for Rust and Go, as the registries have them, run unmodified: in every kind of cell, on both engines.
// What such a plugin may ask of WASI is harmless or refused; it loads in any case.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cell } from "../../host/core/ports/cell.ts";
import type { PluginImage } from "../../host/core/types.ts";
import { blockCodec } from "../../host/engine/guest/blocks.ts";
import { CELL_KINDS, createCell, image, runTurn, type TurnOptions } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";
import { describeWith } from "../support/toolchains.ts";
import { buildForWasip1, buildPdkPlugin, findWasip1 } from "./extism-pdks/build.ts";

const BUILD_MS = 900_000;
const ENGINES = ["metered", "extism"] as const;
const PAST_TURNS_OF_ONE_INSTANCE = 200;

const LOOKED_AROUND = {
  unix_seconds: expect.any(Number),
  slept: true,
  random: expect.stringMatching(/^[0-9a-f]{32}$/),
  arguments: 0,
  variables: 0,
  read: "refused",
  written: "refused",
};

interface Built {
  readonly build: () => Promise<Uint8Array<ArrayBuffer>>;
  /** Undefined where a plugin knows nothing of WASI. */
  readonly lookedAround: Record<string, unknown> | undefined;
  /** What a plugin that panics leaves in its log. */
  readonly panic: RegExp | undefined;
}

function testPlugin({ build, lookedAround, panic }: Built): void {
  let plugin: PluginImage;
  beforeAll(async () => {
    plugin = image("pdk", await build(), {}, { greeting: "Good day" });
  }, BUILD_MS);

  describe.each(CELL_KINDS)("in a %s cell", (kind) => {
    const log = memoryLog();
    let cell: Cell;
    beforeAll(async () => {
      cell = createCell(kind, log);
      for (const engine of ENGINES) await cell.load({ ...plugin, name: engine, engine });
    });
    afterAll(() => cell[Symbol.asyncDispose]());

    describe.each(ENGINES)("on the engine %s", (engine) => {
      const say = async (entryPoint: string, input = "", options: TurnOptions = {}): Promise<string> => {
        const outcome = await runTurn(cell, engine, entryPoint, { input, ...options });
        return outcome.ok ? textOf(outcome.output) : `${outcome.error.code}: ${outcome.error.message}`;
      };
      const logged = (): string[] => log.lines.filter((line) => line.plugin === engine).map(({ level, message }) => `${level} ${message}`);

      it("reads its input and its configuration, and answers with text", async () => {
        expect(await say("greet", "Ada")).toBe("Good day, Ada!");
      });

      it("fails with its own message, and goes on", async () => {
        expect(await say("greet")).toBe("plugin-failed: nobody to greet");
        expect(await say("greet", "Grace")).toBe("Good day, Grace!");
      });

      it("reads and writes JSON, and refuses what is none", async () => {
        expect(JSON.parse(await say("add", '{"a":40,"b":2}'))).toEqual({ sum: 42 });
        expect(await say("add", "{")).toMatch(/^plugin-failed: ./);
      });

      it("gives back bytes of any length, those of 1 MB too", async () => {
        for (const length of [0, 1, 7, 8, 9, 1_000_000]) {
          const input = Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
          const outcome = await runTurn(cell, engine, "echo", { input });
          expect(outcome.ok && Buffer.from(outcome.output).equals(input), `${length} bytes`).toBe(true);
        }
      });

      it("keeps its variables from turn to turn, and removes them", async () => {
        expect([await say("count"), await say("count"), await say("count")]).toEqual(["1", "2", "3"]);
        expect([await say("forget"), await say("count")]).toEqual(["", "1"]);
      });

      it("logs with each of Extism's levels", async () => {
        await say("log_all");
        expect(logged()).toEqual(
          expect.arrayContaining(["debug a debug line", "info an info line", "warning a warning", "error an error"]),
        );
      });

      it("makes an HTTP request, which the host answers", async () => {
        const headers = [{ name: "Content-Type", value: "text/plain" }];
        const asked: string[][] = [];
        const answer: TurnOptions["answer"] = async (name, args) => {
          asked.push([name, ...args.map(textOf)]);
          return blockCodec.encode("http.fetch", { status: 201, headers, body: utf8("created") });
        };
        expect(await say("fetch", "https://example.org/x", { answer })).toBe("201 text/plain created");
        expect(asked).toEqual([["http.fetch", expect.any(String), "body"]]);
        const request = { url: "https://example.org/x", method: "PUT", headers: [{ name: "x-asked", value: "yes" }] };
        expect(JSON.parse(asked[0]?.[1] ?? "")).toEqual(request);
      });

      it("does not wear out an instance", async () => {
        for (let i = 0; i < PAST_TURNS_OF_ONE_INSTANCE; i += 1) expect(await say("greet", String(i))).toBe(`Good day, ${i}!`);
      });

      if (lookedAround !== undefined)
        it("sees clocks, random and its log, but no arguments, environment or files", async () => {
          const [first, second] = [JSON.parse(await say("look_around")), JSON.parse(await say("look_around"))];
          expect(first).toEqual(lookedAround);
          expect(Math.abs(first.unix_seconds - Date.now() / 1_000)).toBeLessThan(60);
          expect(second.random).not.toBe(first.random);
          expect(logged()).toEqual(expect.arrayContaining(["info seen on standard output", "warning seen on standard error"]));
        });

      it("is rebuilt after it panics", async () => {
        expect(await say("give_up")).toMatch(/^plugin-failed: /);
        if (panic !== undefined) expect(logged().join("\n")).toMatch(panic);
        expect(await say("greet", "Ada")).toBe("Good day, Ada!");
      });
    });
  });
}

await describeWith("rust", "a plugin of Extism's PDK for Rust", () => {
  testPlugin({ build: () => buildPdkPlugin("rust"), lookedAround: undefined, panic: undefined });
});

const wasip1 = await findWasip1();
if ("missing" in wasip1) describe.skip(`a plugin of Extism's PDK for Rust with WASI (skipped: ${wasip1.missing})`, () => {});
else {
  describe("a plugin of Extism's PDK for Rust with WASI", () => {
    testPlugin({ build: () => buildForWasip1(wasip1), lookedAround: LOOKED_AROUND, panic: /gave up/ });
  });
}

await describeWith("go", "a plugin of Extism's PDK for Go", () => {
  testPlugin({ build: () => buildPdkPlugin("go"), lookedAround: { ...LOOKED_AROUND, home: "" }, panic: /gave up/ });
});
