// What a plugin asks for, shown to the operator, and what they give it. Without a terminal nothing is granted but what --grant says.

import { readFile } from "node:fs/promises";
import * as prompts from "@clack/prompts";
import { z } from "zod";
import type { PlanAnswer } from "../admin/installer.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { Grant, PermissionRequest } from "../core/types.ts";
import { meaningOf } from "../manifest/resources.ts";
import { parseByExtension } from "../manifest/structured-file.ts";
import { describeOrigin } from "./acceptance.ts";
import { decided } from "./confirming.ts";
import { table } from "./report.ts";

export interface ConsentOptions {
  readonly grant?: string;
  readonly untilRestart?: boolean;
}

export interface Consent {
  readonly grants: readonly Pick<Grant, "permission" | "resource">[];
  readonly untilRestart: boolean;
}

export const GRANT_HELP = "without a terminal: all, none, or a JSON, YAML or TOML file with a list of { permission, resource }";

const grantFileSchema = z.array(z.looseObject({ permission: z.string(), resource: z.string() }));

export function describePlan(plan: PlanAnswer, asks: readonly PermissionRequest[]): string {
  const rows = asks.map(({ permission, resource, reason }) => [permission, resource, reason]);
  const limits = Object.entries(plan.limits).map(([name, value]) => `${name} ${value}`);
  return [
    `${plan.plugin} ${plan.version} from ${escapeControls(plan.source)}${plan.description === undefined ? "" : `: ${escapeControls(plan.description)}`}`,
    ...(plan.isRemote ? [REMOTE_WORDS] : []),
    rows.length === 0 ? "It asks for no permissions." : table(["asks for", "on", "because"], rows),
    ...asks.flatMap((one) => (meaningIn(one) === "" ? [] : `With ${one.permission} ${escapeControls(one.resource)} it ${meaningIn(one)}.`)),
    ...(plan.authenticates ? [authenticatingWords(plan, asks)] : []),
    ...plan.neverAsked.map((point) => `It extends ${point} and will not be asked: it does not ask for extensions.answer on it.`),
    limits.length === 0 ? "It asks for no limits of its own." : `It asks for the limits ${limits.join(", ")}.`,
    ...describeOrigin(plan),
    ...plan.dependencies.map(({ plugin, range }) => `It needs ${plugin} ${range}.`),
    plan.refusals.length === 0
      ? plan.isRemote
        ? "Admission: there is no module to look at."
        : "Admission: it may run."
      : `It may NOT run:\n${plan.refusals.map((reason) => `  ${escapeControls(reason)}`).join("\n")}`,
  ].join("\n");
}

const REMOTE_WORDS =
  "It is a REMOTE plugin, a process of its own: it is NOT sandboxed, and this host holds neither its memory nor its CPU. Of the host it gets what is granted, no more.";

/** Once the operator names it in auth.plugin. */
function authenticatingWords({ plugin, isAuthenticator }: PlanAnswer, asks: readonly PermissionRequest[]): string {
  const when = isAuthenticator ? "It says who comes in (auth.plugin)" : `It can say who comes in, if auth.plugin names ${plugin}`;
  const out = asks.some(({ permission }) => permission === "http.fetch") ? ", AND COULD SEND THEM AWAY with http.fetch" : "";
  return `${when}: it sees the passwords and tokens that people show${out}.`;
}

/** Throws HostError when a plan cannot be carried out. */
export function refuseWhatMayNotRun({ plugin, refusals, unmet }: PlanAnswer): void {
  if (refusals.length > 0) throw new HostError("admission-refused", `${plugin} may not run here`, { detail: refusals.join("\n") });
  if (unmet.length > 0) throw new HostError("conflict", `${plugin} does not fit what is installed`, { detail: unmet.join("\n") });
}

/** Rejects with HostError `invalid-message` when there is nobody to ask and no --grant. */
export async function consentTo(plugin: string, asks: readonly PermissionRequest[], options: ConsentOptions): Promise<Consent> {
  const untilRestart = options.untilRestart === true;
  if (asks.length === 0) return { grants: [], untilRestart };
  if (options.grant !== undefined) return { grants: await namedGrants(options.grant, asks), untilRestart };
  if (process.stdin.isTTY && process.stdout.isTTY) return ask(plugin, asks);
  throw new HostError(
    "invalid-message",
    `${plugin} asks for permissions and there is no terminal to ask on; say --grant all, none or a file`,
  );
}

const grantOf = ({ permission, resource }: PermissionRequest): Consent["grants"][number] => ({ permission, resource });
const meaningIn = ({ permission, resource }: PermissionRequest): string => escapeControls(meaningOf(permission, resource) ?? "");

async function namedGrants(what: string, asks: readonly PermissionRequest[]): Promise<Consent["grants"]> {
  if (what === "none") return [];
  if (what === "all") return asks.map(grantOf);
  const text = await readFile(what, "utf8").catch((cause: unknown) => {
    throw new HostError("invalid-message", `${what} cannot be read; --grant takes all, none or a file`, { cause });
  });
  const parsed = grantFileSchema.safeParse(parseByExtension(text, what, "invalid-message"));
  if (!parsed.success) throw new HostError("invalid-message", `${what} is no list of { permission, resource }`);
  // The host checks the names and patterns.
  return parsed.data.map(({ permission, resource }) => ({ permission, resource })) as Consent["grants"];
}

async function ask(plugin: string, asks: readonly PermissionRequest[]): Promise<Consent> {
  const all = asks.map(grantOf);
  const answer = decided(
    await prompts.select({
      message: `What may ${plugin} do?`,
      options: [
        { value: "choose", label: "choose from the list" },
        { value: "all", label: "all that it asks for" },
        { value: "none", label: "nothing" },
      ],
    }),
  );
  const options = asks.map((one) => ({
    value: grantOf(one),
    label: `${one.permission} ${escapeControls(one.resource)}`,
    hint: [escapeControls(one.reason), meaningIn(one)].filter((part) => part !== "").join("; it "),
  }));
  const grants =
    answer === "all" ? all : answer === "none" ? [] : decided(await prompts.multiselect({ message: "Granted:", options, required: false }));
  if (grants.length === 0) return { grants, untilRestart: false };
  const until = decided(
    await prompts.select({
      message: "For how long?",
      options: [
        { value: "always", label: "until it is revoked" },
        { value: "restart", label: "until the host starts the next time" },
      ],
    }),
  );
  return { grants, untilRestart: until === "restart" };
}
