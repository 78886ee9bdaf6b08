/*
 * Runs the shared vectors through the C ABI: vectors FOLDER.
 *
 * Every case of every file, by the public functions alone. It prints how many cases it ran; none is a failure.
 */

#include "vectors.h"

static licentia_key *read_key(const json_t *text) {
    licentia_key *key;
    if (licentia_key_from_text(json_string_value(text), json_string_length(text), &key) != LICENTIA_OK) {
        fprintf(stderr, "%s: a key of the vectors is not good\n", where);
        exit(EXIT_FAILURE);
    }
    return key;
}

/* --- license.json --- */

static licentia_gate *license_gate(const json_t *group, const json_t *proof) {
    const json_t *expect = json_object_get(group, "expect"), *key;
    licentia_gate_builder *builder;
    licentia_gate *gate;
    const char *text;
    size_t length, at;

    CHECK(licentia_gate_builder_new(&builder) == LICENTIA_OK);
    json_array_foreach(json_object_get(group, "keys"), at, key) {
        licentia_key *known = read_key(key);
        CHECK(licentia_gate_builder_add_key(builder, known) == LICENTIA_OK);
        licentia_key_free(known);
    }
    text = text_of(expect, "issuer", &length);
    if (text != NULL) CHECK(licentia_gate_builder_set_issuer(builder, text, length) == LICENTIA_OK);
    text = text_of(expect, "audience", &length);
    if (text != NULL) CHECK(licentia_gate_builder_set_audience(builder, text, length) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_skew(builder, number_of(expect, "skew")) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_cache_capacity(builder, 1) == LICENTIA_OK);
    if (proof != NULL) {
        CHECK(licentia_gate_builder_set_proof_age(builder, number_of(proof, "maxAge")) == LICENTIA_OK);
    }
    if (licentia_gate_builder_build(builder, &gate) != LICENTIA_OK) gate = NULL;
    licentia_gate_builder_free(builder);
    return gate;
}

static licentia_request *license_request(const json_t *group, const json_t *proof) {
    const json_t *expect = json_object_get(group, "expect"), *feature;
    licentia_request *request;
    const char *text;
    size_t length, at;

    CHECK(licentia_request_new(&request) == LICENTIA_OK);
    json_array_foreach(json_object_get(expect, "features"), at, feature) {
        CHECK(licentia_request_add_feature(request, json_string_value(feature), json_string_length(feature)) ==
              LICENTIA_OK);
    }
    text = text_of(expect, "node", &length);
    if (text != NULL) {
        uint8_t *node = unhex(text, &length);
        CHECK(length == 32 && licentia_request_set_node(request, node) == LICENTIA_OK);
        free(node);
    }
    if (json_is_integer(json_object_get(expect, "release"))) {
        CHECK(licentia_request_set_release(request, number_of(expect, "release")) == LICENTIA_OK);
    }
    if (proof != NULL) {
        size_t bytes_length, method_length, uri_length, body_length = 0;
        const char *method = text_of(proof, "method", &method_length);
        const char *uri = text_of(proof, "uri", &uri_length);
        uint8_t *bytes = unbase64url(text_of(proof, "proof", &length), &bytes_length), *body = NULL;
        text = text_of(proof, "body", &length);
        if (text != NULL) body = unhex(text, &body_length);
        CHECK(licentia_request_set_proof(request, bytes, bytes_length, method, method_length, uri, uri_length,
                                         body) == LICENTIA_OK);
        free(bytes);
        free(body);
    }
    return request;
}

/* An explanation goes to logs: it must not have the token in any form. */
static void check_leaks(const char *shown, const char *token, size_t token_len) {
    char part[41];
    if (strstr(shown, "lic1_") != NULL || strstr(shown, "licpub1_") != NULL) fail("no token", shown);
    if (token_len >= 45) {
        memcpy(part, token + 5, 40);
        part[40] = '\0';
        if (strlen(part) == 40 && strstr(shown, part) != NULL) fail("no part of the token", shown);
    }
}

