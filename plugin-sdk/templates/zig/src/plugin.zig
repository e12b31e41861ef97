//! Greets people, and counts how often. plugin.json names the entry points below.

const std = @import("std");
const bulkhead = @import("bulkhead");

pub const panic = bulkhead.panic;

comptime {
    bulkhead.service("greet", greet);
    bulkhead.event("on_arrived", onArrived);
}

const Person = struct { name: []const u8 };
const Greeting = struct { message: []const u8, times: u64 };

fn messageTo(name: []const u8) ![]const u8 {
    const greeting = try bulkhead.config.get("greeting") orelse "Hello";
    return bulkhead.format("{s}, {s}!", .{ greeting, name });
}

fn greet(person: Person) !Greeting {
    if (person.name.len == 0) return bulkhead.refuse("invalid-input", "name is empty", .{});
    const key = bulkhead.format("times/{s}", .{person.name});
    const before = if (try bulkhead.storage.get(key)) |text| try std.fmt.parseInt(u64, text, 10) else 0;
    const times = before + 1;
    try bulkhead.storage.set(key, bulkhead.format("{d}", .{times}));
    _ = try bulkhead.events.publish("my-plugin.greeted", "application/json", bulkhead.toJson(.{ .name = person.name, .times = times }));
    return .{ .message = try messageTo(person.name), .times = times };
}

fn onArrived(event: bulkhead.Event(Person)) !void {
    try bulkhead.log.write(.info, try messageTo(event.data.name));
}
