//! Write Bulkhead plugins in Zig: what turns functions into entry points. README.md is the manual.

const std = @import("std");
const builtin = @import("builtin");
const abi = @import("abi.zig");
const json = @import("json.zig");
const generated = @import("generated.zig");

pub const Bytes = json.Bytes;
pub const Refusal = abi.Refusal;
pub const Error = generated.Error;
pub const ErrorCode = generated.ErrorCode;
pub const nameOf = json.nameOf;
pub const log = generated.log;
pub const events = generated.events;
pub const services = generated.services;
pub const extensions = generated.extensions;
pub const http = generated.http;
pub const state = generated.state;
pub const storage = generated.storage;
pub const blobs = generated.blobs;
pub const config = generated.config;
pub const clock = generated.clock;
pub const random = generated.random;
pub const crypto = generated.crypto;
pub const BlobPieces = @import("blob_content.zig").BlobPieces;
pub const blobPieces = @import("blob_content.zig").blobPieces;
pub const readBlob = @import("blob_content.zig").readBlob;
pub const writeBlob = @import("blob_content.zig").writeBlob;
pub const readConfig = @import("read_config.zig").readConfig;
pub const Transaction = @import("transaction.zig").Transaction;
pub const transaction = @import("transaction.zig").transaction;

/// Memory until the turn ends; nothing has to be freed.
pub const allocator = abi.allocator;

/// What the last host function that failed in this turn said.
pub fn lastRefusal() Refusal {
    return abi.last_refusal;
}

/// Text as std.fmt makes it, until the turn ends.
pub fn format(comptime text: []const u8, arguments: anytype) []const u8 {
    return std.fmt.allocPrint(allocator, text, arguments) catch abi.outOfMemory();
}

/// JSON as std.json makes it, until the turn ends. Panics, with the path, for NaN and infinities, which JSON has no form for.
pub fn toJson(value: anytype) []const u8 {
    if (json.unfit(value)) |found| @panic(format("{s} is {d}, which JSON has no form for", .{ found.where(allocator), found.number }));
    return std.json.Stringify.valueAlloc(allocator, value, .{}) catch abi.outOfMemory();
}

/// The plugin's own failure: `return bulkhead.fail("{s} is empty", .{name})`; the caller is told the text as it is.
pub fn fail(comptime text: []const u8, arguments: anytype) Error {
    abi.last_refusal = .{ .code = .plugin_failed, .message = format(text, arguments) };
    return error.PluginFailed;
}

/// What a handler says no with: `return bulkhead.refuse("not-found", "no {s}", .{name})`; the caller is told `refused` with this reason, not-found, invalid-input,
/// conflict, forbidden, unavailable or one of services.<name>.errors in the manifest. A refusal that another plugin gave is handed on as it is by `try`.
pub fn refuse(reason: []const u8, comptime text: []const u8, arguments: anytype) Error {
    abi.last_refusal = .{ .code = .refused, .reason = reason, .message = format(text, arguments) };
    return error.Refused;
}

/// Refuses with the reason unavailable, and says when it may be there again.
pub fn unavailable(retry_after_ms: u32, comptime text: []const u8, arguments: anytype) Error {
    abi.last_refusal = .{ .code = .refused, .reason = "unavailable", .@"retry-after-ms" = retry_after_ms, .message = format(text, arguments) };
    return error.Refused;
}

/// Panics with a message that names the file and line: `bulkhead.panicAt(@src(), "cannot be")`.
pub fn panicAt(comptime at: std.builtin.SourceLocation, comptime message: []const u8) noreturn {
    @panic(comptime std.fmt.comptimePrint("{s} ({s}:{d})", .{ message, at.file, at.line }));
}

fn report(message: []const u8, _: ?usize) noreturn {
    abi.setError(message);
    @trap();
}

/// Reports a panic's message as the turn's error. A plugin's root file says `pub const panic = bulkhead.panic;`.
pub const panic = std.debug.FullPanic(report);

/// An event with data that is the JSON of `T`; where the data is no JSON let `T` be an optional and read `data_base64`.
pub fn Event(comptime T: type) type {
    return struct {
        id: []const u8,
        /// `/plugins/<name>` of the publisher.
        source: []const u8,
        type: []const u8,
        time: []const u8,
        data: T,
        data_base64: ?[]const u8 = null,
    };
}

/// Exports `handler` as the entry point `name`, to be called within `comptime { … }`. It takes nothing, bytes or text (`[]const u8`), or a struct
/// that is read from JSON; it returns nothing, `[]const u8`, or what is written as JSON; an error is told to the caller.
pub fn service(comptime name: []const u8, comptime handler: anytype) void {
    entry(name, handler);
}

/// Exports a handler of events, which takes an `Event(T)`.
pub fn event(comptime name: []const u8, comptime handler: anytype) void {
    entry(name, handler);
}

/// Exports on_load, on_start, on_stop or on_unload.
pub fn lifecycle(comptime name: []const u8, comptime handler: anytype) void {
    const known = [_][]const u8{ "on_load", "on_start", "on_stop", "on_unload" };
    for (known) |one| if (std.mem.eql(u8, one, name)) return entry(name, handler);
    @compileError(name ++ " is none of on_load, on_start, on_stop, on_unload");
}

fn entry(comptime name: []const u8, comptime handler: anytype) void {
    const Entry = struct {
        fn run() callconv(.c) i32 {
            defer abi.endTurn();
            turn(handler) catch |failure| {
                abi.setError(explain(failure));
                return 1;
            };
            return 0;
        }
    };
    @export(&Entry.run, .{ .name = name });
}

fn turn(comptime handler: anytype) anyerror!void {
    const Handler = @typeInfo(@TypeOf(handler)).@"fn";
    const result = if (Handler.param_types.len == 0) handler() else handler(try read(Handler.param_types[0].?));
    const answer = if (@typeInfo(@TypeOf(result)) == .error_union) try result else result;
    switch (@TypeOf(answer)) {
        void => {},
        []const u8, []u8 => abi.setOutput(answer),
        else => {
            if (json.unfit(answer)) |found| return fail("{s} is {d}, which JSON has no form for", .{ found.where(allocator), found.number });
            abi.setOutput(toJson(answer));
        },
    }
}

fn read(comptime T: type) anyerror!T {
    const bytes = abi.input();
    if (T == []const u8) return bytes;
    const text: []const u8 = if (bytes.len == 0) "{}" else bytes;
    return std.json.parseFromSliceLeaky(T, allocator, text, .{ .ignore_unknown_fields = true }) catch |cause|
        refuse("invalid-input", "input is not the JSON that is expected here: {s}", .{@errorName(cause)});
}

/// A refusal is told with its reason (docs/abi.md, entry points). What else the plugin fails with is said as it is; what the host failed with keeps its code, so that
/// the caller sees the cause.
fn explain(failure: anyerror) []const u8 {
    const refusal = abi.last_refusal;
    if (failure == error.Refused and refusal.code == .refused) if (refusal.reason) |reason| {
        const said = .{ .code = reason, .message = refusal.message, .retryAfterMs = refusal.@"retry-after-ms" };
        return format("\x01{s}", .{toJson(said)});
    };
    if (failure == error.PluginFailed and refusal.code == .plugin_failed) return refusal.message;
    if (failure == @as(anyerror, generated.errorOf(refusal.code))) return format("{s}: {s}", .{ nameOf(refusal.code), refusal.message });
    return @errorName(failure);
}
