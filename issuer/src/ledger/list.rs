//! Licences are searched and counted.

use licentia_core::{Kind, Timestamp, TokenId, revocation::RevocationTerms};

use super::{
    counts::{Group, LicenseState, Total},
    database::Ledger,
    licenses::{COLUMNS, IssuedLicense, read},
    revocations::terms,
    sql::{Row, Value},
};
use crate::error::{Error, Result};

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
            Self::Subject => &["subject", "issued_at"],
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

/// The most rows that are counted to find out how many a condition selects.
const COUNTED: u64 = 100_000;

/// A part of a filter in SQL.
struct Condition {
    /// As an index can answer it.
    shown: String,
    /// In a form that the planner uses no index for.
    hidden: String,
    /// How many licences it selects, as far as that is known.
    count: Option<u64>,
    /// Whether an index has these licences in the order of the list.
    is_ordered: bool,
}

/// The conditions of a filter, and their parameters.
#[derive(Default)]
struct Conditions<'a> {
    all: Vec<Condition>,
    values: Vec<Value<'a>>,
}

impl<'a> Conditions<'a> {
    /// Adds a parameter, and returns its name.
    fn place(&mut self, value: impl Into<Value<'a>>) -> String {
        place(&mut self.values, value)
    }

    /// Adds a condition on columns, from its text for their names.
    fn add<const N: usize>(
        &mut self,
        columns: [&str; N],
        count: Option<u64>,
        text: impl Fn([String; N]) -> String,
    ) -> &mut Condition {
        let shown = text(columns.map(str::to_owned));
        let hidden = text(columns.map(hidden));
        self.all.push(Condition { shown, hidden, count, is_ordered: false });
        // It was pushed in the line above.
        let last = self.all.len() - 1;
        &mut self.all[last]
    }

    /// Adds a comparison with a value, if there is one.
    fn compare(
        &mut self,
        column: &str,
        comparison: &str,
        value: Option<impl Into<Value<'a>>>,
        count: Option<u64>,
        is_ordered: bool,
    ) {
        if let Some(value) = value {
            let place = self.place(value);
            self.add([column], count, |[column]| format!("{column} {comparison} {place}")).is_ordered =
                is_ordered;
        }
    }
}

/// Adds a parameter, and returns its name.
fn place<'a>(values: &mut Vec<Value<'a>>, value: impl Into<Value<'a>>) -> String {
    values.push(value.into());
    format!("?{}", values.len())
}