static void check_explanation(const licentia_decision *decision, const char *token, size_t token_len) {
    char *text = NULL, *json = NULL;
    size_t length, failed = 0;
    const char *line;
    json_t *steps;
    const json_t *last;

    CHECK(licentia_decision_explanation(decision, &text, &length) == LICENTIA_OK && strlen(text) == length);
    for (line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        failed += strncmp(line, "FAIL", 4) == 0;
    }
    if (failed != (licentia_decision_is_allowed(decision) ? 0u : 1u)) fail("one line that failed, or none", text);
    check_leaks(text, token, token_len);
    licentia_string_free(text);

    CHECK(licentia_decision_explanation_json(decision, &json, &length) == LICENTIA_OK);
    steps = json_loadb(json, length, 0, NULL);
    last = json_array_get(steps, json_array_size(steps) - 1);
    if (!licentia_decision_is_allowed(decision) && number_of(last, "code") != licentia_decision_code(decision)) {
        fail("the code in the last step", json);
    }
    check_leaks(json, token, token_len);
    json_decref(steps);
    licentia_string_free(json);
}

static void check_claims(const json_t *test, const licentia_decision *decision, const char *token,
                         size_t token_len) {
    char *shown, *unverified, *expected, *found;
    size_t length, unverified_length;
    json_t *claims;

    CHECK(licentia_license_json(licentia_decision_license(decision), &shown, &length) == LICENTIA_OK);
    CHECK(licentia_token_unverified_json(token, token_len, &unverified, &unverified_length) == LICENTIA_OK);
    if (length != unverified_length || memcmp(shown, unverified, length) != 0) fail(shown, unverified);
    /* Through text, so that the order of members counts as well. */
    hide_nul(shown);
    claims = json_loadb(shown, length, 0, NULL);
    expected = json_dumps(json_object_get(test, "claims"), JSON_COMPACT | JSON_PRESERVE_ORDER);
    found = json_dumps(claims, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (expected == NULL || found == NULL || strcmp(expected, found) != 0) fail(expected, found);
    free(expected);
    free(found);
    json_decref(claims);
    licentia_string_free(unverified);
    licentia_string_free(shown);
}

/* The facts of a decision are what its functions return one by one. */
static void check_facts(const licentia_decision *decision) {
    const licentia_license *license = licentia_decision_license(decision);
    licentia_facts facts;
    licentia_charge charge;
    const char *text;
    size_t text_len, charges = 0;
    uint64_t version, issued_at, not_before, term_end, expires;
    uint8_t id[16], lineage[16];

    CHECK(licentia_decision_facts(decision, sizeof facts - 1, &facts) == LICENTIA_CODE_INVALID_ARGUMENT);
    CHECK(facts.http_status == 0);
    CHECK(licentia_decision_facts(decision, sizeof facts, &facts) == LICENTIA_OK);
    CHECK(facts.allowed == (licentia_decision_is_allowed(decision) ? 1u : 0u));
    CHECK(facts.code == licentia_decision_code(decision));
    CHECK(facts.state == licentia_decision_state(decision));
    CHECK(facts.warning == licentia_decision_warning(decision));
    CHECK(facts.http_status == licentia_decision_http_status(decision));
    CHECK(facts.retry_after_ms == licentia_decision_retry_after_ms(decision));
    while (licentia_decision_charge(decision, charges, sizeof charge, &charge) == LICENTIA_OK) charges++;
    CHECK(facts.charges == charges);
    if (license == NULL) {
        CHECK(facts.issuer == NULL && facts.subject == NULL && facts.tier == NULL && facts.expires == 0);
        return;
    }
    CHECK(licentia_license_issuer(license, &text, &text_len) == LICENTIA_OK);
    CHECK(text == facts.issuer && text_len == facts.issuer_len);
    CHECK(licentia_license_subject(license, &text, &text_len) == LICENTIA_OK);
    CHECK(text == facts.subject && text_len == facts.subject_len);
    CHECK(licentia_license_tier(license, &text, &text_len, &version) == LICENTIA_OK);
    CHECK(text == facts.tier && text_len == facts.tier_len && version == facts.tier_version);
    CHECK(licentia_license_ids(license, id, lineage) == LICENTIA_OK);
    CHECK(memcmp(id, facts.id, 16) == 0 && memcmp(lineage, facts.lineage, 16) == 0);
    CHECK(licentia_license_times(license, &issued_at, &not_before, &term_end, &expires) == LICENTIA_OK);
    CHECK(issued_at == facts.issued_at && expires == facts.expires);
}

static void license_test(const json_t *group, const json_t *test) {
    static const char *const states[] = {"", "active", "grace", "overage", "advisory"};
    const json_t *proof = json_object_get(test, "proof");
    licentia_gate *gate = license_gate(group, proof);
    licentia_request *request = license_request(group, proof);
    licentia_decision *decision = NULL;
    const char *code, *state;
    size_t length, token_len;
    char *encoded = NULL, *exact = exact_text_of(test, "token", &token_len);
    const char *token = exact;
    uint64_t now = number_of(test, "now");
    int valid = strcmp(text_of(test, "result", &length), "valid") == 0;

    if (token == NULL) {
        uint8_t *bytes = unhex(text_of(test, "tokenHex", &length), &length);
        CHECK(licentia_token_encode(bytes, length, &encoded, &token_len) == LICENTIA_OK);
        token = encoded;
        free(bytes);
    }
    if (gate == NULL) {
        /* Without a key there is nobody to trust, and no gate; the vectors then expect an unknown key. */
        if (json_array_size(json_object_get(group, "keys")) != 0) fail("a gate", "none");
        goto done;
    }
    CHECK(licentia_gate_check_at(gate, token, token_len, request, now, 0, &decision) == LICENTIA_OK);
    if (licentia_decision_is_allowed(decision) != valid) fail(valid ? "valid" : "invalid", "the other");
    code = text_of(test, "code", &length);
    if (code != NULL) {
        expect_name(code, licentia_decision_code(decision));
        CHECK(number_of(test, "number") == licentia_decision_code(decision));
    } else if (licentia_decision_code(decision) < 100 || licentia_decision_code(decision) >= 300) {
        fail("1xx or 2xx", licentia_status_name(licentia_decision_code(decision)));
    }
    check_explanation(decision, token, token_len);
    check_facts(decision);
    if (valid) {
        state = text_of(test, "state", &length);
        if (state == NULL || strcmp(state, states[licentia_decision_state(decision)]) != 0) {
            fail(state, states[licentia_decision_state(decision)]);
        }
        check_claims(test, decision, token, token_len);
    }
    licentia_decision_free(decision);
done:
    licentia_request_free(request);
    licentia_gate_free(gate);
    licentia_string_free(encoded);
    free(exact);
}

/* --- text.json --- */

static void text_test(const json_t *group, const json_t *test) {
    size_t text_len, hex_len, decoded_len, again_len;
    const char *hex = text_of(test, "hex", &hex_len);
    char *text = exact_text_of(test, "text", &text_len);
    uint8_t *decoded;
    licentia_status status = licentia_token_decode(text, text_len, &decoded, &decoded_len);

    (void)group;
    expect_name(text_of(test, "code", &again_len), code_of(status));
    CHECK(number_of(test, "number") == code_of(status));
    CHECK((status == LICENTIA_OK) == (hex != NULL) && (status == LICENTIA_OK) == (decoded != NULL));
    if (status == LICENTIA_OK && hex != NULL) {
        char *again;
        CHECK(same_bytes(hex, decoded, decoded_len));
        CHECK(licentia_token_encode(decoded, decoded_len, &again, &again_len) == LICENTIA_OK);
        CHECK(again_len == text_len && memcmp(again, text, text_len) == 0);
        licentia_string_free(again);
    }
    licentia_bytes_free(decoded);
    free(text);
}

/* --- key.json --- */

static void key_test(const json_t *group, const json_t *test) {
    size_t length, text_len;
    const char *text = text_of(test, "key", &text_len);
    licentia_key *key;
    licentia_status status = licentia_key_from_text(text, text_len, &key);

    (void)group;
    expect_name(text_of(test, "code", &length), code_of(status));
    CHECK(number_of(test, "number") == code_of(status));
    CHECK((strcmp(text_of(test, "result", &length), "valid") == 0) == (key != NULL));
    if (key != NULL) {
        licentia_key *made;
        const uint8_t *kid, *bytes;
        size_t kid_len, bytes_len;
        char *again;
        CHECK(licentia_key_kid(key, &kid, &kid_len) == LICENTIA_OK);
        CHECK(same_bytes(text_of(test, "kid", &length), kid, kid_len));
        CHECK(licentia_key_bytes(key, &bytes, &bytes_len) == LICENTIA_OK);
        CHECK(same_bytes(text_of(test, "publicKey", &length), bytes, bytes_len));
        CHECK(licentia_key_from_ed25519(kid, kid_len, bytes, &made) == LICENTIA_OK);
        CHECK(licentia_key_text(made, &again, &length) == LICENTIA_OK);
        CHECK(length == text_len && memcmp(again, text, length) == 0);
        licentia_string_free(again);
        licentia_key_free(made);
    }
    licentia_key_free(key);
}

/* --- period.json --- */

static void period_test(const json_t *group, const json_t *test) {
    static const char *const names[] = {"lifetime", "minute", "hour", "day", "week", "month", "year"};
    const json_t *period = json_object_get(group, "period");
    uint64_t seconds = 0, anchor = 0, start, end;
    uint32_t unit = 0;

    if (json_is_string(period)) {
        while (unit < 7 && strcmp(names[unit], json_string_value(period)) != 0) unit++;
    } else if (json_object_get(period, "seconds") != NULL) {
        unit = LICENTIA_PERIOD_FIXED;
        seconds = number_of(period, "seconds");
        anchor = number_of(period, "anchor");
    } else if (json_object_get(period, "month_from") != NULL) {
        unit = LICENTIA_PERIOD_MONTH_FROM;
        anchor = number_of(period, "month_from");
    } else {
        unit = LICENTIA_PERIOD_YEAR_FROM;
        anchor = number_of(period, "year_from");
    }
    CHECK(licentia_period_window(unit, seconds, anchor, number_of(test, "time"), &start, &end) == LICENTIA_OK);
    CHECK(start == number_of(test, "start"));
    CHECK(end == (json_is_null(json_object_get(test, "end")) ? LICENTIA_NONE : number_of(test, "end")));
}

/* --- gate.json --- */

static licentia_status build_gate(const json_t *test, const uint8_t *keyset, size_t keyset_len,
                                  const licentia_store *store, licentia_gate **gate) {
    const json_t *key, *root = json_object_get(test, "root");
    licentia_gate_builder *builder;
    licentia_status status;
    size_t at;

    CHECK(licentia_gate_builder_new(&builder) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_store(builder, store) == LICENTIA_OK);
    json_array_foreach(json_object_get(test, "keys"), at, key) {
        licentia_key *known = read_key(key);
        CHECK(licentia_gate_builder_add_key(builder, known) == LICENTIA_OK);
        licentia_key_free(known);
    }
    if (json_is_string(root)) {
        licentia_key *known = read_key(root);
        CHECK(licentia_gate_builder_set_keyset(builder, known, keyset, keyset_len) == LICENTIA_OK);
        licentia_key_free(known);
    }
    status = licentia_gate_builder_build(builder, gate);
    licentia_gate_builder_free(builder);
    return status;
}

typedef licentia_status (*add_charge)(licentia_request *, const char *, size_t, uint64_t);

static void add_charges(licentia_request *request, const json_t *charges, add_charge add) {
    const json_t *charge;
    size_t at;
    json_array_foreach(charges, at, charge) {
        const json_t *name = json_array_get(charge, 0);
        uint64_t cost = (uint64_t)json_integer_value(json_array_get(charge, 1));
        CHECK(add(request, json_string_value(name), json_string_length(name), cost) == LICENTIA_OK);
    }
}

static void check_step(const licentia_gate *gate, const json_t *step) {
    static const char *const states[] = {"", "active", "grace", "overage", "advisory"};
    licentia_request *request;
    licentia_decision *decision;
    const char *state, *warning;
    size_t length, token_len;
    const char *token = text_of(step, "token", &token_len);

    CHECK(licentia_request_new(&request) == LICENTIA_OK);
    add_charges(request, json_object_get(step, "rates"), licentia_request_add_rate);
    add_charges(request, json_object_get(step, "meters"), licentia_request_add_meter);
    CHECK(licentia_gate_check_at(gate, token, token_len, request, number_of(step, "now"),
                                 number_of(step, "monotonicMs") * 1000000, &decision) == LICENTIA_OK);
    expect_name(text_of(step, "code", &length), licentia_decision_code(decision));
    state = text_of(step, "state", &length);
    if (licentia_decision_is_allowed(decision) != (state != NULL)) fail("a state where it is allowed", "another");
    if (state != NULL && strcmp(state, states[licentia_decision_state(decision)]) != 0) {
        fail(state, states[licentia_decision_state(decision)]);
    }
    warning = text_of(step, "warning", &length);
    expect_name(warning == NULL ? "allowed" : warning, licentia_decision_warning(decision));
    licentia_decision_free(decision);
    licentia_request_free(request);
}

static int steps_run;

static void gate_test(const json_t *group, const json_t *test) {
    licentia_store *store;
    licentia_gate *gate = NULL;
    uint8_t *loaded = NULL;
    size_t at, length, loaded_len = 0;
    const json_t *step;

    (void)group;
    CHECK(licentia_store_open(LITERAL("memory:"), &store) == LICENTIA_OK);
    if (!json_is_string(json_object_get(test, "root"))) {
        CHECK(build_gate(test, NULL, 0, store, &gate) == LICENTIA_OK);
    }
    json_array_foreach(json_object_get(test, "steps"), at, step) {
        const char *what = text_of(step, "do", &length);
        steps_run++;
        if (strcmp(what, "load") == 0) {
            bool changed;
            size_t keyset_len;
            uint8_t *keyset = unhex(text_of(step, "keyset", &length), &keyset_len);
            licentia_status status = gate == NULL ? build_gate(test, keyset, keyset_len, store, &gate)
                                                  : licentia_gate_load_keyset(gate, keyset, keyset_len, &changed);
            expect_name(text_of(step, "code", &length), code_of(status));
            if (status == LICENTIA_OK) {
                free(loaded);
                loaded = keyset;
                loaded_len = keyset_len;
            } else {
                free(keyset);
            }
        } else if (strcmp(what, "publish") == 0) {
            bool changed;
            size_t bundle_len;
            uint8_t *bundle = unhex(text_of(step, "bundle", &length), &bundle_len);
            expect_name(text_of(step, "code", &length),
                        code_of(licentia_gate_load_revocation(gate, bundle, bundle_len, &changed)));
            free(bundle);
        } else if (strcmp(what, "restart") == 0) {
            licentia_gate_free(gate);
            CHECK(build_gate(test, loaded, loaded_len, store, &gate) == LICENTIA_OK);
        } else if (strcmp(what, "check") == 0) {
            check_step(gate, step);
        } else {
            fail("a step that is known", what);
        }
    }
    free(loaded);
    licentia_gate_free(gate);
    licentia_store_free(store);
}

/* --- codes.json --- */

static void codes(void) {
    json_t *file = load("codes.json");
    const json_t *code, *list = json_object_get(file, "codes");
    size_t at, length;
    uint32_t known = 0, number;

    json_array_foreach(list, at, code) {
        number = (uint32_t)number_of(code, "number");
        CHECK(strcmp(text_of(code, "name", &length), licentia_status_name(number)) == 0);
        CHECK(strcmp(text_of(code, "message", &length), licentia_status_message(number)) == 0);
        CHECK(strcmp(text_of(code, "advice", &length), licentia_status_advice(number)) == 0);
    }
    for (number = 0; number < 70000; number++) known += strcmp(licentia_status_name(number), "unknown") != 0;
    /* Beside them: ok, absent, internal. */
    CHECK(known == json_array_size(list) + 3);
    CHECK(json_array_size(list) == number_of(file, "numberOfCodes") && json_array_size(list) > 0);
    printf("vectors: %d cases of codes.json\n", (int)json_array_size(list));
    json_decref(file);
}

typedef void (*run_test)(const json_t *group, const json_t *test);

static void run(const char *name, run_test test) {
    json_t *file = load(name);
    const json_t *group, *one;
    size_t group_at, test_at;
    uint64_t ran = 0;

    json_array_foreach(json_object_get(file, "testGroups"), group_at, group) {
        json_array_foreach(json_object_get(group, "tests"), test_at, one) {
            snprintf(where, sizeof where, "%s %d", name, (int)number_of(one, "tcId"));
            test(group, one);
            ran++;
        }
    }
    CHECK(ran == number_of(file, "numberOfTests") && ran > 0);
    printf("vectors: %d cases of %s\n", (int)ran, name);
    json_decref(file);
}

int main(int argc, char **argv) {
    if (argc != 2) return EXIT_FAILURE;
    folder = argv[1];
    run("license.json", license_test);
    run("text.json", text_test);
    run("key.json", key_test);
    run("period.json", period_test);
    run("gate.json", gate_test);
    printf("vectors: %d steps of gates\n", steps_run);
    codes();
    return finish("vectors");
}
