/* Revocation: bundles and deltas that are loaded, rules, and a file that is watched. */

#include <pthread.h>
#include <time.h>

#include "world.h"

static void revocations(const world *it) {
    licentia_gate *gate = gate_of(it);
    uint64_t index = 77;
    size_t length, old_length;
    uint8_t *old = bundle_of(it, 1, NULL, &old_length), *bundle = bundle_of(it, 2, &index, &length);
    char *token = issue_typical(it, 77), *other = issue_typical(it, 78);
    bool changed;

    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_ALLOWED);
    CHECK(licentia_gate_load_revocation(gate, old, old_length, &changed) == LICENTIA_OK && changed);
    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_ALLOWED);

    CHECK(licentia_gate_load_revocation(gate, bundle, length, &changed) == LICENTIA_OK && changed);
    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_REVOKED);
    CHECK(answer(gate, other, it->nothing) == LICENTIA_CODE_ALLOWED);

    CHECK(licentia_gate_load_revocation(gate, bundle, length, &changed) == LICENTIA_OK && !changed);
    CHECK(licentia_gate_load_revocation(gate, old, old_length, &changed) == LICENTIA_CODE_BUNDLE_ROLLBACK);
    CHECK(licentia_gate_load_revocation(gate, bundle, length - 1, &changed) == LICENTIA_CODE_BUNDLE_MALFORMED);
    licentia_bytes_free(old);
    licentia_bytes_free(bundle);
    licentia_string_free(token);
    licentia_string_free(other);
    licentia_gate_free(gate);
}

/* A gate that must have a bundle refuses until it has one; and rates can be counted with other processes. */
static void required(const world *it) {
    licentia_gate_builder *builder = builder_of(it);
    licentia_gate *gate;
    size_t length;
    uint8_t *bundle = bundle_of(it, 1, NULL, &length);
    char *token = issue_typical(it, 77);
    bool changed;

    CHECK(licentia_gate_builder_require_revocation(builder) == LICENTIA_OK);
    CHECK(licentia_gate_builder_share_rates(builder) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_REVOCATION_STALE);
    CHECK(licentia_gate_load_revocation(gate, bundle, length, &changed) == LICENTIA_OK && changed);
    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_ALLOWED);
    licentia_bytes_free(bundle);
    licentia_string_free(token);
    licentia_gate_free(gate);
}

/* A bundle about no licence, or about one that it refuses, warns of, or puts into grace. */
static licentia_bundle *bundle_draft(uint64_t sequence, const uint64_t *index, uint32_t effect) {
    static const uint8_t salt[16] = {7};
    licentia_bundle *bundle;
    CHECK(licentia_bundle_new(LITERAL("acme"), sequence, NOW - 10, NOW + 86400, NOW + 864000, salt, &bundle) ==
          LICENTIA_OK);
    if (index != NULL) {
        CHECK(licentia_bundle_revoke_index(bundle, *index, 2, NOW - 10, effect, NOW + 100) == LICENTIA_OK);
    }
    return bundle;
}

static void deltas(const world *it) {
    licentia_gate *gate = gate_of(it);
    const uint64_t index = 77;
    licentia_bundle *drafts[4];
    licentia_decision *decision;
    char *token = issue_typical(it, index);
    uint8_t *bytes;
    size_t length;
    bool changed;
    int at;

    drafts[0] = bundle_draft(1, NULL, 0);
    drafts[1] = bundle_draft(2, &index, LICENTIA_EFFECT_WARN);
    drafts[2] = bundle_draft(3, &index, LICENTIA_EFFECT_GRACE);
    drafts[3] = bundle_draft(4, NULL, 0);
    for (at = 0; at < 4; at++) {
        if (at == 1) {
            /* On another base than the one that is loaded. */
            CHECK(licentia_bundle_sign_delta(drafts[3], drafts[2], it->revocation_key, &bytes, &length) == LICENTIA_OK);
            CHECK(licentia_gate_load_revocation(gate, bytes, length, &changed) == LICENTIA_CODE_BUNDLE_WRONG_BASE);
            licentia_bytes_free(bytes);
        }
        CHECK((at == 0 ? licentia_bundle_sign(drafts[at], it->revocation_key, &bytes, &length)
                       : licentia_bundle_sign_delta(drafts[at], drafts[at - 1], it->revocation_key, &bytes, &length)) ==
              LICENTIA_OK);
        CHECK(licentia_gate_load_revocation(gate, bytes, length, &changed) == LICENTIA_OK && changed);
        licentia_bytes_free(bytes);
        decision = check(gate, token, it->nothing);
        CHECK(licentia_decision_is_allowed(decision));
        CHECK(licentia_decision_warning(decision) == (at == 1 || at == 2 ? LICENTIA_CODE_REVOKED : 0));
        CHECK(licentia_decision_state(decision) == (at == 2 ? LICENTIA_STATE_GRACE : LICENTIA_STATE_ACTIVE));
        licentia_decision_free(decision);
    }
    CHECK(licentia_bundle_sign_delta(drafts[0], drafts[1], it->revocation_key, &bytes, &length) == ARGUMENT);
    CHECK(bytes == NULL && licentia_bundle_revoke_index(drafts[0], 1, 7, 0, 0, 0) == ARGUMENT);
    CHECK(licentia_bundle_revoke_index(drafts[0], 1, 0, 0, 3, 0) == ARGUMENT);
    for (at = 0; at < 4; at++) licentia_bundle_free(drafts[at]);
    licentia_string_free(token);
    licentia_gate_free(gate);
}

