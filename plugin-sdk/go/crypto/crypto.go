// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package crypto:
// Hashes, signatures and passwords. `digest`, `hmac`, `verify` and `equal` are computed where the plugin runs and cost it CPU time; the others are
// answered by the host, which keeps the keys that plugins sign with. Random bytes come from `random`. A message has at most `limits.payloadMiB`.
package crypto

import "bulkhead.local/sdk/internal/abi"

type HashAlgorithm string

const (
	HashAlgorithmSha256 HashAlgorithm = "sha256"
	HashAlgorithmSha384 HashAlgorithm = "sha384"
	HashAlgorithmSha512 HashAlgorithm = "sha512"
)

// SignatureAlgorithm:
// How a signature is made, by the names of JSON Web Signatures.
type SignatureAlgorithm string

const (
	// 64 bytes.
	SignatureAlgorithmEd25519 SignatureAlgorithm = "ed25519"
	// ECDSA with P-256 and SHA-256: 64 bytes, r and s one after the other.
	SignatureAlgorithmEs256 SignatureAlgorithm = "es256"
	// RSA with PKCS #1 v1.5 and SHA-256: as many bytes as the key.
	SignatureAlgorithmRs256 SignatureAlgorithm = "rs256"
	// RSA with PSS, MGF1, SHA-256 and a salt of 32 bytes: as many bytes as the key.
	SignatureAlgorithmPs256 SignatureAlgorithm = "ps256"
)

type KeyFormat string

const (
	// A JSON Web Key, as a JSON text of at most 8,192 bytes. Private members are passed over.
	KeyFormatJwk KeyFormat = "jwk"
	// The bytes of the key: 32 for ed25519, the 65 of the uncompressed point for es256. Keys of RSA have no such form.
	KeyFormatRaw KeyFormat = "raw"
)

//go:wasmimport extism:host/user crypto_digest
func cryptoDigest(algorithm uint64, message uint64) uint64

// Digest:
// The hash of a message.
//
// Fails with quota-exceeded (size).
func Digest(algorithm HashAlgorithm, message []byte) ([]byte, error) {
	call := abi.Begin()
	return call.BytesAnswer(cryptoDigest(call.JSON(algorithm), call.Bytes(message)))
}

//go:wasmimport extism:host/user crypto_hmac
func cryptoHmac(algorithm uint64, key uint64, message uint64) uint64

// Hmac:
// The authentication code (HMAC) of a message under a secret key of 1 to 4,096 bytes. Compare it with `equal`.
//
// Fails with invalid-message (key), quota-exceeded (size).
func Hmac(algorithm HashAlgorithm, key []byte, message []byte) ([]byte, error) {
	call := abi.Begin()
	return call.BytesAnswer(cryptoHmac(call.JSON(algorithm), call.Bytes(key), call.Bytes(message)))
}

//go:wasmimport extism:host/user crypto_verify
func cryptoVerify(algorithm uint64, format uint64, key uint64, message uint64, signature uint64) uint64

// Verify:
// Whether a public key's owner has signed the message. A signature that is malformed, or has another length, is none. Whose the key is, the plugin has to know:
// never take it from what was signed. Keys of RSA have 2,048 to 4,096 bits and an odd exponent from 3 to 4,294,967,295. Where a JWK has `alg`,
// `use` or `key_ops`, they must fit.
//
// Fails with invalid-message (key), quota-exceeded (size).
func Verify(algorithm SignatureAlgorithm, format KeyFormat, key []byte, message []byte, signature []byte) (bool, error) {
	call := abi.Begin()
	return abi.JSONAnswer[bool](call, cryptoVerify(call.JSON(algorithm), call.JSON(format), call.Bytes(key), call.Bytes(message), call.Bytes(signature)))
}

//go:wasmimport extism:host/user crypto_equal
func cryptoEqual(one uint64, other uint64) uint64

// Equal:
// Whether both are the same bytes, in a time that depends on their lengths only.
//
// Fails with quota-exceeded (size).
func Equal(one []byte, other []byte) (bool, error) {
	call := abi.Begin()
	return abi.JSONAnswer[bool](call, cryptoEqual(call.Bytes(one), call.Bytes(other)))
}

//go:wasmimport extism:host/user crypto_password_hash
func cryptoPasswordHash(password uint64) uint64

// PasswordHash:
// What to store of a password of 1 to 1,024 bytes of UTF-8: argon2id with a salt of its own and the host's parameters, in the form
// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. It takes tens of milliseconds, which count as the host's work for this plugin.
//
// Fails with invalid-message (password), rate-limited (8 of this plugin wait; `retry-after-ms` says for how long), deadline-exceeded (it could not
// begin within the turn).
func PasswordHash(password string) (string, error) {
	call := abi.Begin()
	return call.TextAnswer(cryptoPasswordHash(call.Text(password)))
}

//go:wasmimport extism:host/user crypto_password_verify
func cryptoPasswordVerify(password uint64, phc uint64) uint64

// PasswordVerify:
// Whether `phc` was made of this password, by `password-hash` or by anybody else's argon2id. Takes as long for a wrong one as for the right one.
//
// Fails with invalid-message (password; `phc` is no argon2id in that form, or asks for more than the operator allows), rate-limited,
// deadline-exceeded.
func PasswordVerify(password string, phc string) (bool, error) {
	call := abi.Begin()
	return abi.JSONAnswer[bool](call, cryptoPasswordVerify(call.Text(password), call.Text(phc)))
}

type KeyAlgorithm string

const (
	KeyAlgorithmEd25519 KeyAlgorithm = "ed25519"
	KeyAlgorithmEs256   KeyAlgorithm = "es256"
)

//go:wasmimport extism:host/user crypto_sign
func cryptoSign(key uint64, algorithm uint64, message uint64) uint64

// Sign:
// Signs the message, as it is, with a key that the host made for this plugin under this name and shows to nobody: 1 to 63 lower-case letters, digits and
// hyphens, with a letter first. The first use of a name makes its key, of `algorithm` or ed25519. A signature is as `verify` takes it. The message has at most
// 65,536 bytes; of more, sign the digest. Needs `keys.sign` on the name.
//
// Fails with permission-denied, invalid-message (name), conflict (the key is of another algorithm), quota-exceeded (size), storage-failed.
func Sign(key string, algorithm *KeyAlgorithm, message []byte) ([]byte, error) {
	call := abi.Begin()
	return call.BytesAnswer(cryptoSign(call.Text(key), call.JSON(algorithm), call.Bytes(message)))
}

//go:wasmimport extism:host/user crypto_public_key
func cryptoPublicKey(key uint64, algorithm uint64) uint64

// PublicKey:
// The public half of what `sign` signs with, as a JWK with `kid`, `alg` and `use`. Makes the key like `sign`. Needs `keys.sign` on the name.
//
// Fails like `sign`.
func PublicKey(key string, algorithm *KeyAlgorithm) (string, error) {
	call := abi.Begin()
	return call.TextAnswer(cryptoPublicKey(call.Text(key), call.JSON(algorithm)))
}

//go:wasmimport extism:host/user crypto_public_keys
func cryptoPublicKeys(key uint64) uint64

// PublicKeys:
// The JWKs of all keys that had this name, the one that signs first: the operator rotates keys, and what an earlier one has signed is to be
// verified until the operator removes it. None while nobody has used the name. Needs `keys.sign` on the name.
//
// Fails with permission-denied, invalid-message (name), storage-failed.
func PublicKeys(key string) ([]string, error) {
	call := abi.Begin()
	return abi.JSONAnswer[[]string](call, cryptoPublicKeys(call.Text(key)))
}
