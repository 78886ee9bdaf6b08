/* Uses the whole C ABI as a vendor, a service and a holder do, and then wrongly. */

#include <stdlib.h>

#include "world.h"

#define ARGUMENT LICENTIA_CODE_INVALID_ARGUMENT

static void versions(void) {
    char text[32];
    CHECK(strcmp(licentia_version(), LICENTIA_VERSION) == 0);
    CHECK(licentia_version_number() == LICENTIA_VERSION_NUMBER);
    CHECK(licentia_abi_version() == LICENTIA_ABI_VERSION);
    snprintf(text, sizeof text, "%d.%d.%d", LICENTIA_VERSION_MAJOR, LICENTIA_VERSION_MINOR, LICENTIA_VERSION_PATCH);
    CHECK(strcmp(text, LICENTIA_VERSION) == 0);
}

typedef struct seen {
    int events, allowed, freed;
    char action[32], json[4096];
} seen;

static void on_event(void *context, const licentia_event *event) {
    seen *it = context;
    const licentia_decision *decision = licentia_event_decision(event);
    const char *text;
    char *json;
    size_t length;
    uint64_t sequence, issued_at;
    it->events++;
    it->allowed += licentia_decision_is_allowed(decision);
    CHECK(licentia_event_action(event, &text, &length) == LICENTIA_OK);
    snprintf(it->action, sizeof it->action, "%.*s", (int)length, text);
    CHECK(licentia_event_source(event, &text, &length) == LICENTIA_OK);
    CHECK(licentia_event_at(event) == NOW);
    CHECK(licentia_event_took_nanos(event) != LICENTIA_NONE);
    CHECK(licentia_event_keyset(event) == 1);
    CHECK(licentia_event_revocation(event, &sequence, &issued_at) == LICENTIA_ABSENT && sequence == 0);
    CHECK(licentia_event_json(event, &json, &length) == LICENTIA_OK);
    snprintf(it->json, sizeof it->json, "%s", json);
    licentia_string_free(json);
}

static void on_free(void *context) { ((seen *)context)->freed++; }

static licentia_decision *check(const licentia_gate *gate, const char *token, const licentia_request *request) {
    licentia_decision *decision;
    CHECK(licentia_gate_check_at(gate, TEXT(token), request, NOW, 0, &decision) == LICENTIA_OK);
    return decision;
}

/* The code of a check. */
static licentia_code answer(const licentia_gate *gate, const char *token, const licentia_request *request) {
    licentia_decision *decision = check(gate, token, request);
    licentia_code code = licentia_decision_code(decision);
    licentia_decision_free(decision);
    return code;
}

