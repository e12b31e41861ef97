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

@external("extism:host/user", "log_write")
export declare function log_write(level: u64, message: u64): u64;
@external("extism:host/user", "events_publish")
export declare function events_publish(eventType: u64, contentType: u64, data: u64): u64;
@external("extism:host/user", "services_call")
export declare function services_call(service: u64, payload: u64, deadlineMs: u64): u64;
@external("extism:host/user", "services_current_caller")
export declare function services_current_caller(): u64;
@external("extism:host/user", "http_fetch")
export declare function http_fetch(request: u64, body: u64): u64;
@external("extism:host/user", "state_get")
export declare function state_get(key: u64): u64;
@external("extism:host/user", "state_set")
export declare function state_set(key: u64, value: u64): u64;
@external("extism:host/user", "state_delete")
export declare function state_delete(key: u64): u64;
@external("extism:host/user", "state_keys")
export declare function state_keys(prefix: u64): u64;
@external("extism:host/user", "storage_get")
export declare function storage_get(key: u64): u64;
@external("extism:host/user", "storage_set")
export declare function storage_set(key: u64, value: u64): u64;
@external("extism:host/user", "storage_delete")
export declare function storage_delete(key: u64): u64;
@external("extism:host/user", "storage_keys")
export declare function storage_keys(prefix: u64, after: u64, limit: u64): u64;
@external("extism:host/user", "config_get")
export declare function config_get(key: u64): u64;
@external("extism:host/user", "clock_now")
export declare function clock_now(): u64;
@external("extism:host/user", "clock_monotonic")
export declare function clock_monotonic(): u64;
@external("extism:host/user", "random_bytes")
export declare function random_bytes(length: u64): u64;
