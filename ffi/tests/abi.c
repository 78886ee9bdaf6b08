/* What a service does with a gate: versions, decisions and all that they say, modes, keysets. */

#include "world.h"

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
    CHECK(licentia_event_took_nanos(event) < 60000000000u || licentia_event_took_nanos(event) == LICENTIA_NONE);
    CHECK(licentia_event_keyset(event) == 1);
    CHECK(licentia_event_revocation(event, &sequence, &issued_at) == LICENTIA_ABSENT && sequence == 0);
    CHECK(licentia_event_json(event, &json, &length) == LICENTIA_OK);
    snprintf(it->json, sizeof it->json, "%s", json);
    licentia_string_free(json);
}

static void on_free(void *context) { ((seen *)context)->freed++; }

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
    CHECK(licentia_license_issuer(license, &text, &length) == LICENTIA_OK);
    CHECK(length == 4 && memcmp(text, "acme", 4) == 0);
    CHECK(licentia_license_tier(license, &text, &length, &version) == LICENTIA_OK);
    CHECK(length == 3 && memcmp(text, "pro", 3) == 0 && version == 3);
    CHECK(licentia_license_ids(license, id, lineage) == LICENTIA_OK && memcmp(id, lineage, 16) == 0);
    CHECK(licentia_license_times(license, &times[0], &times[1], &times[2], &times[3]) == LICENTIA_OK);
    CHECK(times[0] == NOW - 100 && times[1] == LICENTIA_NONE && times[2] == LICENTIA_NONE && times[3] == NOW + 1000000);
    CHECK(licentia_license_feature(license, LITERAL("export"), sizeof feature, &feature) == LICENTIA_OK);
    CHECK(feature.kind == LICENTIA_VALUE_TRUE && feature.expires == LICENTIA_NONE);
    CHECK(licentia_license_feature(license, LITERAL("rows"), sizeof feature, &feature) == LICENTIA_OK);
    CHECK(feature.kind == LICENTIA_VALUE_INT && feature.number == 5000 && feature.text == NULL);
    CHECK(licentia_license_feature(license, LITERAL("level"), sizeof feature, &feature) == LICENTIA_OK);
    CHECK(feature.kind == LICENTIA_VALUE_TEXT && feature.text_len == 4 && memcmp(feature.text, "gold", 4) == 0);
    CHECK(feature.expires == 1893542400);
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
    decision = check(gate, "lic1_AAAA", it->nothing);
    CHECK(!licentia_decision_is_allowed(decision) && licentia_decision_license(decision) == NULL);
    CHECK(licentia_decision_http_status(decision) == 401);
    licentia_decision_free(decision);
    CHECK(answer(gate, "", it->nothing) == LICENTIA_CODE_MISSING_TOKEN);
    CHECK(answer(gate, "lic1_\xff\xfe", it->nothing) == LICENTIA_CODE_MALFORMED_TEXT);
    CHECK(answer(gate, "lic1_\xc3\xa4", it->nothing) == LICENTIA_CODE_MALFORMED_TEXT);
    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_ALLOWED);
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
    decision = check(gate, token, it->nothing);
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
    CHECK(licentia_keyset_read(root, it->keyset, it->keyset_len - 1, &keyset) == LICENTIA_CODE_TRUNCATED);
    CHECK(keyset == NULL);
    CHECK(licentia_gate_load_keyset(gate, it->keyset, it->keyset_len, &changed) == LICENTIA_OK && !changed);
    CHECK(licentia_gate_load_keyset(gate, it->keyset, 7, &changed) == LICENTIA_CODE_TRUNCATED);
    licentia_gate_free(gate);
    licentia_key_free(root);
}

int main(void) {
    world it = world_new();
    versions();
    decisions(&it);
    modes(&it);
    keysets(&it);
    world_free(&it);
    return finish("abi");
}
