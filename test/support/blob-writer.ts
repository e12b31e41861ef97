// Writes, replaces and renames blobs until it is killed, and says what it begins and what has lasted.

import { writeSync } from "node:fs";
import { fileBlobs } from "../../host/drivers/blobs/files.ts";

const [dir = "", round = "0"] = process.argv.slice(2);
const driver = fileBlobs(dir);
// At once, also when the process is killed right behind it.
const say = (...words: readonly unknown[]): unknown => writeSync(1, `${words.join(" ")}\n`);
const entries = new Map((await driver.open("p")).map((entry) => [entry.name, entry]));

for (let i = 0; i < 200; i += 1) {
  const number = Number(round) * 200 + i;
  const name = `n${i % 3}`;
  say("writes", name, number);
  const content = await driver.create("p");
  for (let piece = 0; piece < 3; piece += 1) await content.write(new Uint8Array(20_000).fill(number % 251));
  await content.seal();
  const metadata = [{ name: "number", value: String(number) }];
  const entry = { name, mediaType: "text/plain", metadata, size: 60_000, id: content.id, modified: 1 };
  await driver.put("p", entry, entries.get(name));
  entries.set(name, entry);
  say("finished", name, number);
  const to = `n${(i + 1) % 3}`;
  say("renames", name, number, to);
  await driver.rename("p", entry, to, entries.get(to));
  entries.delete(name);
  entries.set(to, { ...entry, name: to });
  say("renamed", name, number, to);
}
