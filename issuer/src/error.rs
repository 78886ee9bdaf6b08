//! Errors on the vendor's side. No variant holds the bytes of a key or token.

use std::path::PathBuf;

use licentia_core::{Code, Timestamp};

use crate::time::show;

/// The result of a call on the vendor's side.
pub type Result<T> = std::result::Result<T, Error>;

/// An error. Its text says what is wrong, in which field or file, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file was read, and its content is wrong.
    #[error("{}: {source}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        source: Box<Error>,
    },
    /// A private key cannot be used.
    #[error("private key: {0}")]
    Key(#[from] KeyError),
    /// The operating system returned no random bytes.
    #[error("the operating system's random generator failed; nothing was written")]
    Random,
    /// A catalogue is wrong.
    #[error("catalogue: {0}")]
    Catalogue(#[from] CatalogueError),
    /// A keyset is wrong.
    #[error("keyset: {0}")]
    Keyset(#[from] KeysetError),
    /// A revocation, or a bundle of them, is wrong.
    #[error("revocation bundle: {0}")]
    Bundle(#[from] BundleError),
    /// A value cannot be understood, or contradicts another one.
    #[error("{field} {given:?}: {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// The value.
        given: String,
        /// What to write instead.
        expected: &'static str,
    },
    /// Every verifier would refuse the licence, so it was not signed.
    #[error("every verifier would refuse this licence, so it was not issued: {0}")]
    Refused(Code),
    /// The ledger could not be read or written, or does not allow what was wanted.
    #[error("ledger: {0}")]
    Ledger(#[from] LedgerError),
    /// A newer version of Licentia wrote the ledger.
    #[error("ledger: this version of Licentia does not know schema version {0}; update Licentia")]
    LedgerVersion(i64),
}

/// Why a private key cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is encrypted, and there is no passphrase.
    #[error("it is encrypted; give its passphrase")]
    PassphraseMissing,
    /// It cannot be decrypted.
    #[error("the passphrase is wrong, or the file is damaged")]
    PassphraseWrong,
    /// There is a passphrase for a key that is not encrypted.
    #[error("it is not encrypted; leave out the passphrase")]
    PassphraseUnneeded,
    /// It is no Ed25519 key in PKCS#8 PEM.
    #[error("this is not an Ed25519 key in PKCS#8 PEM")]
    Malformed,
    /// Its public half is a weak point.
    #[error("its public key is weak; make another key")]
    Weak,
    /// It cannot be written as PEM.
    #[error("it cannot be encoded")]
    Unencodable,
}

/// What is wrong with a catalogue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The TOML is wrong. The text names the line.
    #[error("{0}")]
    Syntax(String),
    /// There is no such tier.
    #[error("there is no tier {wanted}; there are: {}", known.join(", "))]
    UnknownTier {
        /// The name, with the version if one was named.
        wanted: String,
        /// Every tier and version of the catalogue.
        known: Vec<String>,
    },
    /// A tier and version appears twice.
    #[error("tier {0} is there twice; give the new one a new version")]
    DuplicateTier(String),
    /// A tier has version 0.
    #[error("tier {0}: versions begin with 1")]
    VersionZero(String),
    /// A perpetual tier has a grace period.
    #[error("tier {0}: a perpetual tier has no grace; remove `grace`")]
    PerpetualGrace(String),
    /// Something else about a tier is wrong.
    #[error("tier {tier}: {source}")]
    Tier {
        /// Name and version of the tier.
        tier: String,
        /// What is wrong.
        source: Box<Error>,
    },
}

/// What is wrong with a keyset.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysetError {
    /// The TOML is wrong. The text names the line.
    #[error("{0}")]
    Syntax(String),
    /// A key's text form is wrong.
    #[error("a `key` is not a public key (licpub1_...): {0}")]
    Key(Code),
    /// The keyset has the key already.
    #[error("key {0} is already in the keyset")]
    DuplicateKey(String),
    /// Another key of the keyset has the same identifier.
    #[error(
        "another key of the keyset has the identifier {0}; give one of them a longer start of its thumbprint, or make another key"
    )]
    DuplicateKid(String),
    /// The identifier is not the start of the key's thumbprint.
    #[error(
        "the identifier {0} was chosen by somebody: a key's identifier is the first 4 to 32 bytes of its RFC 9679 thumbprint"
    )]
    ForeignKid(String),
    /// The keyset has no key with this identifier.
    #[error("there is no key {kid}; there are: {}", known.join(", "))]
    UnknownKey {
        /// The identifier.
        kid: String,
        /// The identifiers of the keyset's keys.
        known: Vec<String>,
    },
    /// It expires when it is issued, or before.
    #[error("it expires at {}, and it is issued at {}: every gate would refuse all licences; sign it with a later `expires`", show(*expires), show(*issued_at))]
    Expired {
        /// When it is issued.
        issued_at: Timestamp,
        /// When it expires.
        expires: Timestamp,
    },
    /// The window of a key is empty.
    #[error("key {0}: `not_before` is later than `not_after`, so it could sign nothing; correct one of them")]
    EmptyWindow(String),
    /// The root is one of the keys.
    #[error(
        "key {0} is the root key, which signs keysets only; remove it, and sign licences with another key"
    )]
    RootKey(String),
    /// A revoked key cannot be retired.
    #[error("key {0} is revoked, and a revoked key stays revoked; add a new key instead")]
    Revoked(String),
    /// A key would be trusted more than in the keyset before.
    #[error(
        "key {0} would be trusted more than in the keyset before: a retired or revoked key stays so; add a new key instead"
    )]
    MoreTrust(String),
    /// No gate would accept it.
    #[error("no gate would accept it: {0}")]
    Refused(Code),
}

