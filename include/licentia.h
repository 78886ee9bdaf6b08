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
 * Handles.    A handle is a pointer to a struct that this header does not define. A function that makes one writes it
 *             to its last argument, and you free it once, with licentia_<noun>_free. NULL may be freed.
 *
 * Status.     Most functions return a status. LICENTIA_OK is 1, so zeroed memory is not a success. Any other status
 *             says why the function did nothing: one of LICENTIA_CODE_*, or one that is defined beside LICENTIA_OK.
 *             There is no "last error".
 *
 * Outputs.    A function sets its outputs to NULL or 0 on entry, and writes them only if it returns LICENTIA_OK. No
 *             argument is both an input and an output, and no two of them may share memory.
 *
 * Misuse.     A function returns LICENTIA_CODE_INVALID_ARGUMENT for NULL where a value is needed, a length over
 *             PTRDIFF_MAX, a misaligned pointer, text that is not UTF-8, and a number that no enumeration has; the
 *             descriptions do not repeat this. The library cannot detect a handle that was freed, or a pointer to less
 *             memory than its length says. It stops its own panics, and then returns LICENTIA_INTERNAL.
 *
 * Text.       A pointer and a length in bytes, of UTF-8, without need of a NUL. NULL is valid with a length of 0. A
 *             function reads or copies its inputs before it returns, and keeps no pointer to them.
 *
 * Results.    You own `char **` and `uint8_t **` outputs: free them with licentia_string_free and licentia_bytes_free.
 *             A NUL follows them, which the length does not count. `const char **` and `const uint8_t **` outputs are
 *             lent, without a NUL, for as long as the function says.
 *
 * Threads.    Each type says what threads may do with one object. Different objects are independent. Functions
 *             without a handle may be called at any time. Never free an object while another thread uses it.
 *
 * Fork.       A child process may use its parent's gates, after licentia_gate_after_fork, and handles that do not
 *             change. It has none of its parent's threads: it starts refillers and watches of its own, and does not
 *             touch its parent's, nor its parent's seats, reservations and receipts. It need not free what it does not
 *             use.
 *
 * Time.       Seconds since 1970, in UTC, unless a description says otherwise.
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
/* Two keys have the same identifier, or one key is there twice. */
#define LICENTIA_CODE_AMBIGUOUS_KEY 209
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
/* The proof needs a newer nonce of the service. */
#define LICENTIA_CODE_PROOF_NONCE_REQUIRED 441
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
 * Number of the ABI. It grows when a function changes or is removed.
 */
#define LICENTIA_ABI_VERSION 1

/**
 * Stands for a number that is absent.
 */
#define LICENTIA_NONE UINT64_MAX

/**
 * One period that never ends.
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
 * An ISO week, from Monday.
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
 * A number of seconds, counted from the anchor.
 */
#define LICENTIA_PERIOD_FIXED 7

/**
 * A month that starts at the day and time of the anchor.
 */
#define LICENTIA_PERIOD_MONTH_FROM 8

/**
 * A year that starts at the date and time of the anchor.
 */
#define LICENTIA_PERIOD_YEAR_FROM 9

/**
 * The gate denies what it should deny.
 */
#define LICENTIA_MODE_ENFORCE 0

/**
 * The gate allows everything. Decisions and events say what it would have denied.
 */
#define LICENTIA_MODE_ADVISORY 1

/**
 * The contract is running.
 */
#define LICENTIA_STATE_ACTIVE 1

/**
 * The contract has ended, the licence has not: time to renew.
 */
#define LICENTIA_STATE_GRACE 2

/**
 * A quota is used up, and the contract allows more.
 */
#define LICENTIA_STATE_OVERAGE 3

/**
 * A gate that enforces would have denied it.
 */
#define LICENTIA_STATE_ADVISORY 4

/**
 * The charge counts requests against a rate.
 */
#define LICENTIA_UNIT_RATE 1

/**
 * The charge counts units of a quota.
 */
#define LICENTIA_UNIT_QUOTA 2

/**
 * The charge counts seats that are taken at the same time.
 */
#define LICENTIA_UNIT_SEAT 3

/**
 * The feature is licensed and has no other value.
 */
#define LICENTIA_VALUE_TRUE 1

/**
 * The value of the feature is a number.
 */
#define LICENTIA_VALUE_INT 2

/**
 * The value of the feature is a text.
 */
#define LICENTIA_VALUE_TEXT 3

#if defined(LICENTIA_ISSUER)
/**
 * A licence that was paid for.
 */
#define LICENTIA_KIND_PAID 0
#endif

#if defined(LICENTIA_ISSUER)
/**
 * A trial.
 */
#define LICENTIA_KIND_TRIAL 1
#endif

#if defined(LICENTIA_ISSUER)
/**
 * A licence for developers.
 */
#define LICENTIA_KIND_DEVELOPER 2
#endif

#if defined(LICENTIA_ISSUER)
/**
 * A licence for the vendor itself.
 */
#define LICENTIA_KIND_INTERNAL 3
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Requests over the limit of a quota are denied.
 */
#define LICENTIA_OVERAGE_DENY 0
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Requests over the limit are allowed and flagged, up to a hard limit.
 */
#define LICENTIA_OVERAGE_UP_TO 1
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Requests over the limit are allowed and flagged.
 */
#define LICENTIA_OVERAGE_UNLIMITED 2
#endif

#if defined(LICENTIA_ISSUER)
/**
 * The revocation bundle is too old.
 */
#define LICENTIA_DOUBT_REVOCATION 0
#endif

#if defined(LICENTIA_ISSUER)
/**
 * The clock is probably wrong.
 */
#define LICENTIA_DOUBT_CLOCK 1
#endif

#if defined(LICENTIA_ISSUER)
/**
 * The store is unreachable.
 */
#define LICENTIA_DOUBT_STORE 2
#endif

#if defined(LICENTIA_ISSUER)
/**
 * In doubt, requests are denied. This is the default.
 */
#define LICENTIA_ACTION_DENY 0
#endif

#if defined(LICENTIA_ISSUER)
/**
 * In doubt, requests are allowed and flagged for some time.
 */
#define LICENTIA_ACTION_WARN 1
#endif

#if defined(LICENTIA_ISSUER)
/**
 * In doubt, requests are allowed.
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
 * A revoked licence is allowed and flagged until a time.
 */
#define LICENTIA_EFFECT_WARN 1
#endif