static void decisions(const world *it) {
    seen seen = {0, 0, 0, "", ""};
    licentia_gate_builder *builder = builder_of(it);
    licentia_gate *gate, *second;
    licentia_request *request = request_typical();
    licentia_decision *decision;
    const licentia_license *license;
    licentia_charge charge;
    licentia_feature feature;
    const char *text;
    char *token = issue_typical(it, 5), *given;
    size_t length;
    uint64_t version, times[4];
    uint8_t id[16], lineage[16];

    CHECK(licentia_gate_builder_add_sink(builder, on_event, &seen, on_free) == LICENTIA_OK);
    CHECK(licentia_request_set_action(request, LITERAL("GET /exports")) == LICENTIA_OK);
    CHECK(licentia_request_set_source(request, LITERAL("192.0.2.7")) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &second) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    licentia_gate_free(second);
    CHECK(seen.freed == 0);

    decision = check(gate, token, request);
    CHECK(licentia_decision_is_allowed(decision));
    CHECK(licentia_decision_code(decision) == LICENTIA_CODE_ALLOWED);
    CHECK(licentia_decision_state(decision) == LICENTIA_STATE_ACTIVE);
    CHECK(licentia_decision_warning(decision) == 0);
    CHECK(licentia_decision_retry_after_ms(decision) == LICENTIA_NONE);
    CHECK(licentia_decision_http_status(decision) == 200);
    CHECK(seen.events == 1 && seen.allowed == 1 && strcmp(seen.action, "GET /exports") == 0);
    CHECK(strstr(seen.json, "192.0.2.7") != NULL && strstr(seen.json, "lic1_") == NULL);

    CHECK(licentia_decision_charge(decision, 0, sizeof charge, &charge) == LICENTIA_OK);
    CHECK(charge.unit == LICENTIA_UNIT_RATE && charge.name_len == 3 && memcmp(charge.name, "api", 3) == 0);
    CHECK(licentia_decision_charge(decision, 1, sizeof charge, &charge) == LICENTIA_OK);
    CHECK(charge.unit == LICENTIA_UNIT_QUOTA && charge.limit == 1000000000 && charge.remaining == 999999999);
    CHECK(charge.window == LICENTIA_NONE && charge.retry_after_ms == LICENTIA_NONE && charge.cost == 1);
    CHECK(licentia_decision_charge(decision, 2, sizeof charge, &charge) == LICENTIA_ABSENT && charge.name == NULL);
    CHECK(licentia_decision_charge(decision, 0, sizeof charge - 8, &charge) == ARGUMENT);

    license = licentia_decision_license(decision);
    CHECK(licentia_license_subject(license, &text, &length) == LICENTIA_OK);
    CHECK(length == 6 && memcmp(text, "cus_42", 6) == 0);
    CHECK(licentia_license_issuer(license, &text, &length) == LICENTIA_OK && memcmp(text, "acme", length) == 0);
    CHECK(licentia_license_tier(license, &text, &length, &version) == LICENTIA_OK);
    CHECK(memcmp(text, "pro", length) == 0 && version == 3);
    CHECK(licentia_license_ids(license, id, lineage) == LICENTIA_OK && memcmp(id, lineage, 16) == 0);
    CHECK(licentia_license_times(license, &times[0], &times[1], &times[2], &times[3]) == LICENTIA_OK);
    CHECK(times[0] == NOW - 100 && times[1] == LICENTIA_NONE && times[2] == LICENTIA_NONE && times[3] == NOW + 1000000);
    CHECK(licentia_license_feature(license, LITERAL("export"), sizeof feature, &feature) == LICENTIA_OK);
    CHECK(feature.kind == LICENTIA_VALUE_TRUE && feature.expires == LICENTIA_NONE);
    CHECK(licentia_license_feature(license, LITERAL("rows"), sizeof feature, &feature) == LICENTIA_OK);
    CHECK(feature.kind == LICENTIA_VALUE_INT && feature.number == 5000 && feature.text == NULL);
    CHECK(licentia_license_feature(license, LITERAL("level"), sizeof feature, &feature) == LICENTIA_OK);
    CHECK(feature.kind == LICENTIA_VALUE_TEXT && feature.text_len == 4 && memcmp(feature.text, "gold", 4) == 0);
    CHECK(feature.expires == 1893456000);
    CHECK(licentia_license_feature(license, LITERAL("sso"), sizeof feature, &feature) == LICENTIA_ABSENT);
    CHECK(licentia_license_json(license, &given, &length) == LICENTIA_OK && strstr(given, "\"cus_42\"") != NULL);
    licentia_string_free(given);
    CHECK(licentia_decision_json(decision, &given, &length) == LICENTIA_OK && strlen(given) == length);
    CHECK(strstr(given, "\"allowed\":true") != NULL && strstr(given, "lic1_") == NULL);
    licentia_string_free(given);
    CHECK(licentia_decision_http_headers(decision, &given, &length) == LICENTIA_OK);
    CHECK(strncmp(given, "ratelimit-policy: ", 18) == 0 && strcmp(given + length - 2, "\r\n") == 0);
    licentia_string_free(given);
    licentia_decision_free(decision);

    /* What is denied, and why. */
    CHECK(licentia_request_add_feature(request, LITERAL("sso")) == LICENTIA_OK);
    decision = check(gate, token, request);
    CHECK(!licentia_decision_is_allowed(decision));
    CHECK(licentia_decision_code(decision) == LICENTIA_CODE_FEATURE_NOT_LICENSED);
    CHECK(licentia_decision_http_status(decision) == 403 && licentia_decision_license(decision) != NULL);
    CHECK(licentia_decision_problem(decision, &given, &length) == LICENTIA_OK);
    CHECK(strstr(given, "feature_not_licensed") != NULL);
    licentia_string_free(given);
    licentia_decision_free(decision);
    decision = check(gate, "lic1_AAAA", NULL);
    CHECK(!licentia_decision_is_allowed(decision) && licentia_decision_license(decision) == NULL);
    CHECK(licentia_decision_http_status(decision) == 401);
    licentia_decision_free(decision);
    CHECK(answer(gate, "", NULL) == LICENTIA_CODE_MISSING_TOKEN);
    CHECK(answer(gate, "lic1_\xff\xfe", NULL) == LICENTIA_CODE_MALFORMED_TEXT);
    CHECK(answer(gate, "lic1_\xc3\xa4", NULL) == LICENTIA_CODE_MALFORMED_TEXT);
    CHECK(answer(gate, token, NULL) == LICENTIA_CODE_ALLOWED);
    CHECK(licentia_request_clear(request) == LICENTIA_OK);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_ALLOWED);

    licentia_gate_free(gate);
    CHECK(seen.freed == 1 && seen.events == 8);
    licentia_request_free(request);
    licentia_string_free(token);
}

