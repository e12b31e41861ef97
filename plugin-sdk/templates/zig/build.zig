//! `zig build` makes zig-out/bin/my-plugin.wasm.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const plugin = b.addExecutable(.{
        .name = "my-plugin",
        .root_module = b.createModule(.{
            .root_source_file = b.path("src/plugin.zig"),
            .target = b.resolveTargetQuery(.{ .cpu_arch = .wasm32, .os_tag = .freestanding }),
            .optimize = .ReleaseSmall,
            .strip = true,
            .imports = &.{.{ .name = "bulkhead", .module = b.dependency("bulkhead", .{}).module("bulkhead") }},
        }),
    });
    plugin.entry = .disabled;
    plugin.rdynamic = true;
    b.installArtifact(plugin);
}
