// The command as people run it: a process of its own, its streams and its exit code. It is the package's, from dist/, which starts in a quarter of the time.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export const COMMAND: string = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function bulkhead(
  args: readonly string[],
  {
    cwd,
    timeoutMs = 120_000,
    env = {},
    input,
  }: {
    readonly cwd?: string;
    readonly timeoutMs?: number;
    readonly env?: NodeJS.ProcessEnv;
    /** For its standard input; none by default. */
    readonly input?: string;
  } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, ...env } };
    const child = execFile(process.execPath, [COMMAND, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
    if (input !== undefined) child.stdin?.end(input);
  });
}
