// One who has signed a package: a key, or an identity that somebody trusted has certified. Both are known by a keyid, which pins, revocations and the lock hold.

import type { PublicKey } from "../bounds/public-keys.ts";
import { printable } from "../core/names.ts";
import { sha256Hex } from "./contents.ts";
import type { BuiltFrom } from "./statement.ts";

export interface KeySigner extends PublicKey {
  readonly kind: "key";
  /** As he says, in ISO 8601. */
  readonly issuedAt: string;
  readonly builtFrom?: BuiltFrom | undefined;
  /** SHA-256 of what was signed, by which a log of the operator's knows it. */
  readonly statementSha256: string;
}

export interface Identity {
  /** Who has made sure of it, such as https://token.actions.githubusercontent.com. */
  readonly issuer: string;
  /** A workflow, or an address of mail. */
  readonly subject: string;
}

export interface IdentitySigner extends Identity {
  readonly kind: "identity";
  /** SHA-256 of issuer and subject, in hexadecimal. */
  readonly keyid: string;
  /** As the log says, in ISO 8601. */
  readonly issuedAt: string;
  readonly statementSha256: string;
}

/** Who has signed a package, as its signature proves. */
export type Signer = KeySigner | IdentitySigner;

export const identityKeyid = ({ issuer, subject }: Identity): string => sha256Hex(`sigstore identity\n${issuer}\n${subject}`);

/** A workflow that runs for a tag is the same for every one: each release has its own. Branches and pull requests keep their names. */
export const stableSubject = (subject: string): string => subject.replace(/^(https:\/\/[^@]+@refs\/tags\/).+$/, "$1*");

/** As messages call him. */
export const signerName = (signer: Signer): string =>
  signer.kind === "identity" ? `${printable(signer.subject)} (proven by ${printable(signer.issuer)})` : signer.keyid;
