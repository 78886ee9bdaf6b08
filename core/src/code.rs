//! The table of decision codes: the one place that names them.
//!
//! A number, once given, keeps its meaning for ever and is the same in every
//! language. Hundreds group them: 0 allowed, 1xx malformed, 2xx authenticity,
//! 3xx time, 4xx entitlement and binding, 5xx revocation, 6xx rate and quota,
//! 8xx the caller's mistake, 9xx internal.

use core::fmt;

/// Why a licence was accepted or refused, or what was wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
#[non_exhaustive]
pub enum Code {
    /// Everything that was asked for is granted.
    Allowed = 0,

    /// The text is not the prefix followed by unpadded base64url.
    MalformedText = 100,
    /// The token is longer than any licence may be.
    TokenTooLong = 101,
    /// There is no token at all.
    MissingToken = 102,
    /// The input ends inside a data item.
    Truncated = 110,
    /// Bytes follow where the input should end.
    TrailingBytes = 111,
    /// An integer or length is not in its shortest form, or a length is indefinite.
    NotDeterministic = 112,
    /// Map keys are not in ascending order of their encoded bytes.
    UnsortedKeys = 113,
    /// A map key occurs twice.
    DuplicateKey = 114,
    /// A float, a tag or a simple value in a place that allows none.
    ForbiddenItem = 115,
    /// A value has another CBOR type than its place requires.
    WrongType = 116,
    /// A text string is not valid UTF-8.
    InvalidUtf8 = 117,
    /// Nested too deep, or too many data items.
    TooComplex = 118,
    /// Not a tagged COSE_Sign1 with an embedded payload and a 64-byte signature.
    MalformedFrame = 120,
    /// The unprotected header is not empty.
    UnprotectedHeader = 121,
    /// The `typ` header names another kind of object.
    WrongTyp = 122,
    /// The `crit` header names a parameter that is not understood.
    UnknownCritical = 123,
    /// A required header parameter, claim or grant field is missing.
    MissingField = 130,
    /// A value is outside the range or grammar that its field allows.
    InvalidValue = 131,
    /// The grant has a schema that this version does not know.
    UnsupportedSchema = 132,
    /// The grant has a negative key, which must be understood, and is not.
    UnknownCriticalField = 133,
    /// The `cnf` claim uses a confirmation method that is not understood.
    UnsupportedConfirmation = 134,

    /// No key with the token's key identifier is known.
    UnknownKey = 200,
    /// The token's algorithm is not the one that its key is for.
    AlgorithmMismatch = 201,
    /// The signature does not belong to this content and key.
    BadSignature = 202,
    /// The key was revoked: nothing that it signed is good any more.
    KeyRevoked = 203,
    /// The licence was issued outside the time in which its key was in use.
    KeyNotActive = 204,
    /// The key may not sign for this issuer, audience, tier or term.
    KeyOutOfScope = 205,
    /// The keyset has expired, so that nobody knows which keys are still good.
    KeysetExpired = 206,
    /// A keyset with a lower sequence number than one that was seen before.
    KeysetRollback = 207,
    /// A keyset with a known sequence number and another content.
    KeysetEquivocation = 208,
    /// Two keys have one identifier, or a key is known twice, so that nobody can tell which is meant.
    AmbiguousKey = 209,

    /// The licence starts later.
    NotYetValid = 300,
    /// The licence has ended.
    Expired = 301,
    /// The licence says that it was issued in the future.
    IssuedInFuture = 302,
    /// The clock stands before a time that is known to have passed.
    ClockRollback = 303,

    /// The licence was issued by somebody else.
    IssuerMismatch = 400,
    /// The licence is for other services than this one.
    AudienceMismatch = 401,
    /// The feature is not part of the licence.
    FeatureNotLicensed = 410,
    /// The feature was part of the licence, and has ended.
    FeatureExpired = 411,
    /// The release is newer than the licence covers.
    ReleaseNotCovered = 412,
    /// The licence covers releases up to a date, and the request does not say which one runs.
    ReleaseRequired = 413,
    /// The licence is bound to machines, and the request names none.
    NodeRequired = 420,
    /// The licence is bound to other machines.
    NodeMismatch = 421,
    /// The licence is bound to its holder's key, and the request has no proof.
    ProofRequired = 430,
    /// The proof is not well-formed.
    ProofMalformed = 431,
    /// The proof is not signed with the holder's key.
    ProofBadSignature = 432,
    /// The proof was made for another licence.
    ProofWrongLicense = 433,
    /// The proof was made for another method.
    ProofWrongMethod = 434,
    /// The proof was made for another URI.
    ProofWrongUri = 435,
    /// The proof was made for another body.
    ProofWrongBody = 436,
    /// The proof is too old.
    ProofStale = 437,
    /// The proof was made in the future.
    ProofInFuture = 438,
    /// The proof was used before.
    ProofReplayed = 439,
    /// No more proofs can be remembered, so that a replay could not be told.
    ProofCacheFull = 440,
    /// The proof has no nonce of the service where one is required, or one that is too old or unknown.
    ProofNonceRequired = 441,

