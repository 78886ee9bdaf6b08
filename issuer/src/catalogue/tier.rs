//! One version of a tier.

use std::collections::BTreeMap;

use licentia_core::{Timestamp, limits};

use crate::{
    error::{Error, Result},
    grant::{Anchor, Grant},
    license::{Draft, Renewal},
    time::Span,
};

/// One version of a tier.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u64,
    /// Whether it is no longer sold. Renewals can still name its version.
    pub retired: bool,
    /// How long the contract runs; `None` is for ever.
    pub term: Option<Span>,
    /// How long the licence goes on, flagged, after the contract has ended.
    pub grace: Option<Span>,
    /// How long new releases are included.
    pub maintenance: Option<Span>,
    /// What it grants. A quota that begins with each customer's term has its calendar period here.
    pub grant: Grant,
    /// Where the periods of quotas begin, by meter, if not with the calendar's.
    pub anchors: BTreeMap<String, Anchor>,
}

impl Tier {
    /// Drafts a licence of this tier for a subject. The contract starts at `start`.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if the term ends past the year 9999.
    pub fn draft(&self, subject: impl Into<String>, start: impl Into<Timestamp>) -> Result<Draft> {
        let start = start.into();
        let end = self.term.map_or(Ok(limits::TIME.into()), |term| term.after(start))?;
        let expires = self.grace.map_or(Ok(end), |grace| grace.after(end))?;
        let mut draft = Draft::new(subject, &self.name, self.version, start, expires);
        draft.term_end = (end < expires).then_some(end);
        draft.maintained_until = self.maintenance.map(|span| span.after(start)).transpose()?;
        draft.grant = self.grant.clone();
        for (meter, quota) in &mut draft.grant.quotas {
            if self.anchors.get(meter) == Some(&Anchor::Term) {
                *quota = quota.anchored(start);
            }
        }
        Ok(draft)
    }

    /// Drafts what follows a licence of this tier: the same terms for another term, of the tier's length or of `term`. A
    /// tier without grace has none.
    ///
    /// # Errors
    /// [`Error::Value`] for a perpetual tier without a `term`, the errors of [`Draft::renewed`].
    pub fn renew(&self, old: &Draft, now: Timestamp, term: Option<Span>) -> Result<Draft> {
        let perpetual = || Error::value("term", "perpetual", "the tier is perpetual; say for how long");
        let term = term.or(self.term).ok_or_else(perpetual)?;
        let grace = Some(self.grace.map_or_else(|| "0 seconds".parse(), Ok)?);
        old.renewed(now, &Renewal { term, grace, maintenance: self.maintenance })
    }

    /// Drafts a licence of this tier in place of one of another tier, for the time that is paid.
    ///
    /// # Errors
    /// The errors of [`Draft::upgraded`].
    pub fn upgrade(&self, old: &Draft, now: Timestamp) -> Result<Draft> {
        let grant = self.draft(&old.subject, old.quota_anchor().unwrap_or(now))?.grant;
        old.upgraded(now, &self.name, self.version, grant)
    }

    /// `NAME@VERSION`.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}
