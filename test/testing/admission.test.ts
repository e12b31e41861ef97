import { chmodSync, renameSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ownFolder } from "../../host/cell/admission/own-folder.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

describe("the folder of admitted modules", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("is the same each time, and closed to others", async () => {
    const first = await ownFolder(folder.path, "bulkhead-testing");
    expect(await ownFolder(folder.path, "bulkhead-testing")).toBe(first);
    expect(statSync(first).mode & 0o777).toBe(0o700);
  });

  it("is another one when somebody else could write there, or has put a link in its place", async () => {
    const usual = await ownFolder(folder.path, "bulkhead-testing");
    chmodSync(usual, 0o777);
    expect(await ownFolder(folder.path, "bulkhead-testing")).not.toBe(usual);
    renameSync(usual, join(folder.path, "elsewhere"));
    chmodSync(join(folder.path, "elsewhere"), 0o700);
    symlinkSync("elsewhere", usual);
    expect(await ownFolder(folder.path, "bulkhead-testing")).not.toBe(usual);
  });
});
