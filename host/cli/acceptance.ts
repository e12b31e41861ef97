// Where a version comes from, as an operator is told of it, and what he has to accept of that by name before it comes in.

import type { PlanAnswer } from "../admin/installer.ts";
import type { KnownSigner } from "../admin/trust.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { RULES, type Rule } from "../trust/rules.ts";
import { signerName } from "../trust/signers.ts";
import { confirmed } from "./confirming.ts";

export interface AcceptOptions {
  readonly accept?: string;
}

export const ACCEPT_HELP = "rules about where it comes from that you accept, such as look-alike,new-dependency; the plan names them";

/** What refuses it stands among the reasons why it may not run. */
export function describeOrigin({ trust }: Pick<PlanAnswer, "trust">): readonly string[] {
  const { signers, findings, publishedAt, publishedBy, card } = trust;
  const by = publishedBy === undefined ? "" : ` by ${printable(publishedBy)}`;
  const can = [...card.sees, ...card.changes, ...card.reaches].map((line) => escapeControls(line));
  return [
    ...signers.map((one) => `It is signed by ${signerWords(one)}.`),
    ...(publishedAt === undefined ? [] : [`It was published ${publishedAt}${by}, says the registry.`]),
    ...findings
      .filter(({ verdict }) => verdict !== "refused")
      .map(({ rule, verdict, message }) => `${verdict === "told" ? "Note" : "TO BE ACCEPTED"}: ${message} (${rule})`),
    ...(can.length === 0 ? [] : [`Granted all, it ${can.join("; ")}.`]),
  ];
}

export function signerWords(signer: KnownSigner): string {
  const { publisher, since, issuedAt } = signer;
  const known = since === undefined ? "not known here before" : `known here since ${since.slice(0, 10)}`;
  if (signer.kind === "identity") {
    const named = publisher === undefined ? "" : ", whom the configuration names";
    return `${signerName(signer)}${named}, ${known}; the log says on ${issuedAt.slice(0, 10)}`;
  }
  const { keyid, builtFrom } = signer;
  const who = publisher === undefined ? "" : `, a key of ${printable(publisher)}`;
  const from = builtFrom === undefined ? "" : `; built, it says, from ${printable(builtFrom.repository)} at ${printable(builtFrom.commit)}`;
  return `${keyid}${who}, ${known}; it says on ${issuedAt.slice(0, 10)}${from}`;
}

/** What an operator has to accept. */
export const rulesToAccept = ({ trust }: PlanAnswer): readonly Rule[] =>
  trust.findings.filter(({ verdict }) => verdict === "consent").map(({ rule }) => rule);

/** Throws HostError `conflict` when there is a rule to accept that is not. */
export function refuseUnaccepted(plan: PlanAnswer, accepted: readonly Rule[]): void {
  const open = plan.trust.findings.filter(({ verdict, rule }) => verdict === "consent" && !accepted.includes(rule));
  if (open.length === 0) return;
  throw new HostError(
    "conflict",
    `${plan.plugin} comes in only when it is accepted how: --accept ${open.map(({ rule }) => rule).join(",")}`,
    {
      detail: open.map(({ rule, message }) => `${message} (${rule})`).join("\n"),
    },
  );
}

/** What is accepted by `--accept`, or at the terminal. Rejects with HostError `invalid-message` for a rule that there is not, and for no. */
export async function acceptedOf({ plugin, trust }: PlanAnswer, { accept }: AcceptOptions): Promise<readonly Rule[]> {
  const named = (accept ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  const known: readonly string[] = RULES;
  const unknown = named.find((one) => !known.includes(one));
  if (unknown !== undefined)
    throw new HostError("invalid-message", `--accept: there is no rule ${printable(unknown)}; there are ${RULES.join(", ")}`);
  const accepted = named as Rule[];
  const open = trust.findings.filter(({ verdict, rule }) => verdict === "consent" && !accepted.includes(rule));
  if (open.length === 0 || !(process.stdin.isTTY && process.stdout.isTTY)) return accepted;
  for (const { message } of open) await confirmed(`${plugin}: ${message}. Take it all the same?`);
  return [...accepted, ...open.map(({ rule }) => rule)];
}
