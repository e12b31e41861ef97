// Loaded before a plugin's tests: `bulkhead/testing` is the host that runs them, so a plugin's folder needs no copy of it.

import { registerHooks } from "node:module";

const TESTING = new URL(import.meta.url.endsWith(".ts") ? "../testing/index.ts" : "../testing/index.js", import.meta.url).href;

registerHooks({
  resolve: (name, context, next) => (name === "bulkhead/testing" ? { url: TESTING, shortCircuit: true } : next(name, context)),
});
