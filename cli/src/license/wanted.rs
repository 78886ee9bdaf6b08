//! What a licence shall say, from options or from a row of a table.

use clap::Args;
use licentia_core::{Lineage, PublicKey, Timestamp};
use licentia_issuer::{
    Catalogue, Confirmation, Draft, Feature, Rate, WrittenQuota,
    time::{self, Span},
};

use crate::terminal::{
    input::{self, hex, pair},
    output::Result,
};

/// What one customer gets beside or instead of what the tier says.
#[derive(Args, Clone)]
pub(crate) struct Overrides {
    /// A service that it is for. Without one, all of the issuer's. May be
    /// repeated.
    #[arg(long, value_name = "NAME")]
    audience: Vec<String>,
    /// A feature, with an optional value and end. May be repeated.
    #[arg(long, value_name = "NAME[=VALUE[@END]]")]
    feature: Vec<String>,
    /// A quota: `api_calls=100000/month`, or with months that begin with the term,
    /// `api_calls=100000/month@term`. May be repeated.
    #[arg(long, value_name = "METER=LIMIT/PERIOD", value_parser = pair)]
    quota: Vec<(String, String)>,
    /// A rate: `api=10/1s`. May be repeated.
    #[arg(long, value_name = "NAME=COUNT/TIME", value_parser = pair)]
    rate: Vec<(String, String)>,
    /// How many may use it at once.
    #[arg(long, value_name = "N")]
    seats: Option<u64>,
    /// The holder's public key, which makes a stolen copy useless: its text, a
    /// file, or 64 hexadecimal digits.
    #[arg(long, value_name = "KEY")]
    holder: Option<String>,
    /// SHA-256 of a machine's fingerprint. Only these machines may use it. May be
    /// repeated.
    #[arg(long, value_name = "HEX", value_parser = hex::<32>)]
    node_lock: Vec<[u8; 32]>,
    /// Free metadata, which everybody can read. May be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    meta: Vec<(String, String)>,
}

impl Overrides {
    /// Adds them to a draft whose term begins at `start`. A list that is given replaces the draft's.
    pub(crate) fn apply(&self, draft: &mut Draft, start: Timestamp) -> Result<()> {
        for feature in &self.feature {
            let (name, value) = feature.split_once('=').unwrap_or((feature, "true"));
            draft.grant.features.insert(name.into(), value.parse::<Feature>()?);
        }
        for (meter, quota) in &self.quota {
            draft.grant.quotas.insert(meter.clone(), quota.parse::<WrittenQuota>()?.starting(start));
        }
        for (name, rate) in &self.rate {
            draft.grant.rates.insert(name.clone(), rate.parse::<Rate>()?);
        }
        draft.grant.seats = self.seats.or(draft.grant.seats);
        if let Some(holder) = &self.holder {
            let key = match hex::<32>(holder) {
                Ok(bytes) => PublicKey::from_bytes(&bytes)
                    .map_err(|code| format!("--holder: {code} {}", code.advice()))?,
                Err(_) => input::public_key(holder)?.public().clone(),
            };
            draft.holder = Some(Confirmation::thumbprint_of(key.as_bytes()));
        }
        let replace = |is_given: bool, replace: &mut dyn FnMut()| {
            if is_given {
                replace();
            }
        };
        replace(!self.audience.is_empty(), &mut || draft.audiences.clone_from(&self.audience));
        replace(!self.node_lock.is_empty(), &mut || draft.node_locks.clone_from(&self.node_lock));
        for (name, value) in &self.meta {
            draft.meta.retain(|(known, _)| {
                known != name || self.meta.iter().filter(|(n, _)| n == name).count() > 1
            });
            draft.meta.push((name.clone(), value.clone()));
        }
        Ok(())
    }
}

