//! `licentia ledger list`, `find` and `stats`

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use licentia_core::{Lineage, Timestamp};
use licentia_issuer::{
    Kind, Ledger, LedgerAccess, LicenseFilter, LicenseSort, LicenseState, ListedLicense,
    time::{self, Span},
};
use licentia_server::usage::Sheet;
use serde_json::{Value, json};

use super::place::Place;
use crate::terminal::{
    input::{Clock, Kid, kid, tier},
    output::{self, BAD, GOOD, NOTE, Output, Result, counted, hex, printable},
    table::{Cell, Grid, width},
    words,
};

/// Lists licences. Every condition that is given must hold.
#[derive(Args)]
#[command(override_usage = "licentia ledger list [LEDGER] [SUBJECT] [OPTIONS]")]
pub(crate) struct List {
    /// The ledger, unless --ledger or `LICENTIA_LEDGER` names it; and the
    /// subject, or its beginning with a `*`.
    #[arg(value_name = "LEDGER|SUBJECT")]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// Issued to this subject, or with a `*` at the end to those that begin so.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Of this issuer.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// Of this tier, or of one version of it.
    #[arg(long, value_name = "NAME[@VERSION]", value_parser = tier)]
    tier: Option<(String, Option<u64>)>,
    /// In this state. `revoked` are those with a revocation of their own.
    #[arg(long, value_enum)]
    state: Option<StateName>,
    /// Of this kind.
    #[arg(long, value_enum)]
    kind: Option<KindName>,
    /// Whose identifier or lineage begins with these digits.
    #[arg(long, value_name = "HEX")]
    id: Option<String>,
    /// Signed with the key of this identifier.
    #[arg(long, value_name = "HEX", value_parser = kid)]
    kid: Option<Kid>,
    /// With a revocation of its own.
    #[arg(long)]
    revoked: bool,
    /// That end within this time: `30 days`. Those that have ended are left out.
    #[arg(long, value_name = "SPAN")]
    expiring_within: Option<Span>,
    /// Issued at this time or later.
    #[arg(long, value_name = "TIME", value_parser = time::parse_start)]
    issued_from: Option<Timestamp>,
    /// Issued at this time or earlier. A date is included.
    #[arg(long, value_name = "TIME", value_parser = time::parse_last)]
    issued_to: Option<Timestamp>,
    /// The order. The default is the newest first, or with --expiring-within
    /// the first to end.
    #[arg(long, value_enum)]
    sort: Option<SortName>,
    /// The other way round.
    #[arg(long)]
    reverse: bool,
    /// How many at most; 0 for all.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: u64,
    /// How many to leave out before.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    offset: u64,
    /// Print CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    clock: Clock,
}

#[derive(Clone, Copy, ValueEnum)]
enum StateName {
    Pending,
    Active,
    Grace,
    Expired,
    Revoked,
}