    /// The licence is revoked.
    Revoked = 500,
    /// A rule of the issuer revokes the licence.
    RevokedByRule = 501,
    /// The revocation bundle is older than it may be, or there is none.
    RevocationStale = 510,
    /// The revocation bundle has expired.
    RevocationExpired = 511,
    /// The revocation bundle is not well-formed.
    BundleMalformed = 520,
    /// The revocation bundle is not signed with a key for revocation that is in use.
    BundleUntrusted = 521,
    /// The revocation bundle's signature does not fit.
    BundleBadSignature = 522,
    /// The revocation bundle is older than one that was loaded before.
    BundleRollback = 523,
    /// Two different revocation bundles have the same sequence number.
    BundleEquivocation = 524,
    /// The delta is for another bundle than the one that is loaded.
    BundleWrongBase = 525,
    /// The delta does not lead to the state that it names.
    BundleWrongRoot = 526,

    /// The rate is used up for the moment.
    RateLimited = 600,
    /// The licence has no rate of this name.
    RateNotLicensed = 601,
    /// The quota of the period is used up.
    QuotaExceeded = 610,
    /// The licence has no quota for this meter.
    MeterNotLicensed = 611,
    /// The counters are out of reach.
    StoreUnreachable = 620,
    /// Every seat of the licence is taken.
    SeatsTaken = 630,
    /// The licence has no seats.
    SeatsNotLicensed = 631,
    /// The receipt, or the log that it is in, is not well-formed.
    ReceiptMalformed = 640,
    /// The receipt or acknowledgement was altered or forged.
    ReceiptForged = 641,
    /// The receipt is of an instance that was not expected.
    ReceiptForeign = 642,
    /// Receipts of the instance are missing.
    ReceiptGap = 643,
    /// Two different receipts of the instance have the same sequence number.
    ReceiptFork = 644,
    /// The instance was set back to an older state.
    ReceiptRollback = 645,

