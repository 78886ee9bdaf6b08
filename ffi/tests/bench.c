/*
 * Prints how long a warm check takes, in nanoseconds: the full gate with revocation, one rate, one quota and an
 * event. ffi/examples/bench.rs does the same from Rust.
 */

#include <time.h>

#include "world.h"

enum { BATCHES = 200, CHECKS = 2000 };

static uint64_t events;

static void on_event(void *context, const licentia_event *event) {
    (void)context;
    events += licentia_event_took_nanos(event) != 0;
}

static double nanos(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return difference < 0 ? -1 : difference > 0;
}

int main(void) {
    world it = world_new();
    licentia_gate_builder *builder = builder_of(&it);
    licentia_gate *gate;
    licentia_request *request = request_typical();
    char *token = issue_typical(&it, 1);
    const uint64_t index = 2;
    size_t bundle_len, token_len = strlen(token);
    uint8_t *bundle = bundle_of(&it, 1, &index, &bundle_len);
    double took[BATCHES];
    uint64_t allowed = 0;
    int batch, at;

    CHECK(licentia_gate_builder_add_sink(builder, on_event, NULL, NULL) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_revocation(builder, bundle, bundle_len) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    for (batch = 0; batch < BATCHES; batch++) {
        double start = nanos();
        for (at = 0; at < CHECKS; at++) {
            licentia_decision *decision;
            licentia_status status = licentia_gate_check_at(gate, token, token_len, request, NOW,
                                                            (uint64_t)batch * 1000000000u, &decision);
            allowed += status == LICENTIA_OK && licentia_decision_is_allowed(decision);
            licentia_decision_free(decision);
        }
        took[batch] = (nanos() - start) / CHECKS;
    }
    CHECK(allowed == BATCHES * CHECKS && events == allowed);
    qsort(took, BATCHES, sizeof *took, ascending);
    printf("%.2f\n", took[BATCHES / 2]);
    licentia_bytes_free(bundle);
    licentia_string_free(token);
    licentia_request_free(request);
    licentia_gate_builder_free(builder);
    licentia_gate_free(gate);
    world_free(&it);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
