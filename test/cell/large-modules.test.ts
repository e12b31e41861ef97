// What compilers make without optimising, and the largest of what others run: admitted in the process that may die, and run in each kind of cell.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { admitInProcess } from "../../host/cell/admission/admission-process.ts";
import type { PluginImage } from "../../host/core/types.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { leb, section, sized, text, vector, wasm } from "../engine/wasm/build.ts";
import { CELL_KINDS, createCell, runTurn } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";

const run = promisify(execFile);
const END = 0x0b;

interface Shape {
  readonly locals?: readonly [count: number, type: number];
  readonly code: readonly (number | readonly number[])[];
}

/** A module with a memory, whose function `run` answers an i32 that is 0. */
function moduleOf({ locals, code }: Shape, dataSegments = 0): Uint8Array<ArrayBuffer> {
  const declared = locals === undefined ? [0] : [1, ...leb(locals[0]), locals[1]];
  return wasm(
    section(1, vector([[0x60, 0, 1, 0x7f]])),
    section(3, vector([[0]])),
    section(5, vector([[0, 1]])),
    section(7, vector([[...text("run"), 0, 0]])),
    section(10, vector([sized([...declared, ...code, 0x41, 0, END])])),
    ...(dataSegments === 0 ? [] : [section(11, vector(new Array(dataSegments).fill([0, 0x41, 0, END, 1, 0x61])))]),
  );
}

/** Sets each local from memory and adds three to it when it is odd: a branch for each, as -O0 has them. */
const eachLocal = (count: number): number[][] =>
  Array.from({ length: count }, (_, i) => [
    0x41,
    0,
    0x28,
    2,
    0,
    0x22,
    ...leb(i),
    0x04,
    0x40,
    0x20,
    ...leb(i),
    0x41,
    3,
    0x6a,
    0x21,
    ...leb(i),
    END,
  ]);

async function admitted(bytes: Uint8Array<ArrayBuffer>): Promise<Pick<PluginImage, "module" | "entryPoints" | "compileBytes">> {
  const { module, entryPoints, report } = await admitInProcess(bytes, DEFAULT_LIMITS);
  return { module, entryPoints: entryPoints === "any" ? [] : entryPoints, compileBytes: report.compileBytes };
}

const C_STATEMENTS = 700;

function cSource(): string {
  const lines = Array.from({ length: C_STATEMENTS }, (_, i) => {
    const before = i === 0 ? "a" : `v${i - 1}`;
    return `  int v${i} = input(${i}) + ${before}; if (v${i} > ${i}) v${i} -= 3;`;
  });
  const sum = Array.from({ length: C_STATEMENTS }, (_, i) => `v${i}`).join("+");
  return `int input(int x) { return x * 7; }
int many(int a) {\n${lines.join("\n")}\n  return ${sum};\n}
__attribute__((export_name("run"))) int run(void) { return many(3) == 0; }`;
}

const ZIG = `const std = @import("std");
var buffer: [1 << 16]u8 = undefined;
const Order = struct { id: []const u8, total: f64, lines: []const struct { name: []const u8, count: u32 } };
export fn run() i32 {
    var fixed = std.heap.FixedBufferAllocator.init(&buffer);
    const order = "{\\"id\\":\\"a\\",\\"total\\":2.5,\\"lines\\":[{\\"name\\":\\"x\\",\\"count\\":3}]}";
    const parsed = std.json.parseFromSlice(Order, fixed.allocator(), order, .{}) catch return 1;
    return if (parsed.value.lines[0].count == 3) 0 else 2;
}`;

const compilers = await Promise.all(
  [
    ["clang", ["--target=wasm32", "--print-targets"]],
    ["python-zig", ["version"]],
  ].map(([name = "", args = []]) =>
    run(name as string, args as string[]).then(
      () => true,
      () => false,
    ),
  ),
);
const [hasClang = false, hasZig = false] = compilers;

