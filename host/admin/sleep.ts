// What an operator is told of a plugin that is to hibernate.

export interface Sleep {
  readonly isAsleep: boolean;
  /** On the disk, of what it goes on from. */
  readonly keptBytes: number;
  /** Why it stays awake. */
  readonly trouble: string | undefined;
}
