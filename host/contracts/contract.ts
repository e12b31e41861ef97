// A contract suite is a list of tests that any runner takes: `for (const { name, run } of suite) it(name, run)`.

export interface ContractTest {
  /** What must hold, as a sentence. */
  readonly name: string;
  /** Throws or rejects with an AssertionError when it does not. */
  run(): void | Promise<void>;
}
