import random
from dataclasses import asdict, dataclass
from typing import Literal

from bulkhead import EntryPoints, Failure, HostError, Refusal, Request, RouteAnswer, RouteRequest, Transaction, blob_pieces, crypto, raw_route, read_blob, read_config, service, services, storage, transaction, write_blob

__all__ = ["EntryPoints"]

DRAWN_AT_BUILD = random.random()


def same(request: Request) -> object:
    return request.json()


for name in ("any", "floats", "signed", "unsigned", "text"):
    service(name)(same)


@service("unfit")
def unfit(request: Request) -> object:
    return {"a": 1, "list": [{"x": 0}, {"x": float(request.text())}]}


@service("random")
def drawn(_: Request) -> object:
    return [random.random() for _ in range(4)]


@service("frozen")
def frozen(_: Request) -> object:
    return [DRAWN_AT_BUILD]


@raw_route("route")
def route(request: RouteRequest) -> RouteAnswer:
    etag = f"{request.method} {request.params['id']} {request.query} {request.header('X-Test') or 'none'}"
    return RouteAnswer(201, {"etag": etag}, request.bytes)


@service("sealed")
def sealed(request: Request) -> object:
    """Uses each function of crypto: answers a hash, a code, a signature and the JWK that verifies it, one after the other."""
    message = request.bytes
    try:
        crypto.hmac(crypto.HashAlgorithm.SHA256, b"", message)
        raise Failure("an empty key is taken")
    except HostError as refused:
        if refused.code != "invalid-message":
            raise
    hash = crypto.digest(crypto.HashAlgorithm.SHA256, message)
    code = crypto.hmac(crypto.HashAlgorithm.SHA512, b"key", message)
    signature = crypto.sign("tokens", crypto.KeyAlgorithm.ES256, message)
    jwk = crypto.public_key("tokens", None)
    if crypto.public_keys("tokens") != [jwk]:
        raise Failure("there is another key")
    is_signed = crypto.verify(crypto.SignatureAlgorithm.ES256, crypto.KeyFormat.JWK, jwk.encode(), message, signature)
    if not is_signed or not crypto.equal(hash, hash) or crypto.equal(hash, code):
        raise Failure("nothing is verified")
    phc = crypto.password_hash("pässword")
    if not crypto.password_verify("pässword", phc) or crypto.password_verify("password", phc):
        raise Failure("a password is another")
    return hash + code + signature + jwk.encode()


@service("blob")
def blob(_: Request) -> object:
    """Copies the blob "in" to "out" and answers the copy."""
    try:
        write_blob("out", blob_pieces("in"), "text/plain")
    except HostError as missing:
        if missing.code == "invalid-message":
            return b"no blob"
        raise
    return read_blob("out")


@service("transact")
def transact(request: Request) -> object:
    """What it reads is changed behind its back in the first ``v`` runs."""
    disturbed = request.json()["v"]
    runs = 0

    def once(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        before = tx.get("n")
        if runs <= disturbed:
            storage.set("n", str(runs).encode())
        if tx.get("n") != before:
            raise Failure("what was read is not what it was")
        tx.set("n", (b"0" if before is None else before) + b"x")
        if not (tx.get("n") or b"").endswith(b"x"):
            raise Failure("what was set is not there")
        tx.set("brief", b"b", ttl_ms=60_000)
        tx.delete("gone")

    transaction(once)
    return {"v": runs}


@service("refuse")
def refuse(request: Request) -> object:
    reason = request.json()["v"]
    if reason == "unavailable":
        raise Refusal(reason, 'gone for "1" é', retry_after_ms=1500)
    raise Refusal(reason, 'no "1" é')


@service("passed")
def passed(_: Request) -> object:
    return services.call("vault.open", b"")


@service("seen")
def seen(_: Request) -> object:
    try:
        services.call("vault.open", b"")
    except HostError as refused:
        return f"{refused.code} {refused.reason} {refused.retry_after_ms or 0}"
    return "nothing was refused"


@dataclass
class Settings:
    level: float
    count: int
    on: bool
    name: str | None
    rooms: list[str]
    extra: Literal["none"] | int = 7


@service("configured")
def configured(_: Request) -> object:
    return asdict(read_config(Settings))
