//! Runs the steps of a gate's test, and gives what happened.

use std::sync::Arc;

use licentia::{BuildError, Code, Gate, GateBuilder, Key, Now, Request, State, store::Memory};
use licentia_vectors::{GateTest, Step};

/// What a step came to, in the names that a vector has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Name of the code: `allowed` where something was taken or granted.
    pub code: &'static str,
    /// State of what is allowed.
    pub state: Option<&'static str>,
    /// Name of the code of a doubt that was passed over.
    pub warning: Option<&'static str>,
}

impl Outcome {
    fn of(result: Result<(), Code>) -> Self {
        Self { code: result.err().map_or("allowed", Code::name), state: None, warning: None }
    }
}

/// A gate on a store that outlives it.
struct Steps<'a> {
    test: &'a GateTest,
    store: Arc<Memory>,
    gate: Option<Gate>,
    /// The keyset that was loaded last.
    loaded: Vec<u8>,
}

/// Runs all steps of a test. A restart has no outcome.
///
/// # Errors
/// A message where a step can't be run at all, such as a check before there is a gate.
pub fn run_gate(test: &GateTest) -> Result<Vec<Option<Outcome>>, String> {
    let mut steps = Steps { test, store: Arc::new(Memory::new()), gate: None, loaded: Vec::new() };
    if test.root.is_none() {
        steps.gate = Some(steps.build(&[]).map_err(|error| error.to_string())?);
    }
    test.steps.iter().map(|step| steps.run(step)).collect()
}

impl Steps<'_> {
    fn build(&self, keyset: &[u8]) -> Result<Gate, BuildError> {
        let mut builder = GateBuilder::new().store(self.store.clone()).cache_capacity(1).replay_capacity(1);
        for key in &self.test.keys {
            builder = builder.key(self::key(key));
        }
        if let Some(root) = &self.test.root {
            builder = builder.keyset(self::key(root), keyset);
        }
        builder.build()
    }

    fn gate(&self) -> Result<&Gate, String> {
        self.gate.as_ref().ok_or_else(|| "the first step loads a keyset".to_owned())
    }

    fn run(&mut self, step: &Step) -> Result<Option<Outcome>, String> {
        match step {
            Step::Load { keyset, .. } => {
                let keyset = unhex(keyset)?;
                let result = if let Some(gate) = &self.gate {
                    gate.load_keyset(&keyset).map(|_| ()).map_err(|error| error.code())
                } else {
                    let built = self.build(&keyset).map_err(|error| error.code());
                    built.map(|built| self.gate = Some(built))
                };
                if result.is_ok() {
                    self.loaded = keyset;
                }
                Ok(Some(Outcome::of(result)))
            }
            Step::Publish { bundle, .. } => Ok(Some(Outcome::of(
                self.gate()?.load_revocation(&unhex(bundle)?).map(|_| ()).map_err(|error| error.code()),
            ))),
            Step::Restart => {
                drop(self.gate.take());
                self.gate = Some(self.build(&self.loaded).map_err(|error| error.to_string())?);
                Ok(None)
            }
            Step::Check { token, now, monotonic_ms, rates, meters, .. } => {
                let (rates, meters) = (named(rates), named(meters));
                let request = Request::new().rates(&rates).meters(&meters);
                let now = Now { time: (*now).into(), monotonic_nanos: monotonic_ms * 1_000_000 };
                let decision = self.gate()?.check(token, &request, now);
                let code = decision.code();
                let state = code.is_allowed().then(|| State::name(decision.state()));
                Ok(Some(Outcome { code: code.name(), state, warning: decision.warning().map(Code::name) }))
            }
        }
    }
}

/// A key of a test, which is good.
fn key(text: &str) -> Key {
    Key::from_text(text).expect("a good key")
}

fn named(charges: &[(String, u64)]) -> Vec<(&str, u64)> {
    charges.iter().map(|(name, cost)| (name.as_str(), *cost)).collect()
}

fn unhex(digits: &str) -> Result<Vec<u8>, String> {
    data_encoding::HEXLOWER.decode(digits.as_bytes()).map_err(|error| error.to_string())
}