/// What a licence shall say.
#[derive(Args, Clone)]
pub(crate) struct Wanted {
    /// The tier, `pro` for its newest version or `pro@3`.
    #[arg(long, value_name = "TIER", required_unless_present = "from")]
    tier: Option<String>,
    /// The customer: an identifier, because everybody can read a token.
    #[arg(long, value_name = "ID", required_unless_present = "from")]
    subject: Option<String>,
    /// When it starts.
    #[arg(long, value_name = "TIME", value_parser = time::parse_start)]
    starts: Option<Timestamp>,
    /// When it ends, instead of after the tier's term and grace. A date is
    /// included: the licence ends when the day is over, in UTC.
    #[arg(long, value_name = "TIME", value_parser = time::parse_end, conflicts_with = "term")]
    expires: Option<Timestamp>,
    /// How long it lasts, instead of the tier's term and grace: `1 year`.
    #[arg(long, value_name = "SPAN")]
    term: Option<Span>,
    #[command(flatten)]
    overrides: Overrides,
    /// The lineage of the licence that this one renews or upgrades, which the
    /// ledger must have for the same subject. Its usage counts continue.
    #[arg(long, value_name = "HEX", value_parser = lineage)]
    pub(super) renews: Option<Lineage>,
}

fn lineage(text: &str) -> std::result::Result<Lineage, String> {
    hex::<16>(text).map(Lineage::from)
}

impl Wanted {
    pub(super) fn draft(&self, catalogue: Option<&Catalogue>, now: Timestamp) -> Result<Draft> {
        let (name, version) =
            input::tier(self.tier.as_deref().ok_or("name the tier: --tier, or a column `tier`")?)?;
        let subject = self.subject.as_deref().filter(|subject| !subject.is_empty());
        let subject = subject.ok_or("name the customer: --subject, or a column `subject`")?;
        let start = self.starts.unwrap_or(now);
        let end = match (self.expires, self.term) {
            (Some(expires), _) => Some(expires),
            (None, Some(term)) => Some(term.after(start)?),
            (None, None) => None,
        };
        let mut draft = match (catalogue, version, end) {
            (Some(catalogue), _, _) => catalogue.tier(&name, version)?.draft(subject, start)?,
            (None, Some(version), Some(end)) => Draft::new(subject, name, version, start, end),
            (None, None, _) => {
                return Err("without --catalogue, name the tier's version: --tier NAME@VERSION".into());
            }
            (None, _, None) => {
                return Err("without --catalogue, say when the licence ends: --expires or --term".into());
            }
        };
        if let Some(end) = end {
            (draft.expires, draft.term_end) = (end, None);
        }
        draft.issued_at = now;
        draft.not_before = (start > now).then_some(start);
        self.overrides.apply(&mut draft, start)?;
        draft.lineage = self.renews;
        Ok(draft)
    }

    /// Takes a cell of a table as the option of the column's name. A cell with several values separates them by `;`.
    pub(super) fn set(&mut self, column: &str, cell: &str) -> Result<()> {
        if cell.is_empty() {
            return Ok(());
        }
        let of = |error: String| format!("{column} {cell:?}: {error}");
        let several = || cell.split(';').map(str::trim).filter(|one| !one.is_empty());
        let named = |name: &str| (name.to_owned(), cell.to_owned());
        let more = &mut self.overrides;
        match column.split_once('.').map_or((column, None), |(kind, name)| (kind, Some(name))) {
            ("subject", None) => self.subject = Some(cell.to_owned()),
            ("tier", None) => self.tier = Some(cell.to_owned()),
            ("starts", None) => self.starts = Some(time::parse_start(cell)?),
            ("expires", None) => (self.expires, self.term) = (Some(time::parse_end(cell)?), None),
            ("term", None) => (self.term, self.expires) = (Some(cell.parse()?), None),
            ("audience", None) => more.audience = several().map(str::to_owned).collect(),
            ("seats", None) => {
                more.seats = Some(cell.parse().map_err(|_| of("write a whole number".to_owned()))?);
            }
            ("holder", None) => more.holder = Some(cell.to_owned()),
            ("node_lock", None) => {
                more.node_lock = several().map(hex).collect::<std::result::Result<_, _>>().map_err(of)?;
            }
            ("renews" | "lineage", None) => self.renews = Some(lineage(cell).map_err(of)?),
            ("feature", Some(name)) => more.feature.push(format!("{name}={cell}")),
            ("quota", Some(name)) => more.quota.push(named(name)),
            ("rate", Some(name)) => more.rate.push(named(name)),
            ("meta", Some(name)) => more.meta.push(named(name)),
            _ => return Err(format!("there is no column {column:?}; there are: {COLUMNS}").into()),
        }
        Ok(())
    }
}

/// The columns of a table of customers.
const COLUMNS: &str = "reference, subject, tier, starts, expires, term, audience, seats, holder, node_lock, renews, feature.NAME, quota.METER, rate.NAME, meta.NAME";
