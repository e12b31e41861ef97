#include <bulkhead.h>
#include <math.h>
#include <unistd.h>

static bool member(bh_text input, bh_text *value) { return bh_json_member(input, "v", value); }

static bh_status answer(bh_text value) { return bh_answer(bh_format("{\"v\":%.*s}", BH_ARG(value))); }

BH_SERVICE(any, input) { return bh_json_valid(input) ? bh_answer(input) : bh_refuse("invalid-input", "the input is no JSON"); }

BH_SERVICE(floats, input) {
    bh_text value;
    double number;
    if (!member(input, &value) || !bh_json_f64(value, &number) || !bh_json_number(number, &value)) return bh_refuse("invalid-input", "v must be a number");
    return answer(value);
}

BH_SERVICE(signed_, input) {
    bh_text value;
    int64_t number;
    if (!member(input, &value) || !bh_json_i64(value, &number)) return bh_refuse("invalid-input", "v must be a whole number of 64 bits");
    return answer(bh_format("%lld", (long long)number));
}

BH_SERVICE(unsigned_, input) {
    bh_text value;
    uint64_t number;
    if (!member(input, &value) || !bh_json_u64(value, &number)) return bh_refuse("invalid-input", "v must be a whole number of 64 bits");
    return answer(bh_format("%llu", (unsigned long long)number));
}

BH_SERVICE(text, input) {
    bh_text value;
    if (!member(input, &value) || !bh_json_text(value, &value)) return bh_refuse("invalid-input", "v must be a text");
    return answer(bh_json_quoted(value));
}

BH_SERVICE(unfit, input) {
    double number = bh_equal(input, bh_str("NaN")) ? (double)NAN : bh_equal(input, bh_str("Infinity")) ? (double)INFINITY : (double)-INFINITY;
    bh_text json;
    if (!bh_json_number(number, &json)) return bh_fail("list.1.x has no form in JSON");
    return bh_answer(json);
}

BH_SERVICE(random, input) {
    uint8_t drawn[16];
    if (getentropy(drawn, sizeof drawn) != 0) return bh_fail("no entropy");
    bh_text list = bh_str("[0");
    for (int i = 0; i < 16; i++) list = bh_format("%.*s,%d", BH_ARG(list), drawn[i]);
    return bh_answer(bh_format("%.*s]", BH_ARG(list)));
}

static char *append(char *end, bh_bytes bytes) {
    memcpy(end, bytes.data, bytes.size);
    return end + bytes.size;
}

// Uses each function of crypto: answers a hash, a code, a signature and the JWK that verifies it, one after the other.
BH_SERVICE(sealed, message) {
    const bh_optional_crypto_key_algorithm es256 = {true, BH_CRYPTO_KEY_ALGORITHM_ES256}, any = {false, BH_CRYPTO_KEY_ALGORITHM_ED25519};
    bh_bytes hash, code, signature;
    bh_text jwk, phc;
    bh_text_list keys;
    bool is_signed, same, other, right, wrong;
    if (bh_crypto_hmac(BH_CRYPTO_HASH_ALGORITHM_SHA256, bh_str(""), message, &code) != BH_INVALID_MESSAGE) return bh_fail("an empty key is taken");
    BH_TRY(bh_crypto_digest(BH_CRYPTO_HASH_ALGORITHM_SHA256, message, &hash));
    BH_TRY(bh_crypto_hmac(BH_CRYPTO_HASH_ALGORITHM_SHA512, bh_str("key"), message, &code));
    BH_TRY(bh_crypto_sign(bh_str("tokens"), es256, message, &signature));
    BH_TRY(bh_crypto_public_key(bh_str("tokens"), any, &jwk));
    BH_TRY(bh_crypto_public_keys(bh_str("tokens"), &keys));
    if (keys.count != 1 || !bh_equal(keys.items[0], jwk)) return bh_fail("there is another key");
    BH_TRY(bh_crypto_verify(BH_CRYPTO_SIGNATURE_ALGORITHM_ES256, BH_CRYPTO_KEY_FORMAT_JWK, jwk, message, signature, &is_signed));
    BH_TRY(bh_crypto_equal(hash, hash, &same));
    BH_TRY(bh_crypto_equal(hash, code, &other));
    if (!is_signed || !same || other) return bh_fail("nothing is verified");
    BH_TRY(bh_crypto_password_hash(bh_str("pässword"), &phc));
    BH_TRY(bh_crypto_password_verify(bh_str("pässword"), phc, &right));
    BH_TRY(bh_crypto_password_verify(bh_str("password"), phc, &wrong));
    if (!right || wrong) return bh_fail("a password is another");
    size_t size = hash.size + code.size + signature.size + jwk.size;
    char *all = (char *)bh_allocate(size);
    append(append(append(append(all, hash), code), signature), jwk);
    return bh_answer(bh_bytes_of(all, size));
}

