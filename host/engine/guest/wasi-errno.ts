// The numbers of WASI preview 1 that its parts share.

export const ERRNO = { success: 0, badf: 8, fault: 21, inval: 28, nosys: 52, spipe: 70 } as const;
export type Errno = number;

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

export const isStandard = (fd: number): boolean => fd >= STDIN && fd <= STDERR;
