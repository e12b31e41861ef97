// What of the walls around a cell's process a system lacks for good, whatever is installed on it. What Linux lacks here and now is found out by hardening.ts.

/** In words; none on Linux. A system that nobody knows counts as macOS does. */
export function lacksOf(platform: NodeJS.Platform): readonly string[] {
  if (platform === "linux") return [];
  const away =
    "no bubblewrap, no filter of system calls, no users of their own: a cell that a fault of V8 has broken reaches host.sqlite, the files of other plugins, the network and every system call";
  const unwatched = "the memory of a process cell is neither watched nor capped beyond the linear memory of its plugins";
  if (platform !== "win32")
    return [`this is not Linux (${platform}): ${away}; run the host on Linux`, `${unwatched}; run the host on Linux`];
  return [
    `Windows holds no cell that a fault of V8 has broken, nor its memory, keeps nobody from the data folder by modes, and ends the host without a drain; plugins that come from elsewhere are refused: run the host on Linux`,
  ];
}

/** Where no wall at all stands between a broken cell and whoever runs the host, files of others' included, nobody runs whom the operator did not write or read. */
export const refusesStrangers = (platform: NodeJS.Platform): boolean => platform === "win32";
