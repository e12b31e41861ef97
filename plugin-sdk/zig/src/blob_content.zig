//! Contents of blobs as a whole, and piece by piece.

const std = @import("std");
const abi = @import("abi.zig");
const generated = @import("generated.zig");
const blobs = generated.blobs;

const piece_bytes = 65_536;

/// Writes a blob, in place of one that has the name; when it cannot be written nothing of it stays. Fails as `blobs.create`, `append` and `finish` do.
pub fn writeBlob(name: []const u8, media_type: []const u8, content: []const u8) generated.Error!blobs.Blob {
    const writer = try blobs.create(name, media_type, &.{});
    var rest = content;
    while (rest.len > 0) {
        const length = @min(rest.len, piece_bytes);
        blobs.append(writer, rest[0..length]) catch |failure| {
            const refusal = abi.last_refusal;
            _ = blobs.discard(writer) catch {};
            abi.last_refusal = refusal;
            return failure;
        };
        rest = rest[length..];
    }
    return blobs.finish(writer);
}

/// A blob's content in pieces of 64 KiB, the last one shorter; one that is replaced or removed meanwhile fails with Conflict.
pub const BlobPieces = struct {
    blob: blobs.Blob,
    at: u64 = 0,

    pub fn next(self: *BlobPieces) generated.Error!?[]const u8 {
        if (self.at == self.blob.size) return null;
        const piece = try blobs.read(self.blob.name, self.at, piece_bytes, self.blob.etag);
        self.at += piece.len;
        return piece;
    }
};

/// Fails with InvalidMessage when there is no such blob.
pub fn blobPieces(name: []const u8) generated.Error!BlobPieces {
    if (try blobs.stat(name)) |found| return .{ .blob = found };
    const message = std.fmt.allocPrint(abi.allocator, "there is no blob \"{s}\"", .{name}) catch abi.outOfMemory();
    abi.last_refusal = .{ .code = .invalid_message, .message = message };
    return error.InvalidMessage;
}

/// The whole content, which is in the plugin's memory then. Fails as `blobPieces` does.
pub fn readBlob(name: []const u8) generated.Error![]const u8 {
    var pieces = try blobPieces(name);
    const content = abi.allocator.alloc(u8, @intCast(pieces.blob.size)) catch abi.outOfMemory();
    var at: usize = 0;
    while (try pieces.next()) |piece| {
        @memcpy(content[at..][0..piece.len], piece);
        at += piece.len;
    }
    return content;
}
