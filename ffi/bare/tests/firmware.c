/*
 * Runs vectors on a Cortex-M4, through the C ABI and the library as it is documented, and measures the stack.
 *
 * The records come from the host by semihosting (Arm's "Semihosting for AArch32 and AArch64"), so that the image holds
 * no more than the library and this reader. There is no C library either.
 */

#include <licentia_bare.h>

_Static_assert(sizeof(licentia_bare_key) == 12, "a key");
_Static_assert(sizeof(licentia_bare_text) == 8, "a text");
_Static_assert(sizeof(licentia_bare_proof) == 40, "a proof");
_Static_assert(sizeof(licentia_bare_request) == 56, "a request");
_Static_assert(sizeof(licentia_bare_verdict) == 64, "a verdict");

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_READ = 0x06, SYS_EXIT = 0x18 };
/* What the stack is painted with, and how far below it, in words: more than is allowed. */
#define PAINT 0xc0de5afeu
#define PAINTED 7168

extern uint32_t bss_start, bss_end, data_start, data_end;
extern const uint32_t data_load;

void reset(void);
static void fault(void);

__attribute__((section(".vectors"), used)) void (*const vectors[15])(void) = {
    reset, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault,
};

static uint32_t call(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void say(const char *text) { call(SYS_WRITE0, text); }

static void say_number(const char *name, uint32_t number) {
    char digits[12];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    digits[--at] = '\n';
    do digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    say(name);
    say(digits + at);
}

static _Noreturn void end(bool good) {
    /* ADP_Stopped_ApplicationExit, or a run-time error. */
    call(SYS_EXIT, (const void *)(good ? 0x20026u : 0x20024u));
    for (;;) {}
}

static void fault(void) {
    say("FAILED: a fault\n");
    end(false);
}

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

/* A call that is measured: its arguments, and what it gives. */
static struct {
    licentia_bare_key keys[LICENTIA_BARE_KEYS];
    size_t keys_len;
    const uint8_t *token, *text;
    size_t token_len, text_len;
    licentia_bare_request request;
    licentia_bare_verdict verdict;
    uint32_t status;
} the;

static void decode(void) {
    the.status = licentia_bare_decode((const char *)the.text, the.text_len, space, sizeof space, &the.token_len);
    the.token = space;
}

static void verify(void) {
    the.status = licentia_bare_verify(the.keys, the.keys_len, the.token, the.token_len, &the.request, &the.verdict);
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

static uint32_t deepest, deepest_decode, wrong;

static void deeper(uint32_t *most, uint32_t stack) {
    if (*most < stack) *most = stack;
}

static bool one(void) {
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

static _Noreturn void run(void) {
    static const char name[] = "records.bin";
    const uint32_t open[3] = {(uint32_t)name, 1, sizeof name - 1};
    uint32_t file = call(SYS_OPEN, open), ran = 0, length;
    for (;;) {
        uint32_t head[3] = {file, (uint32_t)record, 2};
        /* What was not read is the answer. */
        if (call(SYS_READ, head) != 0) break;
        length = record[0] | (uint32_t)record[1] << 8;
        head[2] = length;
        if (length > sizeof record || call(SYS_READ, head) != 0) break;
        place = record;
        ran++;
        if (!one()) {
            wrong++;
            say_number("failed: record ", ran);
            say_number("  code ", the.status);
        }
    }
    say_number("cases ", ran);
    say_number("failed ", wrong);
    say_number("stack ", deepest);
    say_number("decode ", deepest_decode);
    end(ran > 0 && wrong == 0);
}

void reset(void) {
    volatile uint32_t *word, *access = (volatile uint32_t *)0xe000ed88u;
    const volatile uint32_t *from = &data_load;
    for (word = &bss_start; word < &bss_end; word++) *word = 0;
    for (word = &data_start; word < &data_end; word++) *word = *from++;
    /* The floating-point unit, which the compiler may use. */
    *access |= 0xfu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    run();
}