static void modes(const world *it) {
    licentia_gate_builder *builder = builder_of(it);
    licentia_gate *gate;
    licentia_decision *decision;
    char *token = issue_typical(it, 5);

    CHECK(licentia_gate_builder_set_issuer(builder, LITERAL("somebody else")) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_mode(builder, LICENTIA_MODE_ADVISORY) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    decision = check(gate, token, NULL);
    CHECK(licentia_decision_is_allowed(decision));
    CHECK(licentia_decision_code(decision) == LICENTIA_CODE_ISSUER_MISMATCH);
    CHECK(licentia_decision_state(decision) == LICENTIA_STATE_ADVISORY);
    licentia_decision_free(decision);
    licentia_gate_free(gate);
    licentia_gate_builder_free(builder);
    licentia_string_free(token);
}

static void keysets(const world *it) {
    licentia_key *root, *key;
    licentia_keyset *keyset;
    uint64_t sequence, issued_at, expires;
    bool changed = true;
    licentia_gate *gate = gate_of(it);

    CHECK(licentia_signing_key_public(it->root, &root) == LICENTIA_OK);
    CHECK(licentia_keyset_read(root, it->keyset, it->keyset_len, &keyset) == LICENTIA_OK);
    CHECK(licentia_keyset_times(keyset, &sequence, &issued_at, &expires) == LICENTIA_OK);
    CHECK(sequence == 1 && issued_at == NOW - 1000 && expires == NOW + 1000000);
    CHECK(licentia_keyset_key(keyset, 1, &key) == LICENTIA_OK);
    licentia_key_free(key);
    CHECK(licentia_keyset_key(keyset, 2, &key) == LICENTIA_ABSENT && key == NULL);
    licentia_keyset_free(keyset);
    CHECK(licentia_keyset_read(root, it->keyset, it->keyset_len - 1, &keyset) >= 100 && keyset == NULL);
    CHECK(licentia_gate_load_keyset(gate, it->keyset, it->keyset_len, &changed) == LICENTIA_OK && !changed);
    CHECK(licentia_gate_load_keyset(gate, it->keyset, 7, &changed) == LICENTIA_CODE_TRUNCATED);
    licentia_gate_free(gate);
    licentia_key_free(root);
}

static int told;

static void on_watch(void *context, licentia_code code) {
    (void)context;
    told += code != 0;
}

static void revocations(const world *it, const char *folder) {
    licentia_gate *gate = gate_of(it);
    uint64_t index = 77;
    size_t length, old_length;
    uint8_t *old = bundle_of(it, 1, NULL, &old_length), *bundle = bundle_of(it, 2, &index, &length);
    char *token = issue_typical(it, 77), *other = issue_typical(it, 78), path[4096];
    bool changed;
    licentia_watch *watch;
    FILE *file;

    CHECK(answer(gate, token, NULL) == LICENTIA_CODE_ALLOWED);
    CHECK(licentia_gate_load_revocation(gate, old, old_length, &changed) == LICENTIA_OK && changed);
    CHECK(answer(gate, token, NULL) == LICENTIA_CODE_ALLOWED);

    /* By a file. */
    snprintf(path, sizeof path, "%s/bundle", folder);
    file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(bundle, 1, length, file) == length && fclose(file) == 0);
    CHECK(licentia_gate_watch_revocation(gate, TEXT(path), 1000, on_watch, NULL, NULL, &watch) == LICENTIA_OK);
    licentia_watch_free(watch);
    remove(path);
    CHECK(licentia_gate_watch_revocation(gate, TEXT(path), 1000, on_watch, NULL, NULL, &watch) ==
              LICENTIA_CODE_STORE_UNREACHABLE &&
          watch == NULL);
    CHECK(licentia_gate_watch_revocation(gate, TEXT(path), 0, NULL, NULL, NULL, &watch) == ARGUMENT);
    CHECK(answer(gate, token, NULL) == LICENTIA_CODE_REVOKED);
    CHECK(answer(gate, other, NULL) == LICENTIA_CODE_ALLOWED);

    CHECK(licentia_gate_load_revocation(gate, bundle, length, &changed) == LICENTIA_OK && !changed);
    CHECK(licentia_gate_load_revocation(gate, old, old_length, &changed) == LICENTIA_CODE_BUNDLE_ROLLBACK);
    CHECK(licentia_gate_load_revocation(gate, bundle, length - 1, &changed) >= 520);
    licentia_bytes_free(old);
    licentia_bytes_free(bundle);
    licentia_string_free(token);
    licentia_string_free(other);
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
        decision = check(gate, token, NULL);
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

static void proofs(const world *it) {
    uint8_t seed[32] = {9}, public_key[32], thumbprint[32], body[32] = {4}, *proof;
    size_t length;
    licentia_holder *holder;
    licentia_draft *draft = draft_new(1);
    licentia_request *request;
    licentia_gate *gate = gate_of(it);
    char *token;

    CHECK(licentia_holder_from_seed(seed, &holder) == LICENTIA_OK);
    CHECK(licentia_holder_public(holder, public_key, thumbprint) == LICENTIA_OK);
    CHECK(licentia_draft_set_holder(draft, thumbprint) == LICENTIA_OK);
    token = issue(it, draft);
    CHECK(answer(gate, token, NULL) == LICENTIA_CODE_PROOF_REQUIRED);

    CHECK(licentia_holder_prove(holder, TEXT(token), LITERAL("POST"), LITERAL("/v1/jobs"), body, NOW, &proof,
                                &length) == LICENTIA_OK);
    CHECK(licentia_request_new(&request) == LICENTIA_OK);
    CHECK(licentia_request_set_proof(request, proof, length, LITERAL("GET"), LITERAL("/v1/jobs"), body) == LICENTIA_OK);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_PROOF_WRONG_METHOD);
    CHECK(licentia_request_set_proof(request, proof, length, LITERAL("POST"), LITERAL("/v1/jobs"), NULL) ==
          LICENTIA_OK);
    CHECK(answer(gate, token, request) != LICENTIA_CODE_ALLOWED);
    CHECK(licentia_request_set_proof(request, proof, length, LITERAL("POST"), LITERAL("/v1/jobs"), body) ==
          LICENTIA_OK);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_ALLOWED);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_PROOF_REPLAYED);
    licentia_bytes_free(proof);
    licentia_request_free(request);
    licentia_draft_free(draft);
    licentia_holder_free(holder);
    CHECK(licentia_holder_from_pem(LITERAL("no key"), &holder) == LICENTIA_CODE_INVALID_KEY && holder == NULL);
    licentia_string_free(token);
    licentia_gate_free(gate);
}

