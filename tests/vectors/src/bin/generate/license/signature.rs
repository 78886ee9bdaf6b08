//! Signatures: forged, altered, and the edge cases in which Ed25519 verifiers differ.

use curve25519_dalek::{EdwardsPoint, Scalar, constants};
use licentia_vectors::LicenseGroup;
use sha2::{Digest as _, Sha512};

use crate::{
    cbor,
    encoding::unhex,
    licence::{EXPIRES, Licence, NOW},
    section::Section,
    signer::{self, Signer},
    token::Frame,
};

const CODE: &str = "bad_signature";
/// The order of the base point, in little-endian bytes.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![altered(), scalars(), small_order(), mixed_order()]
}

/// The frame of the base licence with another signature.
fn with_signature(signature: &[u8]) -> Vec<u8> {
    Frame { signature: cbor::bytes(signature), ..Frame::base() }.encode()
}

/// The two halves of the base licence's signature.
fn halves() -> ([u8; 32], [u8; 32]) {
    let signature = Frame::base().signature;
    let half = |from: usize| signature[from..from + 32].try_into().expect("32 bytes");
    (half(2), half(34))
}

fn altered() -> LicenseGroup {
    let mut cases = Section::new("Signature", "Signatures of something else")
        .keys(&[Signer::main(), Signer::new(b"othr", 5)]);
    let (licence, base) = (Licence::base(), Frame::base());
    let (header, claims) = (licence.header().encode(), licence.claims().encode());
    let (r, s) = halves();
    let mut case = |what: &str, token: Vec<u8>| cases.invalid(what, CODE, &token);
    case("zeros", with_signature(&[0; 64]));
    case("ones", with_signature(&[0xff; 64]));
    case("the halves swapped", with_signature(&[s, r].concat()));
    case("R twice", with_signature(&[r, r].concat()));
    case("in reverse order of bytes", with_signature(&[r, s].concat().into_iter().rev().collect::<Vec<_>>()));
    let negative = negated(r);
    case("R negated", with_signature(&[negative, s].concat()));
    let complement = -Scalar::from_bytes_mod_order(s);
    case("S negated", with_signature(&[r, complement.to_bytes()].concat()));
    case("R and S negated", with_signature(&[negative, complement.to_bytes()].concat()));
    let another = Licence::with(|l| l.id = [1; 16]);
    let theirs = Frame::signed(&another.signer, &header, &another.claims().encode()).signature;
    case("of another licence", Frame { signature: theirs, ..base.clone() }.encode());
    let own = Signer::new(b"main", 5).sign(&header, &claims);
    case("by another key", with_signature(&own));
    let othr = Licence::with(|l| l.signer = Signer::new(b"othr", 5)).header().encode();
    case("moved to another known key", Frame { protected: cbor::bytes(&othr), ..base.clone() }.encode());
    let more = licence.header().set(100, cbor::uint(0)).encode();
    case("header with one parameter more", Frame { protected: cbor::bytes(&more), ..base.clone() }.encode());
    for (what, changed) in [
        ("a later exp", Licence::with(|l| l.expires = EXPIRES + 1)),
        ("another subject", Licence::with(|l| l.subject = "cus_43".to_owned())),
        ("another tier", Licence::with(|l| l.tier.0 = "max".to_owned())),
        ("another cti", Licence::with(|l| l.id = [0; 16])),
        ("more seats", Licence::with(|l| l.seats = Some(1_000))),
    ] {
        let payload = cbor::bytes(&changed.claims().encode());
        case(&format!("claims with {what}"), Frame { payload, ..base.clone() }.encode());
    }
    let text = |context: &str, protected: &[u8], external: &[u8], payload: &[u8]| {
        let parts =
            [cbor::text(context), cbor::bytes(protected), cbor::bytes(external), cbor::bytes(payload)];
        cbor::array(&parts)
    };
    for (what, message) in [
        ("the claims alone", claims.clone()),
        ("the payload with its head", cbor::bytes(&claims)),
        ("header and claims, one after the other", [header.clone(), claims.clone()].concat()),
        ("the context of COSE_Sign", text("Signature", &header, &[], &claims)),
        ("the context of COSE_Mac0", text("MAC0", &header, &[], &claims)),
        ("a context in lower case", text("signature1", &header, &[], &claims)),
        ("no header", text("Signature1", &[], &[], &claims)),
        ("no claims, as if detached", text("Signature1", &header, &[], &[])),
        ("external data", text("Signature1", &header, b"external", &claims)),
        ("the hash of the right bytes", Sha512::digest(signer::to_be_signed(&header, &claims)).to_vec()),
        ("nothing", Vec::new()),
    ] {
        case(&format!("over {what}"), with_signature(&Signer::main().sign_bytes(&message)));
    }
    cases.done()
}

/// The encoding of the negated point.
fn negated(mut point: [u8; 32]) -> [u8; 32] {
    point[31] ^= 0x80;
    point
}

