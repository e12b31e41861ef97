#include <bulkhead.h>
#include <math.h>
#include <unistd.h>

static bool member(bh_text input, bh_text *value) { return bh_json_member(input, "v", value); }

static bh_status answer(bh_text value) { return bh_answer(bh_format("{\"v\":%.*s}", BH_ARG(value))); }

BH_SERVICE(any, input) { return bh_json_valid(input) ? bh_answer(input) : bh_fail("the input is no JSON"); }

BH_SERVICE(floats, input) {
    bh_text value;
    double number;
    if (!member(input, &value) || !bh_json_f64(value, &number) || !bh_json_number(number, &value)) return bh_fail("v must be a number");
    return answer(value);
}

BH_SERVICE(signed_, input) {
    bh_text value;
    int64_t number;
    if (!member(input, &value) || !bh_json_i64(value, &number)) return bh_fail("v must be a whole number of 64 bits");
    return answer(bh_format("%lld", (long long)number));
}

BH_SERVICE(unsigned_, input) {
    bh_text value;
    uint64_t number;
    if (!member(input, &value) || !bh_json_u64(value, &number)) return bh_fail("v must be a whole number of 64 bits");
    return answer(bh_format("%llu", (unsigned long long)number));
}

BH_SERVICE(text, input) {
    bh_text value;
    if (!member(input, &value) || !bh_json_text(value, &value)) return bh_fail("v must be a text");
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
