// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

// Write Bulkhead plugins in C11 or C++17. README.md is the manual. What begins with bh_ or BH_ is for authors, what has two
// underscores after it is not. Whatever a function here gives lives until the turn ends; nothing has to be freed.

#ifndef BULKHEAD_H
#define BULKHEAD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
#define BH__C extern "C"
#else
#define BH__C
#endif
#define BH__NORETURN __attribute__((noreturn))
#ifdef __FILE_NAME__
#define BH__FILE __FILE_NAME__
#else
#define BH__FILE __FILE__
#endif
#define BH__IMPORT(module, name) BH__C __attribute__((import_module(module), import_name(name)))
// One definition of it survives however many files of a plugin include this one.
#define BH__SHARED __attribute__((weak))

// Why the host refused or could not do something. docs/errors.md says what to do about each.
typedef enum {
    BH_OK = 0,
    BH_INVALID_MESSAGE,
    BH_INVALID_MANIFEST,
    BH_ADMISSION_REFUSED,
    BH_INCOMPATIBLE_API,
    BH_PERMISSION_DENIED,
    BH_NO_SUCH_SERVICE,
    BH_SERVICE_TAKEN,
    BH_CALL_LOOP,
    BH_QUEUE_FULL,
    BH_RATE_LIMITED,
    BH_DEADLINE_EXCEEDED,
    BH_CPU_EXHAUSTED,
    BH_MEMORY_EXHAUSTED,
    BH_PLUGIN_FAILED,
    BH_PLUGIN_NOT_RUNNING,
    BH_QUOTA_EXCEEDED,
    BH_STORAGE_FAILED,
    BH_HTTP_FAILED,
    BH_CONFLICT,
    BH_INTERNAL,
    // The provider of a service said no: `reason` says why. The call reached it, and it is well.
    BH_REFUSED,
    // The host where the service is could not be asked: nothing of the call was done.
    BH_HOST_UNREACHABLE,
    // The host where the service is was asked and is gone: nobody knows whether the call was done.
    BH_HOST_LOST,
} bh_code;
#define BH__CODES 24
static const char *const bh__names_code[] = {"ok", "invalid-message", "invalid-manifest", "admission-refused", "incompatible-api", "permission-denied", "no-such-service", "service-taken", "call-loop", "queue-full", "rate-limited", "deadline-exceeded", "cpu-exhausted", "memory-exhausted", "plugin-failed", "plugin-not-running", "quota-exceeded", "storage-failed", "http-failed", "conflict", "internal", "refused", "host-unreachable", "host-lost"};

// Bytes, or text in UTF-8, with their number.
typedef struct {
    const uint8_t *data;
    size_t size;
} bh_bytes;
typedef bh_bytes bh_text;
typedef struct {
    bool some;
    bh_bytes value;
} bh_optional_bytes;
typedef bh_optional_bytes bh_optional_text;

// Why something failed or was refused: branch on `code`, and of BH_REFUSED on `reason`, which is empty else; show `message` to people.
// `retry_after_ms` says how long to wait before it may go, 0 where nobody knows.
typedef struct {
    bh_code code;
    bh_text message;
    bh_text reason;
    uint32_t retry_after_ms;
} bh_error;

BH__IMPORT("extism:host/env", "alloc") uint64_t bh__alloc(uint64_t length);
BH__IMPORT("extism:host/env", "length") uint64_t bh__length(uint64_t block);
BH__IMPORT("extism:host/env", "input_offset") uint64_t bh__input_offset(void);
BH__IMPORT("extism:host/env", "input_length") uint64_t bh__input_length(void);
BH__IMPORT("extism:host/env", "output_set") void bh__output_set(uint64_t offset, uint64_t length);
BH__IMPORT("extism:host/env", "error_set") void bh__error_set(uint64_t block);
BH__IMPORT("bulkhead:host/memory", "load") void bh__load(uint64_t offset, void *address, size_t length);
BH__IMPORT("bulkhead:host/memory", "store") void bh__store(const void *address, uint64_t offset, size_t length);
BH__IMPORT("bulkhead:host/memory", "release") void bh__release(uint64_t block);

static inline bh_bytes bh_bytes_of(const void *data, size_t size) {
    bh_bytes bytes;
    bytes.data = (const uint8_t *)data;
    bytes.size = size;
    return bytes;
}
static inline bh_text bh_str(const char *text) { return bh_bytes_of(text, strlen(text)); }
static inline bool bh_equal(bh_bytes one, bh_bytes other) {
    return one.size == other.size && (one.size == 0 || memcmp(one.data, other.data, one.size) == 0);
}
static inline bh_optional_bytes bh_some(bh_bytes value) {
    bh_optional_bytes optional;
    optional.some = true;
    optional.value = value;
    return optional;
}
static inline bh_optional_bytes bh_none(void) {
    bh_optional_bytes optional;
    memset(&optional, 0, sizeof optional);
    return optional;
}
// The name in wit/, such as permission-denied.
static inline const char *bh_code_name(bh_code code) { return bh__names_code[code]; }

static inline uint64_t bh__block(bh_bytes bytes) {
    uint64_t block = bh__alloc(bytes.size);
    if (bytes.size > 0) bh__store(bytes.data, block, bytes.size);
    return block;
}

BH__NORETURN static inline void bh__panic(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
BH__NORETURN static inline void bh__panic(const char *file, int line, const char *format, ...) {
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message - 256, format, arguments);
    va_end(arguments);
    if (length < 0) length = 0;
    if ((size_t)length >= sizeof message - 256) length = sizeof message - 257;
    int place = snprintf(message + length, 256, " (%s:%d)", file, line);
    bh__error_set(bh__block(bh_bytes_of(message, (size_t)(length + (place < 255 ? place : 255)))));
    __builtin_trap();
}
// Ends the turn and the instance: the caller is told the message, formatted as by printf, with this file and line.
#define BH_PANIC(...) bh__panic(BH__FILE, __LINE__, __VA_ARGS__)

// What assert() calls; wasi-libc would write to stderr and name no plugin.
BH__C BH__SHARED BH__NORETURN void __assert_fail(const char *expression, const char *file, int line, const char *function);
BH__C BH__SHARED BH__NORETURN void __assert_fail(const char *expression, const char *file, int line, const char *function) {
    bh__panic(file, line, "assertion failed in %s: %s", function, expression);
}

// Memory of the turn: chunks from malloc, of which one is kept for the next turn.
typedef struct bh__chunk {
    struct bh__chunk *next;
    size_t size;
    size_t used;
    size_t unused;
} bh__chunk;
BH__SHARED bh__chunk *bh__chunks;
BH__SHARED bh_error bh__last_error;

// Memory until the turn ends, aligned for everything.
static inline void *bh_allocate(size_t size) {
    size_t needed = (size + 15u) & ~(size_t)15u;
    if (needed < size) BH_PANIC("%zu bytes are more than there is memory", size);
    if (bh__chunks == NULL || bh__chunks->size - bh__chunks->used < needed) {
        size_t room = needed > 65520 ? needed : 65520;
        bh__chunk *chunk = (bh__chunk *)malloc(sizeof(bh__chunk) + room);
        if (chunk == NULL) BH_PANIC("no memory for %zu bytes", size);
        chunk->next = bh__chunks;
        chunk->size = room;
        chunk->used = 0;
        bh__chunks = chunk;
    }
    void *found = (uint8_t *)(bh__chunks + 1) + bh__chunks->used;
    bh__chunks->used += needed;
    return found;
}
static inline void bh__end_turn(void) {
    while (bh__chunks != NULL && bh__chunks->next != NULL) {
        bh__chunk *next = bh__chunks->next;
        free(bh__chunks);
        bh__chunks = next;
    }
    if (bh__chunks != NULL) bh__chunks->used = 0;
}
static inline bh_bytes bh__copy_in(uint64_t offset, size_t size) {
    uint8_t *data = (uint8_t *)bh_allocate(size + 1);
    if (size > 0) bh__load(offset, data, size);
    data[size] = 0;
    return bh_bytes_of(data, size);
}

// Text as printf makes it.
static inline bh_text bh_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline bh_text bh__vformat(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) BH_PANIC("cannot format %s", format);
    char *text = (char *)bh_allocate((size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return bh_bytes_of(text, (size_t)length);
}
static inline bh_text bh_format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    bh_text text = bh__vformat(format, arguments);
    va_end(arguments);
    return text;
}
// The two arguments of "%.*s" for a bh_text.
#define BH_ARG(text) (int)(text).size, (const char *)(text).data

// A growing text.
typedef struct {
    uint8_t *data;
    size_t size;
    size_t room;
} bh__out;
static inline bh__out bh__begin(void) {
    bh__out out;
    memset(&out, 0, sizeof out);
    return out;
}
static inline bh_bytes bh__end(bh__out *out) { return bh_bytes_of(out->data, out->size); }
static inline void bh__put(bh__out *out, const void *data, size_t size) {
    if (out->room - out->size < size) {
        size_t room = out->room * 2 + size + 64;
        uint8_t *larger = (uint8_t *)bh_allocate(room);
        if (out->size > 0) memcpy(larger, out->data, out->size);
        out->data = larger;
        out->room = room;
    }
    if (size > 0) memcpy(out->data + out->size, data, size);
    out->size += size;
}
static inline void bh__put_str(bh__out *out, const char *text) { bh__put(out, text, strlen(text)); }

// JSON that goes out.
static inline void bh__write_text(bh__out *out, bh_text text) {
    static const char digits[] = "0123456789abcdef";
    bh__put_str(out, "\"");
    for (size_t i = 0; i < text.size; i++) {
        uint8_t one = text.data[i];
        if (one == '"' || one == '\\') {
            char escaped[2] = {'\\', (char)one};
            bh__put(out, escaped, 2);
        } else if (one < 0x20) {
            char escaped[6] = {'\\', 'u', '0', '0', digits[one >> 4], digits[one & 15]};
            bh__put(out, escaped, 6);
        } else {
            bh__put(out, &one, 1);
        }
    }
    bh__put_str(out, "\"");
}
static inline void bh__write_u64(bh__out *out, uint64_t value) {
    bh_text digits = bh_format("%llu", (unsigned long long)value);
    bh__put(out, digits.data, digits.size);
}
static inline void bh__write_u32(bh__out *out, uint32_t value) { bh__write_u64(out, value); }
static inline void bh__write_u16(bh__out *out, uint16_t value) { bh__write_u64(out, value); }
static inline void bh__write_u8(bh__out *out, uint8_t value) { bh__write_u64(out, value); }
static inline void bh__write_bool(bh__out *out, bool value) { bh__put_str(out, value ? "true" : "false"); }
// Bytes inside of JSON are base64 text.
static inline void bh__write_bytes(bh__out *out, bh_bytes bytes) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bh__put_str(out, "\"");
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t bits = (uint32_t)bytes.data[i] << 16 | (left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0) | (left > 2 ? bytes.data[i + 2] : 0u);
        char four[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63], left > 1 ? alphabet[bits >> 6 & 63] : '=',
                        left > 2 ? alphabet[bits & 63] : '='};
        bh__put(out, four, 4);
    }
    bh__put_str(out, "\"");
}

// Text as a JSON string, with its quotes.
static inline bh_text bh_json_quoted(bh_text text) {
    bh__out out = bh__begin();
    bh__write_text(&out, text);
    return bh__end(&out);
}

