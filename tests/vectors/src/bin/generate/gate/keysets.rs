//! Keysets: which keys are good, for what, and in which order keysets replace each other.

use licentia_vectors::GateGroup;

use super::story::{KEYSET_EXPIRES, Story, TYP, entry, keyset, next, payload, root, sealed};
use crate::{
    cbor,
    fields::Fields,
    licence::{Audience, EXPIRES, ISSUED, Licence, NOW},
    signer::Signer,
    token,
};

const RETIRED: i64 = 1;
const REVOKED: i64 = 2;

pub(crate) fn rotation() -> GateGroup {
    let (main, base) = (entry(&Signer::main()), Licence::base());
    let new = Licence::with(|l| l.signer = next());
    let state = |key: &Signer, state: i64| entry(key).set(3, cbor::int(state));
    let first = keyset(1, std::slice::from_ref(&main));
    let story = |comment: &str| Story::rooted("Keyset", comment, &first);
    let both = keyset(2, &[main.clone(), entry(&next())]);
    let tests = vec![
        story("a key is added")
            .check(&base, NOW, 0, "allowed")
            .check(&new, NOW, 0, "unknown_key")
            .load(&both, "allowed")
            .check(&base, NOW, 0, "allowed")
            .check(&new, NOW, 0, "allowed"),
        story("a key is removed")
            .check(&base, NOW, 0, "allowed")
            .load(&keyset(2, &[entry(&next())]), "allowed")
            .check(&base, NOW, 0, "unknown_key"),
        story("a retired key: what it signed in time stays good")
            .load(&keyset(2, &[state(&Signer::main(), RETIRED).set(2, cbor::uint(ISSUED))]), "allowed")
            .check(&base, NOW, 0, "allowed"),
        story("a retired key: what is issued a second later is not")
            .load(&keyset(2, &[state(&Signer::main(), RETIRED).set(2, cbor::uint(ISSUED - 1))]), "allowed")
            .check(&base, NOW, 0, "key_not_active"),
        story("the first second of a key")
            .load(&keyset(2, &[entry(&Signer::main()).set(1, cbor::uint(ISSUED))]), "allowed")
            .check(&base, NOW, 0, "allowed")
            .load(&keyset(3, &[entry(&Signer::main()).set(1, cbor::uint(ISSUED + 1))]), "allowed")
            .check(&base, NOW, 0, "key_not_active"),
        story("a revoked key, for a licence that was good a moment ago")
            .check(&base, NOW, 0, "allowed")
            .load(&keyset(2, &[state(&Signer::main(), REVOKED), entry(&next())]), "allowed")
            .check(&base, NOW, 0, "key_revoked")
            .check(&new, NOW, 0, "allowed"),
        story("the same keyset again")
            .load(&both, "allowed")
            .load(&both, "allowed")
            .check(&new, NOW, 0, "allowed"),
        story("an older keyset, which would bring a key back")
            .load(&keyset(5, &[state(&Signer::main(), REVOKED)]), "allowed")
            .load(&keyset(4, std::slice::from_ref(&main)), "keyset_rollback")
            .load(&first, "keyset_rollback")
            .check(&base, NOW, 0, "key_revoked"),
        story("another keyset of the same number")
            .load(&keyset(2, std::slice::from_ref(&main)), "allowed")
            .load(&both, "keyset_equivocation")
            .check(&new, NOW, 0, "unknown_key"),
        story("an older keyset after a restart")
            .load(&both, "allowed")
            .restart()
            .load(&first, "keyset_rollback")
            .check(&new, NOW, 0, "allowed"),
        story("a number may be left out")
            .load(&keyset(77, &[entry(&next())]), "allowed")
            .check(&new, NOW, 0, "allowed"),
        story("the last second of a keyset").check(
            &Licence::with(|l| l.expires = KEYSET_EXPIRES + 10),
            KEYSET_EXPIRES - 1,
            0,
            "allowed",
        ),
        story("the end of a keyset").check(
            &Licence::with(|l| l.expires = KEYSET_EXPIRES + 10),
            KEYSET_EXPIRES,
            0,
            "keyset_expired",
        ),
        story("a key for revocation signs no licences")
            .load(&keyset(2, &[main.set(5, cbor::int(1))]), "allowed")
            .check(&base, NOW, 0, "unknown_key"),
    ];
    GateGroup {
        comment: "Rotation and revocation of keys".to_owned(),
        tests: tests.into_iter().map(Story::done).collect(),
    }
}

