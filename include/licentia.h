/*
 * Licentia: decides offline whether a request to an API may go on.
 *
 * Made by `cargo xtask header`; do not edit.
 */

#ifndef LICENTIA_H
#define LICENTIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Rules for every function
 *
 * Names.      licentia_<noun>_<verb>. Arguments come in the order self, inputs, outputs.
 *
 * Handles.    A pointer to a struct that this header does not define. What makes one writes it to its last
 *             argument, and licentia_<noun>_free frees it, once. NULL may be freed.
 *
 * Status.     Most functions answer with a status. LICENTIA_OK is 1, so that memory that was only zeroed is no
 *             success. Any other status says why nothing was done; it is one of LICENTIA_CODE_* or one that is named
 *             with licentia_status. There is no "last error" to ask for.
 *
 * Outputs.    They are set to NULL or 0 on entry, and written only on LICENTIA_OK. No argument is both an input and an
 *             output, and no two of them share memory.
 *
 * Wrong use.  NULL where something is needed, a length over PTRDIFF_MAX, a misaligned pointer, text that is not
 *             UTF-8 and a number that no enumeration has are answered with LICENTIA_CODE_INVALID_ARGUMENT, which
 *             descriptions do not repeat. A handle that was freed, or a pointer to less memory than its length
 *             says, cannot be told, and must not be passed. A panic in the library ends at its border, with
 *             LICENTIA_INTERNAL.
 *
 * Text.       A pointer and a length in bytes, of UTF-8, which needs no NUL. NULL is good for a length of 0. What
 *             is passed is read or copied before the function returns, and never kept by its pointer.
 *
 * Given text. `char **` and `uint8_t **` outputs are given away: free them with licentia_string_free and
 *             licentia_bytes_free. A NUL stands behind them, which the length does not count. `const char **` and
 *             `const uint8_t **` outputs are lent, without a NUL, for as long as the function says.
 *
 * Threads.    Each type says what threads may do with one object. Different objects are independent. Functions
 *             that take no handle may be called at any time. To free is never safe while another thread uses it.
 *
 * Fork.       A child may go on with its parent's gates, after licentia_gate_after_fork, and with handles that do not
 *             change. It starts keepers and watches of its own: it has not its parent's threads, and leaves their
 *             handles alone, as it does the parent's seats, reservations and receipts. What it does not use any more
 *             it need not free.
 *
 * Time.       Seconds since 1970, in UTC, where nothing else is said.
 */

/* The version that this header is of: see licentia_version. */
#define LICENTIA_VERSION_MAJOR 0
#define LICENTIA_VERSION_MINOR 1
#define LICENTIA_VERSION_PATCH 0
#define LICENTIA_VERSION "0.1.0"
#define LICENTIA_VERSION_NUMBER \
    (LICENTIA_VERSION_MAJOR << 16 | LICENTIA_VERSION_MINOR << 8 | LICENTIA_VERSION_PATCH)

/* Define LICENTIA_NO_HOLDER where the library was built without proofs of possession and receipts. */
#if !defined(LICENTIA_NO_HOLDER)
#define LICENTIA_HOLDER
#endif

/* Define LICENTIA_NO_ISSUER where the library was built without what a vendor signs. */
#if !defined(LICENTIA_NO_ISSUER)
#define LICENTIA_ISSUER
#endif

/* What a call answers is to be looked at. Define it as nothing where a compiler shall not say so. */
#if !defined(LICENTIA_MUST_USE)
#if defined(__GNUC__)
#define LICENTIA_MUST_USE __attribute__((warn_unused_result))
#else
#define LICENTIA_MUST_USE
#endif
#endif

/* Codes, which never change their meaning: see licentia_status_message. */
/* The licence grants the request. */
#define LICENTIA_CODE_ALLOWED 0
/* The text is not a licence in its text form. */
#define LICENTIA_CODE_MALFORMED_TEXT 100
/* The token is longer than a licence may be. */
#define LICENTIA_CODE_TOKEN_TOO_LONG 101
/* No licence was presented. */
#define LICENTIA_CODE_MISSING_TOKEN 102
/* The token ends in the middle of a value. */
#define LICENTIA_CODE_TRUNCATED 110
/* Bytes follow the end of the token or of one of its parts. */
#define LICENTIA_CODE_TRAILING_BYTES 111
/* The token has a number or length that is not in its one shortest form. */
#define LICENTIA_CODE_NOT_DETERMINISTIC 112
/* The token has map keys that are out of order. */
#define LICENTIA_CODE_UNSORTED_KEYS 113
/* The token has a map key twice. */
#define LICENTIA_CODE_DUPLICATE_KEY 114
/* The token has a float, tag or simple value that no licence may hold. */
#define LICENTIA_CODE_FORBIDDEN_ITEM 115
/* The token has a value of the wrong type. */
#define LICENTIA_CODE_WRONG_TYPE 116
/* The token has a text that is not UTF-8. */
#define LICENTIA_CODE_INVALID_UTF8 117
/* The token is nested too deep or has too many values. */
#define LICENTIA_CODE_TOO_COMPLEX 118
/* The token is not a signed licence (COSE_Sign1). */
#define LICENTIA_CODE_MALFORMED_FRAME 120
/* The token has header parameters that its signature does not cover. */
#define LICENTIA_CODE_UNPROTECTED_HEADER 121
/* The token is of another kind than a licence. */
#define LICENTIA_CODE_WRONG_TYP 122
/* The token requires a header extension that this version does not know. */
#define LICENTIA_CODE_UNKNOWN_CRITICAL 123
/* A required header parameter, claim or grant field is missing. */
#define LICENTIA_CODE_MISSING_FIELD 130
/* A value in the token is out of range. */
#define LICENTIA_CODE_INVALID_VALUE 131
/* The licence uses a schema that this version does not know. */
#define LICENTIA_CODE_UNSUPPORTED_SCHEMA 132
/* The licence has a mandatory field that this version does not know. */
#define LICENTIA_CODE_UNKNOWN_CRITICAL_FIELD 133
/* The licence is bound to its holder in a way that this version does not know. */
#define LICENTIA_CODE_UNSUPPORTED_CONFIRMATION 134
/* The licence is signed with a key that is not known here. */
#define LICENTIA_CODE_UNKNOWN_KEY 200
/* The licence names another algorithm than its key is for. */
#define LICENTIA_CODE_ALGORITHM_MISMATCH 201
/* The signature does not fit: the licence was altered or forged. */
#define LICENTIA_CODE_BAD_SIGNATURE 202
/* The key that signed the licence was revoked. */
#define LICENTIA_CODE_KEY_REVOKED 203
/* The licence was issued when its key was not in use. */
#define LICENTIA_CODE_KEY_NOT_ACTIVE 204
/* The key that signed the licence may not grant this. */
#define LICENTIA_CODE_KEY_OUT_OF_SCOPE 205
/* The keyset has expired. */
#define LICENTIA_CODE_KEYSET_EXPIRED 206
/* The keyset is older than one that was loaded before. */
#define LICENTIA_CODE_KEYSET_ROLLBACK 207
/* Two different keysets have the same sequence number. */
#define LICENTIA_CODE_KEYSET_EQUIVOCATION 208
/* The licence is not valid yet. */
#define LICENTIA_CODE_NOT_YET_VALID 300
/* The licence has expired. */
#define LICENTIA_CODE_EXPIRED 301
/* The licence was issued later than this machine's time. */
#define LICENTIA_CODE_ISSUED_IN_FUTURE 302
/* This machine's clock was set back. */
#define LICENTIA_CODE_CLOCK_ROLLBACK 303
/* The licence is from another issuer. */
#define LICENTIA_CODE_ISSUER_MISMATCH 400
/* The licence is not meant for this service. */
#define LICENTIA_CODE_AUDIENCE_MISMATCH 401
/* The feature is not part of the licence. */
#define LICENTIA_CODE_FEATURE_NOT_LICENSED 410
/* The feature has ended, while the licence goes on. */
#define LICENTIA_CODE_FEATURE_EXPIRED 411
/* The release is newer than the licence covers. */
#define LICENTIA_CODE_RELEASE_NOT_COVERED 412
/* The licence covers releases up to a date, and the request does not say which one runs. */
#define LICENTIA_CODE_RELEASE_REQUIRED 413
/* The licence is bound to machines, and the request does not say which this is. */
#define LICENTIA_CODE_NODE_REQUIRED 420
/* The licence is bound to other machines. */
#define LICENTIA_CODE_NODE_MISMATCH 421
/* The licence is bound to its holder's key, and the request has no proof. */
#define LICENTIA_CODE_PROOF_REQUIRED 430
/* The proof of possession is not well-formed. */
#define LICENTIA_CODE_PROOF_MALFORMED 431
/* The proof is not signed with the key that the licence is bound to. */
#define LICENTIA_CODE_PROOF_BAD_SIGNATURE 432
/* The proof was made for another licence. */
#define LICENTIA_CODE_PROOF_WRONG_LICENSE 433
/* The proof was made for another method. */
#define LICENTIA_CODE_PROOF_WRONG_METHOD 434
/* The proof was made for another URI. */
#define LICENTIA_CODE_PROOF_WRONG_URI 435
/* The proof was made for another body. */
#define LICENTIA_CODE_PROOF_WRONG_BODY 436
/* The proof is too old. */
#define LICENTIA_CODE_PROOF_STALE 437
/* The proof was made later than this machine's time. */
#define LICENTIA_CODE_PROOF_IN_FUTURE 438
/* The proof was used before. */
#define LICENTIA_CODE_PROOF_REPLAYED 439
/* Too many proofs are remembered to tell a replay. */
#define LICENTIA_CODE_PROOF_CACHE_FULL 440
/* The licence was revoked. */
#define LICENTIA_CODE_REVOKED 500
/* The licence was revoked by a rule. */
#define LICENTIA_CODE_REVOKED_BY_RULE 501
/* What is known of revocations is older than the licence accepts. */
#define LICENTIA_CODE_REVOCATION_STALE 510
/* The revocation bundle has expired. */
#define LICENTIA_CODE_REVOCATION_EXPIRED 511
/* The revocation bundle is not well-formed. */
#define LICENTIA_CODE_BUNDLE_MALFORMED 520
/* The revocation bundle is not signed with a revocation key that is in use. */
#define LICENTIA_CODE_BUNDLE_UNTRUSTED 521
/* The revocation bundle was altered or forged. */
#define LICENTIA_CODE_BUNDLE_BAD_SIGNATURE 522
/* The revocation bundle is older than one that was loaded before. */
#define LICENTIA_CODE_BUNDLE_ROLLBACK 523
/* Two different revocation bundles have the same sequence number. */
#define LICENTIA_CODE_BUNDLE_EQUIVOCATION 524
/* The delta is for another bundle than the one that is loaded. */
#define LICENTIA_CODE_BUNDLE_WRONG_BASE 525
/* The delta does not lead to the state that it names. */
#define LICENTIA_CODE_BUNDLE_WRONG_ROOT 526
/* Requests come faster than the licence allows. */
#define LICENTIA_CODE_RATE_LIMITED 600
/* The licence has no such rate. */
#define LICENTIA_CODE_RATE_NOT_LICENSED 601
/* The quota of this period is used up. */
#define LICENTIA_CODE_QUOTA_EXCEEDED 610
/* The licence has no quota for this meter. */
#define LICENTIA_CODE_METER_NOT_LICENSED 611
/* The counters are out of reach. */
#define LICENTIA_CODE_STORE_UNREACHABLE 620
/* Every seat of the licence is taken. */
#define LICENTIA_CODE_SEATS_TAKEN 630
/* The licence has no seats. */
#define LICENTIA_CODE_SEATS_NOT_LICENSED 631
/* The receipt, or the log that it is in, is not well-formed. */
#define LICENTIA_CODE_RECEIPT_MALFORMED 640
/* The receipt or acknowledgement was altered or forged. */
#define LICENTIA_CODE_RECEIPT_FORGED 641
/* The receipt is of an instance that was not expected. */
#define LICENTIA_CODE_RECEIPT_FOREIGN 642
/* Receipts of the instance are missing. */
#define LICENTIA_CODE_RECEIPT_GAP 643
/* Two different receipts of the instance have the same sequence number. */
#define LICENTIA_CODE_RECEIPT_FORK 644
/* The instance was set back to an older state. */
#define LICENTIA_CODE_RECEIPT_ROLLBACK 645
/* The public key is of small order: anybody could forge its signatures. */
#define LICENTIA_CODE_WEAK_KEY 800
/* The public key is not well-formed. */
#define LICENTIA_CODE_INVALID_KEY 801
/* An argument is out of its range. */
#define LICENTIA_CODE_INVALID_ARGUMENT 802
/* The job was charged before with another cost. */
#define LICENTIA_CODE_JOB_COST_DIFFERS 803


