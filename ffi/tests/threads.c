/*
 * Checks on four threads while bundles and keysets are loaded: threads ROUNDS.
 *
 * A licence that is never revoked is always allowed; one that every second bundle revokes is allowed or revoked,
 * and after the last bundle revoked.
 */

#include <pthread.h>

#include "world.h"

enum { THREADS = 4, BUNDLES = 24 };

typedef struct job {
    const licentia_gate *gate;
    const licentia_request *request;
    const char *good, *revoked;
    int rounds, allowed, denied, wrong;
} job;

static void *work(void *argument) {
    job *it = argument;
    int round;
    for (round = 0; round < it->rounds; round++) {
        licentia_decision *decision;
        licentia_code code;
        if (licentia_gate_check_at(it->gate, TEXT(it->good), it->request, NOW, 0, &decision) != LICENTIA_OK ||
            !licentia_decision_is_allowed(decision)) {
            it->wrong++;
        }
        licentia_decision_free(decision);
        if (licentia_gate_check_at(it->gate, TEXT(it->revoked), NULL, NOW, 0, &decision) != LICENTIA_OK) it->wrong++;
        code = licentia_decision_code(decision);
        it->allowed += code == LICENTIA_CODE_ALLOWED;
        it->denied += code == LICENTIA_CODE_REVOKED;
        licentia_decision_free(decision);
    }
    return NULL;
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
    int at, rounds = argc > 1 ? atoi(argv[1]) : 2000;
    bool changed;

    CHECK(licentia_gate_builder_add_sink(builder, on_event, NULL, NULL) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    for (at = 0; at < THREADS; at++) {
        jobs[at] = (job){gate, request, good, revoked, rounds, 0, 0, 0};
        CHECK(pthread_create(&threads[at], NULL, work, &jobs[at]) == 0);
    }
    for (at = 1; at <= BUNDLES; at++) {
        size_t length;
        uint8_t *bundle = bundle_of(&it, (uint64_t)at, at % 2 == 0 ? &index : NULL, &length);
        CHECK(licentia_gate_load_revocation(gate, bundle, length, &changed) == LICENTIA_OK && changed);
        CHECK(licentia_gate_load_keyset(gate, it.keyset, it.keyset_len, &changed) == LICENTIA_OK && !changed);
        licentia_bytes_free(bundle);
    }
    for (at = 0; at < THREADS; at++) {
        CHECK(pthread_join(threads[at], NULL) == 0);
        CHECK(jobs[at].wrong == 0 && jobs[at].allowed + jobs[at].denied == rounds);
        printf("thread %d: %d allowed, %d revoked\n", at, jobs[at].allowed, jobs[at].denied);
    }
    CHECK(licentia_gate_check_at(gate, TEXT(revoked), NULL, NOW, 0, &decision) == LICENTIA_OK);
    CHECK(licentia_decision_code(decision) == LICENTIA_CODE_REVOKED);
    licentia_decision_free(decision);
    licentia_request_free(request);
    licentia_string_free(good);
    licentia_string_free(revoked);
    licentia_gate_free(gate);
    world_free(&it);
    return finish("threads");
}
