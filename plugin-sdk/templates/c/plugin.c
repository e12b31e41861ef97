// Greets people, and counts how often. plugin.json names the entry points below.

#include <bulkhead.h>

static bh_code message_to(bh_text name, bh_text *message) {
    bh_optional_text greeting;
    bh_code code = bh_config_get(bh_str("greeting"), &greeting);
    if (code != BH_OK) return code;
    bh_text word = greeting.some ? greeting.value : bh_str("Hello");
    *message = bh_format("%.*s, %.*s!", BH_ARG(word), BH_ARG(name));
    return BH_OK;
}

// The member `name` of a JSON object.
static bool name_in(bh_text json, bh_text *name) {
    bh_text member;
    return bh_json_member(json, "name", &member) && bh_json_text(member, name);
}

BH_SERVICE(greet, input) {
    bh_text name, message, id;
    if (!name_in(input, &name)) return bh_refuse("invalid-input", "name must be a string");
    if (name.size == 0) return bh_refuse("invalid-input", "name is empty");
    bh_text key = bh_format("times/%.*s", BH_ARG(name));
    bh_optional_bytes before;
    uint64_t times = 0;
    BH_TRY(bh_storage_get(key, &before));
    if (before.some && !bh_json_u64(before.value, &times)) BH_PANIC("%.*s is no number", BH_ARG(key));
    times++;
    BH_TRY(bh_storage_set(key, bh_format("%llu", times)));
    bh_text quoted = bh_json_quoted(name);
    bh_text greeted = bh_format("{\"name\":%.*s,\"times\":%llu}", BH_ARG(quoted), times);
    BH_TRY(bh_events_publish(bh_str("my-plugin.greeted"), bh_str("application/json"), greeted, &id));
    BH_TRY(message_to(name, &message));
    quoted = bh_json_quoted(message);
    return bh_answer(bh_format("{\"message\":%.*s,\"times\":%llu}", BH_ARG(quoted), times));
}

BH_EVENT(on_arrived, event) {
    bh_text name, message;
    if (!name_in(event->data, &name)) return bh_fail("the data of %.*s has no name", BH_ARG(event->type));
    BH_TRY(message_to(name, &message));
    BH_TRY(bh_log_write(BH_LOG_LEVEL_INFO, message));
    return bh_done();
}
