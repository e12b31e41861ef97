import { Json, Nothing, Result, Transaction, config, crypto, done, fail, ok, rawService, refuse, service, services, storage, textService, transaction, readBlob, writeBlob } from "@bulkhead/assemblyscript";

@json
class Float {
  v!: f64;
}

@json
class Signed {
  v!: i64;
}

@json
class Unsigned {
  v!: u64;
}

@json
class Text {
  v!: string;
}

@json
class X {
  constructor(public x: f64 = 0) {}
}

@json
class Unfit {
  a: i32 = 1;
  list: X[] = [];
}

export function any(): i32 {
  return service<Json, Json>((value) => ok(value));
}

export function floats(): i32 {
  return service<Float, Float>((value) => ok(value));
}

export function signed(): i32 {
  return service<Signed, Signed>((value) => ok(value));
}

export function unsigned(): i32 {
  return service<Unsigned, Unsigned>((value) => ok(value));
}

export function text(): i32 {
  return service<Text, Text>((value) => ok(value));
}

export function unfit(): i32 {
  return service<Json, Unfit>((value) => {
    const name = value.toString();
    if (name.length < 5) return fail<Unfit>("no number");
    const answer = new Unfit();
    answer.list = [new X(), new X(name == '"NaN"' ? NaN : name == '"Infinity"' ? Infinity : -Infinity)];
    return ok(answer);
  });
}

export function random(): i32 {
  return service<Json, f64[]>(() => ok([Math.random(), Math.random(), Math.random(), Math.random()]));
}

class Disturbed {
  runs: u64 = 0;
  constructor(public times: u64) {}
}

/** What it reads is changed behind its back in the first runs. */
function transactOnce(tx: Transaction, state: Disturbed): Result<Nothing> {
  state.runs++;
  const before = tx.getText("n").value;
  if (state.runs <= state.times) storage.setText("n", state.runs.toString());
  const again = tx.getText("n").value;
  if (again != before) return fail<Nothing>("what was read is not what it was");
  tx.setText("n", (before === null ? "0" : before) + "x");
  const own = tx.getText("n").value;
  if (own === null || !own.endsWith("x")) return fail<Nothing>("what was set is not there");
  tx.setText("brief", "b", 60_000);
  tx.remove("gone");
  return done();
}

export function transact(): i32 {
  return service<Unsigned, Unsigned>((disturbed) => {
    const state = new Disturbed(disturbed.v);
    const made = transaction<Disturbed, Nothing>(state, transactOnce);
    if (!made.isOk) return made.failure<Unsigned>();
    const answer = new Unsigned();
    answer.v = state.runs;
    return ok(answer);
  });
}

export function refuse_(): i32 {
  return service<Text, Nothing>((request) => {
    if (request.v == "unavailable") return refuse<Nothing>(request.v, 'gone for "1" é', 1500);
    return refuse<Nothing>(request.v, 'no "1" é');
  });
}

export function passed(): i32 {
  return rawService((_) => services.callRaw("vault.open", new Uint8Array(0)));
}

export function seen(): i32 {
  return textService((_) => {
    const refused = services.callRaw("vault.open", new Uint8Array(0));
    if (refused.isOk) return fail<string>("nothing was refused");
    const error = refused.error;
    const reason = error.reason;
    return ok<string>(`${error.code} ${reason === null ? "" : reason} ${error.retryAfterMs}`);
  });
}

const utf8 = (text: string): Uint8Array => Uint8Array.wrap(String.UTF8.encode(text));

function joined(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce<i32>((size, part) => size + part.length, 0));
  for (let i = 0, at = 0; i < parts.length; at += parts[i].length, i++) all.set(parts[i], at);
  return all;
}

/** Uses each function of crypto: answers a hash, a code, a signature and the JWK that verifies it, one after the other. */
export function sealed(): i32 {
  return rawService((message) => {
    const empty = crypto.hmac(crypto.HashAlgorithm.sha256, new Uint8Array(0), message);
    if (empty.isOk || empty.error.code != "invalid-message") return fail<Uint8Array>("an empty key is taken");
    const hash = crypto.digest(crypto.HashAlgorithm.sha256, message).value;
    const code = crypto.hmac(crypto.HashAlgorithm.sha512, utf8("key"), message).value;
    const signature = crypto.sign("tokens", crypto.KeyAlgorithm.es256, message);
    if (!signature.isOk) return signature.failure<Uint8Array>();
    const jwk = crypto.publicKey("tokens").value;
    const keys = crypto.publicKeys("tokens").value;
    if (keys.length != 1 || keys[0] != jwk) return fail<Uint8Array>("there is another key");
    const isSigned = crypto.verify(crypto.SignatureAlgorithm.es256, crypto.KeyFormat.jwk, utf8(jwk), message, signature.value);
    if (!isSigned.value || !crypto.equal(hash, hash).value || crypto.equal(hash, code).value) return fail<Uint8Array>("nothing is verified");
    const phc = crypto.passwordHash("pässword").value;
    if (!crypto.passwordVerify("pässword", phc).value || crypto.passwordVerify("password", phc).value) return fail<Uint8Array>("a password is another");
    return ok(joined([hash, code, signature.value, utf8(jwk)]));
  });
}

/** Copies the blob "in" to "out" and answers the copy. */
export function blob(): i32 {
  return rawService((_) => {
    const source = readBlob("in");
    if (!source.isOk) return ok(Uint8Array.wrap(String.UTF8.encode("no blob")));
    const copied = writeBlob("out", source.value, "text/plain");
    return copied.isOk ? readBlob("out") : copied.failure<Uint8Array>();
  });
}

@json
class Settings {
  level: f64 = 0;
  count: i32 = 0;
  on: bool = false;
  name: string = "";
  rooms: string[] = [];
  extra: u8 = 0;
}

export function configured(): i32 {
  return textService((_) => {
    const level = config.value<f64>("level");
    if (!level.isOk) return level.failure<string>();
    const settings = new Settings();
    settings.level = level.value;
    settings.count = config.value<i32>("count").value;
    settings.on = config.value<bool>("on").value;
    settings.name = config.value<string>("name").value;
    settings.rooms = config.value<string[]>("rooms").value;
    settings.extra = config.valueOr<u8>("extra", 7).value;
    return ok<string>(Json.stringify<Settings>(settings));
  });
}
