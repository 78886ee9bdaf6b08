//! Long runs: tests of the suite `rust`, with more cases, other random numbers or a larger size in each round, and the
//! fuzz targets, for as long as you like.

use std::time::{Duration, Instant};

use crate::{
    command::{Result, cargo, run as run_command},
    fuzz,
    rust::tests,
    tools::valkey,
};

/// A test that is worth running for hours.
struct Soak {
    name: &'static str,
    proves: &'static str,
    package: &'static str,
    tests: &'static [&'static str],
    amount: Amount,
}

/// How much a round does.
enum Amount {
    /// As much as the value of a variable says, with a seed of the round's own.
    Fixed(&'static str, u64),
    /// The variable starts with the value and grows tenfold each round, while the time may suffice for the next one.
    Growing(&'static str, u64),
    /// What the tests do in the suite, again and again.
    Repeated,
}

const SOAKS: &[Soak] = &[
    Soak {
        name: "acceptance",
        proves: "core accepts exactly the signatures that verify_strict accepts",
        package: "licentia-tests",
        tests: &["acceptance"],
        amount: Amount::Fixed("LICENTIA_CASES", 1_000_000),
    },
    Soak {
        name: "mutation",
        proves: "no altered token verifies, and none causes a panic",
        package: "licentia-tests",
        tests: &["mutation"],
        amount: Amount::Fixed("LICENTIA_CASES", 1_000_000),
    },
    Soak {
        name: "bundles",
        proves: "no altered bundle is taken for another, and none causes a panic",
        package: "licentia-tests",
        tests: &["bundle"],
        amount: Amount::Fixed("LICENTIA_CASES", 500_000),
    },
    Soak {
        name: "periods",
        proves: "periods are those of another calendar",
        package: "licentia-tests",
        tests: &["periods"],
        amount: Amount::Fixed("LICENTIA_CASES", 2_000_000),
    },
    Soak {
        name: "properties",
        proves: "properties hold for random inputs",
        package: "licentia-tests",
        tests: &["cbor", "roundtrip", "receipts"],
        amount: Amount::Fixed("PROPTEST_CASES", 20_000),
    },
    Soak {
        name: "counting",
        proves: "meters and receipts agree with their models for random schedules",
        package: "licentia",
        tests: &["metering", "receipts"],
        amount: Amount::Fixed("PROPTEST_CASES", 5_000),
    },
    Soak {
        name: "kills",
        proves: "no unit is granted twice when processes are killed, and a kill loses one chunk at most",
        package: "licentia",
        tests: &["crash"],
        amount: Amount::Fixed("LICENTIA_KILLS", 250),
    },
    Soak {
        name: "kills-valkey",
        proves: "the same on Valkey",
        package: "licentia",
        tests: &["crash"],
        amount: Amount::Fixed("LICENTIA_KILLS", 250),
    },
    Soak {
        name: "model",
        proves: "gates agree with a model in plain integers, on each store, whatever fails",
        package: "licentia",
        tests: &["model"],
        amount: Amount::Fixed("LICENTIA_CASES", 100),
    },
    Soak {
        name: "receipts",
        proves: "a writer of receipts that is killed loses nothing that it has reported",
        package: "licentia",
        tests: &["receipts_kill"],
        amount: Amount::Repeated,
    },
    Soak {
        name: "outages",
        proves: "stores that fail, and hosts that share one, decide as the policies say",
        package: "licentia",
        tests: &["outage", "outages", "hosts", "shared_rates"],
        amount: Amount::Repeated,
    },
    Soak {
        name: "server",
        proves: "services and databases that are killed at random moments keep what they have told",
        package: "licentia-server",
        tests: &["crash"],
        amount: Amount::Fixed("LICENTIA_KILLS", 200),
    },
    Soak {
        name: "load",
        proves: "a revocation reaches 10,000 readers, and licences are issued by the thousand",
        package: "licentia-server",
        tests: &["load"],
        amount: Amount::Fixed("LICENTIA_READERS", 10_000),
    },
    Soak {
        name: "gateway",
        proves: "under load, with reloads, revocations and a store that is killed, no answer of the gateway is wrong, and nothing grows",
        package: "licentia-gateway",
        tests: &["load"],
        amount: Amount::Fixed("LICENTIA_LOAD_SECONDS", 600),
    },
    Soak {
        name: "bulk",
        proves: "a ledger is issued in batches, and answers every question at once",
        package: "licentia-issuer",
        tests: &["million"],
        amount: Amount::Growing("LICENTIA_ISSUED", 100_000),
    },
    Soak {
        name: "ledger",
        proves: "a ledger becomes a bundle and is replayed, in memory that does not grow with it (1e8 need 25 GB of disk)",
        package: "licentia-issuer",
        tests: &["universe"],
        amount: Amount::Growing("LICENTIA_ISSUED", 100_000),
    },
];

impl Amount {
    /// What the tests find in their environment.
    fn environment(&self, round: u64) -> Vec<(&'static str, String)> {
        match self {
            Self::Fixed(name, value) => vec![(name, value.to_string()), ("LICENTIA_SEED", round.to_string())],
            Self::Growing(name, first) => {
                let grown = (0..round).fold(*first, |value, _| value.saturating_mul(10));
                vec![(name, grown.to_string())]
            }
            Self::Repeated => Vec::new(),
        }
    }

    /// Whether there is time for another round after one that took so long.
    fn has_time(&self, left: Duration, took: Duration) -> bool {
        match self {
            Self::Growing(..) => left > took * 10,
            Self::Fixed(..) | Self::Repeated => !left.is_zero(),
        }
    }
}

impl Soak {
    /// The arguments of `cargo test`.
    fn words(&self) -> Vec<&'static str> {
        let mut words = vec!["--profile", "soak", "--locked", "--all-features", "-p", self.package];
        words.extend(self.tests.iter().flat_map(|test| ["--test", *test]));
        words
    }

    fn run(&self, time: Duration) -> Result {
        let words = self.words();
        run_command(cargo(&[&["test", "--no-run"], &words[..]].concat()))?;
        let started = Instant::now();
        let left = || time.saturating_sub(started.elapsed());
        for round in 0.. {
            let began = Instant::now();
            let environment = self.amount.environment(round);
            let mut test = cargo(&["test"]);
            if self.name.ends_with("-valkey") {
                test.env(tests::SERVER, valkey::program()?);
            }
            test.envs(environment.iter().map(|(name, value)| (*name, value)));
            tests::run_equipped(test, &[&words[..], &["--", "--nocapture"]].concat()).map_err(|error| {
                let set: String =
                    environment.iter().map(|(name, value)| format!("{name}={value} ")).collect();
                format!(
                    "{}, round {round}: {error}; to repeat it: {set}cargo test {}",
                    self.name,
                    words.join(" ")
                )
            })?;
            println!("{}: round {round} passed in {:.1} s", self.name, began.elapsed().as_secs_f64());
            if !self.amount.has_time(left(), began.elapsed()) {
                break;
            }
        }
        Ok(())
    }
}

const HELP: &str = "cargo xtask soak [--minutes N] [RUN...]; `cargo xtask soaks` lists the runs";

/// What the name of a run begins with that fuzzes.
const FUZZ: &str = "fuzz-";

/// Lists the runs.
pub(crate) fn list() -> Result {
    for soak in SOAKS {
        println!("{:<14} {}", soak.name, soak.proves);
    }
    for (target, proves) in fuzz::targets()? {
        println!("{:<14} {proves}", format!("{FUZZ}{target}"));
    }
    Ok(())
}

/// Runs all, or those that are named, for some minutes each, and goes on after one that fails.
pub(crate) fn run(words: &[&str]) -> Result {
    let (minutes, named) = match words {
        ["--minutes", minutes, named @ ..] => (minutes.parse().map_err(|_| HELP)?, named),
        named => (10, named),
    };
    let targets: Vec<String> =
        fuzz::targets()?.into_iter().map(|(target, _)| format!("{FUZZ}{target}")).collect();
    let known =
        |name: &str| SOAKS.iter().any(|soak| soak.name == name) || targets.iter().any(|run| run == name);
    if let Some(unknown) = named.iter().find(|name| !known(name)) {
        return Err(format!("no run `{unknown}`; {HELP}"));
    }
    let is_chosen = |name: &str| named.is_empty() || named.contains(&name);
    let chosen = SOAKS.iter().filter(|soak| is_chosen(soak.name));
    let time = Duration::from_secs(60 * minutes);
    let mut failed = Vec::new();
    let fuzzed: Vec<_> = targets.iter().filter(|run| is_chosen(run)).collect();
    if !fuzzed.is_empty() {
        fuzz::build()?;
    }
    for run in fuzzed {
        println!("\n=== {run}");
        failed.extend(fuzz::run_built(run.strip_prefix(FUZZ).unwrap_or(run), time).err());
    }
    for soak in chosen {
        println!("\n=== {}: {}", soak.name, soak.proves);
        if let Err(message) = soak.run(time) {
            println!("FAILED: {message}");
            failed.push(message);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

#[cfg(test)]
mod amounts {
    use super::{Amount, Duration};

    #[test]
    fn an_amount_has_a_seed_for_each_round_or_grows() {
        let fixed = Amount::Fixed("CASES", 7);
        assert_eq!(fixed.environment(3), [("CASES", "7".to_owned()), ("LICENTIA_SEED", "3".to_owned())]);
        let growing = Amount::Growing("SIZE", 5);
        assert_eq!(growing.environment(2), [("SIZE", "500".to_owned())]);
        let seconds = Duration::from_secs;
        assert!(growing.has_time(seconds(11), seconds(1)) && !growing.has_time(seconds(10), seconds(1)));
        assert!(fixed.has_time(seconds(1), seconds(60)) && !fixed.has_time(seconds(0), seconds(1)));
    }
}
