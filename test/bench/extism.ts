// The alternative: @extism/extism 2.0.0-rc13 with a plugin of its own AssemblyScript SDK.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import createPlugin, { type Plugin } from "@extism/extism";
import * as asc from "assemblyscript/asc";

const FOLDER = fileURLToPath(new URL("extism-plugin", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export async function compileExtismPlugin(): Promise<Uint8Array<ArrayBuffer>> {
  let wasm: Uint8Array | undefined;
  const flags = ["-O3", "--use", "abort=index/abortHandler", "--path", `${ROOT}node_modules`];
  const { error, stderr } = await asc.main(["index.ts", "--baseDir", FOLDER, "--outFile", "out.wasm", ...flags], {
    writeFile: (_path, contents) => {
      if (typeof contents !== "string") wasm = contents;
    },
    readFile: (path, baseDir) => readFile(path.startsWith("/") ? path : `${baseDir}/${path}`, "utf8").catch(() => null),
  });
  if (wasm === undefined) throw new Error(`the Extism plugin does not compile: ${error?.message} ${stderr}`);
  return new Uint8Array(wasm);
}

export function extismPlugin(wasm: Uint8Array<ArrayBuffer>, { worker }: { worker: boolean }): Promise<Plugin> {
  return createPlugin(
    { wasm: [{ data: wasm }] },
    { runInWorker: worker, useWasi: false, functions: { "extism:host/user": { config_value: () => 7n } } },
  );
}
