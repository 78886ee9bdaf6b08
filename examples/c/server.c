/*
 * An API server's request check: server PUBLIC-KEY PORT
 *
 * Every request must carry a licence, as "Authorization: Bearer lic1_...". GET /exports needs the feature "export",
 * GET /audit the feature "audit"; each call is charged to the meter "calls" and the rate "api". One gate serves all
 * threads. With port 0 the system chooses one; it is printed.
 */

#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
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
        licentia_license_subject(licentia_decision_license(decision), &subject, &subject_len);
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
    return NULL;
}

static void prepare(const char *public_text) {
    licentia_gate_builder *builder;
    licentia_key *key;
    int at;

    must(licentia_key_from_text(public_text, strlen(public_text), &key));
    must(licentia_gate_builder_new(&builder));
    must(licentia_gate_builder_add_key(builder, key));
    must(licentia_gate_builder_set_issuer(builder, LITERAL("acme")));
    must(licentia_gate_builder_add_sink(builder, on_event, NULL, NULL));
    must(licentia_gate_builder_build(builder, &gate));
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

int main(int argc, char **argv) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (argc != 3) {
        fprintf(stderr, "usage: %s PUBLIC-KEY PORT\n", argv[0]);
        return EXIT_FAILURE;
    }
    prepare(argv[1]);
    signal(SIGPIPE, SIG_IGN);
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
    for (;;) {
        int *connection = malloc(sizeof *connection);
        pthread_t thread;
        if (connection == NULL) return EXIT_FAILURE;
        *connection = accept(listener, NULL, NULL);
        if (*connection < 0 || pthread_create(&thread, NULL, serve, connection) != 0) {
            free(connection);
            continue;
        }
        pthread_detach(thread);
    }
}
