// Blobs in files and in memory: one contract, and what only files do: they are nobody else's, and a host that is killed leaves the former blob or the latter.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { blobDriverContract } from "../../host/contracts/blob-driver.ts";
import type { BlobDriver, BlobEntry } from "../../host/core/ports/blobs.ts";
import { fileBlobs } from "../../host/drivers/blobs/files.ts";
import { memoryBlobs } from "../../host/drivers/blobs/memory.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { utf8 } from "../support/scripted-cell.ts";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describe("the contract of blob drivers, by memory", () => {
  // What was being written vanishes with the process.
  for (const { name, run } of blobDriverContract(async () => ({ driver: memoryBlobs(), async [Symbol.asyncDispose]() {} }))) it(name, run);
});

describe("the contract of blob drivers, by files", () => {
  const open = async () => {
    const reopen = (): BlobDriver => fileBlobs(join(folder.path, "blobs"));
    return { driver: reopen(), reopen, async [Symbol.asyncDispose]() {} };
  };
  for (const { name, run } of blobDriverContract(open)) it(name, run);
});

describe("blobs in files", () => {
  const put = async (driver: BlobDriver, name: string, text: string): Promise<BlobEntry> => {
    const content = await driver.create("p");
    await content.write(utf8(text));
    await content.seal();
    const entry = { name, mediaType: "text/plain", metadata: [], size: text.length, id: content.id, modified: 1 };
    await driver.put("p", entry, undefined);
    return entry;
  };
  const files = (): string[] => readdirSync(join(folder.path, "p"));

  it("are for the host's user only", async () => {
    await put(fileBlobs(folder.path), "a", "1");
    expect(statSync(join(folder.path, "p")).mode & 0o777).toBe(0o700);
    for (const file of files()) expect(statSync(join(folder.path, "p", file)).mode & 0o777).toBe(0o600);
  });

  it("are removed when nothing names them: contents, unfinished entries, and whatever else lies there", async () => {
    const driver = fileBlobs(folder.path);
    const entry = await put(driver, "a", "1");
    for (const name of ["x.blob", "y.json.unfinished", "z"]) writeFileSync(join(folder.path, "p", name), "");
    mkdirSync(join(folder.path, "p", "folder"));
    expect(await driver.open("p")).toEqual([entry]);
    expect(files()).toHaveLength(2);
  });

  it("are refused where an entry is not what was written, naming the file", async () => {
    const driver = fileBlobs(folder.path);
    await put(driver, "a", "1");
    const entry = files().find((file) => file.endsWith(".json")) ?? "";
    for (const text of ["", "{}", '{"format":1,"name":"a","mediaType":"a/b","metadata":[],"size":1,"id":"../../x","modified":1}']) {
      writeFileSync(join(folder.path, "p", entry), text);
      await expect(driver.open("p")).rejects.toMatchObject({ code: "storage-failed", message: expect.stringContaining(entry) });
    }
  });

  it("follow no link", async () => {
    const driver = fileBlobs(folder.path);
    const entry = await put(driver, "a", "1");
    writeFileSync(join(folder.path, "secret"), "secret");
    const content = join(folder.path, "p", `${entry.id}.blob`);
    rmSync(content);
    symlinkSync(join(folder.path, "secret"), content);
    await expect(driver.read("p", entry, 0, 1)).rejects.toMatchObject({ code: "storage-failed" });
  });

  it("refuse what is no plugin's name", async () => {
    await expect(async () => fileBlobs(folder.path).purge("..")).rejects.toMatchObject({ code: "storage-failed" });
  });
});

const WRITER = new URL("../support/blob-writer.ts", import.meta.url);

describe("a host that is killed while it writes blobs", () => {
  const KILLS = 40;

  it(`keeps of each ${KILLS} times all that it had finished, whole, and nothing else`, async () => {
    let random = 7;
    const next = (): number => {
      random = (random * 16_807) % 2_147_483_647;
      return random / 2_147_483_647;
    };
    const seen = { killed: 0, finished: 0 };
    /** What is known to be there, by name: the number of its content; of what was being changed, either. */
    let known = new Map<string, ReadonlySet<number>>();
    for (let round = 0; round < KILLS; round += 1) {
      const child = spawn(process.execPath, [WRITER.pathname, folder.path, String(round)], { stdio: ["ignore", "pipe", "inherit"] });
      const after = Math.floor(next() * 12) + 1;
      let lines = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        const [word, name = "", number, to = ""] = line.split(" ");
        if (word === "writes") known.set(name, new Set([...(known.get(name) ?? [-1]), Number(number)]));
        if (word === "finished") known.set(name, new Set([Number(number)]));
        if (word === "renames") {
          known.set(to, new Set([...(known.get(to) ?? [-1]), Number(number)]));
          known.set(name, new Set([...(known.get(name) ?? [-1]), -1]));
        }
        if (word === "renamed") {
          known.set(to, new Set([Number(number)]));
          known.set(name, new Set([-1]));
        }
        if (word === "finished" || word === "renamed") seen.finished += 1;
        lines += 1;
        // In the middle of what comes next, at a moment that the machine chooses.
        if (lines === after) setTimeout(() => child.kill("SIGKILL"), next() * 12);
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      if (child.signalCode === "SIGKILL") seen.killed += 1;
      const driver = fileBlobs(folder.path);
      const entries = new Map((await driver.open("p")).map((entry) => [entry.name, entry]));
      for (const [name, numbers] of known) {
        const entry = entries.get(name);
        const piece = entry && (await driver.read("p", entry, 0, entry.size));
        const number = entry === undefined ? -1 : Number(entry.metadata[0]?.value);
        expect([...numbers], `${name} in round ${round}`).toContain(number);
        if (entry === undefined) continue;
        expect(piece?.length).toBe(entry.size);
        expect(piece?.every((byte) => byte === number % 251)).toBe(true);
      }
      expect(entries.size).toBe([...entries.keys()].filter((name) => known.has(name)).length);
      expect(readdirSync(join(folder.path, "p")).length).toBe(2 * entries.size);
      known = new Map([...known.keys()].map((name) => [name, new Set([Number(entries.get(name)?.metadata[0]?.value ?? -1)])]));
    }
    expect(seen.killed).toBeGreaterThan(KILLS / 2);
    expect(seen.finished).toBeGreaterThan(KILLS);
  });
});