/* Rules revoke at once what is of a key, for a subject, or of a lineage. */
static void rules(const world *it) {
    licentia_gate *gate;
    licentia_bundle *bundle;
    licentia_key *key;
    licentia_decision *decision;
    char *token = issue_typical(it, 77);
    const uint8_t *kid;
    uint8_t *bytes, id[16], lineage[16], digest[33] = {1};
    size_t length, kid_len;
    bool changed;
    int round;

    CHECK(licentia_signing_key_public(it->license_key, &key) == LICENTIA_OK);
    CHECK(licentia_key_kid(key, &kid, &kid_len) == LICENTIA_OK);
    for (round = 0; round < 6; round++) {
        bool revoked = round % 2 == 0;
        gate = gate_of(it);
        decision = check(gate, token, it->nothing);
        CHECK(licentia_license_ids(licentia_decision_license(decision), id, lineage) == LICENTIA_OK);
        licentia_decision_free(decision);
        bundle = bundle_draft(1, NULL, 0);
        lineage[0] ^= (uint8_t)!revoked;
        if (round / 2 == 0) {
            CHECK(licentia_bundle_revoke_key(bundle, kid, revoked ? kid_len : kid_len - 1, digest, 32, 1, 0,
                                             LICENTIA_EFFECT_DENY, 0) == LICENTIA_OK);
        } else if (round / 2 == 1) {
            CHECK(licentia_bundle_revoke_subject(bundle, "cus_42!", revoked ? 6 : 7, 4, 0, LICENTIA_EFFECT_DENY, 0) ==
                  LICENTIA_OK);
        } else {
            CHECK(licentia_bundle_revoke_lineage(bundle, lineage, 2, 0, LICENTIA_EFFECT_DENY, 0) == LICENTIA_OK);
        }
        CHECK(licentia_bundle_sign(bundle, it->revocation_key, &bytes, &length) == LICENTIA_OK);
        CHECK(licentia_gate_load_revocation(gate, bytes, length, &changed) == LICENTIA_OK && changed);
        CHECK(answer(gate, token, it->nothing) == (revoked ? LICENTIA_CODE_REVOKED_BY_RULE : LICENTIA_CODE_ALLOWED));
        licentia_bytes_free(bytes);
        licentia_bundle_free(bundle);
        licentia_gate_free(gate);
    }
    bundle = bundle_draft(1, NULL, 0);
    CHECK(licentia_bundle_revoke_key(bundle, kid, kid_len, digest, 33, 1, 0, LICENTIA_EFFECT_DENY, 0) == ARGUMENT);
    CHECK(licentia_bundle_revoke_key(bundle, kid, kid_len, NULL, 32, 1, 0, LICENTIA_EFFECT_DENY, 0) == ARGUMENT);
    CHECK(licentia_bundle_revoke_subject(bundle, LITERAL("cus_42"), 7, 0, LICENTIA_EFFECT_DENY, 0) == ARGUMENT);
    CHECK(licentia_bundle_revoke_lineage(bundle, lineage, 0, 0, 3, 0) == ARGUMENT);
    licentia_bundle_free(bundle);
    licentia_key_free(key);
    licentia_string_free(token);
}

