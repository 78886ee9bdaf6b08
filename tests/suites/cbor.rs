//! The examples of RFC 8949, appendix A, against core's reader.

use licentia_core::{Code, inner::Reader};
use licentia_tests::report;

/// What the reader must say. Deterministic items of the allowed kinds pass.
#[derive(Clone, Copy)]
enum Answer {
    Passes,
    /// A float, tag or simple value.
    Forbidden,
    /// An indefinite length.
    Indefinite,
}
use Answer::{Forbidden, Indefinite, Passes};

/// Every row of the table: the value, its encoding, and the answer.
const EXAMPLES: [(&str, &str, Answer); 81] = [
    ("0", "00", Passes),
    ("1", "01", Passes),
    ("10", "0a", Passes),
    ("23", "17", Passes),
    ("24", "1818", Passes),
    ("25", "1819", Passes),
    ("100", "1864", Passes),
    ("1000", "1903e8", Passes),
    ("1000000", "1a000f4240", Passes),
    ("1000000000000", "1b000000e8d4a51000", Passes),
    ("18446744073709551615", "1bffffffffffffffff", Passes),
    ("18446744073709551616", "c249010000000000000000", Forbidden),
    ("-18446744073709551616", "3bffffffffffffffff", Passes),
    ("-18446744073709551617", "c349010000000000000000", Forbidden),
    ("-1", "20", Passes),
    ("-10", "29", Passes),
    ("-100", "3863", Passes),
    ("-1000", "3903e7", Passes),
    ("0.0", "f90000", Forbidden),
    ("-0.0", "f98000", Forbidden),
    ("1.0", "f93c00", Forbidden),
    ("1.1", "fb3ff199999999999a", Forbidden),
    ("1.5", "f93e00", Forbidden),
    ("65504.0", "f97bff", Forbidden),
    ("100000.0", "fa47c35000", Forbidden),
    ("3.4028234663852886e+38", "fa7f7fffff", Forbidden),
    ("1.0e+300", "fb7e37e43c8800759c", Forbidden),
    ("5.960464477539063e-8", "f90001", Forbidden),
    ("0.00006103515625", "f90400", Forbidden),
    ("-4.0", "f9c400", Forbidden),
    ("-4.1", "fbc010666666666666", Forbidden),
    ("Infinity", "f97c00", Forbidden),
    ("NaN", "f97e00", Forbidden),
    ("-Infinity", "f9fc00", Forbidden),
    ("Infinity", "fa7f800000", Forbidden),
    ("NaN", "fa7fc00000", Forbidden),
    ("-Infinity", "faff800000", Forbidden),
    ("Infinity", "fb7ff0000000000000", Forbidden),
    ("NaN", "fb7ff8000000000000", Forbidden),
    ("-Infinity", "fbfff0000000000000", Forbidden),
    ("false", "f4", Passes),
    ("true", "f5", Passes),
    ("null", "f6", Passes),
    ("undefined", "f7", Forbidden),
    ("simple(16)", "f0", Forbidden),
    ("simple(255)", "f8ff", Forbidden),
    ("0(\"2013-03-21T20:04:00Z\")", "c074323031332d30332d32315432303a30343a30305a", Forbidden),
    ("1(1363896240)", "c11a514b67b0", Forbidden),
    ("1(1363896240.5)", "c1fb41d452d9ec200000", Forbidden),
    ("23(h'01020304')", "d74401020304", Forbidden),
    ("24(h'6449455446')", "d818456449455446", Forbidden),
    ("32(\"http://www.example.com\")", "d82076687474703a2f2f7777772e6578616d706c652e636f6d", Forbidden),
    ("h''", "40", Passes),
    ("h'01020304'", "4401020304", Passes),
    ("\"\"", "60", Passes),
    ("\"a\"", "6161", Passes),
    ("\"IETF\"", "6449455446", Passes),
    ("\"\\\"\\\\\"", "62225c", Passes),
    ("\"\u{fc}\"", "62c3bc", Passes),
    ("\"\u{6c34}\"", "63e6b0b4", Passes),
    ("\"\u{10151}\"", "64f0908591", Passes),
    ("[]", "80", Passes),
    ("[1, 2, 3]", "83010203", Passes),
    ("[1, [2, 3], [4, 5]]", "8301820203820405", Passes),
    ("[1, 2, ... 25]", "98190102030405060708090a0b0c0d0e0f101112131415161718181819", Passes),
    ("{}", "a0", Passes),
    ("{1: 2, 3: 4}", "a201020304", Passes),
    ("{\"a\": 1, \"b\": [2, 3]}", "a26161016162820203", Passes),
    ("[\"a\", {\"b\": \"c\"}]", "826161a161626163", Passes),
    ("{\"a\": \"A\", ... \"e\": \"E\"}", "a56161614161626142616361436164614461656145", Passes),
    ("(_ h'0102', h'030405')", "5f42010243030405ff", Indefinite),
    ("(_ \"strea\", \"ming\")", "7f657374726561646d696e67ff", Indefinite),
    ("[_ ]", "9fff", Indefinite),
    ("[_ 1, [2, 3], [_ 4, 5]]", "9f018202039f0405ffff", Indefinite),
    ("[_ 1, [2, 3], [4, 5]]", "9f01820203820405ff", Indefinite),
    ("[1, [2, 3], [_ 4, 5]]", "83018202039f0405ff", Indefinite),
    ("[1, [_ 2, 3], [4, 5]]", "83019f0203ff820405", Indefinite),
    ("[_ 1, 2, ... 25]", "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", Indefinite),
    ("{_ \"a\": 1, \"b\": [_ 2, 3]}", "bf61610161629f0203ffff", Indefinite),
    ("[\"a\", {_ \"b\": \"c\"}]", "826161bf61626163ff", Indefinite),
    ("{_ \"Fun\": true, \"Amt\": -2}", "bf6346756ef563416d7421ff", Indefinite),
];

#[test]
fn appendix_a() {
    for (value, hex, answer) in EXAMPLES {
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal");
        let mut reader = Reader::new(&bytes);
        let found = reader.skip().and_then(|()| reader.finish()).map_err(|refusal| refusal.code);
        let expected = match answer {
            Passes => Ok(()),
            Forbidden => Err(Code::ForbiddenItem),
            Indefinite => Err(Code::NotDeterministic),
        };
        assert_eq!(found, expected, "{value}: {hex}");
        // ciborium reads them all, so that the table has no slip of the pen.
        assert!(
            ciborium::from_reader::<ciborium::Value, _>(&bytes[..]).is_ok() || hex.starts_with('f'),
            "{value}"
        );
        // A beginning of an example is no example.
        for end in 0..bytes.len() {
            let mut reader = Reader::new(&bytes[..end]);
            assert!(reader.skip().and_then(|()| reader.finish()).is_err(), "{value} cut at {end}");
        }
    }
    report(format_args!("cbor: {} examples of RFC 8949", EXAMPLES.len()));
}
