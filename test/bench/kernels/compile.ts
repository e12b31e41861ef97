// Compiles the AssemblyScript kernels, and only that: tests and the bench decide what to do with them.

import { readFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const SOURCE = new URL("assembly/kernels.ts", import.meta.url);

/** Small enough for a test of all kernels to be quick. */
export const SMALL_SIZES: Readonly<Record<string, number>> = Object.freeze({
  sieve: 5_000,
  hash: 20_000,
  fib: 16,
  matmul: 24,
  sort: 2_000,
  stringMap: 120,
  scanJson: 4,
  dispatch: 10_000,
  tak: 9,
  queens: 6,
  tree: 7,
  mandelbrot: 24,
  crc: 10_000,
});

/** Around 10 to 40 ms each on the machine of the measurements. */
export const BENCH_SIZES: Readonly<Record<string, number>> = Object.freeze({
  sieve: 8_000_000,
  hash: 10_000_000,
  fib: 34,
  matmul: 256,
  sort: 300_000,
  stringMap: 60_000,
  scanJson: 2_000,
  dispatch: 6_000_000,
  tak: 24,
  queens: 12,
  tree: 17,
  mandelbrot: 600,
  crc: 10_000_000,
});

export async function compileKernels(): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array | undefined;
  const text = readFileSync(SOURCE, "utf8");
  const { error, stderr } = await asc.main(
    ["kernels.ts", "--outFile", "kernels.wasm", "-O3", "--runtime", "minimal", "--exportRuntime", "--use", "abort="],
    {
      readFile: (name) => (name === "kernels.ts" ? text : null),
      writeFile: (name, contents) => {
        if (name === "kernels.wasm" && typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) throw new Error(`the kernels do not compile: ${stderr.toString()}`);
  return new Uint8Array(binary);
}
