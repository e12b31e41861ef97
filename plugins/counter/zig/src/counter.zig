//! Counts measurements: the one scenario that every SDK implements (plugins/counter/README.md).

const std = @import("std");
const bulkhead = @import("bulkhead");
const storage = bulkhead.storage;

pub const panic = bulkhead.panic;

const last_lives_ms = 60_000;
const survey_ms = 2_000;

comptime {
    bulkhead.lifecycle("on_load", onLoad);
    bulkhead.event("on_measured", onMeasured);
    bulkhead.service("read", read);
    bulkhead.service("environment", environment);
    bulkhead.service("denied", denied);
    bulkhead.service("survey", survey);
    bulkhead.service("echo", echo);
    bulkhead.service("greet", greet);
    bulkhead.service("fail", fail);
    bulkhead.service("crash", crash);
}

// As it was written: a number that goes through a float would come out otherwise.
const Number = struct {
    text: []const u8,

    pub fn jsonParse(allocator: std.mem.Allocator, source: anytype, _: std.json.ParseOptions) !Number {
        return switch (try source.nextAlloc(allocator, .alloc_always)) {
            .allocated_number => |text| .{ .text = text },
            else => error.UnexpectedToken,
        };
    }

    pub fn jsonStringify(self: Number, writer: anytype) !void {
        try writer.print("{s}", .{self.text});
    }
};

const Measured = struct { sensor: []const u8, value: Number };

const Stored = struct { count: u64, last: ?[]const u8 };

fn stored() !Stored {
    const values = try storage.getMany(&.{ "count", "last" });
    return .{
        .count = if (values[0]) |count| try std.fmt.parseInt(u64, count.data, 10) else 0,
        .last = if (values[1]) |last| last.data else null,
    };
}

fn onLoad() !void {
    try bulkhead.log.write(.debug, "counter loaded");
}

fn onMeasured(event: bulkhead.Event(Measured)) !void {
    const sensor = event.data.sensor;
    const count = (try stored()).count + 1;
    try storage.apply(&.{
        .{ .key = "count", .value = .of(bulkhead.format("{d}", .{count})) },
        .{ .key = "last", .value = .of(bulkhead.toJson(event.data)), .ttl_ms = last_lives_ms },
        .{ .key = "stale" },
    });
    _ = try bulkhead.events.publish("counter.counted", "application/json", bulkhead.toJson(.{ .count = count, .sensor = sensor }));
    const greeting = try bulkhead.services.call("greeter.greet", sensor, null);
    try bulkhead.log.write(.info, bulkhead.format("greeter said: {s}", .{greeting}));
}

fn read() ![]const u8 {
    const found = try stored();
    return bulkhead.format("{{\"count\":{d},\"last\":{s}}}", .{ found.count, found.last orelse "null" });
}

const Environment = struct { unit: ?[]const u8, now: bool, monotonic: bool, random: bool, caller: []const u8 };

fn environment() !Environment {
    const first = bulkhead.clock.monotonic();
    const one = try bulkhead.random.bytes(16);
    const other = try bulkhead.random.bytes(16);
    const caller = bulkhead.services.currentCaller();
    return .{
        .unit = try bulkhead.config.get("unit"),
        .now = bulkhead.clock.now() > 1_600_000_000_000,
        .monotonic = bulkhead.clock.monotonic() >= first,
        .random = one.len == 16 and other.len == 16 and !std.mem.eql(u8, one, other),
        .caller = bulkhead.format("{s}:{s}", .{ bulkhead.nameOf(caller.kind), caller.name }),
    };
}

fn denied() ![2][]const u8 {
    if (bulkhead.services.call("vault.open", "", null)) |_| return bulkhead.fail("nothing was denied", .{}) else |_| {}
    const call = bulkhead.lastRefusal();
    if (bulkhead.state.set("vault.key", "x")) return bulkhead.fail("nothing was denied", .{}) else |_| {}
    const set = bulkhead.lastRefusal();
    try bulkhead.log.write(.warning, call.message);
    return .{ bulkhead.nameOf(call.code), bulkhead.nameOf(set.code) };
}

fn survey(name: []const u8) ![]const u8 {
    var lines: []const u8 = "";
    for (try bulkhead.extensions.ask("lab.greeting", name, survey_ms), 0..) |answer, i| {
        lines = bulkhead.format("{s}{s}{s}: {s}", .{ lines, if (i == 0) "" else "\n", answer.plugin, answer.output.data });
    }
    return lines;
}

fn echo(bytes: []const u8) []const u8 {
    return bytes;
}

fn greet(name: []const u8) []const u8 {
    return bulkhead.format("Grüße, {s} 🌍 — 你好", .{name});
}

fn fail(input: []const u8) !void {
    return bulkhead.fail("failed on purpose: {s}", .{input});
}

fn crash() void {
    bulkhead.panicAt(@src(), "crashed on purpose");
}
