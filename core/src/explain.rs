//! The explanation of a decision: each check that ran, its inputs and its result.
//!
//! It never holds token or key bytes, so it can be logged as it is.

use core::fmt;

use arrayvec::ArrayVec;

use crate::{
    code::Code,
    json::{Optional, OptionalTime, Quoted},
    key::{kid::Kid, scope::ScopeBound},
    license::policy::Action,
    revocation::rule::Reason,
    time::timestamp::Timestamp,
};

/// The checks, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Check {
    /// Size, text form and envelope.
    Frame,
    /// The key that the token names is known and is for its algorithm.
    Key,
    /// The signature is that key's.
    Signature,
    /// The claims are complete and well-formed.
    Claims,
    /// The key may sign this: it is in use, and its scope covers the licence.
    KeyScope,
    /// The keyset has not expired.
    Keyset,
    /// The clock is plausible.
    Clock,
    /// The licence has begun and has not ended.
    Time,
    /// It is from the issuer that is expected.
    Issuer,
    /// It is for this service.
    Audience,
    /// The revocation data is fresh enough.
    Freshness,
    /// It is not revoked.
    Revocation,
    /// It is for this machine.
    Node,
    /// It covers this release.
    Release,
    /// Its holder made this request.
    Proof,
    /// It has a feature, and the feature has not ended.
    Feature,
    /// Requests do not come too fast.
    Rate,
    /// The quota is not used up.
    Quota,
    /// A seat is free.
    Seat,
}

impl Check {
    /// Its stable name in `snake_case`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::KeyScope => "key_scope",
            Self::Keyset => "keyset",
            Self::Clock => "clock",
            Self::Time => "time",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Freshness => "freshness",
            Self::Revocation => "revocation",
            Self::Node => "node",
            Self::Release => "release",
            Self::Proof => "proof",
            Self::Feature => "feature",
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::Seat => "seat",
        }
    }
}

/// The inputs of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Facts<'a> {
    /// None.
    None,
    /// How long the token is.
    Size {
        /// In bytes.
        bytes: usize,
    },
    /// Where a malformed token was detected.
    At {
        /// Offset in the token, in bytes.
        offset: usize,
    },
    /// Which key the token names.
    Key {
        /// The identifier.
        kid: Kid,
        /// How many known keys have it (at most the number that is tried).
        candidates: usize,
    },
    /// What the key may not sign.
    Scope {
        /// The first bound of its scope that the licence exceeds.
        bound: ScopeBound,
    },
    /// The licence's times.
    Time {
        /// The time of the check.
        now: Timestamp,
        /// Tolerance of `iat` and `nbf`, in seconds.
        skew: u64,
        /// `iat`.
        issued_at: Timestamp,
        /// `nbf`.
        not_before: Option<Timestamp>,
        /// End of the contract.
        term_end: Option<Timestamp>,
        /// `exp`.
        expires: Timestamp,
    },
    /// The issuer.
    Issuer {
        /// The one that is expected.
        expected: &'a str,
    },
    /// The audiences.
    Audience {
        /// The one that this service answers to.
        expected: Option<&'a str>,
        /// How many the licence names; with none it is for every service.
        named: usize,
    },
    /// The revocation bundle that was consulted.
    Bundle {
        /// Its number.
        sequence: u64,
        /// When it was issued.
        issued_at: Timestamp,
    },
    /// The revocation that applies.
    Revoked {
        /// Number of the bundle that has it.
        sequence: u64,
        /// Why.
        reason: Reason,
        /// From when on; 1970 if the bundle does not say.
        effective: Timestamp,
        /// Until when it is tolerated, if it is.
        until: Option<Timestamp>,
    },
    /// The machines that the licence is bound to.
    Nodes {
        /// How many.
        locks: usize,
    },
    /// A time that ends.
    Until {
        /// The first second that is too late.
        expires: Timestamp,
        /// The time that is compared with it.
        now: Timestamp,
    },
    /// A doubt.
    Since {
        /// When it began.
        since: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// A charge to a rate or quota.
    Charge {
        /// Name of the rate or meter, as asked for.
        name: &'a str,
        /// Units that the request costs.
        cost: u64,
        /// Units that are left.
        remaining: Option<u64>,
    },
    /// A feature.
    Feature {
        /// Its name, as asked for.
        name: &'a str,
        /// When it ends.
        expires: Option<Timestamp>,
        /// The time of the check.
        now: Timestamp,
    },
}

/// A check that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Which one.
    pub check: Check,
    /// Its result: [`Code::Allowed`] if it passed.
    pub code: Code,
    /// Whether the licence's policy tolerated the failure.
    pub tolerated: bool,
    /// Its inputs.
    pub facts: Facts<'a>,
}

