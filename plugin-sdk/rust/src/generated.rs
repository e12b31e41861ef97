// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

use serde::{Deserialize, Serialize};

/// Why the host refused or could not do something. docs/errors.md says what to do about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorCode {
    #[serde(rename = "invalid-message")]
    InvalidMessage,
    #[serde(rename = "invalid-manifest")]
    InvalidManifest,
    #[serde(rename = "admission-refused")]
    AdmissionRefused,
    #[serde(rename = "incompatible-api")]
    IncompatibleApi,
    #[serde(rename = "permission-denied")]
    PermissionDenied,
    #[serde(rename = "no-such-service")]
    NoSuchService,
    #[serde(rename = "service-taken")]
    ServiceTaken,
    #[serde(rename = "call-loop")]
    CallLoop,
    #[serde(rename = "queue-full")]
    QueueFull,
    #[serde(rename = "rate-limited")]
    RateLimited,
    #[serde(rename = "deadline-exceeded")]
    DeadlineExceeded,
    #[serde(rename = "cpu-exhausted")]
    CpuExhausted,
    #[serde(rename = "memory-exhausted")]
    MemoryExhausted,
    #[serde(rename = "plugin-failed")]
    PluginFailed,
    #[serde(rename = "plugin-not-running")]
    PluginNotRunning,
    #[serde(rename = "quota-exceeded")]
    QuotaExceeded,
    #[serde(rename = "storage-failed")]
    StorageFailed,
    #[serde(rename = "http-failed")]
    HttpFailed,
    #[serde(rename = "conflict")]
    Conflict,
    #[serde(rename = "internal")]
    Internal,
    /// The provider of a service said no: `reason` says why. The call reached it, and it is well.
    #[serde(rename = "refused")]
    Refused,
    /// The host where the service is could not be asked: nothing of the call was done.
    #[serde(rename = "host-unreachable")]
    HostUnreachable,
    /// The host where the service is was asked and is gone: nobody knows whether the call was done.
    #[serde(rename = "host-lost")]
    HostLost,
}

impl ErrorCode {
    /// The name in wit/.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidMessage => "invalid-message",
            Self::InvalidManifest => "invalid-manifest",
            Self::AdmissionRefused => "admission-refused",
            Self::IncompatibleApi => "incompatible-api",
            Self::PermissionDenied => "permission-denied",
            Self::NoSuchService => "no-such-service",
            Self::ServiceTaken => "service-taken",
            Self::CallLoop => "call-loop",
            Self::QueueFull => "queue-full",
            Self::RateLimited => "rate-limited",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::CpuExhausted => "cpu-exhausted",
            Self::MemoryExhausted => "memory-exhausted",
            Self::PluginFailed => "plugin-failed",
            Self::PluginNotRunning => "plugin-not-running",
            Self::QuotaExceeded => "quota-exceeded",
            Self::StorageFailed => "storage-failed",
            Self::HttpFailed => "http-failed",
            Self::Conflict => "conflict",
            Self::Internal => "internal",
            Self::Refused => "refused",
            Self::HostUnreachable => "host-unreachable",
            Self::HostLost => "host-lost",
        }
    }
}

/// Lines in the host's log. The host stamps plugin, trace and time; a plugin cannot set them.
pub mod log {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum Level {
        #[serde(rename = "debug")]
        Debug,
        #[serde(rename = "info")]
        Info,
        #[serde(rename = "warning")]
        Warning,
        #[serde(rename = "error")]
        Error,
    }

    impl Level {
        /// The name in wit/.
        pub const fn name(self) -> &'static str {
            match self {
                Self::Debug => "debug",
                Self::Info => "info",
                Self::Warning => "warning",
                Self::Error => "error",
            }
        }
    }

    /// Writes one line. Control characters are escaped; a line above 8,192 characters is cut and says so.
    pub fn write(level: Level, message: &str) -> Result<(), Error> {
        let mut call = Call::begin();
        let level = call.json(&level);
        let message = call.text(message);
        call.nothing(unsafe { imports::write(level, message) })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "log_write"]
            pub fn write(level: u64, message: u64) -> u64;
        }
    }
}

/// Facts that other plugins may hear of. Which events a plugin receives stands in its manifest under `subscriptions`.
pub mod events {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    /// Publishes one event and returns its id as soon as the host has accepted it; subscribers run later, each in its
    /// own turn. Types below the plugin's own name (`devices.state-changed` from the plugin `devices`) need no
    /// permission, any other needs `events.publish`. With the content type `application/json` the data must be one JSON
    /// text and arrives as `data`; anything else arrives base64-encoded as `data_base64`. The host stamps `id`,
    /// `source`, `time` and `traceparent`.
    ///
    /// Fails with invalid-message (type, JSON), permission-denied, rate-limited, quota-exceeded (size).
    pub fn publish(event_type: &str, content_type: &str, data: &[u8]) -> Result<String, Error> {
        let mut call = Call::begin();
        let event_type = call.text(event_type);
        let content_type = call.text(content_type);
        let data = call.bytes(data);
        call.text_answer(unsafe { imports::publish(event_type, content_type, data) })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "events_publish"]
            pub fn publish(event_type: u64, content_type: u64, data: u64) -> u64;
        }
    }
}

