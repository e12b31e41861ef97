
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
