// `bulkhead sends`: what plugins have sent and nobody waits for, what of it waits for whom, and what became a dead letter.

import type { Command } from "commander";
import type { SendStatistics } from "../admin/send-operations.ts";
import { openHost } from "./control.ts";
import { addDeadLetters } from "./dead-letters.ts";
import { print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

export function addSends(program: Command): void {
  const sends = program.command("sends").description("show what plugins have sent to services without waiting, and hand it out again");
  withDataOptions(sends.command("stats").description("show how much waits, for which services"))
    .option("--json", "print JSON on standard output")
    .action(stats);
  addDeadLetters(sends, {
    kind: "sends",
    of: "service",
    description: "durable messages that a service could not handle, or whose sender may not send them any more",
  });
}

async function stats(options: DataOptions & { readonly json?: boolean }): Promise<void> {
  await using host = await openHost(options);
  const found = await host.invoke<SendStatistics>("sends-stats");
  print(options.json, found, () => {
    const { waiting, waitingBytes, taken, failed } = found.volatile;
    const services = found.services.map(({ service, isThere, waiting, waitingBytes, inFlight, deadLetters }) => [
      ...[service, isThere ? "yes" : "no", waiting, waitingBytes, inFlight, deadLetters],
    ]);
    return [
      `volatile: ${waiting} of ${waitingBytes} bytes wait; since the host started ${taken} were sent, ${failed} of these failed`,
      services.length === 0
        ? "nothing durable was ever sent"
        : table(["service", "there", "waiting", "bytes", "under way", "dead letters"], services),
    ].join("\n");
  });
}
