//! The bounds that every reader enforces before it believes a size.

/// Longest token, in bytes.
pub const TOKEN_BYTES: usize = 4096;
/// Longest token in its text form, prefix included.
pub const TOKEN_TEXT: usize = "lic1_".len() + (TOKEN_BYTES * 4).div_ceil(3);
/// Deepest nesting inside a value that the reader skips.
pub const DEPTH: usize = 8;
/// Most CBOR data items in one header or claims set.
pub const ITEMS: u16 = 1024;
/// Longest key identifier, in bytes.
pub const KID_BYTES: usize = 32;
/// Longest text value, in bytes of UTF-8.
pub const TEXT_BYTES: usize = 256;
/// Longest name of a tier, feature, meter or rate, in bytes.
pub const NAME_BYTES: usize = 64;
/// Most audiences of one licence.
pub const AUDIENCES: usize = 16;
/// Most features of one licence.
pub const FEATURES: usize = 64;
/// Most quotas of one licence.
pub const QUOTAS: usize = 16;
/// Most rates of one licence.
pub const RATES: usize = 16;
/// Most node locks of one licence.
pub const NODE_LOCKS: usize = 16;
/// Most entries of free metadata in one licence.
pub const META: usize = 16;
/// Longest keyset, in bytes.
pub const KEYSET_BYTES: usize = 65_536;
/// Most CBOR data items of one keyset: 64 keys with windows and scopes of 100 items each have 7,232.
pub const KEYSET_ITEMS: u16 = 8_192;
/// Most keys of one keyset.
pub const KEYSET_KEYS: usize = 64;
/// Longest revocation bundle or delta, in bytes.
pub const BUNDLE_BYTES: usize = 256 << 20;
/// Most rules of one revocation bundle.
pub const RULES: usize = 256;
/// Most groups of one revocation bundle: sets of terms on which licences are revoked.
pub const GROUPS: usize = 256;
/// Most licences that one revocation bundle revokes by their index.
pub const REVOKED: u64 = 1 << 26;
/// Most members that one query of a revocation bundle decodes: those of the fullest chunk of each group, together.
/// It is [`GROUPS`] times 1,024, the most members of a set without a directory.
pub const QUERY_MEMBERS: u64 = 262_144;
/// Most CBOR data items of one revocation bundle: 256 rules with every condition have 7,936.
pub const BUNDLE_ITEMS: u16 = 8_192;
/// Most exemptions or allowed digests of one rule.
pub const RULE_LIST: usize = 65_536;
/// Longest receipt, in bytes.
pub const RECEIPT_BYTES: usize = 1 << 20;
/// Most entries of one receipt.
pub const RECEIPT_ENTRIES: usize = 8192;
/// Most data items in the payload of a receipt, keys included: eight for each entry, and some for the rest.
pub const RECEIPT_ITEMS: u32 = 65_600;
const _: () = assert!(RECEIPT_ITEMS as usize == 8 * RECEIPT_ENTRIES + 64, "enough for every entry");
/// Longest URI of a proof, in bytes.
pub const URI_BYTES: usize = 2048;
/// Greatest integer in a grant: 2^53 - 1, so that every language holds it exactly.
pub const INTEGER: u64 = (1 << 53) - 1;
/// Greatest time, in seconds since 1970: the end of the year 9999, which says "perpetual".
pub const TIME: u64 = 253_402_300_799;
