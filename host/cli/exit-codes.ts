// What the command's exit codes mean; `bulkhead help` prints the same.

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

export const EXIT_CODES_HELP = `
Exit codes:
  0  done
  1  it was tried and failed: the plugin, the host or the machine said no
  2  wrong usage: an unknown command or option, a missing or malformed file`;
