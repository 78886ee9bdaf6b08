//! Licences are searched and counted.

use licentia_core::{Kind, Timestamp, TokenId, revocation::RevocationTerms};

use super::{
    database::Ledger,
    licenses::{COLUMNS, IssuedLicense, read},
    revocations::terms,
    sql::{Row, Value},
};
use crate::error::{Error, Result};

/// What a licence is in, as far as the ledger knows. A rule may revoke it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LicenseState {
    /// It has not begun.
    Pending,
    /// It is in its term.
    Active,
    /// Its contract has ended, and it goes on for a while.
    Grace,
    /// It has ended.
    Expired,
    /// A revocation names it.
    Revoked,
}

impl LicenseState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Active, Self::Grace, Self::Expired, Self::Revoked];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Grace => "grace",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// The condition in SQL, which [`ListedLicense::state`] says too. `?1` is the time.
    const fn condition(self) -> &'static str {
        match self {
            Self::Pending => "revocation.id IS NULL AND expires > ?1 AND not_before > ?1",
            Self::Active => {
                "revocation.id IS NULL AND expires > ?1 AND coalesce(not_before, 0) <= ?1
                 AND coalesce(term_end, expires) > ?1"
            }
            Self::Grace => {
                "revocation.id IS NULL AND expires > ?1 AND coalesce(not_before, 0) <= ?1 AND term_end <= ?1"
            }
            Self::Expired => "revocation.id IS NULL AND expires <= ?1",
            Self::Revoked => "revocation.id IS NOT NULL",
        }
    }
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LicenseSort {
    /// When it was issued.
    #[default]
    Issued,
    /// When it ends.
    Expires,
    /// Whom it was issued to.
    Subject,
    /// Its tier and version.
    Tier,
}

impl LicenseSort {
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Issued => &["issued_at"],
            Self::Expires => &["expires"],
            Self::Subject => &["subject"],
            Self::Tier => &["tier", "tier_version", "issued_at"],
        }
    }
}

/// Which licences are listed, and in which order. Every condition that is there must hold.
#[derive(Clone, Debug, Default)]
pub struct LicenseFilter {
    /// Of this issuer.
    pub issuer: Option<String>,
    /// Issued to this subject, or with a `*` at the end to those that begin so.
    pub subject: Option<String>,
    /// Of this tier, or of one version of it.
    pub tier: Option<(String, Option<u64>)>,
    /// In this state.
    pub state: Option<LicenseState>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Signed with the key of this identifier.
    pub kid: Option<Vec<u8>>,
    /// Whose identifier or lineage begins with these hexadecimal digits.
    pub prefix: Option<String>,
    /// Issued at this time or later.
    pub issued_from: Option<Timestamp>,
    /// Issued at this time or earlier.
    pub issued_to: Option<Timestamp>,
    /// Ends at this time or later.
    pub expires_from: Option<Timestamp>,
    /// Ends at this time or earlier.
    pub expires_to: Option<Timestamp>,
    /// Whether a revocation names it.
    pub revoked: Option<bool>,
    /// The order.
    pub sort: LicenseSort,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// How many at most.
    pub limit: Option<u64>,
    /// How many are left out before.
    pub offset: u64,
    /// Only what comes after this licence in the order. A list goes on after it, whatever was issued meanwhile.
    pub after: Option<TokenId>,
}

/// A licence of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedLicense {
    /// What was issued.
    pub license: IssuedLicense,
    /// Its own revocation.
    pub revocation: Option<RevocationTerms>,
}

impl ListedLicense {
    /// What it is in.
    pub fn state(&self, now: Timestamp) -> LicenseState {
        let license = &self.license;
        if self.revocation.is_some() {
            LicenseState::Revoked
        } else if license.expires <= now {
            LicenseState::Expired
        } else if license.not_before.is_some_and(|start| start > now) {
            LicenseState::Pending
        } else if license.term_end.is_some_and(|end| end <= now) {
            LicenseState::Grace
        } else {
            LicenseState::Active
        }
    }
}

/// How many licences of one tier there are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierCount {
    /// Who issued them.
    pub issuer: String,
    /// Name of the tier.
    pub tier: String,
    /// Version of the tier.
    pub tier_version: u64,
    /// How many are in each state.
    pub states: Vec<(LicenseState, u64)>,
}

