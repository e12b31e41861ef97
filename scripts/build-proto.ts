// Checks proto/ and writes what follows from it: the messages of the gRPC door and of remote plugins, as TypeScript.

import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** Where what is made of a file of proto/ lies: by path here, what makes it. */
export const GENERATED: Readonly<Record<string, string>> = {
  "host/adapters/grpc/doors_pb.ts": "bulkhead/v1/doors_pb.ts",
  "host/remote/remote_pb.ts": "bulkhead/remote/v1/remote_pb.ts",
  "plugin-sdk/remote-node/src/remote_pb.ts": "bulkhead/remote/v1/remote_pb.ts",
};
const tool = (name: string): string => join(ROOT, "node_modules/.bin", name);

/** What the SDK for Python reads: the protocol of remote plugins, as descriptors. */
export const DESCRIPTORS = "plugin-sdk/remote-python/src/bulkhead_remote/remote.binpb";

/** Writes the descriptors into this file. */
export async function describeRemote(file: string): Promise<void> {
  const only = ["--path", "proto/bulkhead/remote", "--as-file-descriptor-set", "--exclude-source-info"];
  await promisify(execFile)(tool("buf"), ["build", "proto", ...only, "-o", file], { cwd: ROOT });
}

/** Rejects with what is wrong with proto/. */
export async function lintProto(): Promise<void> {
  await promisify(execFile)(tool("buf"), ["lint", "proto"], { cwd: ROOT });
}

/** Writes the messages of this file of `GENERATED` into that one. */
export async function generateProto(made: string, file: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-proto-"));
  try {
    const template = join(folder, "buf.gen.yaml");
    const plugin = { local: tool("protoc-gen-es"), out: folder, opt: ["target=ts", "import_extension=ts"] };
    await writeFile(template, JSON.stringify({ version: "v2", plugins: [plugin] }));
    await promisify(execFile)(tool("buf"), ["generate", "--template", template, "proto"], { cwd: ROOT });
    await copyFile(join(folder, made), file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main) {
  await lintProto();
  for (const [file, made] of Object.entries(GENERATED)) await generateProto(made, join(ROOT, file));
  await describeRemote(join(ROOT, DESCRIPTORS));
}
