//! The steps of the demo, and whether each outcome is the expected one.

use licentia::{Code, Decision, State, Timestamp};
use licentia_issuer::time;
use serde_json::{Value, json};

use crate::terminal::{
    output::{ASIDE, BAD, GOOD, HEADING, Output, Result},
    table::wrap,
};

/// The demo's lines are no longer, on any terminal: it is the same text everywhere.
pub(super) const WIDTH: usize = 80;
/// How far a line that is continued is indented more.
const HANGING: usize = 2;

/// The steps so far, for people and for machines.
#[derive(Default)]
pub(super) struct Walk {
    text: String,
    steps: Vec<Value>,
    outcomes: usize,
    wrong: Vec<String>,
    advised: Vec<&'static str>,
}

impl Walk {
    pub(super) fn chapter(&mut self, number: u32, title: &str, promise: &str) {
        let promise = if promise.is_empty() { String::new() } else { format!("  {ASIDE}{promise}{ASIDE:#}") };
        self.say(&format!("\n{HEADING}{number}. {title}{HEADING:#}{promise}"));
    }

    pub(super) fn say(&mut self, text: &str) {
        for line in text.split('\n') {
            let rest = line.trim_start_matches(' ');
            let indent = line.len() - rest.len();
            if rest.split(' ').any(|word| word.len() > WIDTH) {
                // A token is in one piece, so that it can be copied.
                self.text += line;
            } else {
                let lines = wrap(rest, WIDTH.saturating_sub(indent + HANGING));
                self.text += &" ".repeat(indent);
                self.text += &lines.join(&format!("\n{:1$}", "", indent + HANGING));
            }
            self.text.push('\n');
        }
    }

    pub(super) fn indented(&mut self, text: &str) {
        for line in text.trim_end().lines() {
            self.say(format!("   {line}").trim_end());
        }
    }

    /// Adds a step for machines only.
    pub(super) fn note(&mut self, step: Value) {
        self.steps.push(step);
    }

    /// Compares a decision with the expected one.
    pub(super) fn outcome(&mut self, what: &str, decision: &Decision<'_>, expected: (Code, State)) {
        let (code, state) = (decision.code(), decision.state());
        let right = code == expected.0 && (state == expected.1 || !code.is_allowed());
        let (style, word) = if code.is_allowed() { (GOOD, "allowed") } else { (BAD, "denied") };
        let why = match (code, state) {
            (Code::Allowed, State::Active) => String::new(),
            (Code::Allowed, state) => state.name().to_owned(),
            _ => format!("{} {}", code.number(), code.name()),
        };
        self.line(what, &format!("{style}{word:<7}{style:#}  {why}"), right);
        self.note(json!({
            "what": what, "allowed": code.is_allowed(), "code": code.number(), "name": code.name(),
            "state": code.is_allowed().then(|| state.name()), "advice": code.advice(), "as_expected": right,
        }));
    }

    /// The same, and prints the advice if it was not printed before.
    pub(super) fn refusal(&mut self, what: &str, decision: &Decision<'_>, expected: (Code, State)) {
        self.outcome(what, decision, expected);
        let advice = decision.code().advice();
        if !decision.is_allowed() && !self.advised.contains(&advice) {
            self.advised.push(advice);
            self.say(&format!("      {ASIDE}{advice}{ASIDE:#}"));
        }
    }

    /// Compares anything else with the expected outcome.
    pub(super) fn fact(&mut self, what: &str, found: &str, right: bool) {
        self.line(what, found, right);
        self.note(json!({ "what": what, "found": found, "as_expected": right }));
    }

    fn line(&mut self, what: &str, found: &str, right: bool) {
        self.outcomes += 1;
        let mut line = format!("   {what:<42} {found}").trim_end().to_owned();
        if !right {
            self.wrong.push(what.to_owned());
            line += &format!("  {BAD}<- not what it must be{BAD:#}");
        }
        self.say(&line);
    }

    /// Prints all steps, also after an error, and fails if an outcome is not the expected one.
    pub(super) fn finish(mut self, output: Output, told: Result<()>, now: Timestamp) -> Result {
        let good = told.is_ok() && self.wrong.is_empty();
        if good {
            let (outcomes, day) = (self.outcomes, time::show(now));
            self.say(&format!(
                "\n{GOOD}All {outcomes} outcomes are what they must be.{GOOD:#} The demo's day was {day}."
            ));
        }
        let value = json!({ "steps": self.steps, "outcomes": self.outcomes, "wrong": self.wrong, "now": now.as_seconds() });
        let code = output.show(&value, || self.text)?;
        told?;
        if good { Ok(code) } else { Err(format!("not what it must be: {}", self.wrong.join(", ")).into()) }
    }
}

#[cfg(test)]
mod tests {
    use licentia::{GateBuilder, Request};
    use licentia_issuer::SigningKey;

    use super::*;

    #[test]
    fn the_demo_fails_where_an_outcome_is_wrong_or_is_missing() {
        let gate = GateBuilder::new().key(SigningKey::generate().unwrap().public()).build().unwrap();
        let nothing = gate.check("", &Request::new(), 0);
        let output = Output { json: true };
        let told = |expected, broken: Result<()>| {
            let mut walk = Walk::default();
            walk.outcome("nothing", &nothing, (expected, State::Active));
            walk.finish(output, broken, Timestamp::EPOCH)
        };
        assert!(told(Code::MissingToken, Ok(())).is_ok());
        assert!(told(Code::Allowed, Ok(())).unwrap_err().to_string().contains("nothing"));
        assert!(told(Code::MissingToken, Err("broken".into())).is_err());
    }
}