/* A licence without an index is revoked by its identifier. */
static void identifiers(const world *it) {
    licentia_gate *gate = gate_of(it);
    licentia_bundle *bundle = bundle_draft(1, NULL, 0);
    licentia_draft *draft;
    licentia_decision *decision;
    char *token, *other;
    uint8_t *bytes, id[16], lineage[16];
    size_t length;
    bool changed;

    CHECK(licentia_draft_new(LITERAL("cus_42"), LITERAL("pro"), 3, NOW - 100, NOW + 1000, &draft) == LICENTIA_OK);
    token = issue(it, draft);
    other = issue(it, draft);
    decision = check(gate, token, it->nothing);
    CHECK(licentia_license_ids(licentia_decision_license(decision), id, lineage) == LICENTIA_OK);
    licentia_decision_free(decision);
    CHECK(licentia_bundle_revoke_id(bundle, NULL) == ARGUMENT);
    CHECK(licentia_bundle_revoke_id(bundle, id) == LICENTIA_OK);
    CHECK(licentia_bundle_sign(bundle, it->revocation_key, &bytes, &length) == LICENTIA_OK);
    CHECK(licentia_gate_load_revocation(gate, bytes, length, &changed) == LICENTIA_OK);
    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_REVOKED);
    CHECK(answer(gate, other, it->nothing) == LICENTIA_CODE_ALLOWED);
    licentia_bytes_free(bytes);
    licentia_bundle_free(bundle);
    licentia_draft_free(draft);
    licentia_string_free(token);
    licentia_string_free(other);
    licentia_gate_free(gate);
}

/* Puts another file in the place of one that is watched. */
static void replace(const char *path, const uint8_t *bytes, size_t length) {
    char aside[4200];
    FILE *file;
    snprintf(aside, sizeof aside, "%s.new", path);
    file = fopen(aside, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, length, file) == length && fclose(file) == 0);
    CHECK(rename(aside, path) == 0);
}

static void pause_ms(long milliseconds) {
    struct timespec pause = {0, 0};
    pause.tv_nsec = milliseconds * 1000000;
    nanosleep(&pause, NULL);
}

/* Waits for what comes soon, and for a minute at most. */
#define SOON(condition)                                             \
    do {                                                            \
        int rounds = 12000;                                         \
        while (!(condition) && rounds-- > 0) pause_ms(5);           \
        CHECK(condition);                                           \
    } while (0)

/* What the callback of a watch does, and what was seen of it. */
typedef struct watching {
    int code, told, freed, gate_freed, held, hold;
    licentia_watch *watch;
    licentia_gate *gate;
} watching;

static int seen(const int *what) { return __atomic_load_n(what, __ATOMIC_SEQ_CST); }
static void count(int *what) { __atomic_add_fetch(what, 1, __ATOMIC_SEQ_CST); }

static void on_watch(void *context, licentia_code code) {
    watching *it = context;
    it->code = (int)code;
    count(&it->held);
    while (seen(&it->hold)) pause_ms(1);
    if (it->watch != NULL) licentia_watch_free(it->watch);
    if (it->gate != NULL) licentia_gate_free(it->gate);
    count(&it->told);
}

static void on_free(void *context) { count(&((watching *)context)->freed); }
static void on_gate_free(void *context) { count(&((watching *)context)->gate_freed); }

static void on_event(void *context, const licentia_event *event) {
    (void)context;
    (void)event;
}