/**
 * Number of the ABI: it grows when a function changes or goes.
 */
#define LICENTIA_ABI_VERSION 0

/**
 * In place of a number that is not there.
 */
#define LICENTIA_NONE UINT64_MAX

/**
 * It never starts anew.
 */
#define LICENTIA_PERIOD_LIFETIME 0

/**
 * A minute.
 */
#define LICENTIA_PERIOD_MINUTE 1

/**
 * An hour.
 */
#define LICENTIA_PERIOD_HOUR 2

/**
 * A day in UTC.
 */
#define LICENTIA_PERIOD_DAY 3

/**
 * An ISO week, from Monday on.
 */
#define LICENTIA_PERIOD_WEEK 4

/**
 * A calendar month.
 */
#define LICENTIA_PERIOD_MONTH 5

/**
 * A calendar year.
 */
#define LICENTIA_PERIOD_YEAR 6

/**
 * So many seconds, counted from the anchor.
 */
#define LICENTIA_PERIOD_FIXED 7

/**
 * A month from the day and time of the anchor on.
 */
#define LICENTIA_PERIOD_MONTH_FROM 8

/**
 * A year from the date and time of the anchor on.
 */
#define LICENTIA_PERIOD_YEAR_FROM 9

/**
 * What is denied is denied.
 */
#define LICENTIA_MODE_ENFORCE 0

/**
 * Everything is allowed; decisions and events say what would have been denied.
 */
#define LICENTIA_MODE_ADVISORY 1

/**
 * The contract runs.
 */
#define LICENTIA_STATE_ACTIVE 1

/**
 * The contract has ended, and the licence has not: time to renew.
 */
#define LICENTIA_STATE_GRACE 2

/**
 * A quota is used up, and the contract lets it go on.
 */
#define LICENTIA_STATE_OVERAGE 3

/**
 * It would have been denied by a gate that enforces.
 */
#define LICENTIA_STATE_ADVISORY 4

/**
 * A charge counts requests against a rate.
 */
#define LICENTIA_UNIT_RATE 1

/**
 * A charge counts units of a quota.
 */
#define LICENTIA_UNIT_QUOTA 2

/**
 * A charge counts seats that are taken at the same time.
 */
#define LICENTIA_UNIT_SEAT 3

/**
 * A feature is licensed, and that is all.
 */
#define LICENTIA_VALUE_TRUE 1

/**
 * A feature's value is a number.
 */
#define LICENTIA_VALUE_INT 2

/**
 * A feature's value is a text.
 */
#define LICENTIA_VALUE_TEXT 3

#if defined(LICENTIA_ISSUER)
/**
 * It was paid for.
 */
#define LICENTIA_KIND_PAID 0
#endif

#if defined(LICENTIA_ISSUER)
/**
 * It is a trial.
 */
#define LICENTIA_KIND_TRIAL 1
#endif

#if defined(LICENTIA_ISSUER)
/**
 * It is for developers.
 */
#define LICENTIA_KIND_DEVELOPER 2
#endif

#if defined(LICENTIA_ISSUER)
/**
 * It is for the vendor itself.
 */
#define LICENTIA_KIND_INTERNAL 3
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Beyond a quota's limit, requests are denied.
 */
#define LICENTIA_OVERAGE_DENY 0
#endif

#if defined(LICENTIA_ISSUER)
/**
 * They go on, flagged, up to a hard limit.
 */
#define LICENTIA_OVERAGE_UP_TO 1
#endif

#if defined(LICENTIA_ISSUER)
/**
 * They go on, flagged.
 */
#define LICENTIA_OVERAGE_UNLIMITED 2
#endif

#if defined(LICENTIA_ISSUER)
/**
 * The revocation bundle is older than it may be.
 */
#define LICENTIA_DOUBT_REVOCATION 0
#endif

#if defined(LICENTIA_ISSUER)
/**
 * The clock looks wrong.
 */
#define LICENTIA_DOUBT_CLOCK 1
#endif

#if defined(LICENTIA_ISSUER)
/**
 * The store is out of reach.
 */
#define LICENTIA_DOUBT_STORE 2
#endif

