//! The tests of the text form.

use licentia_vectors::{File, TextGroup, TextTest, Verdict};

use crate::{
    codes,
    encoding::{hex, license_text},
    output,
};

const NOTES: &[(&str, &str)] = &[
    ("Alphabet", "Nothing but the 64 digits of base64url follows the prefix."),
    ("Good", "The one text of some bytes."),
    ("Length", "No number of bytes has so many digits."),
    ("Prefix", "The text begins with `lic1_`."),
    (
        "Size",
        "A text stands for at most 4096 bytes. It is looked at after prefix and length and before the digits.",
    ),
    ("StrayBits", "Bits of the last digit that belong to no byte are zero."),
];

const BAD: &str = "malformed_text";
/// The longest token, in bytes.
const LONGEST: usize = 4096;

pub(crate) fn file() -> File<TextGroup> {
    let groups = vec![good(), prefixes(), lengths(), alphabet(), stray_bits(), sizes()];
    output::file("licentia-text-v1", NOTES, groups)
}

struct Texts(TextGroup, &'static str);

impl Texts {
    fn new(flag: &'static str, comment: &str) -> Self {
        Self(TextGroup { comment: comment.to_owned(), tests: Vec::new() }, flag)
    }

    fn add(&mut self, comment: &str, text: String, code: &str, bytes: Option<&[u8]>) {
        self.0.tests.push(TextTest {
            tc_id: 0,
            comment: comment.to_owned(),
            flags: vec![self.1.to_owned()],
            text,
            result: if bytes.is_some() { Verdict::Valid } else { Verdict::Invalid },
            code: code.to_owned(),
            number: codes::number(code),
            hex: bytes.map(hex),
        });
    }

    fn invalid(&mut self, comment: &str, text: &str) {
        self.add(comment, text.to_owned(), BAD, None);
    }
}

fn good() -> TextGroup {
    let mut texts = Texts::new("Good", "Texts of bytes, which need be no token");
    // From RFC 4648, section 10.
    for (bytes, digits) in [
        ("", ""),
        ("f", "Zg"),
        ("fo", "Zm8"),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ] {
        texts.add(
            &format!("RFC 4648: \"{bytes}\""),
            format!("lic1_{digits}"),
            "allowed",
            Some(bytes.as_bytes()),
        );
    }
    texts.add("the last two digits", "lic1_-_-_".to_owned(), "allowed", Some(&[0xfb, 0xff, 0xbf]));
    let all: Vec<u8> = (0..=255).collect();
    texts.add("every byte", license_text(&all), "allowed", Some(&all));
    for length in [1, 2, 3, 4, 63, 64, 65] {
        let bytes = vec![0xff; length];
        texts.add(&format!("{length} times ff"), license_text(&bytes), "allowed", Some(&bytes));
    }
    texts.0
}

fn prefixes() -> TextGroup {
    let mut texts = Texts::new("Prefix", "Prefixes");
    for (comment, text) in [
        ("empty", ""),
        ("digits without a prefix", "Zm9v"),
        ("half a prefix", "lic"),
        ("without the line", "lic1Zm9v"),
        ("the line alone", "_Zm9v"),
        ("capitals", "LIC1_Zm9v"),
        ("one capital", "Lic1_Zm9v"),
        ("another version", "lic2_Zm9v"),
        ("no version", "lic_Zm9v"),
        ("of a public key", "licpub1_Zm9v"),
        ("a hyphen for the line", "lic1-Zm9v"),
        ("a space before it", " lic1_Zm9v"),
        ("a line break before it", "\nlic1_Zm9v"),
        ("a byte order mark before it", "\u{feff}lic1_Zm9v"),
        ("a quotation mark before it", "\"lic1_Zm9v\""),
        ("`Bearer` before it", "Bearer lic1_Zm9v"),
        ("a Cyrillic letter in it", "li\u{441}1_Zm9v"),
        ("a wide letter in it", "\u{ff4c}ic1_Zm9v"),
    ] {
        texts.invalid(comment, text);
    }
    texts.0
}

fn lengths() -> TextGroup {
    let mut texts = Texts::new("Length", "Numbers of digits that stand for no bytes");
    for count in [1, 5, 9, 13, 1001, 5461] {
        texts.invalid(&format!("{count} digits"), &format!("lic1_{}", "A".repeat(count)));
    }
    texts.0
}

fn alphabet() -> TextGroup {
    let mut texts = Texts::new("Alphabet", "Characters that are no digits");
    for (comment, text) in [
        ("one padding", "lic1_Zm8="),
        ("two paddings", "lic1_Zg=="),
        ("a whole group of padding", "lic1_Zm9v===="),
        ("padding in the middle", "lic1_Zg==Zm9v"),
        ("a plus, of the other alphabet", "lic1_+/+/"),
        ("a slash, of the other alphabet", "lic1_Zm/v"),
        ("a space", "lic1_Zm v"),
        ("a space after it", "lic1_Zm9 "),
        ("four spaces after it", "lic1_Zm9v    "),
        ("a tab", "lic1_Zm\tv"),
        ("line breaks in the middle", "lic1_Zm9v\r\n\r\nZm9v"),
        ("a line break at the end", "lic1_Zm9\n"),
        ("four line breaks at the end", "lic1_Zm9v\n\n\n\n"),
        ("U+0000", "lic1_Zm9\0"),
        ("a full stop", "lic1_Zm9."),
        ("a comma", "lic1_Zm9,"),
        ("a tilde", "lic1_Zm9~"),
        ("a per cent sign", "lic1_Zm%39v"),
        ("a quotation mark", "lic1_Zm9\""),
        ("a byte before the digits, @", "lic1_Zm9@"),
        ("a byte between capitals and small letters, [", "lic1_Zm9["),
        ("a byte between capitals and small letters, `", "lic1_Zm9`"),
        ("a byte after the small letters, {", "lic1_Zm9{"),
        ("U+007F", "lic1_Zm9\u{7f}"),
        ("a letter with an accent", "lic1_Zm\u{e9}"),
        ("a letter of three bytes", "lic1_Z\u{20ac}"),
        ("a letter of four bytes", "lic1_\u{1f511}"),
        ("wide digits", "lic1_\u{ff21}\u{ff21}\u{ff21}\u{ff21}"),
        ("a bad first digit of a group", "lic1_Zm9v!m9v"),
        ("a bad second digit of a group", "lic1_Zm9vZ!9v"),
        ("a bad third digit of a group", "lic1_Zm9vZm!v"),
        ("a bad fourth digit of a group", "lic1_Zm9vZm9!"),
        ("a bad first digit of two", "lic1_!g"),
        ("a bad second digit of two", "lic1_Z!"),
        ("a bad first digit of three", "lic1_!m8"),
        ("a bad second digit of three", "lic1_Z!8"),
        ("a bad third digit of three", "lic1_Zm!"),
    ] {
        texts.invalid(comment, text);
    }
    texts.0
}

fn stray_bits() -> TextGroup {
    let mut texts = Texts::new("StrayBits", "Last digits with bits that belong to no byte");
    // `Zg` is one byte with four bits over, `Zm8` two bytes with two bits over: the digits after the good one.
    for last in "hijklmnopqrstuv".chars() {
        texts.invalid(&format!("Z{last} for Zg"), &format!("lic1_Z{last}"));
    }
    for last in "9-_".chars() {
        texts.invalid(&format!("Zm{last} for Zm8"), &format!("lic1_Zm{last}"));
    }
    texts.invalid("the lowest bit of two digits", "lic1_AB");
    texts.invalid("the highest stray bit of two digits", "lic1_AI");
    texts.invalid("the lowest bit of three digits", "lic1_AAB");
    texts.invalid("the highest stray bit of three digits", "lic1_AAC");
    texts.invalid("after a whole group", "lic1_Zm9vZh");
    texts.0
}

fn sizes() -> TextGroup {
    let mut texts = Texts::new("Size", "The longest text and longer ones");
    for length in [LONGEST - 2, LONGEST - 1, LONGEST] {
        let bytes = vec![0; length];
        texts.add(&format!("{length} bytes"), license_text(&bytes), "allowed", Some(&bytes));
    }
    let mut long = |comment: &str, text: String, code: &str| texts.add(comment, text, code, None);
    for length in [LONGEST + 1, LONGEST + 2, LONGEST + 3, 10_000] {
        long(&format!("{length} bytes"), license_text(&vec![0; length]), "token_too_long");
    }
    let digits = "!".repeat(5464);
    long("too long, and no digits: the size is told", format!("lic1_{digits}"), "token_too_long");
    long("too long, with a number of digits that cannot be", format!("lic1_{digits}!"), BAD);
    long("too long, without the prefix", digits, BAD);
    texts.0
}
