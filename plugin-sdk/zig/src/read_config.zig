//! The configuration as a struct: the host gives texts, and JSON for what is none.

const std = @import("std");
const abi = @import("abi.zig");
const generated = @import("generated.zig");

/// Reads a key for each field of a struct, by the field's type: `readConfig(struct { level: f64, @"room-names": []const []const u8 = &.{} })`. What was not configured,
/// and has no default in the manifest, is the field's own default, or null where that can be.
///
/// Fails with PluginFailed, and the key, for a value of another type, and for one that is missing; with what `config.get` fails with.
pub fn readConfig(comptime T: type) generated.Error!T {
    const fields = @typeInfo(T).@"struct";
    var read: T = undefined;
    inline for (fields.field_names, fields.field_types, fields.field_attrs) |key, Field, attributes| {
        @field(read, key) = if (try generated.config.get(key)) |text|
            valueOf(Field, text) catch |cause| return failed("config.{s} does not fit: {s} for a {s}", .{ key, @errorName(cause), @typeName(Field) })
        else if (comptime attributes.defaultValue(Field)) |default|
            default
        else if (@typeInfo(Field) == .optional)
            null
        else
            return failed("config.{s} is missing; write it in plugins.<name>.config", .{key});
    }
    return read;
}

/// A text that is the JSON of something else is that where both fit.
fn valueOf(comptime Field: type, text: []const u8) !Field {
    if (Field == []const u8) return text;
    const options: std.json.ParseOptions = .{ .ignore_unknown_fields = true };
    const quoted = std.json.Stringify.valueAlloc(abi.allocator, text, .{}) catch abi.outOfMemory();
    const is_text = text.len > 0 and text[0] == '"';
    if (!is_text) if (std.json.parseFromSliceLeaky(Field, abi.allocator, text, options)) |value| return value else |_| {};
    return std.json.parseFromSliceLeaky(Field, abi.allocator, quoted, options);
}

fn failed(comptime text: []const u8, arguments: anytype) generated.Error {
    abi.last_refusal = .{ .code = .plugin_failed, .message = std.fmt.allocPrint(abi.allocator, text, arguments) catch abi.outOfMemory() };
    return error.PluginFailed;
}