/// A column, in a form that no index is of.
fn hidden(column: &str) -> String {
    format!("coalesce({column}, {column})")
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
        let subject = filter.subject.as_deref().map(Subject::of);
        let totals = self.totals()?;
        let issued: u64 = totals.iter().map(|total| total.issued).sum();
        let fits = |total: &&Total| filter.fits(&total.group);
        let (matching, revoked) = totals
            .iter()
            .filter(fits)
            .fold((0, 0), |(all, revoked), total| (all + total.issued, revoked + total.revoked));
        let of_state = match filter.state {
            Some(LicenseState::Revoked) => Some(revoked),
            Some(state) => Some(self.of_state(filter, state, now)?),
            None => None,
        };
        if matching == 0 || of_state == Some(0) || (filter.revoked == Some(true) && revoked == 0) {
            return Ok(Vec::new());
        }
        let mut all = Conditions::default();
        groups(filter, &totals, &mut all);
        self.ranges(filter, subject.as_ref(), range.as_ref(), &mut all)?;
        let is_revoked = match (filter.revoked, filter.state) {
            (Some(true), _) | (_, Some(LicenseState::Revoked)) => Some(true),
            (Some(false), _) | (_, Some(_)) => Some(false),
            (None, None) => None,
        };
        let contradicts = filter.revoked.is_some_and(|revoked| {
            filter.state.is_some_and(|state| revoked != (state == LicenseState::Revoked))
        });
        if contradicts {
            return Ok(Vec::new());
        }
        in_state(filter, of_state, now, &mut all);
        let Conditions { all: conditions, mut values } = all;

        // Either the order's index is walked until the page is full, or a condition selects what is then sorted. The
        // databases cannot know which one is shorter; the counts do.
        let page = filter.limit.unwrap_or(issued).saturating_add(filter.offset);
        let known =
            conditions.iter().filter_map(|one| one.count).chain(is_revoked.filter(|is| *is).map(|_| revoked));
        let least = known.chain([matching]).min().unwrap_or(issued).max(1);
        let walked = |count: u64| u128::from(page) * u128::from(count) / u128::from(least);
        let cost = |one: &Condition| match one.count {
            Some(count) if one.is_ordered => walked(count).min(u128::from(count)),
            Some(count) => u128::from(count),
            None => u128::MAX,
        };
        let best = conditions.iter().enumerate().min_by_key(|(_, one)| cost(one));
        let best = best.filter(|(_, one)| cost(one) <= walked(issued));
        let revoked_first = is_revoked == Some(true)
            && u128::from(revoked) <= best.map_or(walked(issued), |(_, one)| cost(one));
        let (lead, is_ordered) = match best {
            _ if revoked_first => (None, false),
            Some((lead, one)) => (Some(lead), one.is_ordered),
            None => (None, true),
        };
        let mut texts: Vec<&str> = conditions
            .iter()
            .enumerate()
            .map(|(at, one)| if lead == Some(at) { &*one.shown } else { &*one.hidden })
            .collect();
        let from = match is_revoked {
            None => "license",
            Some(true) if revoked_first => "revocation CROSS JOIN license",
            Some(true) => "license CROSS JOIN revocation",
            Some(false) => "license LEFT JOIN revocation ON revocation.id = license.id",
        };
        match is_revoked {
            Some(true) => texts.push("revocation.id = license.id"),
            Some(false) => texts.push("revocation.id IS NULL"),
            None => {}
        }
        let columns = filter.sort.columns();
        let first = if is_ordered { columns[0].to_owned() } else { hidden(columns[0]) };
        let after = filter.after.as_ref().map(|after| {
            let rest: String =
                columns[1..].iter().chain(&["license.id"]).map(|column| format!(", {column}")).collect();
            let comparison = if filter.descending { "<" } else { ">" };
            let cursor =
                format!("SELECT {}{rest} FROM license WHERE id = {}", columns[0], place(&mut values, after));
            format!("({first}{rest}) {comparison} ({cursor})")
        });
        texts.extend(after.as_deref());
        let condition =
            if texts.is_empty() { String::new() } else { format!("WHERE {}", texts.join(" AND ")) };
        let inner = order(std::iter::once(&*first).chain(columns[1..].iter().copied()), filter.descending);
        let outer = order(columns.iter().copied(), filter.descending);
        let (limit, offset) = (filter.limit.unwrap_or(u64::MAX), filter.offset);
        values.extend([Value::from(limit), Value::from(offset)]);
        let sql = format!(
            "SELECT {COLUMNS}, revocation.id IS NOT NULL, reason, effective, effect, until
             FROM (SELECT license.id AS page_id FROM {from} {condition} ORDER BY {inner} LIMIT ?{} OFFSET ?{}) AS page
             JOIN license ON license.id = page_id LEFT JOIN revocation ON revocation.id = license.id
             ORDER BY {outer}",
            values.len() - 1,
            values.len(),
        );
        self.database.walking(|| self.database.all(&sql, &values, listed))
    }

    /// How many licences of a filter's tiers are in a state.
    fn of_state(&self, filter: &LicenseFilter, state: LicenseState, now: Timestamp) -> Result<u64> {
        let tiers = self.tier_counts(now)?;
        let fitting = tiers.iter().filter(|tier| {
            filter.issuer.as_ref().is_none_or(|issuer| *issuer == tier.issuer)
                && filter.tier.as_ref().is_none_or(|(name, version)| {
                    *name == tier.tier && version.is_none_or(|version| version == tier.tier_version)
                })
        });
        let counts = fitting.flat_map(|tier| &tier.states).filter(|(of, _)| *of == state);
        Ok(counts.map(|(_, count)| count).sum())
    }

    /// Adds the conditions on identifiers, subjects and times.
    fn ranges<'a>(
        &self,
        filter: &'a LicenseFilter,
        subject: Option<&'a Subject<'a>>,
        ids: Option<&'a (Vec<u8>, Option<Vec<u8>>)>,
        all: &mut Conditions<'a>,
    ) -> Result<()> {
        let by = |sort| filter.sort == sort;
        match subject {
            Some(Subject::Is(subject)) => {
                all.compare("subject", "=", Some(*subject), Some(0), by(LicenseSort::Issued));
            }
            Some(Subject::Begins(start, end)) => {
                let count = self.bounded("subject", Some(*start), end.as_deref())?;
                let (from, to) = (all.place(*start), end.as_ref().map(|end| all.place(end)));
                // The index has the age too: a page is sorted without a look at the licences.
                let count = count.map(|count| if by(LicenseSort::Issued) { count / 20 } else { count });
                all.add(["subject"], count, |[subject]| {
                    let to = to.as_ref().map(|to| format!(" AND {subject} < {to}")).unwrap_or_default();
                    format!("{subject} >= {from}{to} AND substr(subject, 1, length({from})) = {from}")
                })
                .is_ordered = by(LicenseSort::Subject);
            }
            None => {}
        }
        if let Some((from, to)) = ids {
            // Identifiers are random, and lineages are those of licences.
            let count = self.bounded("id", Some(from), to.as_ref())?.map(|count| count.saturating_mul(2));
            let places = (all.place(from), to.as_ref().map(|to| all.place(to)));
            let within = |column: &str| {
                let to = places.1.as_ref().map(|to| format!(" AND {column} < {to}")).unwrap_or_default();
                format!("{column} >= {}{to}", places.0)
            };
            // Two queries of their own, so that two indices answer it.
            let [ids, lineages] =
                ["id", "lineage"].map(|column| format!("SELECT id FROM license WHERE {}", within(column)));
            let shown = format!("license.id IN ({ids} UNION {lineages})");
            let hidden = format!("({} OR {})", within("coalesce(license.id, license.id)"), within("lineage"));
            all.all.push(Condition { shown, hidden, count, is_ordered: false });
        }
        for (column, from, to, sort) in [
            ("issued_at", filter.issued_from, filter.issued_to, LicenseSort::Issued),
            ("expires", filter.expires_from, filter.expires_to, LicenseSort::Expires),
        ] {
            if from.is_none() && to.is_none() {
                continue;
            }
            let after = to.map(|to| to.saturating_add(1));
            let count = self.bounded(column, from, after)?.or(by(sort).then_some(COUNTED));
            let [from, to] = [from, to].map(|time| time.map(|time| all.place(time)));
            all.add([column], count, |[column]| {
                let from = from.as_ref().map(|from| format!("{column} >= {from}"));
                let to = to.as_ref().map(|to| format!("{column} <= {to}"));
                from.into_iter().chain(to).collect::<Vec<_>>().join(" AND ")
            })
            .is_ordered = by(sort);
        }
        Ok(())
    }

    /// How many licences are in a range, if they are not too many to be counted.
    fn bounded<'a, T: Into<Value<'a>>>(
        &self,
        column: &str,
        from: Option<T>,
        to: Option<T>,
    ) -> Result<Option<u64>> {
        let mut values = vec![Value::from(COUNTED)];
        let mut texts = Vec::new();
        for (comparison, value) in [(">=", from), ("<", to)] {
            if let Some(value) = value {
                values.push(value.into());
                texts.push(format!("{column} {comparison} ?{}", values.len()));
            }
        }
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM license WHERE {} LIMIT ?1) AS few",
            texts.join(" AND ")
        );
        let count = self.database.only(&sql, &values, |row| row.unsigned(0))?;
        Ok((count < COUNTED).then_some(count))
    }
}

