// Tokens: signed ones that say who shows them for some minutes, and kept ones that bring the next.

import { Json, Nothing, Outcome, Result, clock, config, crypto, done, ok, random, refuse, storage } from "@bulkhead/assemblyscript";
import { Account, find } from "./account";
import { decodeBase64Url, encodeBase64Url } from "./base64url";
import { hashOfSecret } from "./secrets";

const KEY = "tokens";
const ALGORITHM = "es256";
const REFRESH = "refresh/";
const SECRET_BYTES = 32;
const TYPE = "at+jwt";

@json
class Head {
  alg: string = "ES256";
  typ: string = TYPE;
  kid: string = "";
}

@json
class Claims {
  iss: string = "";
  aud: string = "";
  sub: string = "";
  kind: string = "";
  iat: u64 = 0;
  exp: u64 = 0;
  jti: string = "";
}

@json
class KeyId {
  kid: string = "";
}

/** One that brings an access token, once. */
@json
class Refresh {
  kind: string = "";
  name: string = "";
  /** Of all that came of one login. */
  family: string = "";
  madeAtMs: u64 = 0;
  isUsed: bool = false;
}

@json
export class Tokens {
  access_token: string = "";
  token_type: string = "Bearer";
  expires_in: u64 = 0;
  refresh_token: string | null = null;
}

export class Shown {
  constructor(
    readonly account: Account,
    readonly expiresAtMs: u64,
  ) {}
}

export function randomText(): Result<string> {
  const bytes = random.bytes(SECRET_BYTES);
  return bytes.isOk ? ok(encodeBase64Url(bytes.value)) : bytes.failure<string>();
}

/** An access token, and a refresh token of the family where one is named. */
export function issue(account: Account, family: string | null): Result<Tokens> {
  const minutes = config.value<u64>("accessMinutes");
  if (!minutes.isOk) return minutes.failure<Tokens>();
  const tokens = new Tokens();
  tokens.expires_in = minutes.value * 60;
  const signed = sign(account, tokens.expires_in);
  if (!signed.isOk) return signed.failure<Tokens>();
  tokens.access_token = signed.value;
  if (family === null) return ok(tokens);
  const kept = keep(account, family);
  if (!kept.isOk) return kept.failure<Tokens>();
  tokens.refresh_token = kept.value;
  return ok(tokens);
}

/** Whose access token it is, as long as he is there and has not been changed since. */
export function check(token: string): Result<Shown> {
  const parts = token.split(".");
  if (parts.length != 3) return nobodys<Shown>();
  const head = parsed<Head>(parts[0]);
  const claims = parsed<Claims>(parts[1]);
  const signature = decodeBase64Url(parts[2]);
  if (head === null || claims === null || signature === null || head.alg != "ES256" || head.typ != TYPE) return nobodys<Shown>();
  const isSigned = isSignedByUs(head.kid, `${parts[0]}.${parts[1]}`, signature);
  if (!isSigned.isOk) return isSigned.failure<Shown>();
  const issuer = config.value<string>("issuer");
  const audience = config.value<string>("audience");
  if (!issuer.isOk) return issuer.failure<Shown>();
  if (!audience.isOk) return audience.failure<Shown>();
  const isOurs = isSigned.value && claims.iss == issuer.value && claims.aud == audience.value;
  if (!isOurs || claims.exp * 1_000 <= clock.now()) return nobodys<Shown>();
  const found = find(claims.kind, claims.sub);
  if (!found.isOk) return found.failure<Shown>();
  const account = found.value;
  if (account === null || account.disabled || claims.iat * 1_000 < account.tokensSinceMs) return nobodys<Shown>();
  return ok(new Shown(account, claims.exp * 1_000));
}

/** The next tokens in the place of a refresh token, which is used up. One that was used before was stolen, now or then: its family ends. */
export function renew(token: string): Result<Tokens> {
  const key = keyOf(token);
  if (!key.isOk) return key.failure<Tokens>();
  const stored = storage.getJson<Refresh>(key.value);
  if (!stored.isOk) return stored.failure<Tokens>();
  const refresh = stored.value;
  if (refresh === null) return nobodys<Tokens>();
  if (refresh.isUsed) {
    const ended = endFamily(refresh.family);
    return ended.isOk ? nobodys<Tokens>() : ended.failure<Tokens>();
  }
  const found = find(refresh.kind, refresh.name);
  if (!found.isOk) return found.failure<Tokens>();
  const account = found.value;
  if (account === null || account.disabled || refresh.madeAtMs < account.tokensSinceMs) return nobodys<Tokens>();
  const isEnded = storage.get(familyKey(refresh.family));
  if (!isEnded.isOk) return isEnded.failure<Tokens>();
  if (isEnded.value !== null) return nobodys<Tokens>();
  refresh.isUsed = true;
  const used = put(key.value, refresh);
  if (!used.isOk) return used.failure<Tokens>();
  return issue(account, refresh.family);
}

