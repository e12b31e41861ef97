// Blobs in the test kit: set and seen by the test, written by the plugin, and bodies of faked requests that go into them and come out of them.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakedHttp, loadPlugin, type TestPlugin } from "../../host/testing/index.ts";
import { type Step, scribe } from "../support/blobs.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const MIB = 1_048_576;

let folder: TemporaryFolder;
let path: string;
const grants = [{ permission: "http.fetch", resource: "https://api.test" }];
beforeAll(async () => {
  folder = temporaryFolder();
  path = await scribe(folder.path, "scribe", { permissions: grants.map((grant) => ({ ...grant, reason: "To test." })) });
});
afterAll(() => folder.remove());

const run = async (plugin: TestPlugin, ...steps: readonly Step[]): Promise<string[]> =>
  (await plugin.call("scribe.run", steps)).json<string[]>();

describe("the blobs of a plugin under test", () => {
  it("are set for it, and seen of it with type, metadata and content", async () => {
    await using plugin = await loadPlugin(path);
    await plugin.blobs.set("in/a.csv", "a,b\n", { mediaType: "text/csv", metadata: [{ name: "of", value: "may" }] });
    await plugin.blobs.set("large", new Uint8Array(5 * MIB).fill(1));
    expect(
      await run(
        plugin,
        { op: "stat", name: "in/a.csv" },
        { op: "read", name: "large", offset: 5 * MIB - 3, bytes: 9 },
        { op: "create", name: "out", mediaType: "image/png", metadata: [{ name: "by", value: "me" }] },
        { op: "append", bytes: 3, fill: 7 },
        { op: "finish" },
      ),
    ).toEqual([
      expect.stringMatching(/^in\/a\.csv text\/csv 4 \S+ 1$/),
      "3 bytes, sum 3",
      "1",
      "done",
      expect.stringContaining("out image/png 3"),
    ]);
    expect(await plugin.blobs.get("out")).toMatchObject({
      mediaType: "image/png",
      metadata: [{ name: "by", value: "me" }],
      bytes: new Uint8Array([7, 7, 7]),
    });
    expect((await plugin.blobs.get("in/a.csv"))?.text()).toBe("a,b\n");
    expect(await plugin.blobs.names()).toEqual(["in/a.csv", "large", "out"]);
    expect(await plugin.blobs.names("in/")).toEqual(["in/a.csv"]);
    expect([await plugin.blobs.delete("out"), await plugin.blobs.delete("out"), await plugin.blobs.get("out")]).toEqual([
      true,
      false,
      undefined,
    ]);
  });

  it("have the limits of the plugin, and leave nothing of what a turn did not finish", async () => {
    await using plugin = await loadPlugin(path, { limits: { blobMiB: 1, blobs: 1 } });
    await expect(plugin.blobs.set("a", new Uint8Array(MIB))).rejects.toMatchObject({ code: "quota-exceeded" });
    await expect(plugin.blobs.set("", "a")).rejects.toMatchObject({ code: "invalid-message" });
    await run(plugin, { op: "create", name: "b" }, { op: "append", bytes: MIB - 100 });
    // All that the turn had is free again.
    await plugin.blobs.set("a", new Uint8Array(MIB - 100));
    await expect(plugin.blobs.set("b", "")).rejects.toMatchObject({
      code: "quota-exceeded",
      message: expect.stringContaining("limits.blobs"),
    });
    expect(await plugin.blobs.names()).toEqual(["a"]);
  });

  it("are sent and filled by faked requests", async () => {
    const sent: string[] = [];
    const http: FakedHttp = ({ method }, body) => {
      sent.push(`${method} ${body.text()}`);
      return method === "PUT" ? {} : { headers: { "content-type": "text/csv" }, body: "x,y\n" };
    };
    await using plugin = await loadPlugin(path, { grants, http });
    await plugin.blobs.set("report", "a,b\n");
    const url = "https://api.test/report";
    expect(await run(plugin, { op: "fetch", method: "PUT", url, from: "report" }, { op: "fetch", url, into: "answer" })).toEqual([
      "200, 0 bytes, none stored",
      "200, 0 bytes, 4 stored",
    ]);
    expect(sent).toEqual(["PUT a,b\n", "GET "]);
    expect(await plugin.blobs.get("answer")).toMatchObject({ mediaType: "text/csv" });
    expect((await plugin.blobs.get("answer"))?.text()).toBe("x,y\n");
  });
});
