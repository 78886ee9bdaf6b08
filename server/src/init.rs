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
    /// The configuration of a gateway on this machine that follows the service.
    pub gateway: PathBuf,
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
        let license_public = format!("{}\n", license.public());
        create(&file("license.pub"), license_public.as_bytes(), Access::Umask)?.keep();
        // It signs receipts alone. A gateway starts without anybody's passphrase.
        SigningKey::generate()?.save(&file("instance.pem"), None)?;
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
        let gateway = file("gateway.toml");
        create(&gateway, self.gateway().as_bytes(), Access::Umask)?.keep();
        let credentials = self.credentials(license, now, year)?;
        for (name, token) in ["admin.lic", "gateway.lic"].into_iter().zip(credentials) {
            create(&file(name), format!("{token}\n").as_bytes(), Access::Owner)?.keep();
        }
        Ok(Made { config, admin: file("admin.lic"), root: file("root.pem"), root_public, gateway })
    }

    /// A gateway that asks for a licence on every path, and counts one call.
    fn gateway(&self) -> String {
        let (issuer, listen) = (quoted(self.issuer), self.listen);
        format!(
            r#"# A gateway in front of an API, which follows this service: licentia gateway --config gateway.toml
issuer = {issuer}
store = "sqlite:usage.db"          # or "redis://127.0.0.1:6379/0", which gateways share

[listen]
check = "127.0.0.1:9000"           # asked by nginx, HAProxy, Caddy, Traefik or Envoy
admin = "127.0.0.1:9001"           # the live page
# proxy = "127.0.0.1:8080"         # without another proxy: also needs [proxy]

# [proxy]
# upstream = "http://127.0.0.1:3000"

[trust]
root = "root.pub"
keyset = "http://{listen}/.well-known/licentia/keyset"
bundle = "http://{listen}/.well-known/licentia/bundle"
events = "http://{listen}/events"
cache = "followed"

[receipts]
log = "usage.receipts"
key = "instance.pem"
server = "http://{listen}/v1/receipts"
credential = "gateway.lic"
vendor = ["license.pub"]

[[route]]
match = "* /"
meters = {{ calls = 1 }}
rates = {{ api = 1 }}

[[route]]
match = "* /{{*path}}"
meters = {{ calls = 1 }}
rates = {{ api = 1 }}
"#
        )
    }

    fn config(&self) -> String {
        format!(
            "listen = \"{}\"\nledger = {}\nroot = \"root.pub\"\nkeyset = \"keyset\"\n\n[[issuer]]\nname = {}\nlicense_key = \"license.pem\"\nrevocation_key = \"revocation.pem\"\ncatalogue = \"tiers.toml\"\n",
            self.listen,
            quoted(self.ledger),
            quoted(self.issuer)
        )
    }

    /// Creates the ledger, and issues the licences of the administrator and of a gateway that reports.
    fn credentials(&self, license: SigningKey, now: Timestamp, term: Span) -> IssuerResult<[String; 2]> {
        let Ok(location) = self.ledger.parse();
        let location = match location {
            LedgerLocation::Sqlite(path) => LedgerLocation::Sqlite(self.folder.join(path)),
            other => other,
        };
        let mut ledger = Ledger::connect(&location, LedgerAccess::Create)?;
        ledger.host(&TABLES)?;
        let issuer = Issuer::new(self.issuer, license);
        let mut issue = |subject: &str, tier: &str, features: &[Option<&str>]| -> IssuerResult<String> {
            let mut draft = Draft::new(subject, tier, 1, now, term.after(now)?);
            for name in features.iter().copied().flatten() {
                let feature = Feature { value: FeatureValue::True, expires: None };
                draft.grant.features.insert(name.to_owned(), feature);
            }
            Ok(ledger.issue(&issuer, Order::new(draft))?.token.text())
        };
        let all = [Issue::FEATURE, Revoke::FEATURE, Read::FEATURE, Report::FEATURE, Admin::FEATURE];
        Ok([issue("admin", "server-admin", &all)?, issue("gateway", "server-report", &[Report::FEATURE])?])
    }
}

/// A JSON string is a TOML string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