pub(crate) fn scopes() -> GateGroup {
    let texts = |texts: &[&str]| cbor::array(&texts.iter().map(|text| cbor::text(text)).collect::<Vec<_>>());
    let scope =
        |label: i64, value| entry(&Signer::main()).set(4, Fields::default().set(label, value).encode());
    let base = Licence::base();
    let named = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Licence::with(|l| l.audience = Audience::Many(names))
    };
    let term = EXPIRES - ISSUED;
    let cases = [
        ("an issuer of the scope", scope(0, texts(&["acme", "other"])), &base, "allowed"),
        ("another issuer", scope(0, texts(&["other"])), &base, "key_out_of_scope"),
        ("an audience of the scope", scope(1, texts(&["a", "b"])), &named(&["a"]), "audience_mismatch"),
        (
            "one of the audiences beyond the scope",
            scope(1, texts(&["a"])),
            &named(&["a", "b"]),
            "key_out_of_scope",
        ),
        ("no audience, where the scope names some", scope(1, texts(&["a"])), &base, "key_out_of_scope"),
        ("a tier of the scope", scope(2, texts(&["free", "pro"])), &base, "allowed"),
        ("another tier", scope(2, texts(&["free"])), &base, "key_out_of_scope"),
        ("just the longest term", scope(3, cbor::uint(term)), &base, "allowed"),
        ("a second longer", scope(3, cbor::uint(term - 1)), &base, "key_out_of_scope"),
        ("no limits", entry(&Signer::main()).set(4, cbor::map(&[])), &base, "allowed"),
    ];
    let test = |(comment, entry, licence, code): (&str, Fields, &Licence, &str)| {
        Story::rooted("Scope", comment, &keyset(1, &[entry])).check(licence, NOW, 0, code).done()
    };
    GateGroup { comment: "What a key may sign".to_owned(), tests: cases.into_iter().map(test).collect() }
}

