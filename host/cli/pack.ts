// `bulkhead pack | publish`: a plugin's folder as a tarball, and to a registry. To one of npm the user's own npm uploads it, because it has their login, their
// one-time password and their proxy.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { HostError } from "../core/errors.ts";
import { type PackedFolder, packPlugin, type SignPackage } from "../install/pack.ts";
import { refuseWhatFails } from "./check.ts";
import { publishToOci } from "./publish-oci.ts";
import { print, table } from "./report.ts";
import { builtFromOf, type SignOptions, withSignature, withSignOptions } from "./sign.ts";
import { signingKey } from "./signing.ts";
import { say } from "./terminal.ts";

interface PackOptions extends SignOptions {
  readonly name?: string;
  readonly sign?: boolean;
  readonly out?: string;
}

interface PublishOptions extends PackOptions {
  readonly to?: string;
  readonly force?: boolean;
  readonly loginAt?: string;
  readonly registry?: string;
  readonly access?: string;
  readonly tag?: string;
  readonly dryRun?: boolean;
}

export function addPack(program: Command): void {
  withPackOptions(
    program
      .command("pack")
      .description("make a tarball of a plugin's folder: manifest, module, README.md, LICENSE, its signatures, no more"),
  )
    .option("-o, --out <file>", "where to write it, instead of <name>-<version>.tgz here")
    .action(pack);
  withPackOptions(
    program.command("publish").description("pack a plugin's folder and give it to an npm registry, by way of your npm, or to one of OCI"),
  )
    .option("--to <place>", "a repository of an OCI registry, such as oci://ghcr.io/acme/thermostat")
    .option("--force", "with --to: replace what is there in the same version")
    .option("--login-at <origin>", "with --to: who gives tokens for the registry, if not it itself")
    .option("--registry <url>", "instead of npm's own setting")
    .addOption(new Option("--access <who>", "who may read a scoped package").choices(["public", "restricted"]))
    .option("--tag <tag>", "dist-tag, instead of latest")
    .option("--dry-run", "do all but upload")
    .action(publish);
}

const withPackOptions = (command: Command): Command =>
  withSignOptions(command)
    .argument("<folder>", "the plugin's folder")
    .option("--name <name>", "name of the npm package, such as @acme/thermostat")
    .option("--sign", "sign what is packed, and leave the folder as it is")
    .option("--json", "print JSON on standard output");

async function pack(folder: string, options: PackOptions): Promise<void> {
  await refuseWhatFails(folder);
  const packed = await packPlugin(folder, { name: options.name, sign: signerOf(options) });
  const file = resolve(options.out ?? packed.fileName);
  await writeFile(file, packed.tarball).catch((cause: unknown) => {
    throw new HostError("invalid-message", `${file} cannot be written; name another with --out`, { cause });
  });
  show(packed, { file }, options.json);
}

async function publish(folder: string, options: PublishOptions): Promise<void> {
  await refuseWhatFails(folder);
  const packed = await packPlugin(folder, { name: options.name, sign: signerOf(options) });
  const dryRun = options.dryRun === true;
  const place = options.to === undefined ? await publishToNpm(packed, options) : await toOci(packed, options.to, options);
  show(packed, { dryRun, ...place }, options.json);
  say(`${place.source ?? `${packed.npmName}@${packed.version}`} ${dryRun ? "would be published" : "is published"}`);
}

async function toOci(packed: PackedFolder, to: string, options: PublishOptions): Promise<{ readonly source?: string }> {
  const ofNpm = (["registry", "access", "tag"] as const).find((name) => options[name] !== undefined);
  if (ofNpm !== undefined) throw new HostError("invalid-message", `--${ofNpm} is for an npm registry; leave it out, or --to`);
  return { source: await publishToOci(packed, { ...options, to }) };
}

async function publishToNpm(packed: PackedFolder, options: PublishOptions): Promise<{ readonly source?: string }> {
  const ofOci = (["force", "loginAt"] as const).find((name) => options[name] !== undefined);
  if (ofOci !== undefined)
    throw new HostError(
      "invalid-message",
      `--${ofOci === "force" ? ofOci : "login-at"} is for an OCI registry; leave it out, or name one with --to`,
    );
  const temporary = await mkdtemp(join(tmpdir(), "bulkhead-publish-"));
  try {
    const file = join(temporary, packed.fileName);
    await writeFile(file, packed.tarball);
    await runNpm(publishArguments(file, options), packed);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return {};
}

/** Undefined: what the folder is signed with is taken as it is. */
function signerOf(options: PackOptions): SignPackage | undefined {
  if (options.sign !== true) return undefined;
  return async (release, signatures) =>
    withSignature(release, signatures, { key: await signingKey(options), builtFrom: builtFromOf(options) });
}

const publishArguments = (file: string, { registry, access, tag, dryRun }: PublishOptions): readonly string[] => [
  "publish",
  file,
  "--ignore-scripts",
  ...flag("registry", registry),
  ...flag("access", access),
  ...flag("tag", tag),
  ...(dryRun === true ? ["--dry-run"] : []),
];

const flag = (name: string, value: string | undefined): readonly string[] => (value === undefined ? [] : [`--${name}=${value}`]);

/** npm speaks on standard error, and may ask. */
function runNpm(args: readonly string[], { npmName, version }: PackedFolder): Promise<void> {
  return new Promise((done, reject) => {
    const child = spawn("npm", args, { stdio: ["inherit", process.stderr, "inherit"] });
    child.once("error", (cause) =>
      reject(
        new HostError("invalid-message", 'npm cannot be started; install it, or "bulkhead pack" and upload the file yourself', { cause }),
      ),
    );
    child.once("exit", (code, signal) => {
      if (code === 0) return done();
      const how = `npm ended with ${signal ?? code}`;
      reject(new HostError("http-failed", `${npmName}@${version} is not published: ${how}; it says why above, "npm login" may help`));
    });
  });
}

function show({ npmName, version, integrity, files, tarball }: PackedFolder, more: object, json: boolean | undefined): void {
  const what = { name: npmName, version, integrity, bytes: tarball.length, files, ...more };
  print(json, what, () =>
    table(
      ["", `${npmName} ${version}`],
      Object.entries(what)
        .slice(2)
        .map(([key, value]) => [key, Array.isArray(value) ? value.map(String) : String(value)]),
    ),
  );
}
