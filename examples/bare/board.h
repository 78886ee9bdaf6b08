/*
 * An Arm MPS2 with a Cortex-M4, as QEMU has it: start-up, and what the host does for the program by semihosting (Arm's
 * "Semihosting for AArch32 and AArch64"). There is no C library.
 */

#ifndef BOARD_H
#define BOARD_H

#include <licentia_bare.h>

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_READ = 0x06, SYS_EXIT = 0x18 };

extern uint32_t bss_start, bss_end, data_start, data_end;
extern const uint32_t data_load;

void reset(void);
static void fault(void);
static _Noreturn void run(void);

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

/* Reads from a file of the host, and says whether all of it was there. */
static uint32_t open_file(const char *name, size_t length) {
    const uint32_t open[3] = {(uint32_t)name, 1, length};
    return call(SYS_OPEN, open);
}

static bool read_file(uint32_t file, void *to, size_t length) {
    const uint32_t read[3] = {file, (uint32_t)to, length};
    /* What was not read is the answer. */
    return call(SYS_READ, read) == 0;
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

#endif
