// Counts measurements: the one scenario that every SDK implements (plugins/counter/README.md).

#include <bulkhead.h>

enum { LAST_LIVES_MS = 60000, SURVEY_MS = 2000 };

// How many were counted, and the last as it is stored.
static bh_code stored(uint64_t *count, bh_optional_bytes *last) {
    const bh_text keys[] = {bh_str("count"), bh_str("last")};
    bh_optional_bytes_list values;
    bh_code code = bh_storage_get_many((bh_text_list){keys, 2}, &values);
    if (code != BH_OK) return code;
    *count = 0;
    if (values.items[0].some && !bh_json_u64(values.items[0].value, count)) BH_PANIC("count is no number");
    *last = values.items[1];
    return BH_OK;
}

BH_LIFECYCLE(on_load) {
    BH_TRY(bh_log_write(BH_LOG_LEVEL_DEBUG, bh_str("counter loaded")));
    return bh_done();
}

BH_EVENT(on_measured, event) {
    bh_text sensor_json, sensor, value;
    if (!bh_json_member(event->data, "sensor", &sensor_json) || !bh_json_text(sensor_json, &sensor) ||
        !bh_json_member(event->data, "value", &value))
        return bh_fail("the data of %.*s has no sensor and value", BH_ARG(event->type));
    uint64_t count;
    bh_optional_bytes before;
    BH_TRY(stored(&count, &before));
    count++;
    sensor_json = bh_json_quoted(sensor);
    bh_text last = bh_format("{\"sensor\":%.*s,\"value\":%.*s}", BH_ARG(sensor_json), BH_ARG(value));
    const bh_storage_change changes[] = {
        {.key = bh_str("count"), .value = bh_some(bh_format("%llu", count))},
        {.key = bh_str("last"), .value = bh_some(last), .ttl_ms = {true, LAST_LIVES_MS}},
        {.key = bh_str("stale"), .value = bh_none()},
    };
    BH_TRY(bh_storage_apply((bh_storage_change_list){changes, 3}));
    bh_text id, greeting;
    bh_text counted = bh_format("{\"count\":%llu,\"sensor\":%.*s}", count, BH_ARG(sensor_json));
    BH_TRY(bh_events_publish(bh_str("counter.counted"), bh_str("application/json"), counted, &id));
    BH_TRY(bh_services_call(bh_str("greeter.greet"), sensor, (bh_optional_u32){0}, &greeting));
    BH_TRY(bh_log_write(BH_LOG_LEVEL_INFO, bh_format("greeter said: %.*s", BH_ARG(greeting))));
    return bh_done();
}

BH_SERVICE(read, input) {
    uint64_t count;
    bh_optional_bytes last;
    BH_TRY(stored(&count, &last));
    bh_text shown = last.some ? last.value : bh_str("null");
    return bh_answer(bh_format("{\"count\":%llu,\"last\":%.*s}", count, BH_ARG(shown)));
}

static const char *boolean(bool value) { return value ? "true" : "false"; }

BH_SERVICE(environment, input) {
    bh_optional_text unit;
    BH_TRY(bh_config_get(bh_str("unit"), &unit));
    bh_text shown = unit.some ? bh_json_quoted(unit.value) : bh_str("null");
    uint64_t first = bh_clock_monotonic();
    bh_bytes one, other;
    BH_TRY(bh_random_bytes(16, &one));
    BH_TRY(bh_random_bytes(16, &other));
    bool random = one.size == 16 && other.size == 16 && !bh_equal(one, other);
    bh_services_caller caller = bh_services_current_caller();
    bh_text who = bh_json_quoted(bh_format("%s:%.*s", bh_services_caller_kind_name(caller.kind), BH_ARG(caller.name)));
    return bh_answer(bh_format("{\"unit\":%.*s,\"now\":%s,\"monotonic\":%s,\"random\":%s,\"caller\":%.*s}", BH_ARG(shown),
                               boolean(bh_clock_now() > 1600000000000u), boolean(bh_clock_monotonic() >= first), boolean(random),
                               BH_ARG(who)));
}

BH_SERVICE(denied, input) {
    bh_bytes answer;
    bh_code call = bh_services_call(bh_str("vault.open"), bh_str(""), (bh_optional_u32){0}, &answer);
    bh_text message = bh_last_error().message;
    bh_code set = bh_state_set(bh_str("vault.key"), bh_str("x"));
    if (call == BH_OK || set == BH_OK) return bh_fail("nothing was denied");
    BH_TRY(bh_log_write(BH_LOG_LEVEL_WARNING, message));
    return bh_answer(bh_format("[\"%s\",\"%s\"]", bh_code_name(call), bh_code_name(set)));
}

BH_SERVICE(survey, input) {
    bh_extensions_answer_list answers;
    BH_TRY(bh_extensions_ask(bh_str("lab.greeting"), input, (bh_optional_u32){true, SURVEY_MS}, &answers));
    bh_text lines = bh_str("");
    for (size_t i = 0; i < answers.count; i++) {
        const char *before = i == 0 ? "" : "\n";
        lines = bh_format("%.*s%s%.*s: %.*s", BH_ARG(lines), before, BH_ARG(answers.items[i].plugin), BH_ARG(answers.items[i].output));
    }
    return bh_answer(lines);
}

BH_SERVICE(echo, input) { return bh_answer(input); }

BH_SERVICE(greet, input) { return bh_answer(bh_format("Grüße, %.*s 🌍 — 你好", BH_ARG(input))); }

BH_SERVICE(fail, input) { return bh_fail("failed on purpose: %.*s", BH_ARG(input)); }

BH_SERVICE(crash, input) { BH_PANIC("crashed on purpose"); }
