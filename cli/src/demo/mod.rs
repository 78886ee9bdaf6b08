//! `licentia demo`: the main features from end to end, on data that it generates.
//!
//! Every outcome is compared with the expected one, so the demo is also a test.

mod receipts;
mod refusals;
mod vendor;
mod walk;

use std::{fs, path::Path, time::Instant};

use licentia::{
    Code, Gate, GateBuilder, HolderKey, Now, Proof, Request, State,
    revocation::{Reason, RevocationTerms},
};
use licentia_issuer::{
    Catalogue, Issuer, KeyPurpose, KeyStatus, KeysetDraft, KeysetEntry, Ledger, PublishedBundle, Salt,
    SigningKey,
};
use serde_json::json;

use crate::{
    catalogue,
    license::{explain, inspect},
    terminal::output::{Output, Result},
};
use vendor::{AUDIENCE, CATALOGUE, DAY, GRANTED, NOW, URI, Vendor, YEAR};
use walk::{WIDTH, Walk};

/// Runs the demo. It fails if an outcome is not the expected one.
pub(crate) fn run(output: Output) -> Result {
    let folder = tempfile::tempdir()?;
    let mut walk = Walk::default();
    let told = tell(&mut walk, folder.path());
    walk.finish(output, told, NOW)
}

fn tell(walk: &mut Walk, folder: &Path) -> Result<()> {
    let vendor = vendor(walk, folder)?;
    let licence = issue(walk, &vendor, folder)?;
    verify(walk, &vendor, &licence)?;
    refusals::tell(walk, &vendor, &licence)?;
    bind(walk, &vendor)?;
    meter(walk, &vendor)?;
    revoke_key(walk, &vendor)?;
    revoke(walk, &vendor)?;
    receipts::tell(walk, &vendor, folder)?;
    time(walk, &vendor, &licence)
}

fn vendor(walk: &mut Walk, folder: &Path) -> Result<Vendor> {
    walk.chapter(1, "A vendor generates a key and writes a catalogue of versioned tiers", "identity");
    let path = folder.join("acme.pem");
    SigningKey::generate()?.save(&path, None)?;
    let key = SigningKey::load(&path, None)?;
    walk.say(&format!("   key {} in PKCS#8, in a file that only its owner can read\n", key.kid()));
    let path = folder.join("tiers.toml");
    fs::write(&path, CATALOGUE)?;
    let catalogue = Catalogue::load(&path)?;
    walk.indented(&catalogue::show(&catalogue::chosen(&catalogue, true), 77));
    walk.note(
        json!({ "what": "key and catalogue", "kid": key.kid().to_string(), "tiers": catalogue.tiers().len() }),
    );
    Ok(Vendor { issuer: Issuer::new("acme", key), catalogue })
}

/// A new sale gets the newest version of the tier, an old contract its own. Both are in the ledger.
fn issue(walk: &mut Walk, vendor: &Vendor, folder: &Path) -> Result<String> {
    walk.chapter(2, "A customer buys the newest `pro`; an old contract keeps its version", "authorisation");
    let token = vendor.pro(|draft| draft.audiences = vec![AUDIENCE.into()])?;
    let old = vendor.issuer.issue(&vendor.catalogue.tier("pro", Some(2))?.draft("customer-7", NOW)?)?;
    let mut ledger = Ledger::open(&folder.join("ledger.db"))?;
    ledger.record(&token)?;
    ledger.record(&old)?;
    let (text, claims) = (token.text(), token.claims().map_err(|malformed| malformed.code)?);
    walk.indented(&inspect::show(&claims, NOW));
    walk.say(&format!("\n   {text}\n"));
    let (bytes, characters) = (token.as_bytes().len(), text.len());
    walk.say(&format!("   {bytes} bytes, {characters} characters"));
    walk.note(json!({ "what": "issue", "token": text, "bytes": bytes, "characters": characters }));
    for (what, token, version) in [("the new sale", &token, 3), ("the old contract, renewed", &old, 2)] {
        let id = token.claims().map_err(|malformed| malformed.code)?.id();
        let record = ledger.find(&id)?.ok_or("a licence is not in the ledger")?;
        let found = format!("{}@{} in the ledger", record.tier, record.tier_version);
        walk.fact(what, &found, record.tier_version == version);
    }
    Ok(text)
}