#if defined(LICENTIA_ISSUER)
/**
 * In doubt, requests are denied. So it is where nothing is said.
 */
#define LICENTIA_ACTION_DENY 0
#endif

#if defined(LICENTIA_ISSUER)
/**
 * They go on, flagged, for some time.
 */
#define LICENTIA_ACTION_WARN 1
#endif

#if defined(LICENTIA_ISSUER)
/**
 * They go on.
 */
#define LICENTIA_ACTION_ALLOW 2
#endif

#if defined(LICENTIA_ISSUER)
/**
 * A revoked licence is refused.
 */
#define LICENTIA_EFFECT_DENY 0
#endif

#if defined(LICENTIA_ISSUER)
/**
 * It is allowed, and flagged, until a time.
 */
#define LICENTIA_EFFECT_WARN 1
#endif

#if defined(LICENTIA_ISSUER)
/**
 * It is in grace until a time.
 */
#define LICENTIA_EFFECT_GRACE 2
#endif

#if defined(LICENTIA_ISSUER)
/**
 * A revocation bundle before it is signed. One thread uses it at a time.
 */
typedef struct licentia_bundle licentia_bundle;
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Every version of every tier that a vendor sells. It does not change: threads may share it.
 */
typedef struct licentia_catalogue licentia_catalogue;
#endif

/**
 * What a gate says to a request: whether it may go on, and why. It does not change: threads may share it. It
 * borrows from its gate and request, and is freed before them.
 */
typedef struct licentia_decision licentia_decision;

#if defined(LICENTIA_ISSUER)
/**
 * A licence before it is signed. One thread uses it at a time.
 */
typedef struct licentia_draft licentia_draft;
#endif

/**
 * A decision and its circumstances. It lives while its callback runs.
 */
typedef struct licentia_event licentia_event;

/**
 * Decides whether requests may go on. Threads share it: they may check, and load keysets and bundles, at once.
 */
typedef struct licentia_gate licentia_gate;

/**
 * What a gate will be made of. One thread uses it at a time.
 */
typedef struct licentia_gate_builder licentia_gate_builder;

#if defined(LICENTIA_HOLDER)
/**
 * A holder's private key, which is overwritten when it is freed. It does not change: threads may share it.
 */
typedef struct licentia_holder licentia_holder;
#endif

#if defined(LICENTIA_ISSUER)
/**
 * A vendor that issues licences under one name and key. It does not change: threads may share it.
 */
typedef struct licentia_issuer licentia_issuer;
#endif

/**
 * A thread that fetches units of quotas before those at hand are used up, so that no request waits for the store, and
 * gives back those that nobody uses. One thread uses the handle at a time.
 */
typedef struct licentia_keeper licentia_keeper;

/**
 * A public key that licences, keysets or bundles are signed with. It does not change: threads may share it.
 */
typedef struct licentia_key licentia_key;

/**
 * What a keyset that the root key signed says. It does not change: threads may share it.
 */
typedef struct licentia_keyset licentia_keyset;

/**
 * A licence that was verified: a view of its decision, which lives as long. Threads may share it.
 */
typedef struct licentia_license licentia_license;

#if defined(LICENTIA_HOLDER)
/**
 * Counts what gates grant, and writes it down as signed receipts in a log of this instance's own. Threads may share
 * it; a child after fork must not use its parent's.
 */
typedef struct licentia_receipts licentia_receipts;
#endif

/**
 * What a request needs of a licence. Make one for each kind of request and use it again: while nobody changes
 * it, threads may share it.
 */
typedef struct licentia_request licentia_request;

/**
 * Units of meters that are reserved. It borrows from nothing. One thread uses it at a time.
 */
typedef struct licentia_reservation licentia_reservation;

/**
 * A seat of a licence that is held. It borrows from its gate, and is freed before it. One thread uses it at a time.
 */
typedef struct licentia_seat licentia_seat;

#if defined(LICENTIA_ISSUER)
/**
 * A vendor's private key, which is overwritten when it is freed. It does not change: threads may share it.
 */
typedef struct licentia_signing_key licentia_signing_key;
#endif

/**
 * Where counters and marks are kept. Threads and gates may share it; a gate keeps it open by itself.
 */
typedef struct licentia_store licentia_store;

/**
 * A file with a revocation bundle that is watched. One thread uses it at a time.
 */
typedef struct licentia_watch licentia_watch;

/**
 * What a function answers: `LICENTIA_OK`, or why it did nothing. Memory that was only zeroed is no success.
 */
typedef uint32_t licentia_status;

/**
 * Called with an event.
 */
typedef void (*licentia_event_callback)(void *context, const licentia_event *event);

/**
 * Called once with a context that is no longer used.
 */
typedef void (*licentia_free_callback)(void *context);

/**
 * Why a request was allowed or denied, or what is wrong with a call: one of `LICENTIA_CODE_*`.
 */
typedef uint32_t licentia_code;

/**
 * Called with what is wrong with a file that is watched.
 */
typedef void (*licentia_watch_callback)(void *context, licentia_code code);

/**
 * What a rate or meter was asked for and has left. What is not there is LICENTIA_NONE.
 */
typedef struct {
  /**
   * Name of the rate or meter, which lives as long as the request; UTF-8 without a NUL.
   */
  const char *name;
  /**
   * Length of the name, in bytes.
   */
  size_t name_len;
  /**
   * Which of the two it is: one of LICENTIA_UNIT_*.
   */
  uint32_t unit;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * What the request costs.
   */
  uint64_t cost;
  /**
   * Requests of a full burst, or units of a period.
   */
  uint64_t limit;
  /**
   * Length of the window in seconds; none where a period's length varies.
   */
  uint64_t window;
  /**
   * What is left after this request.
   */
  uint64_t remaining;
  /**
   * Milliseconds until everything is there again; none for a quota for life.
   */
  uint64_t reset_ms;
  /**
   * Milliseconds until the same request may be granted, where it was not and waiting helps.
   */
  uint64_t retry_after_ms;
} licentia_charge;

/**
 * A feature of a licence.
 */
typedef struct {
  /**
   * What its value is: one of LICENTIA_VALUE_*.
   */
  uint32_t kind;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Its value where that is a number, else 0.
   */
  int64_t number;
  /**
   * Its value where that is a text, which lives as long as the decision, else NULL; UTF-8 without a NUL.
   */
  const char *text;
  /**
   * Length of the text, in bytes.
   */
  size_t text_len;
  /**
   * When it ends, in seconds since 1970, if before the licence does; else LICENTIA_NONE.
   */
  uint64_t expires;
} licentia_feature;

#if defined(LICENTIA_HOLDER)
/**
 * Called with a receipt, which lives until it returns.
 */
typedef void (*licentia_receipt_callback)(void *context, const uint8_t *receipt, size_t receipt_len);
#endif

/**
 * The function did what it says, and wrote its outputs.
 */
#define LICENTIA_OK 1

/**
 * What was asked for is not there, such as a claim that the licence has not.
 */
#define LICENTIA_ABSENT 2

/**
 * An error of the library's own: a panic was stopped. What was passed can only be freed.
 */
#define LICENTIA_INTERNAL 900

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Version of the library in use, such as "0.1.0": `LICENTIA_VERSION` of its own header. It lives for ever.
 */
const char *licentia_version(void);

/**
 * The same as a number that grows with it: `LICENTIA_VERSION_NUMBER` of its own header.
 */
uint32_t licentia_version_number(void);

/**
 * Number of the ABI, which the shared library's name ends in: `LICENTIA_ABI_VERSION` of its own header.
 */
uint32_t licentia_abi_version(void);

/**
 * Name of a status or code in snake_case; "unknown" for a number that is none. It lives for ever.
 */
const char *licentia_status_name(licentia_status status);

/**
 * What a status or code says, as a sentence; "unknown" for a number that is none. It lives for ever.
 */
const char *licentia_status_message(licentia_status status);

/**
 * What to do about a status or code, as a sentence; "unknown" for a number that is none. It lives for ever.
 */
const char *licentia_status_advice(licentia_status status);

/**
 * Frees text that a function gave away, after it was overwritten. NULL is ignored.
 */
void licentia_string_free(char *text);

/**
 * Frees bytes that a function gave away, after they were overwritten. NULL is ignored.
 */
void licentia_bytes_free(uint8_t *bytes);

/**
 * Reads a public key in its text form, `licpub1_...`, as `licentia keygen` writes it.
 *
 * Errors: INVALID_KEY, WEAK_KEY.
 */
