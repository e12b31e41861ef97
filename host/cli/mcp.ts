// `bulkhead mcp`: speaks the Model Context Protocol on standard input and output for the running host; and says whose services are tools at all.

import * as prompts from "@clack/prompts";
import type { Command } from "commander";
import type { ToolOverview, ToolReading, ToolState } from "../admin/tool-operations.ts";
import { HostError } from "../core/errors.ts";
import { openHost, openLiveHost } from "./control.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { describeWords } from "./tool-words.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

interface AllowOptions extends JsonOptions {
  readonly yes?: boolean;
}

const STATES: Readonly<Record<ToolState, string>> = {
  allowed: "allowed",
  changed: "withdrawn: it says something else now",
  "not-allowed": "not allowed",
};

export function addMcp(program: Command): void {
  const mcp = withDataOptions(
    program
      .command("mcp")
      .description("speak the Model Context Protocol on standard input and output: services of plugins are tools; or say whose are")
      .addHelpText("after", "\nIt has the rights of the token in BULKHEAD_TOKEN, or without one those of the role viewer."),
  ).action(speak);
  withDataOptions(mcp.command("list").description("show whose services are tools, and what was withdrawn"))
    .option("--json", "print JSON on standard output")
    .action(list);
  withDataOptions(
    mcp
      .command("allow")
      .description("show what a plugin says of its services, or what it says otherwise than before, and let it be told to models"),
  )
    .argument("<plugin>", "the plugin's name")
    .option("-y, --yes", "without asking: you have read it")
    .option("--json", "print JSON on standard output")
    .action(allow);
  withDataOptions(mcp.command("deny").description("let no service of a plugin be a tool any more"))
    .argument("<plugin>", "the plugin's name")
    .option("--json", "print JSON on standard output")
    .action(deny);
}

async function speak(options: DataOptions): Promise<void> {
  const host = await openLiveHost(options);
  const { BULKHEAD_TOKEN: token } = process.env;
  const stream = await host.speakMcp(token === "" ? undefined : token);
  stream.on("error", () => {});
  stream.pipe(process.stdout);
  process.stdin.pipe(stream);
  await new Promise((closed) => stream.once("close", closed));
  const { readableEnded: hasLeft } = process.stdin;
  // A client that goes on sending would keep the process.
  process.stdin.destroy();
  if (!hasLeft)
    throw new HostError("plugin-not-running", "the host has ended the connection: it stopped, or the token was revoked or has expired");
}

async function list(options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const found = await host.invoke<ToolOverview[]>("tools");
  const rows = found.map(({ plugin, state, services, by = "", at = "" }) => [plugin, STATES[state], services, by, at]);
  print(options.json, found, () => table(["plugin", "its tools", "services", "read by", "at"], rows));
}

async function allow(plugin: string, options: AllowOptions): Promise<void> {
  await using host = await openHost(options);
  const reading = await host.invoke<ToolReading>("read-tools", { plugin });
  if (options.json !== true) print(false, undefined, () => describeWords(reading.now, reading.before));
  if (reading.state === "allowed") return conclude(options.json, reading, `${plugin} says what was read before; its services are tools`);
  if (options.yes !== true) await consent(plugin);
  const allowed = await host.invoke<ToolReading>("allow-tools", { plugin, digest: reading.digest });
  conclude(options.json, allowed, `the services of ${plugin} are tools, as long as it says just this of them`);
}

/** Rejects with HostError `invalid-message` when there is nobody to ask, and when he says no. */
async function consent(plugin: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new HostError("invalid-message", "there is no terminal to ask on; read it, and say --yes");
  const answer = await prompts.confirm({ message: `May models be told this by ${plugin}?`, initialValue: false });
  if (answer !== true) throw new HostError("invalid-message", "nothing was changed");
}

async function deny(plugin: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const denied = await host.invoke("deny-tools", { plugin });
  conclude(options.json, denied, `no service of ${plugin} is a tool`);
}
