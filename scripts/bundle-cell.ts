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
    // Names stay, for those who read a stack.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  },
});
