//! Writes the inputs that fuzzing begins with, made from the vectors: a folder for each target of `fuzz/`.

use std::{fs, io, path::Path};

use ciborium::Value as Cbor;
use licentia_core::{
    Buffer, Key,
    inner::{Frame, Typ},
    receipt::{ReceiptEntry, ReceiptLink, UnsignedReceipt},
    revocation::Bundle,
    text,
};
use licentia_tests::canonical;
use licentia_vectors::Step;

/// Longer objects slow fuzzing down and show nothing else.
const LONGEST: usize = 4_096;

/// A catalogue that uses everything that a tier can say, and a keyset's draft.
const TOML: [&str; 2] = [
    include_str!("../../../cli/src/demo/tiers.toml"),
    r#"sequence = 7
[[key]]
key = "KEY"
state = "retired"
not_before = "2026-01-01"
not_after = "2027-01-31"
[key.scope]
issuers = ["acme"]
tiers = ["free", "trial"]
longest_term = "30 days"
longest_lead = "1 day"
seats = 5
kinds = ["paid", "trial"]
indices = [0, 1000000]
streams = [0, 1]
features = { export = true, rows = 1000, support = ["silver", "gold"] }
quotas = { calls = "1000/month" }
rates = { api = "10/1s" }
policy = { stale_revocation = { warn = "1 day" }, clock_doubt = "allow" }
"#,
];

/// The inputs of one target.
struct Seeds(&'static str, Vec<Vec<u8>>);

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).ok_or_else(|| io::Error::other("name the folder to write to"))?;
    for Seeds(target, mut inputs) in all() {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        inputs.sort();
        inputs.dedup();
        for (at, input) in inputs.iter().enumerate().filter(|(_, input)| input.len() <= LONGEST) {
            fs::write(folder.join(format!("seed-{at:04}")), input)?;
        }
    }
    Ok(())
}

fn all() -> Vec<Seeds> {
    let vectors = Vectors::new();
    let payloads = |objects: &[Vec<u8>], typ| -> Vec<Vec<u8>> {
        let payload = |bytes: &Vec<u8>| Some(Frame::read(bytes, typ).ok()?.payload.of(bytes).to_vec());
        objects.iter().filter_map(payload).collect()
    };
    let after = |first: u8, payloads: Vec<Vec<u8>>| {
        payloads.into_iter().map(move |payload| [vec![first], payload].concat())
    };
    let objects = [&vectors.tokens[..], &vectors.keysets, &vectors.bundles, &vectors.proofs].concat();
    let bundles = after(0, payloads(&vectors.bundles, Typ::Bundle));
    let bundles = bundles.chain(after(1, payloads(&vectors.bundles, Typ::Delta)));
    vec![
        Seeds("text", vectors.texts.iter().map(|text| text.clone().into_bytes()).collect()),
        Seeds("cbor", objects),
        Seeds("claims", payloads(&vectors.tokens, Typ::License)),
        Seeds("keyset", payloads(&vectors.keysets, Typ::Keyset)),
        Seeds("proof", after(0, payloads(&vectors.proofs, Typ::Proof)).collect()),
        Seeds("bundle", bundles.collect()),
        Seeds("delta", deltas(&vectors.bundles)),
        Seeds("exact", sets(&vectors.bundles)),
        Seeds("receipt", receipts()),
        Seeds("catalogue", TOML.map(|text| text.replace("KEY", &vectors.key).into_bytes()).to_vec()),
        Seeds("ed25519", signatures(&vectors)),
        Seeds("rate", rates()),
        Seeds("period", periods()),
        Seeds("counting", (0..40).map(|seed| random(seed, 400)).collect()),
        Seeds("uri", uris()),
        Seeds("http", fields()),
    ]
}

/// The signed objects of the vectors, and their texts.
struct Vectors {
    texts: Vec<String>,
    key: String,
    tokens: Vec<Vec<u8>>,
    proofs: Vec<Vec<u8>>,
    keysets: Vec<Vec<u8>>,
    bundles: Vec<Vec<u8>>,
    issuer: Key,
}

