//! Counting: rates and quotas.

use licentia_vectors::GateGroup;

use super::story::Story;
use crate::{
    licence::{Licence, NOW},
    terms::{Overage, Period, Quota, Rate},
};

/// 2027-01-16 00:00:00 UTC, the midnight after `NOW`.
const MIDNIGHT: u64 = 1_800_057_600;

fn licence(overage: Overage) -> Licence {
    Licence::with(|l| {
        let quota = |limit, overage| Quota(limit, Period::Named(3, "day"), overage);
        l.quotas =
            vec![("calls".to_owned(), quota(3, overage)), ("mails".to_owned(), quota(1, Overage::Default))];
        l.rates = vec![("api".to_owned(), Rate(2, 1000, None))];
    })
}

pub(crate) fn group() -> GateGroup {
    let plain = licence(Overage::Default);
    let upgrade = Licence::with(|l| {
        *l = licence(Overage::Default);
        (l.id, l.lineage) = (*b"vector licence 2", Some(*b"vector licence 1"));
    });
    let calls = |count| [("calls", count)];
    let story = |comment: &str| Story::simple("Quota", comment);
    let use_calls = |story: Story, licence: &Licence, count, code| {
        story.charge(licence, NOW, 0, &[], &calls(count), code)
    };
    let mut three = story("just the limit");
    let mut over = story("an overage up to its hard limit is flagged");
    let over_licence = licence(Overage::UpTo(5));
    for _ in 0..3 {
        three = use_calls(three, &plain, 1, "allowed");
        over = use_calls(over, &over_licence, 1, "allowed");
    }
    for _ in 0..2 {
        over = use_calls(over, &over_licence, 1, "allowed").state("overage");
    }
    let tests = vec![
        use_calls(use_calls(three, &plain, 1, "quota_exceeded"), &plain, 0, "allowed"),
        use_calls(over, &over_licence, 1, "quota_exceeded"),
        use_calls(
            use_calls(story("what is denied costs nothing"), &plain, 4, "quota_exceeded"),
            &plain,
            3,
            "allowed",
        ),
        use_calls(story("the next period"), &plain, 3, "allowed")
            .charge(&plain, MIDNIGHT - 1, 0, &[], &calls(1), "quota_exceeded")
            .charge(&plain, MIDNIGHT, 0, &[], &calls(3), "allowed"),
        story("several meters, all or none")
            .charge(&plain, NOW, 0, &[], &[("calls", 1), ("mails", 2)], "quota_exceeded")
            .charge(&plain, NOW, 0, &[], &[("calls", 3), ("mails", 1)], "allowed"),
        story("a rate is given back where a quota is used up")
            .charge(&plain, NOW, 0, &[("api", 2)], &calls(4), "quota_exceeded")
            .charge(&plain, NOW, 0, &[("api", 2)], &calls(1), "allowed"),
        story("a meter that the licence does not have").charge(
            &plain,
            NOW,
            0,
            &[],
            &[("gold", 1)],
            "meter_not_licensed",
        ),
        use_calls(
            use_calls(story("an upgrade goes on counting"), &plain, 2, "allowed"),
            &upgrade,
            2,
            "quota_exceeded",
        ),
        Story::simple("Rate", "a burst, and then the rate")
            .charge(&plain, NOW, 0, &[("api", 1)], &[], "allowed")
            .charge(&plain, NOW, 0, &[("api", 1)], &[], "allowed")
            .charge(&plain, NOW, 0, &[("api", 1)], &[], "rate_limited")
            .charge(&plain, NOW, 499, &[("api", 1)], &[], "rate_limited")
            .charge(&plain, NOW, 500, &[("api", 1)], &[], "allowed")
            .charge(&plain, NOW, 500, &[("api", 1)], &[], "rate_limited"),
        Story::simple("Rate", "more than a burst is never allowed").charge(
            &plain,
            NOW,
            0,
            &[("api", 3)],
            &[],
            "rate_limited",
        ),
        Story::simple("Rate", "a rate that the licence does not have").charge(
            &plain,
            NOW,
            0,
            &[("gold", 1)],
            &[],
            "rate_not_licensed",
        ),
    ];
    GateGroup { comment: "Rates and quotas".to_owned(), tests: tests.into_iter().map(Story::done).collect() }
}