/// Request and reply between plugins. Which services a plugin provides stands in its manifest under `services`.
pub mod services {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum CallerKind {
        /// Another plugin; `name` is its name.
        #[serde(rename = "plugin")]
        Plugin,
        /// A request from outside through an adapter; `name` is the adapter's, such as `http`.
        #[serde(rename = "adapter")]
        Adapter,
        /// The host itself, for lifecycle entry points and events.
        #[serde(rename = "host")]
        Host,
    }

    impl CallerKind {
        /// The name in wit/.
        pub const fn name(self) -> &'static str {
            match self {
                Self::Plugin => "plugin",
                Self::Adapter => "adapter",
                Self::Host => "host",
            }
        }
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Caller {
        pub kind: CallerKind,
        pub name: String,
    }

    /// Calls a service and waits for its answer. Needs the permission `services.call`. A plugin's own service is a call-loop.
    /// The deadline is the earlier of `deadline-ms` from this call on and just before the end of the current turn's own.
    ///
    /// Fails with permission-denied, no-such-service, call-loop (the provider waits, directly or not, for this very
    /// turn), queue-full, rate-limited (`retry-after-ms` says for how long), deadline-exceeded, refused (the provider says no;
    /// `reason` says why), plugin-failed (the provider's own failure; `message` is what it said), plugin-not-running,
    /// quota-exceeded (size); and where the provider is on another host, host-unreachable (nothing was done) and host-lost
    /// (nobody knows).
    pub fn call(service: &str, payload: &[u8], deadline_ms: Option<u32>) -> Result<Vec<u8>, Error> {
        let mut call = Call::begin();
        let service = call.text(service);
        let payload = call.bytes(payload);
        let deadline_ms = call.json(&deadline_ms);
        call.bytes_answer(unsafe { imports::call(service, payload, deadline_ms) })
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct SendOptions {
        /// It is on the disk when this returns, and stays there until the provider has handled it: also one that is stopped,
        /// updated or away gets it, at least once, in the order in which this plugin sent to the service. Needs the permission
        /// `services.durable` on the service as well.
        pub durable: bool,
        /// 1 to 128 printable ASCII characters without spaces; none lets the host make one. A durable message to the same
        /// service whose id is known is not taken again.
        pub id: Option<String>,
    }

    /// Calls a service without waiting for it, and answers the id of the message as soon as the provider has it in its queue or,
    /// for a durable one, as soon as it is on the disk. What the service answers is dropped; a failure is told to the operator. A
    /// durable message that fails is tried again after growing pauses; after the last attempt, or when the provider refuses it
    /// other than with `unavailable`, it is a dead letter. Needs the permission `services.call`, now and when the message is
    /// delivered. Sends count as events for `limits.publishesPerSecond`.
    ///
    /// Fails with permission-denied, no-such-service, invalid-message (id), rate-limited (`retry-after-ms` says for how long),
    /// queue-full (the provider's queue, or too much that this plugin or all together have sent waits), plugin-not-running,
    /// quota-exceeded (size); a durable one not with plugin-not-running but with storage-failed.
    pub fn send(service: &str, payload: &[u8], options: &SendOptions) -> Result<String, Error> {
        let mut call = Call::begin();
        let service = call.text(service);
        let payload = call.bytes(payload);
        let options = call.json(&options);
        call.text_answer(unsafe { imports::send(service, payload, options) })
    }

    /// Who asked for the current turn. Stamped by the host; nobody can forge it.
    pub fn current_caller() -> Caller {
        let call = Call::begin();
        call.json_answer(unsafe { imports::current_caller() }).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Who came by the adapter that asked for the current turn, as the host knows him: such as `user:ada`, `token:ci` or
    /// `anonymous`. None when no adapter asked. Stamped by the host; nobody can forge it.
    pub fn current_principal() -> Option<String> {
        let call = Call::begin();
        call.optional_text_answer(unsafe { imports::current_principal() }).unwrap_or_else(|error| panic!("{error}"))
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "services_call"]
            pub fn call(service: u64, payload: u64, deadline_ms: u64) -> u64;
            #[link_name = "services_send"]
            pub fn send(service: u64, payload: u64, options: u64) -> u64;
            #[link_name = "services_current_caller"]
            pub fn current_caller() -> u64;
            #[link_name = "services_current_principal"]
            pub fn current_principal() -> u64;
        }
    }
}

/// Questions that any number of plugins answer. Which of them a plugin answers stands in its manifest under `extends`.
pub mod extensions {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Answer {
        /// The plugin that answers.
        pub plugin: String,
        /// What it answers. In JSON it is base64 text.
        pub output: Bytes,
    }

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
    pub fn ask(point: &str, input: &[u8], deadline_ms: Option<u32>) -> Result<Vec<Answer>, Error> {
        let mut call = Call::begin();
        let point = call.text(point);
        let input = call.bytes(input);
        let deadline_ms = call.json(&deadline_ms);
        call.json_answer(unsafe { imports::ask(point, input, deadline_ms) })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "extensions_ask"]
            pub fn ask(point: u64, input: u64, deadline_ms: u64) -> u64;
        }
    }
}

/// Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says.
pub mod http {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Header {
        pub name: String,
        pub value: String,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Request {
        /// GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.
        pub method: String,
        /// With the scheme https or http, without user and password.
        pub url: String,
        /// `{{secret:NAME}}` in a value is replaced by the host, towards the hosts that the operator named for that secret; it
        /// needs `secrets.read` on the name. Host, length and connection headers are the host's own.
        pub headers: Vec<Header>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Response {
        pub status: u16,
        pub headers: Vec<Header>,
        /// As it came: nothing is decompressed. In JSON it is base64 text.
        pub body: Bytes,
    }

    /// Makes a request and waits for the whole answer. Follows up to five redirects, each of which needs the permission as well.
    /// Needs `http.fetch` on the method and URL; for an address that is not public also `http.private` on the address.
    ///
    /// Fails with invalid-message (request), permission-denied, rate-limited (too many at once), quota-exceeded (size),
    /// deadline-exceeded, http-failed (the server could not be reached or broke off).
    pub fn fetch(request: &Request, body: &[u8]) -> Result<Response, Error> {
        let mut call = Call::begin();
        let request = call.json(&request);
        let body = call.bytes(body);
        call.json_answer(unsafe { imports::fetch(request, body) })
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct FetchOptions {
        /// How long the whole answer may take, in milliseconds; none for as long as the operator and the current turn allow, which it never
        /// lengthens.
        #[serde(rename = "timeout-ms")]
        pub timeout_ms: Option<u32>,
        /// The name of a blob of the plugin's that is sent as the body; `body` must be empty then.
        #[serde(rename = "body-from")]
        pub body_from: Option<String>,
        /// The name of the blob that the body of an answer with a status from 200 to 299 goes into, with the answer's media type. It
        /// appears whole, or not at all.
        #[serde(rename = "answer-into")]
        pub answer_into: Option<String>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Fetched {
        pub status: u16,
        pub headers: Vec<Header>,
        /// As it came; empty when it went into a blob. In JSON it is base64 text.
        pub body: Bytes,
        /// How many bytes went into the blob `answer-into`; none when the body is in `body`, as that of every other status is.
        pub stored: Option<u64>,
    }

    /// Like `fetch`, with a time limit of its own, and with bodies that come out of blobs and go into them without passing through
    /// the plugin. What goes into a blob is bounded by `limits.blobMiB`, what comes as `body` by `limits.payloadMiB`.
    ///
    /// Fails like `fetch`, and with invalid-message (options, a blob that is not there), quota-exceeded (the blob), conflict (the blob that is sent
    /// was replaced or removed meanwhile), storage-failed.
    pub fn fetch_with(request: &Request, body: &[u8], options: &FetchOptions) -> Result<Fetched, Error> {
        let mut call = Call::begin();
        let request = call.json(&request);
        let body = call.bytes(body);
        let options = call.json(&options);
        call.json_answer(unsafe { imports::fetch_with(request, body, options) })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "http_fetch"]
            pub fn fetch(request: u64, body: u64) -> u64;
            #[link_name = "http_fetch_with"]
            pub fn fetch_with(request: u64, body: u64, options: u64) -> u64;
        }
    }
}

/// Last values that plugins share. The operator chooses whether they outlive the host; what must last belongs into the storage.
pub mod state {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    /// The value, or none when nobody has set the key. Needs `state.read`.
    pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        call.optional_bytes_answer(unsafe { imports::get(key) })
    }

    /// Sets a value of at most 64 KiB. Needs `state.write`.
    pub fn set(key: &str, value: &[u8]) -> Result<(), Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        let value = call.bytes(value);
        call.nothing(unsafe { imports::set(key, value) })
    }

    /// Removes a value and says whether there was one. Needs `state.write`.
    pub fn delete(key: &str) -> Result<bool, Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        call.json_answer(unsafe { imports::delete(key) })
    }

    /// The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000.
    pub fn keys(prefix: &str) -> Result<Vec<String>, Error> {
        let mut call = Call::begin();
        let prefix = call.text(prefix);
        call.json_answer(unsafe { imports::keys(prefix) })
    }

    /// A value with what is known of it.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Versioned {
        pub value: Bytes,
        /// Grows with each change of any key, so a key that was removed and set again has another.
        pub revision: u64,
        /// The plugin that set it last.
        pub owner: String,
    }

    /// The value with its revision, or none when nobody has set the key. Needs `state.read`.
    pub fn get_versioned(key: &str) -> Result<Option<Versioned>, Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        call.json_answer(unsafe { imports::get_versioned(key) })
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Write {
        pub key: String,
        /// None removes the key.
        pub value: Option<Bytes>,
        /// The revision that must be there, 0 for none; none for whatever is there.
        pub expected: Option<u64>,
        /// How long the value is there, in milliseconds; none for ever. Setting the key anew ends it.
        #[serde(rename = "ttl-ms")]
        pub ttl_ms: Option<u64>,
    }

    /// Sets or removes a value if the expected revision is there, and answers the revision that this made; none when another is there, and nothing has
    /// changed: that is an answer, not a failure, so read again and try again. Needs `state.write`.
    ///
    /// Fails with invalid-message (key, ttl-ms of 0), permission-denied, quota-exceeded (value size, keys and bytes of this plugin, of all plugins), storage-failed.
    pub fn put(write: &Write) -> Result<Option<u64>, Error> {
        let mut call = Call::begin();
        let write = call.json(&write);
        call.json_answer(unsafe { imports::put(write) })
    }

    /// Like `keys`, one page: those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with the last key as `after`; a page may have fewer
    /// keys than asked for although more follow, and none only when none follow.
    pub fn list_keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Error> {
        let mut call = Call::begin();
        let prefix = call.text(prefix);
        let after = call.optional_text(after);
        let limit = call.json(&limit);
        call.json_answer(unsafe { imports::list_keys(prefix, after, limit) })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "state_get"]
            pub fn get(key: u64) -> u64;
            #[link_name = "state_set"]
            pub fn set(key: u64, value: u64) -> u64;
            #[link_name = "state_delete"]
            pub fn delete(key: u64) -> u64;
            #[link_name = "state_keys"]
            pub fn keys(prefix: u64) -> u64;
            #[link_name = "state_get_versioned"]
            pub fn get_versioned(key: u64) -> u64;
            #[link_name = "state_put"]
            pub fn put(write: u64) -> u64;
            #[link_name = "state_list_keys"]
            pub fn list_keys(prefix: u64, after: u64, limit: u64) -> u64;
        }
    }
}