// JSON that comes in: each function takes one value's text, with or without space around it.
static inline const uint8_t *bh__space(const uint8_t *at, const uint8_t *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}
static inline const uint8_t *bh__after_string(const uint8_t *at, const uint8_t *end) {
    if (at >= end || *at != '"') return NULL;
    for (at++; at < end && *at != '"'; at++) {
        if (*at < 0x20) return NULL;
        if (*at != '\\') continue;
        if (++at >= end || *at == 0 || strchr("\"\\/bfnrtu", *at) == NULL) return NULL;
        if (*at != 'u') continue;
        for (int i = 0; i < 4; i++)
            if (++at >= end || !((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f') || (*at >= 'A' && *at <= 'F'))) return NULL;
    }
    return at < end ? at + 1 : NULL;
}
static inline const uint8_t *bh__after_digits(const uint8_t *at, const uint8_t *end) {
    const uint8_t *start = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    return at > start ? at : NULL;
}
static inline const uint8_t *bh__after_number(const uint8_t *at, const uint8_t *end) {
    if (at < end && *at == '-') at++;
    bool zero = at < end && *at == '0';
    const uint8_t *start = at;
    at = bh__after_digits(at, end);
    if (at == NULL || (zero && at - start > 1)) return NULL;
    if (at < end && *at == '.') at = bh__after_digits(at + 1, end);
    if (at == NULL || at >= end || (*at != 'e' && *at != 'E')) return at;
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    return bh__after_digits(at, end);
}
// Behind the value that begins at `at`, or NULL. Deeper than 64 is refused, since it is recursive.
static inline const uint8_t *bh__after_value(const uint8_t *at, const uint8_t *end, int depth) {
    at = bh__space(at, end);
    if (at >= end || depth > 64) return NULL;
    if (*at == '"') return bh__after_string(at, end);
    if (*at == '{' || *at == '[') {
        uint8_t close = *at == '{' ? '}' : ']';
        at = bh__space(at + 1, end);
        if (at < end && *at == close) return at + 1;
        for (;;) {
            if (close == '}') {
                at = bh__after_string(bh__space(at, end), end);
                if (at == NULL) return NULL;
                at = bh__space(at, end);
                if (at >= end || *at++ != ':') return NULL;
            }
            at = bh__after_value(at, end, depth + 1);
            if (at == NULL) return NULL;
            at = bh__space(at, end);
            if (at >= end) return NULL;
            if (*at == close) return at + 1;
            if (*at++ != ',') return NULL;
        }
    }
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
        size_t size = strlen(words[i]);
        if ((size_t)(end - at) >= size && memcmp(at, words[i], size) == 0) return at + size;
    }
    return bh__after_number(at, end);
}
static inline bh_text bh__trimmed(bh_text json) {
    const uint8_t *end = json.data + json.size;
    const uint8_t *start = bh__space(json.data, end);
    while (end > start && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r')) end--;
    return bh_bytes_of(start, (size_t)(end - start));
}
// Whether the text is one whole JSON value.
static inline bool bh_json_valid(bh_text json) {
    const uint8_t *end = json.data + json.size;
    const uint8_t *after = bh__after_value(json.data, end, 0);
    return after != NULL && bh__space(after, end) == end;
}
static inline bool bh__escape(const uint8_t **at, const uint8_t *end, uint32_t *code) {
    if (end - *at < 4) return false;
    *code = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t one = *(*at)++;
        uint32_t digit = one >= '0' && one <= '9' ? one - '0' : one >= 'a' && one <= 'f' ? one - 'a' + 10u : one >= 'A' && one <= 'F' ? one - 'A' + 10u : 16u;
        if (digit > 15) return false;
        *code = *code << 4 | digit;
    }
    return true;
}
// A JSON string's text; false when the value is no string.
static inline bool bh_json_text(bh_text json, bh_text *value) {
    json = bh__trimmed(json);
    const uint8_t *end = json.data + json.size;
    if (bh__after_string(json.data, end) != end || json.size < 2) return false;
    uint8_t *text = (uint8_t *)bh_allocate(json.size);
    size_t size = 0;
    for (const uint8_t *at = json.data + 1; at < end - 1;) {
        uint8_t one = *at++;
        if (one != '\\') {
            text[size++] = one;
            continue;
        }
        one = *at++;
        if (one != 'u') {
            static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
            const char *found = strchr(from, one);
            if (found == NULL || one == 0) return false;
            text[size++] = (uint8_t)to[found - from];
            continue;
        }
        uint32_t code, low;
        if (!bh__escape(&at, end, &code)) return false;
        if (code >= 0xd800 && code <= 0xdbff && end - at > 6 && at[0] == '\\' && at[1] == 'u') {
            const uint8_t *next = at + 2;
            if (bh__escape(&next, end, &low) && low >= 0xdc00 && low <= 0xdfff) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                at = next;
            }
        }
        if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
        if (code < 0x80) {
            text[size++] = (uint8_t)code;
            continue;
        }
        int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        text[size++] = (uint8_t)((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | code >> (6 * more));
        while (more-- > 0) text[size++] = (uint8_t)(0x80 | (code >> (6 * more) & 63));
    }
    *value = bh_bytes_of(text, size);
    return true;
}
// The JSON of an object's member; false when it is no object or has none of this name.
static inline bool bh_json_member(bh_text json, const char *name, bh_text *value) {
    if (!bh_json_valid(json)) return false;
    json = bh__trimmed(json);
    const uint8_t *end = json.data + json.size;
    if (*json.data != '{') return false;
    bh_text wanted = bh_str(name);
    for (const uint8_t *at = bh__space(json.data + 1, end); *at != '}';) {
        const uint8_t *after = bh__after_string(at, end);
        bh_text key;
        bool same = bh_json_text(bh_bytes_of(at, (size_t)(after - at)), &key) && bh_equal(key, wanted);
        at = bh__space(bh__space(after, end) + 1, end);
        after = bh__after_value(at, end, 0);
        if (same) {
            *value = bh_bytes_of(at, (size_t)(after - at));
            return true;
        }
        at = bh__space(after, end);
        if (*at == ',') at = bh__space(at + 1, end);
    }
    return false;
}
// Steps through a JSON array: `rest` begins as the array's text. False when there is no further item.
static inline bool bh_json_next(bh_text *rest, bh_text *item) {
    const uint8_t *end = rest->data + rest->size;
    const uint8_t *at = bh__space(rest->data, end);
    if (at >= end || (*at != '[' && *at != ',')) return false;
    at = bh__space(at + 1, end);
    if (at < end && *at == ']') return false;
    const uint8_t *after = bh__after_value(at, end, 0);
    if (after == NULL) return false;
    *item = bh_bytes_of(at, (size_t)(after - at));
    *rest = bh_bytes_of(after, (size_t)(end - after));
    return true;
}
static inline bool bh_json_null(bh_text json) { return bh_equal(bh__trimmed(json), bh_str("null")); }
// Decimal digits and nothing else; false also when it is too large.
static inline bool bh_json_u64(bh_text json, uint64_t *value) {
    json = bh__trimmed(json);
    if (json.size == 0) return false;
    *value = 0;
    for (size_t i = 0; i < json.size; i++) {
        uint64_t digit = (uint64_t)json.data[i] - '0';
        if (digit > 9 || *value > (UINT64_MAX - digit) / 10) return false;
        *value = *value * 10 + digit;
    }
    return true;
}
// A whole number with or without a sign; false also when it is too large.
static inline bool bh_json_i64(bh_text json, int64_t *value) {
    json = bh__trimmed(json);
    bool negative = json.size > 0 && json.data[0] == '-';
    uint64_t digits;
    if (json.size == 0 || !bh_json_u64(negative ? bh_bytes_of(json.data + 1, json.size - 1) : json, &digits)) return false;
    if (digits > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
    *value = (int64_t)(negative ? 0 - digits : digits);
    return true;
}
// The double that is nearest to the number; false also for one beyond all of them.
static inline bool bh_json_f64(bh_text json, double *value) {
    json = bh__trimmed(json);
    if (bh__after_number(json.data, json.data + json.size) != json.data + json.size) return false;
    char *text = (char *)bh_allocate(json.size + 1);
    memcpy(text, json.data, json.size);
    text[json.size] = 0;
    *value = strtod(text, NULL);
    return *value - *value == 0;
}
// The number in the fewest digits that mean the same double; false for NaN and infinities, which JSON has no form for.
static inline bool bh_json_number(double value, bh_text *json) {
    double same;
    if (value - value != 0) return false;
    for (int digits = 15; digits <= 17; digits++) {
        *json = bh_format("%.*g", digits, value);
        if (bh_json_f64(*json, &same) && same == value) break;
    }
    return true;
}
static inline bool bh_json_bool(bh_text json, bool *value) {
    *value = bh_equal(bh__trimmed(json), bh_str("true"));
    return *value || bh_equal(bh__trimmed(json), bh_str("false"));
}
static inline bool bh__read_text(bh_text json, bh_text *value) { return bh_json_text(json, value); }
static inline bool bh__read_u64(bh_text json, uint64_t *value) { return bh_json_u64(json, value); }
static inline bool bh__read_bool(bh_text json, bool *value) { return bh_json_bool(json, value); }
#define BH__READ_SMALLER(name, type, most)                             \
    static inline bool bh__read_##name(bh_text json, type *value) {    \
        uint64_t wide;                                                 \
        if (!bh_json_u64(json, &wide) || wide > (most)) return false;  \
        *value = (type)wide;                                           \
        return true;                                                   \
    }
BH__READ_SMALLER(u32, uint32_t, UINT32_MAX)
BH__READ_SMALLER(u16, uint16_t, UINT16_MAX)
BH__READ_SMALLER(u8, uint8_t, UINT8_MAX)
static inline bool bh__read_bytes(bh_text json, bh_bytes *value) {
    bh_text text;
    if (!bh_json_text(json, &text) || text.size % 4 != 0) return false;
    uint8_t *bytes = (uint8_t *)bh_allocate(text.size / 4 * 3 + 1);
    size_t size = 0, padding = 0;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=') padding++;
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < text.size - padding; i++) {
        uint8_t one = text.data[i];
        int six = one >= 'A' && one <= 'Z' ? one - 'A' : one >= 'a' && one <= 'z' ? one - 'a' + 26 : one >= '0' && one <= '9' ? one - '0' + 52 : one == '+' ? 62 : one == '/' ? 63 : -1;
        if (six < 0) return false;
        bits = bits << 6 | (uint32_t)six;
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes[size++] = (uint8_t)(bits >> count);
        }
    }
    *value = bh_bytes_of(bytes, size);
    return true;
}
static inline bool bh__read_name(bh_text json, const char *const *names, size_t count, size_t *found) {
    bh_text name;
    if (!bh_json_text(json, &name)) return false;
    for (*found = 0; *found < count; ++*found)
        if (bh_equal(name, bh_str(names[*found]))) return true;
    return false;
}
#define BH__OPTION_JSON(name, inner)                                             \
    static inline void bh__write_##name(bh__out *out, bh_##name optional) {      \
        if (optional.some) bh__write_##inner(out, optional.value);               \
        else bh__put_str(out, "null");                                           \
    }                                                                            \
    static inline bool bh__read_##name(bh_text json, bh_##name *optional) {      \
        memset(optional, 0, sizeof *optional);                                   \
        optional->some = !bh_json_null(json);                                    \
        return !optional->some || bh__read_##inner(json, &optional->value);      \
    }
#define BH__OPTION(name, type, inner) \
    typedef struct {                  \
        bool some;                    \
        type value;                   \
    } bh_##name;                      \
    BH__OPTION_JSON(name, inner)
#define BH__LIST(name, type, inner)                                                            \
    typedef struct {                                                                           \
        const type *items;                                                                     \
        size_t count;                                                                          \
    } bh_##name;                                                                               \
    static inline void bh__write_##name(bh__out *out, bh_##name list) {                        \
        bh__put_str(out, "[");                                                                 \
        for (size_t i = 0; i < list.count; i++) {                                              \
            if (i > 0) bh__put_str(out, ",");                                                  \
            bh__write_##inner(out, list.items[i]);                                             \
        }                                                                                      \
        bh__put_str(out, "]");                                                                 \
    }                                                                                          \
    static inline bool bh__read_##name(bh_text json, bh_##name *list) {                        \
        bh_text rest = json, item;                                                             \
        size_t count = 0;                                                                      \
        if (!bh_json_valid(json) || *bh__trimmed(json).data != '[') return false;              \
        while (bh_json_next(&rest, &item)) count++;                                            \
        type *items = (type *)bh_allocate(count * sizeof(type));                               \
        rest = json;                                                                           \
        for (size_t i = 0; i < count && bh_json_next(&rest, &item); i++)                       \
            if (!bh__read_##inner(item, &items[i])) return false;                              \
        list->items = items;                                                                   \
        list->count = count;                                                                   \
        return true;                                                                           \
    }
BH__OPTION_JSON(optional_bytes, bytes)
BH__OPTION_JSON(optional_text, text)

// A host call: its arguments become blocks, and once its answer is read all of them are given back.
typedef struct {
    uint64_t first;
} bh__call;
static inline uint64_t bh__bytes_block(bh__call *call, bh_bytes bytes) {
    uint64_t block = bh__block(bytes);
    if (call->first == 0) call->first = block;
    return block;
}
static inline uint64_t bh__optional_bytes_block(bh__call *call, bh_optional_bytes optional) {
    uint8_t tag = optional.some ? 1 : 0;
    bh__out out = bh__begin();
    bh__put(&out, &tag, 1);
    if (optional.some) bh__put(&out, optional.value.data, optional.value.size);
    return bh__bytes_block(call, bh__end(&out));
}
static inline uint64_t bh__optional_text_block(bh__call *call, bh_optional_text optional) { return bh__optional_bytes_block(call, optional); }
static inline void bh__take_bytes(bh_bytes answer, bh_bytes *value) { *value = answer; }
static inline void bh__take_text(bh_bytes answer, bh_text *value) { *value = answer; }
static inline void bh__take_optional_bytes(bh_bytes answer, bh_optional_bytes *value) {
    *value = answer.data[0] == 1 ? bh_some(bh_bytes_of(answer.data + 1, answer.size - 1)) : bh_none();
}
static inline void bh__take_optional_text(bh_bytes answer, bh_optional_text *value) { bh__take_optional_bytes(answer, value); }
static inline bh_code bh__answer(bh__call *call, uint64_t block, bh_bytes *answer) {
    bh_bytes tagged = bh__copy_in(block, (size_t)bh__length(block));
    bh__release(call->first != 0 ? call->first : block);
    *answer = bh_bytes_of(tagged.data + 1, tagged.size - 1);
    if (tagged.data[0] == 0) return BH_OK;
    bh_text raw;
    size_t code;
    if (!bh_json_member(*answer, "code", &raw) || !bh__read_name(raw, bh__names_code, BH__CODES, &code) ||
        !bh_json_member(*answer, "message", &raw) || !bh_json_text(raw, &bh__last_error.message))
        BH_PANIC("the host's error has another shape");
    uint64_t wait = 0;
    if (!bh_json_member(*answer, "reason", &raw) || !bh_json_text(raw, &bh__last_error.reason)) bh__last_error.reason = bh_str("");
    if (bh_json_member(*answer, "retry-after-ms", &raw)) bh_json_u64(raw, &wait);
    bh__last_error.retry_after_ms = (uint32_t)wait;
    return bh__last_error.code = (bh_code)code;
}
// The failure of the last host function that failed in this turn.
static inline bh_error bh_last_error(void) { return bh__last_error; }

// Lines in the host's log. The host stamps plugin, trace and time; a plugin cannot set them.

typedef enum {
    BH_LOG_LEVEL_DEBUG,
    BH_LOG_LEVEL_INFO,
    BH_LOG_LEVEL_WARNING,
    BH_LOG_LEVEL_ERROR,
} bh_log_level;
static const char *const bh__names_log_level[] = {"debug", "info", "warning", "error"};

// The name in wit/.
static inline const char *bh_log_level_name(bh_log_level value) { return bh__names_log_level[value]; }
static inline void bh__write_log_level(bh__out *out, bh_log_level value) { bh__write_text(out, bh_str(bh__names_log_level[value])); }
static inline bool bh__read_log_level(bh_text json, bh_log_level *value) {
    size_t found;
    if (!bh__read_name(json, bh__names_log_level, 4, &found)) return false;
    *value = (bh_log_level)found;
    return true;
}

