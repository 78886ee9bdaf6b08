//! An operation as a script of the server, and its answer.

use std::sync::LazyLock;

use licentia_core::{AccountId, metering::seat::LONGEST};
use redis::{Cmd, FromRedisValue, Script, Value};

use crate::store::{
    Answer, Became, Cell, Fault, Finish, JobCharged, Op, Outcome, PartCharged, PartDone, RateTaken, Seats,
    Taken, Turn, Unreachable,
    cell::{self, Keys},
};

/// Lua counts in floating point: whole numbers up to here are exact, and no limit of a licence is above.
const GREATEST: u64 = licentia_core::metering::quota::GREATEST;
/// Seats are forgotten this many seconds after the last was taken: longer than any is held.
const SEATS_KEPT: u64 = LONGEST + 86_400;

/// A script's text, and what the server knows it by.
pub(super) struct Text {
    code: String,
    script: Script,
}

impl Text {
    fn new(code: impl Into<String>) -> Self {
        let code = code.into();
        Self { script: Script::new(&code), code }
    }
}

static TAKE: LazyLock<Text> = LazyLock::new(|| Text::new(include_str!("../take.lua")));
static GIVE_BACK: LazyLock<Text> = LazyLock::new(|| Text::new(include_str!("../give_back.lua")));
static RESOLVE: LazyLock<Text> = LazyLock::new(|| Text::new(include_str!("../resolve.lua")));
static CHARGE_JOB: LazyLock<Text> =
    LazyLock::new(|| Text::new(concat!(include_str!("../job.lua"), include_str!("../charge_job.lua"))));
static FINISH_JOB: LazyLock<Text> =
    LazyLock::new(|| Text::new(concat!(include_str!("../job.lua"), include_str!("../finish_job.lua"))));
static TAKE_RATE: LazyLock<Text> = LazyLock::new(|| Text::new(include_str!("../take_rate.lua")));
static TAKE_SEAT: LazyLock<Text> = LazyLock::new(|| Text::new(include_str!("../take_seat.lua")));

/// A script with its keys and arguments.
pub(super) struct Call {
    text: &'static Text,
    keys: Vec<String>,
    values: Vec<String>,
    /// Whether what it wrote must be on as many replicas as the URL asks for.
    pub(super) replicated: bool,
    /// Whether it may be sent again if nobody knows whether it was done.
    pub(super) again: bool,
}

impl Call {
    /// The first of its keys, which are all in one slot of a cluster.
    pub(super) fn key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }

    /// The command; `whole` has the script's text, for a server that does not know it yet.
    pub(super) fn command(&self, whole: bool) -> Cmd {
        let mut command = redis::cmd(if whole { "EVAL" } else { "EVALSHA" });
        command.arg(if whole { &self.text.code } else { self.text.script.get_hash() });
        command.arg(self.keys.len()).arg(&self.keys).arg(&self.values);
        command
    }

    /// How an operation is asked for, where all keys begin with `prefix`.
    pub(super) fn new(op: &Op<'_>, prefix: &str) -> Self {
        let number = |value: u64| value.min(GREATEST).to_string();
        let turn = |cell: &Cell<'_>, by: &Turn| turn_key(prefix, cell, by);
        let both = |cell: &Cell<'_>| both_of(cell::keys(prefix, &cell.account, &cell.name()));
        let forgotten = |cell: &Cell<'_>| number(cell.forgotten().unwrap_or(0));
        let call = |text: &'static LazyLock<Text>, keys, values| Self {
            text,
            keys,
            values,
            replicated: false,
            again: true,
        };
        match op {
            Op::Take { cell, by, need, want, limit } => {
                let mut keys = both(cell);
                let mut values = vec![number(*need), number(*want), number(*limit), forgotten(cell)];
                if let Some(by) = by {
                    keys.push(turn(cell, by));
                    values.push(number(by.sequence));
                }
                let takes = *need > 0 || *want > 0;
                Self { replicated: takes, again: by.is_some() || !takes, ..call(&TAKE, keys, values) }
            }
            Op::GiveBack { cell, by, units } => {
                let mut keys = vec![cell::keys(prefix, &cell.account, &cell.name()).now];
                let mut values = vec![number(*units), forgotten(cell)];
                if let Some(by) = by {
                    keys.push(turn(cell, by));
                    values.push(number(by.sequence));
                }
                Self { again: by.is_some(), ..call(&GIVE_BACK, keys, values) }
            }
            Op::Resolve { cell, by } => {
                let values = vec![number(by.sequence), forgotten(cell)];
                Self { replicated: true, ..call(&RESOLVE, vec![turn(cell, by)], values) }
            }
            Op::ChargeJob(ask) => {
                let keys = ask.parts.iter().flat_map(|part| both(&part.cell)).collect();
                let mut values = vec![field(ask.job), u8::from(ask.held).to_string()];
                for part in &ask.parts {
                    values.extend([number(part.cost), number(part.limit), forgotten(&part.cell)]);
                }
                Self { replicated: true, ..call(&CHARGE_JOB, keys, values) }
            }
            Op::FinishJob(ask) => {
                let keys = ask.parts.iter().flat_map(|part| both(&part.cell)).collect();
                let word = match ask.how {
                    Finish::Commit => "commit",
                    Finish::Cancel => "cancel",
                    Finish::Refund => "refund",
                };
                let mut values = vec![field(ask.job), word.to_owned()];
                for part in &ask.parts {
                    values.extend([number(part.attempt), number(part.units)]);
                }
                Self { again: ask.how != Finish::Cancel, ..call(&FINISH_JOB, keys, values) }
            }
            Op::Rate(ask) => {
                // No meter's name has a slash.
                let now = cell::keys(prefix, &ask.account, &format!("rate/{}", ask.name)).now;
                let former = cell::keys(prefix, &ask.account, &format!("rate:{}", ask.name)).former;
                let values = vec![
                    ask.gcra.interval().to_string(),
                    number(ask.gcra.burst()),
                    number(ask.need),
                    number(ask.want),
                ];
                call(&TAKE_RATE, vec![now, former], values)
            }
            Op::Seat(ask) => {
                let values = [ask.ttl, ask.limit, LONGEST, SEATS_KEPT].map(number);
                let values = std::iter::once(ask.holder.to_owned()).chain(values).collect();
                let Keys { now, former } = seats(prefix, &ask.account);
                let clock = format!("{now}/clock");
                call(&TAKE_SEAT, vec![now, clock, former], values)
            }
        }
    }
}

