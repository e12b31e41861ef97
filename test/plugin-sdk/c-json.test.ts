// The C header reads JSON by itself, and a service's input is the caller's: what JavaScript takes for JSON it must take, and nothing else.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findToolchain } from "../../host/cli/toolchains/languages.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { createCell, image, runTurn } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { describeWith } from "../support/toolchains.ts";

const SOURCE = `
#include <bulkhead.h>
BH_SERVICE(valid, input) { return bh_answer(bh_str(bh_json_valid(input) ? "1" : "0")); }
BH_SERVICE(member_a, input) {
  bh_text raw, text;
  if (!bh_json_member(input, "a", &raw) || !bh_json_text(raw, &text)) return bh_fail("no");
  return bh_answer(text);
}
BH_SERVICE(items, input) {
  bh_text rest = input, item;
  size_t count = 0;
  while (bh_json_next(&rest, &item)) count++;
  return bh_answer(bh_format("%zu", count));
}
`;

const TEXTS = [
  ...['{"a":"x\\u00e9\\ud83c\\udf0d\\n"}', '[1,-2.5e+3,true,null,{"b":[]}]', ' "x" ', "0", "-0.5", '{"\\u0061":"y"}', "1E5", "{}", "[]"],
  ...["", " ", "nul", "truex", "01", "1.", "-", "1e", "+1", ".5", '{"a":}', '{"a" "b"}', '{"a":1,}', "[1,]", "[", "{", '"', '"\\"', '"\\'],
  ...['"\\u12"', '"\\ug000"', '"\\x"', "{a:1}", "[1 2]", "abc", '"\n"', "{}}", "[]]", "1 1", "\u00a0"],
];

await describeWith("c", "JSON in the C header", () => {
  let folder: TemporaryFolder;
  let cell: Cell;
  const ask = async (entryPoint: string, input: string): Promise<string> => {
    const outcome = await runTurn(cell, "json", entryPoint, { input });
    return outcome.ok ? new TextDecoder().decode(outcome.output) : `failed: ${outcome.error.message}`;
  };

  beforeAll(async () => {
    folder = temporaryFolder();
    const module = join(folder.path, "json.wasm");
    writeFileSync(join(folder.path, "json.c"), SOURCE);
    const build = await findToolchain("c", folder.path);
    expect(await build(folder.path, module)).toEqual({ ok: true, output: "" });
    cell = createCell("inline", memoryLog());
    await cell.load(image("json", new Uint8Array(readFileSync(module))));
  });
  afterAll(async () => {
    await cell?.[Symbol.asyncDispose]();
    folder.remove();
  });

  it.each(TEXTS)("takes %j as JavaScript does", async (text) => {
    let valid = "1";
    try {
      JSON.parse(text);
    } catch {
      valid = "0";
    }
    expect(await ask("valid", text)).toBe(valid);
  });

  it("finds members and items, and unescapes text", async () => {
    expect(await ask("member_a", TEXTS[0] ?? "")).toBe("xé🌍\n");
    expect(await ask("member_a", '{"b":{"a":1},"a":"last"}')).toBe("last");
    expect(await ask("member_a", '["a"]')).toBe("failed: no");
    expect(await ask("items", "[1, [2, 3], {}]")).toBe("3");
    expect(await ask("items", "[]")).toBe("0");
  });

  it("refuses what is nested deeper than its stack may be", async () => {
    expect(await ask("valid", `${"[".repeat(100_000)}${"]".repeat(100_000)}`)).toBe("0");
  });
});
