//! A store in Redis or Valkey, which many machines may share.

mod call;
mod links;
mod options;
mod tls;

use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use licentia_core::AccountId;
use redis::{Client, Connection, RedisResult, Script};

use self::{
    call::{Call, answer, seats},
    links::Links,
    options::Options,
};
use super::{
    Answer, Became, Cell, Fault, JobAsk, JobCharged, JobFinish, Op, OpenError, PartDone, RateAsk, RateTaken,
    SeatAsk, Seats, Store, Taken, Turn, Unreachable, breaker::Breaker,
};
use crate::platform::PerProcess;

/// Saves a mark where the one before is as it is thought to be. Keys: the mark. Arguments: the new value, and the one
/// before where there is one.
static REPLACE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= (ARGV[2] or false) then return 0 end
         redis.call('SET', KEYS[1], ARGV[1])
         return 1",
    )
});

/// Finds out which commands the user may not run.
static OPEN_CHECK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../open_check.lua")));

/// A store in Redis or Valkey. Each operation is one atomic script on one key, so that it works in a cluster's slot
/// too.
///
/// What Redis has acknowledged can be lost in a fail-over, or with its machine where `appendfsync` is not `always`:
/// then units that were taken since are there again. `docs/metering.md` says how much that can be.
pub struct Redis {
    client: Client,
    options: Options,
    links: PerProcess<Links>,
    breaker: Breaker,
    evicts: AtomicBool,
}

impl Redis {
    /// Connects to a server: `redis://HOST:PORT/DATABASE`, or `unix:///PATH`, or the same with `valkey`; over TLS
    /// `rediss://` or `valkeys://`, with the feature `redis-tls`.
    ///
    /// Behind a `?` may stand, joined by `&`:
    /// - `prefix=NAME`: what all keys begin with, in place of `licentia`: for vendors or environments that share a
    ///   server and must not share marks.
    /// - `wait=N` and `wait_ms=MS`: units are granted only when so many replicas have acknowledged that they are taken
    ///   (Redis's `WAIT`), within 100 milliseconds unless said otherwise.
    /// - `timeout_ms=MS`: how long a connection and each answer may take; 1000 unless said otherwise.
    /// - `ca=PATH`: a file of the authorities that may have signed the server's certificate, in place of the system's.
    /// - `cert=PATH` and `key=PATH`: this client's certificate and its private key, if the server asks for them.
    ///
    /// With TLS the server's certificate and its name are always verified. If the process has no default provider of
    /// cryptography for rustls, `ring` becomes it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(url: &str) -> Result<Self, OpenError> {
        let redis = Self::lazy(url)?;
        redis.check().map_err(|error| OpenError::Unreachable { place: redis.server(), error })?;
        Ok(redis)
    }

    /// Whether the server was found to evict keys when its memory is full: then a counter may be lost, and its quota
    /// granted twice. [`Redis::open`] looks, and logs a warning if the feature `tracing` is on. Set `maxmemory-policy
    /// noeviction`.
    pub fn evicts(&self) -> bool {
        self.evicts.load(Ordering::Relaxed)
    }

    /// As [`Redis::open`], but connects when it is first needed.
    ///
    /// # Errors
    /// [`OpenError`], except that the server cannot be reached.
    pub fn lazy(url: &str) -> Result<Self, OpenError> {
        let tls = tls::is_asked_for(url)?;
        let (options, url) = Options::take(url)?;
        options.files.check(tls)?;
        let invalid = |error: redis::RedisError| OpenError::Unreachable {
            place: "the URL".to_owned(),
            error: Unreachable::new(Fault::NotSent, error),
        };
        let client =
            if tls { tls::client(&url, &options.files)? } else { Client::open(url).map_err(invalid)? };
        let links = PerProcess::new(Links::default(), Links::default);
        Ok(Self { client, options, links, breaker: Breaker::default(), evicts: AtomicBool::new(false) })
    }

    /// The server's address.
    pub(super) fn server(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    /// Asks the server that has a key. What was sent may be sent once more.
    fn ask<T>(&self, key: &str, work: impl Fn(&mut Connection) -> RedisResult<T>) -> Result<T, Unreachable> {
        self.links.with(|links| {
            // Who has waited here while another one failed waits no longer.
            self.breaker.pass()?;
            let answer = links.ask_for(key, &self.client, &self.options, work);
            self.breaker.tell(&answer);
            answer
        })
    }

    /// Does one operation.
    fn one(&self, op: Op<'_>) -> Result<Answer, Unreachable> {
        let answer = self.batch(&[op]).pop();
        answer.unwrap_or_else(|| Err(Unreachable::because("the server was not asked")))
    }

    fn mark(&self, name: &str) -> String {
        format!("{}:mark:{name}", self.options.prefix)
    }
}

/// The answer to the question that was asked.
macro_rules! expect {
    ($answer:expr, $kind:path) => {
        match $answer? {
            $kind(value) => Ok(value),
            _ => Err(Unreachable::because("the server answered another question")),
        }
    };
}

