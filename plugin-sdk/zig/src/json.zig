//! JSON of the ABI's types: names with hyphens as in wit/, bytes as base64 text. For an author's own JSON std.json is there.

const std = @import("std");

/// Bytes that are base64 text in JSON.
pub const Bytes = struct {
    data: []const u8,

    pub fn of(data: []const u8) Bytes {
        return .{ .data = data };
    }

    pub fn jsonStringify(self: Bytes, writer: anytype) !void {
        try writer.beginWriteRaw();
        try writer.writer.writeByte('"');
        try std.base64.standard.Encoder.encodeWriter(writer.writer, self.data);
        try writer.writer.writeByte('"');
        writer.endWriteRaw();
    }
};

fn hyphens(comptime name: []const u8) []const u8 {
    comptime {
        var text: [name.len]u8 = undefined;
        for (name, &text) |from, *to| to.* = if (from == '_') '-' else from;
        const done = text;
        return &done;
    }
}

/// The name in wit/ of an enum's value.
pub fn nameOf(value: anytype) []const u8 {
    switch (value) {
        inline else => |one| return comptime hyphens(@tagName(one)),
    }
}

/// Writes a value of a type of the ABI to a std.json.Stringify.
pub fn write(value: anytype, writer: *std.json.Stringify) std.Io.Writer.Error!void {
    const T = @TypeOf(value);
    if (T == Bytes) return value.jsonStringify(writer);
    switch (@typeInfo(T)) {
        .@"enum" => try writer.write(nameOf(value)),
        .optional => if (value) |some| try write(some, writer) else try writer.write(null),
        .@"struct" => {
            try writer.beginObject();
            inline for (comptime std.meta.fieldNames(T)) |field| {
                try writer.objectField(comptime hyphens(field));
                try write(@field(value, field), writer);
            }
            try writer.endObject();
        },
        .pointer => if (T == []const u8) try writer.write(value) else {
            try writer.beginArray();
            for (value) |item| try write(item, writer);
            try writer.endArray();
        },
        else => try writer.write(value),
    }
}

const ReadError = error{Unfit} || std.mem.Allocator.Error;

/// A value of a type of the ABI; what it points to belongs to the allocator and to `json`.
pub fn read(comptime T: type, json: std.json.Value, allocator: std.mem.Allocator) ReadError!T {
    if (T == Bytes) {
        if (json != .string) return error.Unfit;
        const decoder = std.base64.standard.Decoder;
        const data = try allocator.alloc(u8, decoder.calcSizeForSlice(json.string) catch return error.Unfit);
        decoder.decode(data, json.string) catch return error.Unfit;
        return .{ .data = data };
    }
    switch (@typeInfo(T)) {
        .bool => return if (json == .bool) json.bool else error.Unfit,
        .int => return if (json == .integer) std.math.cast(T, json.integer) orelse error.Unfit else error.Unfit,
        .optional => |optional| return if (json == .null) null else try read(optional.child, json, allocator),
        .@"enum" => {
            if (json != .string) return error.Unfit;
            inline for (comptime std.meta.tags(T)) |tag| if (std.mem.eql(u8, json.string, nameOf(tag))) return tag;
            return error.Unfit;
        },
        .@"struct" => {
            if (json != .object) return error.Unfit;
            var value: T = undefined;
            inline for (comptime std.meta.fieldNames(T)) |field| {
                const given = json.object.get(comptime hyphens(field)) orelse .null;
                @field(value, field) = try read(@FieldType(T, field), given, allocator);
            }
            return value;
        },
        .pointer => |pointer| {
            if (T == []const u8) return if (json == .string) json.string else error.Unfit;
            if (json != .array) return error.Unfit;
            const items = try allocator.alloc(pointer.child, json.array.items.len);
            for (items, json.array.items) |*item, given| item.* = try read(pointer.child, given, allocator);
            return items;
        },
        else => @compileError("the ABI has no " ++ @typeName(T)),
    }
}

test "what is written is read back" {
    const Kind = enum { one_two, three };
    const Change = struct { key: []const u8, value: ?Bytes, ttl_ms: ?u64 = null, kinds: []const Kind };
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var out: std.Io.Writer.Allocating = .init(arena.allocator());
    var writer: std.json.Stringify = .{ .writer = &out.writer };
    try write(Change{ .key = "a", .value = .of("hi"), .kinds = &.{ .one_two, .three } }, &writer);
    try std.testing.expectEqualStrings(
        \\{"key":"a","value":"aGk=","ttl-ms":null,"kinds":["one-two","three"]}
    , out.written());
    const value = try std.json.parseFromSliceLeaky(std.json.Value, arena.allocator(), out.written(), .{});
    const change = try read(Change, value, arena.allocator());
    try std.testing.expectEqualStrings("hi", change.value.?.data);
    try std.testing.expectEqual(null, change.ttl_ms);
    try std.testing.expectEqual(Kind.one_two, change.kinds[0]);
    try std.testing.expectError(error.Unfit, read(u8, .{ .integer = 256 }, arena.allocator()));
}