LICENTIA_MUST_USE
licentia_status licentia_key_from_text(const char *text_form, size_t text_form_len, licentia_key **key);

/**
 * Makes a public key of an Ed25519 key of 32 bytes and an identifier of 1 to 32 bytes.
 *
 * Errors: INVALID_KEY, WEAK_KEY, INVALID_ARGUMENT for the identifier.
 */
LICENTIA_MUST_USE
licentia_status licentia_key_from_ed25519(const uint8_t *kid,
                                          size_t kid_len,
                                          const uint8_t *public_key,
                                          licentia_key **key);

/**
 * Frees a key. NULL is ignored.
 */
void licentia_key_free(licentia_key *key);

/**
 * Gives the text form, `licpub1_...`; free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_key_text(const licentia_key *key, char **text_form, size_t *text_form_len);

/**
 * Gives the key's identifier, which lives as long as the key.
 */
LICENTIA_MUST_USE
licentia_status licentia_key_kid(const licentia_key *key, const uint8_t **kid, size_t *kid_len);

/**
 * Gives the 32 bytes of the Ed25519 key, which live as long as the key.
 */
LICENTIA_MUST_USE
licentia_status licentia_key_bytes(const licentia_key *key,
                                   const uint8_t **public_key,
                                   size_t *public_key_len);

/**
 * Reads a keyset that the root key must have signed.
 *
 * Errors: a code of group 1xx or 2xx.
 */
LICENTIA_MUST_USE
licentia_status licentia_keyset_read(const licentia_key *root,
                                     const uint8_t *signed_keyset,
                                     size_t signed_keyset_len,
                                     licentia_keyset **keyset);

/**
 * Frees a keyset. NULL is ignored.
 */
void licentia_keyset_free(licentia_keyset *keyset);

/**
 * Gives the sequence number, the time of issue and the first second that is too late, in seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_keyset_times(const licentia_keyset *keyset,
                                      uint64_t *sequence,
                                      uint64_t *issued_at,
                                      uint64_t *expires);

/**
 * Gives a copy of the key at an index from 0 on; free it with licentia_key_free. ABSENT ends the list.
 */
LICENTIA_MUST_USE
licentia_status licentia_keyset_key(const licentia_keyset *keyset, size_t index, licentia_key **key);

/**
 * Decodes the text form of a licence, `lic1_...`; free the bytes with licentia_bytes_free.
 *
 * Errors: MALFORMED_TEXT, TOKEN_TOO_LONG.
 */
LICENTIA_MUST_USE
licentia_status licentia_token_decode(const char *token,
                                      size_t token_len,
                                      uint8_t **decoded,
                                      size_t *decoded_len);

/**
 * Gives the text form of a licence's bytes, which are not looked at; free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_token_encode(const uint8_t *decoded,
                                      size_t decoded_len,
                                      char **token,
                                      size_t *token_len);

/**
 * Gives what a licence claims, as a JSON object, without a look at its signature: to show it, never to decide.
 * Free it with licentia_string_free.
 *
 * Errors: a code of group 1xx.
 */
LICENTIA_MUST_USE
licentia_status licentia_token_unverified_json(const char *token,
                                               size_t token_len,
                                               char **json,
                                               size_t *json_len);

/**
 * Gives the window of a period that a time falls into: its first second, and the first one after it, or
 * LICENTIA_NONE. `seconds` is read for FIXED alone, where it is at least 1, and `anchor` for that and the two
 * after it. All times are seconds since 1970.
 *
 * Errors: INVALID_ARGUMENT for another period.
 */
LICENTIA_MUST_USE
licentia_status licentia_period_window(uint32_t period,
                                       uint64_t seconds,
                                       uint64_t anchor,
                                       uint64_t time,
                                       uint64_t *start,
                                       uint64_t *end);

/**
 * Opens the store that a URL names, of a kind that the library was built with:
 *
 * - `memory:`, for this process alone, and gone with it;
 * - `sqlite:PATH`, a file that processes of one machine share;
 * - `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]` and `unix:///PATH`, a Redis or Valkey server that machines share.
 *
 * Errors: INVALID_ARGUMENT for a kind of store that this build does not know, STORE_UNREACHABLE.
 */
LICENTIA_MUST_USE
licentia_status licentia_store_open(const char *url,
                                    size_t url_len,
                                    licentia_store **store);

/**
 * Frees a store; gates that were built with it go on with it. NULL is ignored.
 */
void licentia_store_free(licentia_store *store);

/**
 * Makes a builder.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_new(licentia_gate_builder **builder);

/**
 * Frees a builder. NULL is ignored.
 */
void licentia_gate_builder_free(licentia_gate_builder *builder);

/**
 * Trusts a key, which is copied. There may be several.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_add_key(licentia_gate_builder *builder, const licentia_key *key);

/**
 * Trusts the keys of a keyset that the root key signed, and of newer ones: see licentia_gate_load_keyset. Both
 * are copied; the keyset is read when the gate is built.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_keyset(licentia_gate_builder *builder,
                                                 const licentia_key *root,
                                                 const uint8_t *signed_keyset,
                                                 size_t signed_keyset_len);

/**
 * Refuses what a revocation bundle revokes, and what newer ones do: see licentia_gate_load_revocation. It is
 * copied, and read when the gate is built.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_revocation(licentia_gate_builder *builder,
                                                     const uint8_t *bundle,
                                                     size_t bundle_len);

/**
 * Requires this issuer.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_issuer(licentia_gate_builder *builder,
                                                 const char *issuer,
                                                 size_t issuer_len);

/**
 * Names this service, for licences that name the services they are for.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_audience(licentia_gate_builder *builder,
                                                   const char *audience,
                                                   size_t audience_len);

/**
 * Enforces decisions, or only says what they would have been: one of LICENTIA_MODE_*.
 *
 * Errors: INVALID_ARGUMENT for another number.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_mode(licentia_gate_builder *builder, uint32_t mode);

/**
 * Tolerates that the issuer's clock is ahead by this many seconds; 60 where it is not said.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_skew(licentia_gate_builder *builder, uint64_t seconds);

/**
 * How old a proof of possession may be, in seconds; 60 where it is not said.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_proof_age(licentia_gate_builder *builder, uint64_t seconds);

/**
 * How many proofs are remembered against replay; when it is full, further ones are refused. 65,536 where it is
 * not said.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_replay_capacity(licentia_gate_builder *builder,
                                                          size_t proofs);

/**
 * How many verified tokens are kept; 16,384 where it is not said, at most 16,777,216.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_cache_capacity(licentia_gate_builder *builder, size_t tokens);

/**
 * Spends up to so many bytes on tables for each key that signs licences, and once more for all, which halves the time
 * of a token that was not seen before: 700000 make it fastest, 220160 nearly so, 81920 are the least. Without it there
 * are no tables.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_prepare(licentia_gate_builder *builder,
                                                  size_t bytes_per_key);

/**
 * Refuses licences, as their policy for stale revocations says, while there is no revocation bundle of their issuer.
 * Without it a gate that has no bundle, as after a restart before one is loaded, takes nothing to be revoked.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_require_revocation(licentia_gate_builder *builder);

/**
 * Counts rates with all processes that have the same store, and not for this one alone.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_share_rates(licentia_gate_builder *builder);

/**
 * Where counters and marks are kept; in memory where it is not said.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_store(licentia_gate_builder *builder, const licentia_store *store);

/**
 * Calls a function with every decision. There may be several.
 *
 * It is called by whichever thread checks, by several at once, before licentia_gate_check returns: it must
 * return at once, not block, not throw and not jump. The event lives until it returns. `context` is passed
 * along, and where `free_context` is not NULL, that is called with it when the last of the builder and its gates
 * is freed, or at once where this call is refused.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_add_sink(licentia_gate_builder *builder,
                                               licentia_event_callback callback,
                                               void *context,
                                               licentia_free_callback free_context);

/**
 * Makes a gate; free it with licentia_gate_free. The builder stays as it is, and can make another one.
 *
 * Errors: INVALID_ARGUMENT where there is no key to trust, too little space to prepare one, or a cache that would be too
 * large to have, else as licentia_gate_load_keyset and licentia_gate_load_revocation.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_build(const licentia_gate_builder *builder,
                                            licentia_gate **gate);

/**
 * Frees a gate, after every decision and seat that it made. What was taken ahead and not used is given back to the
 * store, and its sinks end, before this returns: where a keeper or a watch is at work for it, this waits. In a
 * watch's callback it ends when the callback has returned. NULL is ignored.
 */
