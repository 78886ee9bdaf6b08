//! `licentia demo`: the main job from end to end, on input that it makes itself.
//!
//! Every outcome is held against what it must be, so that the walk is a test as well.

use std::{fs, path::Path, process::ExitCode, time::Instant};

use licentia::{Code, Decision, Gate, Holder, Key, Now, Request, State, request::Proof};
use licentia_core::text::{Buffer, Text, decode_license};
use licentia_issuer::{
    Catalogue, Draft, Entry, Feature, Issuer, KeysetDraft, Ledger, SigningKey, Token, Value, keyset, moment,
};
use serde_json::{Value as Json, json};

use crate::{
    catalogue, inspect,
    output::{BAD, GOOD, HEADING, NOTE, Output, Result},
};

const CATALOGUE: &str = r#"
[[tier]]
name = "free"
version = 1
term = "1 month"
quotas = { api_calls = "3/day" }
rates = { api = "5/1s" }

[[tier]]
name = "pro"
version = 2
term = "1 year"
features = { export = true }
quotas = { api_calls = "50000/month" }
rates = { api = "50/1s" }

[[tier]]
name = "pro"
version = 3
term = "1 year"
grace = "14 days"
features = { export = true, sso = true, support = "gold" }
quotas = { api_calls = "100000/month", mails = { limit = 2000, per = "month", overage = 2500 } }
rates = { api = { count = 100, per = "1s", burst = 200 } }
"#;

/// 2027-01-15 08:00:00 UTC: the demo lives on a day of its own, so that it tells the same story every time.
const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;
const URI: &str = "https://api.acme.example/export";

/// Runs the walk. It fails where anything comes out otherwise than it must.
pub(crate) fn run(output: Output) -> Result {
    let folder = tempfile::tempdir()?;
    let mut walk = Walk { output, steps: Vec::new(), wrong: 0 };
    let vendor = walk.vendor(folder.path())?;
    let licence = walk.issue(&vendor, folder.path())?;
    walk.verify(&vendor, &licence);
    walk.refuse(&vendor, &licence)?;
    walk.bind(&vendor)?;
    walk.meter(&vendor)?;
    walk.revoke_key(&vendor)?;
    walk.time(&vendor, &licence);
    walk.finish()
}

/// The vendor's side.
struct Vendor {
    issuer: Issuer,
    catalogue: Catalogue,
}

impl Vendor {
    fn public(&self) -> Key {
        self.issuer.key().public()
    }

    fn gate(&self) -> Result<Gate> {
        Ok(Gate::builder().key(self.public()).issuer("acme").audience("api.acme.example").build()?)
    }

    /// A licence of the newest `pro`, with a change.
    fn pro(&self, change: impl FnOnce(&mut Draft)) -> Result<Token> {
        let mut draft = self.catalogue.tier("pro", None)?.draft("customer-42", NOW)?;
        change(&mut draft);
        Ok(self.issuer.issue(&draft)?)
    }
}

struct Walk {
    output: Output,
    steps: Vec<Json>,
    wrong: u32,
}

impl Walk {
    fn say(&self, text: &str) {
        if !self.output.json {
            anstream::println!("{text}");
        }
    }

    fn chapter(&self, number: u32, title: &str, promise: &str) {
        let line = format!("\n{HEADING}{number}. {title}{HEADING:#}  {NOTE}{promise}{NOTE:#}");
        self.say(line.trim_end());
    }

