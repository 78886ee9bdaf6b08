//! The gate gives to every step of every vector the answer that is written there.

use licentia_tests::{report, run_gate};
use licentia_vectors::{GateTest, Group, Step};

fn run(test: &GateTest) -> Result<usize, String> {
    for (at, (step, found)) in test.steps.iter().zip(run_gate(test)?).enumerate() {
        let expected = match step {
            Step::Load { code, .. } | Step::Publish { code, .. } => Some((code.as_str(), None, None)),
            Step::Restart => None,
            Step::Check { code, state, warning, .. } => {
                Some((code.as_str(), state.as_deref(), warning.as_deref()))
            }
        };
        let found = found.map(|outcome| (outcome.code, outcome.state, outcome.warning));
        if found != expected {
            return Err(format!("step {at}: expected {expected:?}, found {found:?}"));
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