/// Whom licences were issued to.
enum Subject<'a> {
    Is(&'a str),
    /// The beginning, and the least text after all that begin so.
    Begins(&'a str, Option<String>),
}

impl<'a> Subject<'a> {
    fn of(text: &'a str) -> Self {
        match text.strip_suffix('*') {
            Some(start) => {
                Self::Begins(start, after(start.as_bytes()).and_then(|end| String::from_utf8(end).ok()))
            }
            None => Self::Is(text),
        }
    }
}

impl LicenseFilter {
    /// Whether licences of a group fit, as far as the group says.
    fn fits(&self, group: &Group) -> bool {
        self.issuer.as_ref().is_none_or(|issuer| *issuer == group.issuer)
            && self.tier.as_ref().is_none_or(|(name, version)| {
                *name == group.tier && version.is_none_or(|version| version == group.tier_version)
            })
            && self.kind.is_none_or(|kind| u64::from(kind.number()) == group.kind)
            && self.kid.as_ref().is_none_or(|kid| *kid == group.kid)
    }
}

/// Adds the conditions that groups of licences fulfil or do not.
fn groups<'a>(filter: &'a LicenseFilter, totals: &[Total], all: &mut Conditions<'a>) {
    let by_age = filter.sort == LicenseSort::Issued;
    let count = |filter: &LicenseFilter| {
        Some(totals.iter().filter(|total| filter.fits(&total.group)).map(|total| total.issued).sum())
    };
    let only = LicenseFilter::default;
    let of_issuer = count(&LicenseFilter { issuer: filter.issuer.clone(), ..only() });
    all.compare("issuer", "=", filter.issuer.as_ref(), of_issuer, by_age);
    if let Some((tier, version)) = &filter.tier {
        let of_tier = count(&LicenseFilter { tier: filter.tier.clone(), ..only() });
        let (tier, version) = (all.place(tier), version.map(|version| all.place(version)));
        let is_ordered = filter.sort == LicenseSort::Tier || (by_age && version.is_some());
        all.add(["tier", "tier_version"], of_tier, |[name, number]| {
            let version = version.as_ref().map(|version| format!(" AND {number} = {version}"));
            format!("{name} = {tier}{}", version.unwrap_or_default())
        })
        .is_ordered = is_ordered;
    }
    let of_kind = count(&LicenseFilter { kind: filter.kind, ..only() });
    all.compare("kind", "=", filter.kind.map(Kind::number), of_kind, by_age);
    let of_key = count(&LicenseFilter { kid: filter.kid.clone(), ..only() });
    // The index of keys has the end too: a page is sorted without a look at the licences.
    let of_key =
        of_key.map(|count: u64| if filter.sort == LicenseSort::Expires { count / 20 } else { count });
    all.compare("kid", "=", filter.kid.as_ref(), of_key, by_age);
}

