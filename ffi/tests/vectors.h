/* Files of shared vectors, and what stands in them. */

#ifndef VECTORS_H
#define VECTORS_H

#include <jansson.h>
#include <licentia.h>

#include "check.h"

static const char *folder;
static char where[512];

static inline void fail(const char *expected, const char *found) {
    failures++;
    fprintf(stderr, "%s: expected %s, found %s\n", where, expected, found);
}

static inline void expect_name(const char *expected, licentia_code code) {
    const char *found = licentia_status_name(code);
    if (strcmp(expected, found) != 0) fail(expected, found);
}

/* The code that a status stands for. */
static inline licentia_code code_of(licentia_status status) {
    return status == LICENTIA_OK ? LICENTIA_CODE_ALLOWED : status;
}

static inline const char *text_of(const json_t *object, const char *name, size_t *length) {
    const json_t *value = json_object_get(object, name);
    *length = json_is_string(value) ? json_string_length(value) : 0;
    return json_string_value(value);
}

/* The JSON library takes no NUL in a name. Where a text has one, U+F123 takes its place until it is used. */
static inline void hide_nul(char *json) {
    char *at = json;
    while ((at = strstr(at, "\\u0000")) != NULL) memcpy(at, "\\uf123", 6);
}

/* A text as it stands in the file, in new memory: with its NUL, where it has one. */
static inline char *exact_text_of(const json_t *object, const char *name, size_t *length) {
    const char *text = text_of(object, name, length);
    size_t from = 0, to = 0;
    char *exact;
    if (text == NULL) return NULL;
    exact = malloc(*length + 1);
    while (from < *length) {
        if (*length - from >= 3 && memcmp(text + from, "\xef\x84\xa3", 3) == 0) {
            exact[to++] = '\0';
            from += 3;
        } else {
            exact[to++] = text[from++];
        }
    }
    exact[to] = '\0';
    *length = to;
    return exact;
}

static inline uint64_t number_of(const json_t *object, const char *name) {
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

/* Decodes hexadecimal digits into new memory. */
static inline uint8_t *unhex(const char *digits, size_t *length) {
    size_t count = strlen(digits) / 2, at;
    uint8_t *bytes = malloc(count + 1);
    for (at = 0; at < count; at++) {
        unsigned byte = 0;
        if (sscanf(digits + 2 * at, "%2x", &byte) != 1) exit(EXIT_FAILURE);
        bytes[at] = (uint8_t)byte;
    }
    *length = count;
    return bytes;
}

/* Decodes unpadded base64url into new memory. */
static inline uint8_t *unbase64url(const char *digits, size_t *length) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t count = strlen(digits), at, written = 0;
    uint8_t *bytes = malloc(count + 1);
    uint32_t bits = 0;
    int have = 0;
    for (at = 0; at < count; at++) {
        const char *found = strchr(alphabet, digits[at]);
        if (found == NULL) exit(EXIT_FAILURE);
        bits = bits << 6 | (uint32_t)(found - alphabet);
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes[written++] = (uint8_t)(bits >> have);
        }
    }
    *length = written;
    return bytes;
}

static inline int same_bytes(const char *hex, const uint8_t *bytes, size_t length) {
    size_t expected_length;
    uint8_t *expected = unhex(hex, &expected_length);
    int same = expected_length == length && memcmp(expected, bytes, length) == 0;
    free(expected);
    return same;
}

static inline char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text;
    long size;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    rewind(file);
    text = malloc((size_t)size + 1);
    if (fread(text, 1, (size_t)size, file) != (size_t)size) exit(EXIT_FAILURE);
    text[size] = '\0';
    fclose(file);
    return text;
}

static inline json_t *load(const char *name) {
    char path[4096], *text;
    json_error_t error;
    json_t *file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    text = read_file(path);
    CHECK(strstr(text, "\xef\x84\xa3") == NULL && strstr(text, "\\uf123") == NULL);
    hide_nul(text);
    file = json_loads(text, 0, &error);
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        exit(EXIT_FAILURE);
    }
    free(text);
    return file;
}

#endif
