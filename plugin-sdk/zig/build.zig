//! The module `bulkhead`, for `b.dependency("bulkhead", .{}).module("bulkhead")`, and its tests.

const std = @import("std");

pub fn build(b: *std.Build) void {
    _ = b.addModule("bulkhead", .{ .root_source_file = b.path("src/bulkhead.zig") });
    const tests = b.addTest(.{ .root_module = b.createModule(.{ .root_source_file = b.path("src/json.zig"), .target = b.graph.host }) });
    b.step("test", "Run the tests").dependOn(&b.addRunArtifact(tests).step);
}
