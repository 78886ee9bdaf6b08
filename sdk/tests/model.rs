//! Gates on one store beside a model in plain integers: random schedules of charges, reservations, jobs, refunds,
//! upgrades, clock steps, faults, stalls and kills.
//!
//! Only one gate acts at a time, so that what each gate holds ahead is known to the unit: what the store has counted
//! more than the model. It is never below zero, whatever fails, and in the end every unit is accounted for.
//!
//! `LICENTIA_CASES` sets how many schedules there are, and `LICENTIA_SEED` which; `cargo xtask soak model` runs it for
//! long. `LICENTIA_SCHEDULE` repeats one that failed.

mod common;
#[path = "common/server.rs"]
mod server;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use common::{DAY, NOW, builder, licence};
use fastrand::Rng;
use licentia::{
    Action, Code, Decision, Gate, Now, Request, Reservation, Timestamp,
    store::{
        self, Became, Cell, Fault, JobAsk, JobCharged, JobFinish, PartDone, Store, Taken, Turn, Unreachable,
    },
};
use licentia_core::{AccountId, Lineage, Window};
use server::Server;

/// Calls a day of the tokens of the lineage: before and after an upgrade, and after a downgrade.
const CALLS: [u64; 3] = [300, 2_000, 60];
/// Mails a day of each of them.
const MAILS: u64 = 80;
const GREATEST: u64 = 2_000;
const METERS: [&str; 2] = ["calls", "mails"];
const GATES: usize = 3;
const STEPS: usize = 120;
/// Days that a schedule goes through.
const DAYS: u64 = 3;
/// For how long a gate remembers that there were too few units, in nanoseconds.
const REFUSED: u64 = 100_000_000;

/// What goes wrong in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    /// Nothing is done.
    Not(Fault),
    /// It is done, and the answer is lost.
    Done,
    /// The answer is lost, and it is done at a later step.
    Late,
}

/// An operation on a count that reaches the store late.
#[derive(Clone, Copy)]
enum Late {
    Take { by: Turn, need: u64, want: u64, limit: u64 },
    GiveBack { by: Turn, units: u64 },
}

type Delayed = Arc<Mutex<Vec<(usize, AccountId, String, Window, Late)>>>;

/// A gate's way to the store.
struct Way {
    /// Whose it is.
    gate: usize,
    /// Each schedule begins on the same day: the marks of clocks are its own.
    schedule: u64,
    store: Arc<dyn Store>,
    wrong: Mutex<Option<Wrong>>,
    delayed: Delayed,
    /// Whether its process was killed.
    killed: Mutex<bool>,
    /// How often the driver has found that the store answers again.
    probes: AtomicU64,
}

impl Way {
    fn go<T>(
        &self,
        late: Option<(&Cell<'_>, Late)>,
        work: impl FnOnce() -> Result<T, Unreachable>,
    ) -> Result<T, Unreachable> {
        let error = |fault| Err(Unreachable::new(fault, "the test says so"));
        if *self.killed.lock().unwrap() {
            return error(Fault::NotSent);
        }
        match *self.wrong.lock().unwrap() {
            None => work(),
            Some(Wrong::Not(fault)) => error(fault),
            Some(Wrong::Done) => work().and_then(|_| error(Fault::Unknown)),
            Some(Wrong::Late) => {
                if let Some((cell, late)) = late {
                    let late = (self.gate, cell.account, cell.meter.to_owned(), cell.window, late);
                    self.delayed.lock().unwrap().push(late);
                }
                error(Fault::Unknown)
            }
        }
    }
}

impl Store for Way {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.go(None, || self.store.take(cell, need, want, limit))
    }
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.go(None, || self.store.give_back(cell, units))
    }
    fn take_in_turn(
        &self,
        cell: &Cell<'_>,
        by: Turn,
        need: u64,
        want: u64,
        limit: u64,
    ) -> Result<Taken, Unreachable> {
        let late = Late::Take { by, need, want, limit };
        self.go(Some((cell, late)), || self.store.take_in_turn(cell, by, need, want, limit))
    }
    fn give_back_in_turn(&self, cell: &Cell<'_>, by: Turn, units: u64) -> Result<(), Unreachable> {
        self.go(Some((cell, Late::GiveBack { by, units })), || self.store.give_back_in_turn(cell, by, units))
    }
    fn resolve(&self, cell: &Cell<'_>, by: Turn) -> Result<Became, Unreachable> {
        self.go(None, || self.store.resolve(cell, by))
    }
    fn charge_job(&self, ask: &JobAsk<'_>) -> Result<JobCharged, Unreachable> {
        self.go(None, || self.store.charge_job(ask))
    }
    fn finish_job(&self, ask: &JobFinish<'_>) -> Result<Vec<PartDone>, Unreachable> {
        self.go(None, || self.store.finish_job(ask))
    }
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.store.load(&format!("{}.{name}", self.schedule))
    }
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.store.save(&format!("{}.{name}", self.schedule), value)
    }
    fn probe(&self) -> Result<(), Unreachable> {
        self.probes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    fn may_wait(&self) -> bool {
        self.store.may_wait()
    }
}