impl Store for Redis {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        expect!(self.one(Op::Take { cell: *cell, by: None, need, want, limit }), Answer::Taken)
    }

    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.one(Op::GiveBack { cell: *cell, by: None, units }).map(|_| ())
    }

    fn take_in_turn(
        &self,
        cell: &Cell<'_>,
        by: Turn,
        need: u64,
        want: u64,
        limit: u64,
    ) -> Result<Taken, Unreachable> {
        expect!(self.one(Op::Take { cell: *cell, by: Some(by), need, want, limit }), Answer::Taken)
    }

    fn give_back_in_turn(&self, cell: &Cell<'_>, by: Turn, units: u64) -> Result<(), Unreachable> {
        self.one(Op::GiveBack { cell: *cell, by: Some(by), units }).map(|_| ())
    }

    fn resolve(&self, cell: &Cell<'_>, by: Turn) -> Result<Became, Unreachable> {
        expect!(self.one(Op::Resolve { cell: *cell, by }), Answer::Became)
    }

    fn charge_job(&self, ask: &JobAsk<'_>) -> Result<JobCharged, Unreachable> {
        expect!(self.one(Op::ChargeJob(ask.clone())), Answer::Charged)
    }

    fn finish_job(&self, ask: &JobFinish<'_>) -> Result<Vec<PartDone>, Unreachable> {
        expect!(self.one(Op::FinishJob(ask.clone())), Answer::Finished)
    }

    fn take_rate(&self, ask: &RateAsk<'_>) -> Result<RateTaken, Unreachable> {
        expect!(self.one(Op::Rate(*ask)), Answer::Rate)
    }

    fn take_seat(&self, ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        expect!(self.one(Op::Seat(*ask)), Answer::Seats)
    }

    fn batch(&self, ops: &[Op<'_>]) -> Vec<Result<Answer, Unreachable>> {
        self.links.with(|links| {
            // Who has waited here while another one failed waits no longer.
            if let Err(error) = self.breaker.pass() {
                return ops.iter().map(|_| Err(error.clone())).collect();
            }
            let calls: Vec<Call> = ops.iter().map(|op| Call::new(op, &self.options.prefix)).collect();
            let values = links.send(&self.client, &self.options, &calls);
            let answers: Vec<_> =
                ops.iter().zip(values).map(|(op, value)| value.and_then(|value| answer(op, value))).collect();
            let outage = |answer: &Result<Answer, Unreachable>| {
                answer.as_ref().err().filter(|error| error.fault() != Fault::OneKey).cloned()
            };
            self.breaker.tell(&answers.iter().find_map(outage).map_or(Ok(()), Err));
            answers
        })
    }

    fn time(&self) -> Result<Option<u64>, Unreachable> {
        let read = |connection: &mut Connection| redis::cmd("TIME").query::<(u64, u64)>(connection);
        // Of the server that has the marks.
        self.ask(&self.mark("clock"), read).map(|(seconds, _)| Some(seconds))
    }

    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        let key = self.mark(name);
        self.ask(&key, |connection| redis::cmd("GET").arg(&key).query(connection))
    }

    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        let key = self.mark(name);
        self.ask(&key, |connection| redis::cmd("SET").arg(&key).arg(value).query::<()>(connection))
    }

    fn replace(&self, name: &str, before: Option<&[u8]>, value: &[u8]) -> Result<bool, Unreachable> {
        let key = self.mark(name);
        self.ask(&key, |connection| {
            let mut script = REPLACE.key(&key);
            script.arg(value);
            if let Some(before) = before {
                script.arg(before);
            }
            script.invoke::<u64>(connection)
        })
        .map(|did| did == 1)
    }

    fn release_seat(&self, account: &AccountId, holder: &str) -> Result<(), Unreachable> {
        let seats = seats(&self.options.prefix, account);
        self.ask(&seats.now, |connection| {
            let mut both = redis::pipe();
            both.zrem(&seats.now, holder).ignore().hdel(&seats.former, holder).ignore();
            both.query::<()>(connection)
        })
    }

    fn remember(&self, name: &str, until: u64, now: u64) -> Result<bool, Unreachable> {
        let key = self.mark(name);
        let seconds = until.saturating_sub(now).clamp(1, u64::from(u32::MAX));
        let set = |connection: &mut Connection| {
            let mut command = redis::cmd("SET");
            command.arg(&key).arg("").arg("NX").arg("EX").arg(seconds);
            command.query::<Option<String>>(connection)
        };
        self.ask(&key, set).map(|was_set| was_set.is_some())
    }

    /// Whether the user may run what the scripts need. Warns of a server that evicts counters.
    fn check(&self) -> Result<(), Unreachable> {
        let key = self.mark("open");
        let missing: Vec<String> = self.ask(&key, |connection| OPEN_CHECK.key(&key).invoke(connection))?;
        if !missing.is_empty() {
            let text = format!(
                "the user may not run {}: allow it the commands that docs/metering.md lists",
                missing.join(", ")
            );
            return Err(Unreachable::new(Fault::Refused, text));
        }
        // Who may not read the setting is not warned.
        let policy = self.ask(&key, |connection| {
            redis::cmd("CONFIG").arg("GET").arg("maxmemory-policy").query::<Vec<String>>(connection)
        });
        let evicts = policy.is_ok_and(|policy| policy.get(1).is_some_and(|policy| policy != "noeviction"));
        self.evicts.store(evicts, Ordering::Relaxed);
        #[cfg(feature = "tracing")]
        if evicts {
            tracing::warn!(
                server = self.server(),
                "the server evicts keys when its memory is full, which grants quotas twice: set maxmemory-policy noeviction"
            );
        }
        Ok(())
    }

    /// Writes a key that is gone in a moment: a server that takes no writes refuses it.
    fn probe(&self) -> Result<(), Unreachable> {
        let key = self.mark("probe");
        self.ask(&key, |connection| {
            redis::cmd("SET").arg(&key).arg("").arg("PX").arg(1).query::<()>(connection)
        })
    }

    fn patience(&self) -> Duration {
        self.options.patience
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("server", &self.server()).finish_non_exhaustive()
    }
}
