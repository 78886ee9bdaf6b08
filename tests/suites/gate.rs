//! The gate gives to every step of every vector the answer that is written there.

use std::sync::Arc;

use licentia::{BuildError, Gate, GateBuilder, Key, Now, Request, State, store::Memory};
use licentia_tests::report;
use licentia_vectors::{GateTest, Group, Step};

/// A gate of a test, on a store that outlives it.
fn build(test: &GateTest, keyset: &[u8], store: &Arc<Memory>) -> Result<Gate, BuildError> {
    let mut builder = GateBuilder::new().store(store.clone());
    for key in &test.keys {
        builder = builder.key(Key::from_text(key).expect("a good key"));
    }
    if let Some(root) = &test.root {
        builder = builder.keyset(Key::from_text(root).expect("a good key"), keyset);
    }
    builder.build()
}

fn run(test: &GateTest) -> Result<usize, String> {
    let store = Arc::new(Memory::new());
    let (mut gate, mut loaded) = (None, Vec::new());
    if test.root.is_none() {
        gate = Some(build(test, &[], &store).map_err(|error| error.to_string())?);
    }
    for (at, step) in test.steps.iter().enumerate() {
        let differs =
            |expected: &str, found: &str| Err(format!("step {at}: expected {expected}, found {found}"));
        match step {
            Step::Load { keyset, code } => {
                let keyset =
                    data_encoding::HEXLOWER.decode(keyset.as_bytes()).map_err(|error| error.to_string())?;
                let result = match &gate {
                    Some(gate) => gate.load_keyset(&keyset).map(|_| ()),
                    None => build(test, &keyset, &store)
                        .map(|built| gate = Some(built))
                        .map_err(|error| error.code()),
                };
                let name = result.err().map_or("allowed", licentia::Code::name);
                if name != code {
                    return differs(code, name);
                }
                if name == "allowed" {
                    loaded = keyset;
                }
            }
            Step::Publish { bundle, code } => {
                let gate = gate.as_ref().ok_or("the first step loads a keyset")?;
                let bundle =
                    data_encoding::HEXLOWER.decode(bundle.as_bytes()).map_err(|error| error.to_string())?;
                let name = gate.load_revocation(&bundle).err().map_or("allowed", licentia::Code::name);
                if name != code {
                    return differs(code, name);
                }
            }
            Step::Restart => {
                drop(gate.take());
                gate = Some(build(test, &loaded, &store).map_err(|code| format!("step {at}: {code}"))?);
            }
            Step::Check { token, now, monotonic_ms, rates, meters, code, state, warning } => {
                let gate = gate.as_ref().ok_or("the first step loads a keyset")?;
                let pairs = |pairs: &'static [(String, u64)]| -> Vec<(&'static str, u64)> {
                    pairs.iter().map(|(name, cost)| (name.as_str(), *cost)).collect()
                };
                let (rates, meters) = (pairs(rates.clone().leak()), pairs(meters.clone().leak()));
                let request = Request::new().rates(&rates).meters(&meters);
                let now = Now { seconds: *now, monotonic_nanos: monotonic_ms * 1_000_000 };
                let decision = gate.check(token, &request, now);
                if decision.code().name() != code {
                    return differs(code, decision.code().name());
                }
                let found = decision.code().is_allowed().then(|| State::name(decision.state()));
                if found != state.as_deref() {
                    return differs(&format!("{state:?}"), &format!("{found:?}"));
                }
                let found = decision.warning().map(licentia::Code::name);
                if found != warning.as_deref() {
                    return differs(&format!("{warning:?}"), &format!("{found:?}"));
                }
            }
        }
    }
    Ok(test.steps.len())
}

#[test]
fn gate() {
    let file = licentia_vectors::gate();
    let (mut ran, mut steps, mut failures) = (0, 0, Vec::new());
    for group in &file.test_groups {
        for test in &group.tests {
            match run(test) {
                Ok(count) => steps += count,
                Err(failure) => {
                    failures.push(format!("{} {}: {}: {failure}", test.tc_id, group.comment, test.comment));
                }
            }
            ran += 1;
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert_eq!(ran, file.number_of_tests);
    assert_eq!(ran, file.test_groups.iter().flat_map(Group::tests).count());
    assert!(ran > 0);
    report(format_args!("vectors: {ran} cases of gate.json, {steps} steps"));
}
