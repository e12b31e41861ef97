// Follows the state of the fuel through a function's blocks: what is true on some path to the current instruction. It
// writes no code.

/** Debt where no path leads; adding every cost of a function to it leaves it far below any real debt. */
const UNREACHED = -1e12;

export interface State {
  /** On some path since the function began there was no check. */
  unchecked: boolean;
  /** On some path since the last loop began there was no call that may be long. */
  callFree: boolean;
  /** On some path the cached fuel differs from the global. */
  dirty: boolean;
  /** The dearest path's cost, in eighths of a unit, that no check has charged; negative when charged in advance. */
  debt: number;
}

export interface Frame {
  readonly kind: "block" | "loop" | "if";
  /** The state at the block's begin, where an `else` or a `catch` starts from. */
  readonly entry: State;
  /** What the branches to the block's end bring. */
  readonly exit: State;
  hasElse: boolean;
  /** Blocks that the meter opened around this one and the ones outside, by which labels shift. */
  readonly extraBlocks: number;
  /** What a split loop spends an iteration, undefined for all else: see injection.ts. */
  readonly splitUnits: number | undefined;
  readonly isInnermostLoop: boolean;
}

export interface OpenedLoop {
  readonly isInnermost: boolean;
  readonly split: { readonly extraBlocks: number; readonly units: number } | undefined;
}

const unreached = (): State => ({ unchecked: false, callFree: false, dirty: false, debt: UNREACHED });

export class Flow {
  state: State = { unchecked: true, callFree: true, dirty: false, debt: 0 };
  readonly frames: Frame[] = [];
  /** Some innermost loop can go on without a call that may be long. */
  iteratesCallFree = false;

  /** How many blocks the meter opened around the current instruction. */
  get extraBlocks(): number {
    return this.frames.at(-1)?.extraBlocks ?? 0;
  }

  open(kind: Frame["kind"], loop?: OpenedLoop): void {
    if (loop !== undefined) this.state.callFree = true;
    this.frames.push({
      kind,
      entry: { ...this.state },
      exit: unreached(),
      hasElse: false,
      extraBlocks: this.extraBlocks + (loop?.split?.extraBlocks ?? 0),
      splitUnits: loop?.split?.units,
      isInnermostLoop: loop?.isInnermost ?? false,
    });
  }

  /** Closes the innermost block, whose `end` joins what falls through with what branches there. */
  close(): Frame {
    const frame = this.frames.pop();
    if (frame === undefined) throw new RangeError("more ends than blocks");
    if (frame.kind === "if" && !frame.hasElse) join(this.state, frame.entry);
    join(this.state, frame.exit);
    return frame;
  }

  /** Ends an arm of the innermost block; the next one starts where the block did, but owes at least `minDebt`. */
  nextArm(minDebt: number): void {
    const frame = this.target(0);
    join(frame.exit, this.state);
    frame.hasElse = true;
    this.state = { ...frame.entry, debt: Math.max(frame.entry.debt, minDebt) };
  }

  branch(label: number, state: State = this.state): void {
    const frame = this.target(label);
    // What a branch back to a loop owes is charged by the loop's own check.
    if (frame.kind !== "loop") join(frame.exit, state);
    else if (frame.isInnermostLoop && state.callFree) this.iteratesCallFree = true;
  }

  /** What follows a jump is reached only through a label. */
  leave(): void {
    this.state = unreached();
  }

  target(label: number): Frame {
    const frame = this.frames[this.frames.length - 1 - label];
    if (frame === undefined) throw new RangeError("a branch to no block");
    return frame;
  }

  leavesFunction(label: number): boolean {
    return label === this.frames.length - 1;
  }

  /** A label as it must be written, given the blocks that the meter opened between here and its target. */
  shifted(label: number): number {
    return label + this.extraBlocks - this.target(label).extraBlocks;
  }
}

function join(into: State, other: State): void {
  into.unchecked ||= other.unchecked;
  into.callFree ||= other.callFree;
  into.dirty ||= other.dirty;
  into.debt = Math.max(into.debt, other.debt);
}