#if defined(LICENTIA_ISSUER)
/**
 * A revoked licence is in grace until a time.
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
 * All versions of all tiers that a vendor sells. It does not change: threads may share it.
 */
typedef struct licentia_catalogue licentia_catalogue;
#endif

/**
 * The answer of a gate to a request: whether it may proceed, and why. It does not change: threads may share it. It
 * borrows from its gate and request: free it first.
 */
typedef struct licentia_decision licentia_decision;

#if defined(LICENTIA_ISSUER)
/**
 * A licence before it is signed. One thread uses it at a time.
 */
typedef struct licentia_draft licentia_draft;
#endif

/**
 * A decision and its circumstances. It is valid while its callback runs.
 */
typedef struct licentia_event licentia_event;

/**
 * Decides whether API requests may proceed. Threads share it: they may check, and load keysets and bundles, at the
 * same time.
 */
typedef struct licentia_gate licentia_gate;

/**
 * Builds gates. One thread uses it at a time.
 */
typedef struct licentia_gate_builder licentia_gate_builder;

#if defined(LICENTIA_HOLDER)
/**
 * A customer's private key, to which a licence can be bound. It is overwritten when it is freed. It does not change:
 * threads may share it.
 */
typedef struct licentia_holder_key licentia_holder_key;
#endif

#if defined(LICENTIA_ISSUER)
/**
 * A vendor that issues licences under one name and key. It does not change: threads may share it.
 */
typedef struct licentia_issuer licentia_issuer;
#endif

/**
 * A public key that verifies licences, keysets or bundles. It does not change: threads may share it.
 */
typedef struct licentia_key licentia_key;

/**
 * A keyset that the root key signed, to inspect. It does not change: threads may share it.
 */
typedef struct licentia_keyset licentia_keyset;

/**
 * A verified licence: a view of its decision, valid as long. Threads may share it.
 */
typedef struct licentia_license licentia_license;

#if defined(LICENTIA_HOLDER)
/**
 * Counts what gates grant, and writes signed receipts to a log of this instance. Threads may share it; a child process
 * after fork must not use its parent's.
 */
typedef struct licentia_receipts licentia_receipts;
#endif

/**
 * A thread that fetches units of quotas before the gate has used up what it holds, so that no request waits for the
 * store, and returns units that nobody uses. One thread uses the handle at a time.
 */
typedef struct licentia_refiller licentia_refiller;

/**
 * What a request needs of a licence. Make one for each kind of request and reuse it. Threads may share it while none
 * changes it.
 */
typedef struct licentia_request licentia_request;

/**
 * Units of meters that are reserved. It borrows nothing. One thread uses it at a time.
 */
typedef struct licentia_reservation licentia_reservation;

/**
 * A seat of a licence that is held. It borrows from its gate: free it first. One thread uses it at a time.
 */
typedef struct licentia_seat licentia_seat;

#if defined(LICENTIA_ISSUER)
/**
 * A vendor's private key, which is overwritten when it is freed. It does not change: threads may share it.
 */
typedef struct licentia_signing_key licentia_signing_key;
#endif

/**
 * A store of counters and marks. Threads and gates may share it; a gate keeps it open.
 */
typedef struct licentia_store licentia_store;

/**
 * A watched file with a revocation bundle. One thread uses the handle at a time.
 */
typedef struct licentia_watch licentia_watch;

/**
 * What a function returns: `LICENTIA_OK`, or why it did nothing. Zeroed memory is not a success.
 */
typedef uint32_t licentia_status;

/**
 * Called with an event.
 */
typedef void (*licentia_event_callback)(void *context, const licentia_event *event);

/**
 * Called once with a context that the library no longer uses.
 */
typedef void (*licentia_free_callback)(void *context);

/**
 * Why a request was allowed or denied, or what is wrong with a call: one of `LICENTIA_CODE_*`.
 */
typedef uint32_t licentia_code;

/**
 * The charge of a rate or meter, and what is left of it. An absent number is LICENTIA_NONE.
 */
typedef struct {
  /**
   * Name of the rate or meter, valid as long as the request; UTF-8 without a NUL.
   */
  const char *name;
  /**
   * Length of the name, in bytes.
   */
  size_t name_len;
  /**
   * What it counts: one of LICENTIA_UNIT_*.
   */
  uint32_t unit;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Cost of the request.
   */
  uint64_t cost;
  /**
   * Requests of a full burst, units of a period, or seats.
   */
  uint64_t limit;
  /**
   * Length of the window in seconds; absent if the length of the period varies.
   */
  uint64_t window;
  /**
   * What is left after this request.
   */
  uint64_t remaining;
  /**
   * Milliseconds until all of the limit is available again; absent for a quota for life.
   */
  uint64_t reset_ms;
  /**
   * Milliseconds until the same request may succeed, if it was refused and waiting helps.
   */
  uint64_t retry_after_ms;
} licentia_charge;

/**
 * What a decision says, without its texts: for hosts that copy all of it in one call. Texts are valid as long as the
 * decision, UTF-8 without a NUL. What describes the licence is NULL or 0 if its signature is not good.
 */
typedef struct {
  /**
   * 1 if the request may proceed, else 0.
   */
  uint32_t allowed;
  /**
   * The reason: one of LICENTIA_CODE_*.
   */
  uint32_t code;
  /**
   * As licentia_decision_state.
   */
  uint32_t state;
  /**
   * As licentia_decision_warning.
   */
  uint32_t warning;
  /**
   * Status code of the HTTP response.
   */
  uint32_t http_status;
  /**
   * How many charges licentia_decision_charge returns.
   */
  uint32_t charges;
  /**
   * Milliseconds until the same request may succeed; LICENTIA_NONE if waiting does not help.
   */
  uint64_t retry_after_ms;
  /**
   * The issuer, or NULL.
   */
  const char *issuer;
  /**
   * Length of the issuer, in bytes.
   */
  size_t issuer_len;
  /**
   * The customer, or NULL.
   */
  const char *subject;
  /**
   * Length of the customer's name, in bytes.
   */
  size_t subject_len;
  /**
   * Name of the tier, or NULL.
   */
  const char *tier;
  /**
   * Length of the tier's name, in bytes.
   */
  size_t tier_len;
  /**
   * Version of the tier.
   */
  uint64_t tier_version;
  /**
   * The token's identifier.
   */
  uint8_t id[16];
  /**
   * Identifier that stays the same through renewals and upgrades.
   */
  uint8_t lineage[16];
  /**
   * When it was issued, in seconds since 1970.
   */
  uint64_t issued_at;
  /**
   * When it ends, grace included.
   */
  uint64_t expires;
} licentia_facts;

