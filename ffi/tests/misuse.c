/* The C ABI used wrongly: whatever can be told to be wrong is answered, and outputs are emptied first. */

#include "world.h"

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
    licentia_reservation *reservation = (licentia_reservation *)junk;
    licentia_seat *seat = (licentia_seat *)junk;
    char *token = issue_typical(it, 1);
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

    CHECK(licentia_gate_check(NULL, LITERAL("x"), request, &decision) == ARGUMENT && decision == NULL);
    decision = (licentia_decision *)junk;
    CHECK(licentia_gate_check((const licentia_gate *)((const char *)gate + 1), LITERAL("x"), request, &decision) ==
              ARGUMENT &&
          decision == NULL);
    CHECK(licentia_gate_check(gate, LITERAL("x"), (const licentia_request *)((const char *)request + 1), &decision) ==
          ARGUMENT);
    CHECK(licentia_gate_check(gate, NULL, 3, request, &decision) == ARGUMENT);
    CHECK(licentia_gate_check(gate, "x", huge, request, &decision) == ARGUMENT);
    CHECK(licentia_gate_check(gate, LITERAL("x"), request, NULL) == ARGUMENT);
    CHECK(licentia_gate_check(gate, LITERAL("x"), NULL, (licentia_decision **)((char *)&decision + 1)) == ARGUMENT);
    /* A request that could not be made needs everything, and not nothing. */
    decision = (licentia_decision *)junk;
    CHECK(licentia_gate_check(gate, TEXT(token), NULL, &decision) == ARGUMENT && decision == NULL);
    CHECK(licentia_gate_check_at(gate, TEXT(token), NULL, NOW, 0, &decision) == ARGUMENT && decision == NULL);
    CHECK(licentia_gate_reserve_at(gate, TEXT(token), NULL, NOW, 0, &decision, &reservation) == ARGUMENT);
    CHECK(licentia_gate_check_out_at(gate, TEXT(token), LITERAL("ada"), 60, NULL, NOW, 0, &decision, &seat) ==
          ARGUMENT);
    CHECK(reservation == NULL && seat == NULL);
    CHECK(licentia_gate_load_keyset(gate, NULL, 3, &changed) == ARGUMENT && !changed);
    CHECK(licentia_gate_load_revocation(gate, NULL, 0, &changed) == LICENTIA_CODE_BUNDLE_MALFORMED);

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
    CHECK(licentia_period_window(LICENTIA_PERIOD_YEAR_FROM, 0, UINT64_MAX, UINT64_MAX, &start, &end) == ARGUMENT);
    CHECK(licentia_period_window(LICENTIA_PERIOD_YEAR_FROM, 0, 0, UINT64_MAX, &start, &end) == LICENTIA_OK);
    CHECK(start > 0 && (end == LICENTIA_NONE || end > start));
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
    licentia_string_free(token);
}

static int freed;

static void on_event(void *context, const licentia_event *event) {
    (void)context;
    (void)event;
}

static void on_free(void *context) { *(int *)context += 1; }

/* A context is freed also where the call that brings it is refused. */
static void contexts(const world *it) {
    licentia_gate_builder *builder = builder_of(it);
    licentia_gate *gate = gate_of(it);
    licentia_watch *watch;
    CHECK(licentia_gate_builder_add_sink(builder, NULL, &freed, on_free) == ARGUMENT && freed == 1);
    CHECK(licentia_gate_builder_add_sink(NULL, on_event, &freed, on_free) == ARGUMENT && freed == 2);
    CHECK(licentia_gate_builder_add_sink(builder, on_event, &freed, on_free) == LICENTIA_OK && freed == 2);
    licentia_gate_builder_free(builder);
    CHECK(freed == 3);
    CHECK(licentia_gate_watch_revocation(gate, LITERAL("/nowhere"), 10, NULL, &freed, on_free, &watch) ==
          LICENTIA_CODE_STORE_UNREACHABLE);
    CHECK(freed == 4 && watch == NULL);
    CHECK(licentia_gate_watch_revocation(gate, LITERAL("/nowhere"), 10, NULL, &freed, on_free, NULL) == ARGUMENT);
    CHECK(freed == 5);
    licentia_gate_free(gate);
}

