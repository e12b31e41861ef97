// The one table of limits, and that everything about them follows from it.

import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, LIMITS, limitsSchema, toLimits } from "../../host/manifest/limits.ts";
import { ROOT } from "../docs/markdown.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";

const MIB = 1_048_576;
const rows = Object.entries(LIMITS);
const accepts = (key: string, value: number): boolean => limitsSchema.safeParse({ [key]: value }).success;

describe("the table of limits", () => {
  it.each(rows)("takes %s from its minimum to its maximum, whole where it counts, and nothing else", (_, limit) => {
    const { key, unit, minimum, maximum } = limit;
    const least = minimum ?? (unit === "count" ? 1 : 1e-9);
    expect([least, limit.default, maximum].map((value) => accepts(key, value))).toEqual([true, true, true]);
    expect([minimum === undefined ? 0 : minimum - 1, maximum + 1, Number.NaN].map((value) => accepts(key, value))).toEqual([
      false,
      false,
      false,
    ]);
    expect(accepts(key, maximum - 0.5)).toBe(unit !== "count");
  });

  it("gives the core whole bytes, milliseconds as they are, and nothing where nothing is said", () => {
    expect(toLimits({ memoryMiB: 1.5, stackKiB: 100.001, cpuMs: 0.25, hostCalls: 7, logMiBPerMinute: 2 })).toMatchObject({
      memoryBytes: 1.5 * MIB,
      stackBytes: 102_401,
      cpuMs: 0.25,
      hostCalls: 7,
      logBytesPerMinute: 2 * MIB,
      payloadBytes: undefined,
    });
    expect(DEFAULT_LIMITS).toMatchObject({ memoryBytes: 32 * MIB, stackBytes: 984 * 1_024, deadlineMs: 5_000, callDepth: 16 });
  });

  it("has the keys that messages name", () => {
    const host = join(ROOT, "host");
    const sources = readdirSync(host, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
    const named = sources.flatMap((file) =>
      [...readFileSync(join(host, file), "utf8").matchAll(/ \(limits\.(\w+)\)[`";]/g)].map(([, key]) => key),
    );
    expect(named.length).toBeGreaterThan(8);
    expect(rows.map(([, { key }]) => key)).toEqual(expect.arrayContaining(named));
  });

  it("needs a row and a line of the interface for another limit, and the compiler asks for both", () => {
    const { path: folder, remove } = temporaryFolder();
    const edit = (file: string, from: string, to: string): void => {
      const text = readFileSync(join(folder, file), "utf8");
      expect(text).toContain(from);
      writeFileSync(join(folder, file), text.replace(from, to));
    };
    for (const name of ["host", "scripts", "docs", "tsconfig.json", "package.json"])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    for (const other of ["test", "scripts", "plugin-sdk/codegen", "plugin-sdk/remote-node/src", "plugins/counter/remote-node"])
      edit("tsconfig.json", `    "${other}",\n`, "");
    edit("tsconfig.json", ',\n    "vitest.config.ts"', "");

    edit("host/core/types.ts", "readonly callDepth: number;", "readonly callDepth: number;\n  readonly replyBytes: number;");
    expect(compile(folder)).toContain("replyBytes");
    const row = '{ key: "replyKiB", unit: "KiB", default: 2, maximum: 4, meaning: "a reply", beyond: "silence" }';
    edit("host/manifest/limits.ts", "  callDepth: {", `  replyBytes: ${row},\n  callDepth: {`);
    expect(compile(folder)).toBe("");
    edit("host/manifest/limits.ts", "  callDepth: {", `  orphans: ${row},\n  callDepth: {`);
    expect(compile(folder)).toContain("orphans");
    edit("host/manifest/limits.ts", `  orphans: ${row},\n`, "");

    const asked = `
      import { configurationSchema } from "./host/manifest/configuration.ts";
      import { limitsSchema } from "./host/manifest/limits.ts";
      import { effectiveLimits } from "./host/install/plugin-folder.ts";
      import { schemaFiles, withLimits } from "./scripts/build-schemas.ts";
      const { plugins } = configurationSchema.parse({ plugins: { p: { path: "p", limits: { replyKiB: 3 } } } });
      console.log(JSON.stringify({
        given: effectiveLimits({ limits: {} }, plugins.p).replyBytes,
        asked: effectiveLimits({ limits: { replyKiB: 1 } }, plugins.p).replyBytes,
        byDefault: effectiveLimits({ limits: {} }, { limits: {} }).replyBytes,
        refused: limitsSchema.safeParse({ replyKiB: 5 }).success,
        schema: schemaFiles().get("plugin.schema.json").includes('"description": "a reply"'),
        documented: withLimits("<!-- limits: x -->\\n<!-- end of limits --><!-- admission: x -->\\n<!-- end of admission -->").includes("| \`replyKiB\` | 2 | 4 | a reply | silence |"),
      }));`;
    writeFileSync(join(folder, "ask.ts"), asked);
    expect(JSON.parse(run(folder, process.execPath, "ask.ts"))).toEqual({
      given: 3_072,
      asked: 1_024,
      byDefault: 2_048,
      refused: false,
      schema: true,
      documented: true,
    });
    remove();
  });
});

/** What the compiler complains of; nothing where all is well. */
const compile = (folder: string): string => run(folder, join(folder, "node_modules/.bin/tsc"), "-p", ".");

function run(cwd: string, program: string, ...args: readonly string[]): string {
  try {
    return execFileSync(program, args, { cwd, encoding: "utf8", stdio: "pipe" });
  } catch (failure) {
    return typeof failure === "object" && failure !== null && "stdout" in failure ? String(failure.stdout) : String(failure);
  }
}
