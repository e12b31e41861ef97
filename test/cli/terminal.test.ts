// What leaves the command for a terminal: nothing that it obeys or does not show, whoever has said it and wherever it was forgotten to escape it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { shownJson } from "../../host/bounds/shown-json.ts";
import { table } from "../../host/cli/report.ts";
import { shownLines, writeBytes } from "../../host/cli/terminal.ts";
import { escapeControls } from "../../host/core/names.ts";
import { HOSTILE, leaksIn } from "../support/strangers-text.ts";

const ESC = "\u001b";

describe("lines for a terminal", () => {
  it("keep what people write: emoji with their selector, accents, every script", () => {
    for (const text of ["⚠️ ❤️ 🌍 Zoë", "مرحبا", "日本語", "e\u0301"]) expect(escapeControls(text)).toBe(text);
    expect(escapeControls("a\ufe0f ⚠\ufe0f\ufe0f")).toBe("a\\u{fe0f} ⚠\ufe0f\\u{fe0f}");
  });

  it("have our own styles on a terminal, and none elsewhere", () => {
    const styled = `${ESC}[31mbulkhead: a${ESC}[39m\nb`;
    expect(shownLines(styled, true)).toBe(styled);
    expect(shownLines(styled, false)).toBe("\\u{1b}[31mbulkhead: a\\u{1b}[39m\nb");
  });

  it("have nothing hidden, also where that was not escaped before", () => {
    const forgotten = HOSTILE.replaceAll("\n", "");
    expect(leaksIn(shownLines(forgotten, false))).toEqual([]);
    expect(leaksIn(shownLines(forgotten, true).replaceAll(`${ESC}[31m`, ""))).toEqual([]);
  });

  it("are one for each text in a table, and for each of several", () => {
    const lines = table(["a", "b"], [[HOSTILE, ["x", HOSTILE]]]).split("\n");
    expect(leaksIn(lines.join("\n"))).toEqual([]);
    expect(lines).toHaveLength(6);
  });

  it("are JSON that says the same", () => {
    const json = JSON.stringify({ [HOSTILE]: [HOSTILE] }, null, 2);
    expect(leaksIn(shownJson(json))).toEqual([]);
    expect(JSON.parse(shownJson(json))).toEqual({ [HOSTILE]: [HOSTILE] });
    expect(shownJson(json).split("\n")).toHaveLength(json.split("\n").length);
  });
});

describe("bytes that a plugin answers", () => {
  const written = async (isTTY: boolean, bytes: Uint8Array): Promise<string> => {
    let text = "";
    const write = (piece: string | Uint8Array): boolean => {
      text += Buffer.from(piece as Uint8Array).toString("utf8");
      return true;
    };
    await writeBytes(bytes, { isTTY, write, once: () => {} });
    return text;
  };

  it("go to a program as they are, and to a terminal as text with nothing hidden", async () => {
    const bytes = Buffer.from(`${HOSTILE}\tü\n`);
    expect(await written(false, bytes)).toBe(bytes.toString("utf8"));
    const shown = await written(true, bytes);
    expect(shown).toMatch(/\tü\n$/);
    expect(leaksIn(shown.replaceAll(/[\t\n]/g, ""))).toEqual([]);
  });
});

describe("the command", () => {
  const cli = fileURLToPath(new URL("../../host/cli/", import.meta.url));
  const files = readdirSync(cli, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const filesWith = (pattern: RegExp): string[] => files.filter((file) => pattern.test(readFileSync(join(cli, file), "utf8"))).sort();

  it("writes in one file alone, makes tables in one, and gives its output away only to a protocol, to npm and to tests", () => {
    expect(filesWith(/\bstd(out|err)\s*\.write\b|\bconsole\b|\bwriteSync\b/)).toEqual(["terminal.ts"]);
    expect(filesWith(/cli-table3/)).toEqual(["report.ts"]);
    expect(filesWith(/\.pipe\(process\.std/)).toEqual(["mcp.ts"]);
    expect(filesWith(/stdio: [^\n]*(inherit|process\.std)/)).toEqual(["pack.ts", "test.ts"]);
  });
});
