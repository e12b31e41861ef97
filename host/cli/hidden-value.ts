// A value that nobody is to see: asked for at the terminal without showing it, or read from standard input; never from the command line, which other users of the
// machine can see.

import { text } from "node:stream/consumers";
import * as prompts from "@clack/prompts";
import { HostError } from "../core/errors.ts";

/** Throws HostError `invalid-message` when it is cancelled. */
export async function readHidden(message: string): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).replace(/\r?\n$/, "");
  const value = await prompts.password({ message });
  if (typeof value === "symbol") throw new HostError("invalid-message", "cancelled; nothing was changed");
  return value ?? "";
}

/** The same, and at a terminal a second time, since nobody sees what he types. */
export async function readNewPassword(name: string): Promise<string> {
  const password = await readHidden(`A password for ${name}:`);
  if (process.stdin.isTTY && (await readHidden("The same again:")) !== password)
    throw new HostError("invalid-message", "these are two passwords; nothing was changed");
  return password;
}
