// What a process cell runs, in a few files instead of a hundred: Node keeps something of each module that it loads, and there is a process for each plugin.
// Decision 48.

import { build } from "rolldown";

await build({
  input: { "process-main": "dist/cell/inside/process-main.js" },
  platform: "node",
  // Packages stay where they are installed; some are optional.
  external: /^[^./]/,
  output: {
    dir: "dist/cell/process",
    cleanDir: true,
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    // One character beyond Latin-1, and V8 keeps two bytes for each of the file.
    charset: "ascii",
    // Names of functions, classes and members stay, for those who read a stack.
    minify: { compress: false, mangle: { keepNames: { function: true, class: true } }, codegen: { removeWhitespace: true } },
  },
});
