// What is compared: a host with one polite guest and hostile ones, each held by the best limits that it has.

export const ATTACKS = ["loops", "memory", "host calls"] as const;
export type Attack = (typeof ATTACKS)[number];

/** What every runtime is told to allow, where it can be told. */
export const CPU_MS = 1_000;
export const MEMORY_MIB = 32;

export const WARM_UP_TURNS = 50;
/** Of the attack, before anything is measured. */
export const SETTLE_MS = 1_000;
export const MEASURE_MS = 2_500;
/** After each polite turn. */
export const REST_MS = 5;

interface Subject {
  /** One turn of the polite guest: 100 bytes in and out. */
  readonly callPolite: () => Promise<void>;
  /** One turn of a hostile guest, which resolves or rejects when it has ended. */
  readonly attack: (attack: Attack, guest: number) => Promise<void>;
}

export type MakeSubject = (hostile: number) => Promise<Subject>;

/** What a JavaScript guest runs for each attack; `ask` is a function of the host. */
export const SCRIPTS: Readonly<Record<Attack, string>> = {
  loops: "for (;;);",
  memory: "const kept = []; for (;;) kept.push(new Array(8192).fill(kept.length));",
  "host calls": "for (;;) ask();",
};
export const POLITE_TEXT: string = "x".repeat(100);
