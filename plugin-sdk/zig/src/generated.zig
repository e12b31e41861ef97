// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

const abi = @import("abi.zig");
const Bytes = @import("json.zig").Bytes;

/// Why the host refused or could not do something. docs/errors.md says what to do about each.
pub const Error = error{
    InvalidMessage,
    InvalidManifest,
    AdmissionRefused,
    IncompatibleApi,
    PermissionDenied,
    NoSuchService,
    ServiceTaken,
    CallLoop,
    QueueFull,
    RateLimited,
    DeadlineExceeded,
    CpuExhausted,
    MemoryExhausted,
    PluginFailed,
    PluginNotRunning,
    QuotaExceeded,
    StorageFailed,
    HttpFailed,
    Conflict,
    Internal,
    Refused,
    HostUnreachable,
    HostLost,
};

/// Why the host refused or could not do something. docs/errors.md says what to do about each.
pub const ErrorCode = enum {
    invalid_message,
    invalid_manifest,
    admission_refused,
    incompatible_api,
    permission_denied,
    no_such_service,
    service_taken,
    call_loop,
    queue_full,
    rate_limited,
    deadline_exceeded,
    cpu_exhausted,
    memory_exhausted,
    plugin_failed,
    plugin_not_running,
    quota_exceeded,
    storage_failed,
    http_failed,
    conflict,
    internal,
    /// The provider of a service said no: `reason` says why. The call reached it, and it is well.
    refused,
    /// The host where the service is could not be asked: nothing of the call was done.
    host_unreachable,
    /// The host where the service is was asked and is gone: nobody knows whether the call was done.
    host_lost,
};

/// The error of a code.
pub fn errorOf(code: ErrorCode) Error {
    return switch (code) {
        .invalid_message => error.InvalidMessage,
        .invalid_manifest => error.InvalidManifest,
        .admission_refused => error.AdmissionRefused,
        .incompatible_api => error.IncompatibleApi,
        .permission_denied => error.PermissionDenied,
        .no_such_service => error.NoSuchService,
        .service_taken => error.ServiceTaken,
        .call_loop => error.CallLoop,
        .queue_full => error.QueueFull,
        .rate_limited => error.RateLimited,
        .deadline_exceeded => error.DeadlineExceeded,
        .cpu_exhausted => error.CpuExhausted,
        .memory_exhausted => error.MemoryExhausted,
        .plugin_failed => error.PluginFailed,
        .plugin_not_running => error.PluginNotRunning,
        .quota_exceeded => error.QuotaExceeded,
        .storage_failed => error.StorageFailed,
        .http_failed => error.HttpFailed,
        .conflict => error.Conflict,
        .internal => error.Internal,
        .refused => error.Refused,
        .host_unreachable => error.HostUnreachable,
        .host_lost => error.HostLost,
    };
}

/// Lines in the host's log. The host stamps plugin, trace and time; a plugin cannot set them.
pub const log = struct {
    pub const Level = enum {
        debug,
        info,
        warning,
        @"error",
    };

    /// Writes one line. Control characters are escaped; a line above 8,192 characters is cut and says so.
    pub fn write(level: Level, message: []const u8) Error!void {
        var host_call: abi.Call = .{};
        return host_call.nothing(imports.log_write(host_call.json(level), host_call.bytes(message)));
    }
};

/// Facts that other plugins may hear of. Which events a plugin receives stands in its manifest under `subscriptions`.
pub const events = struct {
    /// Publishes one event and returns its id as soon as the host has accepted it; subscribers run later, each in its
    /// own turn. Types below the plugin's own name (`devices.state-changed` from the plugin `devices`) need no
    /// permission, any other needs `events.publish`. With the content type `application/json` the data must be one JSON
    /// text and arrives as `data`; anything else arrives base64-encoded as `data_base64`. The host stamps `id`,
    /// `source`, `time` and `traceparent`.
    ///
    /// Fails with invalid-message (type, JSON), permission-denied, rate-limited, quota-exceeded (size).
    pub fn publish(event_type: []const u8, content_type: []const u8, data: []const u8) Error![]const u8 {
        var host_call: abi.Call = .{};
        return host_call.bytesAnswer(imports.events_publish(host_call.bytes(event_type), host_call.bytes(content_type), host_call.bytes(data)));
    }
};

