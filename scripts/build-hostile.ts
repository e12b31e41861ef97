// `npm run build:hostile`: compiles the modules and the component of the hostile suite, which are committed so that the package can ship them without a compiler.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostileModule } from "../test/support/components.ts";

const folder = new URL("../test/hostile/", import.meta.url);
for (const name of readdirSync(folder).filter((file) => file.endsWith(".wat"))) {
  writeFileSync(new URL(name.replace(".wat", ".wasm"), folder), await hostileModule(name, readFileSync(new URL(name, folder), "utf8")));
}
