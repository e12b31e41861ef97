#!/usr/bin/env node
// The command's first lines, in JavaScript that any Node understands: finds a Node that is new enough before anything
// else loads. Guests are paused by JavaScript Promise Integration, which came with Node 24.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const NEEDED = 24;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

function restartOnOwnNode() {
  const own = here("../node_modules/node/bin/node");
  if (!existsSync(own)) {
    process.stderr.write(
      `bulkhead needs Node ${NEEDED} or newer, this is ${process.version}; install it, or run "npm ci" in the checkout, which brings one\n`,
    );
    process.exit(1);
  }
  const child = spawn(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  // The terminal sends Ctrl-C to both; the child decides when to end.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => signal === "SIGINT" || child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 1));
}

if (Number.parseInt(process.versions.node, 10) < NEEDED) restartOnOwnNode();
else await import(existsSync(here("../host/cli/main.ts")) ? "../host/cli/main.ts" : "../dist/cli/main.js");
