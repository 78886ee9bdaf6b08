//! The explanation of a decision, for people.

use licentia::{Explanation, Facts, Timestamp};
use licentia_issuer::time;

use crate::terminal::{
    output::{BAD, GOOD, NOTE, counted, printable},
    table::wrap,
    words::when,
};

/// Before the inputs of a check: its result and its name.
const INDENT: usize = 17;

/// One line for each check that ran, at most `width` wide, with times as people read them. `bound` describes a bound of the key's scope.
pub(crate) fn show(
    explanation: &Explanation<'_>,
    now: Timestamp,
    width: usize,
    bound: impl Fn(&str) -> Option<String>,
) -> String {
    let mut text = String::new();
    for step in explanation.steps() {
        let (style, mark) = match (step.code.is_allowed(), step.tolerated) {
            (true, _) => (GOOD, "pass"),
            (false, true) => (NOTE, "warn"),
            (false, false) => (BAD, "FAIL"),
        };
        let mut lines = vec![facts(&step.facts, now, &bound)];
        if step.tolerated {
            lines.push(step.code.to_string());
        }
        if !step.code.is_allowed() {
            lines.push(step.code.advice().to_owned());
        }
        lines.retain(|line| !line.is_empty());
        let room = width.saturating_sub(INDENT);
        let lines = lines.iter().flat_map(|line| wrap(line, room)).collect::<Vec<_>>();
        let lines = lines.join(&format!("\n{:INDENT$}", ""));
        text += format!("{style}{mark}{style:#}  {:<9}  {lines}", step.check.name()).trim_end();
        text.push('\n');
    }
    text
}

/// The inputs of a check, in words.
fn facts(facts: &Facts<'_>, now: Timestamp, bound: &impl Fn(&str) -> Option<String>) -> String {
    let at = |what: &str, time: Option<Timestamp>| {
        time.map_or_else(String::new, |time| format!("; {what} {}", when(time, now)))
    };
    match facts {
        Facts::Size { bytes } => counted(*bytes, "byte"),
        Facts::At { offset } => format!("at byte {offset}"),
        Facts::Key { kid, candidates: 0 } => format!("kid {kid}, which is not known here"),
        Facts::Key { kid, candidates: 1 } => format!("kid {kid}"),
        Facts::Key { kid, candidates } => format!("kid {kid}, which {candidates} keys have"),
        Facts::Scope { bound: exceeded } => {
            let name = exceeded.name();
            let only = bound(name).map_or_else(String::new, |only| format!(": only {only}"));
            format!("beyond the key's {name}{only}")
        }
        Facts::Time { now: checked, issued_at, not_before, term_end, expires, .. } => {
            let checked = time::show(*checked);
            let (starts, ends) = (at("starts", *not_before), at("term ends", *term_end));
            format!(
                "at {checked}; issued {}{starts}{ends}; expires {}",
                when(*issued_at, now),
                when(*expires, now)
            )
        }
        Facts::Issuer { expected } => format!("expected {}", printable(expected)),
        Facts::Audience { expected, named } => {
            let expected = expected.map_or_else(
                || "no service named".to_owned(),
                |expected| format!("this is {}", printable(expected)),
            );
            match named {
                0 => format!("{expected}; for every service"),
                named => format!("{expected}; for {}", counted(*named, "service")),
            }
        }
        Facts::Bundle { sequence, issued_at } => {
            format!("bundle {sequence}, issued {}", when(*issued_at, now))
        }
        Facts::Revoked { sequence, reason, effective, until } => {
            let from = at("effective from", Some(*effective).filter(|from| *from > Timestamp::EPOCH));
            format!("bundle {sequence}: {}{from}{}", reason.name(), at("passed over until", *until))
        }
        Facts::Nodes { locks } => format!("bound to {}", counted(*locks, "machine")),
        Facts::Until { expires, .. } => format!("until {}", when(*expires, now)),
        Facts::Since { since, .. } => format!("in doubt since {}", when(*since, now)),
        Facts::Charge { name, cost, remaining } => {
            let left = remaining.map_or_else(String::new, |left| format!(", {left} left"));
            format!("{}, cost {cost}{left}", printable(name))
        }
        Facts::Feature { name, expires, .. } => {
            let until = expires.map_or_else(String::new, |end| format!(", until {}", when(end, now)));
            format!("{}{until}", printable(name))
        }
        _ => String::new(),
    }
}
