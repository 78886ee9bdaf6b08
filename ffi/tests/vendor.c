/* What a vendor and a holder do: keys, licences and their terms, catalogues, proofs. */

#include "world.h"

static void proofs(const world *it) {
    uint8_t seed[32] = {9}, public_key[32], thumbprint[32], body[32] = {4}, secret[32], *proof;
    size_t length;
    licentia_holder_key *holder;
    licentia_draft *draft = draft_new(1);
    licentia_request *request;
    licentia_gate_builder *builder;
    licentia_gate *gate = gate_of(it);
    char *token;

    CHECK(licentia_holder_key_from_seed(seed, &holder) == LICENTIA_OK);
    CHECK(licentia_holder_key_public(holder, public_key, thumbprint) == LICENTIA_OK);
    CHECK(licentia_draft_set_holder(draft, thumbprint) == LICENTIA_OK);
    token = issue(it, draft);
    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_PROOF_REQUIRED);

    CHECK(licentia_holder_key_prove(holder, TEXT(token), LITERAL("POST"), LITERAL("/v1/jobs"), body, NOW, &proof,
                                &length) == LICENTIA_OK);
    CHECK(licentia_request_new(&request) == LICENTIA_OK);
    CHECK(licentia_request_set_proof(request, proof, length, LITERAL("GET"), LITERAL("/v1/jobs"), body) == LICENTIA_OK);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_PROOF_WRONG_METHOD);
    CHECK(licentia_request_set_proof(request, proof, length, LITERAL("POST"), LITERAL("/v1/jobs"), NULL) ==
          LICENTIA_OK);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_PROOF_WRONG_BODY);
    CHECK(licentia_request_set_proof(request, proof, length, LITERAL("POST"), LITERAL("/v1/jobs"), body) ==
          LICENTIA_OK);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_ALLOWED);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_PROOF_REPLAYED);
    licentia_gate_free(gate);

    /* A memory of proofs that is full refuses further ones, and forgets none. */
    builder = builder_of(it);
    CHECK(licentia_gate_builder_set_replay_capacity(builder, 1) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_proof_age(builder, 30) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_ALLOWED);
    licentia_bytes_free(proof);
    CHECK(licentia_holder_key_prove(holder, TEXT(token), LITERAL("POST"), LITERAL("/v1/jobs"), body, NOW, &proof,
                                &length) == LICENTIA_OK);
    CHECK(licentia_request_set_proof(request, proof, length, LITERAL("POST"), LITERAL("/v1/jobs"), body) ==
          LICENTIA_OK);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_PROOF_CACHE_FULL);
    licentia_bytes_free(proof);
    CHECK(licentia_holder_key_prove(holder, TEXT(token), LITERAL("POST"), LITERAL("/v1/jobs"), body, NOW - 31, &proof,
                                &length) == LICENTIA_OK);
    CHECK(licentia_request_set_proof(request, proof, length, LITERAL("POST"), LITERAL("/v1/jobs"), body) ==
          LICENTIA_OK);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_PROOF_STALE);
    licentia_bytes_free(proof);
    licentia_gate_free(gate);

    /* With a nonce of the service the holder's clock does not matter. This one is of the time NOW. */
    memset(secret, 9, sizeof secret);
    builder = builder_of(it);
    CHECK(licentia_gate_builder_set_proof_nonces(builder, secret, true) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_PROOF_NONCE_REQUIRED);
    CHECK(licentia_holder_key_prove_with_nonce(holder, TEXT(token), LITERAL("POST"), LITERAL("/v1/jobs"), body,
                                               LITERAL("AAAAAGtJ0gA5sSNQA6qaoO0TymItUyzr"), 0, &proof,
                                               &length) == LICENTIA_OK);
    CHECK(licentia_request_set_proof(request, proof, length, LITERAL("POST"), LITERAL("/v1/jobs"), body) ==
          LICENTIA_OK);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_ALLOWED);
    licentia_bytes_free(proof);
    CHECK(licentia_holder_key_prove_with_nonce(holder, TEXT(token), LITERAL("POST"), LITERAL("/v1/jobs"), body,
                                               LITERAL("no nonce"), NOW, &proof,
                                               &length) == LICENTIA_CODE_INVALID_ARGUMENT);
    licentia_request_free(request);
    licentia_draft_free(draft);
    licentia_holder_key_free(holder);
    CHECK(licentia_holder_key_from_pem(LITERAL("no key"), &holder) == LICENTIA_CODE_INVALID_KEY && holder == NULL);
    licentia_string_free(token);
    licentia_gate_free(gate);
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
    CHECK(answer(gate, token, it->nothing) == LICENTIA_CODE_AUDIENCE_MISMATCH);
    licentia_string_free(token);
    CHECK(licentia_draft_add_quota(draft, LITERAL("calls"), LITERAL("many")) == ARGUMENT);
    CHECK(licentia_draft_set_term_end(draft, LICENTIA_NONE) == LICENTIA_OK);
    CHECK(licentia_issuer_issue(it->issuer, draft, &token, &length) == ARGUMENT && token == NULL && length == 0);
    licentia_draft_free(draft);
    licentia_catalogue_free(catalogue);
    licentia_gate_free(gate);
}

