// `npm run build:hostile`: compiles the modules of the hostile suite, which are committed so that the package can ship them without a compiler.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { wat } from "../test/support/wat.ts";

const folder = new URL("../test/hostile/", import.meta.url);
for (const name of readdirSync(folder).filter((file) => file.endsWith(".wat"))) {
  writeFileSync(new URL(name.replace(".wat", ".wasm"), folder), await wat(readFileSync(new URL(name, folder), "utf8")));
}
