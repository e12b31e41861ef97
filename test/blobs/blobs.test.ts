// Blobs as a guest has them, in every kind of cell: in pieces, whole or not at all, within quotas, and its own.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { type Step, scribe } from "../support/blobs.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const PIECE = 65_536;

describe.each(["inline", "thread", "process"])("blobs of a plugin in a cell of kind %s", (isolation) => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  const start = async (limits: object = {}): Promise<void> => {
    const plugins = { scribe: { path: "scribe", isolation, limits }, other: { path: "other", isolation, limits } };
    const text = JSON.stringify({ adapters: { http: false }, plugins });
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  };
  beforeEach(async () => {
    folder = temporaryFolder();
    for (const name of ["scribe", "other"]) await scribe(folder.path, name);
  });
  afterEach(async () => {
    await host.stop();
    folder.remove();
  });
  const run = (steps: readonly Step[], plugin = "scribe"): Promise<string[]> => host.call<string[]>(`${plugin}.run`, steps);
  const write = (name: string, pieces: number, fill = 1, bytes = PIECE): Step[] => [
    { op: "create", name },
    ...Array.from({ length: pieces }, () => ({ op: "append", bytes, fill })),
    { op: "finish" },
  ];
  const files = (plugin = "scribe"): string[] => {
    const path = join(folder.path, "data", "blobs", plugin);
    return existsSync(path) ? readdirSync(path) : [];
  };

  it("are written and read in pieces, larger than any payload, and are there after a restart", async () => {
    await start();
    const answers = await run([
      ...write("reports/2026.csv", 80),
      { op: "read", name: "reports/2026.csv", offset: 79 * PIECE + 10, bytes: PIECE },
      { op: "read", name: "reports/2026.csv", offset: 80 * PIECE, bytes: PIECE },
      { op: "read", name: "reports/2026.csv", offset: 5 * 2 ** 32, bytes: PIECE },
    ]);
    const [told = ""] = answers.slice(-4);
    expect(told).toMatch(new RegExp(`^reports/2026.csv text/plain ${80 * PIECE} [0-9a-f-]{36} 0$`));
    expect(answers.slice(-3)).toEqual([`${PIECE - 10} bytes, sum ${PIECE - 10}`, "0 bytes, sum 0", "0 bytes, sum 0"]);
    await host.stop();
    await start();
    expect(
      await run([
        { op: "stat", name: "reports/2026.csv" },
        { op: "scan", prefix: "reports/" },
      ]),
    ).toEqual([told, "reports/2026.csv"]);
  });

  it("appear whole when they are finished, in place of the one before, and not earlier", async () => {
    await start();
    const [, , first] = await run(write("a", 1, 1, 10));
    expect(await run([{ op: "stat", name: "a" }])).toEqual([first]);
    const answers = await run([
      { op: "create", name: "a", mediaType: "text/csv; charset=UTF-8", metadata: [{ name: "of", value: "may" }] },
      { op: "append", bytes: 20, fill: 2 },
      { op: "stat", name: "a" },
      { op: "read", name: "a", bytes: 100 },
      { op: "finish" },
      { op: "read", name: "a", bytes: 100 },
      { op: "read", name: "a", bytes: 100, etag: first?.split(" ")[3] },
      { op: "stat", name: "b" },
    ]);
    expect(answers.slice(2, 4)).toEqual([first, "10 bytes, sum 10"]);
    expect(answers[4]).toMatch(/^a text\/csv; charset=UTF-8 20 \S+ 1$/);
    expect(answers.slice(5)).toEqual(["20 bytes, sum 40", 'conflict: the blob "a" was replaced or removed meanwhile; begin anew', "none"]);
    expect(files()).toHaveLength(2);
  });

  it("are renamed, in place of another one, listed by the bytes of their names, and removed", async () => {
    await start();
    for (const name of ["b", "a", "\u{1F600}", "\uFF5E", "../x"]) await run(write(name, 1, name.length, 10));
    expect(
      await run([
        { op: "scan" },
        { op: "scan", after: "a", limit: 2 },
        { op: "rename", name: "a", to: "b" },
        { op: "rename", name: "a", to: "c" },
        { op: "read", name: "b", bytes: 10 },
        { op: "delete", name: "../x" },
        { op: "delete", name: "../x" },
        { op: "scan" },
      ]),
    ).toEqual(["../x,a,b,\uFF5E,\u{1F600}", "b,\uFF5E", "true", "false", "10 bytes, sum 10", "true", "false", "b,\uFF5E,\u{1F600}"]);
    expect(files()).toHaveLength(6);
  });

  it("are dropped with the turn that did not finish them, however it ended", async () => {
    await start();
    const begun = [
      { op: "create", name: "a" },
      { op: "append", bytes: PIECE },
    ];
    const [writer = ""] = await run(begun);
    await eventually("the files are gone", () => files().length === 0 || undefined);
    expect(await run([{ op: "append", writer: Number(writer), bytes: 1 }])).toEqual([
      `invalid-message: there is no writer ${writer} in this turn; create begins a blob`,
    ]);
    await expect(run([...begun, { op: "trap" }])).rejects.toMatchObject({ code: "plugin-failed" });
    await eventually("the files are gone", () => files().length === 0 || undefined);
    expect(await run([...begun, { op: "discard" }, { op: "discard" }, { op: "scan" }])).toEqual([
      expect.any(String),
      "done",
      "true",
      "false",
      "",
    ]);
    expect(files()).toEqual([]);
  });

  it("are nobody else's, and neither are their writers", async () => {
    await start();
    await run(write("mine", 1));
    const [writer = ""] = await run([{ op: "create", name: "a" }]);
    expect(await run([{ op: "stat", name: "mine" }, { op: "append", writer: Number(writer), bytes: 1 }, { op: "scan" }], "other")).toEqual([
      "none",
      `invalid-message: there is no writer ${writer} in this turn; create begins a blob`,
      "",
    ]);
    expect(files("other")).toEqual([]);
  });

  it("have a quota of bytes that holds for one piece and for many, for what is being written and for what replaces another one", async () => {
    await start({ blobMiB: 1 });
    const answers = await run([
      ...write("a", 8),
      ...write("a", 8),
      { op: "stat", name: "a" },
      { op: "create", name: "b" },
      { op: "append", bytes: 2 ** 20 },
    ]);
    expect(answers.at(-1)).toContain("quota-exceeded: scribe would have");
    expect(answers.at(-1)).toContain("the limit is 1048576 (limits.blobMiB)");
    // Of 16 pieces 15 fit: the former blob counts until it is replaced, and names count too.
    expect(answers.filter((answer) => answer.startsWith("quota-exceeded"))).toHaveLength(2);
    expect(answers.at(-3)).toContain(` ${7 * PIECE} `);
    const most = await run([...write("c", 20), { op: "scan" }]);
    const taken = most.filter((answer) => answer === "done").length;
    expect(taken).toBe(8);
    expect(most.at(-1)).toBe("a,c");
    expect(await run([{ op: "delete", name: "a" }, ...write("d", 7), { op: "scan" }])).toContain("c,d");
  });

  it("have a limit for their number, for writers, for a piece, and for what they are called", async () => {
    await start({ blobs: 2, payloadMiB: 1 });
    const creates = Array.from({ length: 10 }, () => ({ op: "create", name: "a" }));
    const created = await run(creates);
    expect(created.slice(8)).toEqual(Array(2).fill("quota-exceeded: 8 blobs are being written in this turn; the limit is 8"));
    await run([...write("a", 1), ...write("b", 1)]);
    const [third, again, piece, read] = await run([
      { op: "create", name: "c" },
      { op: "create", name: "b" },
      { op: "append", bytes: 2 ** 20 + 1 },
      { op: "read", name: "a", bytes: 2 ** 20 + 1 },
    ]);
    expect(third).toBe("quota-exceeded: scribe has 2 blobs; the limit is 2 (limits.blobs); delete some");
    expect(again).toMatch(/^[0-9]+$/);
    for (const refused of [piece, read]) expect(refused).toMatch(/^quota-exceeded: .* 1048577 bytes at once; the limit is 1048576/);
    const bad: readonly (readonly [Step, string])[] = [
      [{ op: "create", name: "" }, "0 bytes; write 1 to 512"],
      [{ op: "create", name: "é".repeat(257) }, "514 bytes; write 1 to 512"],
      [{ op: "create", name: "a", mediaType: "csv" }, "is no media type"],
      [{ op: "create", name: "a", mediaType: `text/${"x".repeat(200)}` }, "is no media type"],
      [{ op: "create", name: "a", mediaType: "text/csv\r\nset-cookie: a" }, "is no media type"],
      [{ op: "create", name: "a", metadata: Array(33).fill({ name: "a", value: "" }) }, "33 properties of 33 bytes"],
      [{ op: "create", name: "a", metadata: [{ name: "a", value: "x".repeat(4_096) }] }, "1 properties of 4097 bytes"],
      [{ op: "scan", limit: 0 }, "limit is 0"],
      [{ op: "scan", limit: 1_001 }, "limit is 1001"],
      [{ op: "rename", name: "a", to: "" }, "0 bytes"],
      [{ op: "read", name: "nothing", bytes: 1 }, 'there is no blob "nothing"'],
      [{ op: "finish", writer: 4_294_967_295 }, "there is no writer"],
    ];
    const refusals = await run(bad.map(([step]) => step));
    for (const [i, [, message]] of bad.entries()) {
      expect(refusals[i]).toMatch(/^invalid-message: /);
      expect(refusals[i]).toContain(message);
    }
  });

  it("have names that lead nowhere", async () => {
    await start();
    const names = ["../../../etc/passwd", "/tmp/x", "a\u0000b", "..", ".", "a/../../b", "C:\\x", "CON"];
    for (const name of names) await run(write(name, 1, 1, 5));
    expect(await run(names.map((name) => ({ op: "read", name, bytes: 9 })))).toEqual(names.map(() => "5 bytes, sum 5"));
    for (const file of files()) expect(file).toMatch(/^[0-9a-f-]{36}\.blob$|^[0-9a-f]{64}\.json$/);
    expect(readdirSync(join(folder.path, "data", "blobs")).sort()).toEqual(["scribe"]);
  });
});