/* The code of a check with a request that is freed. */
static licentia_code once(const licentia_gate *gate, const char *token, licentia_request *request, uint64_t now) {
    licentia_decision *decision;
    licentia_code code;
    CHECK(licentia_gate_check_at(gate, TEXT(token), request, now, 0, &decision) == LICENTIA_OK);
    code = licentia_decision_code(decision);
    licentia_decision_free(decision);
    licentia_request_free(request);
    return code;
}

static licentia_request *request_new(void) {
    licentia_request *request;
    CHECK(licentia_request_new(&request) == LICENTIA_OK);
    return request;
}

/* What binds a licence to machines, releases, a start and a lineage, and what a request says to it. */
static void bindings(const world *it) {
    licentia_gate *gate = gate_of(it);
    licentia_draft *draft = draft_new(1);
    licentia_request *request;
    licentia_decision *decision;
    const licentia_license *license;
    uint8_t machine[32] = {5}, other[32] = {6}, lineage[16] = {7}, id[16], of[16];
    uint64_t times[4];
    char *token;

    CHECK(licentia_draft_add_node_lock(draft, NULL) == ARGUMENT);
    CHECK(licentia_draft_add_node_lock(draft, machine) == LICENTIA_OK);
    CHECK(licentia_draft_set_lineage(draft, lineage) == LICENTIA_OK);
    CHECK(licentia_draft_set_not_before(draft, NOW - 50) == LICENTIA_OK);
    CHECK(licentia_draft_set_term_end(draft, NOW + 10) == LICENTIA_OK);
    CHECK(licentia_draft_set_maintained_until(draft, NOW - 20) == LICENTIA_OK);
    CHECK(licentia_draft_add_audience(draft, LITERAL("api")) == LICENTIA_OK);
    token = issue(it, draft);

    request = request_new();
    CHECK(licentia_request_set_audience(request, LITERAL("web")) == LICENTIA_OK);
    CHECK(once(gate, token, request, NOW) == LICENTIA_CODE_AUDIENCE_MISMATCH);
    request = request_new();
    CHECK(licentia_request_set_audience(request, LITERAL("web")) == LICENTIA_OK);
    CHECK(licentia_request_set_audience(request, LITERAL("api")) == LICENTIA_OK);
    CHECK(once(gate, token, request, NOW) == LICENTIA_CODE_NODE_REQUIRED);
    request = request_new();
    CHECK(licentia_request_set_audience(request, LITERAL("api")) == LICENTIA_OK);
    CHECK(licentia_request_set_node(request, other) == LICENTIA_OK);
    CHECK(once(gate, token, request, NOW) == LICENTIA_CODE_NODE_MISMATCH);
    request = request_new();
    CHECK(licentia_request_set_audience(request, LITERAL("api")) == LICENTIA_OK);
    CHECK(licentia_request_set_node(request, machine) == LICENTIA_OK);
    CHECK(licentia_request_set_release(request, NOW - 19) == LICENTIA_OK);
    CHECK(once(gate, token, request, NOW) == LICENTIA_CODE_RELEASE_NOT_COVERED);
    request = request_new();
    CHECK(licentia_request_set_audience(request, LITERAL("api")) == LICENTIA_OK);
    CHECK(licentia_request_set_node(request, machine) == LICENTIA_OK);
    CHECK(licentia_request_set_release(request, NOW - 20) == LICENTIA_OK);
    CHECK(licentia_gate_check_at(gate, TEXT(token), request, NOW + 10, 0, &decision) == LICENTIA_OK);
    CHECK(licentia_decision_is_allowed(decision) && licentia_decision_state(decision) == LICENTIA_STATE_GRACE);
    license = licentia_decision_license(decision);
    CHECK(licentia_license_ids(license, id, of) == LICENTIA_OK && memcmp(of, lineage, 16) == 0);
    CHECK(memcmp(id, lineage, 16) != 0);
    CHECK(licentia_license_times(license, &times[0], &times[1], &times[2], &times[3]) == LICENTIA_OK);
    CHECK(times[1] == NOW - 50 && times[2] == NOW + 10);
    licentia_decision_free(decision);
    licentia_request_free(request);

    CHECK(licentia_draft_set_not_before(draft, NOW + 100) == LICENTIA_OK);
    licentia_string_free(token);
    token = issue(it, draft);
    CHECK(once(gate, token, request_new(), NOW) == LICENTIA_CODE_NOT_YET_VALID);
    licentia_string_free(token);
    licentia_draft_free(draft);
    licentia_gate_free(gate);
}

