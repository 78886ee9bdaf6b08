/*
 * An API server's request check: server PUBLIC-KEY PORT [STORE-URL]
 *
 * Every request must carry a licence, as "Authorization: Bearer lic1_...". GET /exports needs the feature "export",
 * GET /audit the feature "audit"; each call is charged to the meter "calls" and the rate "api". One gate serves all
 * threads. With port 0 the system chooses one; it is printed. Counters are kept in memory, or in the store that a URL
 * names, such as sqlite:counters.db. SIGTERM ends it: it answers what it has begun, and gives back what it has taken
 * ahead of use.
 */

#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <licentia.h>

#define LITERAL(text) text, sizeof(text) - 1

/* A route, and what it needs of a licence. Requests are made once and shared by all threads. */
typedef struct route {
    const char *line, *feature;
    licentia_request *request;
} route;

static route routes[] = {{"GET /exports ", "export", NULL}, {"GET /audit ", "audit", NULL}};
enum { ROUTES = sizeof routes / sizeof *routes };

static licentia_gate *gate;

/* Connections that are being answered. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static int open_connections;
static volatile sig_atomic_t ending;
static int listener;

static void on_signal(int signal) {
    (void)signal;
    ending = 1;
    /* Ends the wait for a connection, also one that is only about to begin. */
    shutdown(listener, SHUT_RDWR);
}

static void count(int change) {
    pthread_mutex_lock(&lock);
    open_connections += change;
    pthread_cond_signal(&answered);
    pthread_mutex_unlock(&lock);
}

static void must(licentia_status status) {
    if (status != LICENTIA_OK) {
        fprintf(stderr, "%s: %s %s\n", licentia_status_name(status), licentia_status_message(status),
                licentia_status_advice(status));
        exit(EXIT_FAILURE);
    }
}

/* Every decision, as a line of JSON: who asked for what, and why it was answered so. */
static void on_event(void *context, const licentia_event *event) {
    char *json;
    size_t length;
    (void)context;
    if (licentia_event_json(event, &json, &length) == LICENTIA_OK) {
        fprintf(stderr, "%s\n", json);
        licentia_string_free(json);
    }
}

/* The licence of a request, or an empty text. */
static const char *bearer(const char *request, size_t *length) {
    static const char name[] = "\r\nAuthorization: Bearer ";
    const char *at = request;
    *length = 0;
    while ((at = strstr(at, "\r\n")) != NULL) {
        if (strncasecmp(at, name, sizeof name - 1) == 0) {
            at += sizeof name - 1;
            *length = strcspn(at, " \r\n");
            return at;
        }
        at += 2;
    }
    return "";
}

static void respond(FILE *out, const route *to, const char *request) {
    size_t token_len, headers_len, body_len;
    const char *token = bearer(request, &token_len);
    char *headers = NULL, *problem = NULL;
    licentia_decision *decision;

    /* "No" is a decision too. A status tells that this program is wrong. */
    if (licentia_gate_check(gate, token, token_len, to->request, &decision) != LICENTIA_OK ||
        licentia_decision_http_headers(decision, &headers, &headers_len) != LICENTIA_OK) {
        fputs("HTTP/1.1 500 Internal\r\ncontent-length: 0\r\n\r\n", out);
    } else if (licentia_decision_is_allowed(decision)) {
        const char *subject;
        size_t subject_len;
        must(licentia_license_subject(licentia_decision_license(decision), &subject, &subject_len));
        fprintf(out, "HTTP/1.1 200 OK\r\n%scontent-type: text/plain\r\ncontent-length: %zu\r\n\r\nhello %.*s\n", headers,
                subject_len + 7, (int)subject_len, subject);
    } else if (licentia_decision_problem(decision, &problem, &body_len) == LICENTIA_OK) {
        fprintf(out, "HTTP/1.1 %u Denied\r\n%scontent-type: application/problem+json\r\ncontent-length: %zu\r\n\r\n%s",
                (unsigned)licentia_decision_http_status(decision), headers, body_len, problem);
    }
    licentia_string_free(problem);
    licentia_string_free(headers);
    licentia_decision_free(decision);
}

