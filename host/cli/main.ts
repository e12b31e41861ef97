// The `bulkhead` command: its subcommands and what they have in common. One file a subcommand does the work.

import { Command, CommanderError } from "commander";
import { addAudit } from "./audit.ts";
import { addBlock } from "./block.ts";
import { addBuild } from "./build.ts";
import { addCall } from "./call.ts";
import { addCompletion } from "./completion.ts";
import { addDev } from "./dev.ts";
import { EXIT, EXIT_CODES_HELP } from "./exit-codes.ts";
import { addInspect } from "./inspect.ts";
import { addInstall } from "./install.ts";
import { addLock } from "./lock.ts";
import { addNew } from "./new.ts";
import { addPack } from "./pack.ts";
import { addPermissions } from "./permissions.ts";
import { addPlugins } from "./plugins.ts";
import { addRelease } from "./release.ts";
import { reportFailure } from "./report.ts";
import { addSecret } from "./secret.ts";
import { addSelftest } from "./selftest/command.ts";
import { addServe } from "./serve.ts";
import { addTest } from "./test.ts";
import { addTypes } from "./types/command.ts";
import { addUpdate } from "./update.ts";
import { addVersion, packageVersion } from "./version.ts";

async function main(): Promise<void> {
  const program = new Command("bulkhead")
    .description("A host for untrusted WebAssembly plugins.")
    .version(packageVersion(), "-V, --version", "print the version")
    .showHelpAfterError("(bulkhead help lists commands and options)")
    .addHelpText("after", EXIT_CODES_HELP)
    .exitOverride();
  addServe(program);
  addCall(program);
  addInspect(program);
  addInstall(program);
  addUpdate(program);
  addLock(program);
  addPlugins(program);
  addBlock(program);
  addNew(program);
  addBuild(program);
  addTest(program);
  addDev(program);
  addPack(program);
  addTypes(program);
  addPermissions(program);
  addSecret(program);
  addRelease(program);
  addAudit(program);
  addSelftest(program);
  addCompletion(program);
  addVersion(program);
  try {
    await program.parseAsync();
  } catch (thrown) {
    // Commander has printed its own message; help and version come here too, with exit code 0.
    process.exitCode = thrown instanceof CommanderError ? (thrown.exitCode === 0 ? EXIT.ok : EXIT.usage) : reportFailure(thrown);
  }
}

// Whoever reads our output may have seen enough of it (`| head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
});
await main();
