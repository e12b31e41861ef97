// Which registry to ask and how to say who we are: what the operator names, else npm's environment variable and the user's .npmrc. Of that file only
// registries, credentials, proxies and the file of authorities count; a project's .npmrc does not.

import { readFile, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { readPlainFile } from "../bounds/files.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { type Mirrors, mirrored } from "./mirrors.ts";

/** As npm writes them: `registry`, `@scope:registry`, `//host/path/:_authToken` and the like. */
export type NpmSettings = Readonly<Record<string, string>> & { readonly registry: string };

export const NPM_REGISTRY = "https://registry.npmjs.org/";
const CAFILE_BYTES = 1_024 * 1_024;
const SETTING =
  /^\s*(registry|cafile|proxy|https-proxy|noproxy|@[^:=\s]+:registry|\/\/[^=\s]+:(?:_authToken|_auth|username|_password))\s*=\s*(.*?)\s*$/;

/**
 * A registry named here is the only one that is asked, also for a scope that .npmrc sends elsewhere; the credentials of .npmrc go to their own
 * hosts only. A registry that has a mirror is the mirror. Rejects with HostError `invalid-message` for a registry that is no http or https address.
 */
export async function readNpmSettings(registry?: string, mirrors?: Mirrors): Promise<NpmSettings> {
  const { env } = process;
  const file = env.npm_config_userconfig ?? join(homedir(), ".npmrc");
  const settings = parseSettings(await readIfThere(file));
  const chosen = registry ?? env.npm_config_registry ?? settings.registry ?? NPM_REGISTRY;
  const kept = Object.entries(settings).filter(([key]) => registry === undefined || !key.startsWith("@"));
  const all = { ...Object.fromEntries(kept), ...fromEnvironment("cafile", "proxy", "https-proxy", "noproxy"), registry: chosen };
  const registries = Object.entries(all).filter(([key]) => key.endsWith("registry"));
  const asked = registries.map(([key, value]) => [key, mirrored(slashed(value), mirrors)] as const);
  for (const [, value] of asked) showRegistry(value);
  return { ...all, ...Object.fromEntries(asked) };
}

const slashed = (address: string): string => address.replace(/\/?$/, "/");

// As npm names them.
function fromEnvironment(...keys: readonly string[]): Record<string, string> {
  const found = keys.map((key) => [key, process.env[`npm_config_${key.replaceAll("-", "_")}`]] as const);
  return Object.fromEntries(found.filter((one): one is [string, string] => one[1] !== undefined && one[1] !== ""));
}

/** The header by which an address knows us, as npm's settings say: of the longest path that leads to it. Undefined when they say nothing. */
export function credentialsFor({ host, pathname }: URL, settings: NpmSettings): string | undefined {
  const segments = pathname.split("/");
  for (let length = segments.length; length > 0; length -= 1) {
    const place = `//${host}${segments.slice(0, length).join("/")}`;
    for (const key of [`${place}/`, place]) {
      const { [`${key}:_authToken`]: token, [`${key}:_auth`]: both, [`${key}:username`]: name, [`${key}:_password`]: password } = settings;
      if (token !== undefined) return `Bearer ${token}`;
      if (both !== undefined) return `Basic ${both}`;
      if (name !== undefined && password !== undefined)
        return `Basic ${Buffer.from(`${name}:${Buffer.from(password, "base64").toString("utf8")}`).toString("base64")}`;
    }
  }
  return undefined;
}

/** The certificates of `cafile`, which count instead of the system's. Rejects with HostError `invalid-message` for a file that cannot be read. */
export async function authoritiesOf({ cafile }: NpmSettings): Promise<Buffer | undefined> {
  if (cafile === undefined) return undefined;
  return readPlainFile(await realpath(cafile).catch(() => cafile), {
    code: "invalid-message",
    maxBytes: CAFILE_BYTES,
    remedy: "npm's setting cafile names it; mend or remove it",
  });
}

/** The registry that is asked for a package, as messages call it: without a password that may be in its address. */
export const registryOf = (settings: NpmSettings, name: string): string => showRegistry(chosenFor(settings, name));

/** The same, as an address below which packages lie. */
export function registryUrl(settings: NpmSettings, name: string): URL {
  const { origin, pathname } = new URL(chosenFor(settings, name));
  return new URL(slashed(`${origin}${pathname}`));
}

function chosenFor(settings: NpmSettings, name: string): string {
  const scope = name.startsWith("@") ? name.slice(0, name.indexOf("/")) : undefined;
  return (scope === undefined ? undefined : settings[`${scope}:registry`]) ?? settings.registry;
}

function showRegistry(registry: string): string {
  const url = URL.parse(registry);
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new HostError("invalid-message", `"${printable(registry)}" is no registry; write an address such as ${NPM_REGISTRY}`);
  return printable(`${url.origin}${url.pathname}`);
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return "";
    throw new HostError("invalid-message", `${escapeControls(file)} cannot be read; check who may`, { cause });
  }
}

function parseSettings(text: string): Record<string, string> {
  const found = text.split("\n").map((line) => SETTING.exec(line));
  return Object.fromEntries(found.flatMap((match) => (match === null ? [] : [[match[1] ?? "", expand(match[2] ?? "")]])));
}

// As npm does it: ${NAME} is an environment variable, a value may stand in quotes.
const expand = (value: string): string =>
  value.replace(/^(["'])(.*)\1$/, "$2").replace(/\$\{(\w+)\}/g, (whole, name: string) => process.env[name] ?? whole);

/** An address that a registry gives. Throws HostError `http-failed` for what is none, or lies elsewhere than the registry. */
export function ownAddress(text: string, registry: URL): URL {
  const url = URL.parse(text, registry);
  if (url !== null && url.origin === registry.origin && url.username === "" && url.password === "") return url;
  const remedy = "only what lies at the registry itself is fetched; name the registry where it lies, or install the .tgz";
  throw new HostError("http-failed", `${registry.origin} sends us to ${printable(text)}; ${remedy}`);
}