/// What is wrong with a revocation or a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The times are not in their order.
    #[error("its times are out of order: `issued_at`, then `next_update`, then `expires`")]
    Times,
    /// There are too many groups.
    #[error("it has {0} different sets of reason, time and action, and a bundle can have {most}; round the times to days", most = licentia_core::limits::GROUPS)]
    TooManyGroups(usize),
    /// Too many indices are revoked.
    #[error("it revokes {0} licences, and a bundle can revoke {most}", most = licentia_core::limits::REVOKED)]
    TooManyIndices(u64),
    /// A rule has no condition.
    #[error("a rule needs a condition: without one it would revoke everything")]
    NoCondition,
    /// A range of a rule is empty.
    #[error("`{0}` of a rule ends before it begins: the rule would hit nobody")]
    EmptyRange(&'static str),
    /// A rule would spare too many tokens.
    #[error("a rule can spare {most} tokens, and the ledger has more; reissue the good licences under another key (`licentia reissue`), then revoke the old key without sparing any", most = licentia_core::limits::RULE_LIST)]
    TooManySpared,
    /// No licence of the ledger is of the tier.
    #[error("no licence of the ledger is of tier {tier}; there are: {}", known.join(", "))]
    UnknownTier {
        /// The tier, with its version if one was named.
        tier: String,
        /// The tiers and versions of the ledger.
        known: Vec<String>,
    },
    /// No licence of the ledger is signed with the key.
    #[error("no licence of the ledger is signed with key {kid}; there are: {}", known.join(", "))]
    UnknownKey {
        /// The key's identifier.
        kid: String,
        /// The identifiers of the ledger's keys.
        known: Vec<String>,
    },
    /// One of the two is a delta.
    #[error("a delta is made from two whole bundles")]
    NotWhole,
    /// The two bundles do not follow each other.
    #[error("a delta leads to a later bundle of the same issuer with the same salt: build it with --since")]
    WrongBase,
    /// No gate would accept it.
    #[error("no gate would accept it: {0}")]
    Refused(Code),
    /// The ledger is of another stream, and has licences or bundles.
    #[error("the ledger is of stream {stream} and in use; start a new ledger for stream {wanted}")]
    StreamInUse {
        /// The ledger's stream.
        stream: u64,
        /// The one that was wanted.
        wanted: u64,
    },
    /// A licence is of another stream than the ledger's.
    #[error(
        "the licence is of stream {given}, and the ledger of stream {stream}; draft it with the ledger's stream"
    )]
    WrongStream {
        /// The ledger's stream.
        stream: u64,
        /// The licence's.
        given: u64,
    },
    /// The bundle names no issuer.
    #[error("it names no issuer; set `issuer`")]
    NoIssuer,
    /// The ledger knows no licence of the issuer.
    #[error("the ledger has no licence of issuer {issuer:?}; there are: {}", known.join(", "))]
    UnknownIssuer {
        /// The issuer.
        issuer: String,
        /// The issuers of the ledger.
        known: Vec<String>,
    },
    /// The key signed licences.
    #[error("key {0} signs licences, and no gate accepts a bundle from it; use the revocation key")]
    LicenseKey(String),
    /// The sequence number would leave no room for the bundles after it.
    #[error("the sequence number {wanted} is too far ahead of {last}, the last one: skip a billion at most")]
    SequenceJump {
        /// The last sequence number.
        last: u64,
        /// The wanted one.
        wanted: u64,
    },
    /// The ledger does not have the licence.
    #[error("the ledger has no licence with the identifier {0}")]
    UnknownLicense(String),
    /// The bundle's verdict on a licence differs from the ledger's.
    #[error("nothing was published: licence {id} {verdict}")]
    Replay {
        /// The licence's identifier.
        id: String,
        /// How the verdict is wrong.
        verdict: &'static str,
    },
}