static void *serve(void *argument) {
    int connection = *(int *)argument, at;
    char request[16384];
    size_t length = 0;
    FILE *out = fdopen(connection, "w");

    free(argument);
    if (out == NULL) {
        close(connection);
        count(-1);
        return NULL;
    }
    request[0] = '\0';
    while (strstr(request, "\r\n\r\n") == NULL && length < sizeof request - 1) {
        ssize_t got = read(connection, request + length, sizeof request - 1 - length);
        if (got <= 0) break;
        length += (size_t)got;
        request[length] = '\0';
    }
    for (at = 0; at < ROUTES; at++) {
        if (strncmp(request, routes[at].line, strlen(routes[at].line)) == 0) {
            respond(out, &routes[at], request);
            break;
        }
    }
    if (at == ROUTES) fputs("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", out);
    fclose(out);
    count(-1);
    return NULL;
}

static void prepare(const char *public_text, const char *store_url) {
    licentia_gate_builder *builder;
    licentia_key *key;
    licentia_store *store;
    int at;

    must(licentia_store_open(store_url, strlen(store_url), &store));
    must(licentia_key_from_text(public_text, strlen(public_text), &key));
    must(licentia_gate_builder_new(&builder));
    must(licentia_gate_builder_add_key(builder, key));
    must(licentia_gate_builder_set_issuer(builder, LITERAL("acme")));
    must(licentia_gate_builder_add_sink(builder, on_event, NULL, NULL));
    must(licentia_gate_builder_set_store(builder, store));
    must(licentia_gate_builder_build(builder, &gate));
    licentia_store_free(store);
    licentia_gate_builder_free(builder);
    licentia_key_free(key);
    for (at = 0; at < ROUTES; at++) {
        licentia_request **request = &routes[at].request;
        must(licentia_request_new(request));
        must(licentia_request_set_action(*request, routes[at].line, strlen(routes[at].line) - 1));
        must(licentia_request_add_feature(*request, routes[at].feature, strlen(routes[at].feature)));
        must(licentia_request_add_meter(*request, LITERAL("calls"), 1));
        must(licentia_request_add_rate(*request, LITERAL("api"), 1));
    }
}

/* Answers connections until a signal comes. */
static void accept_all(void) {
    /* When there are too many open files, it is of no use to ask again at once. */
    const struct timespec pause = {0, 10000000};
    while (!ending) {
        int connection = accept(listener, NULL, NULL), *argument = malloc(sizeof *argument);
        pthread_t thread;
        if (connection < 0 || argument == NULL) {
            if (connection >= 0) close(connection);
            else if (!ending && errno != EINTR && errno != ECONNABORTED) nanosleep(&pause, NULL);
            free(argument);
            continue;
        }
        *argument = connection;
        count(1);
        if (pthread_create(&thread, NULL, serve, argument) != 0) {
            close(connection);
            free(argument);
            count(-1);
            continue;
        }
        pthread_detach(thread);
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in address;
    struct sigaction action;
    socklen_t size = sizeof address;
    int at;

    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: %s PUBLIC-KEY PORT [STORE-URL]\n", argv[0]);
        return EXIT_FAILURE;
    }
    prepare(argv[1], argc == 4 ? argv[3] : "memory:");
    listener = socket(AF_INET, SOCK_STREAM, 0);
    signal(SIGPIPE, SIG_IGN);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((unsigned short)atoi(argv[2]));
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("server");
        return EXIT_FAILURE;
    }
    printf("%d\n", (int)ntohs(address.sin_port));
    fflush(stdout);
    accept_all();

    close(listener);
    pthread_mutex_lock(&lock);
    while (open_connections > 0) pthread_cond_wait(&answered, &lock);
    pthread_mutex_unlock(&lock);
    /* To free the gate would do so as well; this says whether it went well. */
    must(licentia_gate_settle(gate));
    licentia_gate_free(gate);
    for (at = 0; at < ROUTES; at++) licentia_request_free(routes[at].request);
    return EXIT_SUCCESS;
}