/**
 * A feature of a licence.
 */
typedef struct {
  /**
   * Kind of the value: one of LICENTIA_VALUE_*.
   */
  uint32_t kind;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The value if it is a number, else 0.
   */
  int64_t number;
  /**
   * The value if it is a text, valid as long as the decision, else NULL; UTF-8 without a NUL.
   */
  const char *text;
  /**
   * Length of the text, in bytes.
   */
  size_t text_len;
  /**
   * When the feature ends, in seconds since 1970, if before the licence does; else LICENTIA_NONE.
   */
  uint64_t expires;
} licentia_feature;

/**
 * Called with the code of what is wrong with a watched file.
 */
typedef void (*licentia_watch_callback)(void *context, licentia_code code);

#if defined(LICENTIA_HOLDER)
/**
 * Called with a receipt, which is valid until the callback returns.
 */
typedef void (*licentia_receipt_callback)(void *context, const uint8_t *receipt, size_t receipt_len);
#endif

/**
 * The function succeeded and wrote its outputs.
 */
#define LICENTIA_OK 1

/**
 * The value does not exist, such as a claim that the licence does not have.
 */
#define LICENTIA_ABSENT 2

/**
 * The library has failed: it stopped a panic. Only free what was passed.
 */
#define LICENTIA_INTERNAL 900

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Version of the library, such as "0.1.0". Compare it with LICENTIA_VERSION of the header. Never free it.
 */
const char *licentia_version(void);

/**
 * Version of the library as a number that grows. Compare it with LICENTIA_VERSION_NUMBER of the header.
 */
uint32_t licentia_version_number(void);

/**
 * Number of the ABI, with which the name of the shared library ends. Compare it with LICENTIA_ABI_VERSION of the
 * header.
 */
uint32_t licentia_abi_version(void);

/**
 * Name of a status or code in snake_case; "unknown" for other numbers. Never free it.
 */
const char *licentia_status_name(licentia_status status);

/**
 * The meaning of a status or code, as a sentence; "unknown" for other numbers. Never free it.
 */
const char *licentia_status_message(licentia_status status);

/**
 * What to do about a status or code, as a sentence; "unknown" for other numbers. Never free it.
 */
const char *licentia_status_advice(licentia_status status);

/**
 * Overwrites and frees text that a function returned. NULL is ignored.
 */
void licentia_string_free(char *text);

/**
 * Overwrites and frees bytes that a function returned. NULL is ignored.
 */
void licentia_bytes_free(uint8_t *bytes);

/**
 * Reads a public key in its text form, `licpub1_...`, which `licentia keygen` writes.
 *
 * Errors: INVALID_KEY, WEAK_KEY.
 */
LICENTIA_MUST_USE
licentia_status licentia_key_from_text(const char *text_form, size_t text_form_len, licentia_key **key);

/**
 * Makes a public key from an Ed25519 key of 32 bytes and an identifier of 1 to 32 bytes.
 *
 * Errors: INVALID_KEY, WEAK_KEY; INVALID_ARGUMENT for the identifier.
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
 * Returns the text form, `licpub1_...`; free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_key_text(const licentia_key *key, char **text_form, size_t *text_form_len);

/**
 * Returns the key's identifier, valid as long as the key.
 */
LICENTIA_MUST_USE
licentia_status licentia_key_kid(const licentia_key *key, const uint8_t **kid, size_t *kid_len);

/**
 * Returns the 32 bytes of the Ed25519 key, valid as long as the key.
 */
LICENTIA_MUST_USE
licentia_status licentia_key_bytes(const licentia_key *key,
                                   const uint8_t **public_key,
                                   size_t *public_key_len);

/**
 * Verifies a keyset with the root key, and reads it; free it with licentia_keyset_free.
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
 * Returns the sequence number, when the keyset was issued, and when it expires, in seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_keyset_times(const licentia_keyset *keyset,
                                      uint64_t *sequence,
                                      uint64_t *issued_at,
                                      uint64_t *expires);

/**
 * Returns a copy of the key at an index, from 0; free it with licentia_key_free. ABSENT ends the list.
 */
LICENTIA_MUST_USE
licentia_status licentia_keyset_key(const licentia_keyset *keyset, size_t index, licentia_key **key);

#if defined(LICENTIA_HOLDER)
/**
 * Makes the key from a seed of 32 bytes (RFC 8032, section 5.1.5). The seed is secret.
 */
LICENTIA_MUST_USE
licentia_status licentia_holder_key_from_seed(const uint8_t *seed, licentia_holder_key **key);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Reads an Ed25519 key in PKCS#8 PEM that is not encrypted.
 *
 * Errors: INVALID_KEY.
 */
LICENTIA_MUST_USE
licentia_status licentia_holder_key_from_pem(const char *pem, size_t pem_len, licentia_holder_key **key);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Overwrites and frees a key. NULL is ignored.
 */
void licentia_holder_key_free(licentia_holder_key *key);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Writes the public key and its thumbprint (RFC 9679), 32 bytes each. The issuer binds a licence to either.
 */
LICENTIA_MUST_USE
licentia_status licentia_holder_key_public(const licentia_holder_key *key,
                                           uint8_t *public_key,
                                           uint8_t *thumbprint);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Makes a proof for one request with a licence in its text form, at `now` (seconds since 1970); free it with
 * licentia_bytes_free. `body` is the SHA-256 (32 bytes) of the request's body if the service wants the body signed,
 * else NULL.
 *
 * Errors: a code of group 1xx for text that is no licence; INVALID_ARGUMENT for a method or URI that is too long;
 * STORE_UNREACHABLE if the system has no random bytes.
 */
