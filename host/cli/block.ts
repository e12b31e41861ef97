// `bulkhead block | unblock`: versions that are known to be bad are stopped and refused.

import type { Command } from "commander";
import type { Block } from "../admin/installations.ts";
import { HostError } from "../core/errors.ts";
import { openHost } from "./control.ts";
import { print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

interface BlockOptions extends DataOptions {
  readonly reason: string;
  readonly json?: boolean;
}

export function addBlock(program: Command): void {
  withDataOptions(
    program
      .command("block")
      .description("stop and refuse versions of a plugin that are known to be bad; without one, show what is blocked"),
  )
    .argument("[name@range]", "such as thermostat@<1.2.3 or thermostat@*")
    .option("--reason <text>", "why", "blocked by an operator")
    .option("--json", "print JSON on standard output")
    .action((spec: string | undefined, options: BlockOptions) => change(spec === undefined ? "blocks" : "block", spec, options));
  withDataOptions(program.command("unblock").description("allow versions again that were blocked"))
    .argument("<name@range>", "as it was blocked")
    .option("--json", "print JSON on standard output")
    .action((spec: string, options: BlockOptions) => change("unblock", spec, options));
}

async function change(operation: string, spec: string | undefined, options: BlockOptions): Promise<void> {
  await using host = await openHost(options);
  const input = spec === undefined ? {} : { ...split(spec), ...(operation === "block" ? { reason: options.reason } : {}) };
  const blocks = await host.invoke<Block[]>(operation, input);
  const rows = blocks.map(({ plugin, range, reason }) => [plugin, range, reason]);
  print(options.json, blocks, () => (rows.length === 0 ? "nothing is blocked" : table(["plugin", "versions", "because"], rows)));
}

function split(spec: string): { readonly plugin: string; readonly range: string } {
  const at = spec.indexOf("@");
  if (at > 0) return { plugin: spec.slice(0, at), range: spec.slice(at + 1) };
  throw new HostError("invalid-message", `"${spec}" names no versions; write name@range, such as thermostat@<1.2.3`);
}
