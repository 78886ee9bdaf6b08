/*
 * A device that counts: each piece of work costs one of the calls that its licence grants a day, and a reset at any
 * moment neither grants a call twice nor loses more than one.
 *
 * The rule is: charge, write the block, and only then work. What is here for the board (flash, a clock with a battery)
 * stands in memory that a reset leaves as it is. To show the rule, this device resets itself in the middle of every
 * other write, one byte later each time, until it has been interrupted at every byte.
 *
 * `cargo xtask test c-bare` runs it on an emulated Cortex-M4.
 */

#include "board.h"

/* One meter; one more counter is for a period that a wrong clock begins. */
#define LENGTH (LICENTIA_BARE_COUNTERS_HEAD + 2 * LICENTIA_BARE_COUNTER)
/* What the licence grants a day. */
#define LIMIT 3
#define DAY 86400u

/* What survives a reset. */
static struct {
    uint32_t powered;
    uint8_t flash[2][LENGTH];
    uint64_t clock;
    /* For the show: how many bytes the next interrupted write gets, and whether the next write is interrupted. */
    uint32_t cut;
    bool interrupt;
    /* What was done today, and what was paid for and not done. */
    uint32_t worked, lost, resets, days;
} board __attribute__((section(".noinit")));

static uint8_t block[LENGTH];
static const licentia_bare_counters counters = {block, sizeof block};

static _Noreturn void restart(void) {
    board.resets++;
    /* What was written is in memory, and SYSRESETREQ of the register AIRCR ends it. */
    __asm__ volatile("dsb" ::: "memory");
    *(volatile uint32_t *)0xe000ed0cu = 0x05fa0004u;
    for (;;) {}
}

/* Writes a block to its place in flash. */
static void write_block(void) {
    uint32_t place, at;
    if (licentia_bare_counters_place(counters, &place) != LICENTIA_OK) end(false);
    for (at = 0; at < LENGTH; at++) board.flash[place][at] = 0xff; /* erased */
    for (at = 0; at < LENGTH; at++) {
        if (board.interrupt && at == board.cut) {
            board.interrupt = false;
            board.cut++;
            restart();
        }
        board.flash[place][at] = block[at];
    }
    if (board.interrupt && board.cut == LENGTH) {
        /* All of it is written: this call is paid for, and will not be done. */
        board.interrupt = false;
        board.cut++;
        board.lost++;
        restart();
    }
    board.interrupt = true;
}

static void work(void) { board.worked++; }

/* The licence and the key that it is signed with: a real device has them in its flash. */
static uint8_t device[2048];
static licentia_bare_key key;
static const uint8_t *token;
static size_t token_len;

static const uint8_t *part(const uint8_t **place, size_t *length) {
    const uint8_t *found = *place + 2;
    *length = (*place)[0] | (size_t)(*place)[1] << 8;
    *place = found + *length;
    return found;
}

static void read_device(void) {
    static const char name[] = "device.bin";
    const uint8_t *place = device;
    size_t length;
    /* It is shorter than that: what is there is read. */
    (void)read_file(open_file(name, sizeof name - 1), device, sizeof device);
    key.kid = part(&place, &key.kid_len);
    key.public_key = part(&place, &length);
    token = part(&place, &token_len);
}

static _Noreturn void run(void) {
    static const licentia_bare_charge one_call = {.name = {"calls", 5}, .cost = 1};
    licentia_bare_trust trust = {.keys = &key, .keys_len = 1};
    licentia_bare_request request = {.skew = 60, .release = LICENTIA_NONE};
    licentia_bare_verdict verdict;
    licentia_bare_license license;
    licentia_bare_charged charged;
    uint32_t at;

    if (board.powered != 0x11ce0001u) {
        /* The first start. */
        for (at = 0; at < sizeof board; at++) ((uint8_t *)&board)[at] = 0;
        for (at = 0; at < sizeof board.flash; at++) ((uint8_t *)board.flash)[at] = 0xff;
        board.clock = 1800000000u;
        board.powered = 0x11ce0001u;
    }
    read_device();
    request.now = board.clock;
    if (licentia_bare_check(&trust, token, token_len, &request, &verdict, &license) != LICENTIA_OK ||
        verdict.code != LICENTIA_CODE_ALLOWED ||
        licentia_bare_counters_open(board.flash[0], LENGTH, board.flash[1], LENGTH, counters) != LICENTIA_OK) {
        say("FAILED: no licence, or no counters\n");
        end(false);
    }
    for (;;) {
        /* Nobody can set this clock: what it shows has passed. */
        const licentia_bare_moment moment = {board.clock * 1000000000u, board.clock};
        if (licentia_bare_counters_charge(counters, &license, &one_call, 1, moment, &charged) != LICENTIA_OK) break;
        if (charged.code == LICENTIA_CODE_ALLOWED) {
            if (charged.changed) write_block();
            work();
            continue;
        }
        if (charged.code != LICENTIA_CODE_QUOTA_EXCEEDED) break;
        /* The day is used up: exactly what was granted was done, but for what a reset after a whole write lost. */
        if (board.worked + board.lost != LIMIT) break;
        board.worked = board.lost = 0;
        board.days++;
        board.clock += DAY;
        if (board.cut > LENGTH) {
            say_number("resets ", board.resets);
            say_number("days ", board.days);
            end(board.resets == LENGTH + 1);
        }
    }
    say_number("FAILED: code ", charged.code);
    say_number("  worked ", board.worked);
    say_number("  lost ", board.lost);
    end(false);
}
