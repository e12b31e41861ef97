// Tokens for an OCI registry: it names who gives them, and only what lies at its own origin, or was named by the operator for it, is asked. Credentials go to
// the host that npm's settings name them for, and to no other.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { askInWords, unreachable } from "./asking.ts";
import { credentialsFor, type NpmSettings } from "./npm-settings.ts";
import type { Elsewhere } from "./registry-client.ts";

export interface LoginOptions {
  readonly settings: NpmSettings;
  readonly elsewhere: Elsewhere;
  /** Such as `repository:acme/thermostat:pull`. What the registry itself would like to have is not asked for. */
  readonly scope: string;
  readonly label: string;
}

const TOKEN_BYTES = 64 * 1_024;
const ASK_MS = 30_000;
const MAX_CHALLENGE = 4_096;
const MAX_SERVICE = 256;
// As it may stand in a header.
const TOKEN = /^[\x21-\x7e]+$/;

const answerSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/** The header for requests to the address that follow. Rejects with HostError `http-failed`. */
export async function loginAt(url: URL, challenge: string | undefined, options: LoginOptions): Promise<string> {
  const origin = new URL(url.origin);
  const said = bearerOf(challenge);
  const ours = credentialsFor(url, options.settings);
  if (said === undefined && ours?.startsWith("Basic ") === true && /^basic(?: |$)/i.test(challenge ?? "")) return ours;
  if (said === undefined) throw refused(origin, options.label);
  const realm = URL.parse(said.realm, origin);
  const isKnown = realm !== null && (realm.origin === origin.origin || options.elsewhere.has(realm.origin));
  if (!isKnown || realm.username !== "") {
    const remedy = `if that is meant, let install.elsewhere name the origin for "${origin.host}"; publish takes it as --login-at`;
    throw new HostError("http-failed", `${origin.host} sends us to ${printable(said.realm)} to log in; ${remedy}`);
  }
  if (said.service !== undefined) realm.searchParams.set("service", said.service);
  realm.searchParams.set("scope", options.scope);
  return `Bearer ${await tokenFrom(realm, origin, options)}`;
}

async function tokenFrom(realm: URL, origin: URL, { settings, label }: LoginOptions): Promise<string> {
  const asked = { label, registry: realm.origin };
  const tooLarge = (): HostError => new HostError("http-failed", `${realm.origin} gives a token of more than ${TOKEN_BYTES / 1_024} KiB`);
  const request = {
    url: realm,
    accept: "application/json",
    encoding: "identity",
    maxBytes: TOKEN_BYTES,
    tooLarge,
    timeoutMs: ASK_MS,
  } as const;
  const { status, body } = await askInWords(asked, request, settings);
  if (status === 401 || status === 403) throw refused(realm, label);
  if (status !== 200) throw unreachable(asked, new Error(`HTTP ${status}`));
  const token = tokenOf(body);
  if (token !== undefined && TOKEN.test(token)) return token;
  throw new HostError("http-failed", `${realm.origin} gives no usable token for ${origin.host}; check that it is who gives them`);
}

function tokenOf(body: Buffer): string | undefined {
  try {
    const { token, access_token: other } = answerSchema.parse(JSON.parse(body.toString("utf8")));
    return token ?? other;
  } catch {
    return undefined;
  }
}

const refused = ({ host, origin }: URL, label: string): HostError =>
  new HostError(
    "http-failed",
    `${origin} does not give ${label} to us; write credentials for //${host}/ into your .npmrc, such as //${host}/:_auth=<base64 of user:password>`,
  );

/** Undefined when it asks for something else than a token. */
function bearerOf(challenge = ""): { readonly realm: string; readonly service: string | undefined } | undefined {
  if (challenge.length > MAX_CHALLENGE || !/^bearer /i.test(challenge)) return undefined;
  const said = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key.toLowerCase(), value]));
  const realm = said.get("realm");
  return realm === undefined ? undefined : { realm, service: said.get("service")?.slice(0, MAX_SERVICE) };
}