/// Request and reply between plugins. Which services a plugin provides stands in its manifest under `services`.
pub const services = struct {
    pub const CallerKind = enum {
        /// Another plugin; `name` is its name.
        plugin,
        /// A request from outside through an adapter; `name` is the adapter's, such as `http`.
        adapter,
        /// The host itself, for lifecycle entry points and events.
        host,
    };

    pub const Caller = struct {
        kind: CallerKind,
        name: []const u8,
    };

    /// Calls a service and waits for its answer. Needs the permission `services.call`. A plugin's own service is a call-loop.
    /// The deadline is the earlier of `deadline-ms` from this call on and just before the end of the current turn's own.
    ///
    /// Fails with permission-denied, no-such-service, call-loop (the provider waits, directly or not, for this very
    /// turn), queue-full, rate-limited (`retry-after-ms` says for how long), deadline-exceeded, refused (the provider says no;
    /// `reason` says why), plugin-failed (the provider's own failure; `message` is what it said), plugin-not-running,
    /// quota-exceeded (size); and where the provider is on another host, host-unreachable (nothing was done) and host-lost
    /// (nobody knows).
    pub fn call(service: []const u8, payload: []const u8, deadline_ms: ?u32) Error![]const u8 {
        var host_call: abi.Call = .{};
        return host_call.bytesAnswer(imports.services_call(host_call.bytes(service), host_call.bytes(payload), host_call.json(deadline_ms)));
    }

    pub const SendOptions = struct {
        /// It is on the disk when this returns, and stays there until the provider has handled it: also one that is stopped,
        /// updated or away gets it, at least once, in the order in which this plugin sent to the service. Needs the permission
        /// `services.durable` on the service as well.
        durable: bool,
        /// 1 to 128 printable ASCII characters without spaces; none lets the host make one. A durable message to the same
        /// service whose id is known is not taken again.
        id: ?[]const u8 = null,
    };

    /// Calls a service without waiting for it, and answers the id of the message as soon as the provider has it in its queue or,
    /// for a durable one, as soon as it is on the disk. What the service answers is dropped; a failure is told to the operator. A
    /// durable message that fails is tried again after growing pauses; after the last attempt, or when the provider refuses it
    /// other than with `unavailable`, it is a dead letter. Needs the permission `services.call`, now and when the message is
    /// delivered. Sends count as events for `limits.publishesPerSecond`.
    ///
    /// Fails with permission-denied, no-such-service, invalid-message (id), rate-limited (`retry-after-ms` says for how long),
    /// queue-full (the provider's queue, or too much that this plugin or all together have sent waits), plugin-not-running,
    /// quota-exceeded (size); a durable one not with plugin-not-running but with storage-failed.
    pub fn send(service: []const u8, payload: []const u8, options: SendOptions) Error![]const u8 {
        var host_call: abi.Call = .{};
        return host_call.bytesAnswer(imports.services_send(host_call.bytes(service), host_call.bytes(payload), host_call.json(options)));
    }

    /// Who asked for the current turn. Stamped by the host; nobody can forge it.
    pub fn currentCaller() Caller {
        const host_call: abi.Call = .{};
        return host_call.jsonAnswer(Caller, imports.services_current_caller()) catch @panic("services.current-caller failed");
    }

    /// Who came by the adapter that asked for the current turn, as the host knows him: such as `user:ada`, `token:ci` or
    /// `anonymous`. None when no adapter asked. Stamped by the host; nobody can forge it.
    pub fn currentPrincipal() ?[]const u8 {
        const host_call: abi.Call = .{};
        return host_call.optionalBytesAnswer(imports.services_current_principal()) catch @panic("services.current-principal failed");
    }
};

/// Questions that any number of plugins answer. Which of them a plugin answers stands in its manifest under `extends`.
pub const extensions = struct {
    pub const Answer = struct {
        /// The plugin that answers.
        plugin: []const u8,
        /// What it answers. In JSON it is base64 text.
        output: Bytes,
    };

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
    pub fn ask(point: []const u8, input: []const u8, deadline_ms: ?u32) Error![]const Answer {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer([]const Answer, imports.extensions_ask(host_call.bytes(point), host_call.bytes(input), host_call.json(deadline_ms)));
    }
};

/// Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says.
pub const http = struct {
    pub const Header = struct {
        name: []const u8,
        value: []const u8,
    };

    pub const Request = struct {
        /// GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.
        method: []const u8,
        /// With the scheme https or http, without user and password.
        url: []const u8,
        /// `{{secret:NAME}}` in a value is replaced by the host, towards the hosts that the operator named for that secret; it
        /// needs `secrets.read` on the name. Host, length and connection headers are the host's own.
        headers: []const Header,
    };

    pub const Response = struct {
        status: u16,
        headers: []const Header,
        /// As it came: nothing is decompressed. In JSON it is base64 text.
        body: Bytes,
    };

    /// Makes a request and waits for the whole answer. Follows up to five redirects, each of which needs the permission as well.
    /// Needs `http.fetch` on the method and URL; for an address that is not public also `http.private` on the address.
    ///
    /// Fails with invalid-message (request), permission-denied, rate-limited (too many at once), quota-exceeded (size),
    /// deadline-exceeded, http-failed (the server could not be reached or broke off).
    pub fn fetch(request: Request, body: []const u8) Error!Response {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(Response, imports.http_fetch(host_call.json(request), host_call.bytes(body)));
    }

    pub const FetchOptions = struct {
        /// How long the whole answer may take, in milliseconds; none for as long as the operator and the current turn allow, which it never
        /// lengthens.
        timeout_ms: ?u32 = null,
        /// The name of a blob of the plugin's that is sent as the body; `body` must be empty then.
        body_from: ?[]const u8 = null,
        /// The name of the blob that the body of an answer with a status from 200 to 299 goes into, with the answer's media type. It
        /// appears whole, or not at all.
        answer_into: ?[]const u8 = null,
    };

    pub const Fetched = struct {
        status: u16,
        headers: []const Header,
        /// As it came; empty when it went into a blob. In JSON it is base64 text.
        body: Bytes,
        /// How many bytes went into the blob `answer-into`; none when the body is in `body`, as that of every other status is.
        stored: ?u64 = null,
    };

    /// Like `fetch`, with a time limit of its own, and with bodies that come out of blobs and go into them without passing through
    /// the plugin. What goes into a blob is bounded by `limits.blobMiB`, what comes as `body` by `limits.payloadMiB`.
    ///
    /// Fails like `fetch`, and with invalid-message (options, a blob that is not there), quota-exceeded (the blob), conflict (the blob that is sent
    /// was replaced or removed meanwhile), storage-failed.
    pub fn fetchWith(request: Request, body: []const u8, options: FetchOptions) Error!Fetched {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(Fetched, imports.http_fetch_with(host_call.json(request), host_call.bytes(body), host_call.json(options)));
    }
};

/// Last values that plugins share. The operator chooses whether they outlive the host; what must last belongs into the storage.
pub const state = struct {
    /// The value, or none when nobody has set the key. Needs `state.read`.
    pub fn get(key: []const u8) Error!?[]const u8 {
        var host_call: abi.Call = .{};
        return host_call.optionalBytesAnswer(imports.state_get(host_call.bytes(key)));
    }

    /// Sets a value of at most 64 KiB. Needs `state.write`.
    pub fn set(key: []const u8, value: []const u8) Error!void {
        var host_call: abi.Call = .{};
        return host_call.nothing(imports.state_set(host_call.bytes(key), host_call.bytes(value)));
    }

    /// Removes a value and says whether there was one. Needs `state.write`.
    pub fn delete(key: []const u8) Error!bool {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(bool, imports.state_delete(host_call.bytes(key)));
    }

    /// The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000.
    pub fn keys(prefix: []const u8) Error![]const []const u8 {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer([]const []const u8, imports.state_keys(host_call.bytes(prefix)));
    }

    /// A value with what is known of it.
    pub const Versioned = struct {
        value: Bytes,
        /// Grows with each change of any key, so a key that was removed and set again has another.
        revision: u64,
        /// The plugin that set it last.
        owner: []const u8,
    };

    /// The value with its revision, or none when nobody has set the key. Needs `state.read`.
    pub fn getVersioned(key: []const u8) Error!?Versioned {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(?Versioned, imports.state_get_versioned(host_call.bytes(key)));
    }

    pub const Write = struct {
        key: []const u8,
        /// None removes the key.
        value: ?Bytes = null,
        /// The revision that must be there, 0 for none; none for whatever is there.
        expected: ?u64 = null,
        /// How long the value is there, in milliseconds; none for ever. Setting the key anew ends it.
        ttl_ms: ?u64 = null,
    };

    /// Sets or removes a value if the expected revision is there, and answers the revision that this made; none when another is there, and nothing has
    /// changed: that is an answer, not a failure, so read again and try again. Needs `state.write`.
    ///
    /// Fails with invalid-message (key, ttl-ms of 0), permission-denied, quota-exceeded (value size, keys and bytes of this plugin, of all plugins), storage-failed.
    pub fn put(write: Write) Error!?u64 {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(?u64, imports.state_put(host_call.json(write)));
    }

    /// Like `keys`, one page: those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with the last key as `after`; a page may have fewer
    /// keys than asked for although more follow, and none only when none follow.
    pub fn listKeys(prefix: []const u8, after: ?[]const u8, limit: u32) Error![]const []const u8 {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer([]const []const u8, imports.state_list_keys(host_call.bytes(prefix), host_call.optionalBytes(after), host_call.json(limit)));
    }
};

