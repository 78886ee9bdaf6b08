/* A vendor, its keys and a licence, made through the C ABI. */

#ifndef WORLD_H
#define WORLD_H

#include <licentia.h>

#include "check.h"

#define NOW 1800000000u
#define ARGUMENT LICENTIA_CODE_INVALID_ARGUMENT

typedef struct world {
    licentia_signing_key *root;
    licentia_signing_key *license_key;
    licentia_signing_key *revocation_key;
    licentia_issuer *issuer;
    /* A request that needs nothing but a good licence. */
    licentia_request *nothing;
    uint8_t *keyset;
    size_t keyset_len;
} world;

static inline licentia_signing_key *seeded(uint8_t byte) {
    uint8_t seed[32];
    licentia_signing_key *key;
    memset(seed, byte, sizeof seed);
    CHECK(licentia_signing_key_from_seed(seed, &key) == LICENTIA_OK);
    return key;
}

static inline char *public_text(const licentia_signing_key *key) {
    licentia_key *public_key;
    char *text;
    size_t length;
    CHECK(licentia_signing_key_public(key, &public_key) == LICENTIA_OK);
    CHECK(licentia_key_text(public_key, &text, &length) == LICENTIA_OK);
    licentia_key_free(public_key);
    return text;
}

static inline world world_new(void) {
    world it = {seeded(1), seeded(2), seeded(3), NULL, NULL, NULL, 0};
    char draft[1024], *license_key = public_text(it.license_key), *revocation_key = public_text(it.revocation_key);
    snprintf(draft, sizeof draft,
             "sequence = 0\n"
             "[[key]]\nkey = \"%s\"\nstate = \"active\"\npurpose = \"license\"\n"
             "[[key]]\nkey = \"%s\"\nstate = \"active\"\npurpose = \"revocation\"\n",
             license_key, revocation_key);
    CHECK(licentia_signing_key_sign_keyset(it.root, TEXT(draft), NOW - 1000, NOW + 1000000, &it.keyset,
                                           &it.keyset_len) == LICENTIA_OK);
    CHECK(licentia_request_new(&it.nothing) == LICENTIA_OK);
    CHECK(licentia_issuer_new(LITERAL("acme"), it.license_key, &it.issuer) == LICENTIA_OK);
    licentia_string_free(license_key);
    licentia_string_free(revocation_key);
    return it;
}

static inline void world_free(world *it) {
    licentia_bytes_free(it->keyset);
    licentia_request_free(it->nothing);
    licentia_issuer_free(it->issuer);
    licentia_signing_key_free(it->root);
    licentia_signing_key_free(it->license_key);
    licentia_signing_key_free(it->revocation_key);
}

/* A draft with two features, a quota, a rate and an index. */
static inline licentia_draft *draft_new(uint64_t index) {
    licentia_draft *draft;
    CHECK(licentia_draft_new(LITERAL("cus_42"), LITERAL("pro"), 3, NOW - 100, NOW + 1000000, &draft) == LICENTIA_OK);
    CHECK(licentia_draft_add_feature(draft, LITERAL("export"), LITERAL("true")) == LICENTIA_OK);
    CHECK(licentia_draft_add_feature(draft, LITERAL("rows"), LITERAL("5000")) == LICENTIA_OK);
    CHECK(licentia_draft_add_feature(draft, LITERAL("level"), LITERAL("gold@2030-01-01")) == LICENTIA_OK);
    CHECK(licentia_draft_add_quota(draft, LITERAL("calls"), LITERAL("1000000000/month")) == LICENTIA_OK);
    CHECK(licentia_draft_add_rate(draft, LITERAL("api"), LITERAL("1000000000/1s")) == LICENTIA_OK);
    CHECK(licentia_draft_set_index(draft, index) == LICENTIA_OK);
    return draft;
}

static inline char *issue(const world *it, const licentia_draft *draft) {
    char *token;
    size_t length;
    CHECK(licentia_issuer_issue(it->issuer, draft, &token, &length) == LICENTIA_OK);
    CHECK(token != NULL && strlen(token) == length);
    return token;
}

static inline char *issue_typical(const world *it, uint64_t index) {
    licentia_draft *draft = draft_new(index);
    char *token = issue(it, draft);
    licentia_draft_free(draft);
    return token;
}

/* A bundle that revokes one index, or none, signed. */
static inline uint8_t *bundle_of(const world *it, uint64_t sequence, const uint64_t *index, size_t *length) {
    static const uint8_t salt[16] = {7};
    licentia_bundle *bundle;
    uint8_t *bytes;
    CHECK(licentia_bundle_new(LITERAL("acme"), sequence, NOW - 10, NOW + 86400, NOW + 864000, salt, &bundle) ==
          LICENTIA_OK);
    if (index != NULL) {
        CHECK(licentia_bundle_revoke_index(bundle, *index, 2, NOW - 10, LICENTIA_EFFECT_DENY, 0) == LICENTIA_OK);
    }
    CHECK(licentia_bundle_sign(bundle, it->revocation_key, &bytes, length) == LICENTIA_OK);
    licentia_bundle_free(bundle);
    return bytes;
}

/* A builder that trusts the vendor's keyset. */
static inline licentia_gate_builder *builder_of(const world *it) {
    licentia_gate_builder *builder;
    licentia_key *root;
    CHECK(licentia_signing_key_public(it->root, &root) == LICENTIA_OK);
    CHECK(licentia_gate_builder_new(&builder) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_keyset(builder, root, it->keyset, it->keyset_len) == LICENTIA_OK);
    licentia_key_free(root);
    return builder;
}

static inline licentia_gate *gate_of(const world *it) {
    licentia_gate_builder *builder = builder_of(it);
    licentia_gate *gate;
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    return gate;
}

static inline licentia_request *request_typical(void) {
    licentia_request *request;
    CHECK(licentia_request_new(&request) == LICENTIA_OK);
    CHECK(licentia_request_add_feature(request, LITERAL("export")) == LICENTIA_OK);
    CHECK(licentia_request_add_meter(request, LITERAL("calls"), 1) == LICENTIA_OK);
    CHECK(licentia_request_add_rate(request, LITERAL("api"), 1) == LICENTIA_OK);
    return request;
}

static inline licentia_decision *check(const licentia_gate *gate, const char *token, const licentia_request *request) {
    licentia_decision *decision;
    CHECK(licentia_gate_check_at(gate, TEXT(token), request, NOW, 0, &decision) == LICENTIA_OK);
    return decision;
}

/* The code of a check. */
static inline licentia_code answer(const licentia_gate *gate, const char *token, const licentia_request *request) {
    licentia_decision *decision = check(gate, token, request);
    licentia_code code = licentia_decision_code(decision);
    licentia_decision_free(decision);
    return code;
}

/* The rest of a meter, by a look that costs nothing. */
static inline uint64_t left(const licentia_gate *gate, const char *token, const char *meter) {
    licentia_request *look;
    licentia_decision *decision;
    licentia_charge charge = {0};
    CHECK(licentia_request_new(&look) == LICENTIA_OK);
    CHECK(licentia_request_add_meter(look, TEXT(meter), 0) == LICENTIA_OK);
    decision = check(gate, token, look);
    CHECK(licentia_decision_charge(decision, 0, sizeof charge, &charge) == LICENTIA_OK);
    licentia_decision_free(decision);
    licentia_request_free(look);
    return charge.remaining;
}

#endif
