// Where every abort of AssemblyScript ends (`--use abort=…` in asconfig.json): the host's error says what happened in which line.

import * as abi from "./imports";
import { keep, textBlock } from "./memory";

export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? "abort" : message;
  const where = file === null ? "unknown file" : file;
  abi.error_set(keep(textBlock(`${what} (${where}:${line}:${column})`)));
  unreachable();
}