/* A key is not written in the clear because its passphrase got lost. */
static void passphrases(const world *it) {
    static const char begin[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    licentia_signing_key *again;
    char *pem = NULL;
    size_t length;
    CHECK(licentia_signing_key_pem(it->root, NULL, 5, &pem, &length) == ARGUMENT && pem == NULL && length == 0);
    CHECK(licentia_signing_key_pem(it->root, "", 0, &pem, &length) == ARGUMENT && pem == NULL);
    CHECK(licentia_signing_key_pem(it->root, LITERAL("horse"), &pem, &length) == LICENTIA_OK);
    CHECK(strncmp(pem, begin, sizeof begin - 1) == 0);
    CHECK(licentia_signing_key_from_pem(pem, length, NULL, 5, &again) == ARGUMENT && again == NULL);
    CHECK(licentia_signing_key_from_pem(pem, length, "", 0, &again) == ARGUMENT && again == NULL);
    CHECK(licentia_signing_key_from_pem(pem, length, NULL, 0, &again) == LICENTIA_CODE_INVALID_KEY);
    CHECK(licentia_signing_key_from_pem(pem, length, LITERAL("horse"), &again) == LICENTIA_OK);
    licentia_signing_key_free(again);
    licentia_string_free(pem);
}

/* Memory that is read is not the memory that is written. */
static void overlaps(const world *it) {
    uint8_t both[192], before[192];
    size_t at;
    for (at = 0; at < sizeof both; at++) before[at] = both[at] = (uint8_t)at;
    CHECK(licentia_signing_key_sign(it->root, both, 64, both) == ARGUMENT);
    CHECK(licentia_signing_key_sign(it->root, both + 64, 64, both + 1) == ARGUMENT);
    CHECK(licentia_signing_key_sign(it->root, both, 65, both + 64) == ARGUMENT);
    CHECK(memcmp(both, before, sizeof both) == 0);
    CHECK(licentia_signing_key_sign(it->root, both + 64, 64, both) == LICENTIA_OK);
    CHECK(licentia_signing_key_sign(it->root, both + 64, 64, both + 128) == LICENTIA_OK);
    CHECK(memcmp(both, both + 128, 64) == 0 && memcmp(both + 64, before + 64, 64) == 0);
}

/* A struct of another size is emptied as far as both know it. */
static void sizes(const world *it) {
    licentia_gate *gate = gate_of(it);
    licentia_request *request = request_typical();
    char *token = issue_typical(it, 1);
    licentia_decision *decision = check(gate, token, request);
    const licentia_license *license = licentia_decision_license(decision);
    licentia_charge charge;
    licentia_feature feature;
    memset(&charge, 0xaa, sizeof charge);
    CHECK(licentia_decision_charge(decision, 0, sizeof charge - 8, &charge) == ARGUMENT);
    CHECK(charge.name == NULL && charge.limit == 0 && charge.retry_after_ms == 0xaaaaaaaaaaaaaaaau);
    CHECK(licentia_decision_charge(decision, 0, SIZE_MAX, &charge) == ARGUMENT && charge.retry_after_ms == 0);
    memset(&feature, 0xaa, sizeof feature);
    CHECK(licentia_license_feature(license, LITERAL("rows"), 0, &feature) == ARGUMENT && feature.kind == 0xaaaaaaaau);
    CHECK(licentia_license_feature(license, LITERAL("rows"), sizeof feature + 8, &feature) == ARGUMENT);
    CHECK(feature.kind == 0 && feature.text == NULL && feature.expires == 0);
    licentia_decision_free(decision);
    licentia_request_free(request);
    licentia_string_free(token);
    licentia_gate_free(gate);
}

int main(void) {
    world it = world_new();
    misuse(&it);
    contexts(&it);
    passphrases(&it);
    overlaps(&it);
    sizes(&it);
    world_free(&it);
    return finish("misuse");
}
