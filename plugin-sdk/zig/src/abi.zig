//! Blocks and host calls (docs/abi.md): the one file of the SDK with pointers.

const std = @import("std");
const generated = @import("generated.zig");
const json = @import("json.zig");

const env = struct {
    extern "extism:host/env" fn alloc(length: u64) u64;
    extern "extism:host/env" fn length(block: u64) u64;
    extern "extism:host/env" fn input_offset() u64;
    extern "extism:host/env" fn input_length() u64;
    extern "extism:host/env" fn output_set(offset: u64, length: u64) void;
    extern "extism:host/env" fn error_set(block: u64) void;
};
const memory = struct {
    extern "bulkhead:host/memory" fn load(offset: u64, address: [*]u8, length: usize) void;
    extern "bulkhead:host/memory" fn store(address: [*]const u8, offset: u64, length: usize) void;
    extern "bulkhead:host/memory" fn release(block: u64) void;
};

var arena: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);

/// Memory until the turn ends; nothing has to be freed.
pub const allocator: std.mem.Allocator = arena.allocator();

pub fn endTurn() void {
    _ = arena.reset(.{ .retain_with_limit = 65_536 });
}

/// A refusal or failure: branch on `code`, and of `.refused` on `reason`; show `message` to people.
pub const Refusal = struct {
    code: generated.ErrorCode,
    /// What was refused, the limit, the current value, the remedy.
    message: []const u8,
    detail: ?[]const u8 = null,
    /// Why a provider said no.
    reason: ?[]const u8 = null,
    /// How long to wait before it may go, where that is known.
    @"retry-after-ms": ?u32 = null,
};

/// What the last failure in this turn was; its message lives until the turn ends.
pub var last_refusal: Refusal = .{ .code = .internal, .message = "" };

pub fn outOfMemory() noreturn {
    @panic("out of memory");
}

fn copyIn(offset: u64, length: u64) []u8 {
    const bytes = allocator.alloc(u8, @intCast(length)) catch outOfMemory();
    if (bytes.len > 0) memory.load(offset, bytes.ptr, bytes.len);
    return bytes;
}

fn copyOut(bytes: []const u8) u64 {
    const block = env.alloc(bytes.len);
    if (bytes.len > 0) memory.store(bytes.ptr, block, bytes.len);
    return block;
}

pub fn input() []u8 {
    return copyIn(env.input_offset(), env.input_length());
}

pub fn setOutput(bytes: []const u8) void {
    env.output_set(copyOut(bytes), bytes.len);
}

pub fn setError(message: []const u8) void {
    env.error_set(copyOut(message));
}

/// One host call: its arguments become blocks, and once its answer is read all of them are given back.
pub const Call = struct {
    first: u64 = 0,

    pub fn bytes(self: *Call, data: []const u8) u64 {
        const block = copyOut(data);
        if (self.first == 0) self.first = block;
        return block;
    }

    pub fn optionalBytes(self: *Call, data: ?[]const u8) u64 {
        const some = data orelse return self.bytes(&.{0});
        return self.bytes(std.mem.concat(allocator, u8, &.{ &.{1}, some }) catch outOfMemory());
    }

    pub fn json(self: *Call, value: anytype) u64 {
        var out: std.Io.Writer.Allocating = .init(allocator);
        var writer: std.json.Stringify = .{ .writer = &out.writer };
        @import("json.zig").write(value, &writer) catch outOfMemory();
        return self.bytes(out.written());
    }

    fn answer(self: Call, block: u64) generated.Error![]const u8 {
        const tagged = copyIn(block, env.length(block));
        memory.release(if (self.first == 0) block else self.first);
        if (tagged[0] == 0) return tagged[1..];
        last_refusal = parse(Refusal, tagged[1..]);
        return generated.errorOf(last_refusal.code);
    }

    pub fn nothing(self: Call, block: u64) generated.Error!void {
        _ = try self.answer(block);
    }

    pub fn bytesAnswer(self: Call, block: u64) generated.Error![]const u8 {
        return self.answer(block);
    }

    pub fn optionalBytesAnswer(self: Call, block: u64) generated.Error!?[]const u8 {
        const data = try self.answer(block);
        return if (data[0] == 1) data[1..] else null;
    }

    pub fn jsonAnswer(self: Call, comptime T: type, block: u64) generated.Error!T {
        return parse(T, try self.answer(block));
    }
};

fn parse(comptime T: type, text: []const u8) T {
    const value = std.json.parseFromSliceLeaky(std.json.Value, allocator, text, .{}) catch @panic("the host's answer is no JSON");
    return json.read(T, value, allocator) catch @panic("the host's answer has another shape");
}
