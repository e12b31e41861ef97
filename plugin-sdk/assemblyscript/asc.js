// Compiles a plugin with this SDK wherever it lies: `node asc.js <path of assemblyscript's asc.js> <entry> <output>`. An installed SDK needs it not.

import { readFile } from "node:fs/promises";
import { registerHooks } from "node:module";
import { dirname, isAbsolute, join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const SDK = dirname(fileURLToPath(import.meta.url));
const IN_NODE_MODULES = ["node_modules", "@bulkhead", "assemblyscript", ""].join(sep);
const [compiler, entry, output] = process.argv.slice(2);
// The compiler need not be among the plugin's own packages, and the transform asks for its parts by name.
const parentURL = pathToFileURL(compiler).href;
registerHooks({
  resolve: (name, context, next) => next(name, /^assemblyscript(\/|$)/.test(name) ? { ...context, parentURL } : context),
});
const asc = await import("assemblyscript/asc");
const { options } = JSON.parse(await readFile(join(SDK, "asconfig.json"), "utf8"));
const flags = Object.entries({ ...options, transform: [join(SDK, "transform.js")] }).flatMap(([name, setting]) =>
  [setting].flat().flatMap((value) => [`--${name}`, ...(value === true ? [] : [String(value)])]),
);

/** The SDK stands in for `@bulkhead/assemblyscript`. */
async function readSource(path, base) {
  const file = isAbsolute(path) ? path : join(base, path);
  const own = await readFile(file, "utf8").catch(() => null);
  const at = file.lastIndexOf(IN_NODE_MODULES);
  return own !== null || at < 0 ? own : readFile(join(SDK, file.slice(at + IN_NODE_MODULES.length)), "utf8").catch(() => null);
}

const { stdout, stderr } = process;
const args = [entry, "--outFile", output, "--baseDir", process.cwd(), ...flags];
const { error } = await asc.main(args, { readFile: readSource, stdout, stderr });
if (error) {
  console.error(error.message);
  process.exitCode = 1;
}
