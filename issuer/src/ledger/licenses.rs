//! The licences that were issued.

use licentia_core::{Claims, Lineage, Timestamp, TokenId};
use rusqlite::{OptionalExtension, Row, params};

use super::database::{Ledger, number, time};
use crate::{
    error::{BundleError, Error, Result},
    license::Token,
};

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
    /// Identifier of the key that signed it.
    pub kid: Vec<u8>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When everything ends.
    pub expires: Timestamp,
    /// SHA-256 of the token's bytes.
    pub digest: [u8; 32],
}

impl Ledger {
    /// Records a licence. Do this before handing it out.
    ///
    /// # Errors
    /// [`Error::Ledger`], also if the identifier is already there; [`BundleError::WrongStream`] for a licence of another
    /// stream than the ledger's, which no bundle of the ledger would revoke.
    pub fn record(&mut self, token: &Token) -> Result<()> {
        let claims = token.claims().map_err(|malformed| Error::Refused(malformed.code))?;
        let claims: &Claims<'_> = &claims;
        let (tier, stream) = (claims.tier(), self.stream()?);
        if claims.stream() != stream {
            return Err(BundleError::WrongStream { stream, given: claims.stream() }.into());
        }
        self.database.execute(
            "INSERT INTO license (id, lineage, issuer, subject, tier, tier_version, kind, kid,
                issued_at, not_before, term_end, expires, stream_index, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                claims.id().as_bytes(),
                claims.lineage().as_bytes(),
                claims.issuer(),
                claims.subject(),
                tier.name,
                number(tier.version),
                claims.kind().number(),
                claims.kid().as_bytes(),
                time(claims.issued_at()),
                claims.not_before().map(time),
                claims.term_end().map(time),
                time(claims.expires()),
                claims.index().map(number),
                hmac_sha256::Hash::hash(token.as_bytes()),
            ],
        )?;
        Ok(())
    }

    /// The licence with a token's identifier.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn find(&self, id: &TokenId) -> Result<Option<IssuedLicense>> {
        let found = self.database.query_row("SELECT * FROM license WHERE id = ?1", [id.as_bytes()], read);
        Ok(found.optional()?)
    }

    /// All licences of a subject, the oldest first.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn of_subject(&self, subject: &str) -> Result<Vec<IssuedLicense>> {
        let sql = "SELECT * FROM license WHERE subject = ?1 ORDER BY issued_at, id";
        let mut statement = self.database.prepare(sql)?;
        let rows = statement.query_map([subject], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// All licences of a lineage, the oldest first.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn of_lineage(&self, lineage: &Lineage) -> Result<Vec<IssuedLicense>> {
        let sql = "SELECT * FROM license WHERE lineage = ?1 ORDER BY issued_at, id";
        let mut statement = self.database.prepare(sql)?;
        let rows = statement.query_map([lineage.as_bytes()], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The issuers whose licences are in the ledger.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn issuers(&self) -> Result<Vec<String>> {
        let mut statement = self.database.prepare("SELECT DISTINCT issuer FROM license ORDER BY issuer")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many licences were issued.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn count(&self) -> Result<u64> {
        let count: i64 = self.database.query_row("SELECT count(*) FROM license", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<IssuedLicense> {
    let unsigned = |column: &str| row.get::<_, i64>(column).map(i64::unsigned_abs);
    Ok(IssuedLicense {
        id: row.get::<_, [u8; 16]>("id")?.into(),
        lineage: row.get::<_, [u8; 16]>("lineage")?.into(),
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        tier: row.get("tier")?,
        tier_version: unsigned("tier_version")?,
        kid: row.get("kid")?,
        issued_at: unsigned("issued_at")?.into(),
        expires: unsigned("expires")?.into(),
        digest: row.get("digest")?,
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
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            !bytes.windows(64).any(|window| token.as_bytes().ends_with(window)),
            "no signature in the file"
        );
    }
}