describe("what others run", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "bulkhead-large-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const runsEverywhere = async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    const { module, entryPoints, compileBytes } = await admitted(bytes);
    expect(entryPoints).toContain("run");
    for (const kind of CELL_KINDS) {
      const cell = createCell(kind, memoryLog());
      try {
        const limits = { ...DEFAULT_LIMITS, cpuMs: 20_000, deadlineMs: 60_000 };
        await cell.load({ name: "large", module, compileBytes, entryPoints, limits, config: {} });
        expect(await runTurn(cell, "large", "run", { timeoutMs: 60_000 }), kind).toMatchObject({ ok: true });
      } finally {
        await cell[Symbol.asyncDispose]();
      }
    }
  };

  it.each<[string, () => Uint8Array<ArrayBuffer>]>([
    ["a function with 4,665 locals and a branch for each", () => moduleOf({ locals: [4_665, 0x7f], code: eachLocal(2_000) })],
    ["98,450 data segments, like esbuild", () => moduleOf({ code: [] }, 98_450)],
    ["77,823 data segments, like PHP", () => moduleOf({ code: [] }, 77_823)],
    [
      "a function of 592 KB, like tree-sitter-cpp",
      () => moduleOf({ locals: [1, 0x7f], code: new Array(74_000).fill([0x41, 0, 0x28, 2, 0, 0x21, 0, 0x01]) }),
    ],
    ["64 KiB of locals", () => moduleOf({ locals: [8_192, 0x7e], code: [] })],
    ["16 million slots", () => moduleOf({ locals: [9_999, 0x7f], code: eachLocal(1_590) })],
  ])("is admitted and runs: %s", async (_, make) => runsEverywhere(make()), 120_000);

  it.runIf(hasClang)(
    "is admitted and runs: a C function of 700 statements at -O0",
    async () => {
      writeFileSync(join(folder, "many.c"), cSource());
      const args = ["--target=wasm32", "-O0", "-nostdlib", "-Wl,--no-entry", "-o", "many.wasm", "many.c"];
      await run("clang", args, { cwd: folder });
      await runsEverywhere(new Uint8Array(readFileSync(join(folder, "many.wasm"))));
    },
    120_000,
  );

  it.runIf(hasZig)(
    "is admitted and runs: what Zig makes by default",
    async () => {
      writeFileSync(join(folder, "order.zig"), ZIG);
      await run("python-zig", ["build-exe", "order.zig", "-target", "wasm32-wasi", "-fno-entry", "-rdynamic", "-femit-bin=order.wasm"], {
        cwd: folder,
      });
      await runsEverywhere(new Uint8Array(readFileSync(join(folder, "order.wasm"))));
    },
    300_000,
  );
});

/** A function that calls itself for ever, after each of its locals was set so that V8 keeps them in the frame. */
const recursing = (count: number, type: number): Uint8Array<ArrayBuffer> => moduleOf({ locals: [count, type], code: [0x10, 0, 0x1a] });

describe.each(CELL_KINDS)("a function with 64 KiB of locals that calls itself, in a cell that is %s", (kind) => {
  it.each([
    ["i32", 16_384, 0x7f],
    ["i64", 8_192, 0x7e],
    ["v128", 4_096, 0x7b],
  ] as const)("ends with memory-exhausted and hurts nothing: %s", async (_, count, type) => {
    const cell = createCell(kind, memoryLog());
    try {
      for (const [name, bytes] of [
        ["deep", recursing(count, type)],
        ["other", moduleOf({ code: [] })],
      ] as const) {
        await cell.load({ name, ...(await admitted(bytes)), limits: DEFAULT_LIMITS, config: {} });
      }
      for (let turn = 0; turn < 3; turn += 1) {
        const outcome = await runTurn(cell, "deep", "run", { timeoutMs: 30_000 });
        expect(outcome).toMatchObject({
          ok: false,
          error: { code: "memory-exhausted", message: expect.stringContaining("limits.stackKiB") },
        });
      }
      expect(await runTurn(cell, "other", "run")).toMatchObject({ ok: true });
    } finally {
      await cell[Symbol.asyncDispose]();
    }
  });
});
