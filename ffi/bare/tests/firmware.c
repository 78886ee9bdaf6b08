/*
 * Runs vectors on a Cortex-M4, through the C ABI and the library as it is documented, and measures the stack.
 *
 * The records come from the host, so that the image holds no more than the library and this reader.
 */

#include "board.h"

_Static_assert(sizeof(licentia_bare_key) == 12, "a key");
_Static_assert(sizeof(licentia_bare_text) == 8, "a text");
_Static_assert(sizeof(licentia_bare_proof) == 40, "a proof");
_Static_assert(sizeof(licentia_bare_request) == 56, "a request");
_Static_assert(sizeof(licentia_bare_verdict) == 64, "a verdict");
_Static_assert(sizeof(licentia_bare_trust) == 24, "what is trusted");
_Static_assert(sizeof(licentia_bare_mark) == 80, "a mark");
_Static_assert(sizeof(licentia_bare_feature) == 32, "a feature");
_Static_assert(sizeof(licentia_bare_charge) == 24, "a charge");
_Static_assert(sizeof(licentia_bare_charged) == 32, "what came of a charge");

/* What the stack is painted with, and how far below it, in words: more than is allowed. */
#define PAINT 0xc0de5afeu
#define PAINTED 7168

/* A record that is being read. */
static uint8_t record[24576];
static const uint8_t *place;
static uint8_t space[4096];

static uint32_t byte(void) { return *place++; }

static uint32_t two_bytes(void) {
    uint32_t low = byte();
    return low | byte() << 8;
}

static uint64_t number(void) {
    uint64_t found = 0;
    int at;
    for (at = 0; at < 8; at++) found |= (uint64_t)byte() << 8 * at;
    return found;
}

/* NULL where there are none. */
static const uint8_t *bytes(size_t *length) {
    const uint8_t *found = NULL;
    *length = two_bytes();
    if (*length == 0xffff) {
        *length = 0;
    } else {
        found = place;
        place += *length;
    }
    return found;
}

static const uint8_t *array(void) {
    size_t length;
    return bytes(&length);
}

static licentia_bare_text text(void) {
    licentia_bare_text found;
    found.data = (const char *)bytes(&found.len);
    return found;
}

/* Counters of a test, for eight rates and meters. */
static uint8_t block[LICENTIA_BARE_COUNTERS_HEAD + 8 * LICENTIA_BARE_COUNTER];
static const licentia_bare_counters counters = {block, sizeof block};

/* A call that is measured: its arguments, and what it gives. */
static struct {
    licentia_bare_key keys[LICENTIA_BARE_KEYS];
    size_t keys_len;
    const uint8_t *token, *text;
    size_t token_len, text_len;
    licentia_bare_request request;
    licentia_bare_verdict verdict;
    uint32_t status;

    licentia_bare_key root;
    const uint8_t *bytes;
    size_t bytes_len;
    licentia_bare_trust trust;
    /* What is in use, and room for what may take its place. */
    licentia_bare_keyset keysets[2];
    licentia_bare_bundle bundles[2];
    licentia_bare_mark keyset_mark, bundle_mark, mark;
    licentia_bare_license license;
    licentia_bare_charge charges[LICENTIA_BARE_CHARGES];
    size_t charges_len;
    licentia_bare_moment moment;
    licentia_bare_charged charged;
} the;

static void decode(void) {
    the.status = licentia_bare_decode((const char *)the.text, the.text_len, space, sizeof space, &the.token_len);
    the.token = space;
}

static void verify(void) {
    the.status = licentia_bare_verify(the.keys, the.keys_len, the.token, the.token_len, &the.request, &the.verdict);
}

/* The room that is not in use. */
static licentia_bare_keyset *next_keyset(void) { return &the.keysets[the.trust.keyset == &the.keysets[0]]; }
static licentia_bare_bundle *next_bundle(void) { return &the.bundles[the.trust.bundle == &the.bundles[0]]; }

static void open_keyset(void) {
    const licentia_bare_mark *last = the.keyset_mark.signer_len > 0 ? &the.keyset_mark : NULL;
    the.status =
        licentia_bare_keyset_open(&the.root, the.bytes, the.bytes_len, last, next_keyset(), &the.mark);
}

static void open_bundle(void) {
    const licentia_bare_mark *last = the.bundle_mark.signer_len > 0 ? &the.bundle_mark : NULL;
    the.status =
        licentia_bare_bundle_open(the.trust.keyset, the.bytes, the.bytes_len, last, next_bundle(), &the.mark);
}

static void check(void) {
    the.status = licentia_bare_check(&the.trust, the.token, the.token_len, &the.request, &the.verdict, &the.license);
}

static void charge(void) {
    the.status =
        licentia_bare_counters_charge(counters, &the.license, the.charges, the.charges_len, the.moment, &the.charged);
}

/* Calls on a stack that was painted before, and tells how much of the paint is gone, in bytes. */
static __attribute__((noinline)) uint32_t measured(void (*function)(void)) {
    volatile uint32_t *stack;
    uint32_t at;
    /* Below the stack's end there is nothing, and interrupts are off. */
    __asm__ volatile("mov %0, sp" : "=r"(stack));
    for (at = 1; at < PAINTED; at++) stack[-(int32_t)at] = PAINT;
    function();
    for (at = PAINTED - 1; at > 0 && stack[-(int32_t)at] == PAINT; at--) {}
    return at * 4;
}

static uint32_t deepest, deepest_decode, deepest_check, deepest_keyset, deepest_bundle, deepest_charge, wrong;

static void deeper(uint32_t *most, uint32_t stack) {
    if (*most < stack) *most = stack;
}

