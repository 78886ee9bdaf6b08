//! A test of several steps, as it is written down.

use licentia_vectors::{GateTest, Step};

use crate::{
    cbor::{self, Item},
    encoding,
    fields::Fields,
    licence::{ISSUED, Licence, NOW},
    signer::{ED25519, Signer},
    token::Frame,
};

pub(crate) const TYP: &str = "application/vnd.licentia.keyset+cbor";
/// When keysets expire, where a test does not say.
pub(crate) const KEYSET_EXPIRES: u64 = NOW + 100_000_000;

/// The key that signs keysets.
pub(crate) fn root() -> Signer {
    Signer::new(b"root", 9)
}

/// The second key of an issuer.
pub(crate) fn next() -> Signer {
    Signer::new(b"next", 2)
}

/// An entry of a keyset, to which a test may add.
pub(crate) fn entry(key: &Signer) -> Fields {
    Fields::default().set(0, cbor::map(&crate::signer::cose_key(&key.kid, &key.public())))
}

/// The payload of a keyset, to which a test may add.
pub(crate) fn payload(sequence: u64, entries: &[Fields]) -> Fields {
    let entries: Vec<Item> = entries.iter().map(Fields::encode).collect();
    Fields::default()
        .set(0, cbor::int(1))
        .set(1, cbor::uint(sequence))
        .set(2, cbor::uint(ISSUED))
        .set(3, cbor::uint(KEYSET_EXPIRES))
        .set(4, cbor::array(&entries))
}

/// A signed keyset.
pub(crate) fn keyset(sequence: u64, entries: &[Fields]) -> Vec<u8> {
    sealed(&root(), TYP, &payload(sequence, entries).encode())
}

/// A payload of a kind, signed by any key.
pub(crate) fn sealed(signer: &Signer, typ: &str, payload: &[u8]) -> Vec<u8> {
    let header = Fields::default()
        .set(1, cbor::int(ED25519))
        .set(4, cbor::bytes(&signer.kid))
        .set(16, cbor::text(typ));
    Frame::signed(signer, &header.encode(), payload).encode()
}

/// The steps of a test.
pub(crate) struct Story(GateTest);

impl Story {
    /// A gate that trusts the key of the base licence.
    pub(crate) fn simple(flag: &str, comment: &str) -> Self {
        Self::new(flag, comment, vec![Signer::main().text()], None)
    }

    /// A gate that trusts what the root key signs, and begins with a keyset.
    pub(crate) fn rooted(flag: &str, comment: &str, keyset: &[u8]) -> Self {
        Self::new(flag, comment, Vec::new(), Some(root().text())).load(keyset, "allowed")
    }

    fn new(flag: &str, comment: &str, keys: Vec<String>, root: Option<String>) -> Self {
        let (comment, flags) = (comment.to_owned(), vec![flag.to_owned()]);
        Self(GateTest { tc_id: 0, comment, flags, keys, root, steps: Vec::new() })
    }

    pub(crate) fn load(mut self, keyset: &[u8], code: &str) -> Self {
        self.0.steps.push(Step::Load { keyset: encoding::hex(keyset), code: code.to_owned() });
        self
    }

    /// Loads a revocation bundle.
    pub(crate) fn publish(mut self, bundle: &[u8], code: &str) -> Self {
        self.0.steps.push(Step::Publish { bundle: encoding::hex(bundle), code: code.to_owned() });
        self
    }

    pub(crate) fn restart(mut self) -> Self {
        self.0.steps.push(Step::Restart);
        self
    }

    /// A check of a licence, `uptime` seconds after the process began.
    pub(crate) fn check(self, licence: &Licence, now: u64, uptime: u64, code: &str) -> Self {
        self.charge(licence, now, uptime * 1000, &[], &[], code)
    }

    /// A check that is allowed in spite of a doubt about the clock.
    pub(crate) fn warned(self, licence: &Licence, now: u64, uptime: u64) -> Self {
        self.check(licence, now, uptime, "allowed").doubted()
    }

    /// Makes the last check one in which a doubt about the clock was passed over.
    pub(crate) fn doubted(self) -> Self {
        self.warning("clock_rollback")
    }

    /// Makes the last check one in which something was passed over.
    pub(crate) fn warning(mut self, name: &str) -> Self {
        if let Some(Step::Check { warning, .. }) = self.0.steps.last_mut() {
            *warning = Some(name.to_owned());
        }
        self
    }

    pub(crate) fn charge(
        mut self,
        licence: &Licence,
        now: u64,
        monotonic_ms: u64,
        rates: &[(&str, u64)],
        meters: &[(&str, u64)],
        code: &str,
    ) -> Self {
        let owned =
            |charges: &[(&str, u64)]| charges.iter().map(|&(name, cost)| (name.to_owned(), cost)).collect();
        self.0.steps.push(Step::Check {
            token: encoding::license_text(&licence.token()),
            now,
            monotonic_ms,
            rates: owned(rates),
            meters: owned(meters),
            code: code.to_owned(),
            state: (code == "allowed").then(|| "active".to_owned()),
            warning: None,
        });
        self
    }

    /// Makes the last check's state another one.
    pub(crate) fn state(mut self, name: &str) -> Self {
        if let Some(Step::Check { state, .. }) = self.0.steps.last_mut() {
            *state = Some(name.to_owned());
        }
        self
    }

    pub(crate) fn done(self) -> GateTest {
        self.0
    }
}
