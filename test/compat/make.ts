// How test/compat/0.1 was made, by what was 0.1 then: `node test/compat/make.ts`, with the toolchains of all languages (scripts/install-toolchains.sh).
//
// Checks the commit out, builds the counter in each language there, installs, grants, keeps a secret, stores and quarantines with that commit's own command
// and host, writes down what they answer, and packs the whole. Nothing of this checkout's host takes part. Not to be run again without a reason: what
// it makes has other keys, times and hashes each time.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { brotliCompressSync, constants } from "node:zlib";
import { create } from "tar";
import { LANGUAGES } from "../../host/cli/toolchains/languages.ts";
import { ROOT } from "../docs/markdown.ts";
import { type Answers, askHome, FIXTURES, moduleFile, playCounter, type Recorded, writeCounter, writeTrapper } from "./scenes.ts";
import { Serving } from "./serving.ts";

const COMMIT = "fdfcf30";

const work = mkdtempSync(join(tmpdir(), "bulkhead-0.1-"));
const old = join(work, "bulkhead");
const COMMAND = join(old, "bin", "bulkhead.mjs");

function run(args: readonly string[], cwd: string, input = ""): string {
  return execFileSync(process.execPath, [COMMAND, ...args], { cwd, input, encoding: "utf8", stdio: ["pipe", "pipe", "inherit"] });
}

function checkOut(): void {
  mkdirSync(old);
  const archive = execFileSync("git", ["archive", COMMIT], { cwd: ROOT, maxBuffer: 256 * 1024 * 1024 });
  execFileSync("tar", ["x"], { cwd: old, input: archive });
  symlinkSync(join(ROOT, "node_modules"), join(old, "node_modules"));
}

async function makeCounters(): Promise<Answers> {
  const manifest = readFileSync(join(old, "plugins", "counter", "plugin.json"), "utf8");
  writeFileSync(new URL("counter.json", FIXTURES), manifest);
  let answers: Answers | undefined;
  for (const language of LANGUAGES) {
    const folder = join(old, "plugins", "counter", language);
    run(["build", folder], work);
    const module = readFileSync(join(folder, "counter.wasm"));
    writeFileSync(moduleFile(language), compressed(module));
    const home = join(work, `counter-${language}`);
    mkdirSync(home);
    await writeCounter(home, module, manifest);
    await using host = await Serving.start(COMMAND, home);
    const answered = await playCounter(host);
    answers ??= answered;
    if (!isDeepStrictEqual(answered, answers)) throw new Error(`${language} answers otherwise: ${JSON.stringify(answered)}`);
  }
  if (answers === undefined) throw new Error("there is no language");
  return answers;
}

function compressed(bytes: Uint8Array): Buffer {
  const params = { [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return brotliCompressSync(bytes, { params });
}

/** A configuration, its lock, the plugins that it names, and the data folder of a host that ran on it. */
async function makeHome(): Promise<Answers> {
  const home = join(work, "home");
  mkdirSync(join(home, "packages"), { recursive: true });
  for (const name of ["logger", "devices", "automation"]) {
    run(["build", join(old, "plugins", name)], work);
    run(["pack", join(old, "plugins", name), "--out", join(home, "packages", `${name}.tgz`)], work);
  }
  cpSync(join(old, "plugins", "logger"), join(home, "logger"), { recursive: true, filter: (path) => !path.includes("assembly") });
  await writeTrapper(home);
  const configuration = {
    containment: { pauseAfter: 1, quarantineAfter: 1 },
    plugins: {
      logger: { path: "logger", config: { level: "INFO" } },
      devices: { source: "./packages/devices.tgz", grants: "all", limits: { memoryMiB: 16, cpuMs: 500 } },
      trapper: { path: "trapper" },
    },
  };
  writeFileSync(join(home, "bulkhead.json"), `${JSON.stringify(configuration, null, 2)}\n`);
  run(["install"], home);
  writeFileSync(join(work, "grants.json"), JSON.stringify([{ permission: "events.subscribe", resource: "devices.*" }]));
  run(["install", "packages/automation.tgz", "--grant", join(work, "grants.json")], home);
  run(["grant", "automation", "services.call", "logger.log"], home);
  run(["block", "evil@<2.0.0", "--reason", "it was"], home);
  run(["secret", "set", "TOKEN", "--to", "https://api.example.com"], home, "made for the fixture");
  {
    await using host = await Serving.start(COMMAND, home);
    const rule = {
      id: "tell",
      trigger: "devices.state-changed",
      action: { service: "logger.log", arguments: { level: "INFO", message: "{{data.id}}" } },
    };
    for (const [service, payload] of [
      ["devices.create", { id: "lamp-1", name: "Küche 🌍" }],
      ["devices.create", { id: "lamp-2", name: "attic" }],
      ["automation.add", rule],
      ["devices.turn-on", { id: "lamp-1" }],
      ["trapper.trap", {}],
    ] as const)
      await host.call(service, JSON.stringify(payload));
  }
  run(["lock"], home);
  await create({ file: new URL("home.tar.gz", FIXTURES).pathname, cwd: work, gzip: { level: 9 }, portable: true }, ["home"]);
  await using host = await Serving.start(COMMAND, home);
  // Awaited here, since the host goes with this scope.
  return await askHome(host);
}

mkdirSync(FIXTURES, { recursive: true });
checkOut();
const recorded: Recorded = { home: await makeHome(), counter: await makeCounters() };
writeFileSync(new URL("answers.json", FIXTURES), `${JSON.stringify(recorded, null, 2)}\n`);
rmSync(work, { recursive: true, force: true });
