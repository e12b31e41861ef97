// Who there is: users with a password, and programs with a secret. One key each in storage.

import { Nothing, Outcome, Result, clock, crypto, events, ok, refuse, services, storage } from "@bulkhead/assemblyscript";

const MAX_NAME = 64;
const MIN_PASSWORD = 8;
const MAX_PASSWORD = 256;
const MAX_GROUPS = 32;
const MAX_GROUP = 64;

export abstract class Kind {
  static readonly user: string = "user";
  static readonly client: string = "client";
}

@json
export class Account {
  name: string = "";
  kind: string = Kind.user;
  groups: string[] = [];
  /** argon2id, or of a program's secret the SHA-256; empty for one who has none yet. */
  secret: string = "";
  disabled: bool = false;
  createdAtMs: u64 = 0;
  /** Tokens from before are nobody's. */
  tokensSinceMs: u64 = 0;
}

/** As others see it. */
@json
export class AccountView {
  name: string = "";
  groups: string[] = [];
  disabled: bool = false;
  hasPassword: bool = false;
  createdAtMs: u64 = 0;

  static of(account: Account): AccountView {
    const view = new AccountView();
    view.name = account.name;
    view.groups = account.groups;
    view.disabled = account.disabled;
    view.hasPassword = account.secret.length > 0;
    view.createdAtMs = account.createdAtMs;
    return view;
  }
}

@json
class Changed {
  name: string = "";
  kind: string = "";
  what: string = "";
  by: string | null = null;
}

export const prefixOf = (kind: string): string => kind + "/";

/** Null for none, and for what is no name. */
export function find(kind: string, name: string): Result<Account | null> {
  if (!isName(name)) return ok<Account | null>(null);
  return storage.getJson<Account>(prefixOf(kind) + name);
}

export function load(kind: string, name: string): Result<Account> {
  const found = find(kind, name);
  if (!found.isOk) return found.failure<Account>();
  const account = found.value;
  return account === null ? refuse<Account>("not-found", `no ${kind} ${name.substring(0, MAX_NAME)}`) : ok<Account>(account);
}

/** A new one, not saved yet. */
export function make(kind: string, name: string, groups: string[]): Result<Account> {
  if (!isName(name)) return refuse<Account>("invalid-input", `a name has 1 to ${MAX_NAME} of a-z 0-9 . _ -, a letter or digit first`);
  const bad = groupsProblem(groups);
  if (bad !== null) return refuse<Account>("invalid-input", bad);
  const found = find(kind, name);
  if (!found.isOk) return found.failure<Account>();
  if (found.value !== null) return refuse<Account>("conflict", `${kind} ${name} exists already`);
  const account = new Account();
  account.name = name;
  account.kind = kind;
  account.groups = groups;
  account.createdAtMs = clock.now();
  return ok(account);
}

/** Gives it a password; what it was known by before ends. */
export function setPassword(account: Account, password: string): Outcome {
  if (password.length < MIN_PASSWORD || password.length > MAX_PASSWORD)
    return refuse<Nothing>("invalid-input", `a password has ${MIN_PASSWORD} to ${MAX_PASSWORD} characters`);
  const hash = crypto.passwordHash(password);
  if (!hash.isOk) return hash.failure<Nothing>();
  account.secret = hash.value;
  endTokens(account);
  return ok(new Nothing());
}

/** In whole seconds, as tokens have them, and one more: what was given in this very second ends too, and what comes is never from before. */
export function endTokens(account: Account): void {
  account.tokensSinceMs = (max(clock.now(), account.tokensSinceMs) / 1_000 + 1) * 1_000;
}

export function save(account: Account, what: string): Outcome {
  const saved = storage.setJson<Account>(prefixOf(account.kind) + account.name, account);
  return saved.isOk ? tell(account.kind, account.name, what) : saved;
}

export function remove(kind: string, name: string): Outcome {
  const found = load(kind, name);
  if (!found.isOk) return found.failure<Nothing>();
  const removed = storage.remove(prefixOf(kind) + name);
  return removed.isOk ? tell(kind, name, "removed") : removed.failure<Nothing>();
}

/** At most `limit` users after the name `after`. */
export function page(after: string | null, limit: u32): Result<AccountView[]> {
  const prefix = prefixOf(Kind.user);
  const keys = storage.keys(prefix, after === null ? null : prefix + after, limit);
  if (!keys.isOk) return keys.failure<AccountView[]>();
  const views: AccountView[] = [];
  for (let i = 0; i < keys.value.length; i++) {
    const stored = storage.getJson<Account>(keys.value[i]);
    if (!stored.isOk) return stored.failure<AccountView[]>();
    const account = stored.value;
    if (account !== null) views.push(AccountView.of(account));
  }
  return ok(views);
}

export function groupsProblem(groups: string[]): string | null {
  if (groups.length > MAX_GROUPS) return `${groups.length} groups; the limit is ${MAX_GROUPS}`;
  for (let i = 0; i < groups.length; i++)
    if (groups[i].length == 0 || groups[i].length > MAX_GROUP) return `the name of a group has 1 to ${MAX_GROUP} characters`;
  return null;
}

function tell(kind: string, name: string, what: string): Outcome {
  const changed = new Changed();
  changed.name = name;
  changed.kind = kind;
  changed.what = what;
  changed.by = services.currentPrincipal();
  const published = events.publish<Changed>("users.changed", changed);
  return published.isOk ? ok(new Nothing()) : published.failure<Nothing>();
}

function isName(name: string): bool {
  if (name.length == 0 || name.length > MAX_NAME) return false;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    const isLetter = (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39);
    if (!isLetter && (i == 0 || (unit != 0x2e && unit != 0x5f && unit != 0x2d))) return false;
  }
  return true;
}
