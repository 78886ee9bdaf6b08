//! What all requests share.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use hmac_sha256::Hash;
use licentia::{Gate, GateBuilder};
use licentia_issuer::{Catalogue, Issuer, Ledger, SigningKey, file, read_public_key};

use crate::{
    activation::Guesses,
    catalogue,
    config::Config,
    http::Problem,
    issuer_keys::IssuerKeys,
    store::{Clerk, Readers},
    stripe::Payments,
    trust::{Feed, KeysetFile, Press, Publisher, Shelf},
    usage::{OpenMeter, Reports},
    webhooks,
};

/// What all requests share. Clones are the same service.
#[derive(Clone, Debug)]
pub struct Server(Arc<Shared>);

struct Shared {
    clerk: Clerk,
    readers: Readers,
    gate: Arc<Gate>,
    issuers: Arc<BTreeMap<String, IssuerKeys>>,
    /// The issuer that is meant if none is named.
    first: String,
    origin: Option<String>,
    shelf: Arc<Shelf>,
    feed: Feed,
    publisher: Publisher,
    /// Catalogues that were activated, by number.
    catalogues: Mutex<BTreeMap<u64, Arc<Catalogue>>>,
    guesses: Guesses,
    reports: Reports,
    webhooks: webhooks::Caller,
    payments: Option<Payments>,
    openmeter: Option<OpenMeter>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("issuers", &self.issuers).finish_non_exhaustive()
    }
}

