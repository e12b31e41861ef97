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

/// A number that JSON has no form for; std.json writes a text that is no JSON.
pub const Unfit = struct {
    /// From the inside out: the last is the outermost.
    path: [most]Step = undefined,
    steps: usize = 0,
    number: f64,

    const most = 32;
    const Step = union(enum) { name: []const u8, index: usize };

    fn within(self: Unfit, step: Step) Unfit {
        var outer = self;
        if (self.steps < most) {
            outer.path[self.steps] = step;
            outer.steps += 1;
        }
        return outer;
    }

    /// Such as `rooms.0.value`.
    pub fn where(self: *const Unfit, allocator: std.mem.Allocator) []const u8 {
        if (self.steps == 0) return "the value";
        var text: []const u8 = "";
        for (0..self.steps) |i| {
            const dot = if (i == 0) "" else ".";
            const made = switch (self.path[i]) {
                .name => |name| std.fmt.allocPrint(allocator, "{s}{s}{s}", .{ name, dot, text }),
                .index => |index| std.fmt.allocPrint(allocator, "{d}{s}{s}", .{ index, dot, text }),
            };
            text = made catch return text;
        }
        return text;
    }
};

fn unfitItem(items: anytype) ?Unfit {
    for (items, 0..) |item, index| if (unfit(item)) |found| return found.within(.{ .index = index });
    return null;
}

fn unfitValue(value: std.json.Value) ?Unfit {
    switch (value) {
        .float => |number| return unfit(number),
        .array => |array| return unfitItem(array.items),
        .object => |object| {
            for (object.keys(), object.values()) |name, item| if (unfitValue(item)) |found| return found.within(.{ .name = name });
            return null;
        },
        else => return null,
    }
}

/// The first NaN or infinity in what would be written, or null. What writes itself (`jsonStringify`) is not looked into.
pub fn unfit(value: anytype) ?Unfit {
    const T = @TypeOf(value);
    if (T == std.json.Value) return unfitValue(value);
    switch (@typeInfo(T)) {
        .float => return if (std.math.isFinite(value)) null else .{ .number = value },
        .optional => return if (value) |some| unfit(some) else null,
        .array => return unfitItem(value),
        .pointer => |pointer| {
            if (pointer.child == u8 or pointer.size == .many or pointer.size == .c) return null;
            return if (pointer.size == .slice) unfitItem(value) else unfit(value.*);
        },
        .@"struct" => {
            if (std.meta.hasMethod(T, "jsonStringify")) return null;
            inline for (comptime std.meta.fieldNames(T)) |field| if (unfit(@field(value, field))) |found| return found.within(.{ .name = field });
            return null;
        },
        .@"union" => |tagged| {
            if (tagged.tag_type == null or std.meta.hasMethod(T, "jsonStringify")) return null;
            switch (value) {
                inline else => |payload, tag| return if (unfit(payload)) |found| found.within(.{ .name = @tagName(tag) }) else null,
            }
        },
        else => return null,
    }
}

test "a number that is none is found with its path" {
    const Reading = union(enum) { missing, value: f64 };
    const Room = struct { name: ?[]const u8 = null, readings: []const Reading };
    try std.testing.expectEqual(null, unfit(Room{ .readings = &.{ .missing, .{ .value = 1.5 } } }));
    const found = unfit(Room{ .readings = &.{ .missing, .{ .value = -std.math.inf(f64) } } }).?;
    try std.testing.expectEqual(3, found.steps);
    try std.testing.expectEqualStrings("value", found.path[0].name);
    try std.testing.expectEqual(1, found.path[1].index);
    try std.testing.expectEqualStrings("readings", found.path[2].name);
    try std.testing.expect(std.math.isNan(unfit(std.math.nan(f32)).?.number));
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
