// Every implementation of a port against the suite of the port.

import { describe, expect, it } from "vitest";
import { stderrLog } from "../../host/cli/report.ts";
import { clockContract } from "../../host/contracts/clock.ts";
import { logSinkContract } from "../../host/contracts/log-sink.ts";
import { createJsonLog } from "../../host/drivers/log-json/log-json.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { TestClock } from "../../host/testing/test-clock.ts";
import { fakeClock } from "../support/fake-clock.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const CLOCKS = {
  "the real clock": () => ({ clock: systemClock, pass: sleep }),
  "the clock of plugin tests": () => {
    const clock = new TestClock(Date.UTC(2026, 0, 1));
    return { clock, pass: (ms: number) => clock.advance(ms) };
  },
  "the clock of our tests": () => {
    const clock = fakeClock();
    return { clock, pass: (ms: number) => clock.advance(ms) };
  },
};

describe.each(Object.entries(CLOCKS))("the contract of clocks, by %s", (_name, open) => {
  for (const { name, run } of clockContract(open)) it(name, run);
});

const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const LOGS = {
  "JSON lines": () => {
    const chunks: string[] = [];
    const log = createJsonLog({ level: "debug" }, { write: (chunk: string) => void chunks.push(chunk) });
    return { log, written: () => linesOf(chunks.join("")) };
  },
  "JSON lines by the names of Elastic": () => {
    const chunks: string[] = [];
    const log = createJsonLog({ level: "debug", format: "ecs" }, { write: (chunk: string) => void chunks.push(chunk) });
    return { log, written: () => linesOf(chunks.join("")) };
  },
  "lines for people": () => {
    const chunks: string[] = [];
    return {
      log: {
        write(line: Parameters<typeof stderrLog.write>[0]) {
          const { write } = process.stderr;
          process.stderr.write = (chunk) => chunks.push(String(chunk)) > 0;
          try {
            stderrLog.write(line);
          } finally {
            process.stderr.write = write;
          }
        },
      },
      // A stack takes lines of its own.
      written: () => {
        const lines = linesOf(chunks.join(""));
        expect(lines.every((line) => /^(ERROR|WARNING|INFO|DEBUG) |^ {4}at |^Error/.test(line))).toBe(true);
        return lines.filter((line) => /^(ERROR|WARNING|INFO|DEBUG) /.test(line));
      },
    };
  },
};

describe.each(Object.entries(LOGS))("the contract of logs, by %s", (_name, open) => {
  for (const { name, run } of logSinkContract(open)) it(name, run);
});