impl From<StateName> for LicenseState {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Pending => Self::Pending,
            StateName::Active => Self::Active,
            StateName::Grace => Self::Grace,
            StateName::Expired => Self::Expired,
            StateName::Revoked => Self::Revoked,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum KindName {
    Paid,
    Trial,
    Developer,
    Internal,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Paid => Self::Paid,
            KindName::Trial => Self::Trial,
            KindName::Developer => Self::Developer,
            KindName::Internal => Self::Internal,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum SortName {
    Issued,
    Expires,
    Subject,
    Tier,
}

impl From<SortName> for LicenseSort {
    fn from(name: SortName) -> Self {
        match name {
            SortName::Issued => Self::Issued,
            SortName::Expires => Self::Expires,
            SortName::Subject => Self::Subject,
            SortName::Tier => Self::Tier,
        }
    }
}

impl List {
    pub(super) fn run(self, output: Output) -> Result {
        let (place, words) = self.place.or_first(&self.words, 1)?;
        let ledger = Ledger::connect(&place, LedgerAccess::Read)?;
        let now = self.clock.now();
        let expires = self.expiring_within.map(|within| within.after(now)).transpose()?;
        let usual = if expires.is_some() { LicenseSort::Expires } else { LicenseSort::Issued };
        let sort = self.sort.map_or(usual, Into::into);
        let filter = LicenseFilter {
            issuer: self.issuer,
            subject: words.into_iter().next().or(self.subject),
            tier: self.tier,
            state: self.state.map(Into::into),
            kind: self.kind.map(Into::into),
            kid: self.kid.map(|Kid(kid)| kid),
            prefix: self.id,
            issued_from: self.issued_from,
            issued_to: self.issued_to,
            expires_from: expires.map(|_| now + 1),
            expires_to: expires,
            revoked: self.revoked.then_some(true),
            sort,
            descending: (sort == LicenseSort::Issued) != self.reverse,
            limit: Some(self.limit).filter(|limit| *limit > 0),
            offset: self.offset,
            after: None,
        };
        let found = ledger.list(&filter, now)?;
        if self.csv {
            return csv(&found, now);
        }
        show(&found, now, self.limit, output)
    }
}

/// Finds licences by the first digits of their identifier or lineage.
#[derive(Args)]
#[command(override_usage = "licentia ledger find [LEDGER] <ID> [OPTIONS]")]
pub(crate) struct Find {
    /// The ledger, unless --ledger or `LICENTIA_LEDGER` names it; and the first
    /// digits of an identifier or a lineage.
    #[arg(value_name = "LEDGER|ID", required = true)]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    clock: Clock,
}

impl Find {
    pub(super) fn run(self, output: Output) -> Result {
        let (place, words) = self.place.or_first(&self.words, 1)?;
        let prefix = words.first().ok_or("name an identifier, or the first digits of one")?;
        let ledger = Ledger::connect(&place, LedgerAccess::Read)?;
        let now = self.clock.now();
        show(&with_prefix(&ledger, prefix, now)?, now, 0, output)
    }
}

/// The licences whose identifier or lineage begins with some digits, the oldest first.
pub(super) fn with_prefix(ledger: &Ledger, prefix: &str, now: Timestamp) -> Result<Vec<ListedLicense>> {
    let filter =
        LicenseFilter { prefix: Some(prefix.to_owned()), limit: Some(1000), ..LicenseFilter::default() };
    Ok(ledger.list(&filter, now)?)
}

/// The lineage that some digits name: the first ones of it, or of one of its licences.
pub(crate) fn one_lineage(ledger: &Ledger, prefix: &str) -> Result<Lineage> {
    if !prefix.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        let given = printable(prefix);
        return Err(format!("{given} is neither a lineage nor an identifier, which are hexadecimal digits; `licentia ledger list --subject {given}` lists those of a customer").into());
    }
    let found = with_prefix(ledger, prefix, Timestamp::EPOCH)?;
    let first = found.first().ok_or_else(|| format!("the ledger has no lineage {}", printable(prefix)))?;
    if found.iter().all(|one| one.license.lineage == first.license.lineage) {
        return Ok(first.license.lineage);
    }
    Err(format!("several lineages begin with {}; write more digits", printable(prefix)).into())
}

/// Shows licences; exit code 1 if there is none.
fn show(found: &[ListedLicense], now: Timestamp, limit: u64, output: Output) -> Result {
    let value: Vec<Value> = found.iter().map(|one| json(one, now)).collect();
    output.show(&Value::Array(value), || {
        if found.is_empty() {
            return "the ledger has no such licence\n".into();
        }
        let mut grid = Grid::new(["id", "subject", "tier", "state", "ends"]);
        for one in found {
            let license = &one.license;
            let ends = time::show(license.term_end.unwrap_or(license.expires));
            grid.row([
                license.id.to_string().into(),
                printable(&license.subject).into(),
                format!("{}@{}", printable(&license.tier), license.tier_version).into(),
                state(one.state(now)),
                ends.split(' ').next().unwrap_or_default().into(),
            ]);
        }
        let more = if found.len() as u64 == limit {
            format!("the first {limit}; --limit 0 lists all\n")
        } else {
            String::new()
        };
        grid.show(width()) + &more
    })?;
    Ok(ExitCode::from(u8::from(found.is_empty())))
}

/// A state, in its colour.
pub(super) fn state(state: LicenseState) -> Cell {
    let style = match state {
        LicenseState::Active => GOOD,
        LicenseState::Revoked | LicenseState::Expired => BAD,
        _ => NOTE,
    };
    Cell::styled(state.name(), style)
}

/// A licence of the ledger in JSON.
pub(super) fn json(one: &ListedLicense, now: Timestamp) -> Value {
    let license = &one.license;
    json!({
        "id": license.id.to_string(),
        "lineage": license.lineage.to_string(),
        "issuer": license.issuer,
        "subject": license.subject,
        "tier": { "name": license.tier, "version": license.tier_version },
        "kind": license.kind.name(),
        "kid": hex(&license.kid),
        "issued_at": license.issued_at.as_seconds(),
        "not_before": license.not_before.map(Timestamp::as_seconds),
        "term_end": license.term_end.map(Timestamp::as_seconds),
        "expires": license.expires.as_seconds(),
        "index": license.index,
        "digest": hex(&license.digest),
        "state": one.state(now).name(),
        "revocation": one.revocation.map(|terms| {
            let (effect, until) = words::effect_of(terms.effect);
            json!({
                "reason": terms.reason.name(), "effective": terms.effective.as_seconds(), "effect": effect,
                "until": until,
            })
        }),
    })
}

fn csv(found: &[ListedLicense], now: Timestamp) -> Result {
    let columns = [
        "id",
        "lineage",
        "issuer",
        "subject",
        "tier",
        "kind",
        "kid",
        "issued_at",
        "not_before",
        "term_end",
        "expires",
        "index",
        "state",
        "revoked_for",
    ];
    let mut sheet = Sheet::new(Vec::new(), columns)?;
    for one in found {
        let license = &one.license;
        let stamp = |time: Option<Timestamp>| time.map_or_else(String::new, time::stamp);
        sheet.row([
            license.id.to_string(),
            license.lineage.to_string(),
            license.issuer.clone(),
            license.subject.clone(),
            format!("{}@{}", license.tier, license.tier_version),
            license.kind.name().to_owned(),
            hex(&license.kid),
            time::stamp(license.issued_at),
            stamp(license.not_before),
            stamp(license.term_end),
            time::stamp(license.expires),
            license.index.map_or_else(String::new, |index| index.to_string()),
            one.state(now).name().to_owned(),
            one.revocation.map_or_else(String::new, |terms| terms.reason.name().to_owned()),
        ])?;
    }
    output::write(&String::from_utf8(sheet.finish()?)?)?;
    Ok(ExitCode::from(u8::from(found.is_empty())))
}

/// Counts licences by tier and state.
#[derive(Args)]
#[command(override_usage = "licentia ledger stats [LEDGER] [OPTIONS]")]
pub(crate) struct Stats {
    /// The ledger, unless --ledger or `LICENTIA_LEDGER` names it.
    #[arg(value_name = "LEDGER")]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    clock: Clock,
}

impl Stats {
    pub(super) fn run(self, output: Output) -> Result {
        let (place, _) = self.place.or_first(&self.words, 0)?;
        let ledger = Ledger::connect(&place, LedgerAccess::Read)?;
        let now = self.clock.now();
        let (tiers, (subjects, lineages)) = (ledger.tier_counts(now)?, ledger.customers()?);
        let (sequence, rules) = (ledger.sequence()?, ledger.rules()?.len());
        let issued: u64 = tiers.iter().flat_map(|tier| &tier.states).map(|(_, count)| count).sum();
        let rows: Vec<Value> = tiers
            .iter()
            .map(|tier| {
                let states: serde_json::Map<String, Value> = tier
                    .states
                    .iter()
                    .map(|(state, count)| (state.name().to_owned(), json!(count)))
                    .collect();
                json!({
                    "issuer": tier.issuer, "tier": { "name": tier.tier, "version": tier.tier_version },
                    "states": states,
                })
            })
            .collect();
        let value = json!({
            "issued": issued, "subjects": subjects, "lineages": lineages, "rules": rules, "sequence": sequence,
            "stream": ledger.stream()?, "tiers": rows,
        });
        output.show(&value, || {
            let names = LicenseState::ALL.map(LicenseState::name);
            let heads = names.map(|name| format!("{name}#"));
            let mut grid = Grid::new(["issuer", "tier"].into_iter().chain(heads.iter().map(String::as_str)));
            for tier in &tiers {
                let counts = tier.states.iter().map(|(_, count)| Cell::from(count.to_string()));
                let name = format!("{}@{}", printable(&tier.tier), tier.tier_version);
                grid.row([Cell::from(printable(&tier.issuer)), name.into()].into_iter().chain(counts));
            }
            format!(
                "{}{} of {} in {}; {}, the last bundle is {sequence}\n",
                grid.show(width()),
                counted(issued, "licence"),
                counted(subjects, "customer"),
                counted(lineages, "lineage"),
                counted(rules as u64, "rule"),
            )
        })
    }
}