/* A gate that says when it has ended. */
static licentia_gate *gate_with(const world *it, watching *watching) {
    licentia_gate_builder *builder = builder_of(it);
    licentia_gate *gate;
    CHECK(licentia_gate_builder_add_sink(builder, on_event, watching, on_gate_free) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    return gate;
}

static void watches(const world *it, const char *folder) {
    licentia_gate *gate = gate_of(it);
    watching watching = {0, 0, 0, 0, 0, 0, NULL, NULL};
    uint64_t index = 77;
    size_t length, old_length;
    uint8_t *old = bundle_of(it, 1, NULL, &old_length), *bundle = bundle_of(it, 2, &index, &length);
    char *token = issue_typical(it, 77), path[4096];
    licentia_watch *watch;

    snprintf(path, sizeof path, "%s/bundle", folder);
    remove(path);
    CHECK(licentia_gate_watch_revocation(gate, TEXT(path), 5, on_watch, &watching, on_free, &watch) ==
          LICENTIA_CODE_STORE_UNREACHABLE);
    CHECK(watch == NULL && seen(&watching.freed) == 1);
    CHECK(licentia_gate_watch_revocation(gate, TEXT(path), 0, NULL, NULL, NULL, &watch) == ARGUMENT);

    /* It is loaded now, and again when it has changed; what is wrong with it is told, and changes nothing. */
    replace(path, old, old_length);
    CHECK(licentia_gate_watch_revocation(gate, TEXT(path), 5, on_watch, &watching, on_free, &watch) == LICENTIA_OK);
    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_ALLOWED);
    replace(path, bundle, length);
    SOON(answer(gate, token, it->nothing) == LICENTIA_CODE_REVOKED);
    CHECK(seen(&watching.told) == 0);
    replace(path, bundle, length - 1);
    SOON(seen(&watching.told) > 0);
    CHECK(watching.code == LICENTIA_CODE_BUNDLE_MALFORMED);
    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_REVOKED);
    CHECK(seen(&watching.freed) == 1);
    licentia_watch_free(watch);
    CHECK(seen(&watching.freed) == 2);
    licentia_gate_free(gate);
    licentia_bytes_free(old);
    licentia_bytes_free(bundle);
    licentia_string_free(token);
    remove(path);
}

/* A watch may be ended in its own callback, and so may its gate. */
static void ended_from_within(const world *it, const char *folder) {
    size_t length;
    uint8_t *bundle = bundle_of(it, 1, NULL, &length);
    char path[4096];
    int round;
    snprintf(path, sizeof path, "%s/within", folder);
    for (round = 0; round < 2; round++) {
        watching watching = {0, 0, 0, 0, 0, 1, NULL, NULL};
        licentia_gate *gate = gate_with(it, &watching);
        licentia_watch *watch;
        replace(path, bundle, length);
        CHECK(licentia_gate_watch_revocation(gate, TEXT(path), 5, on_watch, &watching, on_free, &watch) == LICENTIA_OK);
        replace(path, bundle, length - 1);
        SOON(seen(&watching.held) == 1);
        if (round == 0) watching.watch = watch;
        else watching.gate = gate;
        __atomic_store_n(&watching.hold, 0, __ATOMIC_SEQ_CST);
        SOON(seen(&watching.told) == 1);
        if (round == 0) {
            SOON(seen(&watching.freed) == 1);
            CHECK(seen(&watching.gate_freed) == 0);
            licentia_gate_free(gate);
        } else {
            SOON(seen(&watching.gate_freed) == 1);
            licentia_watch_free(watch);
        }
        CHECK(seen(&watching.freed) == 1 && seen(&watching.gate_freed) == 1 && seen(&watching.told) == 1);
    }
    licentia_bytes_free(bundle);
    remove(path);
}

static void *free_gate(void *context) {
    watching *it = context;
    licentia_gate_free(it->gate);
    return seen(&it->gate_freed) == 1 ? it : NULL;
}

/* A gate that is freed while a watch works for it ends when that is done, before the call returns. */
static void freed_at_work(const world *it, const char *folder) {
    watching watching = {0, 0, 0, 0, 0, 1, NULL, NULL}, other = {0, 0, 0, 0, 0, 0, NULL, NULL};
    size_t length;
    uint8_t *bundle = bundle_of(it, 1, NULL, &length);
    licentia_watch *watch;
    pthread_t thread;
    void *good;
    char path[4096];

    snprintf(path, sizeof path, "%s/work", folder);
    replace(path, bundle, length);
    other.gate = gate_with(it, &other);
    CHECK(licentia_gate_watch_revocation(other.gate, TEXT(path), 5, on_watch, &watching, NULL, &watch) == LICENTIA_OK);
    replace(path, bundle, length - 1);
    SOON(seen(&watching.held) == 1);
    CHECK(pthread_create(&thread, NULL, free_gate, &other) == 0);
    pause_ms(50);
    CHECK(seen(&other.gate_freed) == 0);
    __atomic_store_n(&watching.hold, 0, __ATOMIC_SEQ_CST);
    CHECK(pthread_join(thread, &good) == 0 && good == &other);
    licentia_watch_free(watch);
    licentia_bytes_free(bundle);
    remove(path);
}

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : ".";
    world it = world_new();
    revocations(&it);
    required(&it);
    deltas(&it);
    rules(&it);
    identifiers(&it);
    watches(&it, folder);
    ended_from_within(&it, folder);
    freed_at_work(&it, folder);
    world_free(&it);
    return finish("revocation");
}
