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
 * The largest number of keys.
 */
#define LICENTIA_BARE_KEYS 4

/**
 * The largest number of features.
 */
#define LICENTIA_BARE_FEATURES 8

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