/// The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
/// A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.
pub const storage = struct {
    /// The value, or none when the key is absent.
    ///
    /// Fails with invalid-message (key), storage-failed.
    pub fn get(key: []const u8) Error!?[]const u8 {
        var host_call: abi.Call = .{};
        return host_call.optionalBytesAnswer(imports.storage_get(host_call.bytes(key)));
    }

    /// Sets a value. Once this returns the value survives a crash of the host's process.
    ///
    /// Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
    pub fn set(key: []const u8, value: []const u8) Error!void {
        var host_call: abi.Call = .{};
        return host_call.nothing(imports.storage_set(host_call.bytes(key), host_call.bytes(value)));
    }

    /// Removes a value and says whether there was one.
    pub fn delete(key: []const u8) Error!bool {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(bool, imports.storage_delete(host_call.bytes(key)));
    }

    /// The values of up to 1,000 keys, each in its key's place, none for an absent one.
    ///
    /// Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
    pub fn getMany(keys_: []const []const u8) Error![]const ?Bytes {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer([]const ?Bytes, imports.storage_get_many(host_call.json(keys_)));
    }

    pub const Change = struct {
        key: []const u8,
        /// None removes the key.
        value: ?Bytes = null,
        /// How long the value is there, in milliseconds; none for ever. Setting the key anew ends it.
        ttl_ms: ?u64 = null,
    };

    /// Makes up to 1,000 changes in this order: all of them, or none when one fails.
    ///
    /// Fails with invalid-message (key, ttl-ms of 0, more than 1,000 changes), quota-exceeded (value size, bytes in all), storage-failed.
    pub fn apply(changes_: []const Change) Error!void {
        var host_call: abi.Call = .{};
        return host_call.nothing(imports.storage_apply(host_call.json(changes_)));
    }

    /// The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to
    /// 1,000). Ask again with the last key as `after` for the next page.
    pub fn keys(prefix: []const u8, after: ?[]const u8, limit: u32) Error![]const []const u8 {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer([]const []const u8, imports.storage_keys(host_call.bytes(prefix), host_call.optionalBytes(after), host_call.json(limit)));
    }

    pub const Versioned = struct {
        value: Bytes,
        /// Of the commit that set the value. Versions of a plugin's commits only grow and are never used again.
        version: u64,
        /// When the value ends, in milliseconds since 1970; none for never.
        expires_at: ?u64 = null,
    };

    /// The value with its version, or none when the key is absent.
    ///
    /// Fails with invalid-message (key), storage-failed.
    pub fn getVersioned(key: []const u8) Error!?Versioned {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(?Versioned, imports.storage_get_versioned(host_call.bytes(key)));
    }

    pub const Check = struct {
        key: []const u8,
        /// What the key's version must be; 0 for a key that must be absent.
        version: u64,
    };

    pub const CommitOutcome = struct {
        /// False when a check failed; then nothing was changed.
        committed: bool,
        /// The one version of all values that the commit set; 0 when it changed nothing.
        version: u64,
    };

    /// Makes up to 1,000 changes in this order, all of them or none, provided that up to 1,000 keys still have the versions
    /// that were read. A check that fails is an answer and no error: read again and try again. A value whose time is over
    /// counts as absent.
    ///
    /// Fails with invalid-message (key, ttl-ms of 0, more than 1,000 checks or changes), quota-exceeded (value size, bytes
    /// in all), storage-failed.
    pub fn commit(checks: []const Check, changes_: []const Change) Error!CommitOutcome {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(CommitOutcome, imports.storage_commit(host_call.json(checks), host_call.json(changes_)));
    }

    pub const Entry = struct {
        key: []const u8,
        value: Bytes,
        version: u64,
    };

    pub const Page = struct {
        entries: []const Entry,
        /// What `after` must be for the next page; none when this is the last one.
        next: ?[]const u8 = null,
    };

    /// The entries whose keys begin with `prefix`, in byte order or, with `reverse`, from the last one on, those behind
    /// `after` if it is given, at most `limit` (1 to 1,000). A page ends early before it has 4 MiB of keys and values, so
    /// ask again with `next` until there is none. What is changed between two pages is seen by those that follow.
    ///
    /// Fails with invalid-message (prefix, after, limit), storage-failed.
    pub fn scan(prefix: []const u8, after: ?[]const u8, limit: u32, reverse: bool) Error!Page {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(Page, imports.storage_scan(host_call.bytes(prefix), host_call.optionalBytes(after), host_call.json(limit), host_call.json(reverse)));
    }

    pub const Logged = struct {
        /// The version of the commit.
        seq: u64,
        key: []const u8,
        removed: bool,
        /// Milliseconds since 1970.
        time: u64,
        /// The trace of the turn that made the commit, 32 hexadecimal digits; none outside of a turn.
        trace: ?[]const u8 = null,
    };

    /// What the plugin's own commits changed after the one with the sequence number `after` (0 for all), oldest first, at
    /// least `limit` (1 to 1,000) changes if there are as many: a page ends with a whole commit, so it may have up to 999
    /// more. Ask again with the last `seq` as `after`. The log is kept only for plugins whose manifest says
    /// `"storage": { "log": true }`; it is trimmed by age, count and size.
    ///
    /// Fails with conflict (changes after `after` have been trimmed; `message` has the oldest number that is kept, so scan
    /// the storage and go on from there), invalid-message (limit, no log), storage-failed.
    pub fn changes(after: u64, limit: u32) Error![]const Logged {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer([]const Logged, imports.storage_changes(host_call.json(after), host_call.json(limit)));
    }
};