/// The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
/// A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.
pub mod storage {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    /// The value, or none when the key is absent.
    ///
    /// Fails with invalid-message (key), storage-failed.
    pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        call.optional_bytes_answer(unsafe { imports::get(key) })
    }

    /// Sets a value. Once this returns the value survives a crash of the host's process.
    ///
    /// Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
    pub fn set(key: &str, value: &[u8]) -> Result<(), Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        let value = call.bytes(value);
        call.nothing(unsafe { imports::set(key, value) })
    }

    /// Removes a value and says whether there was one.
    pub fn delete(key: &str) -> Result<bool, Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        call.json_answer(unsafe { imports::delete(key) })
    }

    /// The values of up to 1,000 keys, each in its key's place, none for an absent one.
    ///
    /// Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
    pub fn get_many(keys: &[&str]) -> Result<Vec<Option<Bytes>>, Error> {
        let mut call = Call::begin();
        let keys = call.json(&keys);
        call.json_answer(unsafe { imports::get_many(keys) })
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Change {
        pub key: String,
        /// None removes the key.
        pub value: Option<Bytes>,
        /// How long the value is there, in milliseconds; none for ever. Setting the key anew ends it.
        #[serde(rename = "ttl-ms")]
        pub ttl_ms: Option<u64>,
    }

    /// Makes up to 1,000 changes in this order: all of them, or none when one fails.
    ///
    /// Fails with invalid-message (key, ttl-ms of 0, more than 1,000 changes), quota-exceeded (value size, bytes in all), storage-failed.
    pub fn apply(changes: &[Change]) -> Result<(), Error> {
        let mut call = Call::begin();
        let changes = call.json(&changes);
        call.nothing(unsafe { imports::apply(changes) })
    }

    /// The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to
    /// 1,000). Ask again with the last key as `after` for the next page.
    pub fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Error> {
        let mut call = Call::begin();
        let prefix = call.text(prefix);
        let after = call.optional_text(after);
        let limit = call.json(&limit);
        call.json_answer(unsafe { imports::keys(prefix, after, limit) })
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Versioned {
        pub value: Bytes,
        /// Of the commit that set the value. Versions of a plugin's commits only grow and are never used again.
        pub version: u64,
        /// When the value ends, in milliseconds since 1970; none for never.
        #[serde(rename = "expires-at")]
        pub expires_at: Option<u64>,
    }

    /// The value with its version, or none when the key is absent.
    ///
    /// Fails with invalid-message (key), storage-failed.
    pub fn get_versioned(key: &str) -> Result<Option<Versioned>, Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        call.json_answer(unsafe { imports::get_versioned(key) })
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Check {
        pub key: String,
        /// What the key's version must be; 0 for a key that must be absent.
        pub version: u64,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct CommitOutcome {
        /// False when a check failed; then nothing was changed.
        pub committed: bool,
        /// The one version of all values that the commit set; 0 when it changed nothing.
        pub version: u64,
    }

    /// Makes up to 1,000 changes in this order, all of them or none, provided that up to 1,000 keys still have the versions
    /// that were read. A check that fails is an answer and no error: read again and try again. A value whose time is over
    /// counts as absent.
    ///
    /// Fails with invalid-message (key, ttl-ms of 0, more than 1,000 checks or changes), quota-exceeded (value size, bytes
    /// in all), storage-failed.
    pub fn commit(checks: &[Check], changes: &[Change]) -> Result<CommitOutcome, Error> {
        let mut call = Call::begin();
        let checks = call.json(&checks);
        let changes = call.json(&changes);
        call.json_answer(unsafe { imports::commit(checks, changes) })
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Entry {
        pub key: String,
        pub value: Bytes,
        pub version: u64,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Page {
        pub entries: Vec<Entry>,
        /// What `after` must be for the next page; none when this is the last one.
        pub next: Option<String>,
    }

    /// The entries whose keys begin with `prefix`, in byte order or, with `reverse`, from the last one on, those behind
    /// `after` if it is given, at most `limit` (1 to 1,000). A page ends early before it has 4 MiB of keys and values, so
    /// ask again with `next` until there is none. What is changed between two pages is seen by those that follow.
    ///
    /// Fails with invalid-message (prefix, after, limit), storage-failed.
    pub fn scan(prefix: &str, after: Option<&str>, limit: u32, reverse: bool) -> Result<Page, Error> {
        let mut call = Call::begin();
        let prefix = call.text(prefix);
        let after = call.optional_text(after);
        let limit = call.json(&limit);
        let reverse = call.json(&reverse);
        call.json_answer(unsafe { imports::scan(prefix, after, limit, reverse) })
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Logged {
        /// The version of the commit.
        pub seq: u64,
        pub key: String,
        pub removed: bool,
        /// Milliseconds since 1970.
        pub time: u64,
        /// The trace of the turn that made the commit, 32 hexadecimal digits; none outside of a turn.
        pub trace: Option<String>,
    }

    /// What the plugin's own commits changed after the one with the sequence number `after` (0 for all), oldest first, at
    /// least `limit` (1 to 1,000) changes if there are as many: a page ends with a whole commit, so it may have up to 999
    /// more. Ask again with the last `seq` as `after`. The log is kept only for plugins whose manifest says
    /// `"storage": { "log": true }`; it is trimmed by age, count and size.
    ///
    /// Fails with conflict (changes after `after` have been trimmed; `message` has the oldest number that is kept, so scan
    /// the storage and go on from there), invalid-message (limit, no log), storage-failed.
    pub fn changes(after: u64, limit: u32) -> Result<Vec<Logged>, Error> {
        let mut call = Call::begin();
        let after = call.json(&after);
        let limit = call.json(&limit);
        call.json_answer(unsafe { imports::changes(after, limit) })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "storage_get"]
            pub fn get(key: u64) -> u64;
            #[link_name = "storage_set"]
            pub fn set(key: u64, value: u64) -> u64;
            #[link_name = "storage_delete"]
            pub fn delete(key: u64) -> u64;
            #[link_name = "storage_get_many"]
            pub fn get_many(keys: u64) -> u64;
            #[link_name = "storage_apply"]
            pub fn apply(changes: u64) -> u64;
            #[link_name = "storage_keys"]
            pub fn keys(prefix: u64, after: u64, limit: u64) -> u64;
            #[link_name = "storage_get_versioned"]
            pub fn get_versioned(key: u64) -> u64;
            #[link_name = "storage_commit"]
            pub fn commit(checks: u64, changes: u64) -> u64;
            #[link_name = "storage_scan"]
            pub fn scan(prefix: u64, after: u64, limit: u64, reverse: u64) -> u64;
            #[link_name = "storage_changes"]
            pub fn changes(after: u64, limit: u64) -> u64;
        }
    }
}

/// What is larger than a value or a payload: durable files of the plugin's own, written and read in pieces. No other plugin can reach them, so
/// they need no permission; they have a quota. A name is 1 to 512 bytes of UTF-8 and means nothing to the host: `a/b` is not in a folder, and
/// `../a` leads nowhere. Names that begin with `~incoming/` are the host's: bodies of requests that are on their way to the plugin.
pub mod blobs {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Property {
        pub name: String,
        pub value: String,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Blob {
        pub name: String,
        /// Such as `text/csv`.
        #[serde(rename = "media-type")]
        pub media_type: String,
        pub metadata: Vec<Property>,
        /// In bytes.
        pub size: u64,
        /// Names this very content: whatever replaces it has another one.
        pub etag: String,
        /// When it was finished, in milliseconds since 1970.
        pub modified: u64,
    }

    /// Begins a blob and returns the number of its writer, which is valid in the current turn only: what is not finished when the turn ends,
    /// however it ends, is dropped. There may be 8 writers at a time. Metadata are up to 32 properties of 4,096 bytes in all, for the plugin's
    /// own use.
    ///
    /// Fails with invalid-message (name, media type, metadata), quota-exceeded (writers, number of blobs, bytes in all),
    /// storage-failed.
    pub fn create(name: &str, media_type: &str, metadata: &[Property]) -> Result<u32, Error> {
        let mut call = Call::begin();
        let name = call.text(name);
        let media_type = call.text(media_type);
        let metadata = call.json(&metadata);
        call.json_answer(unsafe { imports::create(name, media_type, metadata) })
    }

    /// Adds bytes to a blob that was begun, at most `limits.payloadMiB` at once.
    ///
    /// Fails with invalid-message (no such writer), quota-exceeded (size, bytes in all; the writer stays as it was), storage-failed (the
    /// writer is gone).
    pub fn append(writer: u32, bytes: &[u8]) -> Result<(), Error> {
        let mut call = Call::begin();
        let writer = call.json(&writer);
        let bytes = call.bytes(bytes);
        call.nothing(unsafe { imports::append(writer, bytes) })
    }

    /// Makes the blob visible and durable, whole, in place of one that had its name. Until then the former one is read.
    ///
    /// Fails with invalid-message (no such writer), quota-exceeded (number of blobs), storage-failed. The writer is gone in any case but the
    /// first.
    pub fn finish(writer: u32) -> Result<Blob, Error> {
        let mut call = Call::begin();
        let writer = call.json(&writer);
        call.json_answer(unsafe { imports::finish(writer) })
    }

    /// Drops what was begun and says whether there was such a writer.
    pub fn discard(writer: u32) -> Result<bool, Error> {
        let mut call = Call::begin();
        let writer = call.json(&writer);
        call.json_answer(unsafe { imports::discard(writer) })
    }

    /// Up to `length` bytes from `offset` on, at most `limits.payloadMiB`; fewer only at the end, and none behind it. Give the `etag` of the
    /// blob to read several pieces of one and the same content.
    ///
    /// Fails with invalid-message (name, no such blob), conflict (it has another etag by now; begin anew), quota-exceeded (length),
    /// storage-failed.
    pub fn read(name: &str, offset: u64, length: u32, etag: Option<&str>) -> Result<Vec<u8>, Error> {
        let mut call = Call::begin();
        let name = call.text(name);
        let offset = call.json(&offset);
        let length = call.json(&length);
        let etag = call.optional_text(etag);
        call.bytes_answer(unsafe { imports::read(name, offset, length, etag) })
    }

    /// What is known of a blob, or none when there is none of that name.
    ///
    /// Fails with invalid-message (name), storage-failed.
    pub fn stat(name: &str) -> Result<Option<Blob>, Error> {
        let mut call = Call::begin();
        let name = call.text(name);
        call.json_answer(unsafe { imports::stat(name) })
    }

    /// The blobs whose names begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again
    /// with the last name as `after` until there are none.
    ///
    /// Fails with invalid-message (prefix, after, limit), storage-failed.
    pub fn scan(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<Blob>, Error> {
        let mut call = Call::begin();
        let prefix = call.text(prefix);
        let after = call.optional_text(after);
        let limit = call.json(&limit);
        call.json_answer(unsafe { imports::scan(prefix, after, limit) })
    }

    /// Gives a blob another name, in place of one that has it, in one step. Says whether there was one to be renamed; its etag stays.
    ///
    /// Fails with invalid-message (names), quota-exceeded (a longer name), storage-failed.
    pub fn rename(name: &str, to: &str) -> Result<bool, Error> {
        let mut call = Call::begin();
        let name = call.text(name);
        let to = call.text(to);
        call.json_answer(unsafe { imports::rename(name, to) })
    }

    /// Removes a blob and says whether there was one.
    ///
    /// Fails with invalid-message (name), storage-failed.
    pub fn delete(name: &str) -> Result<bool, Error> {
        let mut call = Call::begin();
        let name = call.text(name);
        call.json_answer(unsafe { imports::delete(name) })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "blobs_create"]
            pub fn create(name: u64, media_type: u64, metadata: u64) -> u64;
            #[link_name = "blobs_append"]
            pub fn append(writer: u64, bytes: u64) -> u64;
            #[link_name = "blobs_finish"]
            pub fn finish(writer: u64) -> u64;
            #[link_name = "blobs_discard"]
            pub fn discard(writer: u64) -> u64;
            #[link_name = "blobs_read"]
            pub fn read(name: u64, offset: u64, length: u64, etag: u64) -> u64;
            #[link_name = "blobs_stat"]
            pub fn stat(name: u64) -> u64;
            #[link_name = "blobs_scan"]
            pub fn scan(prefix: u64, after: u64, limit: u64) -> u64;
            #[link_name = "blobs_rename"]
            pub fn rename(name: u64, to: u64) -> u64;
            #[link_name = "blobs_delete"]
            pub fn delete(name: u64) -> u64;
        }
    }
}

/// Turns at a time of day, or again and again. A plugin's schedules are its own, outlive the host and need no permission; its manifest can have some too.
pub mod schedules {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    /// What becomes of a time that passed while the plugin or the host did not run.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum Missed {
        #[serde(rename = "skip")]
        Skip,
        #[serde(rename = "once")]
        Once,
    }

    impl Missed {
        /// The name in wit/.
        pub const fn name(self) -> &'static str {
            match self {
                Self::Skip => "skip",
                Self::Once => "once",
            }
        }
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Schedule {
        /// 1 to 64 lower-case letters, digits and hyphens. Setting a name anew replaces its schedule.
        pub name: String,
        /// The export that is entered, with the JSON object `{"name", "due", "late"}` as its input: the time in ISO 8601, and how many milliseconds ago it was.
        #[serde(rename = "entry-point")]
        pub entry_point: String,
        /// One of these three. A cron expression: five fields, or six with seconds first.
        pub cron: Option<String>,
        /// Milliseconds from one time to the next, 1,000 or more.
        #[serde(rename = "every-ms")]
        pub every_ms: Option<u64>,
        /// One moment, in milliseconds since 1970.
        #[serde(rename = "at-ms")]
        pub at_ms: Option<u64>,
        /// Of cron, such as `Europe/Berlin`; none is UTC.
        pub timezone: Option<String>,
        pub missed: Missed,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Planned {
        pub name: String,
        /// In milliseconds since 1970; none for what has had its one moment.
        #[serde(rename = "next-ms")]
        pub next_ms: Option<u64>,
        /// It stands in the manifest, so it cannot be cancelled.
        #[serde(rename = "by-manifest")]
        pub by_manifest: bool,
    }

    /// Plans a schedule and answers its next time, in milliseconds since 1970. A turn is entered once at a time: what comes due meanwhile is the next time.
    ///
    /// Fails with invalid-message (a name, an entry point, a time that never comes), conflict (a name of the manifest), quota-exceeded (more than 100 schedules),
    /// storage-failed.
    pub fn set(schedule: &Schedule) -> Result<u64, Error> {
        let mut call = Call::begin();
        let schedule = call.json(&schedule);
        call.json_answer(unsafe { imports::set(schedule) })
    }

    /// Ends a schedule and says whether there was one. Fails with conflict for one of the manifest.
    pub fn cancel(name: &str) -> Result<bool, Error> {
        let mut call = Call::begin();
        let name = call.text(name);
        call.json_answer(unsafe { imports::cancel(name) })
    }

    /// All of them, by name.
    pub fn upcoming() -> Result<Vec<Planned>, Error> {
        let call = Call::begin();
        call.json_answer(unsafe { imports::upcoming() })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "schedules_set"]
            pub fn set(schedule: u64) -> u64;
            #[link_name = "schedules_cancel"]
            pub fn cancel(name: u64) -> u64;
            #[link_name = "schedules_upcoming"]
            pub fn upcoming() -> u64;
        }
    }
}

/// What the operator configured for this plugin.
pub mod config {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    /// The value of one key: a string as it is, anything else as JSON text; none when it is not configured.
    pub fn get(key: &str) -> Result<Option<String>, Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        call.optional_text_answer(unsafe { imports::get(key) })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "config_get"]
            pub fn get(key: u64) -> u64;
        }
    }
}