/* The rest of a meter, by a look that costs nothing. */
static uint64_t left(const licentia_gate *gate, const char *token, const char *meter) {
    licentia_request *look;
    licentia_decision *decision;
    licentia_charge charge = {0};
    CHECK(licentia_request_new(&look) == LICENTIA_OK);
    CHECK(licentia_request_add_meter(look, TEXT(meter), 0) == LICENTIA_OK);
    CHECK(licentia_gate_check(gate, TEXT(token), look, &decision) == LICENTIA_OK);
    CHECK(licentia_decision_charge(decision, 0, sizeof charge, &charge) == LICENTIA_OK);
    licentia_decision_free(decision);
    licentia_request_free(look);
    return charge.remaining;
}

static void reservations(const world *it, const char *folder) {
    licentia_gate_builder *builder;
    licentia_gate *gate;
    licentia_key *key;
    licentia_store *store;
    licentia_request *request;
    licentia_decision *decision;
    licentia_reservation *reservation;
    licentia_keeper *keeper;
    licentia_draft *draft;
    char url[5000], path[4096], *token;
    int round;

    CHECK(licentia_draft_new(LITERAL("cus_42"), LITERAL("pro"), 3, 1000, 253402300799u, &draft) == LICENTIA_OK);
    CHECK(licentia_draft_add_quota(draft, LITERAL("minutes"), LITERAL("100/lifetime")) == LICENTIA_OK);
    token = issue(it, draft);
    licentia_draft_free(draft);
    CHECK(licentia_signing_key_public(it->license_key, &key) == LICENTIA_OK);
    /* In a file, so that it goes on after the gate has ended. */
    snprintf(path, sizeof path, "%s/store.db", folder);
    snprintf(url, sizeof url, "sqlite:%s", path);
    remove(path);
    CHECK(licentia_gate_builder_new(&builder) == LICENTIA_OK);
    CHECK(licentia_gate_builder_add_key(builder, key) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_prepare(builder, 81920) == LICENTIA_OK);
    CHECK(licentia_store_open(TEXT(url), &store) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_store(builder, store) == LICENTIA_OK);
    licentia_store_free(store);
    CHECK(licentia_request_new(&request) == LICENTIA_OK);
    CHECK(licentia_request_add_meter(request, LITERAL("minutes"), 60) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);

    CHECK(licentia_gate_reserve(gate, TEXT(token), request, &decision, &reservation) == LICENTIA_OK);
    CHECK(licentia_decision_is_allowed(decision) && reservation != NULL);
    licentia_decision_free(decision);
    CHECK(left(gate, token, "minutes") == 40);
    CHECK(licentia_reservation_set_cost(reservation, LITERAL("minutes"), 61) == ARGUMENT);
    CHECK(licentia_reservation_set_cost(reservation, LITERAL("hours"), 1) == ARGUMENT);
    CHECK(licentia_reservation_set_cost(reservation, LITERAL("minutes"), 9) == LICENTIA_OK);
    CHECK(licentia_reservation_set_cost(reservation, LITERAL("minutes"), 10) == LICENTIA_OK);
    CHECK(licentia_reservation_commit(reservation) == LICENTIA_OK);
    CHECK(licentia_reservation_commit(reservation) == ARGUMENT);
    licentia_reservation_free(reservation);
    CHECK(left(gate, token, "minutes") == 90);

    /* One that is not committed is taken back. */
    CHECK(licentia_gate_reserve(gate, TEXT(token), request, &decision, &reservation) == LICENTIA_OK);
    licentia_decision_free(decision);
    licentia_reservation_free(reservation);
    CHECK(left(gate, token, "minutes") == 90);

    /* A job is charged once, from what nobody has taken ahead. */
    CHECK(licentia_gate_settle(gate) == LICENTIA_OK);
    CHECK(licentia_request_set_job(request, LITERAL("job 7")) == LICENTIA_OK);
    for (round = 0; round < 3; round++) {
        CHECK(licentia_gate_check(gate, TEXT(token), request, &decision) == LICENTIA_OK);
        CHECK(licentia_decision_is_allowed(decision));
        licentia_decision_free(decision);
    }
    CHECK(left(gate, token, "minutes") == 30);
    CHECK(licentia_request_set_job(request, LITERAL("job 8")) == LICENTIA_OK);
    CHECK(licentia_gate_reserve(gate, TEXT(token), request, &decision, &reservation) == LICENTIA_OK);
    CHECK(licentia_decision_code(decision) == LICENTIA_CODE_QUOTA_EXCEEDED && reservation == NULL);
    licentia_decision_free(decision);

    CHECK(licentia_keeper_start(gate, 0, &keeper) == ARGUMENT && keeper == NULL);
    CHECK(licentia_keeper_start(gate, 60000, &keeper) == LICENTIA_OK);
    licentia_keeper_free(keeper);
    CHECK(licentia_gate_settle(gate) == LICENTIA_OK && licentia_gate_after_fork(gate) == LICENTIA_OK);
    licentia_gate_free(gate);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    CHECK(left(gate, token, "minutes") == 30);
    licentia_gate_free(gate);
    licentia_gate_builder_free(builder);
    licentia_request_free(request);
    licentia_key_free(key);
    licentia_string_free(token);
    remove(path);
}