/// What is larger than a value or a payload: durable files of the plugin's own, written and read in pieces. No other plugin can reach them, so
/// they need no permission; they have a quota. A name is 1 to 512 bytes of UTF-8 and means nothing to the host: `a/b` is not in a folder, and
/// `../a` leads nowhere. Names that begin with `~incoming/` are the host's: bodies of requests that are on their way to the plugin.
pub const blobs = struct {
    pub const Property = struct {
        name: []const u8,
        value: []const u8,
    };

    pub const Blob = struct {
        name: []const u8,
        /// Such as `text/csv`.
        media_type: []const u8,
        metadata: []const Property,
        /// In bytes.
        size: u64,
        /// Names this very content: whatever replaces it has another one.
        etag: []const u8,
        /// When it was finished, in milliseconds since 1970.
        modified: u64,
    };

    /// Begins a blob and returns the number of its writer, which is valid in the current turn only: what is not finished when the turn ends,
    /// however it ends, is dropped. There may be 8 writers at a time. Metadata are up to 32 properties of 4,096 bytes in all, for the plugin's
    /// own use.
    ///
    /// Fails with invalid-message (name, media type, metadata), quota-exceeded (writers, number of blobs, bytes in all),
    /// storage-failed.
    pub fn create(name: []const u8, media_type: []const u8, metadata: []const Property) Error!u32 {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(u32, imports.blobs_create(host_call.bytes(name), host_call.bytes(media_type), host_call.json(metadata)));
    }

    /// Adds bytes to a blob that was begun, at most `limits.payloadMiB` at once.
    ///
    /// Fails with invalid-message (no such writer), quota-exceeded (size, bytes in all; the writer stays as it was), storage-failed (the
    /// writer is gone).
    pub fn append(writer: u32, bytes: []const u8) Error!void {
        var host_call: abi.Call = .{};
        return host_call.nothing(imports.blobs_append(host_call.json(writer), host_call.bytes(bytes)));
    }

    /// Makes the blob visible and durable, whole, in place of one that had its name. Until then the former one is read.
    ///
    /// Fails with invalid-message (no such writer), quota-exceeded (number of blobs), storage-failed. The writer is gone in any case but the
    /// first.
    pub fn finish(writer: u32) Error!Blob {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(Blob, imports.blobs_finish(host_call.json(writer)));
    }

    /// Drops what was begun and says whether there was such a writer.
    pub fn discard(writer: u32) Error!bool {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(bool, imports.blobs_discard(host_call.json(writer)));
    }

    /// Up to `length` bytes from `offset` on, at most `limits.payloadMiB`; fewer only at the end, and none behind it. Give the `etag` of the
    /// blob to read several pieces of one and the same content.
    ///
    /// Fails with invalid-message (name, no such blob), conflict (it has another etag by now; begin anew), quota-exceeded (length),
    /// storage-failed.
    pub fn read(name: []const u8, offset: u64, length: u32, etag: ?[]const u8) Error![]const u8 {
        var host_call: abi.Call = .{};
        return host_call.bytesAnswer(imports.blobs_read(host_call.bytes(name), host_call.json(offset), host_call.json(length), host_call.optionalBytes(etag)));
    }

    /// What is known of a blob, or none when there is none of that name.
    ///
    /// Fails with invalid-message (name), storage-failed.
    pub fn stat(name: []const u8) Error!?Blob {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(?Blob, imports.blobs_stat(host_call.bytes(name)));
    }

    /// The blobs whose names begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again
    /// with the last name as `after` until there are none.
    ///
    /// Fails with invalid-message (prefix, after, limit), storage-failed.
    pub fn scan(prefix: []const u8, after: ?[]const u8, limit: u32) Error![]const Blob {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer([]const Blob, imports.blobs_scan(host_call.bytes(prefix), host_call.optionalBytes(after), host_call.json(limit)));
    }

    /// Gives a blob another name, in place of one that has it, in one step. Says whether there was one to be renamed; its etag stays.
    ///
    /// Fails with invalid-message (names), quota-exceeded (a longer name), storage-failed.
    pub fn rename(name: []const u8, to: []const u8) Error!bool {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(bool, imports.blobs_rename(host_call.bytes(name), host_call.bytes(to)));
    }

    /// Removes a blob and says whether there was one.
    ///
    /// Fails with invalid-message (name), storage-failed.
    pub fn delete(name: []const u8) Error!bool {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(bool, imports.blobs_delete(host_call.bytes(name)));
    }
};

