# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Hashes, signatures and passwords. `digest`, `hmac`, `verify` and `equal` are computed where the plugin runs and cost it CPU time; the others are
answered by the host, which keeps the keys that plugins sign with. Random bytes come from `random`. A message has at most `limits.payloadMiB`.
"""

from __future__ import annotations

from enum import Enum

from ._turn import asking

__all__ = ["HashAlgorithm", "SignatureAlgorithm", "KeyFormat", "KeyAlgorithm", "digest", "hmac", "verify", "equal", "password_hash", "password_verify", "sign", "public_key", "public_keys"]


class HashAlgorithm(Enum):
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class SignatureAlgorithm(Enum):
    """How a signature is made, by the names of JSON Web Signatures."""
    ED25519 = "ed25519"
    ES256 = "es256"
    RS256 = "rs256"
    PS256 = "ps256"


class KeyFormat(Enum):
    JWK = "jwk"
    RAW = "raw"


class KeyAlgorithm(Enum):
    ED25519 = "ed25519"
    ES256 = "es256"


def digest(algorithm: HashAlgorithm, message: bytes) -> bytes:
    """The hash of a message.

    Fails with quota-exceeded (size).
    """
    return asking("crypto.digest", ((HashAlgorithm, algorithm), ("bytes", message)), "bytes")


def hmac(algorithm: HashAlgorithm, key: bytes, message: bytes) -> bytes:
    """The authentication code (HMAC) of a message under a secret key of 1 to 4,096 bytes. Compare it with `equal`.

    Fails with invalid-message (key), quota-exceeded (size).
    """
    return asking("crypto.hmac", ((HashAlgorithm, algorithm), ("bytes", key), ("bytes", message)), "bytes")


def verify(algorithm: SignatureAlgorithm, format: KeyFormat, key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a public key's owner has signed the message. A signature that is malformed, or has another length, is none. Whose the key is, the plugin has to know:
    never take it from what was signed. Keys of RSA have 2,048 to 4,096 bits and an odd exponent from 3 to 4,294,967,295. Where a JWK has `alg`,
    `use` or `key_ops`, they must fit.

    Fails with invalid-message (key), quota-exceeded (size).
    """
    return asking("crypto.verify", ((SignatureAlgorithm, algorithm), (KeyFormat, format), ("bytes", key), ("bytes", message), ("bytes", signature)), "plain")


def equal(one: bytes, other: bytes) -> bool:
    """Whether both are the same bytes, in a time that depends on their lengths only.

    Fails with quota-exceeded (size).
    """
    return asking("crypto.equal", (("bytes", one), ("bytes", other)), "plain")


def password_hash(password: str) -> str:
    """What to store of a password of 1 to 1,024 bytes of UTF-8: argon2id with a salt of its own and the host's parameters, in the form
    `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. It takes tens of milliseconds, which count as the host's work for this plugin.

    Fails with invalid-message (password), rate-limited (8 of this plugin wait; `retry-after-ms` says for how long), deadline-exceeded (it could not
    begin within the turn).
    """
    return asking("crypto.password-hash", (("string", password),), "string")


def password_verify(password: str, phc: str) -> bool:
    """Whether `phc` was made of this password, by `password-hash` or by anybody else's argon2id. Takes as long for a wrong one as for the right one.

    Fails with invalid-message (password; `phc` is no argon2id in that form, or asks for more than the operator allows), rate-limited,
    deadline-exceeded.
    """
    return asking("crypto.password-verify", (("string", password), ("string", phc)), "plain")


def sign(key: str, algorithm: KeyAlgorithm | None, message: bytes) -> bytes:
    """Signs the message, as it is, with a key that the host made for this plugin under this name and shows to nobody: 1 to 63 lower-case letters, digits and
    hyphens, with a letter first. The first use of a name makes its key, of `algorithm` or ed25519. A signature is as `verify` takes it. The message has at most
    65,536 bytes; of more, sign the digest. Needs `keys.sign` on the name.

    Fails with permission-denied, invalid-message (name), conflict (the key is of another algorithm), quota-exceeded (size), storage-failed.
    """
    return asking("crypto.sign", (("string", key), (("option", KeyAlgorithm), algorithm), ("bytes", message)), "bytes")


def public_key(key: str, algorithm: KeyAlgorithm | None = None) -> str:
    """The public half of what `sign` signs with, as a JWK with `kid`, `alg` and `use`. Makes the key like `sign`. Needs `keys.sign` on the name.

    Fails like `sign`.
    """
    return asking("crypto.public-key", (("string", key), (("option", KeyAlgorithm), algorithm)), "string")


def public_keys(key: str) -> list[str]:
    """The JWKs of all keys that had this name, the one that signs first: the operator rotates keys, and what an earlier one has signed is to be
    verified until the operator removes it. None while nobody has used the name. Needs `keys.sign` on the name.

    Fails with permission-denied, invalid-message (name), storage-failed.
    """
    return asking("crypto.public-keys", (("string", key),), ("list", "string"))
