// Chromium for tests of pages, as the distribution has it; without it such tests are skipped with its name.

import { type Browser, chromium } from "playwright-core";
import { describe } from "vitest";
import { programOf } from "./servers.ts";

const CHROMIUM = programOf("chromium");

export function describeWithBrowser(title: string, tests: () => void): void {
  if (CHROMIUM !== undefined) describe(title, tests);
  else describe.skip(`${title} (skipped: chromium is not installed)`, tests);
}

/** Without its own sandbox, which is not to be had as root: the pages are ours. */
export const startBrowser = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM ?? "", args: ["--no-sandbox"] });