/// Turns at a time of day, or again and again. A plugin's schedules are its own, outlive the host and need no permission; its manifest can have some too.
pub const schedules = struct {
    /// What becomes of a time that passed while the plugin or the host did not run.
    pub const Missed = enum {
        skip,
        once,
    };

    pub const Schedule = struct {
        /// 1 to 64 lower-case letters, digits and hyphens. Setting a name anew replaces its schedule.
        name: []const u8,
        /// The export that is entered, with the JSON object `{"name", "due", "late"}` as its input: the time in ISO 8601, and how many milliseconds ago it was.
        entry_point: []const u8,
        /// One of these three. A cron expression: five fields, or six with seconds first.
        cron: ?[]const u8 = null,
        /// Milliseconds from one time to the next, 1,000 or more.
        every_ms: ?u64 = null,
        /// One moment, in milliseconds since 1970.
        at_ms: ?u64 = null,
        /// Of cron, such as `Europe/Berlin`; none is UTC.
        timezone: ?[]const u8 = null,
        missed: Missed,
    };

    pub const Planned = struct {
        name: []const u8,
        /// In milliseconds since 1970; none for what has had its one moment.
        next_ms: ?u64 = null,
        /// It stands in the manifest, so it cannot be cancelled.
        by_manifest: bool,
    };

    /// Plans a schedule and answers its next time, in milliseconds since 1970. A turn is entered once at a time: what comes due meanwhile is the next time.
    ///
    /// Fails with invalid-message (a name, an entry point, a time that never comes), conflict (a name of the manifest), quota-exceeded (more than 100 schedules),
    /// storage-failed.
    pub fn set(schedule: Schedule) Error!u64 {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(u64, imports.schedules_set(host_call.json(schedule)));
    }

    /// Ends a schedule and says whether there was one. Fails with conflict for one of the manifest.
    pub fn cancel(name: []const u8) Error!bool {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(bool, imports.schedules_cancel(host_call.bytes(name)));
    }

    /// All of them, by name.
    pub fn upcoming() Error![]const Planned {
        const host_call: abi.Call = .{};
        return host_call.jsonAnswer([]const Planned, imports.schedules_upcoming());
    }
};

/// What the operator configured for this plugin.
pub const config = struct {
    /// The value of one key: a string as it is, anything else as JSON text; none when it is not configured.
    pub fn get(key: []const u8) Error!?[]const u8 {
        var host_call: abi.Call = .{};
        return host_call.optionalBytesAnswer(imports.config_get(host_call.bytes(key)));
    }
};

pub const clock = struct {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn now() u64 {
        const host_call: abi.Call = .{};
        return host_call.jsonAnswer(u64, imports.clock_now()) catch @panic("clock.now failed");
    }

    /// Nanoseconds since an arbitrary moment; never goes back.
    pub fn monotonic() u64 {
        const host_call: abi.Call = .{};
        return host_call.jsonAnswer(u64, imports.clock_monotonic()) catch @panic("clock.monotonic failed");
    }
};

pub const random = struct {
    /// Bytes from the host's cryptographic generator, 0 to 65,536 of them.
    ///
    /// Fails with invalid-message (length).
    pub fn bytes(length: u32) Error![]const u8 {
        var host_call: abi.Call = .{};
        return host_call.bytesAnswer(imports.random_bytes(host_call.json(length)));
    }
};