/// A gate, and its way to the store.
struct Process {
    /// A number that no other one has.
    number: usize,
    gate: Gate,
    way: Arc<Way>,
}

/// What the model knows of a job on one meter.
#[derive(Clone, Copy, Debug, Default)]
struct Job {
    /// Units of earlier attempts, which were refunded.
    attempt: u64,
    cost: u64,
    charged: u64,
    refunded: u64,
    tries: u64,
    is_final: bool,
    /// Whether anything is charged.
    stands: bool,
}

/// A count: the day, and the meter's place.
type Count = (u64, usize);

/// A reservation that is not committed yet.
struct Held {
    process: usize,
    reservation: Reservation,
    day: u64,
    job: Option<String>,
    /// For each meter: what is reserved, and the job's attempt.
    parts: [Option<(u64, u64)>; 2],
}

/// What should be, in plain integers.
#[derive(Default)]
struct Model {
    /// Units that are used or reserved.
    used: BTreeMap<Count, u64>,
    /// What each process holds ahead.
    ahead: BTreeMap<(usize, Count), i128>,
    /// What was lost with processes.
    lost: BTreeMap<Count, u64>,
    jobs: BTreeMap<(Count, String), Job>,
    /// When a process was last refused, and how many units were taken then.
    refused: BTreeMap<(usize, Count), (u64, u64)>,
    /// What a process granted under a limit that was passed.
    passed: BTreeMap<(usize, Count, u64), u64>,
    /// Processes with units in doubt.
    doubting: BTreeMap<usize, bool>,
    /// Processes whose store has failed last: one question at a time tries it, and others are refused meanwhile.
    down: BTreeMap<usize, bool>,
}

impl Model {
    fn used(&mut self, count: Count) -> &mut u64 {
        self.used.entry(count).or_default()
    }

    fn ahead(&self, process: usize, count: Count) -> u64 {
        u64::try_from(self.ahead.get(&(process, count)).copied().unwrap_or(0)).unwrap()
    }

    fn job(&mut self, count: Count, name: &str) -> &mut Job {
        self.jobs.entry((count, name.to_owned())).or_default()
    }

    fn lose(&mut self, process: usize) {
        let keys: Vec<_> = self.ahead.keys().filter(|(of, _)| *of == process).copied().collect();
        for key in keys {
            let ahead = self.ahead.remove(&key).unwrap();
            *self.lost.entry(key.1).or_default() += u64::try_from(ahead).unwrap();
        }
    }

    fn cancel(&mut self, held: &Held) {
        for (meter, part) in held.parts.iter().enumerate() {
            let (Some((reserved, attempt)), count) = (*part, (held.day, meter)) else { continue };
            let Some(name) = &held.job else {
                *self.used(count) -= reserved;
                continue;
            };
            let job = self.job(count, name);
            if job.stands && job.attempt == attempt {
                job.tries = job.tries.saturating_sub(1);
                if job.tries == 0 {
                    let back = job.charged - job.refunded;
                    *job = Job { attempt: attempt + job.refunded, ..Job::default() };
                    *self.used(count) -= back;
                }
            }
        }
    }