pub mod clock {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn now() -> u64 {
        let call = Call::begin();
        call.json_answer(unsafe { imports::now() }).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Nanoseconds since an arbitrary moment; never goes back.
    pub fn monotonic() -> u64 {
        let call = Call::begin();
        call.json_answer(unsafe { imports::monotonic() }).unwrap_or_else(|error| panic!("{error}"))
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "clock_now"]
            pub fn now() -> u64;
            #[link_name = "clock_monotonic"]
            pub fn monotonic() -> u64;
        }
    }
}

pub mod random {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    /// Bytes from the host's cryptographic generator, 0 to 65,536 of them.
    ///
    /// Fails with invalid-message (length).
    pub fn bytes(length: u32) -> Result<Vec<u8>, Error> {
        let mut call = Call::begin();
        let length = call.json(&length);
        call.bytes_answer(unsafe { imports::bytes(length) })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "random_bytes"]
            pub fn bytes(length: u64) -> u64;
        }
    }
}

/// Hashes, signatures and passwords. `digest`, `hmac`, `verify` and `equal` are computed where the plugin runs and cost it CPU time; the others are
/// answered by the host, which keeps the keys that plugins sign with. Random bytes come from `random`. A message has at most `limits.payloadMiB`.
pub mod crypto {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum HashAlgorithm {
        #[serde(rename = "sha256")]
        Sha256,
        #[serde(rename = "sha384")]
        Sha384,
        #[serde(rename = "sha512")]
        Sha512,
    }