void licentia_gate_free(licentia_gate *gate);

/**
 * Decides now whether a request that came with `token` (a licence's text form) may go on; free the decision with
 * licentia_decision_free, before the gate and the request.
 *
 * "No" is a decision as well: the status is LICENTIA_OK. A token that is no licence is denied, whatever its
 * bytes are.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_check(const licentia_gate *gate,
                                    const char *token,
                                    size_t token_len,
                                    const licentia_request *request,
                                    licentia_decision **decision);

/**
 * Decides as licentia_gate_check, at a time that the caller gives: for simulations and tests.
 *
 * `seconds` is the wall clock, in seconds since 1970; `monotonic_nanos` is a clock that only advances, in
 * nanoseconds since a moment of its own.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_check_at(const licentia_gate *gate,
                                       const char *token,
                                       size_t token_len,
                                       const licentia_request *request,
                                       uint64_t seconds,
                                       uint64_t monotonic_nanos,
                                       licentia_decision **decision);

/**
 * Frees a decision. NULL is ignored.
 */
void licentia_decision_free(licentia_decision *decision);

/**
 * Replaces the keys by those of a newer keyset, at once for all threads. `changed` tells whether it is another
 * one than the one in use. Needs a gate that was built with a keyset.
 *
 * Errors: a code of group 1xx or 2xx for a keyset that is not good, in particular KEYSET_ROLLBACK and
 * KEYSET_EQUIVOCATION; STORE_UNREACHABLE where it cannot be remembered. The keys in use then stay.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_load_keyset(const licentia_gate *gate,
                                          const uint8_t *signed_keyset,
                                          size_t signed_keyset_len,
                                          bool *changed);

/**
 * Loads a newer revocation bundle, or a delta on the one in use, at once for all threads. `changed` tells
 * whether it is another one than the one in use. Needs a keyset with a revocation key.
 *
 * Errors: BUNDLE_MALFORMED to BUNDLE_WRONG_ROOT (520 to 526) for a bundle that is not good, WRONG_TYP for what is
 * none, KEY_NOT_ACTIVE or KEY_REVOKED for one of a key that is out of use, STORE_UNREACHABLE where it cannot be
 * remembered. The bundle in use then stays.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_load_revocation(const licentia_gate *gate,
                                              const uint8_t *bundle,
                                              size_t bundle_len,
                                              bool *changed);

/**
 * Gives everything back to the store that was taken ahead and not used. Counting goes on. Freeing a gate does this by
 * itself; call it before a process ends in another way.
 *
 * Errors: STORE_UNREACHABLE; then these units are lost, and never granted twice.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_settle(const licentia_gate *gate);

/**
 * Makes a gate safe to use in a child after `fork`: what the parent had taken ahead stays the parent's. Call it first,
 * while the child has one thread, and before the gate is freed there.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_after_fork(const licentia_gate *gate);

/**
 * Loads a revocation bundle from a file now, and again whenever the file has changed, looking every
 * `interval_ms` milliseconds. Replace the file by renaming another one over it. What later goes wrong is given
 * to `callback`, where that is not NULL, on a thread of the library's own; the bundle in use stays.
 *
 * `context` is passed along, and freed as licentia_gate_builder_add_sink says, when the watch is. The watch keeps
 * no gate alive.
 *
 * Errors: as licentia_gate_load_revocation; STORE_UNREACHABLE where the file cannot be read.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_watch_revocation(const licentia_gate *gate,
                                               const char *path,
                                               size_t path_len,
                                               uint64_t interval_ms,
                                               licentia_watch_callback callback,
                                               void *context,
                                               licentia_free_callback free_context,
                                               licentia_watch **watch);

/**
 * Ends a watch, and waits for its thread, so that its callback is called no more. In its own callback it ends when the
 * callback has returned. NULL is ignored.
 */
void licentia_watch_free(licentia_watch *watch);

/**
 * Looks after every meter of a gate each `interval_ms` milliseconds; what is not used for one interval is given back.
 * It keeps no gate alive.
 *
 * Errors: STORE_UNREACHABLE where the system gives no thread.
 */
LICENTIA_MUST_USE
licentia_status licentia_keeper_start(const licentia_gate *gate,
                                      uint64_t interval_ms,
                                      licentia_keeper **keeper);

/**
 * Ends a keeper, and waits for its thread. NULL is ignored.
 */
void licentia_keeper_free(licentia_keeper *keeper);

/**
 * Makes a request that needs a good licence, and no more. Where this fails the request is NULL, which no gate takes for
 * one that needs nothing.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_new(licentia_request **request);

/**
 * Frees a request, after every decision that was made with it. NULL is ignored.
 */
void licentia_request_free(licentia_request *request);

/**
 * Makes it a new request again. Every decision that was made with it must have been freed.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_clear(licentia_request *request);

/**
 * Needs a feature. All that are added are needed. The name is copied, as all that a request is given.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_add_feature(licentia_request *request, const char *name, size_t name_len);

/**
 * Charges a meter. All that are added are charged, or none. A cost of 0 looks without charging.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_add_meter(licentia_request *request,
                                           const char *name,
                                           size_t name_len,
                                           uint64_t cost);

/**
 * Counts against a rate, with a cost that is 1 for most requests. Rates and meters together may be 8.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_add_rate(licentia_request *request,
                                          const char *name,
                                          size_t name_len,
                                          uint64_t cost);

/**
 * Names the service, in place of the gate's own audience and of what was named before. Every decision that was made
 * with the request must have been freed.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_audience(licentia_request *request,
                                              const char *audience,
                                              size_t audience_len);

/**
 * Says what is asked for, for events: an operation or route, such as "GET /exports".
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_action(licentia_request *request, const char *action, size_t action_len);

/**
 * Says who presents the licence, for events: an address, an instance. It has no part in the decision.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_source(licentia_request *request, const char *source, size_t source_len);

/**
 * Names the job that the request is about, with at most 256 bytes: its meters are charged once, however often it is
 * tried again, in this process or in others on the same store, until each meter's period ends.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_job(licentia_request *request,
                                         const char *job,
                                         size_t job_len);

/**
 * Names this machine, by the SHA-256 (32 bytes) of a fingerprint that the host chooses.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_node(licentia_request *request, const uint8_t *fingerprint);

/**
 * Names the date of the running release, in seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_release(licentia_request *request, uint64_t date);

/**
 * Presents a proof of possession (its bytes), in place of the one before, for a method and a URI, in the form
 * that service and holder agree on. `body` is the SHA-256 (32 bytes) of the request's body where that must be
 * signed too, else NULL.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_proof(licentia_request *request,
                                           const uint8_t *proof,
                                           size_t proof_len,
                                           const char *method,
                                           size_t method_len,
                                           const char *uri,
                                           size_t uri_len,
                                           const uint8_t *body);

/**
 * Decides now as licentia_gate_check does, and reserves what the request's meters may cost at most, for work whose cost
 * is known when it is done. The reservation is NULL where the request may not go on. Free both.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_reserve(const licentia_gate *gate,
                                      const char *token,
                                      size_t token_len,
                                      const licentia_request *request,
                                      licentia_decision **decision,
                                      licentia_reservation **reservation);

/**
 * Reserves as licentia_gate_reserve, at a time that the caller gives: see licentia_gate_check_at.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_reserve_at(const licentia_gate *gate,
                                         const char *token,
                                         size_t token_len,
                                         const licentia_request *request,
                                         uint64_t seconds,
                                         uint64_t monotonic_nanos,
                                         licentia_decision **decision,
                                         licentia_reservation **reservation);

/**
 * Says what the work did cost of a meter; of a meter that is not named it is what was reserved.
 *
 * Errors: INVALID_ARGUMENT for a meter that is not reserved, or more than was.
 */
LICENTIA_MUST_USE
licentia_status licentia_reservation_set_cost(licentia_reservation *reservation,
                                              const char *meter,
                                              size_t meter_len,
                                              uint64_t cost);

/**
 * Charges what the work did cost, and takes the rest back. It can then only be freed.
 *
 * Errors: INVALID_ARGUMENT where it was committed before; STORE_UNREACHABLE where a job's charge cannot be lowered: it
 * then stays as it was, and committing the same job again is safe.
 */
LICENTIA_MUST_USE
licentia_status licentia_reservation_commit(licentia_reservation *reservation);

/**
 * Frees a reservation; one that was not committed is taken back. NULL is ignored.
 */
void licentia_reservation_free(licentia_reservation *reservation);