static void count_receipt(void *context, const uint8_t *receipt, size_t length) {
    /* A receipt is a tagged COSE_Sign1. */
    if (length > 64 && receipt[0] == 0xd2) ++*(int *)context;
}

static void receipts(const world *it, const char *folder) {
    licentia_signing_key *key;
    licentia_gate_builder *builder;
    licentia_receipts *receipts, *second;
    licentia_gate *gate;
    licentia_request *request;
    char path[512], *pem, *token = issue_typical(it, 91);
    size_t length;
    uint8_t instance[32] = {0}, none[32] = {0};
    int count = 0;

    snprintf(path, sizeof path, "%s/receipts.log", folder);
    remove(path);
    CHECK(licentia_signing_key_generate(&key) == LICENTIA_OK);
    CHECK(licentia_signing_key_pem(key, NULL, 0, &pem, &length) == LICENTIA_OK);
    CHECK(licentia_receipts_open(TEXT(path), LITERAL("no key"), &receipts) == LICENTIA_CODE_INVALID_KEY);
    CHECK(receipts == NULL);
    CHECK(licentia_receipts_open(TEXT(path), pem, length, &receipts) == LICENTIA_OK);
    CHECK(licentia_receipts_open(TEXT(path), pem, length, &second) == LICENTIA_CODE_STORE_UNREACHABLE);
    CHECK(licentia_receipts_instance(receipts, instance) == LICENTIA_OK && memcmp(instance, none, 32) != 0);

    builder = builder_of(it);
    CHECK(licentia_gate_builder_add_receipts(builder, receipts) == LICENTIA_OK);
    CHECK(licentia_gate_builder_add_receipts(builder, NULL) == ARGUMENT);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    CHECK(licentia_receipts_write(receipts, NOW, count_receipt, &count) == LICENTIA_OK && count == 0);
    CHECK(licentia_request_new(&request) == LICENTIA_OK);
    CHECK(licentia_request_add_meter(request, LITERAL("calls"), 3) == LICENTIA_OK);
    licentia_decision_free(check(gate, token, request));
    CHECK(licentia_receipts_write(receipts, NOW, NULL, NULL) == ARGUMENT);
    CHECK(licentia_receipts_write(receipts, NOW, count_receipt, &count) == LICENTIA_OK && count == 1);
    CHECK(licentia_receipts_write(receipts, NOW, count_receipt, &count) == LICENTIA_OK && count == 1);
    CHECK(licentia_receipts_unacknowledged(receipts, count_receipt, &count) == LICENTIA_OK && count == 2);
    CHECK(licentia_receipts_acknowledge(receipts, none, 32, NULL) == ARGUMENT);

    licentia_receipts_free(receipts);
    licentia_receipts_free(NULL);
    licentia_request_free(request);
    licentia_gate_free(gate);
    licentia_string_free(pem);
    licentia_string_free(token);
    licentia_signing_key_free(key);
    remove(path);
}

