// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Every function that the host gives, exactly as docs/abi.md names it. A block handle is a u64; nothing else is declared elsewhere.

@external("extism:host/env", "alloc")
export declare function alloc(length: u64): u64;

@external("extism:host/env", "length")
export declare function length(block: u64): u64;

@external("extism:host/env", "load_u8")
export declare function load_u8(offset: u64): i32;

@external("extism:host/env", "input_offset")
export declare function input_offset(): u64;

@external("extism:host/env", "input_length")
export declare function input_length(): u64;

@external("extism:host/env", "output_set")
export declare function output_set(offset: u64, length: u64): void;

@external("extism:host/env", "error_set")
export declare function error_set(block: u64): void;

@external("bulkhead:host/memory", "release")
export declare function release(block: u64): void;

@external("bulkhead:host/memory", "load")
export declare function load_bytes(offset: u64, address: usize, length: i32): void;

@external("bulkhead:host/memory", "store")
export declare function store_bytes(address: usize, offset: u64, length: i32): void;

/// Writes one line. Control characters are escaped; a line above 8,192 characters is cut and says so.
@external("extism:host/user", "log_write")
export declare function log_write(level: u64, message: u64): u64;

/// Publishes one event and returns its id as soon as the host has accepted it; subscribers run later, each in its
/// own turn. Types below the plugin's own name (`devices.state-changed` from the plugin `devices`) need no
/// permission, any other needs `events.publish`. With the content type `application/json` the data must be one JSON
/// text and arrives as `data`; anything else arrives base64-encoded as `data_base64`. The host stamps `id`,
/// `source`, `time` and `traceparent`.
///
/// Fails with invalid-message (type, JSON), permission-denied, rate-limited, quota-exceeded (size).
@external("extism:host/user", "events_publish")
export declare function events_publish(eventType: u64, contentType: u64, data: u64): u64;

/// Calls a service and waits for its answer. Needs the permission `services.call`. A plugin's own service is a call-loop.
/// The deadline is the earlier of `deadline-ms` from this call on and just before the end of the current turn's own.
///
/// Fails with permission-denied, no-such-service, call-loop (the provider waits, directly or not, for this very
/// turn), queue-full, rate-limited (`retry-after-ms` says for how long), deadline-exceeded, refused (the provider says no;
/// `reason` says why), plugin-failed (the provider's own failure; `message` is what it said), plugin-not-running,
/// quota-exceeded (size); and where the provider is on another host, host-unreachable (nothing was done) and host-lost
/// (nobody knows).
@external("extism:host/user", "services_call")
export declare function services_call(service: u64, payload: u64, deadlineMs: u64): u64;

/// Calls a service without waiting for it, and answers the id of the message as soon as the provider has it in its queue or,
/// for a durable one, as soon as it is on the disk. What the service answers is dropped; a failure is told to the operator. A
/// durable message that fails is tried again after growing pauses; after the last attempt, or when the provider refuses it
/// other than with `unavailable`, it is a dead letter. Needs the permission `services.call`, now and when the message is
/// delivered. Sends count as events for `limits.publishesPerSecond`.
///
/// Fails with permission-denied, no-such-service, invalid-message (id), rate-limited (`retry-after-ms` says for how long),
/// queue-full (the provider's queue, or too much that this plugin or all together have sent waits), plugin-not-running,
/// quota-exceeded (size); a durable one not with plugin-not-running but with storage-failed.
@external("extism:host/user", "services_send")
export declare function services_send(service: u64, payload: u64, options: u64): u64;

/// Who asked for the current turn. Stamped by the host; nobody can forge it.
@external("extism:host/user", "services_current_caller")
export declare function services_current_caller(): u64;

/// Who came by the adapter that asked for the current turn, as the host knows him: such as `user:ada`, `token:ci` or
/// `anonymous`. None when no adapter asked. Stamped by the host; nobody can forge it.
@external("extism:host/user", "services_current_principal")
export declare function services_current_principal(): u64;

/// Asks all plugins that extend the point and may answer it, side by side, and waits for them. Which points there are
/// is declared by the program that the host is part of, `shop.discount` by `shop`, and by plugins in their manifests
/// under `extensionPoints`. A plugin's own points need no permission, and nobody else may ask them; those of the
/// program need `extensions.ask`.
///
/// The answers come in the order of the plugins' priorities, highest first, then of their names. A plugin that does not
/// run, fails, is late, says too much or answers what the point does not take is left out; so is one that waits,
/// directly or not, for this very turn, such as the plugin that asks. At most 32 are asked, the first ones in that
/// order. Their answers have at most 1 MiB together, of which each may take an equal share.
///
/// All have until `deadline-ms` from this call on, and until just before the end of the current turn. Without
/// `deadline-ms` one that is late takes all the time that this turn has left.
///
/// Fails with permission-denied, no-such-service (nobody declares the point), invalid-message (the input is not what
/// the point takes), quota-exceeded (size), deadline-exceeded (no time is left to ask).
@external("extism:host/user", "extensions_ask")
export declare function extensions_ask(point: u64, input: u64, deadlineMs: u64): u64;

