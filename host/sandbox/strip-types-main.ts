// What the process runs that takes types out: one program, once.

import { stripTypeScriptTypes } from "node:module";
import { answerOnce } from "../cell/admission/disposable-main.ts";

const MAX_MESSAGE_LENGTH = 500;
const NOTHING = new Uint8Array(0);

answerOnce(async ({ bytes }) => {
  try {
    const script = stripTypeScriptTypes(new TextDecoder().decode(bytes), { mode: "strip" });
    return { value: { ok: true }, bytes: new TextEncoder().encode(script) };
  } catch (thrown) {
    return { value: { ok: false, ...placed(thrown) }, bytes: NOTHING };
  }
});

/** Node tells the place as it prints errors: a line's number, the lines from it on, and marks below what is wrong. */
function placed(thrown: unknown): { readonly message: string; readonly line: number; readonly column: number } {
  const { message, stack } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as Record<string, unknown>;
  const [, line = "1", marks = ""] = /^[^\n]*:(\d+)\n(?:[^\n]*\n){1,3}?( *)\^+\n/.exec(String(stack)) ?? [];
  const said = String(message).split("\n", 1)[0] ?? "";
  return { message: said.slice(0, MAX_MESSAGE_LENGTH), line: Number(line), column: marks.length + 1 };
}
