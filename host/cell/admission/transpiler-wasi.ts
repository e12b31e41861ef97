// The WASI that jco's transpiler imports, which is a component too: nothing but a way to fail loudly. See transpiler.ts.

import { escapeControls } from "../../core/names.ts";

const refuse = (): never => {
  throw new Error("the transpiler asked for something of the system");
};

class Nothing {
  constructor() {
    refuse();
  }
}

class Stream {
  checkWrite(): bigint {
    return 65_536n;
  }
  // What it says it says as errors; this is for what it says when it panics.
  write(bytes: Uint8Array): void {
    process.stderr.write(new TextDecoder().decode(bytes).split("\n").map(escapeControls).join("\n"));
  }
  blockingWriteAndFlush(bytes: Uint8Array): void {
    this.write(bytes);
  }
  blockingFlush(): void {}
  flush(): void {}
}

type Functions = Readonly<Record<string, unknown>>;
const output = new Stream();
const none = (): undefined => undefined;

export const environment: Functions = { getEnvironment: () => [], getArguments: () => [] };
export const exit: Functions = { exit: refuse };
export const stdin: Functions = { getStdin: refuse };
export const stdout: Functions = { getStdout: () => output };
export const stderr: Functions = { getStderr: () => output };
export const terminalInput: Functions = { TerminalInput: Nothing };
export const terminalOutput: Functions = { TerminalOutput: Nothing };
export const terminalStdin: Functions = { getTerminalStdin: none };
export const terminalStdout: Functions = { getTerminalStdout: none };
export const terminalStderr: Functions = { getTerminalStderr: none };
export const preopens: Functions = { getDirectories: () => [] };
export const types: Functions = { Descriptor: Nothing, DirectoryEntryStream: Nothing, filesystemErrorCode: none };
export const error: Functions = { Error: Nothing };
export const streams: Functions = { InputStream: Nothing, OutputStream: Stream };
export const random: Functions = { getRandomBytes: (length: bigint) => crypto.getRandomValues(new Uint8Array(Number(length))) };
