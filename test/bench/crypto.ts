// SHA-256 that a guest asks for, beside Node's own hash of the same bytes.

import { hash } from "node:crypto";
import { loaded, perRepetition, type Wasm } from "./cells.ts";
import { measureBoth, type Row, slower } from "./measure.ts";

const KIB = 1_024;
const MIB = 1_048_576;

export async function benchCrypto(wasm: Wasm): Promise<Row[]> {
  const cell = await loaded("thread", wasm);
  const bare = (bytes: number, times: number) => async (): Promise<number> => {
    const message = Buffer.alloc(bytes);
    const start = performance.now();
    for (let i = 0; i < times; i += 1) {
      message[0] = i;
      hash("sha256", message, "buffer");
    }
    return ((performance.now() - start) * 1_000) / times;
  };
  const small = await measureBoth({ runOurs: () => perRepetition(cell, "digest_kib", 20_000), runTheirs: bare(KIB, 20_000) });
  const large = await measureBoth({ runOurs: () => perRepetition(cell, "digest_mib", 200), runTheirs: bare(MIB, 200) });
  await cell[Symbol.asyncDispose]();
  return [
    slower("SHA-256 of 1 KiB; a guest in a thread cell vs the hash of Node", small, 5),
    slower("SHA-256 of 1 MiB; a guest in a thread cell vs the hash of Node", large, 1.5),
  ];
}
