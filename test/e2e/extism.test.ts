// A plugin written with Extism's own AssemblyScript SDK, unmodified: the example that comes with the SDK.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as asc from "assemblyscript/asc";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cell } from "../../host/core/ports.ts";
import { CELL_KINDS, createCell, image, runTurn } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { textOf } from "../support/scripted-cell.ts";

const SDK = fileURLToPath(new URL("../../node_modules/@extism/as-pdk", import.meta.url));

async function compileExample(): Promise<Uint8Array<ArrayBuffer>> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ["example.ts", "--baseDir", SDK, "--outFile", "out.wasm", "-O2", "--use", "abort=example/myAbort"],
    {
      readFile: (path, baseDir) => readFile(path.startsWith("/") ? path : `${baseDir}/${path}`, "utf8").catch(() => null),
      writeFile: (_path, contents) => {
        if (typeof contents !== "string") wasm = contents;
      },
    },
  );
  if (wasm === undefined) throw new Error(`the example does not compile: ${error?.message} ${stderr}`);
  return new Uint8Array(wasm);
}

describe.each(CELL_KINDS)("an Extism plugin in a %s cell", (kind) => {
  let cell: Cell;
  beforeAll(async () => {
    cell = createCell(kind, memoryLog());
    await cell.load(image("extism", await compileExample(), {}, { thing: "configured" }));
  });
  afterAll(() => cell[Symbol.asyncDispose]());

  it("reads input, config and variables and gives its output", async () => {
    for (let i = 0; i < 3; i += 1) {
      const outcome = await runTurn(cell, "extism", "count_vowels", { input: "Hello World" });
      expect(outcome.ok ? textOf(outcome.output) : outcome.error).toBe('{"count": 3, "config": "configured", "a": "this is var a"}');
    }
  });
});
