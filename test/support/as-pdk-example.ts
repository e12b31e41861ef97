// The example that comes with Extism's own AssemblyScript SDK, compiled as it is.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as asc from "assemblyscript/asc";

const SDK = fileURLToPath(new URL("../../node_modules/@extism/as-pdk", import.meta.url));

export async function asPdkExample(): Promise<Uint8Array<ArrayBuffer>> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ["example.ts", "--baseDir", SDK, "--outFile", "out.wasm", "-O2", "--use", "abort=example/myAbort"],
    {
      readFile: (path, baseDir) => readFile(path.startsWith("/") ? path : `${baseDir}/${path}`, "utf8").catch(() => null),
      writeFile: (_path, contents) => {
        if (typeof contents !== "string") wasm = contents;
      },
    },
  );
  if (wasm === undefined) throw new Error(`the example does not compile: ${error?.message} ${stderr}`);
  return new Uint8Array(wasm);
}
