const std = @import("std");
const bulkhead = @import("bulkhead");
pub const panic = bulkhead.panic;

comptime {
    bulkhead.service("any", any);
    bulkhead.service("floats", floats);
    bulkhead.service("signed", signed);
    bulkhead.service("unsigned", unsigned);
    bulkhead.service("text", text);
    bulkhead.service("unfit", unfit);
    bulkhead.service("random", random);
    bulkhead.service("transact", transact);
    bulkhead.service("blob", blob);
    bulkhead.service("sealed", sealed);
    bulkhead.service("refuse", refuse);
    bulkhead.service("passed", passed);
    bulkhead.service("seen", seen);
    bulkhead.service("configured", configured);
}

fn Of(comptime T: type) type {
    return struct { v: T };
}

const X = struct { x: f64 };
const Unfit = struct { a: u8 = 1, list: []const X };

fn any(value: std.json.Value) std.json.Value {
    return value;
}

fn floats(value: Of(f64)) Of(f64) {
    return value;
}

fn signed(value: Of(i64)) Of(i64) {
    return value;
}

fn unsigned(value: Of(u64)) Of(u64) {
    return value;
}

fn text(value: Of([]const u8)) Of([]const u8) {
    return value;
}

fn unfit(name: []const u8) !Unfit {
    const number = try std.fmt.parseFloat(f64, name);
    const list = try bulkhead.allocator.dupe(X, &.{ .{ .x = 0 }, .{ .x = number } });
    return .{ .list = list };
}

fn random() ![]const u8 {
    const drawn = try bulkhead.random.bytes(16);
    return bulkhead.format("\"{x}\"", .{drawn});
}

/// Uses each function of crypto: answers a hash, a code, a signature and the JWK that verifies it, one after the other.
fn sealed(message: []const u8) ![]const u8 {
    const crypto = bulkhead.crypto;
    if (crypto.hmac(.sha256, "", message)) |_| {
        return bulkhead.fail("an empty key is taken", .{});
    } else |failure| if (failure != error.InvalidMessage) return failure;
    const hash = try crypto.digest(.sha256, message);
    const code = try crypto.hmac(.sha512, "key", message);
    const signature = try crypto.sign("tokens", .es256, message);
    const jwk = try crypto.publicKey("tokens", null);
    const keys = try crypto.publicKeys("tokens");
    if (keys.len != 1 or !std.mem.eql(u8, keys[0], jwk)) return bulkhead.fail("there is another key", .{});
    const isSigned = try crypto.verify(.es256, .jwk, jwk, message, signature);
    if (!isSigned or !try crypto.equal(hash, hash) or try crypto.equal(hash, code)) return bulkhead.fail("nothing is verified", .{});
    const phc = try crypto.passwordHash("pässword");
    if (!try crypto.passwordVerify("pässword", phc) or try crypto.passwordVerify("password", phc)) return bulkhead.fail("a password is another", .{});
    return bulkhead.format("{s}{s}{s}{s}", .{ hash, code, signature, jwk });
}

/// Copies the blob "in" to "out" and answers the copy.
fn blob() ![]const u8 {
    const source = bulkhead.readBlob("in") catch |failure| return if (failure == error.InvalidMessage) "no blob" else failure;
    _ = try bulkhead.writeBlob("out", "text/plain", source);
    return bulkhead.readBlob("out");
}

const Disturbed = struct { times: u64, runs: u64 = 0 };

/// What it reads is changed behind its back in the first runs.
fn transactOnce(tx: *bulkhead.Transaction, of: *Disturbed) bulkhead.Error!void {
    of.runs += 1;
    const before = try tx.get("n");
    if (of.runs <= of.times) try bulkhead.storage.set("n", bulkhead.format("{d}", .{of.runs}));
    const again = try tx.get("n");
    if ((before == null) != (again == null) or (before != null and !std.mem.eql(u8, before.?, again.?))) return bulkhead.fail("what was read is not what it was", .{});
    tx.set("n", bulkhead.format("{s}x", .{before orelse "0"}));
    if (!std.mem.endsWith(u8, (try tx.get("n")) orelse "", "x")) return bulkhead.fail("what was set is not there", .{});
    tx.setFor("brief", "b", 60_000);
    tx.delete("gone");
}

fn transact(disturbed: Of(u64)) !Of(u64) {
    var of: Disturbed = .{ .times = disturbed.v };
    try bulkhead.transaction(&of, transactOnce);
    return .{ .v = of.runs };
}

fn refuse(reason: Of([]const u8)) bulkhead.Error!void {
    if (std.mem.eql(u8, reason.v, "unavailable")) return bulkhead.unavailable(1500, "gone for \"{d}\" é", .{1});
    return bulkhead.refuse(reason.v, "no \"{d}\" é", .{1});
}

fn passed() ![]const u8 {
    return bulkhead.services.call("vault.open", "", null);
}

fn seen() ![]const u8 {
    if (bulkhead.services.call("vault.open", "", null)) |_| return "nothing was refused" else |failure| {
        const refusal = bulkhead.lastRefusal();
        if (failure != error.Refused) return failure;
        return bulkhead.format("{s} {s} {d}", .{ bulkhead.nameOf(refusal.code), refusal.reason orelse "", refusal.@"retry-after-ms" orelse 0 });
    }
}

const Settings = struct { level: f64, count: u32, on: ?bool, name: []const u8, rooms: []const []const u8, extra: u8 = 7 };

fn configured() !Settings {
    return bulkhead.readConfig(Settings);
}
