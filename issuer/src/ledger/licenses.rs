//! The licences that were issued.

use licentia_core::{Claims, Kind, Lineage, Timestamp, TokenId};

use super::{
    database::Ledger,
    sql::{Row, values},
};
use crate::{error::Result, license::Token};

/// What the ledger knows about one licence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuedLicense {
    /// The token's identifier.
    pub id: TokenId,
    /// The lineage, which renewals and upgrades share.
    pub lineage: Lineage,
    /// Who issued it.
    pub issuer: String,
    /// Who it was issued to.
    pub subject: String,
    /// Name of the tier.
    pub tier: String,
    /// Version of the tier.
    pub tier_version: u64,
    /// The kind of licence.
    pub kind: Kind,
    /// Identifier of the key that signed it.
    pub kid: Vec<u8>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it starts, if later.
    pub not_before: Option<Timestamp>,
    /// When the contract ends, if the licence goes on in grace.
    pub term_end: Option<Timestamp>,
    /// When everything ends.
    pub expires: Timestamp,
    /// Its index in the revocation stream.
    pub index: Option<u64>,
    /// SHA-256 of the token's bytes.
    pub digest: [u8; 32],
}

/// The columns that [`read`] reads.
pub(super) const COLUMNS: &str = "license.id, lineage, issuer, subject, tier, tier_version, kind, kid, issued_at, not_before, term_end, expires, stream_index, digest";

impl Ledger {
    /// The licence with a token's identifier.
    ///
    /// # Errors
    /// [`crate::Error::Ledger`].
    pub fn find(&self, id: &TokenId) -> Result<Option<IssuedLicense>> {
        let sql = format!("SELECT {COLUMNS} FROM license WHERE id = ?1");
        self.database.first(&sql, values![id], read)
    }

    /// All licences of a subject, the oldest first.
    ///
    /// # Errors
    /// [`crate::Error::Ledger`].
    pub fn of_subject(&self, subject: &str) -> Result<Vec<IssuedLicense>> {
        let sql = format!("SELECT {COLUMNS} FROM license WHERE subject = ?1 ORDER BY issued_at, id");
        self.database.all(&sql, values![subject], read)
    }

    /// All licences of a lineage, the oldest first.
    ///
    /// # Errors
    /// [`crate::Error::Ledger`].
    pub fn of_lineage(&self, lineage: &Lineage) -> Result<Vec<IssuedLicense>> {
        let sql = format!("SELECT {COLUMNS} FROM license WHERE lineage = ?1 ORDER BY issued_at, id");
        self.database.all(&sql, values![lineage], read)
    }
}

impl IssuedLicense {
    /// What a token says.
    pub(super) fn of(claims: &Claims<'_>, token: &Token) -> Self {
        let tier = claims.tier();
        Self {
            id: claims.id(),
            lineage: claims.lineage(),
            issuer: claims.issuer().to_owned(),
            subject: claims.subject().to_owned(),
            tier: tier.name.to_owned(),
            tier_version: tier.version,
            kind: claims.kind(),
            kid: claims.kid().as_bytes().to_owned(),
            issued_at: claims.issued_at(),
            not_before: claims.not_before(),
            term_end: claims.term_end(),
            expires: claims.expires(),
            index: claims.index(),
            digest: hmac_sha256::Hash::hash(token.as_bytes()),
        }
    }
}

/// Reads the columns [`COLUMNS`], which are the first of the row.
pub(super) fn read(row: &Row<'_>) -> Result<IssuedLicense> {
    Ok(IssuedLicense {
        id: row.id(0)?,
        lineage: row.array::<16>(1)?.into(),
        issuer: row.text(2)?.to_owned(),
        subject: row.text(3)?.to_owned(),
        tier: row.text(4)?.to_owned(),
        tier_version: row.unsigned(5)?,
        kind: Kind::from_number(row.unsigned(6)?).unwrap_or_default(),
        kid: row.bytes(7)?.to_owned(),
        issued_at: row.time(8)?,
        not_before: row.optional_time(9)?,
        term_end: row.optional_time(10)?,
        expires: row.time(11)?,
        index: row.optional(12)?,
        digest: row.array(13)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, Issuer, SigningKey};

    #[test]
    fn what_was_issued_is_found_again_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
        let token = issuer.issue(&Draft::new("cus_42", "pro", 3, 1_800_000_000, 1_900_000_000)).unwrap();
        Ledger::open(&path).unwrap().record(&token).unwrap();

        let mut ledger = Ledger::open(&path).unwrap();
        let id = token.claims().unwrap().id();
        let record = ledger.find(&id).unwrap().unwrap();
        assert_eq!((record.subject.as_str(), record.tier_version), ("cus_42", 3));
        assert_eq!(record.kid, issuer.key().kid().as_bytes());
        assert_eq!(ledger.of_subject("cus_42").unwrap(), [record]);
        assert_eq!(ledger.count().unwrap(), 1);
        assert!(ledger.record(&token).is_err(), "the same licence twice");
        assert_eq!(ledger.find(&[0; 16].into()).unwrap(), None);
        drop(ledger);
        let bytes = std::fs::read(&path).unwrap();
        let signature = token.as_bytes().last_chunk::<64>().unwrap();
        assert!(!bytes.windows(32).any(|window| signature.starts_with(window)), "no signature in the file");
    }
}