// Copies the blob "in" to "out" and answers the copy.
BH_SERVICE(blob, input) {
    bh_bytes content;
    if (bh_blob_read(bh_str("in"), &content) == BH_INVALID_MESSAGE) return bh_answer(bh_str("no blob"));
    BH_TRY(bh_blob_write(bh_str("out"), bh_str("text/plain"), content, NULL));
    BH_TRY(bh_blob_read(bh_str("out"), &content));
    return bh_answer(content);
}

typedef struct {
    uint64_t disturbed, runs;
} transact_context;

// What it reads is changed behind its back in the first runs.
static bh_code transact_once(bh_transaction *transaction, void *context) {
    transact_context *of = (transact_context *)context;
    of->runs++;
    bh_optional_bytes before, again, own;
    bh_code code = bh_transaction_get(transaction, bh_str("n"), &before);
    if (code != BH_OK) return code;
    if (of->runs <= of->disturbed) {
        code = bh_storage_set(bh_str("n"), bh_format("%llu", (unsigned long long)of->runs));
        if (code != BH_OK) return code;
    }
    code = bh_transaction_get(transaction, bh_str("n"), &again);
    if (code != BH_OK) return code;
    if (again.some != before.some || (again.some && !bh_equal(again.value, before.value))) return BH_INTERNAL;
    bh_transaction_set(transaction, bh_str("n"), bh_format("%.*sx", BH_ARG((before.some ? before.value : bh_str("0")))));
    code = bh_transaction_get(transaction, bh_str("n"), &own);
    if (code != BH_OK) return code;
    if (!own.some || own.value.data[own.value.size - 1] != 'x') return BH_INTERNAL;
    bh_transaction_set_for(transaction, bh_str("brief"), bh_str("b"), 60000);
    bh_transaction_delete(transaction, bh_str("gone"));
    return BH_OK;
}

BH_SERVICE(transact, input) {
    bh_text value;
    transact_context of = {0, 0};
    if (!member(input, &value) || !bh_json_u64(value, &of.disturbed)) return bh_refuse("invalid-input", "v must be a whole number");
    BH_TRY(bh_transact(transact_once, &of));
    return answer(bh_format("%llu", (unsigned long long)of.runs));
}

BH_SERVICE(refuse, input) {
    bh_text reason;
    if (!member(input, &reason) || !bh_json_text(reason, &reason)) return bh_refuse("invalid-input", "v must be a text");
    if (bh_equal(reason, bh_str("unavailable"))) return bh_unavailable(1500, "gone for \"%d\" é", 1);
    char name[65];
    snprintf(name, sizeof name, "%.*s", BH_ARG(reason));
    return bh_refuse(name, "no \"%d\" é", 1);
}

static const bh_optional_u32 nobody_waits = {false, 0};

BH_SERVICE(passed, input) {
    bh_bytes answered;
    BH_TRY(bh_services_call(bh_str("vault.open"), bh_str(""), nobody_waits, &answered));
    return bh_answer(answered);
}

BH_SERVICE(seen, input) {
    bh_bytes answered;
    bh_code code = bh_services_call(bh_str("vault.open"), bh_str(""), nobody_waits, &answered);
    bh_error error = bh_last_error();
    return bh_answer(bh_format("%s %.*s %u", bh_code_name(code), BH_ARG(error.reason), (unsigned)error.retry_after_ms));
}

BH_SERVICE(configured, input) {
    double level = 0;
    int64_t count = 0;
    uint64_t extra = 7;
    bool on = false;
    bh_text name = bh_str(""), rooms = bh_str("[]"), written;
    BH_TRY(bh_config_f64(bh_str("level"), &level));
    BH_TRY(bh_config_i64(bh_str("count"), &count));
    BH_TRY(bh_config_u64(bh_str("extra"), &extra));
    BH_TRY(bh_config_bool(bh_str("on"), &on));
    BH_TRY(bh_config_text(bh_str("name"), &name));
    BH_TRY(bh_config_json(bh_str("rooms"), &rooms));
    if (!bh_json_number(level, &written)) return bh_fail("level is no number");
    bh_text quoted = bh_json_quoted(name);
    return bh_answer(bh_format("{\"level\":%.*s,\"count\":%lld,\"on\":%s,\"name\":%.*s,\"rooms\":%.*s,\"extra\":%llu}", BH_ARG(written), (long long)count,
                               on ? "true" : "false", BH_ARG(quoted), BH_ARG(rooms), (unsigned long long)extra));
}