/** Ends a refresh token with all that came of the same login. What is none has ended already. */
export function end(token: string): Outcome {
  const key = keyOf(token);
  if (!key.isOk) return key.failure<Nothing>();
  const stored = storage.getJson<Refresh>(key.value);
  if (!stored.isOk) return stored.failure<Nothing>();
  const refresh = stored.value;
  return refresh === null ? done() : endFamily(refresh.family);
}

export function publicKeys(): Result<string[]> {
  return crypto.publicKeys(KEY);
}

function sign(account: Account, seconds: u64): Result<string> {
  const key = crypto.publicKey(KEY, ALGORITHM);
  if (!key.isOk) return key.failure<string>();
  const id = Json.parse<KeyId>(key.value);
  if (!id.isOk) return id.failure<string>();
  const issuer = config.value<string>("issuer");
  const audience = config.value<string>("audience");
  const jti = randomText();
  if (!issuer.isOk) return issuer.failure<string>();
  if (!audience.isOk) return audience.failure<string>();
  if (!jti.isOk) return jti.failure<string>();
  const head = new Head();
  head.kid = id.value.kid;
  const claims = new Claims();
  claims.iss = issuer.value;
  claims.aud = audience.value;
  claims.sub = account.name;
  claims.kind = account.kind;
  // Never before what ended the tokens of before, or the new ones would end with them.
  claims.iat = max(clock.now() / 1_000, account.tokensSinceMs / 1_000);
  claims.exp = clock.now() / 1_000 + seconds;
  claims.jti = jti.value;
  const said = `${textOf<Head>(head)}.${textOf<Claims>(claims)}`;
  const signature = crypto.sign(KEY, ALGORITHM, Uint8Array.wrap(String.UTF8.encode(said)));
  return signature.isOk ? ok(`${said}.${encodeBase64Url(signature.value)}`) : signature.failure<string>();
}

function keep(account: Account, family: string): Result<string> {
  const secret = randomText();
  if (!secret.isOk) return secret;
  const key = keyOf(secret.value);
  if (!key.isOk) return key;
  const refresh = new Refresh();
  refresh.kind = account.kind;
  refresh.name = account.name;
  refresh.family = family;
  refresh.madeAtMs = max(clock.now(), account.tokensSinceMs);
  const kept = put(key.value, refresh);
  return kept.isOk ? secret : kept.failure<string>();
}

function put(key: string, refresh: Refresh): Outcome {
  const ttl = ttlMs();
  return ttl.isOk ? storage.apply([storage.Change.setJson<Refresh>(key, refresh, ttl.value)]) : ttl.failure<Nothing>();
}

/** Remembered as long as one of its tokens could be shown. */
function endFamily(family: string): Outcome {
  const ttl = ttlMs();
  return ttl.isOk ? storage.apply([storage.Change.setText(familyKey(family), "ended", ttl.value)]) : ttl.failure<Nothing>();
}

function ttlMs(): Result<u64> {
  const days = config.value<u64>("refreshDays");
  return days.isOk ? ok<u64>(days.value * 86_400_000) : days;
}

function isSignedByUs(kid: string, said: string, signature: Uint8Array): Result<bool> {
  const keys = crypto.publicKeys(KEY);
  if (!keys.isOk) return keys.failure<bool>();
  for (let i = 0; i < keys.value.length; i++) {
    const id = Json.parse<KeyId>(keys.value[i]);
    if (!id.isOk) return id.failure<bool>();
    if (id.value.kid != kid) continue;
    const key = Uint8Array.wrap(String.UTF8.encode(keys.value[i]));
    return crypto.verify(ALGORITHM, "jwk", key, Uint8Array.wrap(String.UTF8.encode(said)), signature);
  }
  return ok(false);
}

function parsed<T>(part: string): T | null {
  const bytes = decodeBase64Url(part);
  if (bytes === null) return null;
  const found = Json.parse<T>(String.UTF8.decode(bytes.buffer));
  return found.isOk ? found.value : null;
}

function textOf<T>(value: T): string {
  return encodeBase64Url(Uint8Array.wrap(String.UTF8.encode(Json.stringify<T>(value))));
}

function keyOf(token: string): Result<string> {
  const hash = hashOfSecret(token);
  return hash.isOk ? ok(REFRESH + hash.value) : hash;
}

const familyKey = (family: string): string => "ended/" + family;

export function nobodys<T>(): Result<T> {
  return refuse<T>("forbidden", "the token is nobody's: it is none, has ended, or was used before");
}
