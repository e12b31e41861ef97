// proto/ by the rules of its linter, what is generated from it, and that nothing that was published is taken back.

import { execFile } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { GENERATED, generateProto, lintProto } from "../../scripts/build-proto.ts";
import { ROOT } from "../docs/markdown.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";

describe("proto/", () => {
  it("keeps the rules of buf", () => lintProto());

  it("is what the messages of the gRPC door were generated from (npm run build:proto)", async () => {
    const folder = temporaryFolder();
    try {
      const file = join(folder.path, "doors_pb.ts");
      await generateProto(file);
      expect(readFileSync(file, "utf8")).toBe(readFileSync(GENERATED, "utf8"));
    } finally {
      folder.remove();
    }
  });

  const breaking = (proto: string): Promise<unknown> =>
    promisify(execFile)(join(ROOT, "node_modules/.bin/buf"), ["breaking", proto, "--against", "test/contract/doors.binpb"], { cwd: ROOT });

  // What 0.2 promises; later versions may add to it. Made by `buf build proto -o test/contract/doors.binpb`.
  it("takes nothing back that clients were built for", async () => {
    await breaking("proto");
    const folder = temporaryFolder();
    try {
      cpSync(join(ROOT, "proto"), folder.path, { recursive: true });
      const file = join(folder.path, "bulkhead/v1/doors.proto");
      writeFileSync(file, readFileSync(file, "utf8").replace("bytes payload = 2;", "string payload = 2;"));
      await expect(breaking(folder.path)).rejects.toMatchObject({ stdout: expect.stringContaining("payload") });
    } finally {
      folder.remove();
    }
  });
});
