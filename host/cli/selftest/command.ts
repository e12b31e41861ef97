// `bulkhead selftest`: proves on this machine that the limits hold, by trying to pass them.

import { type Command, Option } from "commander";
import { resolveHardening } from "../../cell/outside/hardening.ts";
import { escapeControls } from "../../core/names.ts";
import { EXIT } from "../exit-codes.ts";
import { print, table } from "../report.ts";
import { say } from "../terminal.ts";
import { runAdmissionSuite, runIsolation } from "./run.ts";
import type { AttackResult, Isolation } from "./world.ts";

const ISOLATIONS: readonly Isolation[] = ["inline", "thread", "process"];

export function addSelftest(program: Command): void {
  program
    .command("selftest")
    .description("attack a host made for it, here and now, and show what stopped each attack; exit code 0 only if all were stopped")
    .addOption(new Option("--isolation <level>", "only this level of isolation; all by default").choices(ISOLATIONS))
    .option("--json", "print the results as JSON on standard output")
    .action(selftest);
}

async function selftest({ isolation, json }: { readonly isolation?: Isolation; readonly json?: boolean }): Promise<void> {
  const { gaps } = await resolveHardening();
  for (const gap of gaps) say(`not held here: ${gap}`);
  const results: AttackResult[] = [];
  const tell = (result: AttackResult): void => {
    results.push(result);
    say(`${verdictOf(result)} ${result.isolation}: ${result.attack} (${Math.round(result.ms)} ms)`);
  };
  await runAdmissionSuite(tell);
  for (const level of isolation === undefined ? ISOLATIONS : [isolation]) await runIsolation(level, tell);
  const tried = results.filter((result) => result.tried);
  const failed = tried.filter(({ held }) => !held);
  print(json, { held: failed.length === 0, results }, () => tableOf(results));
  say(
    failed.length === 0
      ? `all ${tried.length} attacks were stopped`
      : `${failed.length} of ${tried.length} attacks were NOT stopped as they must be`,
  );
  const untried = Map.groupBy(
    results.filter((result) => !result.tried),
    ({ attack, outcome }) => `${attack}: ${outcome}`,
  );
  for (const [what, where] of untried) say(`not tried (${where.map((result) => result.isolation).join(", ")}): ${escapeControls(what)}`);
  process.exitCode = exitCodeOf(results);
}

/** Success only if something was tried and all of it was held. */
export function exitCodeOf(results: readonly AttackResult[]): number {
  const tried = results.filter((result) => result.tried);
  return tried.length > 0 && tried.every(({ held }) => held) ? EXIT.ok : EXIT.failed;
}

const verdictOf = ({ tried, held }: AttackResult): string => (tried ? (held ? "held  " : "FAILED") : "      ");
const heldOf = ({ tried, held }: AttackResult): string => (tried ? (held ? "yes" : "NO") : "-");

function tableOf(results: readonly AttackResult[]): string {
  const rows = results.map((result) => {
    const { attack, isolation, limit, outcome, ms, neighbourMs, hostMs } = result;
    const measured = [outcome, ...[ms, neighbourMs, hostMs].map(Math.round)];
    return [attack, isolation, limit, ...(result.tried ? measured : ["not tried", "", "", ""]), heldOf(result)];
  });
  return table(["attack", "isolation", "stopped by", "what happened", "ms", "neighbour ms", "host ms", "held"], rows);
}
