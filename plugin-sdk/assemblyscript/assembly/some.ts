// A number or bool that may be absent: the language has no null for those, so it is `Some<u32> | null`.

export class Some<T> {
  constructor(public value: T = <T>0) {}

  __read<R>(reader: R): void {
    this.value = reader.value<T>();
  }

  __write<W>(writer: W): void {
    writer.value<T>(this.value);
  }
}
