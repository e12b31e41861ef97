// `… dead list|show|redeliver|drop`, of events and of sent messages: what was kept and could not be handled.

import type { Command } from "commander";
import type { HandedOut, ShownLetter } from "../admin/dead-letters.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { type Control, openHost } from "./control.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say } from "./terminal.ts";

type Options = DataOptions & { readonly json?: boolean };
type Kind = "events" | "sends";

interface DeadLetterWords {
  readonly kind: Kind;
  /** What they were for. */
  readonly of: string;
  readonly description: string;
}

/** Adds `dead list|show|redeliver|drop` to a command. */
export function addDeadLetters(parent: Command, { kind, of: consumer, description }: DeadLetterWords): void {
  const dead = parent.command("dead").description(description);
  const of = (name: string, description: string, argument: string, meaning: string): Command =>
    withDataOptions(dead.command(name).description(description))
      .argument(argument, meaning)
      .option("--json", "print JSON on standard output");
  const which = "their numbers, or a plugin for the first hundred of it";
  of("list", "show them", "[plugin]", `a plugin, or plugin/${consumer}; all if absent`).action(
    (one: string | undefined, options: Options) => list(kind, consumer, one, options),
  );
  of("show", "show one with its data", "<number>", "its number").action((number: string, options: Options) => show(kind, number, options));
  of("redeliver", `hand them to their ${consumer} again; what is handled is gone`, "<which...>", which).action(
    (these: string[], options: Options) => redeliver(kind, these, options),
  );
  of("drop", "take them away for good", "<which...>", which).action((these: string[], options: Options) => drop(kind, these, options));
}

async function list(kind: Kind, consumer: string, of: string | undefined, options: Options): Promise<void> {
  await using host = await openHost(options);
  const letters: ShownLetter[] = [];
  for (let after = 0; ; ) {
    const page: readonly ShownLetter[] = await host.invoke<ShownLetter[]>(`${kind}-dead`, { ...(of === undefined ? {} : { of }), after });
    letters.push(...page);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.id;
  }
  const rows = letters.map(({ id, consumer, type, source, at, attempts, reason }) => [
    ...[id, consumer, type, source, at, attempts, reason],
  ]);
  print(options.json, letters, () =>
    rows.length === 0 ? "there are no dead letters" : table(["number", consumer, "type", "from", "since", "attempts", "reason"], rows),
  );
}

async function show(kind: Kind, number: string, options: Options): Promise<void> {
  await using host = await openHost(options);
  const letter = await host.invoke<ShownLetter>(`${kind}-dead-letter`, { id: numberOf("the dead letter", number) });
  print(options.json, letter, () => {
    const { consumer, attempts, reason, at, event = "" } = letter;
    return [`${consumer}, ${attempts} attempts, since ${at}: ${escapeControls(reason)}`, escapeControls(event)].join("\n");
  });
}

async function redeliver(kind: Kind, which: readonly string[], options: Options): Promise<void> {
  await using host = await openHost(options);
  const total = await eachOf(which, (input) => host.invoke<Omit<HandedOut, "next">>(`${kind}-redeliver`, input));
  concludeHandedOut(options.json, {
    handled: total.reduce((sum, { handled }) => sum + handled, 0),
    failed: total.reduce((sum, { failed }) => sum + failed, 0),
    failures: total.flatMap(({ failures }) => failures),
  });
}

async function drop(kind: Kind, which: readonly string[], options: Options): Promise<void> {
  await using host = await openHost(options);
  const dropped = (await eachOf(which, (input) => host.invoke<{ dropped: number }>(`${kind}-drop`, input))).reduce(
    (sum, one) => sum + one.dropped,
    0,
  );
  conclude(options.json, { dropped }, `${dropped} dead letters are gone for good`);
}

/** Numbers together, plugins one by one. */
function eachOf<T>(which: readonly string[], invoke: (input: Parameters<Control["invoke"]>[1]) => Promise<T>): Promise<T[]> {
  const ids = which.filter((one) => /^\d+$/.test(one)).map(Number);
  const others = which.filter((one) => !/^\d+$/.test(one)).map((of) => ({ of }));
  return Promise.all([...(ids.length === 0 ? [] : [{ ids }]), ...others].map(invoke));
}

export function concludeHandedOut(json: boolean | undefined, total: Omit<HandedOut, "next">): void {
  for (const failure of total.failures) say(`  ${escapeControls(failure)}`);
  conclude(json, total, `${total.handled} handled, ${total.failed} not`);
  if (total.failed > 0) process.exitCode = 1;
}

export function numberOf(what: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new HostError("invalid-message", `${what} is "${text}"; write a number`);
}
