// The log in a file: never a byte more than it may have, in its own file and no other's, and what finds no room is counted and told.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { json } from "../../host/drivers/log-json/driver.ts";
import { logJsonOptions } from "../../host/drivers/log-json/options.ts";
import { RotatingFile, type RotatingFileOptions } from "../../host/drivers/log-json/rotating-file.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { CAN_MOUNT, mountSmallDisk, unmountDisk } from "../support/small-disk.ts";

const HOUR_MS = 3_600_000;
const KIB = 1_024;

const small = temporaryFolder();
afterAll(() => small.remove());
describe("the log in a file", () => {
  let folder: TemporaryFolder;
  let clock: FakeClock;
  let path: string;
  let told: string[];
  let file: RotatingFile;
  const open = (options: Partial<RotatingFileOptions> = {}): RotatingFile => {
    file = new RotatingFile(
      { path, maxBytes: 8 * KIB, keep: 3, everyMs: HOUR_MS, ...options },
      { clock, onTrouble: (what) => void told.push(what), onRecovery: (what) => file.write(`${what}\n`) },
    );
    return file;
  };
  const names = (): string[] => readdirSync(folder.path).sort();
  const text = (name = "host.log"): string => readFileSync(join(folder.path, name), "utf8");
  const bytes = (): number => names().reduce((sum, name) => sum + lstatSync(join(folder.path, name)).size, 0);

  beforeEach(() => {
    folder = temporaryFolder();
    clock = fakeClock();
    path = join(folder.path, "host.log");
    told = [];
  });
  afterEach(() => {
    file?.[Symbol.dispose]();
    folder.remove();
  });

  it("has never more bytes together than it may, whatever comes, and loses none but the oldest lines", () => {
    open();
    for (let i = 0; i < 2_000; i += 1) {
      file.write(`${i} ${"x".repeat((i * 37) % 300)}\n`);
      expect(bytes()).toBeLessThanOrEqual(8 * KIB);
    }
    expect(names()).toEqual(["host.log", "host.log.1", "host.log.2", "host.log.3"]);
    const lines = ["host.log.3", "host.log.2", "host.log.1", "host.log"].flatMap((name) => text(name).trimEnd().split("\n"));
    const numbers = lines.map((line) => Number.parseInt(line, 10));
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 2_000 - numbers.length + i));
    expect(told).toEqual([]);
  });

  it("begins one new file for a clock that jumps ahead, and none for one that is set back or to and fro", () => {
    open();
    file.write("before\n");
    clock.set(48 * HOUR_MS);
    for (let i = 0; i < 3; i += 1) file.write("ahead\n");
    for (let i = 0; i < 20; i += 1) {
      clock.set(i % 2 === 0 ? -72 * HOUR_MS : 72 * HOUR_MS);
      file.write(`${i}\n`);
    }
    expect(names()).toEqual(["host.log", "host.log.1"]);
    expect(text("host.log.1")).toBe("before\n");
    clock.set(-48 * HOUR_MS);
    clock.pass(HOUR_MS);
    file.write("back\n");
    file.reopen();
    file.write("open again\n");
    expect([names().length, told]).toEqual([2, []]);
  });

  it("counts what an earlier host left, and removes what is beyond what it may have now", () => {
    writeFileSync(path, "x".repeat(1_000));
    for (const [number, size] of [
      [1, 3_000],
      [2, 3_500],
      [3, 10],
      [9, 10],
    ] as const)
      writeFileSync(`${path}.${number}`, "y".repeat(size));
    writeFileSync(`${path}.txt`, "not of the log");
    open();
    // Two kibibytes for the file, six for those that are kept.
    expect(names()).toEqual(["host.log", "host.log.1", "host.log.txt"]);
    file.write(`${"z".repeat(1_500)}\n`);
    expect(names()).toEqual(["host.log", "host.log.1", "host.log.2", "host.log.txt"]);
    expect([text("host.log.1").length, text().length]).toEqual([1_000, 1_501]);
    file.write(`${"z".repeat(8 * KIB)}\n`);
    expect(told).toEqual([expect.stringContaining("a line has 8193 bytes, and a file at most 2048")]);
  });

  it("begins another file when its time is over, also that of a file which an earlier host left", async () => {
    writeFileSync(path, "earlier\n");
    utimesSync(path, 0, clock.now() / 1_000 - 3_600);
    open();
    file.write("one\n");
    file.write("two\n");
    await clock.advance(HOUR_MS);
    file.write("three\n");
    expect([text("host.log.2"), text("host.log.1"), text()]).toEqual(["earlier\n", "one\ntwo\n", "three\n"]);
  });

  it("is its user's alone, also where it was not", () => {
    open();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    file[Symbol.dispose]();
    chmodSync(path, 0o666);
    open();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("goes on in a file of its name after somebody moved it away, when it is told, and a second later when it is not", async () => {
    open();
    file.write("one\n");
    renameSync(path, `${path}-2026`);
    file.write("two\n");
    file.reopen();
    file.write("three\n");
    expect([text("host.log-2026"), text()]).toEqual(["one\ntwo\n", "three\n"]);
    rmSync(path);
    await clock.advance(1_000);
    file.write("four\n");
    expect(text()).toBe("four\n");
    truncateSync(path, 0);
    await clock.advance(1_000);
    file.write("five\n");
    expect(text()).toBe("five\n");
    expect(told).toEqual([]);
  });

  it("follows no link, neither its own nor one in the place of a file that is kept, and changes nothing that it leads to", async () => {
    const other = join(folder.path, "other");
    writeFileSync(other, "precious");
    open();
    for (const number of [1, 2, 3]) symlinkSync(other, `${path}.${number}`);
    for (let i = 0; i < 40; i += 1) file.write(`${"x".repeat(200)}\n`);
    expect([1, 2, 3].map((number) => lstatSync(`${path}.${number}`).isSymbolicLink())).toEqual([false, false, false]);
    expect(told).toEqual([]);
    rmSync(path);
    symlinkSync(other, path);
    await clock.advance(1_000);
    file.write("lost\n");
    expect(told).toEqual([`log lines cannot be written to ${path} and are dropped: it is a symbolic link (ELOOP)`]);
    rmSync(path);
    file.write("back\n");
    expect(text()).toBe("back\n1 log lines were dropped: it is a symbolic link (ELOOP)\n");
    expect(readFileSync(other, "utf8")).toBe("precious");
  });

  it("goes on when files that are kept are removed between two lines", () => {
    open();
    for (let i = 0; i < 100; i += 1) {
      file.write(`${i} ${"x".repeat(500)}\n`);
      rmSync(`${path}.${1 + (i % 3)}`, { force: true });
    }
    expect(text().trimEnd().split("\n").at(-1)).toMatch(/^99 /);
    expect(told).toEqual([]);
  });

  it("drops lines rather than exceed its bytes when what is there cannot be moved, and says so once a minute", async () => {
    mkdirSync(join(folder.path, "host.log.3", "full"), { recursive: true });
    open({ keep: 4, maxBytes: 10 * KIB });
    for (let i = 0; i < 200; i += 1) file.write(`${"x".repeat(100)}\n`);
    expect(bytes()).toBeLessThanOrEqual(10 * KIB + lstatSync(`${path}.4`).size);
    expect(told).toEqual([expect.stringContaining("directory")]);
    await clock.advance(60_000);
    rmSync(`${path}.4`, { recursive: true });
    await clock.advance(1_000);
    file.write("back\n");
    expect(text("host.log.1") + text()).toMatch(/x\nback\n1\d\d log lines were dropped: .*\n$/);
  });

  it("refuses a start where nothing can be written, in words, and waits for nobody", () => {
    const refused = (): unknown => {
      try {
        open();
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    };
    mkdirSync(path);
    expect(refused()).toMatchObject({ code: "storage-failed", message: expect.stringContaining("it is a folder (EISDIR)") });
    rmSync(path, { recursive: true });
    execFileSync("mkfifo", [path]);
    expect(refused()).toMatchObject({ message: expect.stringContaining("a pipe that nobody reads") });
    rmSync(path);
    symlinkSync("/dev/null", path);
    expect(refused()).toMatchObject({ message: expect.stringContaining("symbolic link") });
  });

  if (process.getuid?.() === 0)
    it("takes no file of somebody else's", () => {
      writeFileSync(path, "");
      execFileSync("chown", ["65534", path]);
      expect(() => open()).toThrow(/belongs to the user 65534/);
    });

  if (CAN_MOUNT)
    it("drops what a full disk does not take, leaves no half of a line, and says how many they were when there is room again", async () => {
      mountSmallDisk(small.path, "64k");
      try {
        path = join(small.path, "host.log");
        open({ maxBytes: 1_024 * KIB });
        const ballast = join(small.path, "ballast");
        writeFileSync(ballast, "x".repeat(48 * KIB));
        let written = 0;
        for (let i = 0; i < 1_000; i += 1) {
          const before = statSync(path).size;
          file.write(`${i} ${"y".repeat(100)}\n`);
          if (statSync(path).size > before) written += 1;
        }
        expect(readFileSync(path, "utf8")).toMatch(/^(\d+ y{100}\n)+$/);
        expect(told).toEqual([expect.stringContaining("the disk is full (ENOSPC)")]);
        rmSync(ballast);
        await clock.advance(1_000);
        file.write("room\n");
        expect(readFileSync(path, "utf8").split("room\n")[1]).toBe(
          `${1_000 - written} log lines were dropped: the disk is full (ENOSPC)\n`,
        );
      } finally {
        file[Symbol.dispose]();
        unmountDisk(small.path);
      }
    });
});

describe("the driver json with a file", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("writes below the data folder, which it makes, and leaves levels to the funnel", async () => {
    const clock = fakeClock();
    const opening = { clock, log: memoryLog(), dataDir: join(folder.path, "data") };
    const log = await json.open(opening, logJsonOptions.parse({ to: "file", format: "ecs", level: "error" }));
    log.write({ level: "debug", plugin: "p", by: "guest", message: "one" });
    await log[Symbol.asyncDispose]();
    expect(log.level).toBe("error");
    expect(JSON.parse(readFileSync(join(opening.dataDir, "logs", "bulkhead.log"), "utf8"))).toMatchObject({ message: "one" });
    for (const made of ["data", "data/logs"]) expect(statSync(join(folder.path, made)).mode & 0o777).toBe(0o700);
  });

  it("says by the log itself that lines were dropped, and holds its bound under a flood of all that can be in a line", async () => {
    const clock = fakeClock();
    const log = memoryLog();
    const dataDir = join(folder.path, "data");
    const options = logJsonOptions.parse({ to: "file", file: { path: "h.log", maxMiB: 1, keep: 3 } });
    const opened = await json.open({ clock, log, dataDir }, options);
    const nasty = '\u0000\u001b[2J\u2028é\u{1f600}"\\'.repeat(800);
    for (let i = 0; i < 500; i += 1) opened.write({ level: "info", plugin: "p", by: "guest", message: nasty });
    const sizes = readdirSync(dataDir).map((name) => statSync(join(dataDir, name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(1_024 * KIB);
    expect(sizes.length).toBe(4);
    for (const name of readdirSync(dataDir))
      for (const line of readFileSync(join(dataDir, name), "utf8").trimEnd().split("\n")) JSON.parse(line);
    rmSync(join(dataDir, "h.log"));
    mkdirSync(join(dataDir, "h.log"));
    await clock.advance(1_000);
    opened.write({ level: "info", plugin: "p", message: "lost" });
    expect(log.lines).toEqual([expect.objectContaining({ level: "error", message: expect.stringContaining("it is a folder") })]);
    rmSync(join(dataDir, "h.log"), { recursive: true });
    opened.write({ level: "info", plugin: "p", message: "back" });
    expect(log.lines[1]?.message).toBe("1 log lines were dropped: it is a folder (EISDIR)");
    await opened[Symbol.asyncDispose]();
    appendFileSync(join(dataDir, "h.log"), "");
    expect(existsSync(join(dataDir, "h.log"))).toBe(true);
  });

  it("refuses a section that says two things, or shares too little among too many files", () => {
    const messages = (input: object): string => JSON.stringify(logJsonOptions.safeParse(input).error?.issues);
    expect(messages({ file: {} })).toContain('write \\"file\\"');
    expect(messages({ to: "file", file: { maxMiB: 1, keep: 4 } })).toContain("lower keep");
  });
});