/**
 * Decides now as licentia_gate_check does, and takes a seat for `holder` where everything else is granted: a name of 1
 * to 256 bytes, by which the same user, process or machine is known again. The seat is held for `ttl` seconds, from 1
 * to 31 days; a holder that has one keeps it, for so long from now. The seat is NULL where the request may not go on:
 * LICENTIA_CODE_SEATS_TAKEN says that none is left. Free both, before the gate.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_check_out(const licentia_gate *gate,
                                        const char *token,
                                        size_t token_len,
                                        const char *holder,
                                        size_t holder_len,
                                        uint64_t ttl,
                                        const licentia_request *request,
                                        licentia_decision **decision,
                                        licentia_seat **seat);

/**
 * Takes a seat as licentia_gate_check_out, at a time that the caller gives: see licentia_gate_check_at.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_check_out_at(const licentia_gate *gate,
                                           const char *token,
                                           size_t token_len,
                                           const char *holder,
                                           size_t holder_len,
                                           uint64_t ttl,
                                           const licentia_request *request,
                                           uint64_t seconds,
                                           uint64_t monotonic_nanos,
                                           licentia_decision **decision,
                                           licentia_seat **seat);

/**
 * Keeps a seat for its whole time from now, where the licence still grants it: all of it is decided anew. A request
 * that names meters is charged. A seat whose time was over is taken again where one is free.
 *
 * Errors: INVALID_ARGUMENT where it was released.
 */
LICENTIA_MUST_USE
licentia_status licentia_seat_heartbeat(licentia_seat *seat,
                                        const licentia_request *request,
                                        licentia_decision **decision);

/**
 * Keeps a seat as licentia_seat_heartbeat, at a time that the caller gives: see licentia_gate_check_at.
 */
LICENTIA_MUST_USE
licentia_status licentia_seat_heartbeat_at(licentia_seat *seat,
                                           const licentia_request *request,
                                           uint64_t seconds,
                                           uint64_t monotonic_nanos,
                                           licentia_decision **decision);

/**
 * When the seat's time is over, in seconds since 1970. LICENTIA_NONE for one that was released, and for NULL.
 */
uint64_t licentia_seat_until(const licentia_seat *seat);

/**
 * Gives the seat back. It can then only be freed.
 *
 * Errors: INVALID_ARGUMENT where it was released before; STORE_UNREACHABLE: it is then free when its time is over.
 */
LICENTIA_MUST_USE
licentia_status licentia_seat_release(licentia_seat *seat);

/**
 * Frees a seat; one that was not released stays taken until its time is over. NULL is ignored.
 */
void licentia_seat_free(licentia_seat *seat);

/**
 * Whether the request may go on. False for NULL.
 */
bool licentia_decision_is_allowed(const licentia_decision *decision);

/**
 * Why: one of LICENTIA_CODE_*. In advisory mode, what an enforcing gate would have answered. INVALID_ARGUMENT for
 * NULL.
 */
licentia_code licentia_decision_code(const licentia_decision *decision);

/**
 * In which state the licence grants it: one of LICENTIA_STATE_*; 0 for NULL. It says nothing of a denial.
 */
uint32_t licentia_decision_state(const licentia_decision *decision);

/**
 * The code of a doubt that the licence's policy passed over: allowed, and worth looking into. 0 where there is
 * none, and for NULL.
 */
licentia_code licentia_decision_warning(const licentia_decision *decision);

/**
 * Milliseconds after which the same request may go on, where waiting helps; else LICENTIA_NONE.
 */
uint64_t licentia_decision_retry_after_ms(const licentia_decision *decision);

/**
 * The response's status code: 200, 401, 403 and so on. 500 for NULL.
 */
uint32_t licentia_decision_http_status(const licentia_decision *decision);

/**
 * Gives the response's header fields as lines that end in CRLF: `www-authenticate`, `retry-after`,
 * `ratelimit-policy`, `ratelimit`, those that apply. Free them with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_http_headers(const licentia_decision *decision,
                                               char **headers,
                                               size_t *headers_len);

/**
 * Gives the body of a refusal: problem details (RFC 9457), of the media type `application/problem+json`. Free it
 * with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_problem(const licentia_decision *decision,
                                          char **problem,
                                          size_t *problem_len);

/**
 * Gives every check that ran, its inputs and its result, a line or more each. Free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_explanation(const licentia_decision *decision,
                                              char **explanation,
                                              size_t *explanation_len);

/**
 * Gives the same as a JSON array. Free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_explanation_json(const licentia_decision *decision,
                                                   char **json,
                                                   size_t *json_len);

/**
 * Gives the decision as a JSON object: what a log should keep. It holds no token and no key. Free it with
 * licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_json(const licentia_decision *decision, char **json, size_t *json_len);

/**
 * Gives the charge at an index from 0 on; ABSENT ends the list. `charge_size` is `sizeof(licentia_charge)`: a later
 * version of the struct only adds at its end.
 *
 * Errors: INVALID_ARGUMENT where the library knows no struct so large, or none so small.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_charge(const licentia_decision *decision,
                                         size_t index,
                                         size_t charge_size,
                                         licentia_charge *charge);

/**
 * The licence, where its signature was good, whether or not the request is allowed; else NULL. It lives as long
 * as the decision.
 */
const licentia_license *licentia_decision_license(const licentia_decision *decision);

/**
 * Gives all that it says, as a JSON object; free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_json(const licentia_license *license, char **json, size_t *json_len);

/**
 * Gives who issued it, which lives as long as the decision.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_issuer(const licentia_license *license,
                                        const char **issuer,
                                        size_t *issuer_len);

/**
 * Gives whom it is for, which lives as long as the decision.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_subject(const licentia_license *license,
                                         const char **subject,
                                         size_t *subject_len);

/**
 * Gives the tier's name, which lives as long as the decision, and its version.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_tier(const licentia_license *license,
                                      const char **name,
                                      size_t *name_len,
                                      uint64_t *version);

/**
 * Writes the identifiers of this token and of the licence that goes on through its renewals, 16 bytes each.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_ids(const licentia_license *license, uint8_t *id, uint8_t *lineage);

/**
 * Gives when it was issued, when the contract ends and when everything ends, in seconds since 1970. What it does
 * not say is LICENTIA_NONE.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_times(const licentia_license *license,
                                       uint64_t *issued_at,
                                       uint64_t *not_before,
                                       uint64_t *term_end,
                                       uint64_t *expires);

/**
 * Gives a feature. `feature_size` is `sizeof(licentia_feature)`.
 *
 * Errors: ABSENT where the licence has none of this name; INVALID_ARGUMENT where the library knows no struct of
 * this size.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_feature(const licentia_license *license,
                                         const char *name,
                                         size_t name_len,
                                         size_t feature_size,
                                         licentia_feature *feature);

/**
 * The event's decision, which lives as long.
 */
const licentia_decision *licentia_event_decision(const licentia_event *event);

/**
 * Gives what was asked for (licentia_request_set_action), which lives as long as the event.
 */
LICENTIA_MUST_USE
licentia_status licentia_event_action(const licentia_event *event, const char **action, size_t *action_len);

/**
 * Gives who presented it (licentia_request_set_source), which lives as long as the event.
 */
LICENTIA_MUST_USE
licentia_status licentia_event_source(const licentia_event *event, const char **source, size_t *source_len);

/**
 * When it was, in seconds since 1970. LICENTIA_NONE for NULL.
 */
uint64_t licentia_event_at(const licentia_event *event);

/**
 * How long the decision took, in nanoseconds. LICENTIA_NONE where it was not timed, and for NULL.
 */
uint64_t licentia_event_took_nanos(const licentia_event *event);

/**
 * Sequence number of the keyset in use; 0 where there is none, and for NULL.
 */
uint64_t licentia_event_keyset(const licentia_event *event);

/**
 * Gives the sequence number of the revocation bundle in use and when it was issued, in seconds since 1970.
 *
 * Errors: ABSENT where there is none.
 */
LICENTIA_MUST_USE
licentia_status licentia_event_revocation(const licentia_event *event,
                                          uint64_t *sequence,
                                          uint64_t *issued_at);

/**
 * Gives the event as a JSON object in one line, to be kept or sent; free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_event_json(const licentia_event *event, char **json, size_t *json_len);

#if defined(LICENTIA_HOLDER)
/**
 * Makes the key of a seed of 32 bytes (RFC 8032, section 5.1.5). The seed is the secret.
 */
