//! Reads and writes of the storage that belong together: they are committed where what was read still holds.

const std = @import("std");
const abi = @import("abi.zig");
const generated = @import("generated.zig");
const Bytes = @import("json.zig").Bytes;
const storage = generated.storage;

const max_runs = 10;
const conflict = std.fmt.comptimePrint("what the transaction read was changed in each of {d} runs; read fewer keys, or try again later", .{max_runs});

const Read = struct { key: []const u8, found: ?storage.Versioned };

/// What `transaction` gives to its function. Nothing of it is in the storage before the function has returned.
pub const Transaction = struct {
    reads: std.ArrayList(Read) = .empty,
    changes: std.ArrayList(storage.Change) = .empty,

    /// What this transaction has set, else the value in the storage, each time the same.
    pub fn get(self: *Transaction, key: []const u8) generated.Error!?[]const u8 {
        if (self.changeOf(key)) |change| return if (change.value) |value| value.data else null;
        for (self.reads.items) |read| {
            if (std.mem.eql(u8, read.key, key)) return valueOf(read);
        }
        const read: Read = .{ .key = kept(key), .found = try storage.getVersioned(key) };
        self.reads.append(abi.allocator, read) catch abi.outOfMemory();
        return valueOf(read);
    }

    pub fn set(self: *Transaction, key: []const u8, value: []const u8) void {
        self.put(.{ .key = kept(key), .value = .{ .data = kept(value) }, .ttl_ms = null });
    }

    /// Sets a value that ends `ttl_ms` milliseconds later.
    pub fn setFor(self: *Transaction, key: []const u8, value: []const u8, ttl_ms: u64) void {
        self.put(.{ .key = kept(key), .value = .{ .data = kept(value) }, .ttl_ms = ttl_ms });
    }

    pub fn delete(self: *Transaction, key: []const u8) void {
        self.put(.{ .key = kept(key), .value = null, .ttl_ms = null });
    }

    fn put(self: *Transaction, change: storage.Change) void {
        if (self.changeOf(change.key)) |before| {
            before.* = change;
        } else self.changes.append(abi.allocator, change) catch abi.outOfMemory();
    }

    fn changeOf(self: *Transaction, key: []const u8) ?*storage.Change {
        for (self.changes.items) |*change| {
            if (std.mem.eql(u8, change.key, key)) return change;
        }
        return null;
    }

    fn commit(self: *Transaction) generated.Error!bool {
        const checks = abi.allocator.alloc(storage.Check, self.reads.items.len) catch abi.outOfMemory();
        for (self.reads.items, checks) |read, *check| check.* = .{ .key = read.key, .version = if (read.found) |found| found.version else 0 };
        return (try storage.commit(checks, self.changes.items)).committed;
    }
};

fn valueOf(read: Read) ?[]const u8 {
    return if (read.found) |found| found.value.data else null;
}

fn kept(bytes: []const u8) []const u8 {
    return abi.allocator.dupe(u8, bytes) catch abi.outOfMemory();
}

/// Calls `run(&transaction, context)` and commits what it set and deleted, all or nothing, provided that no key it read has changed since; else it runs
/// again, so it may run several times and should do nothing else. An error of it ends the transaction, and nothing is committed. `storage.scan` and
/// `storage.keys` are not part of it.
///
/// Fails with Conflict after 10 runs, and with what `storage.commit` fails with.
pub fn transaction(context: anytype, comptime run: anytype) @typeInfo(@TypeOf(run)).@"fn".return_type.? {
    for (0..max_runs) |_| {
        var attempt: Transaction = .{};
        const answer = try run(&attempt, context);
        if (try attempt.commit()) return answer;
    }
    abi.last_refusal = .{ .code = .conflict, .message = conflict };
    return error.Conflict;
}