/// Hashes, signatures and passwords. `digest`, `hmac`, `verify` and `equal` are computed where the plugin runs and cost it CPU time; the others are
/// answered by the host, which keeps the keys that plugins sign with. Random bytes come from `random`. A message has at most `limits.payloadMiB`.
pub const crypto = struct {
    pub const HashAlgorithm = enum {
        sha256,
        sha384,
        sha512,
    };

    /// How a signature is made, by the names of JSON Web Signatures.
    pub const SignatureAlgorithm = enum {
        /// 64 bytes.
        ed25519,
        /// ECDSA with P-256 and SHA-256: 64 bytes, r and s one after the other.
        es256,
        /// RSA with PKCS #1 v1.5 and SHA-256: as many bytes as the key.
        rs256,
        /// RSA with PSS, MGF1, SHA-256 and a salt of 32 bytes: as many bytes as the key.
        ps256,
    };

    pub const KeyFormat = enum {
        /// A JSON Web Key, as a JSON text of at most 8,192 bytes. Private members are passed over.
        jwk,
        /// The bytes of the key: 32 for ed25519, the 65 of the uncompressed point for es256. Keys of RSA have no such form.
        raw,
    };

    /// The hash of a message.
    ///
    /// Fails with quota-exceeded (size).
    pub fn digest(algorithm: HashAlgorithm, message: []const u8) Error![]const u8 {
        var host_call: abi.Call = .{};
        return host_call.bytesAnswer(imports.crypto_digest(host_call.json(algorithm), host_call.bytes(message)));
    }

    /// The authentication code (HMAC) of a message under a secret key of 1 to 4,096 bytes. Compare it with `equal`.
    ///
    /// Fails with invalid-message (key), quota-exceeded (size).
    pub fn hmac(algorithm: HashAlgorithm, key: []const u8, message: []const u8) Error![]const u8 {
        var host_call: abi.Call = .{};
        return host_call.bytesAnswer(imports.crypto_hmac(host_call.json(algorithm), host_call.bytes(key), host_call.bytes(message)));
    }

    /// Whether a public key's owner has signed the message. A signature that is malformed, or has another length, is none. Whose the key is, the plugin has to know:
    /// never take it from what was signed. Keys of RSA have 2,048 to 4,096 bits and an odd exponent from 3 to 4,294,967,295. Where a JWK has `alg`,
    /// `use` or `key_ops`, they must fit.
    ///
    /// Fails with invalid-message (key), quota-exceeded (size).
    pub fn verify(algorithm: SignatureAlgorithm, format: KeyFormat, key: []const u8, message: []const u8, signature: []const u8) Error!bool {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(bool, imports.crypto_verify(host_call.json(algorithm), host_call.json(format), host_call.bytes(key), host_call.bytes(message), host_call.bytes(signature)));
    }

    /// Whether both are the same bytes, in a time that depends on their lengths only.
    ///
    /// Fails with quota-exceeded (size).
    pub fn equal(one: []const u8, other: []const u8) Error!bool {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(bool, imports.crypto_equal(host_call.bytes(one), host_call.bytes(other)));
    }

    /// What to store of a password of 1 to 1,024 bytes of UTF-8: argon2id with a salt of its own and the host's parameters, in the form
    /// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. It takes tens of milliseconds, which count as the host's work for this plugin.
    ///
    /// Fails with invalid-message (password), rate-limited (8 of this plugin wait; `retry-after-ms` says for how long), deadline-exceeded (it could not
    /// begin within the turn).
    pub fn passwordHash(password: []const u8) Error![]const u8 {
        var host_call: abi.Call = .{};
        return host_call.bytesAnswer(imports.crypto_password_hash(host_call.bytes(password)));
    }

    /// Whether `phc` was made of this password, by `password-hash` or by anybody else's argon2id. Takes as long for a wrong one as for the right one.
    ///
    /// Fails with invalid-message (password; `phc` is no argon2id in that form, or asks for more than the operator allows), rate-limited,
    /// deadline-exceeded.
    pub fn passwordVerify(password: []const u8, phc: []const u8) Error!bool {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer(bool, imports.crypto_password_verify(host_call.bytes(password), host_call.bytes(phc)));
    }

    pub const KeyAlgorithm = enum {
        ed25519,
        es256,
    };

    /// Signs the message, as it is, with a key that the host made for this plugin under this name and shows to nobody: 1 to 63 lower-case letters, digits and
    /// hyphens, with a letter first. The first use of a name makes its key, of `algorithm` or ed25519. A signature is as `verify` takes it. The message has at most
    /// 65,536 bytes; of more, sign the digest. Needs `keys.sign` on the name.
    ///
    /// Fails with permission-denied, invalid-message (name), conflict (the key is of another algorithm), quota-exceeded (size), storage-failed.
    pub fn sign(key: []const u8, algorithm: ?KeyAlgorithm, message: []const u8) Error![]const u8 {
        var host_call: abi.Call = .{};
        return host_call.bytesAnswer(imports.crypto_sign(host_call.bytes(key), host_call.json(algorithm), host_call.bytes(message)));
    }

    /// The public half of what `sign` signs with, as a JWK with `kid`, `alg` and `use`. Makes the key like `sign`. Needs `keys.sign` on the name.
    ///
    /// Fails like `sign`.
    pub fn publicKey(key: []const u8, algorithm: ?KeyAlgorithm) Error![]const u8 {
        var host_call: abi.Call = .{};
        return host_call.bytesAnswer(imports.crypto_public_key(host_call.bytes(key), host_call.json(algorithm)));
    }

    /// The JWKs of all keys that had this name, the one that signs first: the operator rotates keys, and what an earlier one has signed is to be
    /// verified until the operator removes it. None while nobody has used the name. Needs `keys.sign` on the name.
    ///
    /// Fails with permission-denied, invalid-message (name), storage-failed.
    pub fn publicKeys(key: []const u8) Error![]const []const u8 {
        var host_call: abi.Call = .{};
        return host_call.jsonAnswer([]const []const u8, imports.crypto_public_keys(host_call.bytes(key)));
    }
};