fn verify(walk: &mut Walk, vendor: &Vendor, licence: &str) -> Result<()> {
    let title = "A service verifies it offline: the no_std core decides, and says why";
    walk.chapter(3, title, "identity, observability");
    let gate = vendor.gate()?;
    let request = Request::new().features(&["export"]).rates(&[("api", 1)]).meters(&[("api_calls", 1)]);
    let decision = gate.check(licence, &request, NOW);
    walk.indented(&explain::show(decision.explanation(), NOW, WIDTH - 5, |_| None));
    walk.outcome("an export", &decision, GRANTED);
    Ok(())
}

fn bind(walk: &mut Walk, vendor: &Vendor) -> Result<()> {
    walk.chapter(5, "A licence that is bound to its holder is useless to a thief", "identity");
    let gate = vendor.gate()?;
    let (holder, thief) = (HolderKey::from_seed(&[7; 32]), HolderKey::from_seed(&[8; 32]));
    let bound = vendor
        .pro(|draft| draft.holder = Some(licentia_issuer::Confirmation::Thumbprint(holder.thumbprint())))?
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
        walk.outcome(what, &gate.check(&bound, &request, NOW), (expected, State::Active));
    }
    Ok(())
}

fn meter(walk: &mut Walk, vendor: &Vendor) -> Result<()> {
    walk.chapter(6, "Rates and quotas are counted on the spot", "metering");
    let gate = vendor.gate()?;
    let free = vendor.issuer.issue(&vendor.catalogue.tier("free", None)?.draft("customer-1", NOW)?)?.text();
    let request = Request::new().rates(&[("api", 1)]).meters(&[("api_calls", 1)]);
    for count in 1..=3 {
        let what = format!("free customer, request {count} of 3 a day");
        walk.outcome(&what, &gate.check(&free, &request, NOW), GRANTED);
    }
    let decision = gate.check(&free, &request, NOW);
    walk.outcome("request 4", &decision, (Code::QuotaExceeded, State::Active));
    walk.say(&format!("      HTTP {}", decision.http_status()));
    for (name, value) in decision.http_headers() {
        walk.say(&format!("      {name}: {value}"));
    }
    let tomorrow = NOW - NOW.as_seconds() % DAY + DAY;
    walk.outcome("the next day at midnight", &gate.check(&free, &request, Now::from(tomorrow)), GRANTED);
    Ok(())
}

/// A leaked key is revoked by one small file, and no application changes.
fn revoke_key(walk: &mut Walk, vendor: &Vendor) -> Result<()> {
    walk.chapter(7, "A leaked key dies with one small file", "revocation");
    let root = SigningKey::generate()?;
    let new = Issuer::new("acme", SigningKey::generate()?);
    let mut keys = KeysetDraft::default();
    keys.add(KeysetEntry::new(&vendor.public()))?;
    keys.add(KeysetEntry::new(&new.key().public()))?;
    let first = keys.sign(&root, NOW, NOW + YEAR)?;
    let gate = GateBuilder::new().keyset(root.public(), first.clone()).build()?;
    let old = vendor.pro(|_| ())?.text();
    let renewed = new.issue(&vendor.catalogue.tier("pro", None)?.draft("customer-42", NOW)?)?.text();
    walk.outcome("a licence of the old key", &gate.check(&old, &Request::new(), NOW), GRANTED);
    keys.entry(&vendor.public().kid().to_string())?.status = KeyStatus::Revoked;
    let second = keys.sign(&root, NOW, NOW + YEAR)?;
    gate.load_keyset(&second)?;
    let (sequence, bytes) = (keys.sequence, second.len());
    walk.say(&format!("      keyset {sequence} of {bytes} bytes is loaded, which revokes the old key"));
    let revoked = (Code::KeyRevoked, State::Active);
    walk.outcome("a licence of the old key", &gate.check(&old, &Request::new(), NOW), revoked);
    walk.outcome("a licence of the new key", &gate.check(&renewed, &Request::new(), NOW), GRANTED);
    let rollback = gate.load_keyset(&first).map_err(Code::from);
    let found = match rollback {
        Ok(_) => "loaded".to_owned(),
        Err(code) => format!("refused  {} {}", code.number(), code.name()),
    };
    walk.fact("the keyset before it, offered again", &found, rollback == Err(Code::KeysetRollback));
    Ok(())
}