impl Vectors {
    fn new() -> Self {
        let hex = |digits: &String| data_encoding::HEXLOWER.decode(digits.as_bytes()).expect("hexadecimal");
        let mut texts: Vec<String> = Vec::new();
        texts.extend(
            licentia_vectors::text()
                .test_groups
                .into_iter()
                .flat_map(|group| group.tests)
                .map(|test| test.text),
        );
        let keys = licentia_vectors::key().test_groups;
        let key = keys[0].tests[0].key.clone();
        texts.extend(keys.into_iter().flat_map(|group| group.tests).map(|test| test.key));
        let (mut tokens, mut proofs, mut issuer) = (Vec::new(), Vec::new(), None);
        for group in licentia_vectors::license().test_groups {
            issuer = issuer.or_else(|| Key::from_text(group.keys.first()?).ok());
            // Flipped bits are what fuzzing does by itself.
            for test in
                group.tests.into_iter().filter(|test| !test.flags.iter().any(|flag| flag == "BitFlip"))
            {
                let mut buffer = Buffer::new();
                tokens.extend(test.token_hex.as_ref().map(hex));
                tokens.extend(
                    test.token
                        .and_then(|token| Some(text::decode_license(&token, &mut buffer).ok()?.to_vec())),
                );
                let proof = test
                    .proof
                    .and_then(|proof| Some(text::decode_base64url(&proof.proof, &mut buffer).ok()?.to_vec()));
                proofs.extend(proof);
            }
        }
        let (mut keysets, mut bundles) = (Vec::new(), Vec::new());
        for step in licentia_vectors::gate()
            .test_groups
            .iter()
            .flat_map(|group| &group.tests)
            .flat_map(|test| &test.steps)
        {
            match step {
                Step::Load { keyset, .. } => keysets.push(hex(keyset)),
                Step::Publish { bundle, .. } => bundles.push(hex(bundle)),
                _ => {}
            }
        }
        Self { texts, key, tokens, proofs, keysets, bundles, issuer: issuer.expect("a key") }
    }
}

/// A base and what changes, of every delta that has its base among the bundles.
fn deltas(bundles: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let read: Vec<_> = bundles.iter().filter_map(|bytes| Some(Bundle::inspect(bytes).ok()?.0)).collect();
    let mut inputs = Vec::new();
    for delta in read.iter().filter(|bundle| bundle.base().is_some()) {
        for base in
            read.iter().filter(|base| base.base().is_none() && delta.base() == Some(base.sequence())).take(4)
        {
            let Ok(length) = u16::try_from(base.encoded_groups().len()) else { continue };
            let parts = [&[1][..], &length.to_le_bytes(), base.encoded_groups(), delta.encoded_groups()];
            inputs.push(parts.concat());
        }
    }
    inputs
}

fn sets(bundles: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let read = bundles.iter().filter_map(|bytes| Some(Bundle::inspect(bytes).ok()?.0));
    read.flat_map(|bundle| bundle.groups().map(|group| group.exact().section().to_vec()).collect::<Vec<_>>())
        .collect()
}

/// Chains of receipts and an acknowledgement, as payloads after their lengths.
fn receipts() -> Vec<Vec<u8>> {
    let entry = |meter, start: u64, count| ReceiptEntry {
        issuer: "acme",
        lineage: [7; 16].into(),
        meter,
        window: licentia_core::Window { start: start.into(), end: Some((start + 86_400).into()) },
        count,
        refunded: count / 5,
    };
    let (mut chain, mut previous) = (Vec::new(), [0; 32]);
    for sequence in 1..=3 {
        let entries = [entry("calls", 1_800_000_000, 10 * sequence), entry("mails", 1_800_000_000, sequence)];
        let acknowledged = (sequence == 3).then_some(ReceiptLink { sequence: 1, digest: [2; 32] });
        let key = ed25519_dalek::SigningKey::from_bytes(&[11; 32]).verifying_key().to_bytes();
        let unsigned = UnsignedReceipt {
            key: &key,
            sequence,
            previous: &previous,
            issued_at: (1_800_000_000 + sequence).into(),
            entries: &entries,
            acknowledged,
            since: sequence / 3,
        };
        let bytes = unsigned.seal(|_| [0; 64]).expect("a good receipt");
        previous = [u8::try_from(sequence).unwrap_or(0); 32];
        chain.push(Frame::read(&bytes, Typ::Receipt).expect("a receipt").payload.of(&bytes).to_vec());
    }
    let given = canonical(&Cbor::Map(vec![
        (0.into(), 1.into()),
        (1.into(), vec![1; 32].into()),
        (2.into(), 2.into()),
        (3.into(), vec![2; 32].into()),
        (4.into(), 1_800_000_000.into()),
    ]));
    let after_length =
        |payload: &Vec<u8>| [&u16::try_from(payload.len()).unwrap_or(0).to_le_bytes()[..], payload].concat();
    let joined = |mode: u8, payloads: &[&Vec<u8>]| {
        [vec![mode], payloads.iter().map(|payload| after_length(payload)).collect::<Vec<_>>().concat()]
            .concat()
    };
    let [first, second, third] = &chain[..] else { return Vec::new() };
    vec![
        joined(0, &[first]),
        joined(0, &[first, second, third]),
        joined(0, &[first, third]),
        joined(8, &[first, second, third, &given]),
        random(1, 300).into_iter().map(|byte| byte | 64).collect(),
    ]
}

