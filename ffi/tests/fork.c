/* Forks while other threads use the stores: a child finds no lock taken, and ends its own gates. */

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define THREADS 4

static void pause_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

typedef struct work {
    const char *url;
    licentia_gate *gate;
    const char *token;
    volatile int stop;
} work;

static licentia_gate *gate_on(const world *it, const char *url, licentia_event_callback callback, void *context) {
    licentia_gate_builder *builder;
    licentia_gate *gate;
    licentia_key *key;
    licentia_store *store;
    CHECK(licentia_signing_key_public(it->license_key, &key) == LICENTIA_OK);
    CHECK(licentia_gate_builder_new(&builder) == LICENTIA_OK);
    CHECK(licentia_gate_builder_add_key(builder, key) == LICENTIA_OK);
    CHECK(licentia_store_open(TEXT(url), &store) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_store(builder, store) == LICENTIA_OK);
    licentia_store_free(store);
    if (callback != NULL) CHECK(licentia_gate_builder_add_sink(builder, callback, context, NULL) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    licentia_key_free(key);
    return gate;
}

static licentia_code ask(const licentia_gate *gate, const char *token, const char *job) {
    licentia_request *request;
    licentia_decision *decision;
    licentia_code code = LICENTIA_CODE_INVALID_ARGUMENT;
    if (licentia_request_new(&request) != LICENTIA_OK) return code;
    if (licentia_request_add_meter(request, LITERAL("calls"), 1) == LICENTIA_OK &&
        (job == NULL || licentia_request_set_job(request, TEXT(job)) == LICENTIA_OK) &&
        licentia_gate_check_at(gate, TEXT(token), request, NOW, 0, &decision) == LICENTIA_OK) {
        code = licentia_decision_code(decision);
        licentia_decision_free(decision);
    }
    licentia_request_free(request);
    return code;
}

/* Uses the store all the time: each job is a transaction, and each store that is opened and freed takes its locks.
 * SQLite's lock is not fair. Without pauses these threads can keep it from a child for longer than the store's five
 * seconds, above all under a sanitizer: the child then finds its store unreachable, and is right. */
static void *busy(void *context) {
    work *it = context;
    unsigned at = 0;
    char job[64];
    while (!it->stop) {
        licentia_store *store;
        snprintf(job, sizeof job, "%p-%u", (void *)&at, at);
        ask(it->gate, it->token, job);
        pause_ms(5);
        if (++at % 8 == 0 && licentia_store_open(TEXT(it->url), &store) == LICENTIA_OK) licentia_store_free(store);
    }
    return NULL;
}

/* Whether a child says that all was well, in time. */
static int well(pid_t child) {
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void children_count(const world *it, const char *url, int forks) {
    char *token = issue_typical(it, 7);
    work shared = {url, gate_on(it, url, NULL, NULL), token, 0};
    pthread_t threads[THREADS];
    int at;
    for (at = 0; at < THREADS; at++) CHECK(pthread_create(&threads[at], NULL, busy, &shared) == 0);
    for (at = 0; at < forks; at++) {
        pid_t child;
        fflush(NULL);
        child = fork();
        if (child == 0) {
            licentia_store *store;
            int good;
            alarm(30);
            good = licentia_gate_after_fork(shared.gate) == LICENTIA_OK;
            good = good && ask(shared.gate, token, NULL) == LICENTIA_CODE_ALLOWED;
            good = good && ask(shared.gate, token, "child") == LICENTIA_CODE_ALLOWED;
            good = good && licentia_store_open(TEXT(url), &store) == LICENTIA_OK;
            if (good) licentia_store_free(store);
            licentia_gate_free(shared.gate);
            execl("/bin/sh", "sh", "-c", good ? "exit 0" : "exit 1", (char *)NULL);
            _exit(EXIT_FAILURE);
        }
        CHECK(well(child));
    }
    shared.stop = 1;
    for (at = 0; at < THREADS; at++) CHECK(pthread_join(threads[at], NULL) == 0);
    CHECK(ask(shared.gate, token, NULL) == LICENTIA_CODE_ALLOWED);
    licentia_gate_free(shared.gate);
    licentia_string_free(token);
}

/* What a sink of the gate is told of, while the library's own thread is in it. */
typedef struct seen {
    volatile int calls;
    volatile int ended;
    volatile int after_end;
} seen;

static void slow_report(void *context, licentia_code code) {
    seen *it = context;
    (void)code;
    it->calls++;
    pause_ms(200);
    if (it->ended) it->after_end++;
}

/* A gate in a child waits for the child's own threads as one in its parent does, whatever those of the parent did. */
static void children_end_gates(const world *it) {
    seen parents = {0, 0, 0}, own = {0, 0, 0};
    char path[] = "target/c/fork-bundle";
    licentia_gate *gate;
    licentia_gate_builder *builder;
    licentia_key *root;
    licentia_watch *watch, *childs;
    licentia_refiller *refiller;
    size_t length;
    uint8_t *bundle = bundle_of(it, 1, NULL, &length);
    FILE *file = fopen(path, "wb");
    pid_t child;
    CHECK(file != NULL && fwrite(bundle, 1, length, file) == length && fclose(file) == 0);
    CHECK(licentia_signing_key_public(it->root, &root) == LICENTIA_OK);
    CHECK(licentia_gate_builder_new(&builder) == LICENTIA_OK);
    CHECK(licentia_gate_builder_set_keyset(builder, root, it->keyset, it->keyset_len) == LICENTIA_OK);
    CHECK(licentia_gate_builder_build(builder, &gate) == LICENTIA_OK);
    licentia_gate_builder_free(builder);
    licentia_key_free(root);
    CHECK(licentia_gate_watch_revocation(gate, TEXT(path), 10, slow_report, &parents, NULL, &watch) == LICENTIA_OK);
    CHECK(licentia_refiller_start(gate, 1, &refiller) == LICENTIA_OK);
    /* From now on the parent's watch is in its callback, and holds the gate. */
    file = fopen(path, "wb");
    CHECK(file != NULL && fputs("no bundle", file) >= 0 && fclose(file) == 0);
    while (parents.calls == 0) pause_ms(1);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        int good;
        alarm(30);
        good = licentia_gate_after_fork(gate) == LICENTIA_OK;
        /* The first look is the child's own thread's: the file is no bundle, and its callback is slow. */
        good = good && licentia_gate_watch_revocation(gate, LITERAL("/nowhere"), 10, slow_report, &own, NULL, &childs) ==
                           LICENTIA_CODE_STORE_UNREACHABLE;
        file = fopen(path, "wb");
        good = good && file != NULL && fwrite(bundle, 1, length, file) == length && fclose(file) == 0;
        good = good && licentia_gate_watch_revocation(gate, TEXT(path), 10, slow_report, &own, NULL, &childs) == LICENTIA_OK;
        file = good ? fopen(path, "wb") : NULL;
        good = good && file != NULL && fputs("no bundle", file) >= 0 && fclose(file) == 0;
        while (good && own.calls == 0) pause_ms(1);
        licentia_gate_free(gate);
        own.ended = 1;
        pause_ms(400);
        good = good && own.after_end == 0;
        execl("/bin/sh", "sh", "-c", good ? "exit 0" : "exit 1", (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    CHECK(well(child));
    licentia_watch_free(watch);
    licentia_refiller_free(refiller);
    licentia_gate_free(gate);
    licentia_bytes_free(bundle);
    remove(path);
}

int main(int argc, char **argv) {
    world it = world_new();
    char sqlite[1024];
    CHECK(argc == 3);
    snprintf(sqlite, sizeof sqlite, "sqlite:%s/fork.db", argv[1]);
    remove(sqlite + strlen("sqlite:"));
    children_count(&it, "memory:", 20);
    children_count(&it, sqlite, 25);
    children_count(&it, argv[2], 8);
    children_end_gates(&it);
    world_free(&it);
    return finish("fork");
}