    impl HashAlgorithm {
        /// The name in wit/.
        pub const fn name(self) -> &'static str {
            match self {
                Self::Sha256 => "sha256",
                Self::Sha384 => "sha384",
                Self::Sha512 => "sha512",
            }
        }
    }

    /// How a signature is made, by the names of JSON Web Signatures.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum SignatureAlgorithm {
        /// 64 bytes.
        #[serde(rename = "ed25519")]
        Ed25519,
        /// ECDSA with P-256 and SHA-256: 64 bytes, r and s one after the other.
        #[serde(rename = "es256")]
        Es256,
        /// RSA with PKCS #1 v1.5 and SHA-256: as many bytes as the key.
        #[serde(rename = "rs256")]
        Rs256,
        /// RSA with PSS, MGF1, SHA-256 and a salt of 32 bytes: as many bytes as the key.
        #[serde(rename = "ps256")]
        Ps256,
    }

    impl SignatureAlgorithm {
        /// The name in wit/.
        pub const fn name(self) -> &'static str {
            match self {
                Self::Ed25519 => "ed25519",
                Self::Es256 => "es256",
                Self::Rs256 => "rs256",
                Self::Ps256 => "ps256",
            }
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum KeyFormat {
        /// A JSON Web Key, as a JSON text of at most 8,192 bytes. Private members are passed over.
        #[serde(rename = "jwk")]
        Jwk,
        /// The bytes of the key: 32 for ed25519, the 65 of the uncompressed point for es256. Keys of RSA have no such form.
        #[serde(rename = "raw")]
        Raw,
    }

    impl KeyFormat {
        /// The name in wit/.
        pub const fn name(self) -> &'static str {
            match self {
                Self::Jwk => "jwk",
                Self::Raw => "raw",
            }
        }
    }

    /// The hash of a message.
    ///
    /// Fails with quota-exceeded (size).
    pub fn digest(algorithm: HashAlgorithm, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut call = Call::begin();
        let algorithm = call.json(&algorithm);
        let message = call.bytes(message);
        call.bytes_answer(unsafe { imports::digest(algorithm, message) })
    }

    /// The authentication code (HMAC) of a message under a secret key of 1 to 4,096 bytes. Compare it with `equal`.
    ///
    /// Fails with invalid-message (key), quota-exceeded (size).
    pub fn hmac(algorithm: HashAlgorithm, key: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut call = Call::begin();
        let algorithm = call.json(&algorithm);
        let key = call.bytes(key);
        let message = call.bytes(message);
        call.bytes_answer(unsafe { imports::hmac(algorithm, key, message) })
    }

    /// Whether a public key's owner has signed the message. A signature that is malformed, or has another length, is none. Whose the key is, the plugin has to know:
    /// never take it from what was signed. Keys of RSA have 2,048 to 4,096 bits and an odd exponent from 3 to 4,294,967,295. Where a JWK has `alg`,
    /// `use` or `key_ops`, they must fit.
    ///
    /// Fails with invalid-message (key), quota-exceeded (size).
    pub fn verify(algorithm: SignatureAlgorithm, format: KeyFormat, key: &[u8], message: &[u8], signature: &[u8]) -> Result<bool, Error> {
        let mut call = Call::begin();
        let algorithm = call.json(&algorithm);
        let format = call.json(&format);
        let key = call.bytes(key);
        let message = call.bytes(message);
        let signature = call.bytes(signature);
        call.json_answer(unsafe { imports::verify(algorithm, format, key, message, signature) })
    }

    /// Whether both are the same bytes, in a time that depends on their lengths only.
    ///
    /// Fails with quota-exceeded (size).
    pub fn equal(one: &[u8], other: &[u8]) -> Result<bool, Error> {
        let mut call = Call::begin();
        let one = call.bytes(one);
        let other = call.bytes(other);
        call.json_answer(unsafe { imports::equal(one, other) })
    }

    /// What to store of a password of 1 to 1,024 bytes of UTF-8: argon2id with a salt of its own and the host's parameters, in the form
    /// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. It takes tens of milliseconds, which count as the host's work for this plugin.
    ///
    /// Fails with invalid-message (password), rate-limited (8 of this plugin wait; `retry-after-ms` says for how long), deadline-exceeded (it could not
    /// begin within the turn).
    pub fn password_hash(password: &str) -> Result<String, Error> {
        let mut call = Call::begin();
        let password = call.text(password);
        call.text_answer(unsafe { imports::password_hash(password) })
    }

    /// Whether `phc` was made of this password, by `password-hash` or by anybody else's argon2id. Takes as long for a wrong one as for the right one.
    ///
    /// Fails with invalid-message (password; `phc` is no argon2id in that form, or asks for more than the operator allows), rate-limited,
    /// deadline-exceeded.
    pub fn password_verify(password: &str, phc: &str) -> Result<bool, Error> {
        let mut call = Call::begin();
        let password = call.text(password);
        let phc = call.text(phc);
        call.json_answer(unsafe { imports::password_verify(password, phc) })
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum KeyAlgorithm {
        #[serde(rename = "ed25519")]
        Ed25519,
        #[serde(rename = "es256")]
        Es256,
    }

    impl KeyAlgorithm {
        /// The name in wit/.
        pub const fn name(self) -> &'static str {
            match self {
                Self::Ed25519 => "ed25519",
                Self::Es256 => "es256",
            }
        }
    }

    /// Signs the message, as it is, with a key that the host made for this plugin under this name and shows to nobody: 1 to 63 lower-case letters, digits and
    /// hyphens, with a letter first. The first use of a name makes its key, of `algorithm` or ed25519. A signature is as `verify` takes it. The message has at most
    /// 65,536 bytes; of more, sign the digest. Needs `keys.sign` on the name.
    ///
    /// Fails with permission-denied, invalid-message (name), conflict (the key is of another algorithm), quota-exceeded (size), storage-failed.
    pub fn sign(key: &str, algorithm: Option<KeyAlgorithm>, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        let algorithm = call.json(&algorithm);
        let message = call.bytes(message);
        call.bytes_answer(unsafe { imports::sign(key, algorithm, message) })
    }

    /// The public half of what `sign` signs with, as a JWK with `kid`, `alg` and `use`. Makes the key like `sign`. Needs `keys.sign` on the name.
    ///
    /// Fails like `sign`.
    pub fn public_key(key: &str, algorithm: Option<KeyAlgorithm>) -> Result<String, Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        let algorithm = call.json(&algorithm);
        call.text_answer(unsafe { imports::public_key(key, algorithm) })
    }

    /// The JWKs of all keys that had this name, the one that signs first: the operator rotates keys, and what an earlier one has signed is to be
    /// verified until the operator removes it. None while nobody has used the name. Needs `keys.sign` on the name.
    ///
    /// Fails with permission-denied, invalid-message (name), storage-failed.
    pub fn public_keys(key: &str) -> Result<Vec<String>, Error> {
        let mut call = Call::begin();
        let key = call.text(key);
        call.json_answer(unsafe { imports::public_keys(key) })
    }

    mod imports {
        #[link(wasm_import_module = "extism:host/user")]
        unsafe extern "C" {
            #[link_name = "crypto_digest"]
            pub fn digest(algorithm: u64, message: u64) -> u64;
            #[link_name = "crypto_hmac"]
            pub fn hmac(algorithm: u64, key: u64, message: u64) -> u64;
            #[link_name = "crypto_verify"]
            pub fn verify(algorithm: u64, format: u64, key: u64, message: u64, signature: u64) -> u64;
            #[link_name = "crypto_equal"]
            pub fn equal(one: u64, other: u64) -> u64;
            #[link_name = "crypto_password_hash"]
            pub fn password_hash(password: u64) -> u64;
            #[link_name = "crypto_password_verify"]
            pub fn password_verify(password: u64, phc: u64) -> u64;
            #[link_name = "crypto_sign"]
            pub fn sign(key: u64, algorithm: u64, message: u64) -> u64;
            #[link_name = "crypto_public_key"]
            pub fn public_key(key: u64, algorithm: u64) -> u64;
            #[link_name = "crypto_public_keys"]
            pub fn public_keys(key: u64) -> u64;
        }
    }
}