/// Capacity: every check once, four features and four charges. When it is full, the newest step replaces the last
/// one, so the step that decided is always there. It is smaller on bare metal, to save stack.
const STEPS: usize = if cfg!(target_os = "none") { 12 } else { 24 };

/// All checks that ran, in order; the last one is the one that decided.
///
/// [`fmt::Display`] writes a line per check, [`Explanation::json`] a JSON array.
#[derive(Clone, Debug, Default)]
pub struct Explanation<'a> {
    steps: ArrayVec<Step<'a>, STEPS>,
    warning: Option<Code>,
}

impl<'a> Explanation<'a> {
    /// One without any check.
    pub const fn new() -> Self {
        Self { steps: ArrayVec::new_const(), warning: None }
    }

    #[allow(clippy::inline_always, reason = "measured: a tenth of a decision")]
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn push(&mut self, step: Step<'a>) {
        if let Err(full) = self.steps.try_push(step)
            && let Some(last) = self.steps.last_mut()
        {
            *last = full.element();
        }
    }

    /// Starts again from checks that ran before, all of which passed.
    pub fn resume(&mut self, steps: &[Step<'a>]) {
        self.clear();
        // One copy, of as many as fit.
        let _ = self.steps.try_extend_from_slice(steps.get(..STEPS).unwrap_or(steps));
    }

    /// Removes every check, so that the space can be reused.
    pub fn clear(&mut self) {
        self.steps.clear();
        self.warning = None;
    }

    /// Records a check and returns its result.
    // Inlined: copying the step stalls on store forwarding. Small targets prefer small code.
    #[allow(clippy::inline_always, reason = "measured: a tenth of a decision")]
    #[cfg_attr(not(any(target_os = "none", target_family = "wasm")), inline(always))]
    pub fn note(&mut self, check: Check, code: Code, facts: Facts<'a>) -> Result<(), Code> {
        self.push(Step { check, code, tolerated: false, facts });
        if code.is_allowed() { Ok(()) } else { Err(code) }
    }

    /// Records a check that failed.
    pub fn fail(&mut self, check: Check, code: Code, facts: Facts<'a>) {
        self.push(Step { check, code, tolerated: false, facts });
    }

    /// Records a check whose outcome has been in doubt since `since`; the licence's policy decides.
    pub fn doubt(
        &mut self,
        check: Check,
        code: Code,
        facts: Facts<'a>,
        action: Action,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), Code> {
        if action.tolerates(since, now) {
            self.tolerate(check, code, facts);
            Ok(())
        } else {
            self.note(check, code, facts)
        }
    }

    /// Records a failure that the policy tolerates, and flags the decision.
    pub fn tolerate(&mut self, check: Check, code: Code, facts: Facts<'a>) {
        self.push(Step { check, code, tolerated: true, facts });
        self.warning = self.warning.or(Some(code));
    }

    /// The first failure that the licence's policy tolerated.
    pub fn warning(&self) -> Option<Code> {
        self.warning
    }

    /// The checks that ran.
    pub fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }

    /// Displays it as a JSON array of objects with `check`, `code`, `result` and the inputs.
    pub fn json(&self) -> impl fmt::Display + use<'_, 'a> {
        Json(self)
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps().iter().enumerate() {
            let line_break = if at == 0 { "" } else { "\n" };
            let mark = match (step.code.is_allowed(), step.tolerated) {
                (true, _) => "pass",
                (false, true) => "warn",
                (false, false) => "FAIL",
            };
            write!(f, "{line_break}{mark}  {:<9}  {}", step.check.name(), step.facts)?;
            if !step.code.is_allowed() {
                write!(f, "\n      {}\n      {}", step.code, step.code.advice())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Size { bytes } => write!(f, "{bytes} bytes"),
            Self::At { offset } => write!(f, "at byte {offset}"),
            Self::Key { kid, candidates } => write!(f, "kid {kid}, {candidates} known"),
            Self::Scope { bound } => write!(f, "beyond the key's {}", bound.name()),
            Self::Time { now, skew, issued_at, not_before, term_end, expires } => {
                write!(f, "now {}, issued at {}", now.as_seconds(), issued_at.as_seconds())?;
                if let Some(not_before) = not_before {
                    write!(f, ", not before {}", not_before.as_seconds())?;
                }
                if let Some(term_end) = term_end {
                    write!(f, ", term ends {}", term_end.as_seconds())?;
                }
                write!(f, ", expires {}, skew {skew}", expires.as_seconds())
            }
            Self::Issuer { expected } => write!(f, "expected {}", Quoted(expected)),
            Self::Bundle { sequence, issued_at } => {
                write!(f, "bundle {sequence}, issued at {}", issued_at.as_seconds())
            }
            Self::Revoked { sequence, reason, effective, until } => {
                write!(f, "bundle {sequence}, reason {}", reason.name())?;
                if *effective > Timestamp::EPOCH {
                    write!(f, ", effective from {}", effective.as_seconds())?;
                }
                until.map_or(Ok(()), |until| write!(f, ", passed over until {}", until.as_seconds()))
            }
            Self::Nodes { locks } => write!(f, "bound to {locks}"),
            Self::Until { expires, now } => {
                write!(f, "{}, until {}", now.as_seconds(), expires.as_seconds())
            }
            Self::Since { since, now } => {
                write!(f, "now {}, doubted since {}", now.as_seconds(), since.as_seconds())
            }
            Self::Charge { name, cost, remaining } => {
                write!(f, "{}, cost {cost}", Quoted(name))?;
                remaining.map_or(Ok(()), |remaining| write!(f, ", {remaining} left"))
            }
            Self::Audience { expected, named } => {
                match expected {
                    Some(expected) => write!(f, "expected {}", Quoted(expected))?,
                    None => f.write_str("none expected")?,
                }
                match named {
                    0 => f.write_str(", for every service"),
                    _ => write!(f, ", {named} named"),
                }
            }
            Self::Feature { name, expires, now } => {
                Quoted(name).fmt(f)?;
                match expires {
                    Some(expires) => {
                        write!(f, ", until {}, now {}", expires.as_seconds(), now.as_seconds())
                    }
                    None => Ok(()),
                }
            }
        }
    }
}

struct Json<'e, 'a>(&'e Explanation<'a>);

impl fmt::Display for Json<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, step) in self.0.steps().iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let (check, number, name) = (step.check.name(), step.code.number(), step.code.name());
            write!(f, r#"{comma}{{"check":"{check}","code":{number},"result":"{name}""#)?;
            if step.tolerated {
                f.write_str(r#","tolerated":true"#)?;
            }
            step.facts.json(f)?;
            f.write_str("}")?;
        }
        f.write_str("]")
    }
}

impl Facts<'_> {
    /// Writes the inputs as further members of a JSON object.
    fn json(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Size { bytes } => write!(f, r#","bytes":{bytes}"#),
            Self::At { offset } => write!(f, r#","offset":{offset}"#),
            Self::Key { kid, candidates } => write!(f, r#","kid":"{kid}","candidates":{candidates}"#),
            Self::Scope { bound } => write!(f, r#","bound":"{}""#, bound.name()),
            Self::Time { now, skew, issued_at, not_before, term_end, expires } => {
                let (not_before, term_end) = (OptionalTime(*not_before), OptionalTime(*term_end));
                let [now, issued_at, expires] = [now, issued_at, expires].map(|time| time.as_seconds());
                write!(f, r#","now":{now},"skew":{skew},"issued_at":{issued_at},"not_before":{not_before}"#)?;
                write!(f, r#","term_end":{term_end},"expires":{expires}"#)
            }
            Self::Issuer { expected } => write!(f, r#","expected":{}"#, Quoted(expected)),
            Self::Bundle { sequence, issued_at } => {
                write!(f, r#","sequence":{sequence},"issued_at":{}"#, issued_at.as_seconds())
            }
            Self::Revoked { sequence, reason, effective, until } => {
                let (reason, until) = (reason.name(), OptionalTime(*until));
                let effective = effective.as_seconds();
                write!(
                    f,
                    r#","sequence":{sequence},"reason":"{reason}","effective":{effective},"until":{until}"#
                )
            }
            Self::Nodes { locks } => write!(f, r#","locks":{locks}"#),
            Self::Until { expires, now } => {
                write!(f, r#","expires":{},"now":{}"#, expires.as_seconds(), now.as_seconds())
            }
            Self::Since { since, now } => {
                write!(f, r#","since":{},"now":{}"#, since.as_seconds(), now.as_seconds())
            }
            Self::Charge { name, cost, remaining } => {
                let (name, remaining) = (Quoted(name), Optional(*remaining));
                write!(f, r#","name":{name},"cost":{cost},"remaining":{remaining}"#)
            }
            Self::Audience { expected: Some(expected), named } => {
                write!(f, r#","expected":{},"named":{named}"#, Quoted(expected))
            }
            Self::Audience { expected: None, named } => write!(f, r#","expected":null,"named":{named}"#),
            Self::Feature { name, expires, now } => {
                let (name, expires, now) = (Quoted(name), OptionalTime(*expires), now.as_seconds());
                write!(f, r#","name":{name},"expires":{expires},"now":{now}"#)
            }
        }
    }
}
