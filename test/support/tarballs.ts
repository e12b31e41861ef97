// Tarballs for tests, also those that no tool would make.

import { gzipSync } from "node:zlib";
import { Header, type HeaderData } from "tar";

export type TarEntry = Omit<HeaderData, "size"> & { readonly content?: string | Uint8Array };

const BLOCK = 512;
const padding = (length: number): Buffer => Buffer.alloc(-length & (BLOCK - 1));

/** One entry: its header and its content. */
export function tarEntry({ content = "", ...data }: TarEntry): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(BLOCK);
  new Header({ type: "File", mode: 0o644, ...data, size: body.length }).encode(header);
  return Buffer.concat([header, body, padding(body.length)]);
}

/** An entry whose path comes from a pax header, as it is. */
export function paxEntry(path: string, content: string): Buffer {
  const rest = ` path=${path}\n`;
  const length = Buffer.byteLength(rest) + 2;
  return Buffer.concat([
    tarEntry({ path: "PaxHeader/x", type: "ExtendedHeader", content: `${length}${rest}` }),
    tarEntry({ path: "x", content }),
  ]);
}

export const tgz = (...entries: readonly (TarEntry | Buffer)[]): Buffer =>
  gzipSync(Buffer.concat([...entries.map((entry) => (Buffer.isBuffer(entry) ? entry : tarEntry(entry))), Buffer.alloc(2 * BLOCK)]));