/// Makes a request and waits for the whole answer. Follows up to five redirects, each of which needs the permission as well.
/// Needs `http.fetch` on the method and URL; for an address that is not public also `http.private` on the address.
///
/// Fails with invalid-message (request), permission-denied, rate-limited (too many at once), quota-exceeded (size),
/// deadline-exceeded, http-failed (the server could not be reached or broke off).
@external("extism:host/user", "http_fetch")
export declare function http_fetch(request: u64, body: u64): u64;

/// Like `fetch`, with a time limit of its own, and with bodies that come out of blobs and go into them without passing through
/// the plugin. What goes into a blob is bounded by `limits.blobMiB`, what comes as `body` by `limits.payloadMiB`.
///
/// Fails like `fetch`, and with invalid-message (options, a blob that is not there), quota-exceeded (the blob), conflict (the blob that is sent
/// was replaced or removed meanwhile), storage-failed.
@external("extism:host/user", "http_fetch_with")
export declare function http_fetch_with(request: u64, body: u64, options: u64): u64;

/// The value, or none when nobody has set the key. Needs `state.read`.
@external("extism:host/user", "state_get")
export declare function state_get(key: u64): u64;

/// Sets a value of at most 64 KiB. Needs `state.write`.
@external("extism:host/user", "state_set")
export declare function state_set(key: u64, value: u64): u64;

/// Removes a value and says whether there was one. Needs `state.write`.
@external("extism:host/user", "state_delete")
export declare function state_delete(key: u64): u64;

/// The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000.
@external("extism:host/user", "state_keys")
export declare function state_keys(prefix: u64): u64;

/// The value with its revision, or none when nobody has set the key. Needs `state.read`.
@external("extism:host/user", "state_get_versioned")
export declare function state_get_versioned(key: u64): u64;

/// Sets or removes a value if the expected revision is there, and answers the revision that this made; none when another is there, and nothing has
/// changed: that is an answer, not a failure, so read again and try again. Needs `state.write`.
///
/// Fails with invalid-message (key, ttl-ms of 0), permission-denied, quota-exceeded (value size, keys and bytes of this plugin, of all plugins), storage-failed.
@external("extism:host/user", "state_put")
export declare function state_put(write: u64): u64;

/// Like `keys`, one page: those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with the last key as `after`; a page may have fewer
/// keys than asked for although more follow, and none only when none follow.
@external("extism:host/user", "state_list_keys")
export declare function state_list_keys(prefix: u64, after: u64, limit: u64): u64;

/// The value, or none when the key is absent.
///
/// Fails with invalid-message (key), storage-failed.
@external("extism:host/user", "storage_get")
export declare function storage_get(key: u64): u64;

/// Sets a value. Once this returns the value survives a crash of the host's process.
///
/// Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
@external("extism:host/user", "storage_set")
export declare function storage_set(key: u64, value: u64): u64;

/// Removes a value and says whether there was one.
@external("extism:host/user", "storage_delete")
export declare function storage_delete(key: u64): u64;

/// The values of up to 1,000 keys, each in its key's place, none for an absent one.
///
/// Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
@external("extism:host/user", "storage_get_many")
export declare function storage_get_many(keys: u64): u64;

/// Makes up to 1,000 changes in this order: all of them, or none when one fails.
///
/// Fails with invalid-message (key, ttl-ms of 0, more than 1,000 changes), quota-exceeded (value size, bytes in all), storage-failed.
@external("extism:host/user", "storage_apply")
export declare function storage_apply(changes: u64): u64;

/// The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to
/// 1,000). Ask again with the last key as `after` for the next page.
@external("extism:host/user", "storage_keys")
export declare function storage_keys(prefix: u64, after: u64, limit: u64): u64;

/// The value with its version, or none when the key is absent.
///
/// Fails with invalid-message (key), storage-failed.
@external("extism:host/user", "storage_get_versioned")
export declare function storage_get_versioned(key: u64): u64;

