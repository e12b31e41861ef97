// `bulkhead profile`: where a plugin's CPU goes, by function.

import type { Command } from "commander";
import type { ProfiledStack } from "../core/ports/cell.ts";
import { openHost } from "./control.ts";
import { numberOf } from "./dead-letters.ts";
import { print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { writeLines } from "./terminal.ts";

interface ProfileOptions extends DataOptions {
  readonly seconds: string;
  readonly folded?: boolean;
  readonly json?: boolean;
}

/** What one function took, of all that was seen, from 0 to 1. */
interface FunctionShare {
  readonly name: string;
  /** In itself, and with what it called. */
  readonly self: number;
  readonly total: number;
}

const SHOWN = 40;

export function addProfile(program: Command): void {
  withDataOptions(program.command("profile").description("look for a while where a plugin's CPU goes, by function"))
    .argument("<plugin>", "the plugin's name")
    .option("-s, --seconds <number>", "for how long, up to 60", "10")
    .option("--folded", "print a line a stack with its fuel, as programs that draw flame graphs read it")
    .option("--json", "print JSON on standard output")
    .action(profile);
}

async function profile(plugin: string, { seconds, folded, json, ...options }: ProfileOptions): Promise<void> {
  await using host = await openHost(options);
  const stacks = await host.invoke<readonly ProfiledStack[]>("profile", { plugin, seconds: numberOf("--seconds", seconds) });
  if (folded === true) {
    writeLines(stacks.map(({ stack, fuel }) => `${stack} ${fuel}`).join("\n"));
    return;
  }
  const shares = sharesOf(stacks);
  print(json, shares, () => {
    if (shares.length === 0) return `${plugin} has run nothing meanwhile`;
    const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
    return table(
      ["self", "total", "function"],
      shares.slice(0, SHOWN).map(({ name, self, total }) => [percent(self), percent(total), name]),
    );
  });
}

/** Pure: of all fuel, those with the most in themselves first. */
export function sharesOf(stacks: readonly ProfiledStack[]): readonly FunctionShare[] {
  const all = stacks.reduce((sum, { fuel }) => sum + fuel, 0);
  const self = new Map<string, number>();
  const total = new Map<string, number>();
  const add = (to: Map<string, number>, name: string, fuel: number): void => void to.set(name, (to.get(name) ?? 0) + fuel);
  for (const { stack, fuel } of stacks) {
    const names = stack.split(";");
    add(self, names.at(-1) ?? "", fuel);
    for (const name of new Set(names)) add(total, name, fuel);
  }
  return [...total]
    .map(([name, fuel]) => ({ name, self: (self.get(name) ?? 0) / all, total: fuel / all }))
    .sort((one, other) => other.self - one.self || other.total - one.total);
}