    fn indented(&self, text: &str) {
        self.say(
            &text
                .trim_end()
                .lines()
                .map(|line| format!("   {}", line.trim_end()))
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }

    /// Notes an outcome, and whether it is the one that it must be.
    fn outcome(&mut self, what: &str, decision: &Decision<'_>, expected: (Code, State)) {
        let (code, state) = (decision.code(), decision.state());
        let right = code == expected.0 && (state == expected.1 || !code.is_allowed());
        self.wrong += u32::from(!right);
        let (style, word) = if code.is_allowed() { (GOOD, "allowed") } else { (BAD, "denied ") };
        let why = match (code, state) {
            (Code::Allowed, State::Active) => String::new(),
            (Code::Allowed, state) => state.name().to_owned(),
            _ => format!("{:>3} {}", code.number(), code.name()),
        };
        let note =
            if right { String::new() } else { format!("  {BAD}expected {}{BAD:#}", expected.0.name()) };
        let line = format!("   {what:<46} {style}{word}{style:#}  {why}{note}");
        self.say(line.trim_end());
        self.steps.push(json!({
            "what": what, "allowed": code.is_allowed(), "code": code.number(), "name": code.name(),
            "state": state.name(), "as_expected": right,
        }));
    }

    fn vendor(&mut self, folder: &Path) -> Result<Vendor> {
        self.chapter(1, "A vendor makes a key, and a catalogue of versioned tiers", "");
        let path = folder.join("acme.pem");
        SigningKey::generate()?.save(&path, None)?;
        let key = SigningKey::load(&path, None)?;
        self.say(&format!("   key {} in PKCS#8, in a file that only its owner can read", key.kid()));
        let path = folder.join("tiers.toml");
        fs::write(&path, CATALOGUE)?;
        let catalogue = Catalogue::load(&path)?;
        self.indented(&catalogue::show(&catalogue));
        self.steps.push(json!({ "what": "key and catalogue", "kid": key.kid().to_string(), "tiers": catalogue.tiers().len() }));
        Ok(Vendor { issuer: Issuer::new("acme", key), catalogue })
    }

    fn issue(&mut self, vendor: &Vendor, folder: &Path) -> Result<String> {
        self.chapter(
            2,
            "A customer buys the newest `pro`; an old contract keeps its version",
            "authorisation",
        );
        let mut ledger = Ledger::open(&folder.join("ledger.db"))?;
        let token = vendor.pro(|draft| draft.audiences = vec!["api.acme.example".into()])?;
        let old = vendor.catalogue.tier("pro", Some(2))?.draft("customer-7", NOW)?;
        for token in [&token, &vendor.issuer.issue(&old)?] {
            ledger.record(token)?;
        }
        let text = token.text();
        let claims = token.claims().map_err(|malformed| malformed.code)?;
        self.indented(&inspect::show(&claims));
        self.say(&format!("\n   {text}\n"));
        let (bytes, characters) = (token.as_bytes().len(), text.len());
        self.say(&format!(
            "   {bytes} bytes, {characters} characters; {} licences are in the ledger",
            ledger.count()?
        ));
        self.steps.push(json!({ "what": "issue", "token": text, "bytes": bytes, "characters": characters }));
        Ok(text)
    }

    fn verify(&mut self, vendor: &Vendor, licence: &str) {
        self.chapter(3, "A service verifies it offline, and can say why", "identity, observability");
        let Ok(gate) = vendor.gate() else { return };
        let request = Request::new().features(&["export"]).rates(&[("api", 1)]).meters(&[("api_calls", 1)]);
        let decision = gate.check(licence, &request, NOW);
        self.indented(&decision.explanation().to_string());
        self.outcome("an export", &decision, (Code::Allowed, State::Active));
    }

    /// Everything that is wrong is refused, each with a code of its own.
    fn refuse(&mut self, vendor: &Vendor, licence: &str) -> Result<()> {
        self.chapter(4, "What was tampered with, or does not fit, is refused", "identity, authorisation");
        let gate = vendor.gate()?;
        let mut buffer = Buffer::new();
        let bytes = decode_license(licence, &mut buffer)?.to_vec();
        let text = |bytes: &[u8]| Text::license(bytes).to_string();
        let changed = |from: &[u8], to: &[u8]| -> Result<String> {
            let at = bytes.windows(from.len()).position(|window| window == from).ok_or("not in the token")?;
            Ok(text(
                &[bytes.get(..at).unwrap_or_default(), to, bytes.get(at + from.len()..).unwrap_or_default()]
                    .concat(),
            ))
        };
        let other = vendor.pro(|draft| draft.audiences = vec!["api.acme.example".into()])?;
        let (body, signature) = (bytes.len() - 64, other.as_bytes().len() - 64);
        let swapped =
            [bytes.get(..body).unwrap_or_default(), other.as_bytes().get(signature..).unwrap_or_default()];
        let stranger = Issuer::new("acme", SigningKey::generate()?);
        let forged = stranger.issue(&vendor.catalogue.tier("pro", None)?.draft("customer-42", NOW)?)?;
        let tampered = [
            ("another customer's name", changed(b"customer-42", b"customer-43")?, Code::BadSignature),
            ("a better tier", changed(b"pro\x03", b"pro\x04")?, Code::BadSignature),
            ("the signature of another licence", text(&swapped.concat()), Code::BadSignature),
            ("signed with a stranger's key", forged.text(), Code::UnknownKey),
            ("half of it", text(bytes.get(..bytes.len() / 2).unwrap_or_default()), Code::Truncated),
            ("a byte too many", text(&[&bytes[..], b"!"].concat()), Code::TrailingBytes),
            ("with padding", format!("{licence}="), Code::MalformedText),
            ("nothing at all", String::new(), Code::MissingToken),
        ];
        for (what, token, expected) in &tampered {
            self.outcome(what, &gate.check(token, &Request::new(), NOW), (*expected, State::Active));
        }
        self.say("");

        // Each on a gate of its own: a gate remembers the time, and does not go back.
        for (what, now, expected) in [
            ("a day before it was issued", NOW - DAY, (Code::IssuedInFuture, State::Active)),
            ("on the last second of the contract", NOW + YEAR - 1, (Code::Allowed, State::Active)),
            ("a second later, in grace", NOW + YEAR, (Code::Allowed, State::Grace)),
            ("after the grace", NOW + YEAR + 14 * DAY, (Code::Expired, State::Active)),
        ] {
            self.outcome(what, &vendor.gate()?.check(licence, &Request::new(), now), expected);
        }
        self.say("");
        let beta = vendor.pro(|draft| {
            let ended = Feature { value: Value::True, expires: Some(NOW - 1) };
            draft.terms.features.insert("beta".into(), ended);
        })?;
        let fits = [
            (
                "at another service",
                licence,
                Request::new().audience("billing.acme.example"),
                Code::AudienceMismatch,
            ),
            (
                "a feature that was not bought",
                licence,
                Request::new().features(&["audit"]),
                Code::FeatureNotLicensed,
            ),
            (
                "a feature that has ended",
                &beta.text(),
                Request::new().features(&["beta"]),
                Code::FeatureExpired,
            ),
        ];
        for (what, token, request, expected) in &fits {
            self.outcome(what, &gate.check(token, request, NOW), (*expected, State::Active));
        }
        let advice = Code::FeatureNotLicensed;
        self.say(&format!("\n   Each code comes with advice: {} \"{}\"", advice.name(), advice.advice()));
        Ok(())
    }

    /// A licence that is bound to its holder's key is useless to a thief.
    fn bind(&mut self, vendor: &Vendor) -> Result<()> {
        self.chapter(5, "A licence that is bound to its holder is useless to a thief", "identity");
        let gate = vendor.gate()?;
        let (holder, thief) = (Holder::from_seed(&[7; 32]), Holder::from_seed(&[8; 32]));
        let bound = vendor
            .pro(|draft| draft.holder = Some(licentia_issuer::Holder::Thumbprint(holder.thumbprint())))?
            .text();
        let proof = holder.prove(&bound, "GET", URI, None, NOW)?;
        let stolen = thief.prove(&bound, "GET", URI, None, NOW)?;
        let request = |bytes, uri| Request::new().proof(Proof { bytes, method: "GET", uri, body: None });
        for (what, request, expected) in [
            ("the stolen licence alone", Request::new(), Code::ProofRequired),
            ("with a proof by the thief's key", request(&stolen, URI), Code::ProofBadSignature),
            (
                "with the holder's proof for another URI",
                request(&proof, "https://api.acme.example/all"),
                Code::ProofWrongUri,
            ),
            ("with the holder's proof for this request", request(&proof, URI), Code::Allowed),
            ("the same proof again", request(&proof, URI), Code::ProofReplayed),
        ] {
            self.outcome(what, &gate.check(&bound, &request, NOW), (expected, State::Active));
        }
        Ok(())
    }

    fn meter(&mut self, vendor: &Vendor) -> Result<()> {
        self.chapter(6, "Rates and quotas are counted on the spot", "metering");
        let gate = vendor.gate()?;
        let free =
            vendor.issuer.issue(&vendor.catalogue.tier("free", None)?.draft("customer-1", NOW)?)?.text();
        let request = Request::new().rates(&[("api", 1)]).meters(&[("api_calls", 1)]);
        for count in 1..=3 {
            let decision = gate.check(&free, &request, NOW);
            self.outcome(
                &format!("free customer, request {count} of 3 a day"),
                &decision,
                (Code::Allowed, State::Active),
            );
        }
        let decision = gate.check(&free, &request, NOW);
        self.outcome("request 4", &decision, (Code::QuotaExceeded, State::Active));
        self.say(&format!("   HTTP {}", decision.http_status()));
        for (name, value) in decision.http_headers() {
            self.say(&format!("   {name}: {value}"));
        }
        let tomorrow = NOW - NOW % DAY + DAY;
        self.outcome(
            "the next day at midnight",
            &gate.check(&free, &request, Now::from(tomorrow)),
            (Code::Allowed, State::Active),
        );
        Ok(())
    }

    /// A leaked key is revoked by one small file, and no application changes.
    fn revoke_key(&mut self, vendor: &Vendor) -> Result<()> {
        self.chapter(7, "A leaked key dies with one small file", "revocation");
        let root = SigningKey::generate()?;
        let new = Issuer::new("acme", SigningKey::generate()?);
        let mut keys = KeysetDraft::default();
        keys.add(Entry::new(&vendor.public()))?;
        keys.add(Entry::new(&new.key().public()))?;
        let first = keys.sign(&root, NOW, NOW + YEAR)?;
        let gate = Gate::builder().keyset(root.public(), first.clone()).build()?;
        let old = vendor.pro(|_| ())?.text();
        let renewed = new.issue(&vendor.catalogue.tier("pro", None)?.draft("customer-42", NOW)?)?.text();
        self.outcome(
            "a licence of the old key",
            &gate.check(&old, &Request::new(), NOW),
            (Code::Allowed, State::Active),
        );
        keys.entry(&vendor.public().kid().to_string())?.state = keyset::State::Revoked;
        let second = keys.sign(&root, NOW, NOW + YEAR)?;
        gate.load_keyset(&second)?;
        self.say(&format!(
            "   keyset {} of {} bytes is loaded, which revokes the old key",
            keys.sequence,
            second.len()
        ));
        self.outcome(
            "a licence of the old key",
            &gate.check(&old, &Request::new(), NOW),
            (Code::KeyRevoked, State::Active),
        );
        self.outcome(
            "a licence of the new key",
            &gate.check(&renewed, &Request::new(), NOW),
            (Code::Allowed, State::Active),
        );
        let rollback = gate.load_keyset(&first);
        self.wrong += u32::from(rollback != Err(Code::KeysetRollback));
        self.say("   the keyset before it, offered again                refused   207 keyset_rollback");
        Ok(())
    }

    fn time(&mut self, vendor: &Vendor, licence: &str) {
        self.chapter(8, "How long it takes", "");
        let Ok(gate) = vendor.gate() else { return };
        let cold =
            Gate::builder().key(vendor.public()).audience("api.acme.example").cache_capacity(0).build();
        let Ok(cold) = cold else { return };
        let request = Request::new().features(&["export"]).meters(&[("api_calls", 1)]);
        let measure = |gate: &Gate, times: u32| {
            let started = Instant::now();
            let allowed = (0..times).filter(|_| gate.check(licence, &request, NOW).is_allowed()).count();
            (started.elapsed() / times, allowed == times as usize)
        };
        let (first, right) = measure(&cold, 2_000);
        let (again, also) = measure(&gate, 20_000);
        self.wrong += u32::from(!right) + u32::from(!also);
        let profile = if cfg!(debug_assertions) {
            "development build: a release build is faster"
        } else {
            "release build"
        };
        self.say(&format!(
            "   {first:?} for a licence that is new, {again:?} for one that was seen before ({profile})"
        ));
        let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.steps.push(json!({ "what": "time", "new_nanos": nanos(first), "seen_nanos": nanos(again) }));
    }

    fn finish(self) -> Result {
        let outcomes = self.steps.iter().filter(|step| step.get("as_expected").is_some()).count();
        if self.wrong > 0 {
            return Err(format!("{} outcomes are not what they must be", self.wrong).into());
        }
        let value = json!({ "steps": self.steps, "outcomes": outcomes, "now": NOW });
        self.output.show(&value, || {
            format!(
                "\n{GOOD}All {outcomes} outcomes are what they must be.{GOOD:#} The demo's day was {}.\n",
                moment::show(NOW)
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
