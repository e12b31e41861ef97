// Passwords and secrets of programs, checked in a time that says nothing, and how often somebody may try.

import { Result, clock, crypto, ok, refuse, storage } from "@bulkhead/assemblyscript";
import { Account, Kind, find } from "./account";
import { encodeBase64Url } from "./base64url";

const MAX_FAILURES = 5;
const WINDOW_MS: u64 = 15 * 60_000;
/** Names that are counted one by one, whether anybody has them or not; those beyond share one count. */
const MAX_COUNTED = 1_000;
const OTHERS = "";
const MAX_FAILURES_OF_OTHERS = 50;
/** Against which an unknown name is checked, so that it takes as long as a known one. */
const DUMMY = "dummy";

class Failures {
  count: i32 = 0;
  sinceMs: u64 = 0;
}

const failures = new Map<string, Failures>();

/** The account whose password or secret this is. */
export function checkSecret(kind: string, name: string, secret: string): Result<Account> {
  const counted = counterOf(`${kind}/${name}`);
  const waitMs = counted.wait();
  if (waitMs > 0) return refuse<Account>("unavailable", "too many wrong ones; try again later", waitMs);
  // Counted before it is looked at, so that nobody tries more by trying at once.
  counted.fail();
  const found = find(kind, name);
  if (!found.isOk) return found.failure<Account>();
  const account = found.value;
  // Nobody has the empty one.
  const stored = account === null ? "" : account.secret;
  const matches = kind == Kind.user ? isPassword(secret, stored) : isSecret(secret, stored);
  if (!matches.isOk) return matches.failure<Account>();
  if (account === null || !matches.value || account.disabled)
    return refuse<Account>("forbidden", "there is nobody with this name and password");
  counted.forgive();
  return ok<Account>(account);
}

export function hashOfSecret(secret: string): Result<string> {
  const hash = crypto.digest("sha256", Uint8Array.wrap(String.UTF8.encode(secret)));
  return hash.isOk ? ok(encodeBase64Url(hash.value)) : hash.failure<string>();
}

function isPassword(password: string, stored: string): Result<bool> {
  if (password.length == 0) return ok(false);
  if (stored.length > 0) return crypto.passwordVerify(password, stored);
  const dummy = dummyHash();
  if (!dummy.isOk) return dummy.failure<bool>();
  const checked = crypto.passwordVerify(password, dummy.value);
  return checked.isOk ? ok(false) : checked;
}

function isSecret(secret: string, stored: string): Result<bool> {
  const hash = hashOfSecret(secret);
  if (!hash.isOk) return hash.failure<bool>();
  return crypto.equal(Uint8Array.wrap(String.UTF8.encode(hash.value)), Uint8Array.wrap(String.UTF8.encode(stored)));
}

function dummyHash(): Result<string> {
  const stored = storage.getText(DUMMY);
  if (!stored.isOk) return stored.failure<string>();
  const text = stored.value;
  if (text !== null) return ok<string>(text);
  const made = crypto.passwordHash("nobody's");
  if (made.isOk) storage.setText(DUMMY, made.value);
  return made;
}

class Counter {
  constructor(
    private readonly failures: Failures,
    private readonly limit: i32,
  ) {}

  wait(): u32 {
    const now = monotonicMs();
    if (now >= this.failures.sinceMs + WINDOW_MS) this.failures.count = 0;
    return this.failures.count < this.limit ? 0 : <u32>(this.failures.sinceMs + WINDOW_MS - now);
  }

  fail(): void {
    if (this.failures.count == 0) this.failures.sinceMs = monotonicMs();
    this.failures.count += 1;
  }

  forgive(): void {
    this.failures.count -= 1;
  }
}

const monotonicMs = (): u64 => clock.monotonic() / 1_000_000;

function counterOf(name: string): Counter {
  if (failures.has(name)) return new Counter(failures.get(name), MAX_FAILURES);
  if (failures.size >= MAX_COUNTED) sweep();
  const isOther = failures.size >= MAX_COUNTED;
  const key = isOther ? OTHERS : name;
  if (!failures.has(key)) failures.set(key, new Failures());
  return new Counter(failures.get(key), isOther ? MAX_FAILURES_OF_OTHERS : MAX_FAILURES);
}

function sweep(): void {
  const now = monotonicMs();
  const names = failures.keys();
  for (let i = 0; i < names.length; i++) {
    const one = failures.get(names[i]);
    if (one.count <= 0 || now >= one.sinceMs + WINDOW_MS) failures.delete(names[i]);
  }
}
