// The checkpoint of a log, by C2SP's tlog-checkpoint: whose log it is, how many entries it has and the root over them, as a note that the log's key has signed.

import { MAX_TREE } from "./merkle.ts";
import { type NoteKey, type NoteSigner, openNote, signNote } from "./signed-note.ts";
import { HASH_BYTES } from "./tiles.ts";

export const CHECKPOINT = "checkpoint";

export interface Checkpoint {
  /** The name of the log, which is that of its key. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

export const signCheckpoint = ({ size, root }: Pick<Checkpoint, "size" | "root">, signer: NoteSigner): string =>
  signNote(`${signer.name}\n${size}\n${Buffer.from(root).toString("base64")}\n`, signer);

/** Undefined for what is none, is another log's or is not signed by the key. */
export function openCheckpoint(bytes: Uint8Array, key: NoteKey): Checkpoint | undefined {
  const [origin, size = "", encoded = "", ...rest] = openNote(bytes, key)?.split("\n") ?? [];
  const root = Buffer.from(encoded, "base64");
  const isWhole = origin === key.name && /^(?:0|[1-9]\d{0,15})$/.test(size) && Number(size) <= MAX_TREE;
  if (!isWhole || root.length !== HASH_BYTES || root.toString("base64") !== encoded || rest.at(-1) !== "") return undefined;
  return { origin, size: Number(size), root };
}
