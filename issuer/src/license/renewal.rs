//! How a licence is continued.

use licentia_core::{Period, Timestamp, limits};

use super::draft::Draft;
use crate::{
    error::{Error, Result},
    grant::Grant,
    time::Span,
};

/// By how much a licence is renewed.
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    /// How long the new contract runs.
    pub term: Span,
    /// How long the licence goes on after that, flagged. `None` is as long as before.
    pub grace: Option<Span>,
    /// How long new releases are included. `None` is as much longer as the contract.
    pub maintenance: Option<Span>,
}

impl Draft {
    /// When the contract ends: what was paid for.
    pub fn paid_until(&self) -> Timestamp {
        self.term_end.unwrap_or(self.expires)
    }

    /// When the quotas' periods began that are not the calendar's: after an upgrade they go on from the same day.
    pub fn quota_anchor(&self) -> Option<Timestamp> {
        self.grant.quotas.values().find_map(|quota| match quota.period {
            Period::MonthFrom { anchor } | Period::YearFrom { anchor } | Period::Fixed { anchor, .. } => {
                Some(anchor).filter(|anchor| *anchor > Timestamp::EPOCH)
            }
            _ => None,
        })
    }

    /// The same licence in a new token: same lineage, terms and times, issued at `now`.
    #[must_use]
    pub fn reissued(&self, now: Timestamp) -> Self {
        Self {
            issued_at: now,
            not_before: self.not_before.filter(|start| *start > now),
            id: None,
            lineage: self.lineage.or(self.id.map(Into::into)),
            index: None,
            ..self.clone()
        }
    }

    /// The licence that follows this one, with the same grant. It works at once, and its contract begins when this one's
    /// ends, so that nobody loses time by paying early. If this one has ended, grace included, it begins at `now`.
    ///
    /// # Errors
    /// [`Error::Value`] for a licence that never ends, and for a term past the year 9999.
    pub fn renewed(&self, now: Timestamp, renewal: &Renewal) -> Result<Self> {
        let paid = self.paid_until();
        if paid.as_seconds() >= limits::TIME {
            return Err(Error::value("term", "never", "a licence that never ends needs no renewal"));
        }
        let continued = renewal.term.after(paid)?;
        // In grace the customer already had some of what is paid for now.
        let (begins, ends) = if now < self.expires && continued > now {
            (paid, continued)
        } else {
            (now, renewal.term.after(now)?)
        };
        let expires = match renewal.grace {
            Some(grace) => grace.after(ends)?,
            None => ends + self.expires.seconds_since(paid),
        };
        let maintained_until = match (renewal.maintenance, self.maintained_until) {
            (Some(span), before) => Some(span.after(begins)?.max(before.unwrap_or_default())),
            (None, Some(before)) if before.as_seconds() < limits::TIME => {
                Some(before + ends.seconds_since(paid))
            }
            (None, before) => before,
        };
        let term_end = (ends < expires).then_some(ends);
        Ok(Self { term_end, expires, maintained_until, ..self.reissued(now) })
    }

    /// The same licence with another tier's grant, for the time that is paid.
    ///
    /// # Errors
    /// [`Error::Value`] for a licence that has ended.
    pub fn upgraded(&self, now: Timestamp, tier: &str, version: u64, grant: Grant) -> Result<Self> {
        if now >= self.expires {
            let ended = crate::time::show(self.expires);
            return Err(Error::value("licence that ended", &ended, "renew it first"));
        }
        Ok(Self { tier: tier.to_owned(), version, grant, ..self.reissued(now) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn renewal(term: &str) -> Renewal {
        Renewal { term: term.parse().unwrap(), grace: None, maintenance: None }
    }

    /// A contract of 30 days with a grace of 10.
    fn bought() -> Draft {
        let mut draft = Draft::new("ann", "pro", 1, NOW, NOW + 40 * DAY);
        draft.term_end = Some(NOW + 30 * DAY);
        draft.id = Some([7; 16].into());
        draft.index = Some(5);
        draft
    }

    #[test]
    fn no_paid_day_is_lost_and_none_is_given_away() {
        for (renewed_on, paid_until) in [(0, 60), (29, 60), (30, 60), (39, 60), (40, 70), (100, 130)] {
            let draft = bought().renewed(NOW + renewed_on * DAY, &renewal("30 days")).unwrap();
            assert_eq!(draft.paid_until(), NOW + paid_until * DAY, "on day {renewed_on}");
            assert_eq!(draft.expires, NOW + (paid_until + 10) * DAY);
            assert_eq!((draft.issued_at, draft.not_before), (NOW + renewed_on * DAY, None), "works at once");
            assert_eq!((draft.lineage, draft.id, draft.index), (Some([7; 16].into()), None, None));
        }
        // A long grace and a short term: the new contract would be over already.
        let mut long = bought();
        long.expires = NOW + 400 * DAY;
        assert_eq!(long.renewed(NOW + 200 * DAY, &renewal("1 day")).unwrap().paid_until(), NOW + 201 * DAY);
    }

    #[test]
    fn grace_and_maintenance_follow_the_tier_or_stay_as_long() {
        let mut draft = bought();
        draft.maintained_until = Some(NOW + 90 * DAY);
        let stays = draft.renewed(NOW, &renewal("30 days")).unwrap();
        assert_eq!(stays.maintained_until, Some(NOW + 120 * DAY));
        let grace = Some("1 day".parse().unwrap());
        let tier = Renewal { grace, maintenance: Some("60 days".parse().unwrap()), ..renewal("30 days") };
        let follows = draft.renewed(NOW, &tier).unwrap();
        assert_eq!((follows.expires, follows.maintained_until), (NOW + 61 * DAY, Some(NOW + 90 * DAY)));
        let no_grace = Renewal { grace: Some("0 days".parse().unwrap()), ..renewal("30 days") };
        assert_eq!(draft.renewed(NOW, &no_grace).unwrap().term_end, None);
        let perpetual = Draft::new("ann", "pro", 1, NOW, limits::TIME);
        assert!(perpetual.renewed(NOW, &renewal("1 year")).is_err());
    }

    #[test]
    fn an_upgrade_keeps_the_time_and_a_reissue_everything() {
        let mut draft = bought();
        draft.meta = vec![("order".into(), "1".into())];
        let upgraded = draft.upgraded(NOW + DAY, "team", 2, Grant::default()).unwrap();
        assert_eq!((upgraded.term_end, upgraded.expires), (draft.term_end, draft.expires));
        assert_eq!((upgraded.tier.as_str(), upgraded.version, &upgraded.meta), ("team", 2, &draft.meta));
        assert!(draft.upgraded(draft.expires, "team", 2, Grant::default()).is_err());
        let again = upgraded.reissued(NOW + 2 * DAY);
        assert_eq!(again.lineage, Some([7; 16].into()));
        assert_eq!(Draft { issued_at: upgraded.issued_at, ..again }, upgraded);
    }
}