/// The keys of an account's seats.
pub(super) fn seats(prefix: &str, account: &AccountId) -> Keys {
    cell::keys(prefix, account, "seats")
}

/// A key, and the one that its value starts from.
fn both_of(keys: Keys) -> Vec<String> {
    vec![keys.now, keys.former]
}

/// The key of a taker's last operation on a cell.
fn turn_key(prefix: &str, cell: &Cell<'_>, by: &Turn) -> String {
    let taker: String = by.taker.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    cell::keys(prefix, &cell.account, &format!("{}/{taker}", cell.name())).now
}

/// The field of a job, which never is that of the total.
fn field(job: &str) -> String {
    format!("job:{job}")
}

/// What the server's value says.
pub(super) fn answer(op: &Op<'_>, value: Value) -> Result<Answer, Unreachable> {
    Ok(match op {
        Op::Take { .. } => {
            let (units, total, _turn): (u64, u64, u64) = read(value)?;
            Answer::Taken(Taken { units, total })
        }
        Op::GiveBack { .. } => {
            let _turn: u64 = read(value)?;
            Answer::GaveBack
        }
        Op::Resolve { .. } => {
            let (found, units): (u64, u64) = read(value)?;
            Answer::Became(match found {
                0 => Became::New,
                1 => Became::Again(units),
                _ => Became::Late,
            })
        }
        Op::ChargeJob(_) => {
            let said: Vec<i64> = read(value)?;
            let number = |at: usize| said.get(at).copied().unwrap_or(-1);
            let place = usize::try_from(number(1)).unwrap_or(0);
            let outcome = match number(0) {
                0 => Outcome::Refused(place),
                1 => Outcome::Charged,
                2 => Outcome::Before,
                3 => Outcome::CostDiffers(place),
                _ => return Err(garbled()),
            };
            let parts = said.get(2..).unwrap_or_default().chunks_exact(3).map(|part| PartCharged {
                total: part.first().map_or(0, |total| total.unsigned_abs()),
                fresh: part.get(1) == Some(&1),
                attempt: part.get(2).and_then(|attempt| u64::try_from(*attempt).ok()),
            });
            Answer::Charged(JobCharged { outcome, parts: parts.collect() })
        }
        Op::FinishJob(ask) => {
            let said: Vec<u64> = read(value)?;
            let part = |part: &[u64]| match part {
                [done, total, refunded] => {
                    let units = if ask.how == Finish::Refund { *done } else { 0 };
                    Some(PartDone { done: *done > 0, total: *total, refunded: *refunded, units })
                }
                _ => None,
            };
            Answer::Finished(said.chunks(3).map_while(part).collect())
        }
        Op::Rate(_) => {
            let (units, remaining, reset, after): (u64, u64, String, String) = read(value)?;
            // Times of more than 584 years are shown as that.
            let nanos = |text: &str| text.parse().unwrap_or(u64::MAX);
            let retry_after = (after != "-1").then(|| nanos(&after));
            Answer::Rate(RateTaken { units, remaining, reset: nanos(&reset), retry_after })
        }
        Op::Seat(ask) => {
            let (granted, taken, free): (u64, u64, i64) = read(value)?;
            // By the clock of who asks.
            let next_free = u64::try_from(free).ok().map(|seconds| ask.now.saturating_add(seconds));
            Answer::Seats(Seats { granted: granted == 1, taken, next_free })
        }
    })
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, Unreachable> {
    T::from_redis_value(value).map_err(|error| Unreachable::new(Fault::Unknown, error))
}

fn garbled() -> Unreachable {
    Unreachable::new(Fault::Unknown, "the server's answer is none that was expected")
}