static void vendors(const world *it) {
    static const char catalogue_toml[] = "[[tier]]\nname = \"pro\"\nversion = 1\nterm = \"1 year\"\n";
    licentia_signing_key *key, *again;
    licentia_catalogue *catalogue;
    licentia_draft *draft;
    licentia_gate *gate = gate_of(it);
    char *pem, *token;
    uint8_t signature[64], second[64];
    size_t length;

    CHECK(licentia_signing_key_generate(&key) == LICENTIA_OK);
    CHECK(licentia_signing_key_pem(key, NULL, 0, &pem, &length) == LICENTIA_OK);
    CHECK(licentia_signing_key_from_pem(pem, length, NULL, 0, &again) == LICENTIA_OK);
    CHECK(licentia_signing_key_sign(key, (const uint8_t *)"message", 7, signature) == LICENTIA_OK);
    CHECK(licentia_signing_key_sign(again, (const uint8_t *)"message", 7, second) == LICENTIA_OK);
    CHECK(memcmp(signature, second, 64) == 0);
    licentia_signing_key_free(again);
    CHECK(licentia_signing_key_from_pem(pem, length, LITERAL("x"), &again) == LICENTIA_CODE_INVALID_KEY);
    CHECK(again == NULL);
    licentia_string_free(pem);
    licentia_signing_key_free(key);

    CHECK(licentia_catalogue_parse(LITERAL("nonsense"), &catalogue) == ARGUMENT && catalogue == NULL);
    CHECK(licentia_catalogue_parse(LITERAL(catalogue_toml), &catalogue) == LICENTIA_OK);
    CHECK(licentia_catalogue_draft(catalogue, LITERAL("basic"), 0, LITERAL("cus_7"), NOW, &draft) == ARGUMENT);
    CHECK(licentia_catalogue_draft(catalogue, LITERAL("pro"), 0, LITERAL("cus_7"), NOW, &draft) == LICENTIA_OK);
    CHECK(licentia_draft_add_audience(draft, LITERAL("api")) == LICENTIA_OK);
    CHECK(licentia_draft_add_meta(draft, LITERAL("order"), LITERAL("1234")) == LICENTIA_OK);
    CHECK(licentia_draft_set_seats(draft, 5) == LICENTIA_OK);
    CHECK(licentia_draft_set_kind(draft, LICENTIA_KIND_TRIAL) == LICENTIA_OK);
    CHECK(licentia_draft_set_kind(draft, 4) == ARGUMENT);
    token = issue(it, draft);
    CHECK(answer(gate, token, NULL) == LICENTIA_CODE_AUDIENCE_MISMATCH);
    licentia_string_free(token);
    CHECK(licentia_draft_add_quota(draft, LITERAL("calls"), LITERAL("many")) == ARGUMENT);
    CHECK(licentia_draft_set_term_end(draft, LICENTIA_NONE) == LICENTIA_OK);
    CHECK(licentia_issuer_issue(it->issuer, draft, &token, &length) == ARGUMENT && token == NULL && length == 0);
    licentia_draft_free(draft);
    licentia_catalogue_free(catalogue);
    licentia_gate_free(gate);
}