fn revoke(walk: &mut Walk, vendor: &Vendor) -> Result<()> {
    walk.chapter(8, "One licence is revoked, and its neighbour is not touched", "revocation");
    let (root, signer) = (SigningKey::generate()?, SigningKey::generate()?);
    let mut keys = KeysetDraft::default();
    keys.add(KeysetEntry::new(&vendor.public()))?;
    keys.add(KeysetEntry { purpose: KeyPurpose::Revocation, ..KeysetEntry::new(&signer.public()) })?;
    let gate = GateBuilder::new().keyset(root.public(), keys.sign(&root, NOW, NOW + YEAR)?).build()?;
    let mut ledger = Ledger::in_memory()?;
    let issue = |ledger: &mut Ledger| -> Result<_> {
        let index = ledger.next_index()?;
        let token = vendor.pro(|draft| draft.index = Some(index))?;
        ledger.record(&token)?;
        Ok(token)
    };
    let (revoked, neighbour) = (issue(&mut ledger)?, issue(&mut ledger)?);
    let id = revoked.claims().map_err(|malformed| malformed.code)?.id();
    let (revoked, neighbour) = (revoked.text(), neighbour.text());
    let next = |ledger: &mut Ledger, salt: Option<Salt>| -> Result<_> {
        let mut draft = ledger.draft_bundle(
            "acme",
            NOW,
            PublishedBundle { salt, ..PublishedBundle::default() },
            |_| (),
        )?;
        (draft.next_update, draft.expires) = (NOW + 86_400, NOW + YEAR);
        Ok(draft)
    };
    walk.outcome("the licence", &gate.check(&revoked, &Request::new(), NOW), GRANTED);
    ledger.revoke(&id, RevocationTerms { reason: Reason::Unpaid, ..RevocationTerms::default() })?;
    let first = next(&mut ledger, None)?;
    let bundle = first.sign(&signer)?;
    gate.load_revocation(&bundle)?;
    walk.say(&format!("      a bundle of {} bytes is loaded", bundle.len()));
    walk.outcome("the licence", &gate.check(&revoked, &Request::new(), NOW), (Code::Revoked, State::Active));
    walk.outcome("its neighbour", &gate.check(&neighbour, &Request::new(), NOW), GRANTED);
    ledger.reinstate(&id)?;
    let delta = next(&mut ledger, Some(first.salt))?.sign_delta(&first, &signer)?;
    gate.load_revocation(&delta)?;
    walk.say(&format!("      a delta of {} bytes is loaded, which takes it back", delta.len()));
    walk.outcome("the licence", &gate.check(&revoked, &Request::new(), NOW), GRANTED);
    Ok(())
}

fn time(walk: &mut Walk, vendor: &Vendor, licence: &str) -> Result<()> {
    const NEW: u32 = 2_000;
    const SEEN: u32 = 20_000;
    walk.chapter(10, "How long a check takes, measured here and now", "");
    let cold = GateBuilder::new().key(vendor.public()).audience(AUDIENCE).cache_capacity(0).build()?;
    let warm = vendor.gate()?;
    let request = Request::new().features(&["export"]).meters(&[("api_calls", 1)]);
    let mut right = true;
    let mut micros = |gate: &Gate, times: u32| {
        let started = Instant::now();
        let allowed = (0..times).filter(|_| gate.check(licence, &request, NOW).is_allowed()).count();
        right &= allowed == times as usize;
        started.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    };
    let (new, seen) = (micros(&cold, NEW), micros(&warm, SEEN));
    let build =
        if cfg!(debug_assertions) { "development build; a release build is faster" } else { "release build" };
    let found = format!("{new:.1} µs for one that is new, {seen:.2} µs for one seen before");
    walk.fact(&format!("{NEW} + {SEEN} checks of the licence"), &found, right);
    walk.say(&format!("      {build}"));
    walk.note(json!({ "what": "time", "new_micros": new, "seen_micros": seen, "build": build }));
    Ok(())
}