    fn commit(&mut self, held: &Held, costs: [u64; 2]) {
        for (meter, part) in held.parts.iter().enumerate() {
            let (Some((reserved, attempt)), count) = (*part, (held.day, meter)) else { continue };
            let Some(name) = &held.job else {
                *self.used(count) -= reserved - costs[meter];
                continue;
            };
            let job = self.job(count, name);
            if job.stands && job.attempt == attempt && !job.is_final {
                let back = job.charged - costs[meter].min(job.charged);
                (job.charged, job.is_final) = (job.charged - back, true);
                *self.used(count) -= back;
            }
        }
    }
}

/// A request, and its answer.
struct Asked {
    process: usize,
    /// Of each meter.
    costs: [u64; 2],
    limits: [u64; 2],
    reserve: bool,
    wrong: Option<Wrong>,
    /// Whether the store had failed before.
    down: bool,
    code: Code,
}

struct World {
    name: &'static str,
    seed: u64,
    random: Rng,
    store: Arc<dyn Store>,
    account: AccountId,
    tokens: [String; 3],
    processes: Vec<Process>,
    started: usize,
    held: Vec<Held>,
    delayed: Delayed,
    model: Model,
    now: Now,
    trace: Vec<String>,
}

impl World {
    fn new(name: &'static str, store: Arc<dyn Store>, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let lineage: [u8; 16] = std::array::from_fn(|_| random.u8(..));
        let token = |calls: u64| {
            licence(|draft| {
                draft.lineage = Some(lineage.into());
                draft.grant.quotas.insert("calls".into(), format!("{calls}/day").parse().unwrap());
                draft.grant.quotas.insert("mails".into(), format!("{MAILS}/day").parse().unwrap());
                draft.grant.policy.store_unreachable = Action::Deny;
            })
        };
        let mut world = Self {
            name,
            seed,
            random,
            store,
            account: AccountId::new("acme", Lineage::from(lineage)),
            tokens: CALLS.map(token),
            processes: Vec::new(),
            started: 0,
            held: Vec::new(),
            delayed: Delayed::default(),
            model: Model::default(),
            now: Now { time: NOW, monotonic_nanos: 1_000_000_000 },
            trace: Vec::new(),
        };
        (0..GATES).for_each(|_| world.start());
        world
    }

    fn start(&mut self) {
        let way = Arc::new(Way {
            gate: self.started,
            schedule: self.seed,
            store: Arc::clone(&self.store),
            wrong: Mutex::default(),
            delayed: Arc::clone(&self.delayed),
            killed: Mutex::default(),
            probes: AtomicU64::default(),
        });
        let gate = builder().store(way.clone()).prefetch(false).build().unwrap();
        self.processes.push(Process { number: self.started, gate, way });
        self.started += 1;
    }

    fn day(&self) -> u64 {
        self.now.time.as_seconds() / DAY
    }