/// `s` + `times` * L, as a number of 256 bits.
fn plus_order(s: [u8; 32], times: u32) -> [u8; 32] {
    let mut carry = 0;
    let mut sum = s;
    for (byte, order) in sum.iter_mut().zip(unhex(ORDER)) {
        carry += u32::from(*byte) + u32::from(order) * times;
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    sum
}

fn scalars() -> LicenseGroup {
    let mut cases = Section::new("Signature", "S at and above the order of the group");
    let (r, s) = halves();
    let mut case = |what: &str, s: [u8; 32]| {
        cases.invalid(what, CODE, &with_signature(&[r, s].concat()));
    };
    for times in [1, 2, 4, 8, 15] {
        case(&format!("S + {times} L"), plus_order(s, times));
    }
    for bit in [5, 6, 7] {
        let mut high = s;
        high[31] |= 1 << bit;
        case(&format!("S with bit {} set", 248 + bit), high);
    }
    case("S = 0", [0; 32]);
    case("S = 1", std::array::from_fn(|at| u8::from(at == 0)));
    case("S = L", plus_order([0; 32], 1));
    case("S = L - 1", (-Scalar::ONE).to_bytes());
    case("S = 2^256 - 1", [0xff; 32]);
    cases.done()
}

/// The challenge k of a signature.
fn challenge(r: &[u8; 32], public: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(public).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

fn small_order() -> LicenseGroup {
    let mut cases =
        Section::new("Signature", "R of small order, with the S that a verifier without the check takes");
    let licence = Licence::base();
    let message = signer::to_be_signed(&licence.header().encode(), &licence.claims().encode());
    let (public, secret) = (licence.signer.public(), licence.signer.scalar());
    // S = k a makes [S]B = [k]A, so that R is what is left: nothing, or a point whose multiple by 8 is nothing.
    let mut case = |what: String, r: [u8; 32]| {
        let s = challenge(&r, &public, &message) * secret;
        cases.invalid(what, CODE, &with_signature(&[r, s.to_bytes()].concat()));
    };
    for (at, point) in constants::EIGHT_TORSION.iter().enumerate() {
        case(format!("the point of torsion {at}"), point.compress().to_bytes());
    }
    for (what, encoding) in crate::key::NON_CANONICAL_WEAK {
        case(what.to_owned(), unhex(encoding).try_into().expect("32 bytes"));
    }
    cases.done()
}

/// The base licence under a key with a part of small order, which is not weak: A + T.
fn mixed_order() -> LicenseGroup {
    let licence = Licence::with(|l| l.signer = Signer::new(b"mixd", 1));
    let (header, claims) = (licence.header().encode(), licence.claims().encode());
    let message = signer::to_be_signed(&header, &claims);
    let torsion = constants::EIGHT_TORSION[1];
    let point = EdwardsPoint::mul_base(&licence.signer.scalar()) + torsion;
    let public = point.compress().to_bytes();
    let keys = vec![Signer::main().text(), signer::public_key(b"mixd", &public)];
    let mut cases = Section::new("Signature", "Keys and R with a part of small order").key_texts(keys);

    // Nonces in turn, until the parts of small order do what the case wants.
    let search = |wanted: fn(bool, bool) -> bool| {
        for nonce in 1..=u64::MAX {
            for small in constants::EIGHT_TORSION {
                let nonce = Scalar::from(nonce);
                let r = EdwardsPoint::mul_base(&nonce) + small;
                let k = challenge(r.compress().as_bytes(), &public, &message);
                let s = nonce + k * licence.signer.scalar();
                let exact = EdwardsPoint::mul_base(&s) - k * point == r;
                if wanted(exact, small == constants::EIGHT_TORSION[0]) {
                    let signature = [r.compress().to_bytes(), s.to_bytes()].concat();
                    return Frame {
                        signature: cbor::bytes(&signature),
                        ..Frame::signed(&licence.signer, &header, &claims)
                    };
                }
            }
        }
        unreachable!("one nonce in eight will do")
    };
    let token = search(|exact, small| exact && !small).encode();
    cases.valid_token("the small parts of key and R cancel out", &licence, &token, NOW, "active");
    let token = search(|exact, small| exact && small).encode();
    cases.valid_token("the challenge makes the key's small part vanish", &licence, &token, NOW, "active");
    let token = search(|exact, small| !exact && small).encode();
    cases.invalid("good only when multiplied by the cofactor, small part in the key", CODE, &token);
    let token = search(|exact, small| !exact && !small).encode();
    cases.invalid("good only when multiplied by the cofactor, small parts in both", CODE, &token);

    // The main key is of full order, so that R alone has a small part.
    let base = Licence::base();
    let message = signer::to_be_signed(&base.header().encode(), &base.claims().encode());
    for (at, small) in constants::EIGHT_TORSION.iter().enumerate().skip(1) {
        let nonce = Scalar::from(7_u8);
        let r = (EdwardsPoint::mul_base(&nonce) + small).compress().to_bytes();
        let s = nonce + challenge(&r, &base.signer.public(), &message) * base.signer.scalar();
        let token = with_signature(&[r, s.to_bytes()].concat());
        cases.invalid(format!("R plus the point of torsion {at}"), CODE, &token);
    }
    cases.done()
}
