//! The table of codes. It is written here a second time on purpose: numbers, names and texts are a
//! contract, so a change of the table must be made in two places.

use licentia_vectors::{CodeEntry, CodesFile};

const REISSUE: &str =
    "Ask the vendor for the licence again; this copy is damaged or was not made by a conforming issuer.";
const COPY: &str = "Copy the whole licence, without spaces or line breaks, or ask the vendor for it again.";

/// Number, name, message and advice.
const TABLE: &[(u16, &str, &str, &str)] = &[
    (0, "allowed", "The licence grants the request.", "Go on."),
    (100, "malformed_text", "The text is not a licence in its text form.", COPY),
    (
        101,
        "token_too_long",
        "The token is longer than a licence may be.",
        "Check that a licence was passed, and not a file or a list of them.",
    ),
    (102, "missing_token", "No licence was presented.", "Send the licence with the request."),
    (110, "truncated", "The token ends in the middle of a value.", COPY),
    (111, "trailing_bytes", "Bytes follow the end of the token or of one of its parts.", COPY),
    (
        112,
        "not_deterministic",
        "The token has a number or length that is not in its one shortest form.",
        REISSUE,
    ),
    (113, "unsorted_keys", "The token has map keys that are out of order.", REISSUE),
    (114, "duplicate_key", "The token has a map key twice.", REISSUE),
    (115, "forbidden_item", "The token has a float, tag or simple value that no licence may hold.", REISSUE),
    (116, "wrong_type", "The token has a value of the wrong type.", REISSUE),
    (117, "invalid_utf8", "The token has a text that is not UTF-8.", REISSUE),
    (118, "too_complex", "The token is nested too deep or has too many values.", REISSUE),
    (
        120,
        "malformed_frame",
        "The token is not a signed licence (COSE_Sign1).",
        "Check that a licence was passed, and not a key or another kind of token.",
    ),
    (
        121,
        "unprotected_header",
        "The token has header parameters that its signature does not cover.",
        REISSUE,
    ),
    (
        122,
        "wrong_typ",
        "The token is of another kind than a licence.",
        "Pass the licence, and not a keyset, bundle, proof or receipt.",
    ),
    (
        123,
        "unknown_critical",
        "The token requires a header extension that this version does not know.",
        "Update Licentia.",
    ),
    (130, "missing_field", "A required header parameter, claim or grant field is missing.", REISSUE),
    (131, "invalid_value", "A value in the token is out of range.", REISSUE),
    (
        132,
        "unsupported_schema",
        "The licence uses a schema that this version does not know.",
        "Update Licentia.",
    ),
    (
        133,
        "unknown_critical_field",
        "The licence has a mandatory field that this version does not know.",
        "Update Licentia.",
    ),
    (
        134,
        "unsupported_confirmation",
        "The licence is bound to its holder in a way that this version does not know.",
        "Update Licentia.",
    ),
    (
        200,
        "unknown_key",
        "The licence is signed with a key that is not known here.",
        "Add the issuer's public key, or check that the licence is from the right vendor and environment.",
    ),
    (201, "algorithm_mismatch", "The licence names another algorithm than its key is for.", REISSUE),
    (
        202,
        "bad_signature",
        "The signature does not fit: the licence was altered or forged.",
        "Ask the vendor for the licence again, and treat this copy as hostile.",
    ),
    (
        203,
        "key_revoked",
        "The key that signed the licence was revoked.",
        "Ask the vendor for a licence signed with its present key.",
    ),
    (
        204,
        "key_not_active",
        "The licence was issued when its key was not in use.",
        "Ask the vendor for a licence signed with its present key.",
    ),
    (
        205,
        "key_out_of_scope",
        "The key that signed the licence may not grant this.",
        "Ask the vendor which keys may sign for this issuer, audience, tier and term.",
    ),
    (206, "keyset_expired", "The keyset has expired.", "Load the vendor's newest keyset."),
    (
        207,
        "keyset_rollback",
        "The keyset is older than one that was loaded before.",
        "Load the vendor's newest keyset, and find out who offers an old one.",
    ),
    (
        208,
        "keyset_equivocation",
        "Two different keysets have the same sequence number.",
        "Raise an alarm with the vendor: the root key may be in wrong hands.",
    ),
    (
        209,
        "ambiguous_key",
        "Two keys have the same identifier, or one key is there twice.",
        "Give each key an identifier of its own, and list each key once.",
    ),
    (
        300,
        "not_yet_valid",
        "The licence is not valid yet.",
        "Wait until its start, or check this machine's clock.",
    ),
    (301, "expired", "The licence has expired.", "Renew the licence, or check this machine's clock."),
    (
        302,
        "issued_in_future",
        "The licence was issued later than this machine's time.",
        "Check this machine's clock.",
    ),
    (303, "clock_rollback", "This machine's clock was set back.", "Set the clock right."),
    (
        400,
        "issuer_mismatch",
        "The licence is from another issuer.",
        "Use a licence from the issuer that this service expects.",
    ),
    (
        401,
        "audience_mismatch",
        "The licence is not meant for this service.",
        "Use a licence whose audience names this service, or set the service's audience.",
    ),
    (
        410,
        "feature_not_licensed",
        "The feature is not part of the licence.",
        "Upgrade to a tier that has the feature.",
    ),
    (411, "feature_expired", "The feature has ended, while the licence goes on.", "Renew the feature."),
    (
        412,
        "release_not_covered",
        "The release is newer than the licence covers.",
        "Renew the maintenance, or use a release that it covers.",
    ),
    (
        413,
        "release_required",
        "The licence covers releases up to a date, and the request does not say which one runs.",
        "Pass the date of the running release with the request.",
    ),
    (
        420,
        "node_required",
        "The licence is bound to machines, and the request does not say which this is.",
        "Pass the machine's fingerprint with the request.",
    ),
    (
        421,
        "node_mismatch",
        "The licence is bound to other machines.",
        "Use it where it is licensed, or ask the vendor to move it.",
    ),
    (
        430,
        "proof_required",
        "The licence is bound to its holder's key, and the request has no proof.",
        "Sign a proof for each request with the holder's key.",
    ),
    (
        431,
        "proof_malformed",
        "The proof of possession is not well-formed.",
        "Make proofs with `licentia prove` or the library.",
    ),
    (
        432,
        "proof_bad_signature",
        "The proof is not signed with the key that the licence is bound to.",
        "Sign proofs with the holder's key.",
    ),
    (433, "proof_wrong_license", "The proof was made for another licence.", "Make a proof for this licence."),
    (434, "proof_wrong_method", "The proof was made for another method.", "Make a proof for each request."),
    (
        435,
        "proof_wrong_uri",
        "The proof was made for another URI.",
        "Make a proof for each request, with the URI that the service sees.",
    ),
    (
        436,
        "proof_wrong_body",
        "The proof was made for another body.",
        "Make a proof for each request, with the SHA-256 digest of its body.",
    ),
    (
        437,
        "proof_stale",
        "The proof is too old.",
        "Make a proof for each request, and check this machine's clock.",
    ),
    (
        438,
        "proof_in_future",
        "The proof was made later than this machine's time.",
        "Check the clocks of both machines.",
    ),
    (439, "proof_replayed", "The proof was used before.", "Make a proof for each request, with a new nonce."),
    (
        440,
        "proof_cache_full",
        "Too many proofs are remembered to tell a replay.",
        "Try again in a minute, or give the gate a larger replay cache.",
    ),
    (
        441,
        "proof_nonce_required",
        "The proof needs a newer nonce of the service.",
        "Make a proof with the nonce of the response's `Licentia-Proof-Nonce`, and try again.",
    ),
    (500, "revoked", "The licence was revoked.", "Ask the vendor why, and for a new licence."),
    (
        501,
        "revoked_by_rule",
        "The licence was revoked by a rule.",
        "Ask the vendor why, and for a new licence.",
    ),
    (
        510,
        "revocation_stale",
        "What is known of revocations is older than the licence accepts.",
        "Load the vendor's newest revocation bundle.",
    ),
    (
        511,
        "revocation_expired",
        "The revocation bundle has expired.",
        "Load the vendor's newest revocation bundle.",
    ),
    (520, "bundle_malformed", "The revocation bundle is not well-formed.", "Fetch the bundle again."),
    (
        521,
        "bundle_untrusted",
        "The revocation bundle is not signed with a revocation key that is in use.",
        "Load the vendor's newest keyset, and fetch the bundle again.",
    ),
    (
        522,
        "bundle_bad_signature",
        "The revocation bundle was altered or forged.",
        "Fetch the bundle again, and find out who offers this one.",
    ),
    (
        523,
        "bundle_rollback",
        "The revocation bundle is older than one that was loaded before.",
        "Fetch the newest bundle, and find out who offers an old one.",
    ),
    (
        524,
        "bundle_equivocation",
        "Two different revocation bundles have the same sequence number.",
        "Raise an alarm with the vendor: the revocation key may be in wrong hands.",
    ),
    (
        525,
        "bundle_wrong_base",
        "The delta is for another bundle than the one that is loaded.",
        "Fetch the whole bundle.",
    ),
    (
        526,
        "bundle_wrong_root",
        "The delta does not lead to the state that it names.",
        "Fetch the whole bundle.",
    ),
    (
        600,
        "rate_limited",
        "Requests come faster than the licence allows.",
        "Wait as long as `retry_after` says.",
    ),
    (
        601,
        "rate_not_licensed",
        "The licence has no such rate.",
        "Upgrade to a tier that has it, or check the name in the request.",
    ),
    (610, "quota_exceeded", "The quota of this period is used up.", "Wait until it is reset, or buy more."),
    (
        611,
        "meter_not_licensed",
        "The licence has no quota for this meter.",
        "Upgrade to a tier that has it, or check the name in the request.",
    ),
    (
        620,
        "store_unreachable",
        "The counters are out of reach.",
        "Check the store that the service counts in.",
    ),
    (
        630,
        "seats_taken",
        "Every seat of the licence is taken.",
        "Wait until a seat is given back, or buy more.",
    ),
    (
        631,
        "seats_not_licensed",
        "The licence has no seats.",
        "Upgrade to a tier that has seats, or don't ask for one.",
    ),
    (
        640,
        "receipt_malformed",
        "The receipt, or the log that it is in, is not well-formed.",
        "Fetch it again from the instance; where a log is damaged, restore it from the vendor's copy.",
    ),
    (
        641,
        "receipt_forged",
        "The receipt or acknowledgement was altered or forged.",
        "Don't count it, and find out who offers it.",
    ),
    (
        642,
        "receipt_foreign",
        "The receipt is of an instance that was not expected.",
        "Register the instance, or leave its receipts out.",
    ),
    (
        643,
        "receipt_gap",
        "Receipts of the instance are missing.",
        "Fetch them; a later receipt holds what they counted.",
    ),
    (
        644,
        "receipt_fork",
        "Two different receipts of the instance have the same sequence number.",
        "Treat the instance as cloned: give each copy a key of its own, and count both.",
    ),
    (
        645,
        "receipt_rollback",
        "The instance was set back to an older state.",
        "Find out who restored it, and start it anew with a new key.",
    ),
    (
        800,
        "weak_key",
        "The public key is of small order: anybody could forge its signatures.",
        "Use a key made by `licentia keygen`.",
    ),
    (
        801,
        "invalid_key",
        "The public key is not well-formed.",
        "Pass the whole key, as written by `licentia keygen`.",
    ),
    (
        802,
        "invalid_argument",
        "An argument is out of its range.",
        "Read the function's documentation and correct the call.",
    ),
    (
        803,
        "job_cost_differs",
        "The job was charged before with another cost.",
        "Name each piece of work differently, and ask for the same cost whenever one is tried again.",
    ),
];

/// The number of a code, by its name.
pub(crate) fn number(name: &str) -> u16 {
    let row = TABLE.iter().find(|row| row.1 == name);
    row.unwrap_or_else(|| panic!("no code is called {name}")).0
}

pub(crate) fn file() -> CodesFile {
    let codes: Vec<_> = TABLE
        .iter()
        .map(|&(number, name, message, advice)| CodeEntry {
            number,
            name: name.to_owned(),
            message: message.to_owned(),
            advice: advice.to_owned(),
        })
        .collect();
    CodesFile { schema: "licentia-codes-v1".to_owned(), number_of_codes: codes.len(), codes }
}