BH__IMPORT("extism:host/user", "log_write") uint64_t bh__import_log_write(uint64_t, uint64_t);
// Writes one line. Control characters are escaped; a line above 8,192 characters is cut and says so.
static inline bh_code bh_log_write(bh_log_level level, bh_text message) {
    bh__call call = {0};
    bh__out level_json = bh__begin();
    bh__write_log_level(&level_json, level);
    uint64_t level_block = bh__bytes_block(&call, bh__end(&level_json));
    uint64_t message_block = bh__bytes_block(&call, message);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_log_write(level_block, message_block), &answer);
    if (code != BH_OK) return code;
    return BH_OK;
}


// Facts that other plugins may hear of. Which events a plugin receives stands in its manifest under `subscriptions`.

BH__IMPORT("extism:host/user", "events_publish") uint64_t bh__import_events_publish(uint64_t, uint64_t, uint64_t);
// Publishes one event and returns its id as soon as the host has accepted it; subscribers run later, each in its
// own turn. Types below the plugin's own name (`devices.state-changed` from the plugin `devices`) need no
// permission, any other needs `events.publish`. With the content type `application/json` the data must be one JSON
// text and arrives as `data`; anything else arrives base64-encoded as `data_base64`. The host stamps `id`,
// `source`, `time` and `traceparent`.
//
// Fails with invalid-message (type, JSON), permission-denied, rate-limited, quota-exceeded (size).
static inline bh_code bh_events_publish(bh_text event_type, bh_text content_type, bh_bytes data, bh_text *value) {
    bh__call call = {0};
    uint64_t event_type_block = bh__bytes_block(&call, event_type);
    uint64_t content_type_block = bh__bytes_block(&call, content_type);
    uint64_t data_block = bh__bytes_block(&call, data);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_events_publish(event_type_block, content_type_block, data_block), &answer);
    if (code != BH_OK) return code;
    bh__take_text(answer, value);
    return BH_OK;
}


// Request and reply between plugins. Which services a plugin provides stands in its manifest under `services`.

typedef enum {
    // Another plugin; `name` is its name.
    BH_SERVICES_CALLER_KIND_PLUGIN,
    // A request from outside through an adapter; `name` is the adapter's, such as `http`.
    BH_SERVICES_CALLER_KIND_ADAPTER,
    // The host itself, for lifecycle entry points and events.
    BH_SERVICES_CALLER_KIND_HOST,
} bh_services_caller_kind;
static const char *const bh__names_services_caller_kind[] = {"plugin", "adapter", "host"};

// The name in wit/.
static inline const char *bh_services_caller_kind_name(bh_services_caller_kind value) { return bh__names_services_caller_kind[value]; }
static inline void bh__write_services_caller_kind(bh__out *out, bh_services_caller_kind value) { bh__write_text(out, bh_str(bh__names_services_caller_kind[value])); }
static inline bool bh__read_services_caller_kind(bh_text json, bh_services_caller_kind *value) {
    size_t found;
    if (!bh__read_name(json, bh__names_services_caller_kind, 3, &found)) return false;
    *value = (bh_services_caller_kind)found;
    return true;
}

typedef struct {
    bh_services_caller_kind kind;
    bh_text name;
} bh_services_caller;

static inline void bh__write_services_caller(bh__out *out, bh_services_caller value) {
    bh__put_str(out, "{\"kind\":");
    bh__write_services_caller_kind(out, value.kind);
    bh__put_str(out, ",\"name\":");
    bh__write_text(out, value.name);
    bh__put_str(out, "}");
}
static inline bool bh__read_services_caller(bh_text json, bh_services_caller *value) {
    bh_text raw;
    if (!bh_json_member(json, "kind", &raw)) raw = bh_str("null");
    if (!bh__read_services_caller_kind(raw, &value->kind)) return false;
    if (!bh_json_member(json, "name", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->name)) return false;
    return true;
}

typedef struct {
    // It is on the disk when this returns, and stays there until the provider has handled it: also one that is stopped,
    // updated or away gets it, at least once, in the order in which this plugin sent to the service. Needs the permission
    // `services.durable` on the service as well.
    bool durable;
    // 1 to 128 printable ASCII characters without spaces; none lets the host make one. A durable message to the same
    // service whose id is known is not taken again.
    bh_optional_text id;
} bh_services_send_options;

static inline void bh__write_services_send_options(bh__out *out, bh_services_send_options value) {
    bh__put_str(out, "{\"durable\":");
    bh__write_bool(out, value.durable);
    bh__put_str(out, ",\"id\":");
    bh__write_optional_text(out, value.id);
    bh__put_str(out, "}");
}
static inline bool bh__read_services_send_options(bh_text json, bh_services_send_options *value) {
    bh_text raw;
    if (!bh_json_member(json, "durable", &raw)) raw = bh_str("null");
    if (!bh__read_bool(raw, &value->durable)) return false;
    if (!bh_json_member(json, "id", &raw)) raw = bh_str("null");
    if (!bh__read_optional_text(raw, &value->id)) return false;
    return true;
}

