// wasi:cli: no arguments, no environment, no terminals; output to the log; exit ends the turn.

import { HostError } from "../../core/errors.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
import { Resource } from "./resources.ts";
import { InputStream, type LogStreams } from "./wasi-io.ts";

class TerminalInput extends Resource {}
class TerminalOutput extends Resource {}

export function wasiCli(host: ComponentHost, streams: LogStreams): Interfaces {
  const counted =
    <T>(answer: () => T) =>
    (): T => {
      host.count();
      return answer();
    };
  const exit = (code: number): never => {
    host.control.doom(new HostError("plugin-failed", `${host.environment.plugin} ended itself with exit code ${code}`));
    throw new WebAssembly.RuntimeError("ended by the host");
  };
  const none = counted(() => undefined);
  return {
    "wasi:cli/environment": { getEnvironment: counted(() => []), getArguments: counted(() => []), initialCwd: none },
    "wasi:cli/exit": {
      exit: ({ tag }: { readonly tag: "ok" | "err" }) => exit(tag === "ok" ? 0 : 1),
      exitWithCode: exit,
    },
    "wasi:cli/stdin": { getStdin: counted(() => new InputStream(host)) },
    "wasi:cli/stdout": { getStdout: counted(() => streams.open("info")) },
    "wasi:cli/stderr": { getStderr: counted(() => streams.open("warning")) },
    "wasi:cli/terminal-input": { TerminalInput },
    "wasi:cli/terminal-output": { TerminalOutput },
    "wasi:cli/terminal-stdin": { getTerminalStdin: none },
    "wasi:cli/terminal-stdout": { getTerminalStdout: none },
    "wasi:cli/terminal-stderr": { getTerminalStderr: none },
  };
}
