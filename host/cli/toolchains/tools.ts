// Finds and runs the programs of a toolchain.

import { spawn } from "node:child_process";
import { HostError } from "../../core/errors.ts";

/** A program with the arguments and the environment that come before all others. */
export interface Program {
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ran {
  readonly ok: boolean;
  /** What it wrote to both of its outputs, in order. */
  readonly output: string;
}

/** Runs a program to its end. Never rejects: one that cannot be started is not ok. */
export function run({ command, args: first = [], env = {} }: Program, args: readonly string[], folder: string): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, [...first, ...args], { cwd: folder, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
      });
    }
    child.once("error", (error) => resolve({ ok: false, output: error.message }));
    child.once("close", (code) => resolve({ ok: code === 0, output }));
  });
}

/** The first of the programs that answers these arguments, with what it says. */
export async function firstThat(
  programs: readonly Program[],
  args: readonly string[],
  accepts: (output: string) => boolean = () => true,
): Promise<Program | undefined> {
  for (const program of programs) {
    const { ok, output } = await run(program, args, process.cwd());
    if (ok && accepts(output)) return program;
  }
  return undefined;
}

/** Throws HostError `plugin-failed` with what is missing and how to get it: the machine lacks it, the words were right. */
export function missing(what: string, remedies: readonly string[]): never {
  throw new HostError("plugin-failed", `${what} is missing; install it with one of these`, { detail: remedies.join("\n") });
}
