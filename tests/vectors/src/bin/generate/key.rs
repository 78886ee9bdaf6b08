//! The tests of public keys.

use curve25519_dalek::{EdwardsPoint, constants};
use licentia_vectors::{File, KeyGroup, KeyTest, Verdict};

use crate::{
    cbor::{self, Item, Major},
    codes,
    encoding::{hex, key_text, unhex},
    fields::Fields,
    output,
    signer::{ED25519, Signer, cose_key, public_key},
};

const NOTES: &[(&str, &str)] = &[
    ("Good", "A key that can be loaded."),
    ("Parameters", "The COSE_Key has exactly five parameters, each with the one right value."),
    ("Point", "The bytes are no point of the curve."),
    ("Strict", "The encoding is read as strictly as a token's."),
    ("Text", "The text form has one reading."),
    ("Weak", "The point is of small order: anybody could make signatures that fit it."),
];

/// Encodings of points of small order that no encoder makes: x = 0 with a sign, or y not reduced.
pub(crate) const NON_CANONICAL_WEAK: [(&str, &str); 6] = [
    ("y = 1, x = -0", "0100000000000000000000000000000000000000000000000000000000000080"),
    ("y = -1, x = -0", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
    ("y = p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("y = p, with a sign", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
    ("y = p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("y = p + 1, x = -0", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
];

pub(crate) fn file() -> File<KeyGroup> {
    let groups = vec![good(), weak(), points(), parameters(), strict(), texts()];
    output::file("licentia-key-v1", NOTES, groups)
}

struct Keys(KeyGroup, &'static str);

impl Keys {
    fn new(flag: &'static str, comment: &str) -> Self {
        Self(KeyGroup { comment: comment.to_owned(), tests: Vec::new() }, flag)
    }

    fn add(&mut self, comment: &str, key: String, code: &str, loaded: Option<(&[u8], &[u8; 32])>) {
        self.0.tests.push(KeyTest {
            tc_id: 0,
            comment: comment.to_owned(),
            flags: vec![self.1.to_owned()],
            key,
            result: if loaded.is_some() { Verdict::Valid } else { Verdict::Invalid },
            code: code.to_owned(),
            number: codes::number(code),
            kid: loaded.map(|(kid, _)| hex(kid)),
            public_key: loaded.map(|(_, public)| hex(public)),
        });
    }

    fn good(&mut self, comment: &str, kid: &[u8], public: &[u8; 32]) {
        self.add(comment, public_key(kid, public), "allowed", Some((kid, public)));
    }

    fn weak(&mut self, comment: &str, public: &[u8]) {
        let public = public.try_into().expect("32 bytes");
        self.add(comment, public_key(b"weak", public), "weak_key", None);
    }

    fn invalid_text(&mut self, comment: &str, key: String) {
        self.add(comment, key, "invalid_key", None);
    }

    fn invalid(&mut self, comment: &str, cose_key: &[u8]) {
        self.invalid_text(comment, key_text(cose_key));
    }
}

fn main_key() -> [u8; 32] {
    Signer::main().public()
}

fn base() -> Fields {
    let entries = cose_key(b"main", &main_key()).into_iter();
    entries.fold(Fields::default(), |fields, (key, value)| fields.set_raw(key, value))
}

fn good() -> KeyGroup {
    let mut keys = Keys::new("Good", "Keys that can be loaded");
    for length in [1, 2, 4, 16, 23, 24, 25, 31, 32] {
        keys.good(&format!("kid of {length} bytes"), &vec![b'k'; length], &main_key());
    }
    keys.good("kid of a zero", &[0], &main_key());
    keys.good("kid that is not UTF-8", &[0xff, 0xc0], &main_key());
    for seed in 2..6 {
        keys.good(&format!("another key, {seed}"), b"main", &Signer::new(b"main", seed).public());
    }
    // From RFC 8032, section 7.1.
    for (comment, public) in [
        ("RFC 8032, test 1", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
        ("RFC 8032, test 2", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
        ("RFC 8032, test 3", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
    ] {
        keys.good(comment, b"rfc", &unhex(public).try_into().expect("32 bytes"));
    }
    for (at, torsion) in constants::EIGHT_TORSION.iter().enumerate().skip(1) {
        let point = EdwardsPoint::mul_base(&Signer::main().scalar()) + torsion;
        let comment = format!("a key with a part of small order, torsion {at}");
        keys.good(&comment, b"main", point.compress().as_bytes());
    }
    // y is taken modulo p; y + p fits into 255 bits where y is below 19.
    for (y, low) in [(3, "f0"), (4, "f1"), (5, "f2"), (6, "f3"), (9, "f6"), (14, "fb"), (18, "ff")] {
        for (sign, high) in [("", "7f"), (", with a sign", "ff")] {
            let public = unhex(&format!("{low}{}{high}", "ff".repeat(30)));
            let comment = format!("y = p + {y}, which is not reduced{sign}");
            keys.good(&comment, b"main", &public.try_into().expect("32 bytes"));
        }
    }
    keys.0
}

fn weak() -> KeyGroup {
    let mut keys = Keys::new("Weak", "Points of small order");
    for (at, point) in constants::EIGHT_TORSION.iter().enumerate() {
        keys.weak(&format!("the point of torsion {at}"), point.compress().as_bytes());
    }
    for (comment, encoding) in NON_CANONICAL_WEAK {
        keys.weak(comment, &unhex(encoding));
    }
    keys.0
}

fn points() -> KeyGroup {
    let mut keys = Keys::new("Point", "Bytes that are no point of the curve");
    for (y, low) in [(2, "02"), (7, "07"), (8, "08"), (11, "0b"), (12, "0c"), (13, "0d"), (17, "11")] {
        for (sign, high) in [("", "00"), (", with a sign", "80")] {
            let point = unhex(&format!("{low}{}{high}", "00".repeat(30)));
            keys.invalid(&format!("y = {y}{sign}"), &base().set(-2, cbor::bytes(&point)).encode());
        }
    }
    for (y, low) in [(2, "ef"), (7, "f4"), (17, "fe")] {
        let point = unhex(&format!("{low}{}7f", "ff".repeat(30)));
        keys.invalid(&format!("y = p + {y}"), &base().set(-2, cbor::bytes(&point)).encode());
    }
    keys.0
}

fn parameters() -> KeyGroup {
    let mut keys = Keys::new("Parameters", "Parameters that are missing, wrong or more than needed");
    for (what, label) in [("kty", 1), ("kid", 2), ("alg", 3), ("crv", -1), ("x", -2)] {
        keys.invalid(&format!("{what} is missing"), &base().without(label).encode());
    }
    keys.invalid("no parameters", &cbor::map(&[]));
    let zeros = |length: usize| cbor::bytes(&vec![0; length]);
    for (what, label, value) in [
        ("kty 0", 1, cbor::int(0)),
        ("kty 2, EC2", 1, cbor::int(2)),
        ("kty 4, symmetric", 1, cbor::int(4)),
        ("kty as a text", 1, cbor::text("OKP")),
        ("kid of no bytes", 2, zeros(0)),
        ("kid of 33 bytes", 2, zeros(33)),
        ("kid of 64 bytes", 2, zeros(64)),
        ("kid as a text", 2, cbor::text("main")),
        ("kid as an integer", 2, cbor::int(1)),
        ("alg -8, EdDSA", 3, cbor::int(-8)),
        ("alg -7, ES256", 3, cbor::int(-7)),
        ("alg 0", 3, cbor::int(0)),
        ("alg -18", 3, cbor::int(ED25519 + 1)),
        ("alg as a text", 3, cbor::text("Ed25519")),
        ("alg null", 3, cbor::simple(cbor::NULL)),
        ("crv 1, P-256", -1, cbor::int(1)),
        ("crv 4, X25519", -1, cbor::int(4)),
        ("crv 7, Ed448", -1, cbor::int(7)),
        ("crv as a text", -1, cbor::text("Ed25519")),
        ("x of no bytes", -2, zeros(0)),
        ("x of 31 bytes", -2, cbor::bytes(&main_key()[..31])),
        ("x of 33 bytes", -2, cbor::bytes(&[&main_key()[..], &[0]].concat())),
        ("x as a text", -2, cbor::text("abcdefghijklmnopqrstuvwxyz012345")),
        ("x null", -2, cbor::simple(cbor::NULL)),
        ("d, a private key", -4, cbor::bytes(&[1; 32])),
        ("y, as of EC2", -3, cbor::simple(cbor::FALSE)),
        ("key_ops", 4, cbor::array(&[cbor::int(2)])),
        ("base IV", 5, zeros(8)),
        ("an unknown parameter", 100, cbor::int(0)),
        ("an unknown negative parameter", -70_000, cbor::int(0)),
    ] {
        keys.invalid(what, &base().set(label, value).encode());
    }
    keys.invalid("a text label", &base().set_raw(cbor::text("use"), cbor::text("sig")).encode());
    keys.0
}

fn strict() -> KeyGroup {
    let mut keys = Keys::new("Strict", "Encodings that are not the one");
    let (good, entries) = (base().encode(), base().entries());
    for length in 0..good.len() {
        keys.invalid(&format!("the first {length} bytes"), &good[..length]);
    }
    keys.invalid("a byte more", &[&good[..], &[0]].concat());
    keys.invalid("twice", &good.repeat(2));
    keys.invalid("in a byte string", &cbor::bytes(&good));
    keys.invalid("in an array", &cbor::array(std::slice::from_ref(&good)));
    keys.invalid("in a tag", &cbor::tag(55_799, &good));
    keys.invalid("a wide head of the map", &[&cbor::wide_head(Major::Map, 5, 1), &good[1..]].concat());
    let endless = [&cbor::indefinite(Major::Map), &good[1..], &[cbor::BREAK]].concat();
    keys.invalid("a map of indefinite length", &endless);
    let with = |at: usize, key: Item, value: Item| {
        let mut entries = entries.clone();
        entries[at] = (key, value);
        cbor::map_as_given(&entries)
    };
    keys.invalid("a wide key", &with(0, unhex("18 01"), cbor::int(1)));
    keys.invalid("a wide kty", &with(0, cbor::int(1), unhex("18 01")));
    keys.invalid("a wide head of kid", &with(1, cbor::int(2), unhex("58 04 6d61696e")));
    keys.invalid("a wide alg", &with(2, cbor::int(3), unhex("38 12")));
    keys.invalid("a kid of indefinite length", &with(1, cbor::int(2), unhex("5f 44 6d61696e ff")));
    keys.invalid("a float for kty", &with(0, cbor::int(1), unhex("f9 3c00")));
    let order = |order: [usize; 5]| cbor::map_as_given(&order.map(|at| entries[at].clone()));
    keys.invalid("the first two parameters swapped", &order([1, 0, 2, 3, 4]));
    keys.invalid("x before crv", &order([0, 1, 2, 4, 3]));
    keys.invalid("negative labels first", &order([3, 4, 0, 1, 2]));
    keys.invalid("kid twice", &order([0, 1, 1, 3, 4]));
    let six = [entries[..2].to_vec(), entries[1..].to_vec()].concat();
    keys.invalid("kid twice, and all parameters", &cbor::map_as_given(&six));
    keys.invalid("200 bytes", &base().set(2, cbor::bytes(&[0; 150])).encode());
    keys.invalid("5000 bytes", &vec![0; 5000]);
    keys.invalid("the bare 32 bytes", &main_key());
    keys.0
}

fn texts() -> KeyGroup {
    let mut keys = Keys::new("Text", "Texts that are not the one");
    let good = Signer::main().text();
    let digits = &good["licpub1_".len()..];
    let mut case = |what: &str, key: String| keys.invalid_text(what, key);
    case("empty", String::new());
    case("the prefix alone", "licpub1_".to_owned());
    case("no prefix", digits.to_owned());
    case("the prefix of a licence", format!("lic1_{digits}"));
    case("another version", format!("licpub2_{digits}"));
    case("the prefix in capitals", format!("LICPUB1_{digits}"));
    case("the prefix without its line", format!("licpub1{digits}"));
    case("the prefix twice", format!("licpub1_{good}"));
    case("padding", format!("{good}="));
    case("two of padding", format!("{good}=="));
    case("a line break", format!("{good}\n"));
    case("a space before it", format!(" {good}"));
    case("a space in it", good.replacen("1_p", "1_ p", 1));
    case("a byte order mark", format!("\u{feff}{good}"));
    case("a digit more", format!("{good}A"));
    case("a digit less", good[..good.len() - 1].to_owned());
    case("a plus", format!("{}+", &good[..good.len() - 1]));
    case("a slash", format!("{}/", &good[..good.len() - 1]));
    case("a letter with an accent", format!("{}\u{e9}", &good[..good.len() - 2]));
    // A kid of two bytes leaves bits of the last digit over.
    let short = public_key(b"ab", &main_key());
    let last = short.chars().last().expect("it is not empty");
    let next = char::from_u32(u32::from(last) + 1).expect("a letter or digit");
    case("a stray bit in the last digit", format!("{}{next}", &short[..short.len() - 1]));
    case("PEM", "-----BEGIN PUBLIC KEY-----".to_owned());
    case("hexadecimal", hex(&base().encode()));
    case("10000 digits", format!("licpub1_{}", "A".repeat(10_000)));
    keys.0
}