    /// A key is of small order, so that anybody could forge its signatures.
    WeakKey = 800,
    /// A key is not well-formed.
    InvalidKey = 801,
    /// An argument is outside its documented range.
    InvalidArgument = 802,
    /// A job that was charged before is asked for with another cost.
    JobCostDiffers = 803,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CodeEntry {
    /// The code.
    pub code: Code,
    /// Its stable name in `snake_case`.
    pub name: &'static str,
    /// What it says, as a sentence for a log or a person.
    pub message: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

const fn entry(code: Code, name: &'static str, message: &'static str, advice: &'static str) -> CodeEntry {
    CodeEntry { code, name, message, advice }
}

const REISSUE: &str =
    "Ask the vendor for the licence again; this copy is damaged or was not made by a conforming issuer.";
const COPY: &str = "Copy the whole licence, without spaces or line breaks, or ask the vendor for it again.";

/// See [`Code::TABLE`].
const TABLE: &[CodeEntry] = &[
    entry(Code::Allowed, "allowed", "The licence grants the request.", "Go on."),
    entry(Code::MalformedText, "malformed_text", "The text is not a licence in its text form.", COPY),
    entry(
        Code::TokenTooLong,
        "token_too_long",
        "The token is longer than a licence may be.",
        "Check that a licence was passed, and not a file or a list of them.",
    ),
    entry(
        Code::MissingToken,
        "missing_token",
        "No licence was presented.",
        "Send the licence with the request.",
    ),
    entry(Code::Truncated, "truncated", "The token ends in the middle of a value.", COPY),
    entry(
        Code::TrailingBytes,
        "trailing_bytes",
        "Bytes follow the end of the token or of one of its parts.",
        COPY,
    ),
    entry(
        Code::NotDeterministic,
        "not_deterministic",
        "The token has a number or length that is not in its one shortest form.",
        REISSUE,
    ),
    entry(Code::UnsortedKeys, "unsorted_keys", "The token has map keys that are out of order.", REISSUE),
    entry(Code::DuplicateKey, "duplicate_key", "The token has a map key twice.", REISSUE),
    entry(
        Code::ForbiddenItem,
        "forbidden_item",
        "The token has a float, tag or simple value that no licence may hold.",
        REISSUE,
    ),
    entry(Code::WrongType, "wrong_type", "The token has a value of the wrong type.", REISSUE),
    entry(Code::InvalidUtf8, "invalid_utf8", "The token has a text that is not UTF-8.", REISSUE),
    entry(Code::TooComplex, "too_complex", "The token is nested too deep or has too many values.", REISSUE),
    entry(
        Code::MalformedFrame,
        "malformed_frame",
        "The token is not a signed licence (COSE_Sign1).",
        "Check that a licence was passed, and not a key or another kind of token.",
    ),
    entry(
        Code::UnprotectedHeader,
        "unprotected_header",
        "The token has header parameters that its signature does not cover.",
        REISSUE,
    ),
    entry(
        Code::WrongTyp,
        "wrong_typ",
        "The token is of another kind than a licence.",
        "Pass the licence, and not a keyset, bundle, proof or receipt.",
    ),
    entry(
        Code::UnknownCritical,
        "unknown_critical",
        "The token requires a header extension that this version does not know.",
        "Update Licentia.",
    ),
    entry(
        Code::MissingField,
        "missing_field",
        "A required header parameter, claim or grant field is missing.",
        REISSUE,
    ),
    entry(Code::InvalidValue, "invalid_value", "A value in the token is out of range.", REISSUE),
    entry(
        Code::UnsupportedSchema,
        "unsupported_schema",
        "The licence uses a schema that this version does not know.",
        "Update Licentia.",
    ),
    entry(
        Code::UnknownCriticalField,
        "unknown_critical_field",
        "The licence has a mandatory field that this version does not know.",
        "Update Licentia.",
    ),
    entry(
        Code::UnsupportedConfirmation,
        "unsupported_confirmation",
        "The licence is bound to its holder in a way that this version does not know.",
        "Update Licentia.",
    ),
    entry(
        Code::UnknownKey,
        "unknown_key",
        "The licence is signed with a key that is not known here.",
        "Add the issuer's public key, or check that the licence is from the right vendor and environment.",
    ),
    entry(
        Code::AlgorithmMismatch,
        "algorithm_mismatch",
        "The licence names another algorithm than its key is for.",
        REISSUE,
    ),
    entry(
        Code::BadSignature,
        "bad_signature",
        "The signature does not fit: the licence was altered or forged.",
        "Ask the vendor for the licence again, and treat this copy as hostile.",
    ),
    entry(
        Code::KeyRevoked,
        "key_revoked",
        "The key that signed the licence was revoked.",
        "Ask the vendor for a licence signed with its present key.",
    ),
    entry(
        Code::KeyNotActive,
        "key_not_active",
        "The licence was issued when its key was not in use.",
        "Ask the vendor for a licence signed with its present key.",
    ),
    entry(
        Code::KeyOutOfScope,
        "key_out_of_scope",
        "The key that signed the licence may not grant this.",
        "Ask the vendor which keys may sign for this issuer, audience, tier and term.",
    ),
    entry(
        Code::KeysetExpired,
        "keyset_expired",
        "The keyset has expired.",
        "Load the vendor's newest keyset.",
    ),
    entry(
        Code::KeysetRollback,
        "keyset_rollback",
        "The keyset is older than one that was loaded before.",
        "Load the vendor's newest keyset, and find out who offers an old one.",
    ),
    entry(
        Code::KeysetEquivocation,
        "keyset_equivocation",
        "Two different keysets have the same sequence number.",
        "Raise an alarm with the vendor: the root key may be in wrong hands.",
    ),
    entry(
        Code::AmbiguousKey,
        "ambiguous_key",
        "Two keys have the same identifier, or one key is there twice.",
        "Give each key an identifier of its own, and list each key once.",
    ),
    entry(
        Code::NotYetValid,
        "not_yet_valid",
        "The licence is not valid yet.",
        "Wait until its start, or check this machine's clock.",
    ),
    entry(
        Code::Expired,
        "expired",
        "The licence has expired.",
        "Renew the licence, or check this machine's clock.",
    ),
    entry(
        Code::IssuedInFuture,
        "issued_in_future",
        "The licence was issued later than this machine's time.",
        "Check this machine's clock.",
    ),
    entry(
        Code::ClockRollback,
        "clock_rollback",
        "This machine's clock was set back.",
        "Set the clock right.",
    ),
    entry(
        Code::IssuerMismatch,
        "issuer_mismatch",
        "The licence is from another issuer.",
        "Use a licence from the issuer that this service expects.",
    ),
    entry(
        Code::AudienceMismatch,
        "audience_mismatch",
        "The licence is not meant for this service.",
        "Use a licence whose audience names this service, or set the service's audience.",
    ),
    entry(
        Code::FeatureNotLicensed,
        "feature_not_licensed",
        "The feature is not part of the licence.",
        "Upgrade to a tier that has the feature.",
    ),
    entry(
        Code::FeatureExpired,
        "feature_expired",
        "The feature has ended, while the licence goes on.",
        "Renew the feature.",
    ),
    entry(
        Code::ReleaseNotCovered,
        "release_not_covered",
        "The release is newer than the licence covers.",
        "Renew the maintenance, or use a release that it covers.",
    ),
    entry(
        Code::ReleaseRequired,
        "release_required",
        "The licence covers releases up to a date, and the request does not say which one runs.",
        "Pass the date of the running release with the request.",
    ),
    entry(
        Code::NodeRequired,
        "node_required",
        "The licence is bound to machines, and the request does not say which this is.",
        "Pass the machine's fingerprint with the request.",
    ),
    entry(
        Code::NodeMismatch,
        "node_mismatch",
        "The licence is bound to other machines.",
        "Use it where it is licensed, or ask the vendor to move it.",
    ),
    entry(
        Code::ProofRequired,
        "proof_required",
        "The licence is bound to its holder's key, and the request has no proof.",
        "Sign a proof for each request with the holder's key.",
    ),
    entry(
        Code::ProofMalformed,
        "proof_malformed",
        "The proof of possession is not well-formed.",
        "Make proofs with `licentia prove` or the library.",
    ),
    entry(
        Code::ProofBadSignature,
        "proof_bad_signature",
        "The proof is not signed with the key that the licence is bound to.",
        "Sign proofs with the holder's key.",
    ),
    entry(
        Code::ProofWrongLicense,
        "proof_wrong_license",
        "The proof was made for another licence.",
        "Make a proof for this licence.",
    ),
    entry(
        Code::ProofWrongMethod,
        "proof_wrong_method",
        "The proof was made for another method.",
        "Make a proof for each request.",
    ),
    entry(
        Code::ProofWrongUri,
        "proof_wrong_uri",
        "The proof was made for another URI.",
        "Make a proof for each request, with the URI that the service sees.",
    ),
    entry(
        Code::ProofWrongBody,
        "proof_wrong_body",
        "The proof was made for another body.",
        "Make a proof for each request, with the SHA-256 digest of its body.",
    ),
    entry(
        Code::ProofStale,
        "proof_stale",
        "The proof is too old.",
        "Make a proof for each request, and check this machine's clock.",
    ),
    entry(
        Code::ProofInFuture,
        "proof_in_future",
        "The proof was made later than this machine's time.",
        "Check the clocks of both machines.",
    ),
    entry(
        Code::ProofReplayed,
        "proof_replayed",
        "The proof was used before.",
        "Make a proof for each request, with a new nonce.",
    ),
    entry(
        Code::ProofCacheFull,
        "proof_cache_full",
        "Too many proofs are remembered to tell a replay.",
        "Try again in a minute, or give the gate a larger replay cache.",
    ),
    entry(
        Code::ProofNonceRequired,
        "proof_nonce_required",
        "The proof needs a newer nonce of the service.",
        "Make a proof with the nonce of the response's `Licentia-Proof-Nonce`, and try again.",
    ),
    entry(Code::Revoked, "revoked", "The licence was revoked.", "Ask the vendor why, and for a new licence."),
    entry(
        Code::RevokedByRule,
        "revoked_by_rule",
        "The licence was revoked by a rule.",
        "Ask the vendor why, and for a new licence.",
    ),
    entry(
        Code::RevocationStale,
        "revocation_stale",
        "What is known of revocations is older than the licence accepts.",
        "Load the vendor's newest revocation bundle.",
    ),
    entry(
        Code::RevocationExpired,
        "revocation_expired",
        "The revocation bundle has expired.",
        "Load the vendor's newest revocation bundle.",
    ),
    entry(
        Code::BundleMalformed,
        "bundle_malformed",
        "The revocation bundle is not well-formed.",
        "Fetch the bundle again.",
    ),
    entry(
        Code::BundleUntrusted,
        "bundle_untrusted",
        "The revocation bundle is not signed with a revocation key that is in use.",
        "Load the vendor's newest keyset, and fetch the bundle again.",
    ),
    entry(
        Code::BundleBadSignature,
        "bundle_bad_signature",
        "The revocation bundle was altered or forged.",
        "Fetch the bundle again, and find out who offers this one.",
    ),
    entry(
        Code::BundleRollback,
        "bundle_rollback",
        "The revocation bundle is older than one that was loaded before.",
        "Fetch the newest bundle, and find out who offers an old one.",
    ),
    entry(
        Code::BundleEquivocation,
        "bundle_equivocation",
        "Two different revocation bundles have the same sequence number.",
        "Raise an alarm with the vendor: the revocation key may be in wrong hands.",
    ),
    entry(
        Code::BundleWrongBase,
        "bundle_wrong_base",
        "The delta is for another bundle than the one that is loaded.",
        "Fetch the whole bundle.",
    ),
    entry(
        Code::BundleWrongRoot,
        "bundle_wrong_root",
        "The delta does not lead to the state that it names.",
        "Fetch the whole bundle.",
    ),
    entry(
        Code::RateLimited,
        "rate_limited",
        "Requests come faster than the licence allows.",
        "Wait as long as `retry_after` says.",
    ),
    entry(
        Code::RateNotLicensed,
        "rate_not_licensed",
        "The licence has no such rate.",
        "Upgrade to a tier that has it, or check the name in the request.",
    ),
    entry(
        Code::QuotaExceeded,
        "quota_exceeded",
        "The quota of this period is used up.",
        "Wait until it is reset, or buy more.",
    ),
    entry(
        Code::MeterNotLicensed,
        "meter_not_licensed",
        "The licence has no quota for this meter.",
        "Upgrade to a tier that has it, or check the name in the request.",
    ),
    entry(
        Code::StoreUnreachable,
        "store_unreachable",
        "The counters are out of reach.",
        "Check the store that the service counts in.",
    ),
    entry(
        Code::SeatsTaken,
        "seats_taken",
        "Every seat of the licence is taken.",
        "Wait until a seat is given back, or buy more.",
    ),
    entry(
        Code::SeatsNotLicensed,
        "seats_not_licensed",
        "The licence has no seats.",
        "Upgrade to a tier that has seats, or don't ask for one.",
    ),
    entry(
        Code::ReceiptMalformed,
        "receipt_malformed",
        "The receipt, or the log that it is in, is not well-formed.",
        "Fetch it again from the instance; where a log is damaged, restore it from the vendor's copy.",
    ),
    entry(
        Code::ReceiptForged,
        "receipt_forged",
        "The receipt or acknowledgement was altered or forged.",
        "Don't count it, and find out who offers it.",
    ),
    entry(
        Code::ReceiptForeign,
        "receipt_foreign",
        "The receipt is of an instance that was not expected.",
        "Register the instance, or leave its receipts out.",
    ),
    entry(
        Code::ReceiptGap,
        "receipt_gap",
        "Receipts of the instance are missing.",
        "Fetch them; a later receipt holds what they counted.",
    ),
    entry(
        Code::ReceiptFork,
        "receipt_fork",
        "Two different receipts of the instance have the same sequence number.",
        "Treat the instance as cloned: give each copy a key of its own, and count both.",
    ),
    entry(
        Code::ReceiptRollback,
        "receipt_rollback",
        "The instance was set back to an older state.",
        "Find out who restored it, and start it anew with a new key.",
    ),
    entry(
        Code::WeakKey,
        "weak_key",
        "The public key is of small order: anybody could forge its signatures.",
        "Use a key made by `licentia keygen`.",
    ),
    entry(
        Code::InvalidKey,
        "invalid_key",
        "The public key is not well-formed.",
        "Pass the whole key, as written by `licentia keygen`.",
    ),
    entry(
        Code::InvalidArgument,
        "invalid_argument",
        "An argument is out of its range.",
        "Read the function's documentation and correct the call.",
    ),
    entry(
        Code::JobCostDiffers,
        "job_cost_differs",
        "The job was charged before with another cost.",
        "Name each piece of work differently, and ask for the same cost whenever one is tried again.",
    ),
];

impl Code {
    /// The number, which never changes its meaning.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code of a number, if there is one.
    pub fn from_number(number: u16) -> Option<Self> {
        TABLE.iter().find(|entry| entry.code.number() == number).map(|entry| entry.code)
    }

    /// Its row in the table.
    pub fn entry(self) -> &'static CodeEntry {
        // Every code has a row (tested); the fallback keeps this free of panics.
        const FALLBACK: CodeEntry = entry(Code::InvalidArgument, "unknown", "", "");
        TABLE
            .binary_search_by_key(&self.number(), |entry| entry.code.number())
            .ok()
            .and_then(|at| TABLE.get(at))
            .unwrap_or(&FALLBACK)
    }

    /// Every code, ascending by number.
    pub const TABLE: &'static [CodeEntry] = TABLE;

    /// The code of a stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|entry| entry.name == name).map(|entry| entry.code)
    }

