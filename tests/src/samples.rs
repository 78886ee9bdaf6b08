//! The good tokens among the vectors.

use licentia_core::{Buffer, Key, text};
use licentia_vectors::Verdict;

/// A good token and the keys that it is checked with.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What the vector is about, with its number.
    pub comment: String,
    /// Its flags.
    pub flags: Vec<String>,
    /// The token's bytes.
    pub token: Vec<u8>,
    /// The known keys.
    pub keys: Vec<Key>,
    /// The claims as the vector shows them.
    pub claims: String,
}

/// All good tokens of the vectors.
///
/// # Panics
/// Where a vector is damaged.
pub fn valid_tokens() -> Vec<Sample> {
    let mut samples = Vec::new();
    for group in licentia_vectors::license().test_groups {
        let keys: Vec<Key> = group.keys.iter().map(|key| Key::from_text(key).expect("a good key")).collect();
        for test in group.tests.into_iter().filter(|test| test.result == Verdict::Valid) {
            let mut buffer = Buffer::new();
            let text = test.token.expect("good tokens are given as text");
            let token = text::decode_license(&text, &mut buffer).expect("a good text").to_vec();
            let comment = format!("{} {}", test.tc_id, test.comment);
            let claims = test.claims.expect("good tokens have claims").to_string();
            samples.push(Sample { comment, flags: test.flags, token, keys: keys.clone(), claims });
        }
    }
    samples
}
