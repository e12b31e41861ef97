// The command's exit codes, and what they mean in words.

export { EXIT } from "../bounds/error-answers.ts";

export const EXIT_CODES_HELP = `
Exit codes:
  0  done
  1  it was tried and failed: the plugin, the host or the machine
  2  wrong usage: an unknown command or option, a missing or malformed file
  3  the plugin refused, with a reason of its own
  70 of "serve": the host's own code failed, which the log and the audit log have`;