/// Adds the condition of a state, which [`ListedLicense::state`] says too.
fn in_state(filter: &LicenseFilter, count: Option<u64>, now: Timestamp, all: &mut Conditions<'_>) {
    let Some(state) = filter.state.filter(|state| *state != LicenseState::Revoked) else { return };
    let now = all.place(now);
    let by_end = filter.sort == LicenseSort::Expires;
    let begun = format!("coalesce(not_before, 0) <= {now}");
    let paid = match state {
        LicenseState::Pending => {
            let ends = hidden("expires");
            all.add(["not_before"], count, |[start]| format!("{start} > {now} AND {ends} > {now}"));
            return;
        }
        LicenseState::Expired => {
            all.add(["expires"], count, |[ends]| format!("{ends} <= {now}")).is_ordered = by_end;
            return;
        }
        LicenseState::Grace => format!("coalesce(term_end, term_end) <= {now}"),
        _ => format!("coalesce(term_end, expires) > {now}"),
    };
    let count = count.filter(|_| by_end);
    all.add(["expires"], count, |[ends]| format!("{ends} > {now} AND {begun} AND {paid}")).is_ordered =
        by_end;
}

/// The terms of an order in SQL. Licences that are the same in it come in the order of their identifiers.
fn order<'a>(columns: impl Iterator<Item = &'a str>, descending: bool) -> String {
    let direction = if descending { " DESC" } else { "" };
    let terms = columns.chain(["license.id"]).map(|column| format!("{column}{direction}"));
    terms.collect::<Vec<_>>().join(", ")
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