static bool license_test(void) {
    licentia_bare_text features[LICENTIA_BARE_FEATURES];
    licentia_bare_proof proof;
    size_t at;
    uint32_t expected, state;

    the.keys_len = byte();
    for (at = 0; at < the.keys_len; at++) {
        the.keys[at].kid = bytes(&the.keys[at].kid_len);
        the.keys[at].public_key = array();
    }
    the.request.issuer = text();
    the.request.audience = text();
    the.request.features = features;
    the.request.features_len = byte();
    for (at = 0; at < the.request.features_len; at++) features[at] = text();
    the.request.node = array();
    the.request.skew = number();
    the.request.release = number();
    the.request.now = number();
    the.request.proof = NULL;
    if (byte() == 1) {
        proof.proof = bytes(&proof.proof_len);
        proof.method = text();
        proof.uri = text();
        proof.body = array();
        proof.max_age = number();
        the.request.proof = &proof;
    }
    the.text = bytes(&the.text_len);
    the.token = bytes(&the.token_len);
    expected = two_bytes();
    state = byte();

    the.verdict.state = 0;
    the.status = LICENTIA_OK;
    if (the.text != NULL) deeper(&deepest_decode, measured(decode));
    if (the.status == LICENTIA_OK) {
        deeper(&deepest, measured(verify));
        if (the.status == LICENTIA_OK) the.status = the.verdict.code;
    }
    return (expected == 0xffff ? the.status >= 100 && the.status < 300 : the.status == expected) &&
           the.verdict.state == state;
}

static void charges_of(uint32_t is_rate) {
    uint32_t left;
    for (left = byte(); left > 0; left--) {
        licentia_bare_charge *to = &the.charges[the.charges_len++];
        to->name = text();
        to->is_rate = is_rate;
        to->reserved = 0;
        to->cost = number();
    }
}

/* One step of a gate's test: returns whether it answers as it should. */
static bool step(void) {
    uint32_t kind = byte(), expected, state;
    if (kind == 3) {
        the.trust.bundle = NULL;
        return true;
    }
    if (kind < 2) {
        the.bytes = bytes(&the.bytes_len);
        expected = two_bytes();
        if (kind == 0) {
            deeper(&deepest_keyset, measured(open_keyset));
        } else {
            deeper(&deepest_bundle, measured(open_bundle));
        }
        if (the.status == LICENTIA_OK && kind == 0) {
            the.trust.keyset = next_keyset();
            the.keyset_mark = the.mark;
        } else if (the.status == LICENTIA_OK) {
            the.trust.bundle = next_bundle();
            the.bundle_mark = the.mark;
        }
        return the.status == (expected == LICENTIA_CODE_ALLOWED ? LICENTIA_OK : expected);
    }
    the.token = bytes(&the.token_len);
    the.request.now = number();
    the.moment.now_nanos = number();
    the.moment.mark = the.request.now;
    the.charges_len = 0;
    charges_of(1);
    charges_of(0);
    expected = two_bytes();
    state = byte();
    deeper(&deepest_check, measured(check));
    if (the.status == LICENTIA_OK) the.status = the.verdict.code;
    if (the.status == LICENTIA_CODE_ALLOWED && the.charges_len > 0) {
        deeper(&deepest_charge, measured(charge));
        if (the.status == LICENTIA_OK) the.status = the.charged.code;
        if (the.charged.overage != 0) the.verdict.state = LICENTIA_STATE_OVERAGE;
    }
    return the.status == expected && (expected != LICENTIA_CODE_ALLOWED || the.verdict.state == state);
}

/* A gate's test: a device that trusts some keys or a root key, from its first start on. */
static bool gate_test(void) {
    uint32_t at, count;
    licentia_bare_trust none = {NULL, 0, NULL, NULL, 0, 0};
    the.trust = none;
    the.keyset_mark.signer_len = 0;
    the.bundle_mark.signer_len = 0;
    the.request = (licentia_bare_request){.skew = 60, .release = LICENTIA_NONE};
    if (licentia_bare_counters_open(NULL, 0, NULL, 0, counters) != LICENTIA_OK) return false;
    if (byte() == 1) {
        the.root.kid = bytes(&the.root.kid_len);
        the.root.public_key = array();
    }
    the.trust.keys = the.keys;
    the.trust.keys_len = byte();
    for (at = 0; at < the.trust.keys_len; at++) {
        the.keys[at].kid = bytes(&the.keys[at].kid_len);
        the.keys[at].public_key = array();
    }
    for (count = byte(), at = 1; at <= count; at++) {
        if (!step()) {
            say_number("  step ", at);
            return false;
        }
    }
    return true;
}

static _Noreturn void run(void) {
    static const char name[] = "records.bin";
    uint32_t file = open_file(name, sizeof name - 1), licenses = 0, gates = 0, length;
    while (read_file(file, record, 2)) {
        bool good;
        length = record[0] | (uint32_t)record[1] << 8;
        if (length > sizeof record || !read_file(file, record, length)) break;
        place = record;
        if (byte() == 0) {
            licenses++;
            good = license_test();
        } else {
            gates++;
            good = gate_test();
        }
        if (!good) {
            wrong++;
            say_number("failed: record ", licenses + gates);
            say_number("  code ", the.status);
        }
    }
    say_number("cases ", licenses);
    say_number("gates ", gates);
    say_number("failed ", wrong);
    say_number("stack ", deepest);
    say_number("decode ", deepest_decode);
    say_number("check ", deepest_check);
    say_number("keyset ", deepest_keyset);
    say_number("bundle ", deepest_bundle);
    say_number("charge ", deepest_charge);
    end(licenses > 0 && gates > 0 && wrong == 0);
}
