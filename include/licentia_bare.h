/*
 * Licentia for microcontrollers: no standard library, no heap. The rules of licentia.h hold here too; it
 * has the codes, states and statuses.
 *
 * Made by `cargo xtask header`; do not edit.
 */

#ifndef LICENTIA_BARE_H
#define LICENTIA_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "licentia.h"

/**
 * Most rates and meters of one charge.
 */
#define LICENTIA_BARE_CHARGES 8

/**
 * Length of a block of counters without the counters, in bytes.
 */
#define LICENTIA_BARE_COUNTERS_HEAD 40

/**
 * Length of one counter, in bytes. A block has one for each rate and meter of the licences that it counts.
 */
#define LICENTIA_BARE_COUNTER 48

/**
 * The largest number of keys.
 */
#define LICENTIA_BARE_KEYS 4

/**
 * The largest number of features.
 */
#define LICENTIA_BARE_FEATURES 8

/**
 * A block of counters in memory of the caller. Its length says how many counters it has.
 */
typedef struct {
  /**
   * The block.
   */
  uint8_t *bytes;
  /**
   * Its length: LICENTIA_BARE_COUNTERS_HEAD and LICENTIA_BARE_COUNTER for each counter.
   */
  size_t len;
} licentia_bare_counters;

/**
 * A licence that was verified and allowed, in memory of the caller. Its token's bytes must stay where they are for as
 * long as it is used. What it holds is the library's alone.
 */
typedef struct {
  /**
   * Not to be read or written.
   */
  uint64_t private_words[64];
} licentia_bare_license;

/**
 * A text: UTF-8, without need of a NUL. NULL means none.
 */
typedef struct {
  /**
   * The text.
   */
  const char *data;
  /**
   * Its length, in bytes.
   */
  size_t len;
} licentia_bare_text;

/**
 * What is charged.
 */
typedef struct {
  /**
   * The name of the rate or meter.
   */
  licentia_bare_text name;
  /**
   * 1 for a rate, 0 for a meter.
   */
  uint32_t is_rate;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Units; 0 only reads.
   */
  uint64_t cost;
} licentia_bare_charge;

/**
 * The time of a charge.
 */
typedef struct {
  /**
   * Nanoseconds since 1970.
   */
  uint64_t now_nanos;
  /**
   * The latest time that is known to have passed, in seconds since 1970. A device whose clock nobody can set gives
   * its time; another one gives what it knows from something signed or from a clock that only advances.
   */
  uint64_t mark;
} licentia_bare_moment;

/**
 * What came of a charge.
 */
typedef struct {
  /**
   * Why: LICENTIA_CODE_ALLOWED, RATE_LIMITED, QUOTA_EXCEEDED, RATE_NOT_LICENSED, METER_NOT_LICENSED, or
   * STORE_UNREACHABLE if no counter is free.
   */
  uint32_t code;
  /**
   * 1 if the block has changed: it must be in flash before anything is granted; else 0.
   */
  uint32_t changed;
  /**
   * 1 if a quota's own limit is used up and the contract lets the work go on; else 0.
   */
  uint32_t overage;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * What is left of the last rate or meter that was looked at.
   */
  uint64_t remaining;
  /**
   * Seconds until it may be asked again, or LICENTIA_NONE if that does not help.
   */
  uint64_t retry_after;
} licentia_bare_charged;

/**
 * The value of a feature.
 */
typedef struct {
  /**
   * 1 if it has no value but that it is licensed, 2 for a number, 3 for a text.
   */
  uint32_t kind;
  /**
   * 1 if it has ended, else 0.
   */
  uint32_t ended;
  /**
   * The number.
   */
  int64_t number;
  /**
   * When it ends, in seconds since 1970, or LICENTIA_NONE if it ends with the licence.
   */
  uint64_t expires;
  /**
   * The text, which points into the token.
   */
  licentia_bare_text text;
} licentia_bare_feature;

/**
 * A public key that licences are signed with.
 */
typedef struct {
  /**
   * Its identifier.
   */
  const uint8_t *kid;
  /**
   * Length of the identifier, 1 to 32 bytes.
   */
  size_t kid_len;
  /**
   * The 32 bytes of the Ed25519 key.
   */
  const uint8_t *public_key;
} licentia_bare_key;

/**
 * What to remember of the newest keyset, or of an issuer's newest bundle, so that no older one takes its place.
 */
typedef struct {
  /**
   * Its number.
   */
  uint64_t sequence;
  /**
   * SHA-256 of its content.
   */
  uint8_t digest[32];
  /**
   * What tells its signer: the thumbprint of a keyset's root key, or the identifier of a bundle's key.
   */
  uint8_t signer[32];
  /**
   * Length of that, in bytes.
   */
  uint32_t signer_len;
  /**
   * 0.
   */
  uint32_t reserved;
} licentia_bare_mark;