BH__OPTION(optional_u32, uint32_t, u32)
BH__IMPORT("extism:host/user", "services_call") uint64_t bh__import_services_call(uint64_t, uint64_t, uint64_t);
// Calls a service and waits for its answer. Needs the permission `services.call`. A plugin's own service is a call-loop.
// The deadline is the earlier of `deadline-ms` from this call on and just before the end of the current turn's own.
//
// Fails with permission-denied, no-such-service, call-loop (the provider waits, directly or not, for this very
// turn), queue-full, rate-limited (`retry-after-ms` says for how long), deadline-exceeded, refused (the provider says no;
// `reason` says why), plugin-failed (the provider's own failure; `message` is what it said), plugin-not-running,
// quota-exceeded (size); and where the provider is on another host, host-unreachable (nothing was done) and host-lost
// (nobody knows).
static inline bh_code bh_services_call(bh_text service, bh_bytes payload, bh_optional_u32 deadline_ms, bh_bytes *value) {
    bh__call call = {0};
    uint64_t service_block = bh__bytes_block(&call, service);
    uint64_t payload_block = bh__bytes_block(&call, payload);
    bh__out deadline_ms_json = bh__begin();
    bh__write_optional_u32(&deadline_ms_json, deadline_ms);
    uint64_t deadline_ms_block = bh__bytes_block(&call, bh__end(&deadline_ms_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_services_call(service_block, payload_block, deadline_ms_block), &answer);
    if (code != BH_OK) return code;
    bh__take_bytes(answer, value);
    return BH_OK;
}

BH__IMPORT("extism:host/user", "services_send") uint64_t bh__import_services_send(uint64_t, uint64_t, uint64_t);
// Calls a service without waiting for it, and answers the id of the message as soon as the provider has it in its queue or,
// for a durable one, as soon as it is on the disk. What the service answers is dropped; a failure is told to the operator. A
// durable message that fails is tried again after growing pauses; after the last attempt, or when the provider refuses it
// other than with `unavailable`, it is a dead letter. Needs the permission `services.call`, now and when the message is
// delivered. Sends count as events for `limits.publishesPerSecond`.
//
// Fails with permission-denied, no-such-service, invalid-message (id), rate-limited (`retry-after-ms` says for how long),
// queue-full (the provider's queue, or too much that this plugin or all together have sent waits), plugin-not-running,
// quota-exceeded (size); a durable one not with plugin-not-running but with storage-failed.
static inline bh_code bh_services_send(bh_text service, bh_bytes payload, bh_services_send_options options, bh_text *value) {
    bh__call call = {0};
    uint64_t service_block = bh__bytes_block(&call, service);
    uint64_t payload_block = bh__bytes_block(&call, payload);
    bh__out options_json = bh__begin();
    bh__write_services_send_options(&options_json, options);
    uint64_t options_block = bh__bytes_block(&call, bh__end(&options_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_services_send(service_block, payload_block, options_block), &answer);
    if (code != BH_OK) return code;
    bh__take_text(answer, value);
    return BH_OK;
}

BH__IMPORT("extism:host/user", "services_current_caller") uint64_t bh__import_services_current_caller(void);
// Who asked for the current turn. Stamped by the host; nobody can forge it.
static inline bh_services_caller bh_services_current_caller(void) {
    bh__call call = {0};
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_services_current_caller(), &answer);
    bh_services_caller value;
    if (code != BH_OK) bh__panic(BH__FILE, __LINE__, "services.current-caller failed");
    if (!bh__read_services_caller(answer, &value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return value;
}

BH__IMPORT("extism:host/user", "services_current_principal") uint64_t bh__import_services_current_principal(void);
// Who came by the adapter that asked for the current turn, as the host knows him: such as `user:ada`, `token:ci` or
// `anonymous`. None when no adapter asked. Stamped by the host; nobody can forge it.
static inline bh_optional_text bh_services_current_principal(void) {
    bh__call call = {0};
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_services_current_principal(), &answer);
    bh_optional_text value;
    if (code != BH_OK) bh__panic(BH__FILE, __LINE__, "services.current-principal failed");
    bh__take_optional_text(answer, &value);
    return value;
}


// Questions that any number of plugins answer. Which of them a plugin answers stands in its manifest under `extends`.

typedef struct {
    // The plugin that answers.
    bh_text plugin;
    // What it answers. In JSON it is base64 text.
    bh_bytes output;
} bh_extensions_answer;

static inline void bh__write_extensions_answer(bh__out *out, bh_extensions_answer value) {
    bh__put_str(out, "{\"plugin\":");
    bh__write_text(out, value.plugin);
    bh__put_str(out, ",\"output\":");
    bh__write_bytes(out, value.output);
    bh__put_str(out, "}");
}
static inline bool bh__read_extensions_answer(bh_text json, bh_extensions_answer *value) {
    bh_text raw;
    if (!bh_json_member(json, "plugin", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->plugin)) return false;
    if (!bh_json_member(json, "output", &raw)) raw = bh_str("null");
    if (!bh__read_bytes(raw, &value->output)) return false;
    return true;
}

BH__LIST(extensions_answer_list, bh_extensions_answer, extensions_answer)
BH__IMPORT("extism:host/user", "extensions_ask") uint64_t bh__import_extensions_ask(uint64_t, uint64_t, uint64_t);
// Asks all plugins that extend the point and may answer it, side by side, and waits for them. Which points there are
// is declared by the program that the host is part of, `shop.discount` by `shop`, and by plugins in their manifests
// under `extensionPoints`. A plugin's own points need no permission, and nobody else may ask them; those of the
// program need `extensions.ask`.
//
// The answers come in the order of the plugins' priorities, highest first, then of their names. A plugin that does not
// run, fails, is late, says too much or answers what the point does not take is left out; so is one that waits,
// directly or not, for this very turn, such as the plugin that asks. At most 32 are asked, the first ones in that
// order. Their answers have at most 1 MiB together, of which each may take an equal share.
//
// All have until `deadline-ms` from this call on, and until just before the end of the current turn. Without
// `deadline-ms` one that is late takes all the time that this turn has left.
//
// Fails with permission-denied, no-such-service (nobody declares the point), invalid-message (the input is not what
// the point takes), quota-exceeded (size), deadline-exceeded (no time is left to ask).
static inline bh_code bh_extensions_ask(bh_text point, bh_bytes input, bh_optional_u32 deadline_ms, bh_extensions_answer_list *value) {
    bh__call call = {0};
    uint64_t point_block = bh__bytes_block(&call, point);
    uint64_t input_block = bh__bytes_block(&call, input);
    bh__out deadline_ms_json = bh__begin();
    bh__write_optional_u32(&deadline_ms_json, deadline_ms);
    uint64_t deadline_ms_block = bh__bytes_block(&call, bh__end(&deadline_ms_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_extensions_ask(point_block, input_block, deadline_ms_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_extensions_answer_list(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}


// Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says.

typedef struct {
    bh_text name;
    bh_text value;
} bh_http_header;

static inline void bh__write_http_header(bh__out *out, bh_http_header value) {
    bh__put_str(out, "{\"name\":");
    bh__write_text(out, value.name);
    bh__put_str(out, ",\"value\":");
    bh__write_text(out, value.value);
    bh__put_str(out, "}");
}
static inline bool bh__read_http_header(bh_text json, bh_http_header *value) {
    bh_text raw;
    if (!bh_json_member(json, "name", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->name)) return false;
    if (!bh_json_member(json, "value", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->value)) return false;
    return true;
}

BH__LIST(http_header_list, bh_http_header, http_header)
typedef struct {
    // GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.
    bh_text method;
    // With the scheme https or http, without user and password.
    bh_text url;
    // `{{secret:NAME}}` in a value is replaced by the host, towards the hosts that the operator named for that secret; it
    // needs `secrets.read` on the name. Host, length and connection headers are the host's own.
    bh_http_header_list headers;
} bh_http_request;

static inline void bh__write_http_request(bh__out *out, bh_http_request value) {
    bh__put_str(out, "{\"method\":");
    bh__write_text(out, value.method);
    bh__put_str(out, ",\"url\":");
    bh__write_text(out, value.url);
    bh__put_str(out, ",\"headers\":");
    bh__write_http_header_list(out, value.headers);
    bh__put_str(out, "}");
}
static inline bool bh__read_http_request(bh_text json, bh_http_request *value) {
    bh_text raw;
    if (!bh_json_member(json, "method", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->method)) return false;
    if (!bh_json_member(json, "url", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->url)) return false;
    if (!bh_json_member(json, "headers", &raw)) raw = bh_str("null");
    if (!bh__read_http_header_list(raw, &value->headers)) return false;
    return true;
}

typedef struct {
    uint16_t status;
    bh_http_header_list headers;
    // As it came: nothing is decompressed. In JSON it is base64 text.
    bh_bytes body;
} bh_http_response;

static inline void bh__write_http_response(bh__out *out, bh_http_response value) {
    bh__put_str(out, "{\"status\":");
    bh__write_u16(out, value.status);
    bh__put_str(out, ",\"headers\":");
    bh__write_http_header_list(out, value.headers);
    bh__put_str(out, ",\"body\":");
    bh__write_bytes(out, value.body);
    bh__put_str(out, "}");
}
static inline bool bh__read_http_response(bh_text json, bh_http_response *value) {
    bh_text raw;
    if (!bh_json_member(json, "status", &raw)) raw = bh_str("null");
    if (!bh__read_u16(raw, &value->status)) return false;
    if (!bh_json_member(json, "headers", &raw)) raw = bh_str("null");
    if (!bh__read_http_header_list(raw, &value->headers)) return false;
    if (!bh_json_member(json, "body", &raw)) raw = bh_str("null");
    if (!bh__read_bytes(raw, &value->body)) return false;
    return true;
}

typedef struct {
    // How long the whole answer may take, in milliseconds; none for as long as the operator and the current turn allow, which it never
    // lengthens.
    bh_optional_u32 timeout_ms;
    // The name of a blob of the plugin's that is sent as the body; `body` must be empty then.
    bh_optional_text body_from;
    // The name of the blob that the body of an answer with a status from 200 to 299 goes into, with the answer's media type. It
    // appears whole, or not at all.
    bh_optional_text answer_into;
} bh_http_fetch_options;

static inline void bh__write_http_fetch_options(bh__out *out, bh_http_fetch_options value) {
    bh__put_str(out, "{\"timeout-ms\":");
    bh__write_optional_u32(out, value.timeout_ms);
    bh__put_str(out, ",\"body-from\":");
    bh__write_optional_text(out, value.body_from);
    bh__put_str(out, ",\"answer-into\":");
    bh__write_optional_text(out, value.answer_into);
    bh__put_str(out, "}");
}
static inline bool bh__read_http_fetch_options(bh_text json, bh_http_fetch_options *value) {
    bh_text raw;
    if (!bh_json_member(json, "timeout-ms", &raw)) raw = bh_str("null");
    if (!bh__read_optional_u32(raw, &value->timeout_ms)) return false;
    if (!bh_json_member(json, "body-from", &raw)) raw = bh_str("null");
    if (!bh__read_optional_text(raw, &value->body_from)) return false;
    if (!bh_json_member(json, "answer-into", &raw)) raw = bh_str("null");
    if (!bh__read_optional_text(raw, &value->answer_into)) return false;
    return true;
}

BH__OPTION(optional_u64, uint64_t, u64)
typedef struct {
    uint16_t status;
    bh_http_header_list headers;
    // As it came; empty when it went into a blob. In JSON it is base64 text.
    bh_bytes body;
    // How many bytes went into the blob `answer-into`; none when the body is in `body`, as that of every other status is.
    bh_optional_u64 stored;
} bh_http_fetched;

static inline void bh__write_http_fetched(bh__out *out, bh_http_fetched value) {
    bh__put_str(out, "{\"status\":");
    bh__write_u16(out, value.status);
    bh__put_str(out, ",\"headers\":");
    bh__write_http_header_list(out, value.headers);
    bh__put_str(out, ",\"body\":");
    bh__write_bytes(out, value.body);
    bh__put_str(out, ",\"stored\":");
    bh__write_optional_u64(out, value.stored);
    bh__put_str(out, "}");
}
static inline bool bh__read_http_fetched(bh_text json, bh_http_fetched *value) {
    bh_text raw;
    if (!bh_json_member(json, "status", &raw)) raw = bh_str("null");
    if (!bh__read_u16(raw, &value->status)) return false;
    if (!bh_json_member(json, "headers", &raw)) raw = bh_str("null");
    if (!bh__read_http_header_list(raw, &value->headers)) return false;
    if (!bh_json_member(json, "body", &raw)) raw = bh_str("null");
    if (!bh__read_bytes(raw, &value->body)) return false;
    if (!bh_json_member(json, "stored", &raw)) raw = bh_str("null");
    if (!bh__read_optional_u64(raw, &value->stored)) return false;
    return true;
}

BH__IMPORT("extism:host/user", "http_fetch") uint64_t bh__import_http_fetch(uint64_t, uint64_t);
// Makes a request and waits for the whole answer. Follows up to five redirects, each of which needs the permission as well.
// Needs `http.fetch` on the method and URL; for an address that is not public also `http.private` on the address.
//
// Fails with invalid-message (request), permission-denied, rate-limited (too many at once), quota-exceeded (size),
// deadline-exceeded, http-failed (the server could not be reached or broke off).
static inline bh_code bh_http_fetch(bh_http_request request, bh_bytes body, bh_http_response *value) {
    bh__call call = {0};
    bh__out request_json = bh__begin();
    bh__write_http_request(&request_json, request);
    uint64_t request_block = bh__bytes_block(&call, bh__end(&request_json));
    uint64_t body_block = bh__bytes_block(&call, body);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_http_fetch(request_block, body_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_http_response(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "http_fetch_with") uint64_t bh__import_http_fetch_with(uint64_t, uint64_t, uint64_t);
// Like `fetch`, with a time limit of its own, and with bodies that come out of blobs and go into them without passing through
// the plugin. What goes into a blob is bounded by `limits.blobMiB`, what comes as `body` by `limits.payloadMiB`.
//
// Fails like `fetch`, and with invalid-message (options, a blob that is not there), quota-exceeded (the blob), conflict (the blob that is sent
// was replaced or removed meanwhile), storage-failed.
static inline bh_code bh_http_fetch_with(bh_http_request request, bh_bytes body, bh_http_fetch_options options, bh_http_fetched *value) {
    bh__call call = {0};
    bh__out request_json = bh__begin();
    bh__write_http_request(&request_json, request);
    uint64_t request_block = bh__bytes_block(&call, bh__end(&request_json));
    uint64_t body_block = bh__bytes_block(&call, body);
    bh__out options_json = bh__begin();
    bh__write_http_fetch_options(&options_json, options);
    uint64_t options_block = bh__bytes_block(&call, bh__end(&options_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_http_fetch_with(request_block, body_block, options_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_http_fetched(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}


// Last values that plugins share. The operator chooses whether they outlive the host; what must last belongs into the storage.

// A value with what is known of it.
typedef struct {
    bh_bytes value;
    // Grows with each change of any key, so a key that was removed and set again has another.
    uint64_t revision;
    // The plugin that set it last.
    bh_text owner;
} bh_state_versioned;

static inline void bh__write_state_versioned(bh__out *out, bh_state_versioned value) {
    bh__put_str(out, "{\"value\":");
    bh__write_bytes(out, value.value);
    bh__put_str(out, ",\"revision\":");
    bh__write_u64(out, value.revision);
    bh__put_str(out, ",\"owner\":");
    bh__write_text(out, value.owner);
    bh__put_str(out, "}");
}
static inline bool bh__read_state_versioned(bh_text json, bh_state_versioned *value) {
    bh_text raw;
    if (!bh_json_member(json, "value", &raw)) raw = bh_str("null");
    if (!bh__read_bytes(raw, &value->value)) return false;
    if (!bh_json_member(json, "revision", &raw)) raw = bh_str("null");
    if (!bh__read_u64(raw, &value->revision)) return false;
    if (!bh_json_member(json, "owner", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->owner)) return false;
    return true;
}

typedef struct {
    bh_text key;
    // None removes the key.
    bh_optional_bytes value;
    // The revision that must be there, 0 for none; none for whatever is there.
    bh_optional_u64 expected;
    // How long the value is there, in milliseconds; none for ever. Setting the key anew ends it.
    bh_optional_u64 ttl_ms;
} bh_state_write;

static inline void bh__write_state_write(bh__out *out, bh_state_write value) {
    bh__put_str(out, "{\"key\":");
    bh__write_text(out, value.key);
    bh__put_str(out, ",\"value\":");
    bh__write_optional_bytes(out, value.value);
    bh__put_str(out, ",\"expected\":");
    bh__write_optional_u64(out, value.expected);
    bh__put_str(out, ",\"ttl-ms\":");
    bh__write_optional_u64(out, value.ttl_ms);
    bh__put_str(out, "}");
}
static inline bool bh__read_state_write(bh_text json, bh_state_write *value) {
    bh_text raw;
    if (!bh_json_member(json, "key", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->key)) return false;
    if (!bh_json_member(json, "value", &raw)) raw = bh_str("null");
    if (!bh__read_optional_bytes(raw, &value->value)) return false;
    if (!bh_json_member(json, "expected", &raw)) raw = bh_str("null");
    if (!bh__read_optional_u64(raw, &value->expected)) return false;
    if (!bh_json_member(json, "ttl-ms", &raw)) raw = bh_str("null");
    if (!bh__read_optional_u64(raw, &value->ttl_ms)) return false;
    return true;
}

BH__IMPORT("extism:host/user", "state_get") uint64_t bh__import_state_get(uint64_t);
// The value, or none when nobody has set the key. Needs `state.read`.
static inline bh_code bh_state_get(bh_text key, bh_optional_bytes *value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_state_get(key_block), &answer);
    if (code != BH_OK) return code;
    bh__take_optional_bytes(answer, value);
    return BH_OK;
}

BH__IMPORT("extism:host/user", "state_set") uint64_t bh__import_state_set(uint64_t, uint64_t);
// Sets a value of at most 64 KiB. Needs `state.write`.
static inline bh_code bh_state_set(bh_text key, bh_bytes value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    uint64_t value_block = bh__bytes_block(&call, value);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_state_set(key_block, value_block), &answer);
    if (code != BH_OK) return code;
    return BH_OK;
}

BH__IMPORT("extism:host/user", "state_delete") uint64_t bh__import_state_delete(uint64_t);
// Removes a value and says whether there was one. Needs `state.write`.
static inline bh_code bh_state_delete(bh_text key, bool *value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_state_delete(key_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_bool(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__LIST(text_list, bh_text, text)
BH__IMPORT("extism:host/user", "state_keys") uint64_t bh__import_state_keys(uint64_t);
// The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000.
static inline bh_code bh_state_keys(bh_text prefix, bh_text_list *value) {
    bh__call call = {0};
    uint64_t prefix_block = bh__bytes_block(&call, prefix);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_state_keys(prefix_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_text_list(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__OPTION(optional_state_versioned, bh_state_versioned, state_versioned)
BH__IMPORT("extism:host/user", "state_get_versioned") uint64_t bh__import_state_get_versioned(uint64_t);
// The value with its revision, or none when nobody has set the key. Needs `state.read`.
static inline bh_code bh_state_get_versioned(bh_text key, bh_optional_state_versioned *value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_state_get_versioned(key_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_optional_state_versioned(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "state_put") uint64_t bh__import_state_put(uint64_t);
// Sets or removes a value if the expected revision is there, and answers the revision that this made; none when another is there, and nothing has
// changed: that is an answer, not a failure, so read again and try again. Needs `state.write`.
//
// Fails with invalid-message (key, ttl-ms of 0), permission-denied, quota-exceeded (value size, keys and bytes of this plugin, of all plugins), storage-failed.
static inline bh_code bh_state_put(bh_state_write write, bh_optional_u64 *value) {
    bh__call call = {0};
    bh__out write_json = bh__begin();
    bh__write_state_write(&write_json, write);
    uint64_t write_block = bh__bytes_block(&call, bh__end(&write_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_state_put(write_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_optional_u64(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "state_list_keys") uint64_t bh__import_state_list_keys(uint64_t, uint64_t, uint64_t);
// Like `keys`, one page: those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with the last key as `after`; a page may have fewer
// keys than asked for although more follow, and none only when none follow.
static inline bh_code bh_state_list_keys(bh_text prefix, bh_optional_text after, uint32_t limit, bh_text_list *value) {
    bh__call call = {0};
    uint64_t prefix_block = bh__bytes_block(&call, prefix);
    uint64_t after_block = bh__optional_text_block(&call, after);
    bh__out limit_json = bh__begin();
    bh__write_u32(&limit_json, limit);
    uint64_t limit_block = bh__bytes_block(&call, bh__end(&limit_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_state_list_keys(prefix_block, after_block, limit_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_text_list(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}


// The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
// A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.

typedef struct {
    bh_text key;
    // None removes the key.
    bh_optional_bytes value;
    // How long the value is there, in milliseconds; none for ever. Setting the key anew ends it.
    bh_optional_u64 ttl_ms;
} bh_storage_change;

static inline void bh__write_storage_change(bh__out *out, bh_storage_change value) {
    bh__put_str(out, "{\"key\":");
    bh__write_text(out, value.key);
    bh__put_str(out, ",\"value\":");
    bh__write_optional_bytes(out, value.value);
    bh__put_str(out, ",\"ttl-ms\":");
    bh__write_optional_u64(out, value.ttl_ms);
    bh__put_str(out, "}");
}
static inline bool bh__read_storage_change(bh_text json, bh_storage_change *value) {
    bh_text raw;
    if (!bh_json_member(json, "key", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->key)) return false;
    if (!bh_json_member(json, "value", &raw)) raw = bh_str("null");
    if (!bh__read_optional_bytes(raw, &value->value)) return false;
    if (!bh_json_member(json, "ttl-ms", &raw)) raw = bh_str("null");
    if (!bh__read_optional_u64(raw, &value->ttl_ms)) return false;
    return true;
}

typedef struct {
    bh_bytes value;
    // Of the commit that set the value. Versions of a plugin's commits only grow and are never used again.
    uint64_t version;
    // When the value ends, in milliseconds since 1970; none for never.
    bh_optional_u64 expires_at;
} bh_storage_versioned;

static inline void bh__write_storage_versioned(bh__out *out, bh_storage_versioned value) {
    bh__put_str(out, "{\"value\":");
    bh__write_bytes(out, value.value);
    bh__put_str(out, ",\"version\":");
    bh__write_u64(out, value.version);
    bh__put_str(out, ",\"expires-at\":");
    bh__write_optional_u64(out, value.expires_at);
    bh__put_str(out, "}");
}
static inline bool bh__read_storage_versioned(bh_text json, bh_storage_versioned *value) {
    bh_text raw;
    if (!bh_json_member(json, "value", &raw)) raw = bh_str("null");
    if (!bh__read_bytes(raw, &value->value)) return false;
    if (!bh_json_member(json, "version", &raw)) raw = bh_str("null");
    if (!bh__read_u64(raw, &value->version)) return false;
    if (!bh_json_member(json, "expires-at", &raw)) raw = bh_str("null");
    if (!bh__read_optional_u64(raw, &value->expires_at)) return false;
    return true;
}

typedef struct {
    bh_text key;
    // What the key's version must be; 0 for a key that must be absent.
    uint64_t version;
} bh_storage_check;

static inline void bh__write_storage_check(bh__out *out, bh_storage_check value) {
    bh__put_str(out, "{\"key\":");
    bh__write_text(out, value.key);
    bh__put_str(out, ",\"version\":");
    bh__write_u64(out, value.version);
    bh__put_str(out, "}");
}
static inline bool bh__read_storage_check(bh_text json, bh_storage_check *value) {
    bh_text raw;
    if (!bh_json_member(json, "key", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->key)) return false;
    if (!bh_json_member(json, "version", &raw)) raw = bh_str("null");
    if (!bh__read_u64(raw, &value->version)) return false;
    return true;
}

typedef struct {
    // False when a check failed; then nothing was changed.
    bool committed;
    // The one version of all values that the commit set; 0 when it changed nothing.
    uint64_t version;
} bh_storage_commit_outcome;

static inline void bh__write_storage_commit_outcome(bh__out *out, bh_storage_commit_outcome value) {
    bh__put_str(out, "{\"committed\":");
    bh__write_bool(out, value.committed);
    bh__put_str(out, ",\"version\":");
    bh__write_u64(out, value.version);
    bh__put_str(out, "}");
}
static inline bool bh__read_storage_commit_outcome(bh_text json, bh_storage_commit_outcome *value) {
    bh_text raw;
    if (!bh_json_member(json, "committed", &raw)) raw = bh_str("null");
    if (!bh__read_bool(raw, &value->committed)) return false;
    if (!bh_json_member(json, "version", &raw)) raw = bh_str("null");
    if (!bh__read_u64(raw, &value->version)) return false;
    return true;
}

typedef struct {
    bh_text key;
    bh_bytes value;
    uint64_t version;
} bh_storage_entry;

static inline void bh__write_storage_entry(bh__out *out, bh_storage_entry value) {
    bh__put_str(out, "{\"key\":");
    bh__write_text(out, value.key);
    bh__put_str(out, ",\"value\":");
    bh__write_bytes(out, value.value);
    bh__put_str(out, ",\"version\":");
    bh__write_u64(out, value.version);
    bh__put_str(out, "}");
}
static inline bool bh__read_storage_entry(bh_text json, bh_storage_entry *value) {
    bh_text raw;
    if (!bh_json_member(json, "key", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->key)) return false;
    if (!bh_json_member(json, "value", &raw)) raw = bh_str("null");
    if (!bh__read_bytes(raw, &value->value)) return false;
    if (!bh_json_member(json, "version", &raw)) raw = bh_str("null");
    if (!bh__read_u64(raw, &value->version)) return false;
    return true;
}

BH__LIST(storage_entry_list, bh_storage_entry, storage_entry)
typedef struct {
    bh_storage_entry_list entries;
    // What `after` must be for the next page; none when this is the last one.
    bh_optional_text next;
} bh_storage_page;

static inline void bh__write_storage_page(bh__out *out, bh_storage_page value) {
    bh__put_str(out, "{\"entries\":");
    bh__write_storage_entry_list(out, value.entries);
    bh__put_str(out, ",\"next\":");
    bh__write_optional_text(out, value.next);
    bh__put_str(out, "}");
}
static inline bool bh__read_storage_page(bh_text json, bh_storage_page *value) {
    bh_text raw;
    if (!bh_json_member(json, "entries", &raw)) raw = bh_str("null");
    if (!bh__read_storage_entry_list(raw, &value->entries)) return false;
    if (!bh_json_member(json, "next", &raw)) raw = bh_str("null");
    if (!bh__read_optional_text(raw, &value->next)) return false;
    return true;
}

typedef struct {
    // The version of the commit.
    uint64_t seq;
    bh_text key;
    bool removed;
    // Milliseconds since 1970.
    uint64_t time;
    // The trace of the turn that made the commit, 32 hexadecimal digits; none outside of a turn.
    bh_optional_text trace;
} bh_storage_logged;

static inline void bh__write_storage_logged(bh__out *out, bh_storage_logged value) {
    bh__put_str(out, "{\"seq\":");
    bh__write_u64(out, value.seq);
    bh__put_str(out, ",\"key\":");
    bh__write_text(out, value.key);
    bh__put_str(out, ",\"removed\":");
    bh__write_bool(out, value.removed);
    bh__put_str(out, ",\"time\":");
    bh__write_u64(out, value.time);
    bh__put_str(out, ",\"trace\":");
    bh__write_optional_text(out, value.trace);
    bh__put_str(out, "}");
}
static inline bool bh__read_storage_logged(bh_text json, bh_storage_logged *value) {
    bh_text raw;
    if (!bh_json_member(json, "seq", &raw)) raw = bh_str("null");
    if (!bh__read_u64(raw, &value->seq)) return false;
    if (!bh_json_member(json, "key", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->key)) return false;
    if (!bh_json_member(json, "removed", &raw)) raw = bh_str("null");
    if (!bh__read_bool(raw, &value->removed)) return false;
    if (!bh_json_member(json, "time", &raw)) raw = bh_str("null");
    if (!bh__read_u64(raw, &value->time)) return false;
    if (!bh_json_member(json, "trace", &raw)) raw = bh_str("null");
    if (!bh__read_optional_text(raw, &value->trace)) return false;
    return true;
}

BH__IMPORT("extism:host/user", "storage_get") uint64_t bh__import_storage_get(uint64_t);
// The value, or none when the key is absent.
//
// Fails with invalid-message (key), storage-failed.
static inline bh_code bh_storage_get(bh_text key, bh_optional_bytes *value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_storage_get(key_block), &answer);
    if (code != BH_OK) return code;
    bh__take_optional_bytes(answer, value);
    return BH_OK;
}

BH__IMPORT("extism:host/user", "storage_set") uint64_t bh__import_storage_set(uint64_t, uint64_t);
// Sets a value. Once this returns the value survives a crash of the host's process.
//
// Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
static inline bh_code bh_storage_set(bh_text key, bh_bytes value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    uint64_t value_block = bh__bytes_block(&call, value);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_storage_set(key_block, value_block), &answer);
    if (code != BH_OK) return code;
    return BH_OK;
}

BH__IMPORT("extism:host/user", "storage_delete") uint64_t bh__import_storage_delete(uint64_t);
// Removes a value and says whether there was one.
static inline bh_code bh_storage_delete(bh_text key, bool *value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_storage_delete(key_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_bool(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__LIST(optional_bytes_list, bh_optional_bytes, optional_bytes)
BH__IMPORT("extism:host/user", "storage_get_many") uint64_t bh__import_storage_get_many(uint64_t);
// The values of up to 1,000 keys, each in its key's place, none for an absent one.
//
// Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
static inline bh_code bh_storage_get_many(bh_text_list keys, bh_optional_bytes_list *value) {
    bh__call call = {0};
    bh__out keys_json = bh__begin();
    bh__write_text_list(&keys_json, keys);
    uint64_t keys_block = bh__bytes_block(&call, bh__end(&keys_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_storage_get_many(keys_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_optional_bytes_list(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__LIST(storage_change_list, bh_storage_change, storage_change)
BH__IMPORT("extism:host/user", "storage_apply") uint64_t bh__import_storage_apply(uint64_t);
// Makes up to 1,000 changes in this order: all of them, or none when one fails.
//
// Fails with invalid-message (key, ttl-ms of 0, more than 1,000 changes), quota-exceeded (value size, bytes in all), storage-failed.
static inline bh_code bh_storage_apply(bh_storage_change_list changes) {
    bh__call call = {0};
    bh__out changes_json = bh__begin();
    bh__write_storage_change_list(&changes_json, changes);
    uint64_t changes_block = bh__bytes_block(&call, bh__end(&changes_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_storage_apply(changes_block), &answer);
    if (code != BH_OK) return code;
    return BH_OK;
}

BH__IMPORT("extism:host/user", "storage_keys") uint64_t bh__import_storage_keys(uint64_t, uint64_t, uint64_t);
// The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to
// 1,000). Ask again with the last key as `after` for the next page.
static inline bh_code bh_storage_keys(bh_text prefix, bh_optional_text after, uint32_t limit, bh_text_list *value) {
    bh__call call = {0};
    uint64_t prefix_block = bh__bytes_block(&call, prefix);
    uint64_t after_block = bh__optional_text_block(&call, after);
    bh__out limit_json = bh__begin();
    bh__write_u32(&limit_json, limit);
    uint64_t limit_block = bh__bytes_block(&call, bh__end(&limit_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_storage_keys(prefix_block, after_block, limit_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_text_list(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__OPTION(optional_storage_versioned, bh_storage_versioned, storage_versioned)
BH__IMPORT("extism:host/user", "storage_get_versioned") uint64_t bh__import_storage_get_versioned(uint64_t);
// The value with its version, or none when the key is absent.
//
// Fails with invalid-message (key), storage-failed.
static inline bh_code bh_storage_get_versioned(bh_text key, bh_optional_storage_versioned *value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_storage_get_versioned(key_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_optional_storage_versioned(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__LIST(storage_check_list, bh_storage_check, storage_check)
BH__IMPORT("extism:host/user", "storage_commit") uint64_t bh__import_storage_commit(uint64_t, uint64_t);
// Makes up to 1,000 changes in this order, all of them or none, provided that up to 1,000 keys still have the versions
// that were read. A check that fails is an answer and no error: read again and try again. A value whose time is over
// counts as absent.
//
// Fails with invalid-message (key, ttl-ms of 0, more than 1,000 checks or changes), quota-exceeded (value size, bytes
// in all), storage-failed.
static inline bh_code bh_storage_commit(bh_storage_check_list checks, bh_storage_change_list changes, bh_storage_commit_outcome *value) {
    bh__call call = {0};
    bh__out checks_json = bh__begin();
    bh__write_storage_check_list(&checks_json, checks);
    uint64_t checks_block = bh__bytes_block(&call, bh__end(&checks_json));
    bh__out changes_json = bh__begin();
    bh__write_storage_change_list(&changes_json, changes);
    uint64_t changes_block = bh__bytes_block(&call, bh__end(&changes_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_storage_commit(checks_block, changes_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_storage_commit_outcome(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "storage_scan") uint64_t bh__import_storage_scan(uint64_t, uint64_t, uint64_t, uint64_t);
// The entries whose keys begin with `prefix`, in byte order or, with `reverse`, from the last one on, those behind
// `after` if it is given, at most `limit` (1 to 1,000). A page ends early before it has 4 MiB of keys and values, so
// ask again with `next` until there is none. What is changed between two pages is seen by those that follow.
//
// Fails with invalid-message (prefix, after, limit), storage-failed.
static inline bh_code bh_storage_scan(bh_text prefix, bh_optional_text after, uint32_t limit, bool reverse, bh_storage_page *value) {
    bh__call call = {0};
    uint64_t prefix_block = bh__bytes_block(&call, prefix);
    uint64_t after_block = bh__optional_text_block(&call, after);
    bh__out limit_json = bh__begin();
    bh__write_u32(&limit_json, limit);
    uint64_t limit_block = bh__bytes_block(&call, bh__end(&limit_json));
    bh__out reverse_json = bh__begin();
    bh__write_bool(&reverse_json, reverse);
    uint64_t reverse_block = bh__bytes_block(&call, bh__end(&reverse_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_storage_scan(prefix_block, after_block, limit_block, reverse_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_storage_page(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__LIST(storage_logged_list, bh_storage_logged, storage_logged)
BH__IMPORT("extism:host/user", "storage_changes") uint64_t bh__import_storage_changes(uint64_t, uint64_t);
// What the plugin's own commits changed after the one with the sequence number `after` (0 for all), oldest first, at
// least `limit` (1 to 1,000) changes if there are as many: a page ends with a whole commit, so it may have up to 999
// more. Ask again with the last `seq` as `after`. The log is kept only for plugins whose manifest says
// `"storage": { "log": true }`; it is trimmed by age, count and size.
//
// Fails with conflict (changes after `after` have been trimmed; `message` has the oldest number that is kept, so scan
// the storage and go on from there), invalid-message (limit, no log), storage-failed.
static inline bh_code bh_storage_changes(uint64_t after, uint32_t limit, bh_storage_logged_list *value) {
    bh__call call = {0};
    bh__out after_json = bh__begin();
    bh__write_u64(&after_json, after);
    uint64_t after_block = bh__bytes_block(&call, bh__end(&after_json));
    bh__out limit_json = bh__begin();
    bh__write_u32(&limit_json, limit);
    uint64_t limit_block = bh__bytes_block(&call, bh__end(&limit_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_storage_changes(after_block, limit_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_storage_logged_list(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}


// What is larger than a value or a payload: durable files of the plugin's own, written and read in pieces. No other plugin can reach them, so
// they need no permission; they have a quota. A name is 1 to 512 bytes of UTF-8 and means nothing to the host: `a/b` is not in a folder, and
// `../a` leads nowhere. Names that begin with `~incoming/` are the host's: bodies of requests that are on their way to the plugin.

typedef struct {
    bh_text name;
    bh_text value;
} bh_blobs_property;

static inline void bh__write_blobs_property(bh__out *out, bh_blobs_property value) {
    bh__put_str(out, "{\"name\":");
    bh__write_text(out, value.name);
    bh__put_str(out, ",\"value\":");
    bh__write_text(out, value.value);
    bh__put_str(out, "}");
}
static inline bool bh__read_blobs_property(bh_text json, bh_blobs_property *value) {
    bh_text raw;
    if (!bh_json_member(json, "name", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->name)) return false;
    if (!bh_json_member(json, "value", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->value)) return false;
    return true;
}

BH__LIST(blobs_property_list, bh_blobs_property, blobs_property)
typedef struct {
    bh_text name;
    // Such as `text/csv`.
    bh_text media_type;
    bh_blobs_property_list metadata;
    // In bytes.
    uint64_t size;
    // Names this very content: whatever replaces it has another one.
    bh_text etag;
    // When it was finished, in milliseconds since 1970.
    uint64_t modified;
} bh_blobs_blob;

static inline void bh__write_blobs_blob(bh__out *out, bh_blobs_blob value) {
    bh__put_str(out, "{\"name\":");
    bh__write_text(out, value.name);
    bh__put_str(out, ",\"media-type\":");
    bh__write_text(out, value.media_type);
    bh__put_str(out, ",\"metadata\":");
    bh__write_blobs_property_list(out, value.metadata);
    bh__put_str(out, ",\"size\":");
    bh__write_u64(out, value.size);
    bh__put_str(out, ",\"etag\":");
    bh__write_text(out, value.etag);
    bh__put_str(out, ",\"modified\":");
    bh__write_u64(out, value.modified);
    bh__put_str(out, "}");
}
static inline bool bh__read_blobs_blob(bh_text json, bh_blobs_blob *value) {
    bh_text raw;
    if (!bh_json_member(json, "name", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->name)) return false;
    if (!bh_json_member(json, "media-type", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->media_type)) return false;
    if (!bh_json_member(json, "metadata", &raw)) raw = bh_str("null");
    if (!bh__read_blobs_property_list(raw, &value->metadata)) return false;
    if (!bh_json_member(json, "size", &raw)) raw = bh_str("null");
    if (!bh__read_u64(raw, &value->size)) return false;
    if (!bh_json_member(json, "etag", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->etag)) return false;
    if (!bh_json_member(json, "modified", &raw)) raw = bh_str("null");
    if (!bh__read_u64(raw, &value->modified)) return false;
    return true;
}

BH__IMPORT("extism:host/user", "blobs_create") uint64_t bh__import_blobs_create(uint64_t, uint64_t, uint64_t);
// Begins a blob and returns the number of its writer, which is valid in the current turn only: what is not finished when the turn ends,
// however it ends, is dropped. There may be 8 writers at a time. Metadata are up to 32 properties of 4,096 bytes in all, for the plugin's
// own use.
//
// Fails with invalid-message (name, media type, metadata), quota-exceeded (writers, number of blobs, bytes in all),
// storage-failed.
static inline bh_code bh_blobs_create(bh_text name, bh_text media_type, bh_blobs_property_list metadata, uint32_t *value) {
    bh__call call = {0};
    uint64_t name_block = bh__bytes_block(&call, name);
    uint64_t media_type_block = bh__bytes_block(&call, media_type);
    bh__out metadata_json = bh__begin();
    bh__write_blobs_property_list(&metadata_json, metadata);
    uint64_t metadata_block = bh__bytes_block(&call, bh__end(&metadata_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_blobs_create(name_block, media_type_block, metadata_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_u32(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "blobs_append") uint64_t bh__import_blobs_append(uint64_t, uint64_t);
// Adds bytes to a blob that was begun, at most `limits.payloadMiB` at once.
//
// Fails with invalid-message (no such writer), quota-exceeded (size, bytes in all; the writer stays as it was), storage-failed (the
// writer is gone).
static inline bh_code bh_blobs_append(uint32_t writer, bh_bytes bytes) {
    bh__call call = {0};
    bh__out writer_json = bh__begin();
    bh__write_u32(&writer_json, writer);
    uint64_t writer_block = bh__bytes_block(&call, bh__end(&writer_json));
    uint64_t bytes_block = bh__bytes_block(&call, bytes);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_blobs_append(writer_block, bytes_block), &answer);
    if (code != BH_OK) return code;
    return BH_OK;
}

BH__IMPORT("extism:host/user", "blobs_finish") uint64_t bh__import_blobs_finish(uint64_t);
// Makes the blob visible and durable, whole, in place of one that had its name. Until then the former one is read.
//
// Fails with invalid-message (no such writer), quota-exceeded (number of blobs), storage-failed. The writer is gone in any case but the
// first.
static inline bh_code bh_blobs_finish(uint32_t writer, bh_blobs_blob *value) {
    bh__call call = {0};
    bh__out writer_json = bh__begin();
    bh__write_u32(&writer_json, writer);
    uint64_t writer_block = bh__bytes_block(&call, bh__end(&writer_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_blobs_finish(writer_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_blobs_blob(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "blobs_discard") uint64_t bh__import_blobs_discard(uint64_t);
// Drops what was begun and says whether there was such a writer.
static inline bh_code bh_blobs_discard(uint32_t writer, bool *value) {
    bh__call call = {0};
    bh__out writer_json = bh__begin();
    bh__write_u32(&writer_json, writer);
    uint64_t writer_block = bh__bytes_block(&call, bh__end(&writer_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_blobs_discard(writer_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_bool(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "blobs_read") uint64_t bh__import_blobs_read(uint64_t, uint64_t, uint64_t, uint64_t);
// Up to `length` bytes from `offset` on, at most `limits.payloadMiB`; fewer only at the end, and none behind it. Give the `etag` of the
// blob to read several pieces of one and the same content.
//
// Fails with invalid-message (name, no such blob), conflict (it has another etag by now; begin anew), quota-exceeded (length),
// storage-failed.
static inline bh_code bh_blobs_read(bh_text name, uint64_t offset, uint32_t length, bh_optional_text etag, bh_bytes *value) {
    bh__call call = {0};
    uint64_t name_block = bh__bytes_block(&call, name);
    bh__out offset_json = bh__begin();
    bh__write_u64(&offset_json, offset);
    uint64_t offset_block = bh__bytes_block(&call, bh__end(&offset_json));
    bh__out length_json = bh__begin();
    bh__write_u32(&length_json, length);
    uint64_t length_block = bh__bytes_block(&call, bh__end(&length_json));
    uint64_t etag_block = bh__optional_text_block(&call, etag);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_blobs_read(name_block, offset_block, length_block, etag_block), &answer);
    if (code != BH_OK) return code;
    bh__take_bytes(answer, value);
    return BH_OK;
}

BH__OPTION(optional_blobs_blob, bh_blobs_blob, blobs_blob)
BH__IMPORT("extism:host/user", "blobs_stat") uint64_t bh__import_blobs_stat(uint64_t);
// What is known of a blob, or none when there is none of that name.
//
// Fails with invalid-message (name), storage-failed.
static inline bh_code bh_blobs_stat(bh_text name, bh_optional_blobs_blob *value) {
    bh__call call = {0};
    uint64_t name_block = bh__bytes_block(&call, name);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_blobs_stat(name_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_optional_blobs_blob(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__LIST(blobs_blob_list, bh_blobs_blob, blobs_blob)
BH__IMPORT("extism:host/user", "blobs_scan") uint64_t bh__import_blobs_scan(uint64_t, uint64_t, uint64_t);
// The blobs whose names begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again
// with the last name as `after` until there are none.
//
// Fails with invalid-message (prefix, after, limit), storage-failed.
static inline bh_code bh_blobs_scan(bh_text prefix, bh_optional_text after, uint32_t limit, bh_blobs_blob_list *value) {
    bh__call call = {0};
    uint64_t prefix_block = bh__bytes_block(&call, prefix);
    uint64_t after_block = bh__optional_text_block(&call, after);
    bh__out limit_json = bh__begin();
    bh__write_u32(&limit_json, limit);
    uint64_t limit_block = bh__bytes_block(&call, bh__end(&limit_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_blobs_scan(prefix_block, after_block, limit_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_blobs_blob_list(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "blobs_rename") uint64_t bh__import_blobs_rename(uint64_t, uint64_t);
// Gives a blob another name, in place of one that has it, in one step. Says whether there was one to be renamed; its etag stays.
//
// Fails with invalid-message (names), quota-exceeded (a longer name), storage-failed.
static inline bh_code bh_blobs_rename(bh_text name, bh_text to, bool *value) {
    bh__call call = {0};
    uint64_t name_block = bh__bytes_block(&call, name);
    uint64_t to_block = bh__bytes_block(&call, to);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_blobs_rename(name_block, to_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_bool(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "blobs_delete") uint64_t bh__import_blobs_delete(uint64_t);
// Removes a blob and says whether there was one.
//
// Fails with invalid-message (name), storage-failed.
static inline bh_code bh_blobs_delete(bh_text name, bool *value) {
    bh__call call = {0};
    uint64_t name_block = bh__bytes_block(&call, name);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_blobs_delete(name_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_bool(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}


// Turns at a time of day, or again and again. A plugin's schedules are its own, outlive the host and need no permission; its manifest can have some too.

// What becomes of a time that passed while the plugin or the host did not run.
typedef enum {
    BH_SCHEDULES_MISSED_SKIP,
    BH_SCHEDULES_MISSED_ONCE,
} bh_schedules_missed;
static const char *const bh__names_schedules_missed[] = {"skip", "once"};

// The name in wit/.
static inline const char *bh_schedules_missed_name(bh_schedules_missed value) { return bh__names_schedules_missed[value]; }
static inline void bh__write_schedules_missed(bh__out *out, bh_schedules_missed value) { bh__write_text(out, bh_str(bh__names_schedules_missed[value])); }
static inline bool bh__read_schedules_missed(bh_text json, bh_schedules_missed *value) {
    size_t found;
    if (!bh__read_name(json, bh__names_schedules_missed, 2, &found)) return false;
    *value = (bh_schedules_missed)found;
    return true;
}

typedef struct {
    // 1 to 64 lower-case letters, digits and hyphens. Setting a name anew replaces its schedule.
    bh_text name;
    // The export that is entered, with the JSON object `{"name", "due", "late"}` as its input: the time in ISO 8601, and how many milliseconds ago it was.
    bh_text entry_point;
    // One of these three. A cron expression: five fields, or six with seconds first.
    bh_optional_text cron;
    // Milliseconds from one time to the next, 1,000 or more.
    bh_optional_u64 every_ms;
    // One moment, in milliseconds since 1970.
    bh_optional_u64 at_ms;
    // Of cron, such as `Europe/Berlin`; none is UTC.
    bh_optional_text timezone;
    bh_schedules_missed missed;
} bh_schedules_schedule;

static inline void bh__write_schedules_schedule(bh__out *out, bh_schedules_schedule value) {
    bh__put_str(out, "{\"name\":");
    bh__write_text(out, value.name);
    bh__put_str(out, ",\"entry-point\":");
    bh__write_text(out, value.entry_point);
    bh__put_str(out, ",\"cron\":");
    bh__write_optional_text(out, value.cron);
    bh__put_str(out, ",\"every-ms\":");
    bh__write_optional_u64(out, value.every_ms);
    bh__put_str(out, ",\"at-ms\":");
    bh__write_optional_u64(out, value.at_ms);
    bh__put_str(out, ",\"timezone\":");
    bh__write_optional_text(out, value.timezone);
    bh__put_str(out, ",\"missed\":");
    bh__write_schedules_missed(out, value.missed);
    bh__put_str(out, "}");
}
static inline bool bh__read_schedules_schedule(bh_text json, bh_schedules_schedule *value) {
    bh_text raw;
    if (!bh_json_member(json, "name", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->name)) return false;
    if (!bh_json_member(json, "entry-point", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->entry_point)) return false;
    if (!bh_json_member(json, "cron", &raw)) raw = bh_str("null");
    if (!bh__read_optional_text(raw, &value->cron)) return false;
    if (!bh_json_member(json, "every-ms", &raw)) raw = bh_str("null");
    if (!bh__read_optional_u64(raw, &value->every_ms)) return false;
    if (!bh_json_member(json, "at-ms", &raw)) raw = bh_str("null");
    if (!bh__read_optional_u64(raw, &value->at_ms)) return false;
    if (!bh_json_member(json, "timezone", &raw)) raw = bh_str("null");
    if (!bh__read_optional_text(raw, &value->timezone)) return false;
    if (!bh_json_member(json, "missed", &raw)) raw = bh_str("null");
    if (!bh__read_schedules_missed(raw, &value->missed)) return false;
    return true;
}

typedef struct {
    bh_text name;
    // In milliseconds since 1970; none for what has had its one moment.
    bh_optional_u64 next_ms;
    // It stands in the manifest, so it cannot be cancelled.
    bool by_manifest;
} bh_schedules_planned;

static inline void bh__write_schedules_planned(bh__out *out, bh_schedules_planned value) {
    bh__put_str(out, "{\"name\":");
    bh__write_text(out, value.name);
    bh__put_str(out, ",\"next-ms\":");
    bh__write_optional_u64(out, value.next_ms);
    bh__put_str(out, ",\"by-manifest\":");
    bh__write_bool(out, value.by_manifest);
    bh__put_str(out, "}");
}
static inline bool bh__read_schedules_planned(bh_text json, bh_schedules_planned *value) {
    bh_text raw;
    if (!bh_json_member(json, "name", &raw)) raw = bh_str("null");
    if (!bh__read_text(raw, &value->name)) return false;
    if (!bh_json_member(json, "next-ms", &raw)) raw = bh_str("null");
    if (!bh__read_optional_u64(raw, &value->next_ms)) return false;
    if (!bh_json_member(json, "by-manifest", &raw)) raw = bh_str("null");
    if (!bh__read_bool(raw, &value->by_manifest)) return false;
    return true;
}

BH__IMPORT("extism:host/user", "schedules_set") uint64_t bh__import_schedules_set(uint64_t);
// Plans a schedule and answers its next time, in milliseconds since 1970. A turn is entered once at a time: what comes due meanwhile is the next time.
//
// Fails with invalid-message (a name, an entry point, a time that never comes), conflict (a name of the manifest), quota-exceeded (more than 100 schedules),
// storage-failed.
static inline bh_code bh_schedules_set(bh_schedules_schedule schedule, uint64_t *value) {
    bh__call call = {0};
    bh__out schedule_json = bh__begin();
    bh__write_schedules_schedule(&schedule_json, schedule);
    uint64_t schedule_block = bh__bytes_block(&call, bh__end(&schedule_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_schedules_set(schedule_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_u64(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "schedules_cancel") uint64_t bh__import_schedules_cancel(uint64_t);
// Ends a schedule and says whether there was one. Fails with conflict for one of the manifest.
static inline bh_code bh_schedules_cancel(bh_text name, bool *value) {
    bh__call call = {0};
    uint64_t name_block = bh__bytes_block(&call, name);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_schedules_cancel(name_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_bool(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__LIST(schedules_planned_list, bh_schedules_planned, schedules_planned)
BH__IMPORT("extism:host/user", "schedules_upcoming") uint64_t bh__import_schedules_upcoming(void);
// All of them, by name.
static inline bh_code bh_schedules_upcoming(bh_schedules_planned_list *value) {
    bh__call call = {0};
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_schedules_upcoming(), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_schedules_planned_list(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}


// What the operator configured for this plugin.

BH__IMPORT("extism:host/user", "config_get") uint64_t bh__import_config_get(uint64_t);
// The value of one key: a string as it is, anything else as JSON text; none when it is not configured.
static inline bh_code bh_config_get(bh_text key, bh_optional_text *value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_config_get(key_block), &answer);
    if (code != BH_OK) return code;
    bh__take_optional_text(answer, value);
    return BH_OK;
}


BH__IMPORT("extism:host/user", "clock_now") uint64_t bh__import_clock_now(void);
// Milliseconds since 1970-01-01T00:00:00Z.
static inline uint64_t bh_clock_now(void) {
    bh__call call = {0};
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_clock_now(), &answer);
    uint64_t value;
    if (code != BH_OK) bh__panic(BH__FILE, __LINE__, "clock.now failed");
    if (!bh__read_u64(answer, &value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return value;
}

BH__IMPORT("extism:host/user", "clock_monotonic") uint64_t bh__import_clock_monotonic(void);
// Nanoseconds since an arbitrary moment; never goes back.
static inline uint64_t bh_clock_monotonic(void) {
    bh__call call = {0};
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_clock_monotonic(), &answer);
    uint64_t value;
    if (code != BH_OK) bh__panic(BH__FILE, __LINE__, "clock.monotonic failed");
    if (!bh__read_u64(answer, &value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return value;
}


BH__IMPORT("extism:host/user", "random_bytes") uint64_t bh__import_random_bytes(uint64_t);
// Bytes from the host's cryptographic generator, 0 to 65,536 of them.
//
// Fails with invalid-message (length).
static inline bh_code bh_random_bytes(uint32_t length, bh_bytes *value) {
    bh__call call = {0};
    bh__out length_json = bh__begin();
    bh__write_u32(&length_json, length);
    uint64_t length_block = bh__bytes_block(&call, bh__end(&length_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_random_bytes(length_block), &answer);
    if (code != BH_OK) return code;
    bh__take_bytes(answer, value);
    return BH_OK;
}


// Hashes, signatures and passwords. `digest`, `hmac`, `verify` and `equal` are computed where the plugin runs and cost it CPU time; the others are
// answered by the host, which keeps the keys that plugins sign with. Random bytes come from `random`. A message has at most `limits.payloadMiB`.

typedef enum {
    BH_CRYPTO_HASH_ALGORITHM_SHA256,
    BH_CRYPTO_HASH_ALGORITHM_SHA384,
    BH_CRYPTO_HASH_ALGORITHM_SHA512,
} bh_crypto_hash_algorithm;
static const char *const bh__names_crypto_hash_algorithm[] = {"sha256", "sha384", "sha512"};

// The name in wit/.
static inline const char *bh_crypto_hash_algorithm_name(bh_crypto_hash_algorithm value) { return bh__names_crypto_hash_algorithm[value]; }
static inline void bh__write_crypto_hash_algorithm(bh__out *out, bh_crypto_hash_algorithm value) { bh__write_text(out, bh_str(bh__names_crypto_hash_algorithm[value])); }
static inline bool bh__read_crypto_hash_algorithm(bh_text json, bh_crypto_hash_algorithm *value) {
    size_t found;
    if (!bh__read_name(json, bh__names_crypto_hash_algorithm, 3, &found)) return false;
    *value = (bh_crypto_hash_algorithm)found;
    return true;
}

// How a signature is made, by the names of JSON Web Signatures.
typedef enum {
    // 64 bytes.
    BH_CRYPTO_SIGNATURE_ALGORITHM_ED25519,
    // ECDSA with P-256 and SHA-256: 64 bytes, r and s one after the other.
    BH_CRYPTO_SIGNATURE_ALGORITHM_ES256,
    // RSA with PKCS #1 v1.5 and SHA-256: as many bytes as the key.
    BH_CRYPTO_SIGNATURE_ALGORITHM_RS256,
    // RSA with PSS, MGF1, SHA-256 and a salt of 32 bytes: as many bytes as the key.
    BH_CRYPTO_SIGNATURE_ALGORITHM_PS256,
} bh_crypto_signature_algorithm;
static const char *const bh__names_crypto_signature_algorithm[] = {"ed25519", "es256", "rs256", "ps256"};

// The name in wit/.
static inline const char *bh_crypto_signature_algorithm_name(bh_crypto_signature_algorithm value) { return bh__names_crypto_signature_algorithm[value]; }
static inline void bh__write_crypto_signature_algorithm(bh__out *out, bh_crypto_signature_algorithm value) { bh__write_text(out, bh_str(bh__names_crypto_signature_algorithm[value])); }
static inline bool bh__read_crypto_signature_algorithm(bh_text json, bh_crypto_signature_algorithm *value) {
    size_t found;
    if (!bh__read_name(json, bh__names_crypto_signature_algorithm, 4, &found)) return false;
    *value = (bh_crypto_signature_algorithm)found;
    return true;
}

typedef enum {
    // A JSON Web Key, as a JSON text of at most 8,192 bytes. Private members are passed over.
    BH_CRYPTO_KEY_FORMAT_JWK,
    // The bytes of the key: 32 for ed25519, the 65 of the uncompressed point for es256. Keys of RSA have no such form.
    BH_CRYPTO_KEY_FORMAT_RAW,
} bh_crypto_key_format;
static const char *const bh__names_crypto_key_format[] = {"jwk", "raw"};

// The name in wit/.
static inline const char *bh_crypto_key_format_name(bh_crypto_key_format value) { return bh__names_crypto_key_format[value]; }
static inline void bh__write_crypto_key_format(bh__out *out, bh_crypto_key_format value) { bh__write_text(out, bh_str(bh__names_crypto_key_format[value])); }
static inline bool bh__read_crypto_key_format(bh_text json, bh_crypto_key_format *value) {
    size_t found;
    if (!bh__read_name(json, bh__names_crypto_key_format, 2, &found)) return false;
    *value = (bh_crypto_key_format)found;
    return true;
}

typedef enum {
    BH_CRYPTO_KEY_ALGORITHM_ED25519,
    BH_CRYPTO_KEY_ALGORITHM_ES256,
} bh_crypto_key_algorithm;
static const char *const bh__names_crypto_key_algorithm[] = {"ed25519", "es256"};

// The name in wit/.
static inline const char *bh_crypto_key_algorithm_name(bh_crypto_key_algorithm value) { return bh__names_crypto_key_algorithm[value]; }
static inline void bh__write_crypto_key_algorithm(bh__out *out, bh_crypto_key_algorithm value) { bh__write_text(out, bh_str(bh__names_crypto_key_algorithm[value])); }
static inline bool bh__read_crypto_key_algorithm(bh_text json, bh_crypto_key_algorithm *value) {
    size_t found;
    if (!bh__read_name(json, bh__names_crypto_key_algorithm, 2, &found)) return false;
    *value = (bh_crypto_key_algorithm)found;
    return true;
}

BH__IMPORT("extism:host/user", "crypto_digest") uint64_t bh__import_crypto_digest(uint64_t, uint64_t);
// The hash of a message.
//
// Fails with quota-exceeded (size).
static inline bh_code bh_crypto_digest(bh_crypto_hash_algorithm algorithm, bh_bytes message, bh_bytes *value) {
    bh__call call = {0};
    bh__out algorithm_json = bh__begin();
    bh__write_crypto_hash_algorithm(&algorithm_json, algorithm);
    uint64_t algorithm_block = bh__bytes_block(&call, bh__end(&algorithm_json));
    uint64_t message_block = bh__bytes_block(&call, message);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_crypto_digest(algorithm_block, message_block), &answer);
    if (code != BH_OK) return code;
    bh__take_bytes(answer, value);
    return BH_OK;
}

BH__IMPORT("extism:host/user", "crypto_hmac") uint64_t bh__import_crypto_hmac(uint64_t, uint64_t, uint64_t);
// The authentication code (HMAC) of a message under a secret key of 1 to 4,096 bytes. Compare it with `equal`.
//
// Fails with invalid-message (key), quota-exceeded (size).
static inline bh_code bh_crypto_hmac(bh_crypto_hash_algorithm algorithm, bh_bytes key, bh_bytes message, bh_bytes *value) {
    bh__call call = {0};
    bh__out algorithm_json = bh__begin();
    bh__write_crypto_hash_algorithm(&algorithm_json, algorithm);
    uint64_t algorithm_block = bh__bytes_block(&call, bh__end(&algorithm_json));
    uint64_t key_block = bh__bytes_block(&call, key);
    uint64_t message_block = bh__bytes_block(&call, message);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_crypto_hmac(algorithm_block, key_block, message_block), &answer);
    if (code != BH_OK) return code;
    bh__take_bytes(answer, value);
    return BH_OK;
}

BH__IMPORT("extism:host/user", "crypto_verify") uint64_t bh__import_crypto_verify(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
// Whether a public key's owner has signed the message. A signature that is malformed, or has another length, is none. Whose the key is, the plugin has to know:
// never take it from what was signed. Keys of RSA have 2,048 to 4,096 bits and an odd exponent from 3 to 4,294,967,295. Where a JWK has `alg`,
// `use` or `key_ops`, they must fit.
//
// Fails with invalid-message (key), quota-exceeded (size).
static inline bh_code bh_crypto_verify(bh_crypto_signature_algorithm algorithm, bh_crypto_key_format format, bh_bytes key, bh_bytes message, bh_bytes signature, bool *value) {
    bh__call call = {0};
    bh__out algorithm_json = bh__begin();
    bh__write_crypto_signature_algorithm(&algorithm_json, algorithm);
    uint64_t algorithm_block = bh__bytes_block(&call, bh__end(&algorithm_json));
    bh__out format_json = bh__begin();
    bh__write_crypto_key_format(&format_json, format);
    uint64_t format_block = bh__bytes_block(&call, bh__end(&format_json));
    uint64_t key_block = bh__bytes_block(&call, key);
    uint64_t message_block = bh__bytes_block(&call, message);
    uint64_t signature_block = bh__bytes_block(&call, signature);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_crypto_verify(algorithm_block, format_block, key_block, message_block, signature_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_bool(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "crypto_equal") uint64_t bh__import_crypto_equal(uint64_t, uint64_t);
// Whether both are the same bytes, in a time that depends on their lengths only.
//
// Fails with quota-exceeded (size).
static inline bh_code bh_crypto_equal(bh_bytes one, bh_bytes other, bool *value) {
    bh__call call = {0};
    uint64_t one_block = bh__bytes_block(&call, one);
    uint64_t other_block = bh__bytes_block(&call, other);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_crypto_equal(one_block, other_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_bool(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__IMPORT("extism:host/user", "crypto_password_hash") uint64_t bh__import_crypto_password_hash(uint64_t);
// What to store of a password of 1 to 1,024 bytes of UTF-8: argon2id with a salt of its own and the host's parameters, in the form
// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. It takes tens of milliseconds, which count as the host's work for this plugin.
//
// Fails with invalid-message (password), rate-limited (8 of this plugin wait; `retry-after-ms` says for how long), deadline-exceeded (it could not
// begin within the turn).
static inline bh_code bh_crypto_password_hash(bh_text password, bh_text *value) {
    bh__call call = {0};
    uint64_t password_block = bh__bytes_block(&call, password);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_crypto_password_hash(password_block), &answer);
    if (code != BH_OK) return code;
    bh__take_text(answer, value);
    return BH_OK;
}

BH__IMPORT("extism:host/user", "crypto_password_verify") uint64_t bh__import_crypto_password_verify(uint64_t, uint64_t);
// Whether `phc` was made of this password, by `password-hash` or by anybody else's argon2id. Takes as long for a wrong one as for the right one.
//
// Fails with invalid-message (password; `phc` is no argon2id in that form, or asks for more than the operator allows), rate-limited,
// deadline-exceeded.
static inline bh_code bh_crypto_password_verify(bh_text password, bh_text phc, bool *value) {
    bh__call call = {0};
    uint64_t password_block = bh__bytes_block(&call, password);
    uint64_t phc_block = bh__bytes_block(&call, phc);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_crypto_password_verify(password_block, phc_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_bool(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}

BH__OPTION(optional_crypto_key_algorithm, bh_crypto_key_algorithm, crypto_key_algorithm)
BH__IMPORT("extism:host/user", "crypto_sign") uint64_t bh__import_crypto_sign(uint64_t, uint64_t, uint64_t);
// Signs the message, as it is, with a key that the host made for this plugin under this name and shows to nobody: 1 to 63 lower-case letters, digits and
// hyphens, with a letter first. The first use of a name makes its key, of `algorithm` or ed25519. A signature is as `verify` takes it. The message has at most
// 65,536 bytes; of more, sign the digest. Needs `keys.sign` on the name.
//
// Fails with permission-denied, invalid-message (name), conflict (the key is of another algorithm), quota-exceeded (size), storage-failed.
static inline bh_code bh_crypto_sign(bh_text key, bh_optional_crypto_key_algorithm algorithm, bh_bytes message, bh_bytes *value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    bh__out algorithm_json = bh__begin();
    bh__write_optional_crypto_key_algorithm(&algorithm_json, algorithm);
    uint64_t algorithm_block = bh__bytes_block(&call, bh__end(&algorithm_json));
    uint64_t message_block = bh__bytes_block(&call, message);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_crypto_sign(key_block, algorithm_block, message_block), &answer);
    if (code != BH_OK) return code;
    bh__take_bytes(answer, value);
    return BH_OK;
}

BH__IMPORT("extism:host/user", "crypto_public_key") uint64_t bh__import_crypto_public_key(uint64_t, uint64_t);
// The public half of what `sign` signs with, as a JWK with `kid`, `alg` and `use`. Makes the key like `sign`. Needs `keys.sign` on the name.
//
// Fails like `sign`.
static inline bh_code bh_crypto_public_key(bh_text key, bh_optional_crypto_key_algorithm algorithm, bh_text *value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    bh__out algorithm_json = bh__begin();
    bh__write_optional_crypto_key_algorithm(&algorithm_json, algorithm);
    uint64_t algorithm_block = bh__bytes_block(&call, bh__end(&algorithm_json));
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_crypto_public_key(key_block, algorithm_block), &answer);
    if (code != BH_OK) return code;
    bh__take_text(answer, value);
    return BH_OK;
}

BH__IMPORT("extism:host/user", "crypto_public_keys") uint64_t bh__import_crypto_public_keys(uint64_t);
// The JWKs of all keys that had this name, the one that signs first: the operator rotates keys, and what an earlier one has signed is to be
// verified until the operator removes it. None while nobody has used the name. Needs `keys.sign` on the name.
//
// Fails with permission-denied, invalid-message (name), storage-failed.
static inline bh_code bh_crypto_public_keys(bh_text key, bh_text_list *value) {
    bh__call call = {0};
    uint64_t key_block = bh__bytes_block(&call, key);
    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_crypto_public_keys(key_block), &answer);
    if (code != BH_OK) return code;
    if (!bh__read_text_list(answer, value)) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");
    return BH_OK;
}


// Reads and writes of the storage that belong together: they are committed where what was read still holds.

typedef struct {
    bh_text key;
    bh_optional_storage_versioned found;
} bh__transaction_read;

// What bh_transact gives to its function. Nothing of it is in the storage before the function has returned.
typedef struct {
    bh__transaction_read *reads;
    size_t read_count, read_room;
    bh_storage_change *changes;
    size_t change_count, change_room;
} bh_transaction;

#define BH__MAX_RUNS 10

static inline bh_bytes bh__kept(bh_bytes bytes) {
    uint8_t *data = (uint8_t *)bh_allocate(bytes.size + 1);
    if (bytes.size > 0) memcpy(data, bytes.data, bytes.size);
    bh_bytes copy = bytes;
    copy.data = data;
    return copy;
}
static inline void *bh__grown(void *items, size_t count, size_t *room, size_t size) {
    if (count < *room) return items;
    *room = *room == 0 ? 8 : 2 * *room;
    void *larger = bh_allocate(*room * size);
    if (count > 0) memcpy(larger, items, count * size);
    return larger;
}
static inline bh_storage_change *bh__transaction_change_of(bh_transaction *transaction, bh_text key) {
    for (size_t i = 0; i < transaction->change_count; i++)
        if (bh_equal(transaction->changes[i].key, key)) return &transaction->changes[i];
    return NULL;
}
static inline bh_storage_change *bh__transaction_change(bh_transaction *transaction, bh_text key) {
    bh_storage_change *change = bh__transaction_change_of(transaction, key);
    if (change == NULL) {
        transaction->changes = (bh_storage_change *)bh__grown(transaction->changes, transaction->change_count, &transaction->change_room, sizeof(bh_storage_change));
        change = &transaction->changes[transaction->change_count++];
    }
    memset(change, 0, sizeof *change);
    change->key = bh__kept(key);
    return change;
}
static inline bh_optional_bytes bh__transaction_value(const bh__transaction_read *read) {
    return read->found.some ? bh_some(read->found.value.value) : bh_none();
}

// What this transaction has set, else the value in the storage, each time the same.
static inline bh_code bh_transaction_get(bh_transaction *transaction, bh_text key, bh_optional_bytes *value) {
    bh_storage_change *change = bh__transaction_change_of(transaction, key);
    if (change != NULL) {
        *value = change->value;
        return BH_OK;
    }
    for (size_t i = 0; i < transaction->read_count; i++) {
        if (!bh_equal(transaction->reads[i].key, key)) continue;
        *value = bh__transaction_value(&transaction->reads[i]);
        return BH_OK;
    }
    transaction->reads = (bh__transaction_read *)bh__grown(transaction->reads, transaction->read_count, &transaction->read_room, sizeof(bh__transaction_read));
    bh__transaction_read *read = &transaction->reads[transaction->read_count];
    bh_code code = bh_storage_get_versioned(key, &read->found);
    if (code != BH_OK) return code;
    read->key = bh__kept(key);
    transaction->read_count++;
    *value = bh__transaction_value(read);
    return BH_OK;
}
static inline void bh_transaction_set(bh_transaction *transaction, bh_text key, bh_bytes value) { bh__transaction_change(transaction, key)->value = bh_some(bh__kept(value)); }
// Sets a value that ends `ttl_ms` milliseconds later.
static inline void bh_transaction_set_for(bh_transaction *transaction, bh_text key, bh_bytes value, uint64_t ttl_ms) {
    bh_storage_change *change = bh__transaction_change(transaction, key);
    change->value = bh_some(bh__kept(value));
    change->ttl_ms.some = true;
    change->ttl_ms.value = ttl_ms;
}
static inline void bh_transaction_delete(bh_transaction *transaction, bh_text key) { bh__transaction_change(transaction, key); }

static inline bh_code bh__transaction_commit(bh_transaction *transaction, bool *committed) {
    bh_storage_check *checks = (bh_storage_check *)bh_allocate((transaction->read_count + 1) * sizeof(bh_storage_check));
    for (size_t i = 0; i < transaction->read_count; i++) {
        checks[i].key = transaction->reads[i].key;
        checks[i].version = transaction->reads[i].found.some ? transaction->reads[i].found.value.version : 0;
    }
    bh_storage_check_list check_list;
    check_list.items = checks;
    check_list.count = transaction->read_count;
    bh_storage_change_list change_list;
    change_list.items = transaction->changes;
    change_list.count = transaction->change_count;
    bh_storage_commit_outcome outcome;
    bh_code code = bh_storage_commit(check_list, change_list, &outcome);
    if (code == BH_OK) *committed = outcome.committed;
    return code;
}
// Calls `run` and commits what it set and deleted, all or nothing, provided that no key it read has changed since; else it runs again, so it may run
// several times and should do nothing else. When it returns something other than BH_OK that is the answer, and nothing is committed. bh_storage_scan and
// bh_storage_keys are not part of it.
//
// Fails with BH_CONFLICT after 10 runs, and with what bh_storage_commit fails with.
static inline bh_code bh_transact(bh_code (*run)(bh_transaction *transaction, void *context), void *context) {
    for (int runs = 0; runs < BH__MAX_RUNS; runs++) {
        bh_transaction transaction;
        memset(&transaction, 0, sizeof transaction);
        bool committed = false;
        bh_code code = run(&transaction, context);
        if (code == BH_OK) code = bh__transaction_commit(&transaction, &committed);
        if (code != BH_OK || committed) return code;
    }
    bh__last_error.reason = bh_str("");
    bh__last_error.retry_after_ms = 0;
    bh__last_error.message = bh_format("what the transaction read was changed in each of %d runs; read fewer keys, or try again later", BH__MAX_RUNS);
    return bh__last_error.code = BH_CONFLICT;
}


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

// The configuration as values: the host gives texts, and JSON for what is none. Each leaves `value` as it is for a key that was not configured and has no default
// in the manifest, so set what holds then before. Fails with BH_INVALID_MESSAGE, and the key, for a value of another type.

static inline bh_code bh__config_unfit(bh_text key, const char *what) {
    bh__last_error.reason = bh_str("");
    bh__last_error.retry_after_ms = 0;
    bh__last_error.message = bh_format("config.%.*s must be %s; write it so in plugins.<name>.config", BH_ARG(key), what);
    return bh__last_error.code = BH_INVALID_MESSAGE;
}
#define BH__CONFIG(name, type, read, what)                                \
    static inline bh_code bh_config_##name(bh_text key, type *value) {    \
        bh_optional_text text;                                            \
        bh_code code = bh_config_get(key, &text);                         \
        if (code != BH_OK || !text.some) return code;                     \
        type found;                                                       \
        if (!read(text.value, &found)) return bh__config_unfit(key, what); \
        *value = found;                                                   \
        return BH_OK;                                                     \
    }
static inline bool bh__same_text(bh_text text, bh_text *value) {
    *value = text;
    return true;
}
static inline bool bh__valid_text(bh_text text, bh_text *value) { return bh__same_text(text, value) && bh_json_valid(text); }
BH__CONFIG(text, bh_text, bh__same_text, "a text")
BH__CONFIG(bool, bool, bh_json_bool, "true or false")
BH__CONFIG(i64, int64_t, bh_json_i64, "a whole number of 64 bits")
BH__CONFIG(u64, uint64_t, bh_json_u64, "a whole number from 0 on")
BH__CONFIG(f64, double, bh_json_f64, "a number")
// A list or an object as its JSON, for bh_json_member and its like.
BH__CONFIG(json, bh_text, bh__valid_text, "JSON")
// What an entry point returns; made by bh_done, bh_answer, bh_fail, bh_refuse, bh_unavailable or bh_refused.
typedef int32_t bh_status;

static inline bh_status bh_done(void) { return 0; }
// The turn's answer.
static inline bh_status bh_answer(bh_bytes output) {
    bh__output_set(bh__block(output), output.size);
    return 0;
}
static inline bh_status bh__failed(bh_text message) {
    bh__error_set(bh__block(message));
    return 1;
}
// Fails the turn: the caller is told the message, formatted as by printf.
static inline bh_status bh_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline bh_status bh_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    bh_text message = bh__vformat(format, arguments);
    va_end(arguments);
    return bh__failed(message);
}
static inline bh_status bh__refuse(bh_text reason, bh_text message, uint32_t retry_after_ms) {
    bh_text code = bh_json_quoted(reason);
    bh_text text = bh_json_quoted(message);
    return bh__failed(bh_format("\001{\"code\":%.*s,\"message\":%.*s,\"retryAfterMs\":%u}", BH_ARG(code), BH_ARG(text), (unsigned)retry_after_ms));
}
// Says no: the caller is told BH_REFUSED with this reason, "not-found", "invalid-input", "conflict", "forbidden", "unavailable" or one of
// services.<name>.errors in the manifest, and with the message, formatted as by printf.
static inline bh_status bh_refuse(const char *reason, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline bh_status bh_refuse(const char *reason, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    bh_text message = bh__vformat(format, arguments);
    va_end(arguments);
    return bh__refuse(bh_str(reason), message, 0);
}
// Refuses with the reason "unavailable", and says when it may be there again.
static inline bh_status bh_unavailable(uint32_t retry_after_ms, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline bh_status bh_unavailable(uint32_t retry_after_ms, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    bh_text message = bh__vformat(format, arguments);
    va_end(arguments);
    return bh__refuse(bh_str("unavailable"), message, retry_after_ms);
}
// Fails the turn with what the last host function said: a refusal of another plugin is handed on as it is.
static inline bh_status bh_refused(void) {
    if (bh__last_error.code == BH_REFUSED && bh__last_error.reason.size > 0)
        return bh__refuse(bh__last_error.reason, bh__last_error.message, bh__last_error.retry_after_ms);
    return bh_fail("%s: %.*s", bh_code_name(bh__last_error.code), BH_ARG(bh__last_error.message));
}
// Goes on when the host function succeeds, else fails the turn with what it said.
#define BH_TRY(call)                                \
    do {                                            \
        if ((call) != BH_OK) return bh_refused();   \
    } while (0)

// An event. `data` is its JSON; where the event has other bytes they are in `bytes`.
typedef struct {
    bh_text id;
    bh_text source;
    bh_text type;
    bh_text time;
    bh_text data;
    bh_bytes bytes;
} bh_event;

static inline bh_status bh__run(bh_status (*handler)(bh_bytes)) {
    bh_status status = handler(bh__copy_in(bh__input_offset(), (size_t)bh__input_length()));
    bh__end_turn();
    return status;
}
static inline bool bh__event_text(bh_text json, const char *name, bh_text *value) {
    bh_text raw;
    return bh_json_member(json, name, &raw) && bh_json_text(raw, value);
}
static inline bh_status bh__run_event(bh_bytes input, bh_status (*handler)(const bh_event *)) {
    bh_event event;
    bh_text raw;
    memset(&event, 0, sizeof event);
    if (!bh__event_text(input, "id", &event.id) || !bh__event_text(input, "source", &event.source) ||
        !bh__event_text(input, "type", &event.type) || !bh__event_text(input, "time", &event.time))
        return bh_fail("input is not an event");
    if (!bh_json_member(input, "data", &event.data)) event.data = bh_str("null");
    if (bh_json_member(input, "data_base64", &raw) && !bh__read_bytes(raw, &event.bytes)) return bh_fail("input is not an event");
    return handler(&event);
}
#define BH__ENTRY(name) BH__C __attribute__((export_name(#name))) bh_status bh__entry_##name(void)

// Defines an entry point that a service names: BH_SERVICE(greet, input) { … }; `input` is a bh_bytes.
#define BH_SERVICE(name, input)                                    \
    static bh_status bh__do_##name(bh_bytes input);                \
    BH__ENTRY(name);                                               \
    BH__ENTRY(name) { return bh__run(bh__do_##name); }             \
    static bh_status bh__do_##name(__attribute__((unused)) bh_bytes input)

// Defines an entry point that a subscription names: BH_EVENT(on_measured, event) { … }; `event` is a const bh_event *.
#define BH_EVENT(name, event)                                                                              \
    static bh_status bh__event_##name(const bh_event *event);                                              \
    static bh_status bh__do_##name(bh_bytes input) { return bh__run_event(input, bh__event_##name); }      \
    BH__ENTRY(name);                                                                                       \
    BH__ENTRY(name) { return bh__run(bh__do_##name); }                                                     \
    static bh_status bh__event_##name(__attribute__((unused)) const bh_event *event)

// Defines on_load, on_start, on_stop or on_unload.
#define BH_LIFECYCLE(name) BH_SERVICE(name, bh__nothing)

#endif
