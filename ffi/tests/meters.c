/* What is counted: reservations, jobs, seats, receipts, and stores that several gates share. */

#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

/* A gate that trusts the vendor's key, on a store that others may share. */
static licentia_gate *gate_on(const world *it, const char *url) {
    licentia_gate_builder *builder;
    licentia_gate *gate;
    licentia_key *key;
    licentia_store *store;
    CHECK(licentia_signing_key_public(it->license_key, &key) == LICENTIA_OK);
    CHECK(licentia_gate_builder_new(&builder) == LICENTIA_OK);
    CHECK(licentia_gate_builder_add_key(builder, key) == LICENTIA_OK);
    CHECK(licentia_gate_builder_prepare_keys(builder, 81920) == LICENTIA_OK);
    CHECK(licentia_store_open(TEXT(url), &store) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_store(builder, store) == LICENTIA_OK);
    licentia_store_free(store);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    licentia_key_free(key);
    return gate;
}

/* A licence for 100 minutes in all, and two seats. */
static char *issue_minutes(const world *it) {
    licentia_draft *draft;
    char *token;
    CHECK(licentia_draft_new(LITERAL("cus_42"), LITERAL("pro"), 3, 1000000000, 253402300799u, &draft) == LICENTIA_OK);
    CHECK(licentia_draft_add_quota(draft, LITERAL("minutes"), LITERAL("100/lifetime")) == LICENTIA_OK);
    CHECK(licentia_draft_set_seats(draft, 2) == LICENTIA_OK);
    token = issue(it, draft);
    licentia_draft_free(draft);
    return token;
}

static licentia_request *request_minutes(uint64_t cost) {
    licentia_request *request;
    CHECK(licentia_request_new(&request) == LICENTIA_OK);
    CHECK(licentia_request_add_meter(request, LITERAL("minutes"), cost) == LICENTIA_OK);
    return request;
}

/* The code of a reservation, and the reservation. */
static licentia_code reserve(const licentia_gate *gate, const char *token, const licentia_request *request,
                             licentia_reservation **reservation) {
    licentia_decision *decision;
    licentia_code code;
    CHECK(licentia_gate_reserve_at(gate, TEXT(token), request, NOW, 0, &decision, reservation) == LICENTIA_OK);
    code = licentia_decision_code(decision);
    licentia_decision_free(decision);
    return code;
}

static void reservations(const world *it, const char *url) {
    licentia_gate *gate = gate_on(it, url);
    licentia_request *request = request_minutes(60);
    licentia_reservation *reservation;
    licentia_refiller *refiller;
    char *token = issue_minutes(it);
    int round;

    CHECK(reserve(gate, token, request, &reservation) == LICENTIA_CODE_ALLOWED && reservation != NULL);
    CHECK(left(gate, token, "minutes") == 40);
    CHECK(licentia_reservation_set_cost(reservation, LITERAL("minutes"), 61) == ARGUMENT);
    CHECK(licentia_reservation_set_cost(reservation, LITERAL("hours"), 1) == ARGUMENT);
    CHECK(licentia_reservation_set_cost(reservation, LITERAL("minutes"), 9) == LICENTIA_OK);
    CHECK(licentia_reservation_set_cost(reservation, LITERAL("minutes"), 10) == LICENTIA_OK);
    CHECK(licentia_reservation_commit(reservation) == LICENTIA_OK);
    CHECK(licentia_reservation_commit(reservation) == ARGUMENT);
    licentia_reservation_free(reservation);
    CHECK(left(gate, token, "minutes") == 90);

    /* One that is not committed is taken back. */
    CHECK(reserve(gate, token, request, &reservation) == LICENTIA_CODE_ALLOWED);
    licentia_reservation_free(reservation);
    CHECK(left(gate, token, "minutes") == 90);

    /* A job is charged once, from what nobody has taken ahead. */
    CHECK(licentia_gate_settle(gate) == LICENTIA_OK);
    CHECK(licentia_request_set_job(request, LITERAL("job 7")) == LICENTIA_OK);
    for (round = 0; round < 3; round++) CHECK(answer(gate, token, request) == LICENTIA_CODE_ALLOWED);
    CHECK(left(gate, token, "minutes") == 30);
    CHECK(licentia_request_set_job(request, LITERAL("job 8")) == LICENTIA_OK);
    CHECK(reserve(gate, token, request, &reservation) == LICENTIA_CODE_QUOTA_EXCEEDED && reservation == NULL);

    CHECK(licentia_refiller_start(gate, 0, &refiller) == ARGUMENT && refiller == NULL);
    CHECK(licentia_refiller_start(gate, 60000, &refiller) == LICENTIA_OK);
    licentia_refiller_free(refiller);
    CHECK(licentia_gate_settle(gate) == LICENTIA_OK);
    licentia_gate_free(gate);
    /* What a gate has not used is there for the next one. */
    gate = gate_on(it, url);
    CHECK(left(gate, token, "minutes") == 30);
    licentia_gate_free(gate);
    licentia_request_free(request);
    licentia_string_free(token);
}