/// Honest signatures with room for other halves, and the keys, halves and messages of the tokens.
fn signatures(vectors: &Vectors) -> Vec<Vec<u8>> {
    let mut inputs: Vec<_> = (0..24).map(|how| [vec![how], random(how.into(), 140)].concat()).collect();
    for token in vectors.tokens.iter().take(20) {
        let Ok(frame) = Frame::read(token, Typ::License) else { continue };
        let fixed = [&[0; 33][..], vectors.issuer.public().as_bytes(), frame.signature, &[0; 6]].concat();
        inputs.push([fixed, sized(&frame.to_be_signed().concat())].concat());
    }
    inputs
}

fn rates() -> Vec<Vec<u8>> {
    let rates = [
        [10, 1_000, 20],
        [1, 86_400_000, 250_000],
        [(1 << 53) - 1, 1, 1],
        [1, (1 << 53) - 1, (1 << 53) - 1],
        [999, 1_001, 50],
    ];
    let rate = |[count, per_ms, burst]: [u64; 3]| {
        [number(count), number(per_ms), number(burst), number(1_800_000_000_000_000_000), random(count, 200)]
            .concat()
    };
    rates.map(rate).to_vec()
}

fn periods() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for group in licentia_vectors::period().test_groups {
        let anchor = group
            .period
            .as_object()
            .and_then(|period| period.values().next())
            .and_then(serde_json::Value::as_u64);
        for test in group.tests {
            inputs.push([number(anchor.unwrap_or(0)), vec![0], number(86_400), number(test.time)].concat());
        }
    }
    inputs
}

fn uris() -> Vec<Vec<u8>> {
    let mut known: Vec<String> = Vec::new();
    for test in licentia_vectors::license().test_groups.into_iter().flat_map(|group| group.tests) {
        known.extend(test.proof.map(|proof| proof.uri));
    }
    known.sort();
    known.dedup();
    let more = [
        "https://[2001:DB8::1]:443/a/%2e%2E/b",
        "HTTP://Me@API.acme.example:80/%7euser/./x?q=%c3%a9#part",
        "urn:example:a",
        "//h",
        "",
    ];
    known.extend(more.map(ToOwned::to_owned));
    let pairs = known.iter().zip(known.iter().skip(1)).chain(known.iter().zip(&known));
    pairs.map(|(a, b)| two(a.as_bytes(), b.as_bytes())).collect()
}

fn fields() -> Vec<Vec<u8>> {
    let values = [
        "Bearer $$",
        "bearer   $$ ",
        "Bearer",
        "Basic YTpi",
        "Bearer $$, Basic YTpi",
        "BEARER\t$$",
        " Bearer $$",
    ];
    let one =
        |value: &&str| [&[1][..], value.as_bytes(), &[0, u8::try_from(value.len()).unwrap_or(0)]].concat();
    values.iter().map(one).collect()
}

/// A number as `number` of the fuzz targets reads it.
fn number(value: u64) -> Vec<u8> {
    [&[3][..], &value.to_le_bytes()].concat()
}

/// Bytes at the end of an input, as `arbitrary` reads them: after them comes their length.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let length =
        if length < 256 { vec![length.to_le_bytes()[0]] } else { length.to_be_bytes()[6..].to_vec() };
    [bytes, &length].concat()
}

/// Two of them.
fn two(first: &[u8], second: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| bytes.len().to_le_bytes()[0];
    [first, second, &[length(second), length(first)]].concat()
}

fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..length).map(|_| random.u8(..)).collect()
}