/// A condition on the time that always holds.
const ANY_TIME: &str = "CAST(?1 AS BIGINT) >= 0";

/// Conditions in SQL, and their parameters.
struct Conditions<'a> {
    texts: Vec<String>,
    values: Vec<Value<'a>>,
}

impl<'a> Conditions<'a> {
    /// Adds a parameter, and returns its name.
    fn place(&mut self, value: impl Into<Value<'a>>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// Adds a comparison with a value, if there is one.
    fn compare(&mut self, comparison: &str, value: Option<impl Into<Value<'a>>>) {
        if let Some(value) = value {
            let place = self.place(value);
            self.texts.push(format!("{comparison} {place}"));
        }
    }

    /// Adds the condition that the identifier or the lineage is in a range. It is a subquery, so that the two
    /// indices answer it.
    fn within(&mut self, (from, to): &'a (Vec<u8>, Option<Vec<u8>>)) {
        let [ids, lineages] = ["id", "lineage"].map(|column| {
            let from = self.place(from);
            let to = to.as_ref().map(|to| format!(" AND {column} < {}", self.place(to)));
            format!("SELECT id FROM license WHERE {column} >= {from}{}", to.unwrap_or_default())
        });
        self.texts.push(format!("license.id IN ({ids} UNION {lineages})"));
    }
}

/// The least text that is greater than all that begin with `prefix`, byte by byte.
fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut bound = prefix.to_vec();
    while let Some(last) = bound.pop() {
        if last < u8::MAX {
            bound.push(last + 1);
            return Some(bound);
        }
    }
    None
}

/// The least and the first greater identifier of those that begin with some hexadecimal digits.
fn id_range(digits: &str) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let wrong =
        || Error::value("identifier", digits, "write 1 to 32 hexadecimal digits, the first ones of it");
    let nibbles: Option<Vec<u8>> =
        digits.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let nibbles = nibbles.filter(|nibbles| (1..=32).contains(&nibbles.len())).ok_or_else(wrong)?;
    let from = nibbles.chunks(2).map(|pair| match pair {
        [high, low] => high << 4 | low,
        [high] => high << 4,
        _ => 0,
    });
    let from: Vec<u8> = from.collect();
    let to = if nibbles.len() % 2 == 0 {
        after(&from)
    } else {
        let mut to = from.clone();
        let last = to.pop().unwrap_or_default();
        match last.checked_add(0x10) {
            Some(next) => {
                to.push(next);
                Some(to)
            }
            None => after(&to),
        }
    };
    Ok((from, to))
}

