/*
 * Checks on four threads while bundles and keysets are loaded: threads BUNDLES.
 *
 * A licence that is never revoked is always allowed; one that every second bundle revokes is allowed or revoked. Each
 * bundle stays until every thread has checked with it, so that each must have seen both.
 */

#include <pthread.h>
#include <sched.h>

#include "world.h"

enum { THREADS = 4, ROUNDS = 20 };

typedef struct job {
    const licentia_gate *gate;
    const licentia_request *request, *nothing;
    const char *good, *revoked;
    int allowed, denied, wrong;
    /* Without an order that would keep other faults from showing. */
    int rounds, stop;
} job;

#ifdef RACE
/* A race on purpose, in a library that was built for it: it must be found. */
void licentia_fault_race(void);
#endif

static void *work(void *argument) {
    job *it = argument;
    while (!__atomic_load_n(&it->stop, __ATOMIC_RELAXED)) {
        licentia_decision *decision;
        licentia_code code;
#ifdef RACE
        licentia_fault_race();
#endif
        if (licentia_gate_check_at(it->gate, TEXT(it->good), it->request, NOW, 0, &decision) != LICENTIA_OK ||
            !licentia_decision_is_allowed(decision)) {
            it->wrong++;
        }
        licentia_decision_free(decision);
        if (licentia_gate_check_at(it->gate, TEXT(it->revoked), it->nothing, NOW, 0, &decision) != LICENTIA_OK) {
            it->wrong++;
        }
        code = licentia_decision_code(decision);
        it->allowed += code == LICENTIA_CODE_ALLOWED;
        it->denied += code == LICENTIA_CODE_REVOKED;
        licentia_decision_free(decision);
        __atomic_add_fetch(&it->rounds, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* Waits until every thread has gone on for a while. */
static void wait_for(job *jobs) {
    int at;
    for (at = 0; at < THREADS; at++) {
        int until = __atomic_load_n(&jobs[at].rounds, __ATOMIC_RELAXED) + ROUNDS;
        while (__atomic_load_n(&jobs[at].rounds, __ATOMIC_RELAXED) < until) sched_yield();
    }
}

static void on_event(void *context, const licentia_event *event) {
    (void)context;
    (void)licentia_event_took_nanos(event);
}

int main(int argc, char **argv) {
    world it = world_new();
    licentia_gate_builder *builder = builder_of(&it);
    licentia_gate *gate;
    licentia_request *request = request_typical();
    licentia_decision *decision;
    char *good = issue_typical(&it, 1), *revoked = issue_typical(&it, 2);
    const uint64_t index = 2;
    pthread_t threads[THREADS];
    job jobs[THREADS];
    int at, bundles = argc > 1 ? atoi(argv[1]) : 24;
    bool changed;

    CHECK(licentia_gate_builder_add_sink(builder, on_event, NULL, NULL) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    for (at = 0; at < THREADS; at++) {
        jobs[at] = (job){gate, request, it.nothing, good, revoked, 0, 0, 0, 0, 0};
        CHECK(pthread_create(&threads[at], NULL, work, &jobs[at]) == 0);
    }
    for (at = 1; at <= bundles; at++) {
        size_t length;
        uint8_t *bundle = bundle_of(&it, (uint64_t)at, at % 2 == 0 ? &index : NULL, &length);
        CHECK(licentia_gate_load_revocation(gate, bundle, length, &changed) == LICENTIA_OK && changed);
        CHECK(licentia_gate_load_keyset(gate, it.keyset, it.keyset_len, &changed) == LICENTIA_OK && !changed);
        licentia_bytes_free(bundle);
        wait_for(jobs);
    }
    for (at = 0; at < THREADS; at++) {
        __atomic_store_n(&jobs[at].stop, 1, __ATOMIC_RELAXED);
        CHECK(pthread_join(threads[at], NULL) == 0);
        CHECK(jobs[at].wrong == 0 && jobs[at].allowed + jobs[at].denied == jobs[at].rounds);
        CHECK(jobs[at].allowed > 0 && jobs[at].denied > 0);
        printf("thread %d: %d allowed, %d revoked\n", at, jobs[at].allowed, jobs[at].denied);
    }
    CHECK(licentia_gate_check_at(gate, TEXT(revoked), it.nothing, NOW, 0, &decision) == LICENTIA_OK);
    CHECK(licentia_decision_code(decision) == LICENTIA_CODE_REVOKED);
    licentia_decision_free(decision);
    licentia_request_free(request);
    licentia_string_free(good);
    licentia_string_free(revoked);
    licentia_gate_free(gate);
    world_free(&it);
    return finish("threads");
}