/* Whatever can be told to be wrong is answered, and outputs are emptied first. */
static void misuse(const world *it) {
    char *const junk = (char *)it;
    const size_t huge = (size_t)PTRDIFF_MAX + 1;
    licentia_gate *gate = gate_of(it), *no_gate = (licentia_gate *)junk;
    licentia_gate_builder *builder = builder_of(it);
    licentia_key *key = (licentia_key *)junk;
    licentia_store *store = (licentia_store *)junk;
    licentia_request *request = request_typical();
    licentia_decision *decision = (licentia_decision *)junk;
    char *text = junk;
    const char *lent = junk;
    uint8_t *bytes = (uint8_t *)junk;
    size_t length = 9;
    uint64_t start = 9, end = 9;
    bool changed = true;

    CHECK(licentia_key_from_text(NULL, 5, &key) == ARGUMENT && key == NULL);
    CHECK(licentia_key_from_text("x", huge, &key) == ARGUMENT && key == NULL);
    CHECK(licentia_key_from_text("x", SIZE_MAX, &key) == ARGUMENT);
    CHECK(licentia_key_from_text("\xff", 1, &key) == ARGUMENT);
    CHECK(licentia_key_from_text(NULL, 0, &key) == LICENTIA_CODE_INVALID_KEY);
    CHECK(licentia_key_from_text("x", 1, NULL) == ARGUMENT);
    CHECK(licentia_key_from_ed25519((const uint8_t *)"k", 1, NULL, &key) == ARGUMENT);
    CHECK(licentia_key_text(NULL, &text, &length) == ARGUMENT && text == NULL && length == 0);
    CHECK(licentia_key_kid(NULL, NULL, NULL) == ARGUMENT);

    CHECK(licentia_store_open(LITERAL("nowhere:"), &store) == ARGUMENT && store == NULL);
    CHECK(licentia_store_open(NULL, 0, &store) == ARGUMENT);

    CHECK(licentia_gate_check(NULL, LITERAL("x"), NULL, &decision) == ARGUMENT && decision == NULL);
    decision = (licentia_decision *)junk;
    CHECK(licentia_gate_check((const licentia_gate *)((const char *)gate + 1), LITERAL("x"), NULL, &decision) ==
              ARGUMENT &&
          decision == NULL);
    CHECK(licentia_gate_check(gate, LITERAL("x"), (const licentia_request *)((const char *)request + 1), &decision) ==
          ARGUMENT);
    CHECK(licentia_gate_check(gate, NULL, 3, NULL, &decision) == ARGUMENT);
    CHECK(licentia_gate_check(gate, "x", huge, NULL, &decision) == ARGUMENT);
    CHECK(licentia_gate_check(gate, LITERAL("x"), NULL, NULL) == ARGUMENT);
    CHECK(licentia_gate_check(gate, LITERAL("x"), NULL, (licentia_decision **)((char *)&decision + 1)) == ARGUMENT);
    CHECK(licentia_gate_load_keyset(gate, NULL, 3, &changed) == ARGUMENT && !changed);
    CHECK(licentia_gate_load_revocation(gate, NULL, 0, &changed) >= 100);

    CHECK(licentia_gate_builder_add_key(builder, NULL) == ARGUMENT);
    CHECK(licentia_gate_builder_set_mode(builder, 2) == ARGUMENT);
    CHECK(licentia_gate_builder_set_mode(builder, UINT32_MAX) == ARGUMENT);
    CHECK(licentia_gate_builder_add_sink(builder, NULL, NULL, NULL) == ARGUMENT);
    CHECK(licentia_gate_builder_set_cache_capacity(builder, SIZE_MAX) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &no_gate) == ARGUMENT && no_gate == NULL);
    licentia_gate_builder_free(builder);
    CHECK(licentia_gate_builder_new(&builder) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &no_gate) == ARGUMENT);

    CHECK(licentia_request_set_node(request, NULL) == ARGUMENT);
    CHECK(licentia_request_add_meter(request, "\xff", 1, 1) == ARGUMENT);
    CHECK(licentia_request_add_meter(NULL, LITERAL("calls"), 1) == ARGUMENT);
    CHECK(licentia_period_window(10, 0, 0, 0, &start, &end) == ARGUMENT && start == 0 && end == 0);
    CHECK(licentia_period_window(LICENTIA_PERIOD_FIXED, 0, 0, 0, &start, &end) == ARGUMENT);
    CHECK(licentia_period_window(LICENTIA_PERIOD_YEAR_FROM, 0, UINT64_MAX, UINT64_MAX, &start, &end) != 0);
    CHECK(licentia_token_decode(LITERAL("lic2_"), &bytes, &length) == LICENTIA_CODE_MALFORMED_TEXT && bytes == NULL);

    CHECK(!licentia_decision_is_allowed(NULL) && licentia_decision_code(NULL) == ARGUMENT);
    CHECK(licentia_decision_state(NULL) == 0 && licentia_decision_warning(NULL) == 0);
    CHECK(licentia_decision_http_status(NULL) == 500 && licentia_decision_license(NULL) == NULL);
    CHECK(licentia_decision_retry_after_ms(NULL) == LICENTIA_NONE);
    CHECK(licentia_license_subject(NULL, &lent, &length) == ARGUMENT && lent == NULL && length == 0);
    CHECK(licentia_event_decision(NULL) == NULL && licentia_event_at(NULL) == LICENTIA_NONE);
    CHECK(strcmp(licentia_status_name(12345), "unknown") == 0 && strcmp(licentia_status_name(UINT32_MAX), "unknown") == 0);
    CHECK(strcmp(licentia_status_name(LICENTIA_OK), "ok") == 0);

    licentia_string_free(NULL);
    licentia_bytes_free(NULL);
    licentia_key_free(NULL);
    licentia_keyset_free(NULL);
    licentia_store_free(NULL);
    licentia_gate_free(NULL);
    licentia_request_free(NULL);
    licentia_decision_free(NULL);
    licentia_watch_free(NULL);
    licentia_gate_builder_free(builder);
    licentia_request_free(request);
    licentia_gate_free(gate);
}

int main(int argc, char **argv) {
    world it = world_new();
    versions();
    decisions(&it);
    modes(&it);
    keysets(&it);
    revocations(&it, argc > 1 ? argv[1] : ".");
    deltas(&it);
    reservations(&it, argc > 1 ? argv[1] : ".");
    proofs(&it);
    receipts(&it, argc > 1 ? argv[1] : ".");
    vendors(&it);
    misuse(&it);
    world_free(&it);
    return finish("abi");
}
