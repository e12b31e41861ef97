// Trees, proofs, tiles and notes are those of Go's checksum database, byte for byte. vectors/main.go has made vectors.json by its libraries.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openCheckpoint, signCheckpoint } from "../../../host/trust/log/checkpoint.ts";
import {
  consistencyProof,
  EMPTY_ROOT,
  type HashAt,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  rootHash,
} from "../../../host/trust/log/merkle.ts";
import { noteKeyText, openNote, parseNoteKey } from "../../../host/trust/log/signed-note.ts";
import { foldHashes, TILE_WIDTH, tilePath, tilesOf } from "../../../host/trust/log/tiles.ts";
import { keyOfSeed } from "../../support/logs.ts";

interface Proof {
  readonly of: number;
  readonly count: number;
  readonly sha256: string;
}

interface Vectors {
  readonly seed: string;
  readonly vkey: string;
  readonly checkpoint: string;
  readonly trees: readonly {
    readonly size: number;
    readonly root: string;
    readonly inclusions: readonly Proof[];
    readonly consistencies: readonly Proof[] | null;
    readonly tiles: Readonly<Record<string, string>>;
  }[];
}

const vectors: Vectors = JSON.parse(readFileSync(new URL("vectors/vectors.json", import.meta.url), "utf8"));
const sha256 = (...bytes: readonly Uint8Array[]): string => {
  const hash = createHash("sha256");
  for (const one of bytes) hash.update(one);
  return hash.digest("hex");
};

const LARGEST = Math.max(...vectors.trees.map(({ size }) => size));
/** Complete subtrees by their level. */
const levels: Uint8Array[][] = [Array.from({ length: LARGEST }, (_, i) => leafHash(Buffer.from(`entry ${i}`)))];
for (let level = 0; (levels[level]?.length ?? 0) > 1; level += 1) {
  const below = levels[level] ?? [];
  levels.push(Array.from({ length: Math.floor(below.length / 2) }, (_, i) => foldHashes(below.slice(2 * i, 2 * i + 2))));
}
const hashAt: HashAt = async (level, index) => levels[level]?.[index] ?? new Uint8Array(0);
const rootOf = async (size: number): Promise<Uint8Array> => rootHash(size, hashAt);

describe.each(vectors.trees)("a tree of $size leaves", ({ size, root, inclusions, consistencies, tiles }) => {
  const newer = { size, root: Buffer.from(root, "hex") };

  it("has the same root", async () => {
    expect(Buffer.from(await rootOf(size)).toString("hex")).toBe(root);
  });

  it("has the same proofs of what is in it, which hold for nothing else", async () => {
    for (const { of: index, count, sha256: expected } of inclusions) {
      const proof = await inclusionProof(index, size, hashAt);
      expect([proof.length, sha256(...proof)], `of ${index}`).toEqual([count, expected]);
      const leaf = levels[0]?.[index] ?? new Uint8Array(0);
      const said = { index, leaf, ...newer };
      expect(isIncluded(said, proof)).toBe(true);
      const other = Buffer.alloc(32, 7);
      const lies = [
        isIncluded({ ...said, leaf: other }, proof),
        isIncluded({ ...said, root: other }, proof),
        isIncluded({ ...said, index: size }, proof),
        isIncluded({ ...said, index: -1 }, proof),
        isIncluded(said, [...proof, other]),
        size > 1 && isIncluded({ ...said, index: index === 0 ? 1 : index - 1 }, proof),
        size > 1 && isIncluded(said, proof.slice(1)),
        size > 1 && isIncluded(said, [other, ...proof.slice(1)]),
      ];
      expect(lies, `of ${index}`).toEqual(lies.map(() => false));
    }
  });

  it("has the same proofs of what it begins with, which hold for nothing else", async () => {
    for (const { of: older, count, sha256: expected } of consistencies ?? []) {
      const proof = await consistencyProof(older, size, hashAt);
      expect([proof.length, sha256(...proof)], `of ${older}`).toEqual([count, expected]);
      const before = { size: older, root: await rootOf(older) };
      expect(isConsistent(before, newer, proof)).toBe(true);
      const other = Buffer.alloc(32, 7);
      const lies = [
        isConsistent({ ...before, root: other }, newer, proof),
        isConsistent(before, { ...newer, root: other }, proof),
        isConsistent(newer, before, proof),
        isConsistent(before, newer, [...proof, other]),
        isConsistent(before, newer, proof.slice(1)),
        isConsistent(before, newer, []),
        isConsistent({ ...before, size: size }, newer, proof),
      ];
      expect(lies, `of ${older}`).toEqual(lies.map(() => false));
    }
    expect(isConsistent(newer, newer, [])).toBe(true);
    expect(isConsistent({ size: 0, root: EMPTY_ROOT }, newer, [])).toBe(true);
  });

  it("lies in the same tiles", () => {
    const made = new Map(Array.from(tilesOf(size), (tile) => [tilePath(tile), tile]));
    for (const [path, expected] of Object.entries(tiles)) {
      const tile = made.get(path);
      if (tile === undefined || tile.level === "entries") throw new Error(`there is no ${path}`);
      const start = tile.index * TILE_WIDTH;
      expect(sha256(...(levels[tile.level * 8]?.slice(start, start + tile.width) ?? [])), path).toBe(expected);
    }
    const numbers = [...made.values()].filter(({ level }) => level === 0);
    expect(numbers.length).toBe(Math.ceil(size / TILE_WIDTH));
  });
});

