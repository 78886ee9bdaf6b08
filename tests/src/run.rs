//! How many cases a suite runs, on how many threads, and how it says so.

use std::{env, fmt, io::Write as _, thread, time::Instant};

/// Tells what a suite did. It is seen even where the test passes: the test harness holds back only
/// what is printed by macros.
pub fn report(line: fmt::Arguments<'_>) {
    // A report that cannot be written is no failure of the test.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The number of random cases: `default`, or `LICENTIA_CASES` from the environment.
///
/// # Panics
/// If the variable is not a number.
pub fn cases(default: u64) -> u64 {
    match env::var("LICENTIA_CASES") {
        Ok(number) => number.replace('_', "").parse().expect("LICENTIA_CASES is a number"),
        Err(_) => default,
    }
}

/// Which random cases a suite runs: 0, or `LICENTIA_SEED` from the environment.
///
/// # Panics
/// If the variable is not a number.
fn seed() -> u64 {
    env::var("LICENTIA_SEED").map_or(0, |number| number.parse().expect("LICENTIA_SEED is a number"))
}

/// Divides `cases` among all processors and returns what each portion found.
///
/// There is a fixed number of portions, each with random numbers of its own, so that the cases are the same on every
/// machine. `LICENTIA_SEED` selects others.
pub fn in_parallel<T: Send>(
    name: &str,
    cases: u64,
    work: impl Fn(&mut fastrand::Rng, u64) -> T + Sync,
) -> Vec<T> {
    const PORTIONS: u64 = 64;
    let started = Instant::now();
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let first_seed = seed().wrapping_mul(PORTIONS);
    let portion = |number: u64| {
        let size = cases / PORTIONS + u64::from(number < cases % PORTIONS);
        work(&mut fastrand::Rng::with_seed(first_seed.wrapping_add(number)), size)
    };
    let found = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                let portion = &portion;
                let numbers = (first..PORTIONS).step_by(usize::try_from(threads).unwrap_or(1));
                scope.spawn(move || numbers.map(portion).collect::<Vec<T>>())
            })
            .collect();
        let joined = workers.into_iter().map(thread::ScopedJoinHandle::join);
        joined.flat_map(|found| found.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    let pace = cases as f64 / seconds;
    report(format_args!("{name}: {cases} cases in {seconds:.1} s on {threads} threads, {pace:.0} cases/s"));
    found
}