/* Quotas and rates in numbers, with all that they can say. */
static void numbers(const world *it) {
    licentia_gate *gate = gate_of(it);
    licentia_draft *draft = draft_new(1);
    licentia_request *request = request_new();
    licentia_decision *decision;
    licentia_charge charge;
    char *token;
    size_t length;
    int at;

    /* Over from the 15th at noon on, with 2 units beyond the limit of 3. */
    CHECK(licentia_draft_set_quota(draft, LITERAL("calls"), 3, LICENTIA_PERIOD_MONTH_FROM, 0, 1797336000,
                                   LICENTIA_OVERAGE_UP_TO, 5) == LICENTIA_OK);
    CHECK(licentia_draft_set_quota(draft, LITERAL("more"), 1, LICENTIA_PERIOD_FIXED, 3600, 0,
                                   LICENTIA_OVERAGE_UNLIMITED, 0) == LICENTIA_OK);
    CHECK(licentia_draft_set_quota(draft, LITERAL("none"), 3, LICENTIA_PERIOD_FIXED, 0, 0, 0, 0) == ARGUMENT);
    CHECK(licentia_draft_set_quota(draft, LITERAL("none"), 3, 10, 0, 0, 0, 0) == ARGUMENT);
    CHECK(licentia_draft_set_quota(draft, LITERAL("none"), 3, LICENTIA_PERIOD_DAY, 0, 0, 3, 0) == ARGUMENT);
    CHECK(licentia_draft_set_rate(draft, LITERAL("api"), 10, 1000, 2) == LICENTIA_OK);
    CHECK(licentia_draft_set_rate(draft, LITERAL("slow"), 10, 1000, LICENTIA_NONE) == LICENTIA_OK);
    token = issue(it, draft);
    CHECK(licentia_request_add_meter(request, LITERAL("calls"), 1) == LICENTIA_OK);
    for (at = 1; at <= 6; at++) {
        decision = check(gate, token, request);
        CHECK(licentia_decision_code(decision) == (at <= 5 ? LICENTIA_CODE_ALLOWED : LICENTIA_CODE_QUOTA_EXCEEDED));
        if (at <= 5) {
            CHECK(licentia_decision_state(decision) == (at <= 3 ? LICENTIA_STATE_ACTIVE : LICENTIA_STATE_OVERAGE));
        }
        CHECK(licentia_decision_charge(decision, 0, sizeof charge, &charge) == LICENTIA_OK && charge.limit == 3);
        /* NOW is the 15th, 08:00. */
        CHECK(charge.reset_ms == 14400000);
        licentia_decision_free(decision);
    }
    CHECK(licentia_request_clear(request) == LICENTIA_OK);
    CHECK(licentia_request_add_meter(request, LITERAL("more"), 1) == LICENTIA_OK);
    for (at = 1; at <= 9; at++) CHECK(answer(gate, token, request) == LICENTIA_CODE_ALLOWED);
    CHECK(licentia_request_clear(request) == LICENTIA_OK);
    CHECK(licentia_request_add_rate(request, LITERAL("api"), 1) == LICENTIA_OK);
    for (at = 1; at <= 3; at++) {
        CHECK(answer(gate, token, request) == (at <= 2 ? LICENTIA_CODE_ALLOWED : LICENTIA_CODE_RATE_LIMITED));
    }
    CHECK(licentia_request_clear(request) == LICENTIA_OK);
    CHECK(licentia_request_add_rate(request, LITERAL("slow"), 10) == LICENTIA_OK);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_ALLOWED);
    CHECK(answer(gate, token, request) == LICENTIA_CODE_RATE_LIMITED);
    licentia_string_free(token);

    CHECK(licentia_draft_set_quota(draft, LITERAL("calls"), 3, LICENTIA_PERIOD_DAY, 0, 0, LICENTIA_OVERAGE_UP_TO, 2) ==
          LICENTIA_OK);
    CHECK(licentia_issuer_issue(it->issuer, draft, &token, &length) == LICENTIA_CODE_INVALID_VALUE && token == NULL);
    licentia_draft_free(draft);
    licentia_request_free(request);
    licentia_gate_free(gate);
}

