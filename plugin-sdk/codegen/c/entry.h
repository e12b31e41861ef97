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
