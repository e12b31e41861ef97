// What is true on every path to an instruction of an admitted body, joined where paths meet, one forward walk for all. It knows
// blocks and labels, not what instructions cost or require (verify-body.ts).

export interface State {
  /** The work of the dearest path since the function began, less what its checks have paid for; in eighths of a unit. */
  owed: number;
  /** The most work since the last check. */
  stretch: number;
  /** Whether a check has been passed since the function began. */
  checked: boolean;
  /** Whether the global may be stale, as only the local has the fuel. */
  dirty: boolean;
  /** Whether the local has the fuel. */
  loaded: boolean;
}

/** `hidden` blocks are those inside of a split loop that no guest label may name. */
export type BlockKind = "block" | "hidden" | "loop" | "if" | "try" | "table";

export interface Block {
  readonly kind: BlockKind;
  readonly entry: State;
  readonly exit: State;
  hasElse: boolean;
  /** Whether a loop begins with a check. */
  isChecked: boolean;
  /** Of the inner loop of a split one. */
  splitUnits: number | undefined;
  /** What an exception in the block finds, of blocks that may catch one, and the block that catches what this one does not. */
  readonly thrown: State;
  readonly outerTry: Block | undefined;
  /** Where a try_table goes on when it catches. */
  targets: readonly Block[];
}

/** No path leads here: joining it changes nothing. */
const unreached = (): State => ({
  owed: Number.NEGATIVE_INFINITY,
  stretch: Number.NEGATIVE_INFINITY,
  checked: true,
  dirty: false,
  loaded: true,
});

function join(into: State, from: State): void {
  if (from.owed === Number.NEGATIVE_INFINITY) return;
  into.owed = Math.max(into.owed, from.owed);
  into.stretch = Math.max(into.stretch, from.stretch);
  into.checked &&= from.checked;
  into.dirty ||= from.dirty;
  into.loaded &&= from.loaded;
}

export class VerifiedFlow {
  state: State = { owed: 0, stretch: 0, checked: false, dirty: false, loaded: false };
  readonly blocks: Block[] = [];
  /** The innermost block that may catch. */
  handler: Block | undefined;
  readonly #refuse: (why: string) => never;
  readonly #isCached: () => boolean;

  constructor(refuse: (why: string) => never, isCached: () => boolean) {
    this.#refuse = refuse;
    this.#isCached = isCached;
  }

  get isReached(): boolean {
    return this.state.owed !== Number.NEGATIVE_INFINITY;
  }

  open(kind: BlockKind): Block {
    const block: Block = {
      kind,
      entry: { ...this.state },
      exit: unreached(),
      hasElse: false,
      isChecked: false,
      splitUnits: undefined,
      thrown: unreached(),
      outerTry: this.handler,
      targets: [],
    };
    this.blocks.push(block);
    if (kind === "try" || kind === "table") this.handler = block;
    return block;
  }

  close(): Block {
    const block = this.blocks.pop();
    if (block === undefined) return this.#refuse("has more ends than blocks");
    if (block.kind === "if" && !block.hasElse) join(this.state, block.entry);
    if (this.handler === block) this.#endsCatching(block);
    for (const target of block.targets) this.#goTo(target, block.thrown);
    join(this.state, block.exit);
    return block;
  }

  else(): void {
    const block = this.target(0);
    join(block.exit, this.state);
    block.hasElse = true;
    this.state = { ...block.entry };
  }

  /** Begins what runs when an exception was caught: after anything in the block that may throw. */
  catch(): void {
    const block = this.target(0);
    join(block.exit, this.state);
    if (this.handler === block) this.#endsCatching(block);
    this.state = { ...block.thrown, loaded: false };
  }

  /** What throws here owes `work` more than the state says. */
  throw(work: number): void {
    if (this.handler !== undefined) join(this.handler.thrown, { ...this.state, owed: this.state.owed + work });
  }

  branch(label: number): void {
    this.#goTo(this.target(label), this.state);
  }

  leave(): void {
    this.state = unreached();
  }

  target(label: number): Block {
    const block = this.blocks[this.blocks.length - 1 - label] ?? this.#refuse("branches to no block");
    return block.kind === "hidden" ? this.#refuse("branches into what the meter wrote") : block;
  }

  #endsCatching(block: Block): void {
    this.handler = block.outerTry;
    if (this.handler !== undefined) join(this.handler.thrown, block.thrown);
  }

  // All paths to a branch back come through the loop's begin, so the difference is what one round owes.
  #goTo(target: Block, state: State): void {
    if (target.kind !== "loop") {
      join(target.exit, state);
      return;
    }
    if (state.owed === Number.NEGATIVE_INFINITY) return;
    if (!target.isChecked) this.#refuse("has a loop that goes round without a check");
    if (state.owed > target.entry.owed) this.#refuse("has a loop that does not pay for a round of it");
    if (this.#isCached() && !state.loaded) this.#refuse("has a loop that goes round without the fuel in its local");
  }
}