LICENTIA_MUST_USE
licentia_status licentia_holder_from_seed(const uint8_t *seed, licentia_holder **holder);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Reads an Ed25519 key in PKCS#8 PEM, which is not encrypted.
 *
 * Errors: INVALID_KEY.
 */
LICENTIA_MUST_USE
licentia_status licentia_holder_from_pem(const char *pem, size_t pem_len, licentia_holder **holder);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Overwrites and frees a holder's key. NULL is ignored.
 */
void licentia_holder_free(licentia_holder *holder);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Writes the public key and its thumbprint (RFC 9679), 32 bytes each, for the issuer to bind a licence to.
 */
LICENTIA_MUST_USE
licentia_status licentia_holder_public(const licentia_holder *holder,
                                       uint8_t *public_key,
                                       uint8_t *thumbprint);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Makes a proof for one request with a licence in its text form, at `now` (seconds since 1970); free it with
 * licentia_bytes_free. `body` is the SHA-256 (32 bytes) of the request's body where the service wants it signed,
 * else NULL.
 *
 * Errors: a code of group 1xx for a text that is no licence, INVALID_ARGUMENT for a method or URI that is too long,
 * STORE_UNREACHABLE where the system gives no random bytes.
 */
LICENTIA_MUST_USE
licentia_status licentia_holder_prove(const licentia_holder *holder,
                                      const char *token,
                                      size_t token_len,
                                      const char *method,
                                      size_t method_len,
                                      const char *uri,
                                      size_t uri_len,
                                      const uint8_t *body,
                                      uint64_t now,
                                      uint8_t **proof,
                                      size_t *proof_len);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Opens the log of an instance, or begins a new one; free it with licentia_receipts_free. `path` is UTF-8. `key` is
 * the instance's own Ed25519 key in PKCS#8 PEM, not encrypted: another one for each instance. One process has a log
 * open at a time.
 *
 * Errors: STORE_UNREACHABLE where the file cannot be used, INVALID_KEY, RECEIPT_MALFORMED and its like for a log that
 * was altered or is another instance's.
 */
LICENTIA_MUST_USE
licentia_status licentia_receipts_open(const char *path,
                                       size_t path_len,
                                       const char *key,
                                       size_t key_len,
                                       licentia_receipts **receipts);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Frees receipts; what was counted and not written is lost. Gates that use them keep them open. NULL is ignored.
 */
void licentia_receipts_free(licentia_receipts *receipts);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Counts what the gates of a builder grant.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_add_receipts(licentia_gate_builder *builder,
                                                   const licentia_receipts *receipts);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Gives the instance's identifier, the thumbprint of its key: 32 bytes.
 */
LICENTIA_MUST_USE
licentia_status licentia_receipts_instance(const licentia_receipts *receipts, uint8_t *instance);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Writes what was counted since the last time, durably, at `now` (seconds since 1970), and calls `callback` with each
 * new receipt, for the vendor: with none where nothing was counted.
 *
 * Errors: STORE_UNREACHABLE where it cannot be written; it is then still counted, and is in the next receipt. What
 * licentia_receipts_acknowledge has found out, where it was set back or copied.
 */
LICENTIA_MUST_USE
licentia_status licentia_receipts_write(const licentia_receipts *receipts,
                                        uint64_t now,
                                        licentia_receipt_callback callback,
                                        void *context);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Calls `callback` with each receipt that the vendor has not acknowledged.
 *
 * Errors: STORE_UNREACHABLE where the log cannot be read, RECEIPT_MALFORMED and its like where it was altered.
 */
LICENTIA_MUST_USE
licentia_status licentia_receipts_unacknowledged(const licentia_receipts *receipts,
                                                 licentia_receipt_callback callback,
                                                 void *context);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Keeps a vendor's acknowledgement, which is signed with `vendor`.
 *
 * Errors: RECEIPT_MALFORMED; UNKNOWN_KEY where another key signed it, RECEIPT_FORGED where none did; RECEIPT_FOREIGN for
 * another instance's; RECEIPT_ROLLBACK where it names a receipt that the log does not have, RECEIPT_FORK where the log
 * has another one in its place: then the log was set back or copied, and nothing is written any more;
 * STORE_UNREACHABLE where it cannot be kept.
 */