describe("a signed note", () => {
  const signer = { name: "log.example/plugins", key: keyOfSeed(vectors.seed) };
  const key = parseNoteKey(vectors.vkey);

  it("is the same, of the same key", () => {
    const tree = vectors.trees.find(({ size }) => size === 700);
    const root = Buffer.from(tree?.root ?? "", "hex");
    expect(noteKeyText(signer)).toBe(vectors.vkey);
    expect(signCheckpoint({ size: 700, root }, signer)).toBe(vectors.checkpoint);
    expect(openCheckpoint(Buffer.from(vectors.checkpoint), key)).toEqual({ origin: signer.name, size: 700, root });
  });

  it("is not opened when anything of it is another", () => {
    const note = vectors.checkpoint;
    const [text = "", signature = ""] = note.split("\n\n");
    const open = (changed: string | Uint8Array): string | undefined => openNote(Buffer.from(changed), key);
    expect(open(note)).toBe(`${text}\n`);
    // Lines of others do no harm, and do not count.
    expect(open(`${text}\n\n— witness.example AAAAAAAA\n${signature}`)).toBe(`${text}\n`);
    for (const changed of [
      note.replace("700", "701"),
      note.replace("log.example/plugins\n", "log.example/other\n"),
      note.replace("— log.example/plugins ", "— log.example/other "),
      note.slice(0, -1),
      note.slice(0, -3),
      `${note}\n`,
      `${text}\n\n`,
      `${text}\n`,
      note.replace("— ", "- "),
      note.replace(signature.trim(), `${signature.trim()} x`),
      `${text}\n\n${"— witness.example AAAAAAAA\n".repeat(16)}${signature}`,
      note.replace("700", "700\u0000"),
      note.replace("700", "700\r"),
      `${"x".repeat(17_000)}\n${note}`,
      "",
      Buffer.concat([Buffer.from([0xff]), Buffer.from(note)]),
    ])
      expect(open(changed), String(changed).slice(0, 80)).toBeUndefined();
  });

  it("has a key that is written in one way", () => {
    const [name, id, encoded = ""] = vectors.vkey.split("+");
    for (const text of [
      "",
      "log.example/plugins",
      `${name}+00000000+${encoded}`,
      `other+${id}+${encoded}`,
      `${name}+${id}+${encoded.slice(4)}`,
      `with space+${id}+${encoded}`,
      `${name}+${id}+A${encoded}`,
      `${name}+${id}+${Buffer.from([2, ...Buffer.from(encoded, "base64").subarray(1)]).toString("base64")}`,
    ])
      expect(() => parseNoteKey(text), text).toThrow(expect.objectContaining({ code: "invalid-message" }));
  });
});

describe("the path of a tile", () => {
  it("is in groups of three digits, and says when it is not full", () => {
    const path = (index: number, width = 256): string => tilePath({ level: 0, index, width });
    expect(path(0)).toBe("tile/0/000");
    expect(path(999, 1)).toBe("tile/0/999.p/1");
    expect(path(1_000)).toBe("tile/0/x001/000");
    expect(path(1_234_067, 255)).toBe("tile/0/x001/x234/067.p/255");
    expect(tilePath({ level: "entries", index: 67, width: 3 })).toBe("tile/entries/067.p/3");
  });
});