/**
 * A keyset that was verified, in memory of the caller. Its bytes must stay where they are for as long as it is used.
 * What it holds is the library's alone.
 */
typedef struct {
  /**
   * Not to be read or written.
   */
  uint64_t private_words[16];
} licentia_bare_keyset;

/**
 * A revocation bundle that was verified, in memory of the caller. Its bytes must stay where they are for as long as it
 * is used. What it holds is the library's alone.
 */
typedef struct {
  /**
   * Not to be read or written.
   */
  uint64_t private_words[32];
} licentia_bare_bundle;

/**
 * What a licence is held against.
 */
typedef struct {
  /**
   * Keys that licences may be signed with, if there is no keyset.
   */
  const licentia_bare_key *keys;
  /**
   * How many there are, at most LICENTIA_BARE_KEYS.
   */
  size_t keys_len;
  /**
   * A keyset, or NULL.
   */
  const licentia_bare_keyset *keyset;
  /**
   * A revocation bundle, or NULL.
   */
  const licentia_bare_bundle *bundle;
  /**
   * 1 if a licence without a bundle of its issuer is stale also if it does not ask for one, else 0.
   */
  uint32_t require_revocations;
  /**
   * 0.
   */
  uint32_t reserved;
} licentia_bare_trust;

/**
 * A proof of possession, and the request that it came with.
 */
typedef struct {
  /**
   * The proof.
   */
  const uint8_t *proof;
  /**
   * Its length, in bytes.
   */
  size_t proof_len;
  /**
   * The request's method.
   */
  licentia_bare_text method;
  /**
   * The request's URI.
   */
  licentia_bare_text uri;
  /**
   * SHA-256 (32 bytes) of its body if the body must be signed too, else NULL.
   */
  const uint8_t *body;
  /**
   * How old a proof may be, in seconds.
   */
  uint64_t max_age;
} licentia_bare_proof;

/**
 * The requirements of a request.
 */
typedef struct {
  /**
   * The time, in seconds since 1970.
   */
  uint64_t now;
  /**
   * Tolerance of clocks that differ, in seconds; 60 is usual.
   */
  uint64_t skew;
  /**
   * Date of the running release, in seconds since 1970, or LICENTIA_NONE.
   */
  uint64_t release;
  /**
   * The issuer, or NULL for any.
   */
  licentia_bare_text issuer;
  /**
   * Name of this service, or NULL.
   */
  licentia_bare_text audience;
  /**
   * Features, all of which are required.
   */
  const licentia_bare_text *features;
  /**
   * How many there are, at most LICENTIA_BARE_FEATURES.
   */
  size_t features_len;
  /**
   * SHA-256 (32 bytes) of this machine's fingerprint, or NULL.
   */
  const uint8_t *node;
  /**
   * A proof of possession, or NULL. The caller must reject a proof that was used before.
   */
  const licentia_bare_proof *proof;
} licentia_bare_request;

/**
 * The verdict on a licence. Its texts point into the token.
 */
typedef struct {
  /**
   * The reason: one of LICENTIA_CODE_*. LICENTIA_CODE_ALLOWED means that it is allowed.
   */
  uint32_t code;
  /**
   * The state if it is allowed: one of LICENTIA_STATE_*; else 0.
   */
  uint32_t state;
  /**
   * Whether the signature is good, so that the members below are valid.
   */
  uint32_t authentic;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * When it expires, in seconds since 1970.
   */
  uint64_t expires;
  /**
   * Version of the tier.
   */
  uint64_t tier_version;
  /**
   * Name of the tier.
   */
  licentia_bare_text tier;
  /**
   * The customer.
   */
  licentia_bare_text subject;
  /**
   * The lineage, which stays the same through renewals.
   */
  uint8_t lineage[16];
} licentia_bare_verdict;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Reads the newest of the two blocks in flash into memory, or makes a new one if nothing was written yet. A write that
 * was interrupted loses its step; its charge was not granted.
 *
 * Errors: STORE_UNREACHABLE if there were blocks and both are damaged, so that what was counted is unknown;
 * INVALID_ARGUMENT.
 */
LICENTIA_MUST_USE
uint32_t licentia_bare_counters_open(const uint8_t *even,
                                     size_t even_len,
                                     const uint8_t *odd,
                                     size_t odd_len,
                                     licentia_bare_counters counters);

/**
 * Charges rates and meters of a licence that was allowed, all or none. If the outcome is `changed`, write the block to
 * the place in flash that `licentia_bare_counters_place` names, and do the work when that is done.
 *
 * Errors: INVALID_ARGUMENT, also for a block that was changed by others.
 */
LICENTIA_MUST_USE
uint32_t licentia_bare_counters_charge(licentia_bare_counters counters,
                                       const licentia_bare_license *license,
                                       const licentia_bare_charge *charges,
                                       size_t charges_len,
                                       licentia_bare_moment moment,
                                       licentia_bare_charged *outcome);