LICENTIA_MUST_USE
licentia_status licentia_receipts_acknowledge(const licentia_receipts *receipts,
                                              const uint8_t *acknowledgement,
                                              size_t acknowledgement_len,
                                              const licentia_key *vendor);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Makes a new key from the system's randomness.
 *
 * Errors: STORE_UNREACHABLE where the system gives no random bytes.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_generate(licentia_signing_key **key);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Makes the key of a seed of 32 bytes (RFC 8032, section 5.1.5). The seed is the secret.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_from_seed(const uint8_t *seed, licentia_signing_key **key);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Reads a key in PKCS#8 PEM, with its passphrase where it is encrypted, else NULL and 0.
 *
 * Errors: INVALID_KEY, also where the passphrase is missing, wrong or not needed; INVALID_ARGUMENT for an empty one.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_from_pem(const char *pem,
                                              size_t pem_len,
                                              const char *phrase,
                                              size_t phrase_len,
                                              licentia_signing_key **key);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Gives the key in PKCS#8 PEM, encrypted where there is a passphrase, in the clear where that is NULL and 0; free it
 * with licentia_string_free, which overwrites it.
 *
 * Errors: INVALID_ARGUMENT for an empty passphrase, and for NULL with a length.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_pem(const licentia_signing_key *key,
                                         const char *phrase,
                                         size_t phrase_len,
                                         char **pem,
                                         size_t *pem_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Overwrites and frees a key. NULL is ignored.
 */
void licentia_signing_key_free(licentia_signing_key *key);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Gives the public key; free it with licentia_key_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_public(const licentia_signing_key *key, licentia_key **public_key);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Signs a message with Ed25519, and writes the signature's 64 bytes.
 *
 * Errors: INVALID_ARGUMENT where the signature would stand in the message; then nothing is written.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_sign(const licentia_signing_key *key,
                                          const uint8_t *message,
                                          size_t message_len,
                                          uint8_t *signature);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Signs a keyset with the root key; free it with licentia_bytes_free. `draft` is the TOML text that
 * `licentia keyset` keeps; its sequence number is the one of the keyset before. Times are seconds since 1970.
 *
 * Errors: INVALID_ARGUMENT for a draft that no gate would take.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_sign_keyset(const licentia_signing_key *root,
                                                 const char *draft,
                                                 size_t draft_len,
                                                 uint64_t issued_at,
                                                 uint64_t expires,
                                                 uint8_t **signed_keyset,
                                                 size_t *signed_keyset_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Acknowledges a receipt of an instance, and with it all before that, at `now` (seconds since 1970): see
 * licentia_receipts_acknowledge. Free the bytes with licentia_bytes_free.
 *
 * Errors: RECEIPT_MALFORMED, RECEIPT_FORGED.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_acknowledge(const licentia_signing_key *key,
                                                 const uint8_t *receipt,
                                                 size_t receipt_len,
                                                 uint64_t now,
                                                 uint8_t **acknowledgement,
                                                 size_t *acknowledgement_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Reads a catalogue, a TOML text.
 *
 * Errors: INVALID_ARGUMENT; `licentia` on the command line says what is wrong with it.
 */
LICENTIA_MUST_USE
licentia_status licentia_catalogue_parse(const char *toml, size_t toml_len, licentia_catalogue **catalogue);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Frees a catalogue. NULL is ignored.
 */
void licentia_catalogue_free(licentia_catalogue *catalogue);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Makes a draft of a version of a tier, or with 0 of the newest that is sold, for a subject, with its terms, from
 * `start` (seconds since 1970) on; free it with licentia_draft_free.
 *
 * Errors: INVALID_ARGUMENT where there is no such tier.
 */
LICENTIA_MUST_USE
licentia_status licentia_catalogue_draft(const licentia_catalogue *catalogue,
                                         const char *tier,
                                         size_t tier_len,
                                         uint64_t version,
                                         const char *subject,
                                         size_t subject_len,
                                         uint64_t start,
                                         licentia_draft **draft);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Makes a draft of a tier for a subject (1 to 256 bytes), without any terms. Times are seconds since 1970; a
 * licence for ever says 253402300799.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_new(const char *subject,
                                   size_t subject_len,
                                   const char *tier,
                                   size_t tier_len,
                                   uint64_t version,
                                   uint64_t issued_at,
                                   uint64_t expires,
                                   licentia_draft **draft);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Frees a draft. NULL is ignored.
 */
void licentia_draft_free(licentia_draft *draft);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Names a service that it is for; without any it is for all of the issuer's.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_add_audience(licentia_draft *draft, const char *audience, size_t audience_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Grants a feature with a value: "true", a number or a text; "VALUE@TIME" ends earlier than the licence.
 *
 * Errors: INVALID_ARGUMENT for another text.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_add_feature(licentia_draft *draft,
                                           const char *name,
                                           size_t name_len,
                                           const char *feature,
                                           size_t feature_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Grants a quota for a meter: "LIMIT/PERIOD", such as "100000/month".
 *
 * Errors: INVALID_ARGUMENT for another text.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_add_quota(licentia_draft *draft,
                                         const char *name,
                                         size_t name_len,
                                         const char *quota,
                                         size_t quota_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Grants a quota for a meter, in numbers, which can say everything: so many units in a period, which `period`, `seconds`
 * and `anchor` name as for licentia_period_window. `overage` is one of LICENTIA_OVERAGE_*; `hard_limit` is read for
 * UP_TO alone.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_quota(licentia_draft *draft,
                                         const char *name,
                                         size_t name_len,
                                         uint64_t limit,
                                         uint32_t period,
                                         uint64_t seconds,
                                         uint64_t anchor,
                                         uint32_t overage,
                                         uint64_t hard_limit);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Grants a rate: "COUNT/DURATION", such as "10/1s".
 *
 * Errors: INVALID_ARGUMENT for another text.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_add_rate(licentia_draft *draft,
                                        const char *name,
                                        size_t name_len,
                                        const char *rate,
                                        size_t rate_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Grants a rate in numbers: so many requests in so many milliseconds, of which `burst` may come at once; with
 * LICENTIA_NONE all of them.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_rate(licentia_draft *draft,
                                        const char *name,
                                        size_t name_len,
                                        uint64_t count,
                                        uint64_t per_ms,
                                        uint64_t burst);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Says what a gate does in a doubt, one of LICENTIA_DOUBT_*: one of LICENTIA_ACTION_*. `seconds` is read for WARN alone,
 * and bounds it.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_policy(licentia_draft *draft,
                                          uint32_t doubt,
                                          uint32_t action,
                                          uint64_t seconds);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Says how old a revocation bundle may be, in seconds; where it is not said, the bundle says so itself.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_max_revocation_age(licentia_draft *draft, uint64_t seconds);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Adds metadata, which everybody can read.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_add_meta(licentia_draft *draft,
                                        const char *name,
                                        size_t name_len,
                                        const char *value,
                                        size_t value_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Binds it to a machine, by the SHA-256 (32 bytes) of its fingerprint. There may be several.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_add_node_lock(licentia_draft *draft, const uint8_t *fingerprint);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Binds it to its holder's key, by the key's thumbprint (32 bytes): see licentia_holder_public.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_holder(licentia_draft *draft, const uint8_t *thumbprint);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Names the licence that it renews or upgrades, by its lineage (16 bytes).
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_lineage(licentia_draft *draft, const uint8_t *lineage);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Says what kind it is of: one of LICENTIA_KIND_*.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_kind(licentia_draft *draft, uint32_t kind);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Says when it starts, if later than it is issued, in seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_not_before(licentia_draft *draft, uint64_t value);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Says when the contract ends, if the licence goes on in grace, in seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_term_end(licentia_draft *draft, uint64_t value);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Says until when new releases are included, in seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_maintained_until(licentia_draft *draft, uint64_t value);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Says how many may use it at once.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_seats(licentia_draft *draft, uint64_t value);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Gives its place in the issuer's revocation stream, which no other licence has.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_index(licentia_draft *draft, uint64_t value);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Makes an issuer with a name (1 to 256 bytes) and a key, which it shares.
 */
LICENTIA_MUST_USE
licentia_status licentia_issuer_new(const char *name,
                                    size_t name_len,
                                    const licentia_signing_key *key,
                                    licentia_issuer **issuer);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Frees an issuer. NULL is ignored.
 */
void licentia_issuer_free(licentia_issuer *issuer);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Signs a licence, and gives its text form; free it with licentia_string_free. It is a credential: keep it out of
 * logs.
 *
 * Errors: INVALID_ARGUMENT for a draft that contradicts itself, a code of group 1xx for one that every gate would
 * refuse, STORE_UNREACHABLE where the system gives no random bytes.
 */
LICENTIA_MUST_USE
licentia_status licentia_issuer_issue(const licentia_issuer *issuer,
                                      const licentia_draft *draft,
                                      char **token,
                                      size_t *token_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Makes a bundle about an issuer's licences that revokes none yet. `sequence` is greater than that of the one
 * before; `next_update` is when the next one comes at the latest; at `expires` it says nothing any more. Times are
 * seconds since 1970. `salt` are 16 bytes that were drawn at random after the licences were issued.
 */
LICENTIA_MUST_USE
licentia_status licentia_bundle_new(const char *issuer,
                                    size_t issuer_len,
                                    uint64_t sequence,
                                    uint64_t issued_at,
                                    uint64_t next_update,
                                    uint64_t expires,
                                    const uint8_t *salt,
                                    licentia_bundle **bundle);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Frees a bundle. NULL is ignored.
 */
void licentia_bundle_free(licentia_bundle *bundle);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Revokes the licence with an index, for a reason (0 unspecified, 1 key compromise, 2 unpaid, 3 superseded,
 * 4 fraud, 5 requested, 6 breach), from a time on. `effect` is one of LICENTIA_EFFECT_*; for WARN and GRACE it lasts
 * until `until`. Times are seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_bundle_revoke_index(licentia_bundle *bundle,
                                             uint64_t index,
                                             uint32_t reason,
                                             uint64_t effective,
                                             uint32_t effect,
                                             uint64_t until);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Revokes the licence with an identifier (16 bytes), which has no index.
 */
LICENTIA_MUST_USE
licentia_status licentia_bundle_revoke_id(licentia_bundle *bundle, const uint8_t *id);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Revokes, by a rule, every licence that is signed with the key of an identifier (1 to 32 bytes), as after its theft.
 * Those that were good stay so: `allowed` are the SHA-256 digests of the bytes of whole tokens, 32 bytes each, one
 * after another, and `allowed_len` is the length of all. The rest is as for licentia_bundle_revoke_index.
 *
 * Errors: INVALID_ARGUMENT also for a length that is no multiple of 32.
 */
LICENTIA_MUST_USE
licentia_status licentia_bundle_revoke_key(licentia_bundle *bundle,
                                           const uint8_t *kid,
                                           size_t kid_len,
                                           const uint8_t *allowed,
                                           size_t allowed_len,
                                           uint32_t reason,
                                           uint64_t effective,
                                           uint32_t effect,
                                           uint64_t until);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Revokes, by a rule, every licence that is for a subject. The rest is as for licentia_bundle_revoke_index.
 */
LICENTIA_MUST_USE
licentia_status licentia_bundle_revoke_subject(licentia_bundle *bundle,
                                               const char *subject,
                                               size_t subject_len,
                                               uint32_t reason,
                                               uint64_t effective,
                                               uint32_t effect,
                                               uint64_t until);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Revokes, by a rule, a licence through all of its renewals, by its lineage (16 bytes). The rest is as for
 * licentia_bundle_revoke_index.
 */
LICENTIA_MUST_USE
licentia_status licentia_bundle_revoke_lineage(licentia_bundle *bundle,
                                               const uint8_t *lineage,
                                               uint32_t reason,
                                               uint64_t effective,
                                               uint32_t effect,
                                               uint64_t until);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Signs a bundle with a revocation key; free its bytes with licentia_bytes_free.
 *
 * Errors: INVALID_ARGUMENT for one that no gate would take.
 */
LICENTIA_MUST_USE
licentia_status licentia_bundle_sign(const licentia_bundle *bundle,
                                     const licentia_signing_key *key,
                                     uint8_t **signed_bundle,
                                     size_t *signed_bundle_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Signs what leads from a bundle that was published before, `base`, to this one, which has a greater number and the
 * same salt; free its bytes with licentia_bytes_free. A gate loads it on the base alone.
 *
 * Errors: INVALID_ARGUMENT for one that no gate would take.
 */
LICENTIA_MUST_USE
licentia_status licentia_bundle_sign_delta(const licentia_bundle *bundle,
                                           const licentia_bundle *base,
                                           const licentia_signing_key *key,
                                           uint8_t **signed_delta,
                                           size_t *signed_delta_len);
#endif

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LICENTIA_H */
