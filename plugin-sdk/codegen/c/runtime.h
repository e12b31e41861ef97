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

// @codes

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