/// Why a ledger cannot be used, or does not allow what was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The database failed.
    #[error("{}", with_causes(&**.0))]
    Database(Box<dyn std::error::Error + Send + Sync>),
    /// There is no ledger at this place.
    #[error("{0}: there is no such ledger; create one with `licentia ledger init {0}`")]
    Missing(String),
    /// What is at this place is no ledger.
    #[error("{0}: this is no ledger; name the ledger's own file")]
    NoLedger(String),
    /// There is a ledger, or another file, at the place of a new one.
    #[error("{0} exists; name a place where nothing is")]
    Exists(String),
    /// An older version of Licentia wrote the ledger, and it cannot be changed.
    #[error(
        "an older version of Licentia wrote it (schema version {0}), and it cannot be upgraded because it is read-only; open a copy that can be written"
    )]
    Outdated(i64),
    /// This build lacks PostgreSQL.
    #[error("this build of Licentia lacks PostgreSQL; build it with the feature `postgres`")]
    NoPostgres,
    /// Another process has the lock.
    #[error("another process builds a bundle from it; try again when that one is done")]
    Busy,
    /// A row that every ledger has is not there.
    #[error("it is damaged: a row is missing; restore it from a backup")]
    Empty,
    /// Some bytes have the wrong length.
    #[error("it is damaged: {length} bytes where {expected} belong; restore it from a backup")]
    Damaged {
        /// The number of bytes.
        length: usize,
        /// The right number.
        expected: usize,
    },
    /// No licence of the ledger has the lineage.
    #[error("it has no lineage {0}; correct the lineage, or leave it out for a new customer")]
    UnknownLineage(String),
    /// The lineage is somebody else's. Whoever shares it would share its quotas.
    #[error("lineage {lineage} belongs to {owner:?}, not to {given:?}; correct the lineage or the subject")]
    ForeignLineage {
        /// The lineage.
        lineage: String,
        /// Whom its licences were issued to.
        owner: String,
        /// Whom the new one would be issued to.
        given: String,
    },
    /// The reference was used for another order.
    #[error(
        "the reference {reference:?} was used before, for another order (licence {id}, {differs} differs); use a new reference"
    )]
    ReferenceUsed {
        /// The reference.
        reference: String,
        /// The licence that was issued for it.
        id: String,
        /// What differs between the two orders.
        differs: &'static str,
    },
    /// A reference appears twice in one batch.
    #[error("the reference {0:?} appears twice")]
    ReferenceTwice(String),
    /// The ledger does not have the licence's terms.
    #[error(
        "it does not have the terms of licence {0}, which an older version of Licentia issued; give it the token with `licentia ledger learn`, or issue the licence anew with --renews"
    )]
    NoTerms(String),
    /// The licence was signed with another key.
    #[error("licence {id} was signed with key {kid}, not with {given}")]
    OtherKey {
        /// The licence.
        id: String,
        /// The key that signed it.
        kid: String,
        /// The key that was given.
        given: String,
    },
    /// What was signed again differs from what was signed first.
    #[error("licence {0} cannot be signed again: its bytes would differ from the first ones")]
    NotTheSame(String),
    /// A licence that is revoked or has ended is not signed anew.
    #[error("licence {id} {why}")]
    NotGood {
        /// The licence.
        id: String,
        /// Why it is not signed anew.
        why: &'static str,
    },
    /// Every licence of the lineage is revoked.
    #[error("every licence of lineage {0} is revoked; reinstate one first")]
    LineageRevoked(String),
    /// A backup is older than what gates and customers have.
    #[error(
        "the backup ends at bundle {backup}, and gates have bundle {published}; {licenses} of the ledger's licences are not in it; what came later would be forgotten: revocations by the next bundle, licences for good"
    )]
    OlderBackup {
        /// The last bundle of the backup.
        backup: u64,
        /// The last bundle that was published.
        published: u64,
        /// How many licences fewer it has than the ledger that it would replace.
        licenses: u64,
    },
}

impl LedgerError {
    /// Whether the database is at fault, not the call.
    fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Database(_) | Self::Busy | Self::Empty | Self::Damaged { .. } | Self::Outdated(_)
        )
    }
}

/// An error with its causes: a database names the fault only in a cause.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(feature = "ledger")]
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        LedgerError::Database(Box::new(error)).into()
    }
}

#[cfg(feature = "postgres")]
impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        LedgerError::Database(Box::new(error)).into()
    }
}

impl Error {
    /// Its code, for languages whose errors carry no more than that.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(code) => *code,
            Self::Content { source, .. } => source.code(),
            Self::Key(_) => Code::InvalidKey,
            Self::Ledger(error) if !error.is_outage() => Code::InvalidArgument,
            Self::Ledger(_) | Self::File { .. } | Self::Random | Self::LedgerVersion(_) => {
                Code::StoreUnreachable
            }
            Self::Catalogue(_) | Self::Keyset(_) | Self::Bundle(_) | Self::Value { .. } => {
                Code::InvalidArgument
            }
        }
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(crate) fn content(path: impl Into<PathBuf>) -> impl FnOnce(Self) -> Self {
        let path = path.into();
        move |source| Self::Content { path, source: Box::new(source) }
    }

    pub(crate) fn value(field: &'static str, given: &str, expected: &'static str) -> Self {
        Self::Value { field, given: given.into(), expected }
    }
}
