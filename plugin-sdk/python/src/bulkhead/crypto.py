# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Hashes, signatures and passwords. `digest`, `hmac`, `verify` and `equal` are computed where the plugin runs and cost it CPU time; the others are
answered by the host, which keeps the keys that plugins sign with. Random bytes come from `random`. A message has at most `limits.payloadMiB`.
"""

from wit_world.imports import crypto as _host
from wit_world.imports.crypto import HashAlgorithm, SignatureAlgorithm, KeyFormat, KeyAlgorithm

from ._error import asking

__all__ = ["HashAlgorithm", "SignatureAlgorithm", "KeyFormat", "KeyAlgorithm", "digest", "hmac", "verify", "equal", "password_hash", "password_verify", "sign", "public_key", "public_keys"]


def digest(algorithm: HashAlgorithm, message: bytes) -> bytes:
    """The hash of a message.

    Fails with quota-exceeded (size).
    """
    with asking():
        return _host.digest(algorithm, message)


def hmac(algorithm: HashAlgorithm, key: bytes, message: bytes) -> bytes:
    """The authentication code (HMAC) of a message under a secret key of 1 to 4,096 bytes. Compare it with `equal`.

    Fails with invalid-message (key), quota-exceeded (size).
    """
    with asking():
        return _host.hmac(algorithm, key, message)


def verify(algorithm: SignatureAlgorithm, format: KeyFormat, key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a public key's owner has signed the message. A signature that is malformed, or has another length, is none. Whose the key is, the plugin has to know:
    never take it from what was signed. Keys of RSA have 2,048 to 4,096 bits and an odd exponent from 3 to 4,294,967,295. Where a JWK has `alg`,
    `use` or `key_ops`, they must fit.

    Fails with invalid-message (key), quota-exceeded (size).
    """
    with asking():
        return _host.verify(algorithm, format, key, message, signature)


def equal(one: bytes, other: bytes) -> bool:
    """Whether both are the same bytes, in a time that depends on their lengths only.

    Fails with quota-exceeded (size).
    """
    with asking():
        return _host.equal(one, other)


def password_hash(password: str) -> str:
    """What to store of a password of 1 to 1,024 bytes of UTF-8: argon2id with a salt of its own and the host's parameters, in the form
    `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. It takes tens of milliseconds, which count as the host's work for this plugin.

    Fails with invalid-message (password), rate-limited (8 of this plugin wait; `retry-after-ms` says for how long), deadline-exceeded (it could not
    begin within the turn).
    """
    with asking():
        return _host.password_hash(password)


def password_verify(password: str, phc: str) -> bool:
    """Whether `phc` was made of this password, by `password-hash` or by anybody else's argon2id. Takes as long for a wrong one as for the right one.

    Fails with invalid-message (password; `phc` is no argon2id in that form, or asks for more than the operator allows), rate-limited,
    deadline-exceeded.
    """
    with asking():
        return _host.password_verify(password, phc)


def sign(key: str, algorithm: KeyAlgorithm | None, message: bytes) -> bytes:
    """Signs the message, as it is, with a key that the host made for this plugin under this name and shows to nobody: 1 to 63 lower-case letters, digits and
    hyphens, with a letter first. The first use of a name makes its key, of `algorithm` or ed25519. A signature is as `verify` takes it. The message has at most
    65,536 bytes; of more, sign the digest. Needs `keys.sign` on the name.

    Fails with permission-denied, invalid-message (name), conflict (the key is of another algorithm), quota-exceeded (size), storage-failed.
    """
    with asking():
        return _host.sign(key, algorithm, message)


def public_key(key: str, algorithm: KeyAlgorithm | None = None) -> str:
    """The public half of what `sign` signs with, as a JWK with `kid`, `alg` and `use`. Makes the key like `sign`. Needs `keys.sign` on the name.

    Fails like `sign`.
    """
    with asking():
        return _host.public_key(key, algorithm)


def public_keys(key: str) -> list[str]:
    """The JWKs of all keys that had this name, the one that signs first: the operator rotates keys, and what an earlier one has signed is to be
    verified until the operator removes it. None while nobody has used the name. Needs `keys.sign` on the name.

    Fails with permission-denied, invalid-message (name), storage-failed.
    """
    with asking():
        return _host.public_keys(key)