#[allow(clippy::too_many_lines, reason = "it is a list of cases")]
pub(crate) fn malformed() -> GateGroup {
    let main = entry(&Signer::main());
    let with = |entry: Fields| keyset(2, &[entry]);
    let of = |payload: Fields| sealed(&root(), TYP, &payload.encode());
    let good = payload(2, std::slice::from_ref(&main));
    let mut bent = keyset(2, std::slice::from_ref(&main));
    if let Some(last) = bent.last_mut() {
        *last ^= 1;
    }
    let weak = Fields::default().set(0, cbor::map(&crate::signer::cose_key(b"weak", &[0; 32])));
    let keyed = |key: &Fields| Fields::default().set(0, key.encode());
    // The parameters of a good key: those of these labels, or all.
    let key = |labels: &[i64]| {
        let all = [
            (1, cbor::int(1)),
            (2, cbor::bytes(b"main")),
            (3, cbor::int(-19)),
            (-1, cbor::int(6)),
            (-2, cbor::bytes(&Signer::main().public())),
        ];
        let kept = all.into_iter().filter(|(label, _)| labels.is_empty() || labels.contains(label));
        kept.fold(Fields::default(), |key, (label, value)| key.set(label, value))
    };
    let mut no_point = [0; 32];
    no_point[0] = 2;
    let wrong = main.clone().set(3, cbor::int(3));
    let entry_and_end =
        sealed(&root(), TYP, &[payload(2, std::slice::from_ref(&wrong)).encode(), vec![0]].concat());
    let late = with(keyed(&key(&[]).set(1, cbor::int(2))).set(1, cbor::text("soon")));
    let text_label = main.clone().set_raw(cbor::text("x"), cbor::int(0));
    let many: Vec<Fields> = (1..=65).map(|seed| entry(&Signer::new(&[b'k', seed], seed))).collect();
    let named = |kid: &[u8], seed: u8| entry(&Signer::new(kid, seed));
    let revoked = |entry: Fields| entry.set(3, cbor::int(REVOKED));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("signed by a key that is no root", sealed(&next(), TYP, &good.encode()), "unknown_key"),
        (
            "the root's identifier, another key",
            sealed(&Signer::new(b"root", 3), TYP, &good.encode()),
            "bad_signature",
        ),
        ("a bent signature", bent, "bad_signature"),
        ("a licence in place of a keyset", Licence::base().token(), "wrong_typ"),
        ("the kind of a licence", sealed(&root(), token::TYP, &good.encode()), "wrong_typ"),
        ("schema 0", of(good.clone().set(0, cbor::int(0))), "unsupported_schema"),
        ("schema 3", of(good.clone().set(0, cbor::int(3))), "unsupported_schema"),
        ("a key twice", keyset(2, &[main.clone(), main.clone()]), "ambiguous_key"),
        (
            "a key that is revoked the second time",
            keyset(2, &[main.clone(), revoked(main.clone())]),
            "ambiguous_key",
        ),
        (
            "a key that signs licences and bundles",
            keyset(2, &[main.clone(), main.clone().set(5, cbor::int(1))]),
            "ambiguous_key",
        ),
        ("a key under two identifiers", keyset(2, &[main.clone(), named(b"other", 1)]), "ambiguous_key"),
        ("two keys with one identifier", keyset(2, &[main.clone(), named(b"main", 2)]), "ambiguous_key"),
        (
            "two keys with one identifier, far apart",
            keyset(2, &[vec![main.clone()], many[2..60].to_vec(), vec![named(b"main", 99)]].concat()),
            "ambiguous_key",
        ),
        (
            "a licence key and a revocation key with one identifier",
            keyset(2, &[main.clone(), named(b"main", 2).set(5, cbor::int(1))]),
            "ambiguous_key",
        ),
        (
            "a bound of schema 2 in schema 1",
            with(main.clone().set(4, Fields::default().set(8, cbor::int(1)).encode())),
            "unknown_critical_field",
        ),
        ("no schema", of(good.clone().without(0)), "missing_field"),
        ("no sequence", of(good.clone().without(1)), "missing_field"),
        ("no time of issue", of(good.clone().without(2)), "missing_field"),
        ("no expiry", of(good.clone().without(3)), "missing_field"),
        ("no keys", of(good.clone().without(4)), "missing_field"),
        ("an empty list of keys", of(good.clone().set(4, cbor::array(&[]))), "invalid_value"),
        ("65 keys", keyset(2, &many), "invalid_value"),
        ("an unknown negative label", of(good.clone().set(-1, cbor::int(0))), "unknown_critical_field"),
        (
            "trailing bytes in the payload",
            sealed(&root(), TYP, &[good.encode(), vec![0]].concat()),
            "trailing_bytes",
        ),
        ("an unknown label in an entry", with(main.clone().set(6, cbor::int(0))), "unknown_critical_field"),
        (
            "an unknown label in a scope",
            with(main.clone().set(4, Fields::default().set(9, cbor::int(0)).encode())),
            "unknown_critical_field",
        ),
        ("a state of 3", with(main.clone().set(3, cbor::int(3))), "invalid_value"),
        ("a purpose of 2", with(main.clone().set(5, cbor::int(2))), "invalid_value"),
        ("an entry without a key", with(Fields::default().set(3, cbor::int(0))), "missing_field"),
        ("a weak key", with(weak), "weak_key"),
        ("a key without its kid", with(keyed(&key(&[1, 3, -1, -2]))), "missing_field"),
        ("a key without its algorithm", with(keyed(&key(&[1, 2, -1, -2]))), "missing_field"),
        ("a key without its type", with(keyed(&key(&[2, 3, -1, -2]))), "missing_field"),
        ("a key without its curve", with(keyed(&key(&[1, 2, 3, -2]))), "missing_field"),
        ("a key without its point", with(keyed(&key(&[1, 2, 3, -1]))), "missing_field"),
        ("a key of another type", with(keyed(&key(&[]).set(1, cbor::int(2)))), "invalid_value"),
        ("a key of another curve", with(keyed(&key(&[]).set(-1, cbor::int(4)))), "invalid_value"),
        ("a key for another algorithm", with(keyed(&key(&[]).set(3, cbor::int(-8)))), "invalid_value"),
        (
            "a key with its private half",
            with(keyed(&key(&[]).set(-4, cbor::bytes(&[0; 32])))),
            "invalid_value",
        ),
        ("a kid of no bytes", with(keyed(&key(&[]).set(2, cbor::bytes(&[])))), "invalid_value"),
        ("a kid of 33 bytes", with(keyed(&key(&[]).set(2, cbor::bytes(&[0; 33])))), "invalid_value"),
        ("a kid of text", with(keyed(&key(&[]).set(2, cbor::text("main")))), "wrong_type"),
        ("a point of 31 bytes", with(keyed(&key(&[]).set(-2, cbor::bytes(&[0; 31])))), "invalid_value"),
        ("a key that is no point", with(keyed(&key(&[]).set(-2, cbor::bytes(&no_point)))), "invalid_key"),
        ("what an entry has wrong before what follows the payload", entry_and_end, "invalid_value"),
        ("what an entry has wrong before its later fields", late, "invalid_value"),
        ("a text label in an entry", with(text_label), "unknown_critical_field"),
        ("a text for a time", with(main.clone().set(1, cbor::text("soon"))), "wrong_type"),
    ];
    let first = keyset(1, std::slice::from_ref(&main));
    let base = Licence::base();
    let mut tests: Vec<_> = cases
        .into_iter()
        .map(|(comment, bytes, code)| {
            let story = Story::rooted("Malformed", comment, &first).load(&bytes, code);
            story.check(&base, NOW, 0, "allowed").done()
        })
        .collect();
    for (what, ignored) in [
        ("an unknown label above the known ones", good.clone().set(5, cbor::int(0))),
        ("a text label", good.clone().set_raw(cbor::text("x"), cbor::int(0))),
        ("a label of bytes", good.clone().set_raw(cbor::bytes(b"x"), cbor::int(0))),
    ] {
        let comment = format!("{what} is ignored");
        let story = Story::rooted("Malformed", &comment, &first).load(&of(ignored), "allowed");
        tests.push(story.done());
    }
    GateGroup { comment: "Keysets that are refused leave the one in use in place".to_owned(), tests }
}