/* What a licence says to a bundle that is too old. */
static void policies(const world *it) {
    static const licentia_code expected[] = {LICENTIA_CODE_REVOCATION_STALE, LICENTIA_CODE_ALLOWED,
                                             LICENTIA_CODE_ALLOWED};
    licentia_draft *draft = draft_new(1);
    licentia_decision *decision;
    licentia_gate *gate;
    char *token;
    uint8_t *bundle;
    size_t length;
    uint32_t action;
    bool changed;

    CHECK(licentia_draft_set_policy(draft, 3, LICENTIA_ACTION_DENY, 0) == ARGUMENT);
    CHECK(licentia_draft_set_policy(draft, LICENTIA_DOUBT_CLOCK, 3, 0) == ARGUMENT);
    CHECK(licentia_draft_set_policy(draft, LICENTIA_DOUBT_CLOCK, LICENTIA_ACTION_WARN, 60) == LICENTIA_OK);
    CHECK(licentia_draft_set_policy(draft, LICENTIA_DOUBT_STORE, LICENTIA_ACTION_ALLOW, 0) == LICENTIA_OK);
    CHECK(licentia_draft_set_max_revocation_age(draft, 5) == LICENTIA_OK);
    for (action = LICENTIA_ACTION_DENY; action <= LICENTIA_ACTION_ALLOW; action++) {
        gate = gate_of(it);
        bundle = bundle_of(it, 1, NULL, &length);
        CHECK(licentia_gate_load_revocation(gate, bundle, length, &changed) == LICENTIA_OK);
        CHECK(licentia_draft_set_policy(draft, LICENTIA_DOUBT_REVOCATION, action, 60) == LICENTIA_OK);
        token = issue(it, draft);
        decision = check(gate, token, it->nothing);
        CHECK(licentia_decision_code(decision) == expected[action]);
        if (action != LICENTIA_ACTION_DENY) CHECK(licentia_decision_warning(decision) == expected[0]);
        licentia_decision_free(decision);
        licentia_string_free(token);
        licentia_bytes_free(bundle);
        licentia_gate_free(gate);
    }
    licentia_draft_free(draft);
}

int main(void) {
    world it = world_new();
    proofs(&it);
    vendors(&it);
    bindings(&it);
    numbers(&it);
    policies(&it);
    world_free(&it);
    return finish("vendor");
}
