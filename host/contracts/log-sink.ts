// What every place where log lines go must do. `written` tells what has come out, as text, one string a line.

import assert from "node:assert/strict";
import type { LogSink } from "../core/ports/log.ts";
import type { ContractTest } from "./contract.ts";

export function logSinkContract(
  open: () => { readonly log: LogSink; written(): readonly string[] | Promise<readonly string[]> },
): readonly ContractTest[] {
  return [
    {
      name: "writes a line for each line, with the plugin and the message",
      async run() {
        const { log, written } = open();
        log.write({ level: "warning", plugin: "devices", message: "lamp 1 does not answer" });
        log.write({ level: "error", plugin: "host", message: "second" });
        const lines = await written();
        assert.strictEqual(lines.length, 2);
        assert.match(lines[0] ?? "", /devices/);
        assert.match(lines[0] ?? "", /lamp 1 does not answer/);
        assert.match(lines[1] ?? "", /second/);
      },
    },
    {
      name: "keeps a stranger's text from making lines, or moving a terminal's cursor",
      async run() {
        const { log, written } = open();
        log.write({ level: "error", plugin: "p", message: "one\ntwo\r\u001b[2Jthree\u2028four\u202efive" });
        const lines = await written();
        assert.strictEqual(lines.length, 1);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
        assert.doesNotMatch(lines[0] ?? "", /[\u0000-\u001f\u2028\u202e]/);
      },
    },
    {
      name: "tells what led to a line, and throws for nothing",
      async run() {
        const { log, written } = open();
        log.write({ level: "error", plugin: "host", message: "loud", cause: new Error("outer", { cause: new Error("inner") }) });
        log.write({ level: "error", plugin: "host", message: "odd", cause: Object.create(null) });
        log.write({ level: "error", plugin: "host", message: "hidden", cause: "why \u202e\u200b\u001b[2J" });
        log.write({ level: "info", plugin: "host", message: "traced", traceparent: "no traceparent" });
        const all = (await written()).join("\n");
        assert.match(all, /inner/);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
        assert.doesNotMatch(all, /[\u001b\u200b\u202e]/);
      },
    },
  ];
}