impl Server {
    /// Opens the ledger and loads what the configuration names. `load` loads a private key: it may ask for a passphrase.
    ///
    /// # Errors
    /// What is wrong, with the file or the setting.
    pub fn open(
        config: &Config,
        mut load: impl FnMut(&std::path::Path) -> Result<SigningKey, String>,
    ) -> Result<Self, String> {
        let said = |error: licentia_issuer::Error| error.to_string();
        let mut issuers = BTreeMap::new();
        for one in &config.issuer {
            let key = load(&config.path(&one.license_key))?;
            let revocation = load(&config.path(&one.revocation_key))?;
            if key.public().public() == revocation.public().public() {
                return Err(format!(
                    "`[[issuer]]` {:?}: one key must not sign both licences and bundles",
                    one.name
                ));
            }
            let catalogue = one.catalogue.as_ref().map(|path| Catalogue::load(&config.path(path)));
            let catalogue = catalogue.transpose().map_err(said)?.map(Arc::new);
            let issuer = Issuer::new(&one.name, key);
            issuers.insert(one.name.clone(), IssuerKeys { issuer, revocation, catalogue });
        }
        let root = file::read_text(&config.path(&config.root)).map_err(said)?;
        let root = read_public_key(&root).map_err(|error| format!("`root`: {error}"))?;
        let path = config.path(&config.keyset);
        let keyset = std::fs::read(&path).map_err(|error| format!("`keyset` {}: {error}", path.display()))?;
        let gate = GateBuilder::new().keyset(root.clone(), keyset).require_revocation().build();
        let gate = gate.map_err(|error| format!("`keyset` {}: {error}", path.display()))?;
        let (gate, issuers) = (Arc::new(gate), Arc::new(issuers));
        let location = config.ledger();
        let clerk = Clerk::start(location.clone()).map_err(said)?;
        let readers = Readers::new(location.clone());
        let origin = config.origin.clone();
        let folder = config.path(std::path::Path::new(""));
        let webhooks = config.webhooks.open(&folder)?;
        let payments = config.stripe.as_ref().map(|stripe| stripe.open(&folder)).transpose()?;
        if let Some(payments) = payments.as_ref().filter(|payments| !issuers.contains_key(payments.issuer()))
        {
            return Err(format!("`stripe.issuer` {:?}: no `[[issuer]]` has this name", payments.issuer()));
        }
        let openmeter = config.openmeter.as_ref().map(|openmeter| openmeter.open(&folder)).transpose()?;
        if let Some(openmeter) =
            openmeter.as_ref().filter(|openmeter| !issuers.contains_key(openmeter.issuer()))
        {
            return Err(format!(
                "`openmeter.issuer` {:?}: no `[[issuer]]` has this name",
                openmeter.issuer()
            ));
        }
        let reports = Reports::default();
        let first = config.issuer.first().map(|issuer| issuer.name.clone()).unwrap_or_default();
        let (shelf, feed) = (Arc::new(Shelf::default()), Feed::new());
        let keyset = KeysetFile::new(path, root, Arc::clone(&gate), Arc::clone(&shelf));
        let (keys, sheets) = (Arc::clone(&issuers), Arc::clone(&shelf));
        let publisher =
            Press::start(location, keys, Arc::clone(&gate), sheets, feed.clone(), keyset).map_err(said)?;
        let shared = Shared {
            clerk,
            readers,
            gate,
            issuers,
            first,
            origin,
            shelf,
            feed,
            publisher,
            catalogues: Mutex::default(),
            guesses: Guesses::default(),
            reports,
            webhooks,
            payments,
            openmeter,
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Writes the ledger.
    pub fn clerk(&self) -> &Clerk {
        &self.0.clerk
    }

    /// Reads the ledger.
    pub fn readers(&self) -> &Readers {
        &self.0.readers
    }

    /// Decides about the service's own requests.
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// An issuer of the service.
    pub fn issuer(&self, name: &str) -> Option<&IssuerKeys> {
        self.0.issuers.get(name)
    }

    /// An issuer of the service, which a credential was checked to have.
    ///
    /// # Errors
    /// 500 for one that is not here.
    pub(crate) fn keys(&self, issuer: &str) -> Result<&IssuerKeys, Problem> {
        self.issuer(issuer).ok_or_else(|| Problem::internal("an issuer is not here"))
    }

    /// The active catalogue of an issuer: the one that was activated last, or the configuration's.
    ///
    /// # Errors
    /// 409 if there is none.
    pub(crate) fn catalogue(&self, ledger: &Ledger, issuer: &str) -> Result<Arc<Catalogue>, Problem> {
        let Some((number, text)) = catalogue::active(ledger, issuer)? else {
            let known = self.keys(issuer)?.catalogue.clone();
            return known.ok_or_else(|| {
                Problem::conflict("catalogue_missing", "Propose and activate a catalogue first.")
            });
        };
        let mut known = self.0.catalogues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(catalogue) = known.get(&number) {
            return Ok(Arc::clone(catalogue));
        }
        let catalogue = Arc::new(text.parse::<Catalogue>()?);
        // Few are in use at once.
        known.retain(|other, _| *other + 8 > number);
        known.insert(number, Arc::clone(&catalogue));
        Ok(catalogue)
    }

    /// How many wrong codes were tried.
    pub(crate) fn guesses(&self) -> &Guesses {
        &self.0.guesses
    }

    /// What the receipts of gateways add up to.
    pub(crate) fn reports(&self) -> &Reports {
        &self.0.reports
    }

    /// What webhooks are called with.
    pub(crate) fn webhooks(&self) -> &webhooks::Caller {
        &self.0.webhooks
    }

    /// Payments, if they are configured.
    pub(crate) fn payments(&self) -> Option<&Payments> {
        self.0.payments.as_ref()
    }

    /// Where usage is sent, if it is.
    pub(crate) fn openmeter(&self) -> Option<&OpenMeter> {
        self.0.openmeter.as_ref()
    }

    /// The issuers.
    pub fn issuers(&self) -> impl Iterator<Item = (&str, &IssuerKeys)> {
        self.0.issuers.iter().map(|(name, issuer)| (&**name, issuer))
    }

    /// The issuer that is meant if none is named.
    pub(crate) fn first_issuer(&self) -> &str {
        &self.0.first
    }

    /// What is published.
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.0.shelf
    }

    /// Tells what is new.
    pub(crate) fn feed(&self) -> &Feed {
        &self.0.feed
    }

    /// Something was revoked or reinstated, and is stored: it is published now.
    pub(crate) fn publish(&self) {
        self.0.publisher.wake();
    }

    /// The public origin.
    pub fn origin(&self) -> Option<&str> {
        self.0.origin.as_deref()
    }

    /// The code of 80 bits that is made of 16 random bytes. Only who has the issuer's key can make it, so that the bytes
    /// may be stored: the code itself is not.
    ///
    /// # Errors
    /// 500 for an issuer that is not here.
    pub fn code(&self, issuer: &str, nonce: &[u8; 16]) -> Result<String, Problem> {
        let keys = self.keys(issuer)?;
        // No COSE structure begins like this.
        let signature = keys.issuer.key().sign(&[b"licentia activation code\0", &nonce[..]].concat());
        let digest = Hash::hash(&signature);
        let bytes = digest.first_chunk::<10>().copied().unwrap_or_default();
        Ok(data_encoding::BASE32_NOPAD.encode(&bytes))
    }
}
