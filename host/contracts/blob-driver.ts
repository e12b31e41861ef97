// What every driver of blobs must do.

import assert from "node:assert/strict";
import type { BlobContent, BlobDriver, BlobEntry } from "../core/ports/blobs.ts";
import type { Bytes } from "../core/types.ts";
import type { ContractTest } from "./contract.ts";

export interface OpenedBlobs extends AsyncDisposable {
  readonly driver: BlobDriver;
  /** The same store for another process, after a crash; undefined where nothing is meant to outlive it. */
  readonly reopen?: (() => BlobDriver) | undefined;
}

const encoder = new TextEncoder();
const utf8 = (text: string): Bytes => encoder.encode(text);
const byName = (entries: readonly BlobEntry[]): readonly BlobEntry[] => [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));

/** `open` gives an empty store each time. */
export function blobDriverContract(open: () => Promise<OpenedBlobs>): readonly ContractTest[] {
  const test = (name: string, run: (driver: BlobDriver, reopened: () => BlobDriver) => Promise<void>): ContractTest => ({
    name,
    async run() {
      await using opened = await open();
      await run(opened.driver, () => opened.reopen?.() ?? opened.driver);
    },
  });
  const write = async (driver: BlobDriver, ...pieces: readonly string[]): Promise<BlobContent> => {
    const content = await driver.create("p");
    for (const piece of pieces) await content.write(utf8(piece));
    return content;
  };
  const made = async (driver: BlobDriver, name: string, text: string, former?: BlobEntry): Promise<BlobEntry> => {
    const content = await write(driver, text);
    await content.seal();
    const entry = {
      name,
      mediaType: "text/plain",
      metadata: [{ name: "of", value: "me" }],
      size: text.length,
      id: content.id,
      modified: 1,
    };
    await driver.put("p", entry, former);
    return entry;
  };
  const read = async (driver: BlobDriver, entry: BlobEntry, offset = 0, length = 100): Promise<string | undefined> => {
    const piece = await driver.read("p", entry, offset, length);
    return piece && new TextDecoder().decode(piece);
  };

  return [
    test("keeps contents that were written in pieces, and what is known of them, under any name", async (driver, reopened) => {
      assert.deepEqual(await driver.open("p"), []);
      const names = ["a", "../a", "a/b", "\u0000", "/", "x".repeat(512), "\u{1F600}"];
      const entries: BlobEntry[] = [];
      for (const name of names) entries.push(await made(driver, name, `of ${name}`.slice(0, 5)));
      for (const one of [driver, reopened()]) {
        assert.deepEqual(byName(await one.open("p")), byName(entries));
        for (const entry of entries) assert.equal(await read(one, entry), `of ${entry.name}`.slice(0, 5));
      }
    }),

    test("reads from anywhere, and less at the end", async (driver) => {
      const content = await write(driver, "01", "", "234", "56789");
      await content.seal();
      const entry = { name: "a", mediaType: "text/plain", metadata: [], size: 10, id: content.id, modified: 1 };
      await driver.put("p", entry, undefined);
      assert.equal(await read(driver, entry, 1, 3), "123");
      assert.equal(await read(driver, entry, 8, 100), "89");
      assert.equal(await read(driver, entry, 10, 1), "");
      assert.equal(await read(driver, entry, 2 ** 40, 1), "");
    }),

    test("keeps nothing of what was not finished", async (driver, reopened) => {
      const kept = await made(driver, "kept", "kept");
      const discarded = await write(driver, "x");
      await discarded.discard();
      await discarded.discard();
      const sealed = await write(driver, "y");
      await sealed.seal();
      await sealed.discard();
      const unfinished = await write(driver, "z");
      const after = reopened();
      assert.deepEqual(await after.open("p"), [kept]);
      assert.equal(await read(after, kept), "kept");
      for (const { id } of [discarded, sealed]) assert.equal(await read(after, { ...kept, id }), undefined);
      await unfinished.discard();
    }),

    test("replaces a blob and removes the content of the former", async (driver, reopened) => {
      const first = await made(driver, "a", "first");
      const second = await made(driver, "a", "second", first);
      assert.notEqual(first.id, second.id);
      assert.equal(await read(driver, first), undefined);
      const after = reopened();
      assert.deepEqual(await after.open("p"), [second]);
      assert.equal(await read(after, second), "second");
    }),

    test("renames a blob, also in place of another one and back", async (driver, reopened) => {
      const a = await made(driver, "a", "1");
      const b = await made(driver, "b", "2");
      await driver.rename("p", a, "b", b);
      assert.equal(await read(driver, b), undefined);
      const renamed = { ...a, name: "b" };
      await driver.rename("p", renamed, "a", undefined);
      const other = await made(driver, "b", "3");
      const after = reopened();
      assert.deepEqual(byName(await after.open("p")), [a, other]);
      assert.equal(await read(after, a), "1");
    }),

    test("removes a blob with its content", async (driver, reopened) => {
      const entry = await made(driver, "a", "1");
      await driver.remove("p", entry);
      assert.equal(await read(driver, entry), undefined);
      assert.deepEqual(await reopened().open("p"), []);
    }),

    test("keeps plugins apart, and removes all that one has", async (driver, reopened) => {
      const entry = await made(driver, "a", "1");
      assert.deepEqual(await driver.open("q"), []);
      assert.equal(await driver.read("q", entry, 0, 1), undefined);
      await driver.purge("q");
      assert.deepEqual(await driver.open("p"), [entry]);
      await driver.purge("p");
      await driver.purge("p");
      assert.deepEqual(await reopened().open("p"), []);
    }),
  ];
}
