// Operations on one plugin one after the other, those on different plugins beside each other.

export class OperationQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Settles as `work` does, which begins when everything that was asked for the plugin before has ended. */
  run<T>(plugin: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(plugin) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(plugin, mine);
    const leave = (): void => {
      if (this.#last.get(plugin) === mine) this.#last.delete(plugin);
    };
    mine.then(leave, leave);
    return mine;
  }
}
