// proto/ by the rules of its linter, what is generated from it, and that nothing that was published is taken back.

import { execFile } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { DESCRIPTORS, describeRemote, GENERATED, generateProto, lintProto } from "../../scripts/build-proto.ts";
import { ROOT } from "../docs/markdown.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";

describe("proto/", () => {
  it("keeps the rules of buf", () => lintProto());

  it.each(Object.entries(GENERATED))("is what %s was generated from (npm run build:proto)", async (committed, made) => {
    const folder = temporaryFolder();
    try {
      const file = join(folder.path, "made.ts");
      await generateProto(made, file);
      expect(readFileSync(file, "utf8")).toBe(readFileSync(join(ROOT, committed), "utf8"));
    } finally {
      folder.remove();
    }
  });

  it("is what the descriptors of the SDK for Python were made from (npm run build:proto)", async () => {
    const folder = temporaryFolder();
    try {
      const file = join(folder.path, "remote.binpb");
      await describeRemote(file);
      expect(readFileSync(file).equals(readFileSync(join(ROOT, DESCRIPTORS)))).toBe(true);
    } finally {
      folder.remove();
    }
  });

  const breaking = (proto: string): Promise<unknown> =>
    promisify(execFile)(join(ROOT, "node_modules/.bin/buf"), ["breaking", proto, "--against", "test/contract/proto.binpb"], { cwd: ROOT });

  // What 0.2 promises; later versions may add to it. Made by `buf build proto -o test/contract/proto.binpb`.
  it("takes nothing back that clients were built for", async () => {
    await breaking("proto");
    const folder = temporaryFolder();
    try {
      cpSync(join(ROOT, "proto"), folder.path, { recursive: true });
      for (const [name, field] of [
        ["bulkhead/v1/doors.proto", "bytes payload = 2;"],
        ["bulkhead/remote/v1/remote.proto", "bytes block = 2;"],
      ] as const) {
        const file = join(folder.path, name);
        const text = readFileSync(file, "utf8");
        writeFileSync(file, text.replace(field, field.replace("bytes", "string")));
        await expect(breaking(folder.path)).rejects.toMatchObject({ stdout: expect.stringContaining(name) });
        writeFileSync(file, text);
      }
    } finally {
      folder.remove();
    }
  });
});
