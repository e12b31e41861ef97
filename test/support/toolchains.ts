// Which languages of plugins can be built on this machine. Tests that need another language's compiler are skipped where it is absent, and their title says
// what is missing; `npm test` alone needs npm only. It asks `bulkhead build`'s own table, so both agree on what is there.

import { fileURLToPath } from "node:url";
import { describe, it, type TestFunction } from "vitest";
import { findToolchain, type Language } from "../../host/cli/toolchains/languages.ts";
import { HostError } from "../../host/core/errors.ts";

/** A plugin's folder in each language, for what looks into the folder too. */
const exampleOf = (language: Language): string => fileURLToPath(new URL(`../../plugins/counter/${language}`, import.meta.url));

const asked = new Map<Language, Promise<{ readonly missing: string | undefined }>>();

/** Says what is missing for a language, in one line; undefined when its plugins can be built. Looks once a file of tests. */
function toolchain(language: Language): Promise<{ readonly missing: string | undefined }> {
  const known = asked.get(language) ?? look(language);
  asked.set(language, known);
  return known;
}

async function look(language: Language): Promise<{ readonly missing: string | undefined }> {
  try {
    await findToolchain(language, exampleOf(language));
    return { missing: undefined };
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code !== "plugin-failed") throw thrown;
    return { missing: thrown.message.split(";", 1)[0] };
  }
}

/** `describe` where the language's toolchain is there, else a skipped one whose title says why. To be awaited, at a file's top or in an async `describe`. */
export async function describeWith(language: Language, title: string, tests: () => void | Promise<void>): Promise<void> {
  const { missing } = await toolchain(language);
  if (missing === undefined) describe(title, tests);
  else describe.skip(`${title} (skipped: ${missing})`, tests);
}

/** As `describeWith`, for one test. */
export async function itWith(language: Language, title: string, test: TestFunction, timeoutMs?: number): Promise<void> {
  const { missing } = await toolchain(language);
  if (missing === undefined) it(title, test, timeoutMs);
  else it.skip(`${title} (skipped: ${missing})`, test, timeoutMs);
}
