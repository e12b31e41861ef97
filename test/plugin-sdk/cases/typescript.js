import {
  blobPieces,
  crypto,
  Failure,
  HostError,
  plugin,
  Refusal,
  rawRoute,
  readBlob,
  readConfig,
  services,
  storage,
  transaction,
  writeBlob,
} from "@bulkhead/sdk";

const same = (request) => request.json({ bigint: true });
const CONFIG = { level: "number", count: "number", on: "boolean", name: "string", rooms: "json", extra: "any" };
const drawnAtBuild = Math.random();

const bytes = (text) => new TextEncoder().encode(text);
const text = (found) => (found === undefined ? undefined : new TextDecoder().decode(found));

/** What it reads is changed behind its back in the first `v` runs. */
function transact(request) {
  const { v } = request.json();
  let runs = 0;
  transaction((tx) => {
    runs += 1;
    const before = text(tx.get("n"));
    if (runs <= v) storage.set("n", bytes(String(runs)));
    if (text(tx.get("n")) !== before) throw new Failure("what was read is not what it was");
    tx.set("n", bytes(`${before ?? "0"}x`));
    if (!text(tx.get("n"))?.endsWith("x")) throw new Failure("what was set is not there");
    tx.set("brief", bytes("b"), { ttlMs: 60_000 });
    tx.remove("gone");
  });
  return { v: runs };
}

/** Uses each function of crypto: answers a hash, a code, a signature and the JWK that verifies it, one after the other. */
function sealed({ bytes: message }) {
  try {
    crypto.hmac("sha256", new Uint8Array(0), message);
    throw new Failure("an empty key is taken");
  } catch (thrown) {
    if (!(thrown instanceof HostError && thrown.code === "invalid-message")) throw thrown;
  }
  const hash = crypto.digest("sha256", message);
  const code = crypto.hmac("sha512", bytes("key"), message);
  const signature = crypto.sign("tokens", "es256", message);
  const jwk = crypto.publicKey("tokens");
  if (String(crypto.publicKeys("tokens")) !== jwk) throw new Failure("there is another key");
  const isSigned = crypto.verify("es256", "jwk", bytes(jwk), message, signature);
  if (!isSigned || !crypto.equal(hash, hash) || crypto.equal(hash, code)) throw new Failure("nothing is verified");
  const phc = crypto.passwordHash("pässword");
  if (!crypto.passwordVerify("pässword", phc) || crypto.passwordVerify("password", phc)) throw new Failure("a password is another");
  return Uint8Array.from([hash, code, signature, bytes(jwk)].flatMap((part) => [...part]));
}

/** Copies the blob "in" to "out" and answers the copy. */
function blob() {
  try {
    writeBlob("out", blobPieces("in"), { mediaType: "text/plain" });
  } catch (thrown) {
    if (thrown instanceof HostError && thrown.code === "invalid-message") return "no blob";
    throw thrown;
  }
  return readBlob("out");
}

function refuse(request) {
  const { v: reason } = request.json();
  if (reason === "unavailable") throw new Refusal(reason, 'gone for "1" é', { retryAfterMs: 1500 });
  throw new Refusal(reason, 'no "1" é');
}

const passed = () => services.call("vault.open", new Uint8Array(0));

function seen() {
  try {
    passed();
  } catch (thrown) {
    if (thrown instanceof HostError) return `${thrown.code} ${thrown.reason} ${thrown.retryAfterMs ?? 0}`;
  }
  return "nothing was refused";
}

export const entryPoints = plugin({
  services: {
    any: same,
    floats: same,
    signed: same,
    unsigned: same,
    text: same,
    unfit: (request) => ({ a: 1, list: [{ x: 0 }, { x: Number(request.text()) }] }),
    random: () => [Math.random(), Math.random(), Math.random(), Math.random()],
    frozen: () => [drawnAtBuild],
    transact,
    blob,
    sealed,
    refuse,
    passed,
    seen,
    configured: () => ({ extra: 7, ...readConfig(CONFIG) }),
    route: rawRoute((request) => ({
      status: 201,
      headers: { etag: `${request.method} ${request.params.id} ${request.query} ${request.header("X-Test") ?? "none"}` },
      body: request.bytes,
    })),
  },
});
