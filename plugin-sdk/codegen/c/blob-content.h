
// Contents of blobs as a whole.

#define BH__PIECE_BYTES 65536

// Writes a blob, in place of one that has the name; when it cannot be written nothing of it stays. Fails as bh_blobs_create, bh_blobs_append and
// bh_blobs_finish do. `blob` may be NULL.
static inline bh_code bh_blob_write(bh_text name, bh_text media_type, bh_bytes content, bh_blobs_blob *blob) {
    bh_blobs_property_list none;
    memset(&none, 0, sizeof none);
    uint32_t writer;
    bh_code code = bh_blobs_create(name, media_type, none, &writer);
    if (code != BH_OK) return code;
    for (size_t at = 0; at < content.size; at += BH__PIECE_BYTES) {
        bh_bytes piece = content;
        piece.data = content.data + at;
        piece.size = content.size - at < BH__PIECE_BYTES ? content.size - at : BH__PIECE_BYTES;
        code = bh_blobs_append(writer, piece);
        if (code != BH_OK) {
            bool was;
            bh_error failure = bh_last_error();
            bh_blobs_discard(writer, &was);
            bh__last_error = failure;
            return code;
        }
    }
    bh_blobs_blob finished;
    code = bh_blobs_finish(writer, &finished);
    if (code == BH_OK && blob != NULL) *blob = finished;
    return code;
}

// The whole content, which is in the plugin's memory then. Fails with BH_INVALID_MESSAGE when there is no such blob, with BH_CONFLICT when it is replaced
// or removed meanwhile.
static inline bh_code bh_blob_read(bh_text name, bh_bytes *content) {
    bh_optional_blobs_blob found;
    bh_code code = bh_blobs_stat(name, &found);
    if (code != BH_OK) return code;
    bh_optional_text etag;
    memset(&etag, 0, sizeof etag);
    // One that is not there is asked for all the same: the host says so.
    if (!found.some) return bh_blobs_read(name, 0, 1, etag, content);
    etag.some = true;
    etag.value = found.value.etag;
    content->size = (size_t)found.value.size;
    uint8_t *all = (uint8_t *)bh_allocate(content->size + 1);
    content->data = all;
    for (size_t at = 0; at < content->size;) {
        bh_bytes piece;
        code = bh_blobs_read(name, at, BH__PIECE_BYTES, etag, &piece);
        if (code != BH_OK) return code;
        memcpy(all + at, piece.data, piece.size);
        at += piece.size;
    }
    return BH_OK;
}
