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

