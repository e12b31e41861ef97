import { describe, expect, it } from "vitest";
import { createJsonLog } from "../../host/drivers/log-json/log-json.ts";

function lines(
  level: "debug" | "info" | "warning" | "error",
  format?: "ecs",
): {
  log: ReturnType<typeof createJsonLog>;
  written: () => Record<string, unknown>[];
} {
  const chunks: string[] = [];
  const log = createJsonLog({ level, ...(format !== undefined && { format }) }, { write: (chunk: string) => void chunks.push(chunk) });
  return {
    log,
    written: () =>
      chunks
        .join("")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe("JSON log", () => {
  it("stamps plugin, level and trace id, and keeps one line a line", () => {
    const { log, written } = lines("info");
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    log.write({ level: "warning", plugin: "devices", message: 'two\nlines\u001b[31m","plugin":"forged"', traceparent });
    expect(written()).toEqual([
      {
        level: "warning",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        plugin: "devices",
        traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
        msg: 'two\\u{a}lines\\u{1b}[31m","plugin":"forged"',
      },
    ]);
  });

  it("drops what is below its level and tells the cause of errors", () => {
    const { log, written } = lines("error");
    for (const level of ["debug", "info", "warning"] as const) log.write({ level, plugin: "host", message: "quiet" });
    log.write({ level: "error", plugin: "host", message: "loud", cause: new Error("outer", { cause: new Error("inner") }) });
    expect(written()).toHaveLength(1);
    expect(written()[0]?.cause).toContain("Error: inner");
  });

  it("has the names of the Elastic Common Schema where they are asked for, and tells a plugin's words from the host's about it", () => {
    const { log, written } = lines("debug", "ecs");
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    log.write({ level: "warning", plugin: "devices", by: "guest", message: "hot\u001b[2J", traceparent });
    log.write({
      level: "error",
      plugin: "host",
      about: "devices",
      message: "died",
      cause: new Error("outer", { cause: new Error("inner") }),
    });
    log.write({ level: "debug", plugin: "host", message: "quiet" });
    const always = {
      "@timestamp": expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      "ecs.version": "8.11.0",
      "service.name": "bulkhead",
      "event.dataset": "bulkhead.log",
    };
    expect(written()).toEqual([
      {
        ...always,
        "log.level": "warning",
        "log.logger": "devices",
        labels: { plugin: "devices" },
        "trace.id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span.id": "00f067aa0ba902b7",
        message: "hot\\u{1b}[2J",
      },
      {
        ...always,
        "log.level": "error",
        "log.logger": "host",
        labels: { plugin: "devices" },
        "error.stack_trace": expect.stringContaining("Error: inner"),
        message: "died",
      },
      { ...always, "log.level": "debug", "log.logger": "host", message: "quiet" },
    ]);
  });
});
