//! Groups of token tests, filled case by case.

use licentia_vectors::{Expect, LicenseGroup, LicenseTest, Proof, Verdict};

use crate::{
    codes,
    encoding::{hex, license_text},
    licence::{Licence, NOW},
    signer::Signer,
};

/// A group that is being written.
pub(crate) struct Section {
    group: LicenseGroup,
    flag: &'static str,
}

impl Section {
    /// A group whose tests know the main key, expect nothing, and allow clocks to differ by 60 seconds.
    pub(crate) fn new(flag: &'static str, comment: &str) -> Self {
        let expect = Expect { skew: 60, ..Expect::default() };
        let group = LicenseGroup { comment: comment.to_owned(), keys: Vec::new(), expect, tests: Vec::new() };
        Self { group, flag }.keys(&[Signer::main()])
    }

    pub(crate) fn keys(self, signers: &[Signer]) -> Self {
        self.key_texts(signers.iter().map(Signer::text).collect())
    }

    pub(crate) fn key_texts(mut self, keys: Vec<String>) -> Self {
        self.group.keys = keys;
        self
    }

    pub(crate) fn skew(mut self, seconds: u64) -> Self {
        self.group.expect.skew = seconds;
        self
    }

    pub(crate) fn issuer(mut self, issuer: &str) -> Self {
        self.group.expect.issuer = Some(issuer.to_owned());
        self
    }

    pub(crate) fn audience(mut self, audience: &str) -> Self {
        self.group.expect.audience = Some(audience.to_owned());
        self
    }

    pub(crate) fn features(mut self, features: &[&str]) -> Self {
        self.group.expect.features = features.iter().map(|&name| name.to_owned()).collect();
        self
    }

    pub(crate) fn node(mut self, fingerprint: [u8; 32]) -> Self {
        self.group.expect.node = Some(hex(&fingerprint));
        self
    }

    pub(crate) fn release(mut self, date: u64) -> Self {
        self.group.expect.release = Some(date);
        self
    }

    /// Presents a proof with the test that was added last.
    pub(crate) fn prove(&mut self, proof: Proof) {
        let test = self.group.tests.last_mut().expect("a test was added");
        test.proof = Some(proof);
    }

    /// The flag of the tests that follow.
    pub(crate) fn flag(&mut self, flag: &'static str) {
        self.flag = flag;
    }

    /// A licence that is good, in the state `active`.
    pub(crate) fn valid(&mut self, comment: impl Into<String>, licence: &Licence) {
        self.valid_at(comment, licence, NOW, "active");
    }

    pub(crate) fn valid_at(&mut self, comment: impl Into<String>, licence: &Licence, now: u64, state: &str) {
        self.valid_token(comment, licence, &licence.token(), now, state);
    }

    /// A good token that was not made by [`Licence::token`].
    pub(crate) fn valid_token(
        &mut self,
        comment: impl Into<String>,
        licence: &Licence,
        token: &[u8],
        now: u64,
        state: &str,
    ) {
        let mut test = self.test(comment, token, now, Some("allowed"));
        test.result = Verdict::Valid;
        test.state = Some(state.to_owned());
        test.claims = Some(licence.json());
        self.group.tests.push(test);
    }

    /// A token that is refused with the code `code`.
    pub(crate) fn invalid(&mut self, comment: impl Into<String>, code: &str, token: &[u8]) {
        self.invalid_at(comment, code, token, NOW);
    }

    pub(crate) fn invalid_at(&mut self, comment: impl Into<String>, code: &str, token: &[u8], now: u64) {
        let test = self.test(comment, token, now, Some(code));
        self.group.tests.push(test);
    }

    /// The same, where the token is passed as bytes.
    pub(crate) fn invalid_bytes(&mut self, comment: impl Into<String>, code: &str, token: &[u8]) {
        let test = self.test(comment, token, NOW, Some(code));
        self.group.tests.push(LicenseTest { token: None, token_hex: Some(hex(token)), ..test });
    }

    /// A token that is refused, whatever the reason that is found first.
    pub(crate) fn refused(&mut self, comment: impl Into<String>, token: &[u8]) {
        let test = self.test(comment, token, NOW, None);
        self.group.tests.push(test);
    }

    pub(crate) fn done(self) -> LicenseGroup {
        self.group
    }

    fn test(&self, comment: impl Into<String>, token: &[u8], now: u64, code: Option<&str>) -> LicenseTest {
        LicenseTest {
            tc_id: 0,
            comment: comment.into(),
            flags: vec![self.flag.to_owned()],
            token: Some(license_text(token)),
            token_hex: None,
            proof: None,
            now,
            result: Verdict::Invalid,
            code: code.map(str::to_owned),
            number: code.map(codes::number),
            state: None,
            claims: None,
        }
    }
}