/// Makes up to 1,000 changes in this order, all of them or none, provided that up to 1,000 keys still have the versions
/// that were read. A check that fails is an answer and no error: read again and try again. A value whose time is over
/// counts as absent.
///
/// Fails with invalid-message (key, ttl-ms of 0, more than 1,000 checks or changes), quota-exceeded (value size, bytes
/// in all), storage-failed.
@external("extism:host/user", "storage_commit")
export declare function storage_commit(checks: u64, changes: u64): u64;

/// The entries whose keys begin with `prefix`, in byte order or, with `reverse`, from the last one on, those behind
/// `after` if it is given, at most `limit` (1 to 1,000). A page ends early before it has 4 MiB of keys and values, so
/// ask again with `next` until there is none. What is changed between two pages is seen by those that follow.
///
/// Fails with invalid-message (prefix, after, limit), storage-failed.
@external("extism:host/user", "storage_scan")
export declare function storage_scan(prefix: u64, after: u64, limit: u64, reverse: u64): u64;

/// What the plugin's own commits changed after the one with the sequence number `after` (0 for all), oldest first, at
/// least `limit` (1 to 1,000) changes if there are as many: a page ends with a whole commit, so it may have up to 999
/// more. Ask again with the last `seq` as `after`. The log is kept only for plugins whose manifest says
/// `"storage": { "log": true }`; it is trimmed by age, count and size.
///
/// Fails with conflict (changes after `after` have been trimmed; `message` has the oldest number that is kept, so scan
/// the storage and go on from there), invalid-message (limit, no log), storage-failed.
@external("extism:host/user", "storage_changes")
export declare function storage_changes(after: u64, limit: u64): u64;

/// Begins a blob and returns the number of its writer, which is valid in the current turn only: what is not finished when the turn ends,
/// however it ends, is dropped. There may be 8 writers at a time. Metadata are up to 32 properties of 4,096 bytes in all, for the plugin's
/// own use.
///
/// Fails with invalid-message (name, media type, metadata), quota-exceeded (writers, number of blobs, bytes in all),
/// storage-failed.
@external("extism:host/user", "blobs_create")
export declare function blobs_create(name: u64, mediaType: u64, metadata: u64): u64;

/// Adds bytes to a blob that was begun, at most `limits.payloadMiB` at once.
///
/// Fails with invalid-message (no such writer), quota-exceeded (size, bytes in all; the writer stays as it was), storage-failed (the
/// writer is gone).
@external("extism:host/user", "blobs_append")
export declare function blobs_append(writer: u64, bytes: u64): u64;

/// Makes the blob visible and durable, whole, in place of one that had its name. Until then the former one is read.
///
/// Fails with invalid-message (no such writer), quota-exceeded (number of blobs), storage-failed. The writer is gone in any case but the
/// first.
@external("extism:host/user", "blobs_finish")
export declare function blobs_finish(writer: u64): u64;

/// Drops what was begun and says whether there was such a writer.
@external("extism:host/user", "blobs_discard")
export declare function blobs_discard(writer: u64): u64;

/// Up to `length` bytes from `offset` on, at most `limits.payloadMiB`; fewer only at the end, and none behind it. Give the `etag` of the
/// blob to read several pieces of one and the same content.
///
/// Fails with invalid-message (name, no such blob), conflict (it has another etag by now; begin anew), quota-exceeded (length),
/// storage-failed.
@external("extism:host/user", "blobs_read")
export declare function blobs_read(name: u64, offset: u64, length: u64, etag: u64): u64;

/// What is known of a blob, or none when there is none of that name.
///
/// Fails with invalid-message (name), storage-failed.
@external("extism:host/user", "blobs_stat")
export declare function blobs_stat(name: u64): u64;

/// The blobs whose names begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again
/// with the last name as `after` until there are none.
///
/// Fails with invalid-message (prefix, after, limit), storage-failed.
@external("extism:host/user", "blobs_scan")
export declare function blobs_scan(prefix: u64, after: u64, limit: u64): u64;

/// Gives a blob another name, in place of one that has it, in one step. Says whether there was one to be renamed; its etag stays.
///
/// Fails with invalid-message (names), quota-exceeded (a longer name), storage-failed.
@external("extism:host/user", "blobs_rename")
export declare function blobs_rename(name: u64, to: u64): u64;

/// Removes a blob and says whether there was one.
///
/// Fails with invalid-message (name), storage-failed.
@external("extism:host/user", "blobs_delete")
export declare function blobs_delete(name: u64): u64;

/// Plans a schedule and answers its next time, in milliseconds since 1970. A turn is entered once at a time: what comes due meanwhile is the next time.
///
/// Fails with invalid-message (a name, an entry point, a time that never comes), conflict (a name of the manifest), quota-exceeded (more than 100 schedules),
/// storage-failed.
@external("extism:host/user", "schedules_set")
export declare function schedules_set(schedule: u64): u64;

