//! The vendor: issues, renews, upgrades and revokes the licences of three customers.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use licentia_core::{
    Lineage, Timestamp,
    revocation::{Bundle, Reason, RevocationTerms},
};
use licentia_issuer::{Catalogue, Issuer, Ledger, PublishedBundle, SigningKey, file::replace};
use zeroize::Zeroizing;

use super::{
    keys::{ISSUER, Keys, now},
    place::Place,
    terms::{LEVELS, Terms},
};
use crate::terminal::output::Result;

/// Who buys, and what.
const CUSTOMERS: [(&str, &str); 3] = [("northwind", "free"), ("globex", "pro"), ("initech", "enterprise")];
/// A session may last for days.
const BUNDLE_LASTS: u64 = 30 * 86_400;
/// The header field that a customer's file holds, for `curl -H @FILE`.
const FIELD: &str = "Authorization: Bearer ";

/// A customer and the newest licence.
pub(super) struct Customer {
    pub(super) subject: &'static str,
    pub(super) lineage: Lineage,
    pub(super) tier: String,
    pub(super) tier_version: u64,
    pub(super) token: Zeroizing<String>,
    /// The file with the header field.
    pub(super) header: PathBuf,
}

/// The vendor's side.
pub(super) struct Vendor {
    issuer: Issuer,
    revocation: SigningKey,
    catalogue: Catalogue,
    ledger: Ledger,
    bundle: PathBuf,
    customers: Vec<Customer>,
}

impl Vendor {
    /// With the customers and the ledger of the folder, or new ones.
    pub(super) fn open(place: &Place, keys: Keys, terms: &Terms) -> Result<Self> {
        let path = place.file("tiers.toml");
        replace(&path, terms.catalogue().as_bytes())?;
        let mut vendor = Self {
            issuer: Issuer::new(ISSUER, keys.license),
            revocation: keys.revocation,
            catalogue: Catalogue::load(&path)?,
            ledger: Ledger::open(&place.file("ledger.db"))?,
            bundle: place.file("bundle"),
            customers: Vec::new(),
        };
        for (subject, tier) in CUSTOMERS {
            let header = place.file(subject);
            let customer = match vendor.known(subject, &header)? {
                Some(customer) => customer,
                None => vendor.issue(subject, tier, None, header)?,
            };
            vendor.customers.push(customer);
        }
        vendor.publish()?;
        Ok(vendor)
    }

    pub(super) fn customers(&self) -> &[Customer] {
        &self.customers
    }

    pub(super) fn customer(&self, subject: &str) -> Result<&Customer> {
        Ok(self.customers.iter().find(|customer| customer.subject == subject).ok_or("no such customer")?)
    }

    /// A customer of an earlier session.
    fn known(&self, subject: &'static str, header: &Path) -> Result<Option<Customer>> {
        let Ok(text) = fs::read_to_string(header).map(Zeroizing::new) else { return Ok(None) };
        let issued = self.ledger.of_subject(subject)?;
        let (Some(newest), Some(token)) = (issued.last(), text.trim().strip_prefix(FIELD)) else {
            return Ok(None);
        };
        Ok(Some(Customer {
            subject,
            lineage: newest.lineage,
            tier: newest.tier.clone(),
            tier_version: newest.tier_version,
            token: Zeroizing::new(token.to_owned()),
            header: header.to_owned(),
        }))
    }

    fn issue(
        &mut self,
        subject: &'static str,
        tier: &str,
        lineage: Option<Lineage>,
        header: PathBuf,
    ) -> Result<Customer> {
        let tier = self.catalogue.tier(tier, None)?;
        let mut draft = tier.draft(subject, now())?;
        (draft.lineage, draft.index) = (lineage, Some(self.ledger.next_index()?));
        let token = self.issuer.issue(&draft)?;
        // Nobody gets a licence that could not be revoked.
        self.ledger.record(&token)?;
        let text = Zeroizing::new(token.text());
        write_secret(&header, &[FIELD, &text, "\n"].concat())?;
        let claims = token.claims().map_err(|malformed| malformed.code)?;
        let lineage = claims.lineage();
        let (tier, tier_version) = (tier.name.clone(), tier.version);
        Ok(Customer { subject, lineage, tier, tier_version, token: text, header })
    }

    /// Issues the customer's next licence: of the same tier, or of the next higher one. It goes on with the lineage, so
    /// what was used stays used.
    pub(super) fn reissue(&mut self, subject: &str, upgrade: bool) -> Result<String> {
        let at = self.customers.iter().position(|customer| customer.subject == subject);
        let (at, customer) =
            at.and_then(|at| Some((at, self.customers.get(at)?))).ok_or("no such customer")?;
        let level = LEVELS.iter().position(|level| level.name == customer.tier).unwrap_or(0);
        let level = LEVELS
            .get(level + usize::from(upgrade))
            .ok_or_else(|| format!("{subject} has the highest tier already"))?;
        let next = (customer.subject, customer.lineage, customer.header.clone());
        let next = self.issue(next.0, level.name, Some(next.1), next.2)?;
        if let Some(customer) = self.customers.get_mut(at) {
            *customer = next;
        }
        Ok(level.name.to_owned())
    }

    /// Revokes every licence of a customer, and returns the next bundle with its sequence number.
    pub(super) fn revoke(&mut self, subject: &str) -> Result<(u64, Vec<u8>)> {
        let lineage = self.customer(subject)?.lineage;
        let terms = RevocationTerms { reason: Reason::Requested, ..RevocationTerms::default() };
        for license in self.ledger.of_lineage(&lineage)? {
            self.ledger.revoke(&license.id, terms)?;
        }
        self.publish()
    }

    /// Signs the next bundle, and writes it where the gateway reads it.
    fn publish(&mut self) -> Result<(u64, Vec<u8>)> {
        let last = self.ledger.last_published(ISSUER)?.unwrap_or_default();
        let since = PublishedBundle {
            sequence: self.ledger.sequence()?,
            salt: Bundle::inspect(&last).ok().map(|(bundle, _)| *bundle.salt()),
        };
        let now = Timestamp::from(now());
        let mut draft = self.ledger.draft_bundle(ISSUER, now, since, |_| ())?;
        (draft.next_update, draft.expires) = (now + BUNDLE_LASTS, now + 2 * BUNDLE_LASTS);
        let bytes = draft.sign(&self.revocation)?;
        replace(&self.bundle, &bytes)?;
        self.ledger.published(&bytes)?;
        Ok((draft.sequence, bytes))
    }
}

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    Ok(written.map_err(|error| format!("{}: {error}", path.display()))?)
}