    /// The stable name in `snake_case`.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// What it says, as a sentence.
    pub fn message(self) -> &'static str {
        self.entry().message
    }

    /// What to do about it, as a sentence.
    pub fn advice(self) -> &'static str {
        self.entry().advice
    }

    /// Whether this is [`Code::Allowed`].
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.name(), self.number(), self.message())
    }
}

impl core::error::Error for Code {}

#[cfg(feature = "serde")]
mod serde {
    //! A code is written as its name, which people can read, and read from its name or its number.

    use core::fmt;

    use serde_core::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::Code;

    impl Serialize for Code {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.name())
        }
    }

    impl<'de> Deserialize<'de> for Code {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Visitor)
        }
    }

    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = Code;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the name or number of a Licentia code")
        }

        fn visit_str<E: de::Error>(self, name: &str) -> Result<Code, E> {
            Code::from_name(name).ok_or_else(|| E::invalid_value(de::Unexpected::Str(name), &self))
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Code, E> {
            let code = u16::try_from(number).ok().and_then(Code::from_number);
            code.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "serde")]
    use std::string::ToString;

    #[test]
    fn table_ascends_and_every_row_is_complete() {
        assert!(TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
        for entry in TABLE {
            assert!(entry.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()));
            assert!(entry.message.ends_with('.') && entry.advice.ends_with('.'), "{}", entry.name);
            assert_eq!(Code::from_number(entry.code.number()), Some(entry.code));
            assert_eq!(entry.code.entry().name, entry.name);
        }
        assert_eq!(Code::from_number(999), None);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_code_is_written_as_its_name_and_read_from_name_or_number() {
        for entry in TABLE {
            let text = serde_json::to_string(&entry.code).unwrap();
            assert_eq!(text, std::format!("\"{}\"", entry.name));
            assert_eq!(serde_json::from_str::<Code>(&text).unwrap(), entry.code);
            let number = entry.code.number().to_string();
            assert_eq!(serde_json::from_str::<Code>(&number).unwrap(), entry.code);
        }
        for bad in ["\"no_such_code\"", "999", "65536", "-1", "null", "{}"] {
            assert!(serde_json::from_str::<Code>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_variant_has_a_row() {
        // `Debug` of a code is its variant; its name is the same words in snake_case.
        for entry in TABLE {
            let mut snake = std::string::String::new();
            for c in std::format!("{:?}", entry.code).chars() {
                if c.is_ascii_uppercase() && !snake.is_empty() {
                    snake.push('_');
                }
                snake.push(c.to_ascii_lowercase());
            }
            assert_eq!(snake, entry.name);
        }
        let variants = include_str!("code.rs").lines().filter(|l| {
            let l = l.trim();
            l.ends_with(',')
                && l.split_once(" = ").is_some_and(|(name, n)| {
                    name.chars().all(char::is_alphanumeric) && n.trim_end_matches(',').parse::<u16>().is_ok()
                })
        });
        assert_eq!(variants.count(), TABLE.len());
    }
}