/// Ends a schedule and says whether there was one. Fails with conflict for one of the manifest.
@external("extism:host/user", "schedules_cancel")
export declare function schedules_cancel(name: u64): u64;

/// All of them, by name.
@external("extism:host/user", "schedules_upcoming")
export declare function schedules_upcoming(): u64;

/// The value of one key: a string as it is, anything else as JSON text; none when it is not configured.
@external("extism:host/user", "config_get")
export declare function config_get(key: u64): u64;

/// Milliseconds since 1970-01-01T00:00:00Z.
@external("extism:host/user", "clock_now")
export declare function clock_now(): u64;

/// Nanoseconds since an arbitrary moment; never goes back.
@external("extism:host/user", "clock_monotonic")
export declare function clock_monotonic(): u64;

/// Bytes from the host's cryptographic generator, 0 to 65,536 of them.
///
/// Fails with invalid-message (length).
@external("extism:host/user", "random_bytes")
export declare function random_bytes(length: u64): u64;

/// The hash of a message.
///
/// Fails with quota-exceeded (size).
@external("extism:host/user", "crypto_digest")
export declare function crypto_digest(algorithm: u64, message: u64): u64;

/// The authentication code (HMAC) of a message under a secret key of 1 to 4,096 bytes. Compare it with `equal`.
///
/// Fails with invalid-message (key), quota-exceeded (size).
@external("extism:host/user", "crypto_hmac")
export declare function crypto_hmac(algorithm: u64, key: u64, message: u64): u64;

/// Whether a public key's owner has signed the message. A signature that is malformed, or has another length, is none. Whose the key is, the plugin has to know:
/// never take it from what was signed. Keys of RSA have 2,048 to 4,096 bits and an odd exponent from 3 to 4,294,967,295. Where a JWK has `alg`,
/// `use` or `key_ops`, they must fit.
///
/// Fails with invalid-message (key), quota-exceeded (size).
@external("extism:host/user", "crypto_verify")
export declare function crypto_verify(algorithm: u64, format: u64, key: u64, message: u64, signature: u64): u64;

/// Whether both are the same bytes, in a time that depends on their lengths only.
///
/// Fails with quota-exceeded (size).
@external("extism:host/user", "crypto_equal")
export declare function crypto_equal(one: u64, other: u64): u64;

/// What to store of a password of 1 to 1,024 bytes of UTF-8: argon2id with a salt of its own and the host's parameters, in the form
/// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. It takes tens of milliseconds, which count as the host's work for this plugin.
///
/// Fails with invalid-message (password), rate-limited (8 of this plugin wait; `retry-after-ms` says for how long), deadline-exceeded (it could not
/// begin within the turn).
@external("extism:host/user", "crypto_password_hash")
export declare function crypto_password_hash(password: u64): u64;

/// Whether `phc` was made of this password, by `password-hash` or by anybody else's argon2id. Takes as long for a wrong one as for the right one.
///
/// Fails with invalid-message (password; `phc` is no argon2id in that form, or asks for more than the operator allows), rate-limited,
/// deadline-exceeded.
@external("extism:host/user", "crypto_password_verify")
export declare function crypto_password_verify(password: u64, phc: u64): u64;

/// Signs the message, as it is, with a key that the host made for this plugin under this name and shows to nobody: 1 to 63 lower-case letters, digits and
/// hyphens, with a letter first. The first use of a name makes its key, of `algorithm` or ed25519. A signature is as `verify` takes it. The message has at most
/// 65,536 bytes; of more, sign the digest. Needs `keys.sign` on the name.
///
/// Fails with permission-denied, invalid-message (name), conflict (the key is of another algorithm), quota-exceeded (size), storage-failed.
@external("extism:host/user", "crypto_sign")
export declare function crypto_sign(key: u64, algorithm: u64, message: u64): u64;

/// The public half of what `sign` signs with, as a JWK with `kid`, `alg` and `use`. Makes the key like `sign`. Needs `keys.sign` on the name.
///
/// Fails like `sign`.
@external("extism:host/user", "crypto_public_key")
export declare function crypto_public_key(key: u64, algorithm: u64): u64;

/// The JWKs of all keys that had this name, the one that signs first: the operator rotates keys, and what an earlier one has signed is to be
/// verified until the operator removes it. None while nobody has used the name. Needs `keys.sign` on the name.
///
/// Fails with permission-denied, invalid-message (name), storage-failed.
@external("extism:host/user", "crypto_public_keys")
export declare function crypto_public_keys(key: u64): u64;
