// `bulkhead version`: the versions that matter in a report of a problem.

import type { Command } from "commander";
import { packageVersion } from "../bounds/package-version.ts";
import { API_VERSIONS } from "../core/wit.ts";
import { writeLines } from "./terminal.ts";

export function addVersion(program: Command): void {
  program
    .command("version")
    .description("print the versions of bulkhead, its plugin API, Node and V8")
    .action(() => {
      const { node, v8 } = process.versions;
      writeLines(`bulkhead ${packageVersion()}, plugin api ${API_VERSIONS.join(" and ")}, node ${node}, v8 ${v8}`);
    });
}