/**
 * Gives units of a meter back that were charged ahead and not used. Writes 1 to `changed` if the block has changed, and
 * is to be written to flash, else 0.
 *
 * Errors: INVALID_ARGUMENT, also for a block that was changed by others.
 */
LICENTIA_MUST_USE
uint32_t licentia_bare_counters_give_back(licentia_bare_counters counters,
                                          const licentia_bare_license *license,
                                          licentia_bare_text meter,
                                          uint64_t units,
                                          licentia_bare_moment moment,
                                          uint32_t *changed);

/**
 * The place in flash that a block is written to: 0 or 1. The other place holds the block before and must stay as it is
 * until this one is written.
 *
 * Errors: INVALID_ARGUMENT, also for a block that was changed by others.
 */
LICENTIA_MUST_USE
uint32_t licentia_bare_counters_place(licentia_bare_counters counters,
                                      uint32_t *to);

/**
 * Reads the value of a feature of a licence that was allowed. `now` is in seconds since 1970.
 *
 * ABSENT if the licence does not have it. Errors: INVALID_ARGUMENT.
 */
LICENTIA_MUST_USE
uint32_t licentia_bare_license_feature(const licentia_bare_license *license,
                                       licentia_bare_text name,
                                       uint64_t now,
                                       licentia_bare_feature *feature);

/**
 * Verifies a keyset with the root key. `last` is the mark of the newest one that was accepted before, or NULL; `mark`
 * is what to remember when this one is in use.
 *
 * Errors: those of the signature and the form; KEYSET_ROLLBACK, KEYSET_EQUIVOCATION; INVALID_ARGUMENT.
 */
LICENTIA_MUST_USE
uint32_t licentia_bare_keyset_open(const licentia_bare_key *root,
                                   const uint8_t *keyset,
                                   size_t keyset_len,
                                   const licentia_bare_mark *last,
                                   licentia_bare_keyset *opened,
                                   licentia_bare_mark *mark);

/**
 * Verifies a revocation bundle with the keys of a keyset. `last` is the mark of the newest one of the same issuer and
 * stream that was accepted before, or NULL; `mark` is what to remember when this one is in use. A delta is refused: a
 * device has no room to merge it.
 *
 * Errors: those of the signature and the form; BUNDLE_ROLLBACK, BUNDLE_EQUIVOCATION; INVALID_ARGUMENT.
 */
LICENTIA_MUST_USE
uint32_t licentia_bare_bundle_open(const licentia_bare_keyset *keyset,
                                   const uint8_t *bundle,
                                   size_t bundle_len,
                                   const licentia_bare_mark *last,
                                   licentia_bare_bundle *opened,
                                   licentia_bare_mark *mark);

/**
 * Verifies the bytes of a licence with a keyset or with keys, asks the bundle, and decides whether it meets the
 * requirements. A denial is a verdict too: the status is LICENTIA_OK. `license` is NULL, or memory for a licence that
 * is allowed, for its features and counters.
 *
 * It needs up to 8 KiB of stack and keeps no state. Several threads may call it at once.
 *
 * Errors: INVALID_ARGUMENT; INVALID_KEY or WEAK_KEY for one of the keys.
 */
LICENTIA_MUST_USE
uint32_t licentia_bare_check(const licentia_bare_trust *trust,
                             const uint8_t *token,
                             size_t token_len,
                             const licentia_bare_request *request,
                             licentia_bare_verdict *verdict,
                             licentia_bare_license *license);

/**
 * Decodes the text form of a licence, `lic1_...`, into memory of the caller, and writes the length. 4096 bytes are
 * always enough.
 *
 * Errors: MALFORMED_TEXT, TOKEN_TOO_LONG; INVALID_ARGUMENT, also if the text and the memory overlap.
 */
LICENTIA_MUST_USE
uint32_t licentia_bare_decode(const char *token,
                              size_t token_len,
                              uint8_t *space,
                              size_t space_len,
                              size_t *decoded_len);

/**
 * Verifies the bytes of a licence with at most LICENTIA_BARE_KEYS keys, and decides whether it meets the requirements.
 * A denial is a verdict too: the status is LICENTIA_OK.
 *
 * It needs up to 8 KiB of stack and keeps no state. Several threads may call it at once.
 *
 * Errors: INVALID_ARGUMENT; INVALID_KEY or WEAK_KEY for one of the keys.
 */
LICENTIA_MUST_USE
uint32_t licentia_bare_verify(const licentia_bare_key *keys,
                              size_t keys_len,
                              const uint8_t *token,
                              size_t token_len,
                              const licentia_bare_request *request,
                              licentia_bare_verdict *verdict);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LICENTIA_BARE_H */