    fn cell(&self, (day, meter): Count) -> Cell<'static> {
        let end = Some(Timestamp::from((day + 1) * DAY));
        let window = Window { start: Timestamp::from(day * DAY), end };
        Cell { account: self.account, meter: METERS[meter], window }
    }

    /// What the store has counted, of all days so far.
    fn totals(&self) -> BTreeMap<Count, u64> {
        let first = NOW.as_seconds() / DAY;
        let counts = (first..=self.day()).flat_map(|day| [(day, 0), (day, 1)]);
        counts.map(|count| (count, self.store.take(&self.cell(count), 0, 0, 0).unwrap().total)).collect()
    }

    fn fail(&self, why: &str) -> ! {
        let trace = self.trace.join("\n  ");
        panic!("{}: {why}; LICENTIA_SCHEDULE={} repeats it. Its steps:\n  {trace}", self.name, self.seed);
    }

    fn expect(&self, holds: bool, why: impl FnOnce() -> String) {
        if !holds {
            self.fail(&why());
        }
    }

    /// What a process did changed its units ahead by what the store counts more than the model.
    fn balance(&mut self, process: usize, totals: &BTreeMap<Count, u64>, used: &BTreeMap<Count, u64>) {
        for (count, after) in self.totals() {
            let before = totals.get(&count).copied().unwrap_or(0);
            let more = i128::from(self.model.used.get(&count).copied().unwrap_or(0))
                - i128::from(used.get(&count).copied().unwrap_or(0));
            let ahead = self.model.ahead.entry((process, count)).or_default();
            *ahead += i128::from(after) - i128::from(before) - more;
            let ahead = *ahead;
            self.expect(ahead >= 0, || {
                format!("process {process} granted {} more than it had of {count:?}", -ahead)
            });
            self.expect(after <= GREATEST, || format!("{after} are taken of {count:?}"));
        }
    }

    /// Waits until the store of a process is known to answer.
    fn recover(&mut self, process: usize) {
        let Some(process) = self.processes.iter().find(|one| one.number == process) else { return };
        if self.model.down.insert(process.number, false) == Some(true) && self.store.may_wait() {
            let (begun, probes) = (Instant::now(), process.way.probes.load(Ordering::SeqCst));
            while process.way.probes.load(Ordering::SeqCst) == probes
                && begun.elapsed() < Duration::from_millis(150)
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn wrong(&mut self) -> Option<Wrong> {
        // A store that never waits loses no answers.
        let kinds = if self.store.may_wait() { 6 } else { 3 };
        (self.random.u8(0..8) == 0).then(|| match self.random.u8(0..kinds) {
            0 => Wrong::Not(Fault::NotSent),
            1 => Wrong::Not(Fault::OneKey),
            2 => Wrong::Not(Fault::Refused),
            3 => Wrong::Not(Fault::Unknown),
            4 => Wrong::Done,
            _ => Wrong::Late,
        })
    }

    fn step(&mut self) {
        let (totals, used) = (self.totals(), self.model.used.clone());
        let place = self.random.usize(0..self.processes.len());
        let process = self.processes[place].number;
        let wrong = self.wrong();
        *self.processes[place].way.wrong.lock().unwrap() = wrong;
        if wrong.is_some_and(|wrong| !matches!(wrong, Wrong::Not(fault) if fault != Fault::Unknown)) {
            self.model.doubting.insert(process, true);
        }
        if wrong.is_some_and(|wrong| wrong != Wrong::Not(Fault::OneKey)) {
            self.model.down.insert(process, true);
        }
        match self.random.u8(0..100) {
            0..45 => self.check(place, wrong, &totals, false),
            45..60 => self.check(place, wrong, &totals, true),
            60..75 if !self.held.is_empty() => {
                *self.processes[place].way.wrong.lock().unwrap() = None;
                self.finish(wrong);
                return;
            }
            75..80 => {
                self.recover(process);
                self.refund(place, wrong);
            }
            80..84 => {
                self.trace.push(format!("{process} refills, {wrong:?}"));
                self.processes[place].gate.refill(self.now);
            }
            84..88 => {
                self.recover(process);
                self.settle(place, wrong, &totals, &used);
                *self.processes[place].way.wrong.lock().unwrap() = None;
                return;
            }
            88..91 => {
                self.recover(process);
                self.end(place, wrong, &totals, &used);
                return;
            }
            91..94 => self.step_clock(),
            94..97 => {
                *self.processes[place].way.wrong.lock().unwrap() = None;
                self.arrive(&totals);
                return;
            }
            _ => {
                self.now.monotonic_nanos += self.random.u64(0..2 * REFUSED);
            }
        }
        self.balance(process, &totals, &used);
        *self.processes[place].way.wrong.lock().unwrap() = None;
    }

    /// A check or a reservation, with or without a job's name.
    fn check(&mut self, place: usize, wrong: Option<Wrong>, totals: &BTreeMap<Count, u64>, reserve: bool) {
        let process = self.processes[place].number;
        let token = self.random.usize(0..3);
        let limits = [CALLS[token], MAILS];
        let most = if self.random.u8(0..6) == 0 { 200 } else { 12 };
        let mut costs = [self.random.u64(1..=most), 0];
        if self.random.bool() {
            costs[1] = self.random.u64(1..=10);
        }
        let job = (self.random.u8(0..3) == 0).then(|| format!("job-{}", self.random.u8(0..5)));
        if job.is_some() && self.random.u8(0..8) > 0 {
            // Mostly the same cost for the same name.
            costs = [7, if costs[1] > 0 { 3 } else { 0 }];
        }
        self.trace.push(format!(
            "{process} {} {costs:?} of {limits:?}, {job:?}, {wrong:?}",
            if reserve { "reserves" } else { "charges" }
        ));
        let meters: Vec<_> = METERS
            .iter()
            .zip(costs)
            .filter(|(_, cost)| *cost > 0)
            .map(|(name, cost)| (*name, cost))
            .collect();
        let mut request = Request::new().meters(&meters);
        if let Some(job) = &job {
            request = request.job(job);
        }
        let (gate, token) = (&self.processes[place].gate, &self.tokens[token]);
        let (decision, reservation): (Decision<'_>, _) = if reserve {
            gate.reserve(token, &request, self.now)
        } else {
            (gate.check(token, &request, self.now), None)
        };
        let code = decision.code();
        drop(decision);
        let last = self.trace.len() - 1;
        self.trace[last] += &format!(": {code}");
        let counts = [(self.day(), 0), (self.day(), 1)];
        let down = self.model.down.get(&process).is_some_and(|down| *down);
        if wrong.is_none() && code != Code::StoreUnreachable {
            self.model.down.insert(process, false);
        }
        let asked = Asked { process, costs, limits, reserve, wrong, down, code };
        if let Some(job) = &job {
            self.tried(&asked, job, totals);
        } else {
            self.charged(&asked, totals);
        }
        if let Some(reservation) = reservation {
            let day = self.day();
            let parts = [0, 1].map(|meter| {
                let attempt = job.as_ref().map_or(0, |job| self.model.job(counts[meter], job).attempt);
                (costs[meter] > 0).then_some((costs[meter], attempt))
            });
            self.held.push(Held { process, reservation, day, job, parts });
        }
    }

    /// What became of a job, and what should have.
    fn tried(&mut self, asked: &Asked, job: &str, totals: &BTreeMap<Count, u64>) {
        let Asked { process, costs, limits, reserve, wrong, down, code } = *asked;
        let counts = [(self.day(), 0), (self.day(), 1)];
        let parts = || (0..2).filter(|meter| costs[*meter] > 0);
        let stands =
            |meter: usize| self.model.jobs.get(&(counts[meter], job.to_owned())).filter(|job| job.stands);
        let differs = parts().any(|meter| stands(meter).is_some_and(|job| job.cost != costs[meter]));
        let lacks = |with_own: bool| {
            parts().any(|meter| {
                let own = if with_own { self.model.ahead(process, counts[meter]) } else { 0 };
                stands(meter).is_none() && totals[&counts[meter]] - own + costs[meter] > limits[meter]
            })
        };
        let doubts = self.model.doubting.get(&process).is_some_and(|doubts| *doubts);
        let possible = match (differs, lacks(true), lacks(false)) {
            (true, ..) => vec![Code::JobCostDiffers],
            (_, true, _) => vec![Code::QuotaExceeded],
            (_, _, true) if doubts => {
                vec![Code::QuotaExceeded, Code::StoreUnreachable, Code::Allowed]
            }
            _ => vec![Code::Allowed],
        };
        let is_possible =
            possible.contains(&code) || (wrong.is_some() || down) && code == Code::StoreUnreachable;
        self.expect(is_possible, || format!("{code} and not one of {possible:?}"));
        // What was done without an answer is done.
        let done = code == Code::Allowed || wrong == Some(Wrong::Done) && !differs && !lacks(false);
        if done {
            for meter in parts() {
                let standing = self.model.job(counts[meter], job);
                standing.tries += 1;
                if standing.stands {
                    standing.is_final |= !reserve;
                } else {
                    let (cost, attempt) = (costs[meter], standing.attempt);
                    *standing = Job {
                        attempt,
                        cost,
                        charged: cost,
                        refunded: 0,
                        tries: 1,
                        is_final: !reserve,
                        stands: true,
                    };
                    *self.model.used(counts[meter]) += cost;
                }
            }
        }
    }

    /// What became of a request without a job, and what should have.
    fn charged(&mut self, asked: &Asked, totals: &BTreeMap<Count, u64>) {
        let Asked { process, costs, limits, wrong, down, code, .. } = *asked;
        let counts = [(self.day(), 0), (self.day(), 1)];
        let parts = || (0..2).filter(|meter| costs[*meter] > 0);
        let fits = |meter: usize| {
            let (total, cost) = (totals[&counts[meter]], costs[meter]);
            let ahead = self.model.ahead(process, counts[meter]);
            let remembers = self.model.refused.get(&(process, counts[meter])).is_some_and(|(at, total)| {
                self.now.monotonic_nanos - at < REFUSED && total + cost > limits[meter]
            });
            total <= limits[meter] && ahead >= cost || total + cost <= limits[meter] && !remembers
        };
        let has_to = parts().all(fits);
        let possible = match code {
            Code::Allowed => parts().all(|meter| {
                self.model.used.get(&counts[meter]).copied().unwrap_or(0) + costs[meter] <= GREATEST
            }),
            Code::QuotaExceeded => !has_to || wrong.is_some(),
            Code::StoreUnreachable => wrong.is_some() || down,
            _ => false,
        };
        self.expect(possible, || format!("{code}, and it fits: {has_to}; {totals:?}"));
        if code == Code::Allowed {
            for meter in parts() {
                let used = self.model.used(counts[meter]);
                *used += costs[meter];
                if *used > limits[meter] {
                    let passed =
                        self.model.passed.entry((process, counts[meter], limits[meter])).or_default();
                    *passed += costs[meter];
                    let passed = *passed;
                    self.expect(passed <= limits[meter], || {
                        format!("{passed} beyond {} by process {process}", limits[meter])
                    });
                }
            }
        }
        if code == Code::QuotaExceeded {
            let after = self.totals();
            for meter in parts() {
                let before = totals[&counts[meter]].max(after[&counts[meter]]);
                let at = (self.now.monotonic_nanos, before);
                self.model.refused.insert((process, counts[meter]), at);
            }
        }
    }

    /// Commits or cancels a reservation.
    fn finish(&mut self, wrong: Option<Wrong>) {
        for process in &self.processes {
            *process.way.wrong.lock().unwrap() = wrong;
        }
        let (totals, used) = (self.totals(), self.model.used.clone());
        let held = self.held.swap_remove(self.random.usize(0..self.held.len()));
        let process = held.process;
        self.recover(process);
        // What is taken back for no job needs no store; what is done for a job without an answer is done.
        let done = held.job.is_none() || wrong.is_none() || wrong == Some(Wrong::Done);
        let commit = self.random.bool();
        let costs = held.parts.map(|part| part.map_or(0, |(reserved, _)| self.random.u64(0..=reserved)));
        let verb = if commit { "commits" } else { "cancels" };
        self.trace
            .push(format!("{process} {verb} {:?} at {costs:?} for {:?}, {wrong:?}", held.parts, held.job));
        if held.job.is_some() && wrong.is_some_and(|wrong| wrong != Wrong::Not(Fault::OneKey)) {
            self.model.down.insert(process, true);
        }
        if done && commit {
            self.model.commit(&held, costs);
        } else if done {
            self.model.cancel(&held);
        }
        if commit {
            let named: Vec<_> = METERS
                .iter()
                .zip(costs)
                .zip(held.parts)
                .filter_map(|((name, cost), part)| part.map(|_| (*name, cost)))
                .collect();
            let committed = held.reservation.commit(&named);
            let expected = held.job.is_none() || wrong.is_none();
            self.expect(committed.is_ok() == expected, || format!("{committed:?}"));
        } else {
            held.reservation.cancel();
        }
        for process in &self.processes {
            *process.way.wrong.lock().unwrap() = None;
        }
        self.balance(process, &totals, &used);
    }

    fn refund(&mut self, place: usize, wrong: Option<Wrong>) {
        let name = format!("job-{}", self.random.u8(0..5));
        let (units, meter) = (self.random.u64(1..10), self.random.usize(0..2));
        let process = self.processes[place].number;
        self.trace.push(format!("{process} refunds {units} {} of {name}, {wrong:?}", METERS[meter]));
        let done = self.processes[place].gate.refund(
            &self.tokens[0],
            &name,
            &[(METERS[meter], units)],
            self.now.time,
            self.now,
        );
        let count = (self.day(), meter);
        let job = self.model.job(count, &name);
        let mut due = 0;
        if wrong.is_none() && job.stands && job.is_final {
            due = units.min(job.charged).saturating_sub(job.refunded);
            job.refunded += due;
            if due > 0 && job.refunded >= job.charged {
                *job = Job { attempt: job.attempt + job.refunded, ..Job::default() };
            }
            *self.model.used(count) -= due;
        }
        let expected = if wrong.is_none() { Ok(vec![due]) } else { Err(Code::StoreUnreachable) };
        self.expect(done == expected, || format!("{done:?} and not {expected:?}"));
    }

    fn settle(
        &mut self,
        place: usize,
        wrong: Option<Wrong>,
        totals: &BTreeMap<Count, u64>,
        used: &BTreeMap<Count, u64>,
    ) {
        let process = self.processes[place].number;
        let settled = self.processes[place].gate.settle();
        self.trace.push(format!("{process} settles, {wrong:?}: {settled:?}"));
        self.balance(process, totals, used);
        if wrong.is_none() {
            self.expect(settled.is_ok(), || "it has settled".to_owned());
            let ahead: Vec<_> =
                self.model.ahead.iter().filter(|((of, _), ahead)| *of == process && **ahead > 0).collect();
            self.expect(ahead.is_empty(), || format!("still ahead: {ahead:?}"));
            self.model.doubting.insert(process, false);
        }
    }

    /// Ends a process: it is dropped, or killed. Another one takes its place.
    fn end(
        &mut self,
        place: usize,
        wrong: Option<Wrong>,
        totals: &BTreeMap<Count, u64>,
        used: &BTreeMap<Count, u64>,
    ) {
        let ended = self.processes.swap_remove(place);
        let (process, kill) = (ended.number, self.random.bool());
        self.trace.push(format!("{process} {}, {wrong:?}", if kill { "is killed" } else { "ends" }));
        *ended.way.killed.lock().unwrap() = kill;
        let mine: Vec<_> =
            (0..self.held.len()).rev().filter(|at| self.held[*at].process == process).collect();
        for at in mine {
            let held = self.held.swap_remove(at);
            // Who is killed cancels nothing.
            if !kill && (held.job.is_none() || wrong.is_none() || wrong == Some(Wrong::Done)) {
                self.model.cancel(&held);
            }
        }
        drop(ended);
        self.balance(process, totals, used);
        if !kill && wrong.is_none() {
            let ahead: Vec<_> =
                self.model.ahead.iter().filter(|((of, _), ahead)| *of == process && **ahead > 0).collect();
            self.expect(ahead.is_empty(), || format!("not given back: {ahead:?}"));
        }
        self.model.lose(process);
        self.start();
    }

    /// Time goes on, or the wall clock alone is set.
    fn step_clock(&mut self) {
        let last = NOW.as_seconds() / DAY + DAYS;
        let seconds = self.now.time.as_seconds();
        let (wall, both) = match self.random.u8(0..4) {
            0 => (seconds - self.random.u64(0..3_600).min(seconds % DAY), 0),
            1 => (seconds + self.random.u64(0..DAY), 0),
            _ => {
                let later = self.random.u64(0..7_200);
                (seconds + later, later)
            }
        };
        if wall / DAY <= last {
            self.now.time = wall.into();
            self.now.monotonic_nanos += both * 1_000_000_000;
            self.trace.push(format!("it is {wall}"));
        }
    }

    /// Operations whose answers were lost reach the store at last.
    fn arrive(&mut self, totals: &BTreeMap<Count, u64>) {
        let mut totals = totals.clone();
        let delayed = std::mem::take(&mut *self.delayed.lock().unwrap());
        for (process, account, meter, window, late) in delayed {
            let cell = Cell { account, meter: &meter, window };
            match late {
                Late::Take { by, need, want, limit } => {
                    drop(self.store.take_in_turn(&cell, by, need, want, limit));
                }
                Late::GiveBack { by, units } => drop(self.store.give_back_in_turn(&cell, by, units)),
            }
            self.trace.push(format!("what {process} asked for {meter} arrives"));
            if self.processes.iter().any(|other| other.number == process) {
                let used = self.model.used.clone();
                self.balance(process, &totals, &used);
            } else {
                // It was lost with its process, and comes back, or the other way round.
                for (count, after) in self.totals() {
                    let lost = self.model.lost.entry(count).or_default();
                    let now = (*lost + after).checked_sub(totals[&count]);
                    *lost = now.unwrap_or(0);
                    self.expect(now.is_some(), || "more comes back than was lost".to_owned());
                }
            }
            totals = self.totals();
        }
    }

    /// Everybody ends, and what is left can be used to the last unit.
    fn settle_up(mut self) {
        let totals = self.totals();
        self.arrive(&totals);
        for process in &self.processes {
            *process.way.wrong.lock().unwrap() = None;
        }
        let all: Vec<_> = self.processes.iter().map(|process| process.number).collect();
        for process in all {
            self.recover(process);
        }
        while !self.processes.is_empty() {
            let (totals, used) = (self.totals(), self.model.used.clone());
            let ended = self.processes.pop().unwrap();
            let process = ended.number;
            while let Some(at) = self.held.iter().position(|held| held.process == process) {
                let held = self.held.swap_remove(at);
                self.model.cancel(&held);
            }
            self.trace.push(format!("{process} ends"));
            drop(ended);
            self.balance(process, &totals, &used);
            let ahead: Vec<_> =
                self.model.ahead.iter().filter(|((of, _), ahead)| *of == process && **ahead > 0).collect();
            self.expect(ahead.is_empty(), || format!("not given back: {ahead:?}"));
        }
        self.trace.push("in the end".to_owned());
        for (count, total) in self.totals() {
            let [used, lost] =
                [&self.model.used, &self.model.lost].map(|of| of.get(&count).copied().unwrap_or(0));
            self.expect(total == used + lost, || {
                format!("{total} of {count:?} are counted, {used} were used and {lost} lost")
            });
        }
        let total = self.totals()[&(self.day(), 0)];
        self.start();
        let last = &self.processes[0];
        let mut rest = 0;
        for cost in [100, 10, 1] {
            let meters = [("calls", cost)];
            // A moment later each time, since refusals are remembered.
            self.now.monotonic_nanos += 2 * REFUSED;
            while last.gate.check(&self.tokens[1], &Request::new().meters(&meters), self.now).is_allowed() {
                rest += cost;
            }
        }
        self.expect(total + rest == GREATEST, || format!("{rest} could be used after {total} of {GREATEST}"));
    }
}

/// Runs schedules on a store.
fn run(name: &'static str, store: &Arc<dyn Store>, usual: u64) {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let cases = number("LICENTIA_CASES").unwrap_or(usual);
    let seed = number("LICENTIA_SEED").unwrap_or(0);
    let one = number("LICENTIA_SCHEDULE");
    let cases = if one.is_some() { 1 } else { cases };
    for case in 0..cases {
        let schedule = one.unwrap_or(seed.wrapping_mul(1_000_003).wrapping_add(case));
        let mut world = World::new(name, Arc::clone(store), schedule);
        for _ in 0..STEPS {
            world.step();
        }
        world.settle_up();
    }
    println!("{name}: {cases} schedules of {STEPS} steps");
}

#[test]
fn memory_agrees_with_the_model() {
    run("memory", &store::open("memory:").unwrap(), 20);
}

#[test]
fn sqlite_agrees_with_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    run("sqlite", &store::open(&url).unwrap(), 3);
}

#[test]
fn redis_agrees_with_the_model() {
    let Some(server) = Server::start() else { return };
    run("redis", &store::open(&server.url()).unwrap(), 6);
}