/* Gates on one store, as those of several processes, share a quota to the last unit. */
static void shared(const world *it, const char *url) {
    licentia_gate *gates[2] = {gate_on(it, url), gate_on(it, url)};
    licentia_request *request = request_minutes(1);
    char *token = issue_minutes(it);
    int at, allowed = 0;
    for (at = 0; at < 120; at++) allowed += answer(gates[at % 2], token, request) == LICENTIA_CODE_ALLOWED;
    for (at = 0; at < 2; at++) CHECK(licentia_gate_settle(gates[at]) == LICENTIA_OK);
    /* What one gate had at hand when the other found nothing is not lost. */
    for (at = 0; at < 120; at++) allowed += answer(gates[0], token, request) == LICENTIA_CODE_ALLOWED;
    CHECK(allowed == 100);
    for (at = 0; at < 2; at++) licentia_gate_free(gates[at]);
    licentia_request_free(request);
    licentia_string_free(token);
}

/* A child counts by itself, and gives nothing back that is its parent's. */
static void forked(const world *it, const char *url) {
    licentia_gate *gate = gate_on(it, url);
    licentia_request *request = request_minutes(1);
    char *token = issue_minutes(it);
    int status, at;
    pid_t child;
    for (at = 0; at < 10; at++) CHECK(answer(gate, token, request) == LICENTIA_CODE_ALLOWED);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        int good = licentia_gate_after_fork(gate) == LICENTIA_OK;
        for (at = 0; at < 7; at++) good = good && answer(gate, token, request) == LICENTIA_CODE_ALLOWED;
        licentia_gate_free(gate);
        /* By another program's end: what a child leaves to its parent is lost in it, and no leak to be told of. */
        execl("/bin/sh", "sh", "-c", good && failures == 0 ? "exit 0" : "exit 1", (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    licentia_gate_free(gate);
    gate = gate_on(it, url);
    CHECK(left(gate, token, "minutes") == 83);
    licentia_gate_free(gate);
    licentia_request_free(request);
    licentia_string_free(token);
}

/* The code of a check-out, and the seat. */
static licentia_code check_out(const licentia_gate *gate, const char *token, const char *holder, uint64_t now,
                               licentia_seat **seat, const licentia_request *request) {
    licentia_decision *decision;
    licentia_code code;
    CHECK(licentia_gate_check_out_at(gate, TEXT(token), TEXT(holder), 60, request, now, 0, &decision, seat) ==
          LICENTIA_OK);
    code = licentia_decision_code(decision);
    licentia_decision_free(decision);
    return code;
}

static void seats(const world *it, const char *url) {
    licentia_gate *gate = gate_on(it, url);
    licentia_seat *ada, *bob, *none;
    licentia_decision *decision;
    licentia_charge charge;
    char *token = issue_minutes(it), *without = issue_typical(it, 3);
    /* Redis holds seats by its own clock, which no test sets. */
    int is_by_our_clock = strncmp(url, "redis:", 6) != 0;
    uint64_t retry_after_ms;

    CHECK(check_out(gate, token, "ada", NOW, &ada, it->nothing) == LICENTIA_CODE_ALLOWED && ada != NULL);
    CHECK(check_out(gate, token, "bob", NOW + 10, &bob, it->nothing) == LICENTIA_CODE_ALLOWED && bob != NULL);
    CHECK(licentia_seat_until(ada) == NOW + 60 && licentia_seat_until(bob) == NOW + 70);
    CHECK(licentia_gate_check_out_at(gate, TEXT(token), LITERAL("eve"), 60, it->nothing, NOW + 10, 0, &decision,
                                     &none) == LICENTIA_OK);
    CHECK(none == NULL && licentia_decision_code(decision) == LICENTIA_CODE_SEATS_TAKEN);
    retry_after_ms = licentia_decision_retry_after_ms(decision);
    CHECK(is_by_our_clock ? retry_after_ms == 50000 : retry_after_ms > 0 && retry_after_ms <= 60000);
    CHECK(licentia_decision_http_status(decision) == 429);
    CHECK(licentia_decision_charge(decision, 0, sizeof charge, &charge) == LICENTIA_OK);
    CHECK(charge.unit == LICENTIA_UNIT_SEAT && charge.limit == 2 && charge.remaining == 0);
    licentia_decision_free(decision);

    CHECK(licentia_seat_heartbeat_at(ada, it->nothing, NOW + 50, 0, &decision) == LICENTIA_OK);
    CHECK(licentia_decision_is_allowed(decision) && licentia_seat_until(ada) == NOW + 110);
    licentia_decision_free(decision);
    CHECK(licentia_seat_heartbeat_at(ada, NULL, NOW + 50, 0, &decision) == ARGUMENT && decision == NULL);
    if (is_by_our_clock) {
        /* Bob has not come back: his time is over. */
        CHECK(check_out(gate, token, "eve", NOW + 71, &none, it->nothing) == LICENTIA_CODE_ALLOWED && none != NULL);
        CHECK(licentia_seat_heartbeat_at(bob, it->nothing, NOW + 72, 0, &decision) == LICENTIA_OK);
        CHECK(licentia_decision_code(decision) == LICENTIA_CODE_SEATS_TAKEN && licentia_seat_until(bob) == NOW + 70);
        licentia_decision_free(decision);
        CHECK(licentia_seat_release(none) == LICENTIA_OK && licentia_seat_release(none) == ARGUMENT);
        CHECK(licentia_seat_until(none) == LICENTIA_NONE);
        CHECK(licentia_seat_heartbeat_at(none, it->nothing, NOW + 72, 0, &decision) == ARGUMENT);
        licentia_seat_free(none);
    }
    CHECK(licentia_seat_heartbeat_at(bob, it->nothing, NOW + 73, 0, &decision) == LICENTIA_OK);
    CHECK(licentia_decision_is_allowed(decision) && licentia_seat_until(bob) == NOW + 133);
    licentia_decision_free(decision);
    /* A seat that is freed and not released stays taken, also for another gate. */
    licentia_seat_free(ada);
    licentia_seat_free(bob);
    licentia_gate_free(gate);
    gate = gate_on(it, url);
    CHECK(check_out(gate, token, "eve", NOW + 74, &none, it->nothing) == LICENTIA_CODE_SEATS_TAKEN && none == NULL);
    CHECK(check_out(gate, token, "", NOW + 74, &none, it->nothing) == ARGUMENT && none == NULL);
    CHECK(check_out(gate, without, "ada", NOW, &none, it->nothing) == LICENTIA_CODE_SEATS_NOT_LICENSED && none == NULL);
    licentia_gate_free(gate);
    licentia_string_free(token);
    licentia_string_free(without);
}

/* By the clock of the machine. */
static void by_the_clock(const world *it) {
    licentia_gate *gate = gate_on(it, "memory:");
    licentia_request *request = request_minutes(60);
    licentia_decision *decision;
    licentia_reservation *reservation;
    licentia_seat *seat;
    uint64_t first;
    char *token = issue_minutes(it);

    CHECK(licentia_gate_check(gate, TEXT(token), it->nothing, &decision) == LICENTIA_OK);
    CHECK(licentia_decision_is_allowed(decision));
    licentia_decision_free(decision);
    CHECK(licentia_gate_reserve(gate, TEXT(token), request, &decision, &reservation) == LICENTIA_OK);
    CHECK(licentia_decision_is_allowed(decision) && reservation != NULL);
    licentia_decision_free(decision);
    licentia_reservation_free(reservation);
    CHECK(licentia_gate_check_out(gate, TEXT(token), LITERAL("ada"), 3600, it->nothing, &decision, &seat) ==
          LICENTIA_OK);
    CHECK(licentia_decision_is_allowed(decision));
    licentia_decision_free(decision);
    first = licentia_seat_until(seat);
    CHECK(licentia_seat_heartbeat(seat, it->nothing, &decision) == LICENTIA_OK);
    CHECK(licentia_decision_is_allowed(decision) && licentia_seat_until(seat) >= first);
    licentia_decision_free(decision);
    CHECK(licentia_seat_release(seat) == LICENTIA_OK);
    licentia_seat_free(seat);
    licentia_gate_free(gate);
    licentia_request_free(request);
    licentia_string_free(token);
}

/* Receipts that were handed over: how many, and the last one. */
typedef struct handed {
    int count;
    size_t length;
    uint8_t last[4096];
} handed;

static void take_receipt(void *context, const uint8_t *receipt, size_t length) {
    handed *it = context;
    it->count++;
    it->length = length < sizeof it->last ? length : 0;
    memcpy(it->last, receipt, it->length);
}

static void receipts(const world *it, const char *folder) {
    licentia_signing_key *key;
    licentia_gate_builder *builder;
    licentia_receipts *receipts, *second;
    licentia_gate *gate;
    licentia_request *request;
    char path[512], beside[520], *pem, *token = issue_typical(it, 91);
    size_t length;
    uint8_t instance[32] = {0}, none[32] = {0};
    uint8_t *acknowledgement;
    handed handed = {0, 0, {0}};
    licentia_key *vendor, *other;

    snprintf(path, sizeof path, "%s/receipts.log", folder);
    snprintf(beside, sizeof beside, "%s.ack", path);
    remove(path);
    remove(beside);
    CHECK(licentia_signing_key_generate(&key) == LICENTIA_OK);
    CHECK(licentia_signing_key_pem(key, NULL, 0, &pem, &length) == LICENTIA_OK);
    CHECK(licentia_receipts_open(TEXT(path), LITERAL("no key"), &receipts) == LICENTIA_CODE_INVALID_KEY);
    CHECK(receipts == NULL);
    CHECK(licentia_receipts_open(TEXT(path), pem, length, &receipts) == LICENTIA_OK);
    CHECK(licentia_receipts_open(TEXT(path), pem, length, &second) == LICENTIA_CODE_STORE_UNREACHABLE);
    CHECK(licentia_receipts_instance(receipts, instance) == LICENTIA_OK && memcmp(instance, none, 32) != 0);

    builder = builder_of(it);
    CHECK(licentia_gate_builder_add_receipts(builder, receipts) == LICENTIA_OK);
    CHECK(licentia_gate_builder_add_receipts(builder, NULL) == ARGUMENT);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    CHECK(licentia_receipts_write(receipts, NOW, take_receipt, &handed) == LICENTIA_OK && handed.count == 0);
    CHECK(licentia_request_new(&request) == LICENTIA_OK);
    CHECK(licentia_request_add_meter(request, LITERAL("calls"), 3) == LICENTIA_OK);
    licentia_decision_free(check(gate, token, request));
    CHECK(licentia_receipts_write(receipts, NOW, NULL, NULL) == ARGUMENT);
    CHECK(licentia_receipts_write(receipts, NOW, take_receipt, &handed) == LICENTIA_OK && handed.count == 1);
    CHECK(licentia_receipts_write(receipts, NOW, take_receipt, &handed) == LICENTIA_OK && handed.count == 1);
    CHECK(licentia_receipts_unacknowledged(receipts, take_receipt, &handed) == LICENTIA_OK && handed.count == 2);
    CHECK(licentia_receipts_acknowledge(receipts, none, 32, NULL) == ARGUMENT);

    /* What the vendor has acknowledged need not be sent again. */
    CHECK(licentia_signing_key_public(it->license_key, &vendor) == LICENTIA_OK);
    CHECK(licentia_signing_key_public(it->revocation_key, &other) == LICENTIA_OK);
    CHECK(licentia_signing_key_acknowledge(it->license_key, handed.last, handed.length - 1, NOW, &acknowledgement,
                                           &length) == LICENTIA_CODE_RECEIPT_MALFORMED);
    CHECK(acknowledgement == NULL && length == 0);
    CHECK(licentia_signing_key_acknowledge(it->license_key, handed.last, handed.length, NOW, &acknowledgement,
                                           &length) == LICENTIA_OK);
    CHECK(licentia_receipts_acknowledge(receipts, acknowledgement, length, other) == LICENTIA_CODE_UNKNOWN_KEY);
    CHECK(licentia_receipts_unacknowledged(receipts, take_receipt, &handed) == LICENTIA_OK && handed.count == 3);
    CHECK(licentia_receipts_acknowledge(receipts, acknowledgement, length, vendor) == LICENTIA_OK);
    CHECK(licentia_receipts_unacknowledged(receipts, take_receipt, &handed) == LICENTIA_OK && handed.count == 3);
    licentia_bytes_free(acknowledgement);
    licentia_key_free(vendor);
    licentia_key_free(other);

    licentia_receipts_free(receipts);
    licentia_receipts_free(NULL);
    licentia_request_free(request);
    licentia_gate_free(gate);
    licentia_string_free(pem);
    licentia_string_free(token);
    licentia_signing_key_free(key);
    remove(path);
    remove(beside);
}

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : ".";
    char url[4200];
    world it = world_new();
    int at;
    snprintf(url, sizeof url, "sqlite:%s/store.db", folder);
    remove(url + strlen("sqlite:"));
    /* A file, and the servers that are named. */
    for (at = 1; at < argc || at == 1; at++) {
        const char *store = at == 1 ? url : argv[at];
        reservations(&it, store);
        shared(&it, store);
        forked(&it, store);
        seats(&it, store);
        printf("meters: on %s\n", store);
    }
    remove(url + strlen("sqlite:"));
    by_the_clock(&it);
    receipts(&it, folder);
    world_free(&it);
    return finish("meters");
}
