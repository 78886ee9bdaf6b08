/*
 * The vendor's side: makes a key, issues a licence, and prints the public key and the licence.
 *
 * A real vendor keeps its key: see licentia_signing_key_pem and licentia_signing_key_from_pem.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <licentia.h>

#define LITERAL(text) text, sizeof(text) - 1

/* Stops the program where a call did not succeed. */
static void must(licentia_status status) {
    if (status != LICENTIA_OK) {
        fprintf(stderr, "%s: %s %s\n", licentia_status_name(status), licentia_status_message(status),
                licentia_status_advice(status));
        exit(EXIT_FAILURE);
    }
}

int main(void) {
    uint64_t now = (uint64_t)time(NULL);
    licentia_signing_key *key;
    licentia_key *public_key;
    licentia_issuer *issuer;
    licentia_draft *draft;
    char *public_text, *token;
    size_t length;

    must(licentia_signing_key_generate(&key));
    must(licentia_signing_key_public(key, &public_key));
    must(licentia_key_text(public_key, &public_text, &length));

    /* The tier "pro", in its third version, for a year. */
    must(licentia_draft_new(LITERAL("cus_42"), LITERAL("pro"), 3, now, now + 31536000, &draft));
    must(licentia_draft_add_feature(draft, LITERAL("export"), LITERAL("true")));
    must(licentia_draft_add_quota(draft, LITERAL("calls"), LITERAL("4/month")));
    must(licentia_draft_add_rate(draft, LITERAL("api"), LITERAL("1000/1s")));
    must(licentia_issuer_new(LITERAL("acme"), key, &issuer));
    must(licentia_issuer_issue(issuer, draft, &token, &length));
    printf("%s\n%s\n", public_text, token);

    licentia_string_free(token);
    licentia_string_free(public_text);
    licentia_issuer_free(issuer);
    licentia_draft_free(draft);
    licentia_key_free(public_key);
    licentia_signing_key_free(key);
    return EXIT_SUCCESS;
}