const imports = struct {
    extern "extism:host/user" fn log_write(u64, u64) u64;
    extern "extism:host/user" fn events_publish(u64, u64, u64) u64;
    extern "extism:host/user" fn services_call(u64, u64, u64) u64;
    extern "extism:host/user" fn services_send(u64, u64, u64) u64;
    extern "extism:host/user" fn services_current_caller() u64;
    extern "extism:host/user" fn services_current_principal() u64;
    extern "extism:host/user" fn extensions_ask(u64, u64, u64) u64;
    extern "extism:host/user" fn http_fetch(u64, u64) u64;
    extern "extism:host/user" fn http_fetch_with(u64, u64, u64) u64;
    extern "extism:host/user" fn state_get(u64) u64;
    extern "extism:host/user" fn state_set(u64, u64) u64;
    extern "extism:host/user" fn state_delete(u64) u64;
    extern "extism:host/user" fn state_keys(u64) u64;
    extern "extism:host/user" fn state_get_versioned(u64) u64;
    extern "extism:host/user" fn state_put(u64) u64;
    extern "extism:host/user" fn state_list_keys(u64, u64, u64) u64;
    extern "extism:host/user" fn storage_get(u64) u64;
    extern "extism:host/user" fn storage_set(u64, u64) u64;
    extern "extism:host/user" fn storage_delete(u64) u64;
    extern "extism:host/user" fn storage_get_many(u64) u64;
    extern "extism:host/user" fn storage_apply(u64) u64;
    extern "extism:host/user" fn storage_keys(u64, u64, u64) u64;
    extern "extism:host/user" fn storage_get_versioned(u64) u64;
    extern "extism:host/user" fn storage_commit(u64, u64) u64;
    extern "extism:host/user" fn storage_scan(u64, u64, u64, u64) u64;
    extern "extism:host/user" fn storage_changes(u64, u64) u64;
    extern "extism:host/user" fn blobs_create(u64, u64, u64) u64;
    extern "extism:host/user" fn blobs_append(u64, u64) u64;
    extern "extism:host/user" fn blobs_finish(u64) u64;
    extern "extism:host/user" fn blobs_discard(u64) u64;
    extern "extism:host/user" fn blobs_read(u64, u64, u64, u64) u64;
    extern "extism:host/user" fn blobs_stat(u64) u64;
    extern "extism:host/user" fn blobs_scan(u64, u64, u64) u64;
    extern "extism:host/user" fn blobs_rename(u64, u64) u64;
    extern "extism:host/user" fn blobs_delete(u64) u64;
    extern "extism:host/user" fn schedules_set(u64) u64;
    extern "extism:host/user" fn schedules_cancel(u64) u64;
    extern "extism:host/user" fn schedules_upcoming() u64;
    extern "extism:host/user" fn config_get(u64) u64;
    extern "extism:host/user" fn clock_now() u64;
    extern "extism:host/user" fn clock_monotonic() u64;
    extern "extism:host/user" fn random_bytes(u64) u64;
    extern "extism:host/user" fn crypto_digest(u64, u64) u64;
    extern "extism:host/user" fn crypto_hmac(u64, u64, u64) u64;
    extern "extism:host/user" fn crypto_verify(u64, u64, u64, u64, u64) u64;
    extern "extism:host/user" fn crypto_equal(u64, u64) u64;
    extern "extism:host/user" fn crypto_password_hash(u64) u64;
    extern "extism:host/user" fn crypto_password_verify(u64, u64) u64;
    extern "extism:host/user" fn crypto_sign(u64, u64, u64) u64;
    extern "extism:host/user" fn crypto_public_key(u64, u64) u64;
    extern "extism:host/user" fn crypto_public_keys(u64) u64;
};