LICENTIA_MUST_USE
licentia_status licentia_holder_key_prove(const licentia_holder_key *key,
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
 * As licentia_holder_key_prove, with the nonce that the service has handed out in the header field
 * `Licentia-Proof-Nonce`: the service then goes by its own clock, and not by `now`.
 *
 * Errors: as licentia_holder_key_prove; INVALID_ARGUMENT for what is no such nonce.
 */
LICENTIA_MUST_USE
licentia_status licentia_holder_key_prove_with_nonce(const licentia_holder_key *key,
                                                     const char *token,
                                                     size_t token_len,
                                                     const char *method,
                                                     size_t method_len,
                                                     const char *uri,
                                                     size_t uri_len,
                                                     const uint8_t *body,
                                                     const char *nonce,
                                                     size_t nonce_len,
                                                     uint64_t now,
                                                     uint8_t **proof,
                                                     size_t *proof_len);
#endif

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
 * Returns the text form of the bytes of a licence, which are not checked; free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_token_encode(const uint8_t *decoded,
                                      size_t decoded_len,
                                      char **token,
                                      size_t *token_len);

/**
 * Returns the token of a value of the HTTP field `Authorization` whose scheme is Bearer; free it with
 * licentia_string_free. Join several fields of one request by `, `: then there is none that is accepted.
 *
 * Errors: ABSENT for another scheme.
 */
LICENTIA_MUST_USE
licentia_status licentia_token_from_authorization(const char *value,
                                                  size_t value_len,
                                                  char **token,
                                                  size_t *token_len);

/**
 * Decodes base64url without padding, strictly: the form of a proof in the HTTP field `Licentia-Proof`. Free the bytes
 * with licentia_bytes_free.
 *
 * Errors: MALFORMED_TEXT.
 */
LICENTIA_MUST_USE
licentia_status licentia_base64url_decode(const char *encoded,
                                          size_t encoded_len,
                                          uint8_t **decoded,
                                          size_t *decoded_len);

/**
 * Returns the claims of a licence as a JSON object, without checking its signature: to show them, never to decide.
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
 * Returns the window of a period that contains a time: its first second, and the first second after it, or
 * LICENTIA_NONE. `seconds` (at least 1) is read only for FIXED, `anchor` only for FIXED, MONTH_FROM and YEAR_FROM. All
 * times are seconds since 1970.
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
 * - `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]` and `unix:///PATH`, a Redis or Valkey server that machines share, or
 *   `rediss://` for TLS.
 *
 * Errors: INVALID_ARGUMENT for a kind of store that this build does not know, STORE_UNREACHABLE.
 */
LICENTIA_MUST_USE
licentia_status licentia_store_open(const char *url,
                                    size_t url_len,
                                    licentia_store **store);

/**
 * Frees a store; gates that use it keep it open. NULL is ignored.
 */
void licentia_store_free(licentia_store *store);

/**
 * Makes a builder; free it with licentia_gate_builder_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_new(licentia_gate_builder **builder);

/**
 * Frees a builder. NULL is ignored.
 */
void licentia_gate_builder_free(licentia_gate_builder *builder);

/**
 * Trusts a key, which is copied. You may add several.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_add_key(licentia_gate_builder *builder, const licentia_key *key);

/**
 * Trusts the keys of a keyset that the root key signed, and of newer keysets: see licentia_gate_load_keyset. Both
 * arguments are copied; licentia_gate_builder_build reads the keyset.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_keyset(licentia_gate_builder *builder,
                                                 const licentia_key *root,
                                                 const uint8_t *signed_keyset,
                                                 size_t signed_keyset_len);

/**
 * Sets the revocation bundle to begin with; newer ones replace it: see licentia_gate_load_revocation. It is copied;
 * licentia_gate_builder_build reads it.
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
 * Names this service, for licences that are limited to some services.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_audience(licentia_gate_builder *builder,
                                                   const char *audience,
                                                   size_t audience_len);

/**
 * Enforces decisions, or only reports them: one of LICENTIA_MODE_*.
 *
 * Errors: INVALID_ARGUMENT for another number.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_mode(licentia_gate_builder *builder, uint32_t mode);

/**
 * Tolerates an issuer's clock that is ahead by this many seconds; 60 by default.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_skew(licentia_gate_builder *builder, uint64_t seconds);

/**
 * Accepts proofs of possession up to this age in seconds; 60 by default.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_proof_age(licentia_gate_builder *builder, uint64_t seconds);

/**
 * Sets how many proofs the gate remembers against replay; 65,536 by default. When the memory is full, the gate refuses
 * further proofs.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_replay_capacity(licentia_gate_builder *builder,
                                                          size_t proofs);

/**
 * Sets the secret (32 random bytes) of the nonces that refusals hand out for the next proof, in the header field
 * `Licentia-Proof-Nonce`. All processes that serve one address share it. By default each gate has a random one. If
 * `required`, the gate refuses proofs without such a nonce.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_proof_nonces(licentia_gate_builder *builder,
                                                       const uint8_t *secret,
                                                       bool required);

/**
 * Sets how many verified tokens the gate caches; 16,384 by default, at most 16,777,216.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_cache_capacity(licentia_gate_builder *builder, size_t tokens);

/**
 * Builds tables for each key that signs licences, with up to `bytes_per_key` bytes each and once more for all. They
 * halve the time of a token that is not cached. 700000 is fastest, 220160 nearly as fast, 81920 the minimum. By
 * default there are no tables.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_prepare_keys(licentia_gate_builder *builder,
                                                   size_t bytes_per_key);

/**
 * While the gate has no revocation bundle of an issuer, applies the licence's policy for stale revocations. By default
 * a gate without a bundle, as after a restart, treats no licence as revoked.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_require_revocation(licentia_gate_builder *builder);

/**
 * Counts rates together with all processes on the same store. By default each process counts its own.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_share_rates(licentia_gate_builder *builder);

/**
 * Sets the store of counters and marks; the default is one in memory.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_set_store(licentia_gate_builder *builder, const licentia_store *store);

/**
 * Calls a function with every decision. You may add several.
 *
 * The thread that checks calls it before licentia_gate_check returns, and several threads may call it at once. It must
 * return quickly, and must not block, throw or jump. The event is valid until it returns. `context` is passed to it.
 * If `free_context` is not NULL, it is called with the context when the builder and all its gates are freed, or at
 * once if this call fails.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_add_sink(licentia_gate_builder *builder,
                                               licentia_event_callback callback,
                                               void *context,
                                               licentia_free_callback free_context);

/**
 * Builds a gate; free it with licentia_gate_free. The builder does not change, and can build another one.
 *
 * Errors: INVALID_ARGUMENT if there is no key to trust, the space for tables is too small, or the cache is too large;
 * else as licentia_gate_load_keyset and licentia_gate_load_revocation.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_builder_build(const licentia_gate_builder *builder,
                                            licentia_gate **gate);

/**
 * Frees a gate, after every decision and seat of it. Before it returns, unused units are back in the store and the
 * sinks have ended; if a refiller or a watch is using the gate, it waits. Called from a watch's callback, it ends the
 * gate when the callback has returned. NULL is ignored.
 */
void licentia_gate_free(licentia_gate *gate);

/**
 * Decides now whether a request with `token` (a licence's text form) may proceed. Free the decision with
 * licentia_decision_free, before the gate and the request.
 *
 * A denial is a decision too, and its status is LICENTIA_OK. A token that is no licence is denied, whatever its bytes
 * are.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_check(const licentia_gate *gate,
                                    const char *token,
                                    size_t token_len,
                                    const licentia_request *request,
                                    licentia_decision **decision);

/**
 * Decides as licentia_gate_check, at a given time: for simulations and tests.
 *
 * `seconds` is the wall clock, in seconds since 1970. `monotonic_nanos` is a clock that only advances, in nanoseconds
 * from any start.
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
 * Replaces the keys by those of a newer keyset, at once for all threads. `changed` is false if it is the one in use.
 * The gate must have been built with a keyset.
 *
 * Errors: a code of group 1xx or 2xx for a bad keyset, such as KEYSET_ROLLBACK and KEYSET_EQUIVOCATION;
 * STORE_UNREACHABLE if the store cannot remember it. The gate then keeps its keys.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_load_keyset(const licentia_gate *gate,
                                          const uint8_t *signed_keyset,
                                          size_t signed_keyset_len,
                                          bool *changed);

/**
 * Loads a newer revocation bundle, or a delta to the one in use, at once for all threads. `changed` is false if it is
 * the one in use. The gate needs a keyset with a revocation key.
 *
 * Errors: BUNDLE_MALFORMED to BUNDLE_WRONG_ROOT (520 to 526) for a bad bundle; WRONG_TYP for other data;
 * KEY_NOT_ACTIVE or KEY_REVOKED for a key that is out of use; STORE_UNREACHABLE if the store cannot remember it. The
 * gate then keeps its bundle.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_load_revocation(const licentia_gate *gate,
                                              const uint8_t *bundle,
                                              size_t bundle_len,
                                              bool *changed);

/**
 * Returns units that were fetched ahead and not used to the store. Counting goes on. licentia_gate_free does this too;
 * call it before a process ends in another way.
 *
 * Errors: STORE_UNREACHABLE. Units that the store did not take stay with the gate and can be used. Units whose return
 * is in doubt are lost, and never granted twice.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_settle(const licentia_gate *gate);

/**
 * Makes a gate safe to use in a child process after `fork`: units that the parent fetched ahead stay with the parent.
 * Call it first, while the child has one thread, and before you free the gate there.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_after_fork(const licentia_gate *gate);

/**
 * Makes a request that needs only a good licence; free it with licentia_request_free. If this fails the request is
 * NULL, which every gate refuses.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_new(licentia_request **request);

/**
 * Frees a request, after every decision that was made with it. NULL is ignored.
 */
void licentia_request_free(licentia_request *request);

/**
 * Resets a request to a new one. Free every decision that was made with it first.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_clear(licentia_request *request);

/**
 * Requires a feature. All features that are added are required. The name is copied, as all that a request is given.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_add_feature(licentia_request *request,
                                             const char *name,
                                             size_t name_len);

/**
 * Charges a meter. Either all meters that are added are charged, or none. A cost of 0 reads without charging.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_add_meter(licentia_request *request,
                                           const char *name,
                                           size_t name_len,
                                           uint64_t cost);

/**
 * Counts against a rate, at a cost that is 1 for most requests. A request has at most 8 rates and meters together.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_add_rate(licentia_request *request,
                                          const char *name,
                                          size_t name_len,
                                          uint64_t cost);

/**
 * Names the service, in place of the gate's audience and of an earlier name. Free every decision that was made with
 * the request first.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_audience(licentia_request *request,
                                              const char *audience,
                                              size_t audience_len);

/**
 * Names the operation or route for events, such as "GET /exports".
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_action(licentia_request *request, const char *action, size_t action_len);

/**
 * Names the caller for events: an address, an instance. It does not affect the decision.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_source(licentia_request *request, const char *source, size_t source_len);

/**
 * Names the job of the request, with at most 256 bytes. Its meters are charged once, however often any process on the
 * same store tries it, until each meter's period ends.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_job(licentia_request *request,
                                         const char *job,
                                         size_t job_len);

/**
 * Identifies this machine by the SHA-256 (32 bytes) of a fingerprint that you choose.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_node(licentia_request *request, const uint8_t *fingerprint);

/**
 * Sets the date of the running release, in seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_request_set_release(licentia_request *request, uint64_t date);

/**
 * Presents the bytes of a proof of possession, in place of an earlier one, for a method and a URI in the form that
 * service and customer agree on. `body` is the SHA-256 (32 bytes) of the request's body if the body must be signed
 * too, else NULL.
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
 * Decides now as licentia_gate_check, and reserves what the meters of the request may cost at most, for work whose
 * cost is known when it is done. The reservation is NULL if the request is denied. Free both.
 */
LICENTIA_MUST_USE
licentia_status licentia_gate_reserve(const licentia_gate *gate,
                                      const char *token,
                                      size_t token_len,
                                      const licentia_request *request,
                                      licentia_decision **decision,
                                      licentia_reservation **reservation);

/**
 * Reserves as licentia_gate_reserve, at a given time: see licentia_gate_check_at.
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
 * Sets the actual cost of the work for a meter. Other meters cost what was reserved.
 *
 * Errors: INVALID_ARGUMENT for a meter that is not reserved, or for more than was reserved.
 */
LICENTIA_MUST_USE
licentia_status licentia_reservation_set_cost(licentia_reservation *reservation,
                                              const char *meter,
                                              size_t meter_len,
                                              uint64_t cost);

/**
 * Charges the actual costs, and returns the rest. After that it can only be freed.
 *
 * Errors: INVALID_ARGUMENT if it was committed before; STORE_UNREACHABLE if the charge of a job cannot be lowered: it
 * then stays, and you may commit the same job again.
 */
LICENTIA_MUST_USE
licentia_status licentia_reservation_commit(licentia_reservation *reservation);

/**
 * Frees a reservation. If it was not committed, everything goes back. NULL is ignored.
 */
void licentia_reservation_free(licentia_reservation *reservation);

/**
 * Decides now as licentia_gate_check, and takes a seat for `holder` if all else is granted. `holder` is a name of 1 to
 * 256 bytes that identifies a user, process or machine. The seat is held for `ttl` seconds, from 1 to 31 days; a
 * holder that has a seat keeps it, for that long from now. The seat is NULL if the request is denied;
 * LICENTIA_CODE_SEATS_TAKEN means that none is left. Free both, before the gate.
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
 * Takes a seat as licentia_gate_check_out, at a given time: see licentia_gate_check_at.
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
 * Holds a seat for its whole time from now, if the licence still grants it: the gate decides anew, and charges the
 * meters of the request. A seat whose time was over is taken again if one is free.
 *
 * Errors: INVALID_ARGUMENT if it was released.
 */
LICENTIA_MUST_USE
licentia_status licentia_seat_heartbeat(licentia_seat *seat,
                                        const licentia_request *request,
                                        licentia_decision **decision);

/**
 * Holds a seat as licentia_seat_heartbeat, at a given time: see licentia_gate_check_at.
 */
LICENTIA_MUST_USE
licentia_status licentia_seat_heartbeat_at(licentia_seat *seat,
                                           const licentia_request *request,
                                           uint64_t seconds,
                                           uint64_t monotonic_nanos,
                                           licentia_decision **decision);

/**
 * When the seat's time is over, in seconds since 1970. LICENTIA_NONE if it was released, and for NULL.
 */
uint64_t licentia_seat_until(const licentia_seat *seat);

/**
 * Releases the seat. After that it can only be freed.
 *
 * Errors: INVALID_ARGUMENT if it was released before; STORE_UNREACHABLE: the seat is then free when its time is over.
 */
LICENTIA_MUST_USE
licentia_status licentia_seat_release(licentia_seat *seat);

/**
 * Frees a seat. If it was not released, it stays taken until its time is over. NULL is ignored.
 */
void licentia_seat_free(licentia_seat *seat);

/**
 * Whether the request may proceed. False for NULL.
 */
bool licentia_decision_is_allowed(const licentia_decision *decision);

/**
 * The reason: one of LICENTIA_CODE_*. In advisory mode it is what an enforcing gate would have answered.
 * INVALID_ARGUMENT for NULL.
 */
licentia_code licentia_decision_code(const licentia_decision *decision);

/**
 * The state in which the licence grants it: one of LICENTIA_STATE_*; 0 for NULL. A denial has no
 * state, and gives 0: ask licentia_decision_is_allowed first.
 */
uint32_t licentia_decision_state(const licentia_decision *decision);

/**
 * The code of a doubt that the licence's policy passed over: the request is allowed, and you should look into it. 0 if
 * there is none, and for NULL.
 */
licentia_code licentia_decision_warning(const licentia_decision *decision);

/**
 * Milliseconds until the same request may succeed, if waiting helps; else LICENTIA_NONE.
 */
uint64_t licentia_decision_retry_after_ms(const licentia_decision *decision);

/**
 * Status code of the HTTP response: 200, 401, 403 and so on. 500 for NULL.
 */
uint32_t licentia_decision_http_status(const licentia_decision *decision);

/**
 * Returns the header fields of the HTTP response as lines that end in CRLF, those that apply of `www-authenticate`,
 * `retry-after`, `ratelimit-policy` and `ratelimit`. Free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_http_headers(const licentia_decision *decision,
                                               char **headers,
                                               size_t *headers_len);

/**
 * Returns the body of a refusal: problem details (RFC 9457), of the media type `application/problem+json`. Free it
 * with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_problem(const licentia_decision *decision,
                                          char **problem,
                                          size_t *problem_len);

/**
 * Returns every check that ran, with its inputs and its result, a line or more each. Free it with
 * licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_explanation(const licentia_decision *decision,
                                              char **explanation,
                                              size_t *explanation_len);

/**
 * Returns the explanation as a JSON array. Free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_explanation_json(const licentia_decision *decision,
                                                   char **json,
                                                   size_t *json_len);

/**
 * Returns the decision as a JSON object, for a log. It contains no token and no key. Free it with
 * licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_json(const licentia_decision *decision, char **json, size_t *json_len);

/**
 * Returns the charge at an index, from 0; ABSENT ends the list. `charge_size` is `sizeof(licentia_charge)`: a later
 * version of the struct only adds members at its end.
 *
 * Errors: INVALID_ARGUMENT if the library knows no struct of this size.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_charge(const licentia_decision *decision,
                                         size_t index,
                                         size_t charge_size,
                                         licentia_charge *charge);

/**
 * Returns what a decision says in one call. `facts_size` is `sizeof(licentia_facts)`: a later version of the struct
 * only adds members at its end.
 *
 * Errors: INVALID_ARGUMENT if the library knows no struct of this size.
 */
LICENTIA_MUST_USE
licentia_status licentia_decision_facts(const licentia_decision *decision,
                                        size_t facts_size,
                                        licentia_facts *facts);

/**
 * The licence, if its signature is good, whether or not the request is allowed; else NULL. It is valid as long as the
 * decision.
 */
const licentia_license *licentia_decision_license(const licentia_decision *decision);

/**
 * Returns all claims as a JSON object; free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_json(const licentia_license *license, char **json, size_t *json_len);

/**
 * Returns the issuer, valid as long as the decision.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_issuer(const licentia_license *license,
                                        const char **issuer,
                                        size_t *issuer_len);

/**
 * Returns the customer, valid as long as the decision.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_subject(const licentia_license *license,
                                         const char **subject,
                                         size_t *subject_len);

/**
 * Returns the tier's name, valid as long as the decision, and its version.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_tier(const licentia_license *license,
                                      const char **name,
                                      size_t *name_len,
                                      uint64_t *version);

/**
 * Writes the identifiers of this token and of its lineage, which stays the same through renewals, 16 bytes each.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_ids(const licentia_license *license,
                                     uint8_t *id,
                                     uint8_t *lineage);

/**
 * Returns when the licence was issued, starts, when the contract ends and when everything ends, in seconds since 1970.
 * An absent time is LICENTIA_NONE.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_times(const licentia_license *license,
                                       uint64_t *issued_at,
                                       uint64_t *not_before,
                                       uint64_t *term_end,
                                       uint64_t *expires);

/**
 * Returns a feature. `feature_size` is `sizeof(licentia_feature)`.
 *
 * Errors: ABSENT if the licence has no feature of this name; INVALID_ARGUMENT if the library knows no struct of this
 * size.
 */
LICENTIA_MUST_USE
licentia_status licentia_license_feature(const licentia_license *license,
                                         const char *name,
                                         size_t name_len,
                                         size_t feature_size,
                                         licentia_feature *feature);

/**
 * The event's decision, valid as long as the event.
 */
const licentia_decision *licentia_event_decision(const licentia_event *event);

/**
 * Returns the action of the request (licentia_request_set_action), valid as long as the event.
 */
LICENTIA_MUST_USE
licentia_status licentia_event_action(const licentia_event *event, const char **action, size_t *action_len);

/**
 * Returns the source of the request (licentia_request_set_source), valid as long as the event.
 */
LICENTIA_MUST_USE
licentia_status licentia_event_source(const licentia_event *event, const char **source, size_t *source_len);

/**
 * The time of the decision, in seconds since 1970. LICENTIA_NONE for NULL.
 */
uint64_t licentia_event_at(const licentia_event *event);

/**
 * How long the decision took, in nanoseconds. LICENTIA_NONE if it was not timed, and for NULL.
 */
uint64_t licentia_event_took_nanos(const licentia_event *event);

/**
 * Sequence number of the keyset in use; 0 if there is none, and for NULL.
 */
uint64_t licentia_event_keyset(const licentia_event *event);

/**
 * Returns the sequence number of the revocation bundle in use, and when it was issued, in seconds since 1970.
 *
 * Errors: ABSENT if there is none.
 */
LICENTIA_MUST_USE
licentia_status licentia_event_revocation(const licentia_event *event,
                                          uint64_t *sequence,
                                          uint64_t *issued_at);

/**
 * Returns the event as a JSON object in one line, to store or send; free it with licentia_string_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_event_json(const licentia_event *event, char **json, size_t *json_len);

/**
 * Loads a revocation bundle from a file now, and again whenever the file changes; it looks every `interval_ms`
 * milliseconds. Replace the file by renaming another one over it. If `callback` is not NULL, a thread of the library
 * calls it with the code of a later failure; the gate then keeps its bundle.
 *
 * `context` is passed to the callback, and freed with the watch as licentia_gate_builder_add_sink describes. The watch
 * does not keep the gate alive. Free it with licentia_watch_free.
 *
 * Errors: as licentia_gate_load_revocation; STORE_UNREACHABLE if the file cannot be read.
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
 * Ends a watch, and waits for its thread, so that its callback is not called again. Called from its own callback, it
 * ends the watch when the callback has returned. NULL is ignored.
 */
void licentia_watch_free(licentia_watch *watch);

/**
 * Refills every meter of a gate each `interval_ms` milliseconds; units that are unused for one interval go back. It
 * does not keep the gate alive. Free it with licentia_refiller_free.
 *
 * Errors: STORE_UNREACHABLE if the system has no thread.
 */
LICENTIA_MUST_USE
licentia_status licentia_refiller_start(const licentia_gate *gate,
                                        uint64_t interval_ms,
                                        licentia_refiller **refiller);

/**
 * Ends a refiller, and waits for its thread. NULL is ignored.
 */
void licentia_refiller_free(licentia_refiller *refiller);

#if defined(LICENTIA_HOLDER)
/**
 * Opens the log of an instance, or creates it; free it with licentia_receipts_free. `path` is UTF-8. `key` is the
 * instance's own Ed25519 key in PKCS#8 PEM, not encrypted; each instance needs another key. One process has a log open
 * at a time.
 *
 * Errors: STORE_UNREACHABLE if the file cannot be used; INVALID_KEY; RECEIPT_MALFORMED and the like for a log that was
 * altered or belongs to another instance.
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
 * Frees receipts. Gates that use them keep them open; when the last of these is freed too, what was counted since the
 * last receipt is written, with the time of the latest event. NULL is ignored.
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
 * Writes the identifier of the instance, which is the thumbprint of its key: 32 bytes.
 */
LICENTIA_MUST_USE
licentia_status licentia_receipts_instance(const licentia_receipts *receipts, uint8_t *instance);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Writes what was counted since the last call durably, at `now` (seconds since 1970), and calls `callback` with each
 * new receipt for the vendor. If nothing was counted there is none.
 *
 * Errors: STORE_UNREACHABLE if it cannot be written; the counts are kept for the next receipt. Also what
 * licentia_receipts_acknowledge found, if the log was set back or copied.
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
 * Errors: STORE_UNREACHABLE if the log cannot be read; RECEIPT_MALFORMED and the like if it was altered.
 */
LICENTIA_MUST_USE
licentia_status licentia_receipts_unacknowledged(const licentia_receipts *receipts,
                                                 licentia_receipt_callback callback,
                                                 void *context);
#endif

#if defined(LICENTIA_HOLDER)
/**
 * Stores a vendor's acknowledgement that `vendor` signed.
 *
 * Errors: RECEIPT_MALFORMED; UNKNOWN_KEY if another key signed it; RECEIPT_FORGED if no key did; RECEIPT_FOREIGN for
 * another instance's; RECEIPT_ROLLBACK if it names a receipt that the log does not have, RECEIPT_FORK if the log has
 * another one in its place: the log was set back or copied, and writes nothing from then on; STORE_UNREACHABLE if it
 * cannot be stored.
 */
LICENTIA_MUST_USE
licentia_status licentia_receipts_acknowledge(const licentia_receipts *receipts,
                                              const uint8_t *acknowledgement,
                                              size_t acknowledgement_len,
                                              const licentia_key *vendor);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Makes a new key from random bytes of the system.
 *
 * Errors: STORE_UNREACHABLE if the system has no random bytes.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_generate(licentia_signing_key **key);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Makes the key from a seed of 32 bytes (RFC 8032, section 5.1.5). The seed is secret.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_from_seed(const uint8_t *seed, licentia_signing_key **key);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Reads a key in PKCS#8 PEM. Pass the passphrase if it is encrypted, else NULL and 0.
 *
 * Errors: INVALID_KEY, also if the passphrase is missing, wrong or not needed; INVALID_ARGUMENT for an empty
 * passphrase.
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
 * Returns the key in PKCS#8 PEM, encrypted with the passphrase, or not encrypted if that is NULL and 0. Free it with
 * licentia_string_free, which overwrites it.
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
 * Returns the public key; free it with licentia_key_free.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_public(const licentia_signing_key *key, licentia_key **public_key);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Signs a message with Ed25519, and writes the 64 bytes of the signature.
 *
 * Errors: INVALID_ARGUMENT if the signature would overwrite the message; nothing is written.
 */
LICENTIA_MUST_USE
licentia_status licentia_signing_key_sign(const licentia_signing_key *key,
                                          const uint8_t *message,
                                          size_t message_len,
                                          uint8_t *signature);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Signs a keyset with the root key; free it with licentia_bytes_free. `draft` is the TOML text of `licentia keyset`,
 * with the sequence number of the previous keyset. Times are seconds since 1970.
 *
 * Errors: INVALID_ARGUMENT for a draft that every gate would refuse.
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
 * Acknowledges a receipt of an instance and all receipts before it, at `now` (seconds since 1970): see
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
 * Reads a catalogue from TOML; free it with licentia_catalogue_free.
 *
 * Errors: INVALID_ARGUMENT; the command `licentia catalogue` says what is wrong.
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
 * Makes a draft from a version of a tier, or from the newest that is sold if `version` is 0, for a subject, from
 * `start` (seconds since 1970). Free it with licentia_draft_free.
 *
 * Errors: INVALID_ARGUMENT if there is no such tier.
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
 * Makes a draft of a tier for a subject (1 to 256 bytes), without terms; free it with licentia_draft_free. Times are
 * seconds since 1970; use 253402300799 for a licence that never expires.
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
 * Names a service that the licence is for. Without any it is for all services of the issuer.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_add_audience(licentia_draft *draft, const char *audience, size_t audience_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Grants a feature with a value: "true", a number or a text. "VALUE@TIME" ends earlier than the licence.
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
 * Grants a quota for a meter in numbers, which can express every quota. `period`, `seconds` and `anchor` name the
 * period as for licentia_period_window. `overage` is one of LICENTIA_OVERAGE_*; `hard_limit` is read only for UP_TO.
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
 * Grants a rate in numbers: `count` requests per `per_ms` milliseconds, of which `burst` may come at once;
 * LICENTIA_NONE means all of them.
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
 * Sets what a gate does in a doubt, one of LICENTIA_DOUBT_*: one of LICENTIA_ACTION_*. `seconds` is read only for
 * WARN, and limits it.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_policy(licentia_draft *draft,
                                          uint32_t doubt,
                                          uint32_t action,
                                          uint64_t seconds);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Sets how old a revocation bundle may be, in seconds; by default the bundle itself says so.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_max_revocation_age(licentia_draft *draft, uint64_t seconds);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Adds metadata, which everyone can read.
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
 * Binds the licence to a machine, by the SHA-256 (32 bytes) of its fingerprint. You may add several.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_add_node_lock(licentia_draft *draft, const uint8_t *fingerprint);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Binds the licence to the customer's key, by the key's thumbprint (32 bytes): see licentia_holder_key_public.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_holder(licentia_draft *draft,
                                          const uint8_t *thumbprint);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Sets the lineage (16 bytes) of the licence that this one renews or upgrades.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_lineage(licentia_draft *draft, const uint8_t *lineage);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Sets the kind of licence: one of LICENTIA_KIND_*.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_kind(licentia_draft *draft, uint32_t kind);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Sets when the licence starts, if later than it is issued, in seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_not_before(licentia_draft *draft, uint64_t value);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Sets when the contract ends, if the licence continues in grace, in seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_term_end(licentia_draft *draft, uint64_t value);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Sets until when new releases are included, in seconds since 1970.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_maintained_until(licentia_draft *draft, uint64_t value);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Sets how many may use the licence at the same time.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_seats(licentia_draft *draft, uint64_t value);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Sets the licence's index in the issuer's revocation stream. No two licences share one.
 */
LICENTIA_MUST_USE
licentia_status licentia_draft_set_index(licentia_draft *draft, uint64_t value);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Makes an issuer from a name (1 to 256 bytes) and a key, which it shares; free it with licentia_issuer_free.
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
 * Signs a licence, and returns its text form; free it with licentia_string_free. It is a credential: keep it out of
 * logs.
 *
 * Errors: INVALID_ARGUMENT for a draft that contradicts itself; a code of group 1xx for one that every gate would
 * refuse; STORE_UNREACHABLE if the system has no random bytes.
 */
LICENTIA_MUST_USE
licentia_status licentia_issuer_issue(const licentia_issuer *issuer,
                                      const licentia_draft *draft,
                                      char **token,
                                      size_t *token_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Makes a bundle for an issuer's licences that revokes none yet; free it with licentia_bundle_free. `sequence` is
 * greater than that of the previous bundle, `next_update` is when the next one comes at the latest, and at `expires`
 * the bundle becomes void. Times are seconds since 1970. `salt` is 16 bytes that were drawn at random after the
 * licences were issued.
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
 * Revokes the licence with an index from a time on, for a reason (0 unspecified, 1 key compromise, 2 unpaid, 3
 * superseded, 4 fraud, 5 requested, 6 breach). `effect` is one of LICENTIA_EFFECT_*; WARN and GRACE last until
 * `until`. Times are seconds since 1970.
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
 * Revokes the licence with an identifier (16 bytes) that has no index.
 */
LICENTIA_MUST_USE
licentia_status licentia_bundle_revoke_id(licentia_bundle *bundle, const uint8_t *id);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Revokes, by a rule, every licence that was signed with the key of an identifier (1 to 32 bytes), as after its theft.
 * To keep good licences, pass the SHA-256 digests of their bytes in `allowed`, 32 bytes each, one after another;
 * `allowed_len` is the length of all. Other arguments are as for licentia_bundle_revoke_index.
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
 * Revokes, by a rule, every licence of a subject. Other arguments are as for licentia_bundle_revoke_index.
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
 * Revokes, by a rule, a licence through all its renewals, by its lineage (16 bytes). Other arguments are as for
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
 * Errors: INVALID_ARGUMENT for a bundle that every gate would refuse.
 */
LICENTIA_MUST_USE
licentia_status licentia_bundle_sign(const licentia_bundle *bundle,
                                     const licentia_signing_key *key,
                                     uint8_t **signed_bundle,
                                     size_t *signed_bundle_len);
#endif

#if defined(LICENTIA_ISSUER)
/**
 * Signs the difference between a published bundle, `base`, and this one, which has a greater number and the same salt;
 * free its bytes with licentia_bytes_free. A gate loads it only on top of the base.
 *
 * Errors: INVALID_ARGUMENT for a bundle that every gate would refuse.
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
