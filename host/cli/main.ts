// The `bulkhead` command: its subcommands and what they have in common. One file a subcommand does the work.

import { Command, CommanderError } from "commander";
import { packageVersion } from "../bounds/package-version.ts";
import { HostError } from "../core/errors.ts";
import { addAudit } from "./audit.ts";
import { addBackup } from "./backup.ts";
import { addBlobs } from "./blobs.ts";
import { addBlock } from "./block.ts";
import { addBuild } from "./build.ts";
import { addCall } from "./call.ts";
import { addCheck } from "./check.ts";
import { addCluster } from "./cluster.ts";
import { addCompletion } from "./completion.ts";
import { addConfig } from "./config.ts";
import { addDev } from "./dev.ts";
import { addDoctor } from "./doctor.ts";
import { addEvents } from "./events.ts";
import { EXIT, EXIT_CODES_HELP } from "./exit-codes.ts";
import { addFigures } from "./figures.ts";
import { addIndex } from "./index-build.ts";
import { addInit } from "./init.ts";
import { addInspect } from "./inspect.ts";
import { addInstall } from "./install.ts";
import { addKey } from "./key.ts";
import { addKeys } from "./keys.ts";
import { addLock } from "./lock.ts";
import { addLogs } from "./logs.ts";
import { addMcp } from "./mcp.ts";
import { addNew } from "./new.ts";
import { addPack } from "./pack.ts";
import { addPermissions } from "./permissions.ts";
import { addPlugins } from "./plugins.ts";
import { addProfile } from "./profile.ts";
import { addRecords } from "./records.ts";
import { addRelease } from "./release.ts";
import { addReload } from "./reload.ts";
import { addRemote } from "./remote.ts";
import { addReplay } from "./replay.ts";
import { reportFailure } from "./report.ts";
import { addSbom } from "./sbom.ts";
import { addSchedules } from "./schedules.ts";
import { addSearch } from "./search.ts";
import { addSecret } from "./secret.ts";
import { addSelftest } from "./selftest/command.ts";
import { addSends } from "./sends.ts";
import { addServe } from "./serve.ts";
import { addSign } from "./sign.ts";
import { addStorage } from "./storage.ts";
import { addTest } from "./test.ts";
import { addToken } from "./token.ts";
import { addTop } from "./top.ts";
import { addTrace } from "./trace.ts";
import { addTrust } from "./trust.ts";
import { addTypes } from "./types/command.ts";
import { addUpdate } from "./update.ts";
import { addUser } from "./user.ts";
import { addVersion } from "./version.ts";

async function main(): Promise<void> {
  const program = new Command("bulkhead")
    .description("A host for untrusted WebAssembly plugins.")
    .version(packageVersion(), "-V, --version", "print the version")
    .addHelpText("after", EXIT_CODES_HELP)
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  addServe(program);
  addInit(program);
  addConfig(program);
  addReload(program);
  addCall(program);
  addInspect(program);
  addInstall(program);
  addUpdate(program);
  addLock(program);
  addPlugins(program);
  addBlock(program);
  addNew(program);
  addBuild(program);
  addCheck(program);
  addTest(program);
  addDev(program);
  addPack(program);
  addSbom(program);
  addSign(program);
  addKey(program);
  addTrust(program);
  addIndex(program);
  addSearch(program);
  addTypes(program);
  addDoctor(program);
  addTop(program);
  addTrace(program);
  addProfile(program);
  addRecords(program);
  addRemote(program);
  addCluster(program);
  addReplay(program);
  addFigures(program);
  addSchedules(program);
  addEvents(program);
  addSends(program);
  addLogs(program);
  addPermissions(program);
  addSecret(program);
  addToken(program);
  addUser(program);
  addMcp(program);
  addKeys(program);
  addStorage(program);
  addBlobs(program);
  addBackup(program);
  addRelease(program);
  addAudit(program);
  addSelftest(program);
  addCompletion(program);
  addVersion(program);
  try {
    await program.parseAsync();
  } catch (thrown) {
    process.exitCode = thrown instanceof CommanderError ? reportUsage(thrown) : reportFailure(thrown);
  }
}

// Help and version come here too, printed already.
function reportUsage({ code, exitCode, message }: CommanderError): number {
  if (exitCode === 0) return EXIT.ok;
  if (code === "commander.help") return EXIT.usage;
  const [what = "", ...hints] = message.replace(/^error: /, "").split("\n");
  const detail = [...hints, '"bulkhead help" lists the commands, "bulkhead help <command>" its options'].join("\n");
  return reportFailure(new HostError("invalid-message", what, { detail }));
}

// Whoever reads our output may have seen enough of it (`| head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
});
await main();
