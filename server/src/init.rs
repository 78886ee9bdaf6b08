//! The folder of a new service: keys, keyset, ledger, catalogue, configuration, and the administrator's licence.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use licentia_core::Timestamp;
use licentia_issuer::{
    Catalogue, Draft, Feature, FeatureValue, Issuer, KeyPurpose, KeysetDraft, KeysetEntry, Ledger,
    LedgerAccess, LedgerLocation, Order, Result as IssuerResult, SigningKey,
    file::{Access, create},
    time::Span,
};

use crate::{
    access::{Admin, Issue, Read, Report, Revoke, Scope},
    store::TABLES,
};

/// A new service.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "a command makes it")]
pub struct Init<'a> {
    /// The folder, which is made.
    pub folder: &'a Path,
    /// The issuer's name.
    pub issuer: &'a str,
    /// The ledger, which must not exist: a path in the folder, or `postgres://…`.
    pub ledger: &'a str,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The catalogue, as TOML.
    pub catalogue: &'a str,
    /// The passphrase of the private keys. Without one they are not encrypted.
    pub passphrase: Option<&'a str>,
}

/// What was made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Made {
    /// The configuration.
    pub config: PathBuf,
    /// The administrator's licence, which only its owner can read.
    pub admin: PathBuf,
    /// The private root key, to be moved off line.
    pub root: PathBuf,
    /// The public half of the root key, for gateways.
    pub root_public: PathBuf,
}

impl Init<'_> {
    /// Makes it. Nothing is overwritten.
    ///
    /// # Errors
    /// [`licentia_issuer::Error`]; files that were made before it stay.
    pub fn make(&self, now: Timestamp) -> IssuerResult<Made> {
        self.catalogue.parse::<Catalogue>()?;
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .recursive(true)
            .create(self.folder)
            .map_err(|source| licentia_issuer::Error::File { path: self.folder.to_owned(), source })?;
        let file = |name: &str| self.folder.join(name);
        let key = |name: &str| -> IssuerResult<SigningKey> {
            let key = SigningKey::generate()?;
            key.save(&file(&format!("{name}.pem")), self.passphrase)?;
            Ok(key)
        };
        let (root, license, revocation) = (key("root")?, key("license")?, key("revocation")?);
        let root_public = file("root.pub");
        create(&root_public, format!("{}\n", root.public()).as_bytes(), Access::Umask)?.keep();
        let mut draft = KeysetDraft::default();
        draft.add(KeysetEntry::new(&license.public()))?;
        let purpose = KeyPurpose::Revocation;
        draft.add(KeysetEntry { purpose, ..KeysetEntry::new(&revocation.public()) })?;
        let year: Span = "1 year".parse()?;
        let keyset = draft.sign(&root, now, year.after(now)?)?;
        create(&file("keyset"), &keyset, Access::Umask)?.keep();
        draft.save(&file("keyset.toml"))?;
        create(&file("tiers.toml"), self.catalogue.as_bytes(), Access::Umask)?.keep();
        let config = file("server.toml");
        create(&config, self.config().as_bytes(), Access::Umask)?.keep();
        let token = self.admin(license, now, year)?;
        let admin = file("admin.lic");
        create(&admin, format!("{token}\n").as_bytes(), Access::Owner)?.keep();
        Ok(Made { config, admin, root: file("root.pem"), root_public })
    }

    fn config(&self) -> String {
        // A JSON string is a TOML string.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        format!(
            "listen = \"{}\"\nledger = {}\nroot = \"root.pub\"\nkeyset = \"keyset\"\n\n[[issuer]]\nname = {}\nlicense_key = \"license.pem\"\nrevocation_key = \"revocation.pem\"\ncatalogue = \"tiers.toml\"\n",
            self.listen,
            quoted(self.ledger),
            quoted(self.issuer)
        )
    }

    /// Creates the ledger, and issues the administrator's licence.
    fn admin(&self, license: SigningKey, now: Timestamp, term: Span) -> IssuerResult<String> {
        let Ok(location) = self.ledger.parse();
        let location = match location {
            LedgerLocation::Sqlite(path) => LedgerLocation::Sqlite(self.folder.join(path)),
            other => other,
        };
        let mut ledger = Ledger::connect(&location, LedgerAccess::Create)?;
        ledger.host(&TABLES)?;
        let mut draft = Draft::new("admin", "server-admin", 1, now, term.after(now)?);
        for name in [Issue::FEATURE, Revoke::FEATURE, Read::FEATURE, Report::FEATURE, Admin::FEATURE] {
            let feature = Feature { value: FeatureValue::True, expires: None };
            draft.grant.features.extend(name.map(|name| (name.to_owned(), feature)));
        }
        let issued = ledger.issue(&Issuer::new(self.issuer, license), Order::new(draft))?;
        Ok(issued.token.text())
    }
}