impl Ledger {
    /// The licences that fit a filter, with their revocations.
    ///
    /// # Errors
    /// [`Error::Value`] for a prefix that is no identifier's, [`Error::Ledger`].
    pub fn list(&self, filter: &LicenseFilter, now: Timestamp) -> Result<Vec<ListedLicense>> {
        let range = filter.prefix.as_deref().map(id_range).transpose()?;
        let subjects = filter.subject.as_deref().map(|subject| match subject.strip_suffix('*') {
            Some(start) => (start, after(start.as_bytes()).and_then(|end| String::from_utf8(end).ok()), true),
            None => (subject, None, false),
        });
        let mut all = Conditions { texts: Vec::new(), values: vec![now.into()] };
        all.compare("issuer =", filter.issuer.as_ref());
        match &subjects {
            Some((start, end, true)) => {
                all.compare("subject >=", Some(*start));
                all.compare("subject <", end.as_ref());
                let start = all.place(*start);
                all.texts.push(format!("substr(subject, 1, length({start})) = {start}"));
            }
            Some((subject, ..)) => all.compare("subject =", Some(*subject)),
            None => {}
        }
        if let Some((tier, version)) = &filter.tier {
            all.compare("tier =", Some(tier));
            all.compare("tier_version =", *version);
        }
        all.compare("kind =", filter.kind.map(Kind::number));
        all.compare("kid =", filter.kid.as_ref());
        all.compare("issued_at >=", filter.issued_from);
        all.compare("issued_at <=", filter.issued_to);
        all.compare("expires >=", filter.expires_from);
        all.compare("expires <=", filter.expires_to);
        if let Some(range) = &range {
            all.within(range);
        }
        if let Some(revoked) = filter.revoked {
            all.texts.push(format!("revocation.id IS {}NULL", if revoked { "NOT " } else { "" }));
        }
        if let Some(after) = &filter.after {
            let columns = [filter.sort.columns(), &["license.id"]].concat().join(", ");
            let comparison = if filter.descending { "<" } else { ">" };
            let place = all.place(after);
            let last = format!("SELECT {columns} FROM license WHERE id = {place}");
            all.texts.push(format!("({columns}) {comparison} ({last})"));
        }
        all.texts.extend(filter.state.map(|state| state.condition().to_owned()));
        // The time is a parameter also of a list that does not depend on it.
        all.texts.push(ANY_TIME.to_owned());
        let is_revoked = filter.revoked == Some(true) || filter.state == Some(LicenseState::Revoked);
        let join = if is_revoked { "JOIN" } else { "LEFT JOIN" };
        let direction = if filter.descending { " DESC" } else { "" };
        let order =
            filter.sort.columns().iter().chain(&["license.id"]).map(|column| format!("{column}{direction}"));
        let (limit, offset) = (filter.limit.unwrap_or(u64::MAX), filter.offset);
        all.values.extend([Value::from(limit), Value::from(offset)]);
        let sql = format!(
            "SELECT {COLUMNS}, revocation.id IS NOT NULL, reason, effective, effect, until
             FROM license {join} revocation ON revocation.id = license.id
             WHERE {} ORDER BY {} LIMIT ?{} OFFSET ?{}",
            all.texts.join(" AND "),
            order.collect::<Vec<_>>().join(", "),
            all.values.len() - 1,
            all.values.len(),
        );
        self.database.all(&sql, &all.values, listed)
    }

    /// How many licences of each tier are in which state.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn tier_counts(&self, now: Timestamp) -> Result<Vec<TierCount>> {
        let counts =
            LicenseState::ALL.map(|state| format!("count(CASE WHEN {} THEN 1 END)", state.condition()));
        let sql = format!(
            "SELECT issuer, tier, tier_version, {} FROM license LEFT JOIN revocation ON revocation.id = license.id
             WHERE {ANY_TIME} GROUP BY issuer, tier, tier_version ORDER BY issuer, tier, tier_version",
            counts.join(", ")
        );
        self.database.all(&sql, &[Value::from(now)], |row| {
            let states = LicenseState::ALL.into_iter().zip(3..);
            Ok(TierCount {
                issuer: row.text(0)?.to_owned(),
                tier: row.text(1)?.to_owned(),
                tier_version: row.unsigned(2)?,
                states: states.map(|(state, at)| Ok((state, row.unsigned(at)?))).collect::<Result<_>>()?,
            })
        })
    }

    /// How many customers and lineages there are.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn customers(&self) -> Result<(u64, u64)> {
        let sql = "SELECT count(DISTINCT subject), count(DISTINCT lineage) FROM license";
        self.database.only(sql, &[], |row| Ok((row.unsigned(0)?, row.unsigned(1)?)))
    }
}

fn listed(row: &Row<'_>) -> Result<ListedLicense> {
    let revocation = if row.flag(14)? { Some(terms(row, 15)?) } else { None };
    Ok(ListedLicense { license: read(row)?, revocation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_an_identifier_is_a_range() {
        let range = |digits: &str| id_range(digits).unwrap();
        assert_eq!(range("0a"), (vec![0x0a], Some(vec![0x0b])));
        assert_eq!(range("a"), (vec![0xa0], Some(vec![0xb0])));
        assert_eq!(range("f"), (vec![0xf0], None));
        assert_eq!(range("12f"), (vec![0x12, 0xf0], Some(vec![0x13])));
        assert_eq!(range("12ff"), (vec![0x12, 0xff], Some(vec![0x13])));
        assert_eq!(range("fFf"), (vec![0xff, 0xf0], None));
        for wrong in ["", "x", "0123456789abcdef0123456789abcdef0"] {
            assert!(id_range(wrong).is_err(), "{wrong}");
        }
    }
}
