// Reads messages of Protocol Buffers by the numbers of their fields, as opentelemetry-proto gives them out: what a collector was sent, without its code.

export interface Message {
  all(field: number): Message[];
  message(field: number): Message | undefined;
  text(field: number): string | undefined;
  hex(field: number): string | undefined;
  number(field: number): number | undefined;
  fixed64(field: number): bigint | undefined;
}

export function messageOf(bytes: Buffer): Message {
  const fields = fieldsOf(bytes);
  const last = (field: number): Buffer | bigint | undefined => fields.get(field)?.at(-1);
  const bytesOf = (field: number): Buffer | undefined => {
    const value = last(field);
    return Buffer.isBuffer(value) ? value : undefined;
  };
  const all = (field: number): Message[] => (fields.get(field) ?? []).filter((value) => Buffer.isBuffer(value)).map(messageOf);
  return {
    all,
    message: (field) => all(field).at(-1),
    text: (field) => bytesOf(field)?.toString(),
    hex: (field) => bytesOf(field)?.toString("hex"),
    number: (field) => (typeof last(field) === "bigint" ? Number(last(field)) : undefined),
    fixed64(field) {
      const value = last(field);
      return typeof value === "bigint" ? value : undefined;
    },
  };
}

function fieldsOf(bytes: Buffer): Map<number, (Buffer | bigint)[]> {
  const fields = new Map<number, (Buffer | bigint)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const fixed = (size: 4 | 8): bigint => {
    const value = size === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUInt32LE(at));
    at += size;
    return value;
  };
  const piece = (): Buffer => {
    const length = Number(varint());
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const read = [varint, () => fixed(8), piece, undefined, undefined, () => fixed(4)][tag & 7];
    if (read === undefined) throw new Error(`wire type ${tag & 7} is none of OTLP`);
    const value = read();
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}
