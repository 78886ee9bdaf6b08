//! Where counters and marks are kept.
//!
//! A process takes units of a quota from the store ahead of use and then counts in its own memory; what it
//! has taken, nobody else can take. The same store keeps what a gate must remember over a restart.

use std::{fmt, sync::Arc};

use licentia_core::{
    Code, Window,
    metering::rate::{Gcra, Tat},
};

#[cfg(any(feature = "redis", feature = "sqlite"))]
mod breaker;
mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use crate::metering::{Leased, Wish};
pub use licentia_core::metering::rate::RateTaken;
pub use memory::Memory;
#[cfg(feature = "redis")]
pub use redis::Redis;
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;

/// The quota of one meter of one licence in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell<'a> {
    /// The licence, through its renewals and upgrades.
    pub lineage: [u8; 16],
    /// The meter.
    pub meter: &'a str,
    /// The period.
    pub window: Window,
}

/// Cells are kept this many seconds past the end of their period, and past the last time that units were taken of them,
/// for clocks that are behind.
pub(crate) const LONGER: u64 = 8 * 86_400;
/// What keys begin with, where nothing else is said.
pub(crate) const PREFIX: &str = "licentia";

impl Cell<'_> {
    /// Its key in stores that name what they keep: the same in every language, so that they count together. The
    /// braces keep the keys of a licence in one slot of a Redis cluster.
    pub fn key(&self) -> String {
        self.key_under(PREFIX)
    }

    /// The same with another prefix.
    pub(crate) fn key_under(&self, prefix: &str) -> String {
        let end = self.window.end.map_or_else(|| "life".to_owned(), |end| end.to_string());
        format!("{}:{}:{}:{end}", keys(prefix, &self.lineage), self.meter, self.window.start)
    }

    /// When it may be forgotten, in seconds since 1970; that of a quota for life never is.
    pub fn forgotten(&self) -> Option<u64> {
        self.window.end.map(|end| end.saturating_add(LONGER))
    }
}

/// What the keys of a licence begin with.
pub(crate) fn keys(prefix: &str, lineage: &[u8; 16]) -> String {
    let lineage: String = lineage.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}:{{{lineage}}}")
}

/// What a store gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Units that were given: none, or at least as many as were needed.
    pub units: u64,
    /// Units of the cell that have been taken in all, by everybody.
    pub total: u64,
}

/// A job that is charged once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job<'a> {
    /// What it is known by.
    pub name: &'a str,
    /// Whether its charge is held: reserved, until it is finished.
    pub held: bool,
}

/// How a job's charge that is held ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is lowered to at most so many units, and final.
    Commit(u64),
    /// It is taken back, as if it never was. One that is final stays: somebody has done the job.
    Cancel,
    /// It is taken back, also where it is final: for who made it final in the same request, which was then denied.
    Undo,
}

impl Finish {
    /// What is left of the charge.
    fn units(self) -> u64 {
        match self {
            Self::Commit(units) => units,
            Self::Cancel | Self::Undo => 0,
        }
    }
}

/// What became of a charge under a job's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    /// It is charged by this call: its units were taken now, or those that another one had held are final now. This
    /// many units of the cell have been taken in all.
    Charged(u64),
    /// It was charged before, under the same name.
    Before(u64),
    /// Too few units are left.
    Refused(u64),
}

/// A store that cannot be reached, or is broken.
#[derive(Debug)]
pub struct Unreachable(pub Box<dyn std::error::Error + Send + Sync>);

/// A reason without anything behind it. An error of the standard library's brings along the escaping of text.
struct Reason(&'static str);

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Reason {}

impl Unreachable {
    /// For a reason that is known beforehand.
    pub(crate) fn because(reason: &'static str) -> Self {
        Self(Box::new(Reason(reason)))
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store cannot be reached: {}", self.0)
    }
}

impl std::error::Error for Unreachable {}

/// Why a store was not opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is of no kind that this build knows; the text says which ones it does.
    UnknownScheme(String),
    /// The URL names nothing that can be a store; the text says why.
    InvalidUrl(&'static str),
    /// What the URL names cannot be reached, or is broken.
    Unreachable(Unreachable),
}

impl OpenError {
    /// Its code: [`Code::InvalidArgument`] or [`Code::StoreUnreachable`].
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownScheme(_) | Self::InvalidUrl(_) => Code::InvalidArgument,
            Self::Unreachable(_) => Code::StoreUnreachable,
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownScheme(known) => write!(f, "no such kind of store; this build knows {known}"),
            Self::InvalidUrl(why) => write!(f, "no such store: {why}"),
            Self::Unreachable(unreachable) => unreachable.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

/// Opens the store that a URL names: `memory:`, `sqlite:PATH` (with the feature `sqlite`), or
/// `redis://HOST:PORT/DATABASE` and what else Redis clients take (with the feature `redis`). What may stand behind
/// the `?` of the latter is told at [`Redis::open`].
///
/// # Errors
/// [`OpenError`]. The URL is not repeated in it, for it may hold a password.
pub fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    let store = open_lazily(url)?;
    store.load("up").map_err(OpenError::Unreachable)?;
    Ok(store)
}

/// As [`open`], when the store is first needed: for a service that must start also while its store is down. Until it
/// is up, the licence's policy decides.
///
/// # Errors
/// [`OpenError`], but not that the store cannot be reached.
pub fn open_lazily(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(Memory::new())),
        #[cfg(feature = "sqlite")]
        Some(("sqlite", path)) => {
            // As others write it: three slashes for a relative path, four for an absolute one.
            let path = path.strip_prefix("///").unwrap_or(path);
            if path.is_empty() || path == ":memory:" {
                return Err(OpenError::InvalidUrl("`sqlite:` is followed by the path of a file"));
            }
            Ok(Arc::new(Sqlite::lazy(path)))
        }
        #[cfg(feature = "redis")]
        Some(("redis" | "rediss" | "redis+unix" | "unix" | "valkey" | "valkeys" | "valkey+unix", _)) => {
            Ok(Arc::new(Redis::lazy(url)?))
        }
        _ => Err(OpenError::UnknownScheme(KINDS.join(", "))),
    }
}

/// The kinds of URLs that this build knows.
const KINDS: &[&str] = &[
    "`memory:`",
    #[cfg(feature = "sqlite")]
    "`sqlite:PATH`",
    #[cfg(feature = "redis")]
    "`redis://HOST:PORT/DATABASE`",
];

/// Keeps counters and marks.
pub trait Store: Send + Sync {
    /// Takes up to `want` units of a cell, and none where fewer than `need` are left of `limit`.
    ///
    /// # Errors
    /// [`Unreachable`]; then nothing was taken.
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable>;

    /// Gives units back that were taken and not used.
    ///
    /// # Errors
    /// [`Unreachable`]; then they are lost, and never granted twice.
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable>;

    /// Charges units under a job's name: once, however often it is asked, by whomever, until the period ends. What was
    /// held by another one, and is charged for good now, is lowered to `units` where that is less.
    /// The charge is durable when this returns.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may have been charged, and asking again is safe. A store that keeps no jobs says so for
    /// each.
    fn take_once(&self, cell: &Cell<'_>, job: Job<'_>, units: u64, limit: u64) -> Result<Once, Unreachable> {
        let _ = (cell, job, units, limit);
        Err(Unreachable::because("this store keeps no jobs"))
    }

    /// Finishes the charge of a job. Gives whether this call did: `false` where the job is not known, or its charge was
    /// final before.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may still be as it was, and asking again is safe.
    fn finish_once(&self, cell: &Cell<'_>, job: &str, finish: Finish) -> Result<bool, Unreachable> {
        let _ = (cell, job, finish);
        Err(Unreachable::because("this store keeps no jobs"))
    }

    /// Forgets the periods that ended before this time, in seconds since 1970. A store that forgets by itself does
    /// nothing.
    ///
    /// # Errors
    /// [`Unreachable`].
    fn forget(&self, before: u64) -> Result<(), Unreachable> {
        let _ = before;
        Ok(())
    }

    /// Takes a slice of a rate that everybody shares, by the store's own clock.
    ///
    /// # Errors
    /// [`Unreachable`]; then nothing was taken that anybody may use. A store that shares no rates says so for each.
    fn take_rate(&self, ask: &RateAsk<'_>) -> Result<RateTaken, Unreachable> {
        let _ = ask;
        Err(Unreachable::because("this store shares no rates"))
    }

    /// The value that was saved last under a name.
    ///
    /// # Errors
    /// [`Unreachable`].
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable>;

    /// Saves a value under a name, in place of the one before.
    ///
    /// # Errors
    /// [`Unreachable`].
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable>;

    /// Saves a value under a name where the one before is as it is thought to be, in one atomic step: so nobody
    /// overwrites what another one has saved meanwhile. Gives whether it was.
    ///
    /// A store that is not shared may leave it as it is here.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may have been saved.
    fn replace(&self, name: &str, before: Option<&[u8]>, value: &[u8]) -> Result<bool, Unreachable> {
        let same = self.load(name)?.as_deref() == before;
        if same {
            self.save(name, value)?;
        }
        Ok(same)
    }

    /// Takes a seat for a holder, or keeps the one that it has, in one atomic step: drops the seats whose time
    /// is over, and grants where the holder has a seat or there are fewer than `limit`.
    ///
    /// A seat's time is over at `taken at + time to live`. One that was taken after `now`, by a clock that was
    /// ahead, counts as taken at `now`. A holder that has a seat while there are more than `limit`, because the
    /// limit has sunk, loses it.
    ///
    /// # Errors
    /// [`Unreachable`]; then nothing has changed. A store that keeps no seats says so for each.
    fn take_seat(&self, ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        let _ = ask;
        Err(Unreachable::because("this store keeps no seats"))
    }

    /// Gives a holder's seat back; nothing happens where it has none.
    ///
    /// # Errors
    /// [`Unreachable`]; the seat is then free when its time is over.
    fn release_seat(&self, lineage: &[u8; 16], holder: &str) -> Result<(), Unreachable> {
        let _ = (lineage, holder);
        Err(Unreachable::because("this store keeps no seats"))
    }

    /// Whether an operation may wait for something outside of this process, such as a disk or another machine, so that a
    /// host should not wait for it where others wait for the host, as on the thread of an event loop.
    fn may_wait(&self) -> bool {
        true
    }
}

/// Who asks for a slice of a rate.
#[derive(Clone, Copy, Debug)]
pub struct RateAsk<'a> {
    /// The licence, through its renewals and upgrades.
    pub lineage: [u8; 16],
    /// The rate.
    pub name: &'a str,
    /// How it counts.
    pub gcra: Gcra,
    /// Requests that must be in the slice; 0 looks.
    pub need: u64,
    /// Requests that may be in it.
    pub want: u64,
}

impl RateAsk<'_> {
    /// What is given at `now`, in nanoseconds, with the state `tat`, and the state after it.
    fn take(&self, tat: Tat, now: u64) -> (Tat, RateTaken) {
        self.gcra.take(tat, now, self.need, self.want)
    }
}

/// A time in seconds, in nanoseconds.
fn nanos(seconds: u64) -> u128 {
    u128::from(seconds).saturating_mul(1_000_000_000)
}

/// The wall clock, in nanoseconds since 1970: what processes of one machine have in common.
fn wall_nanos() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// Who asks for a seat. Times are in whole seconds.
#[derive(Clone, Copy, Debug)]
pub struct SeatAsk<'a> {
    /// The licence, through its renewals and upgrades.
    pub lineage: [u8; 16],
    /// Who sits on it.
    pub holder: &'a str,
    /// How long it is held unless it is asked for again.
    pub ttl: u64,
    /// How many seats there are.
    pub limit: u64,
    /// The time, since 1970.
    pub now: u64,
}

/// What a store says of a licence's seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seats {
    /// Whether the holder has a seat now.
    pub granted: bool,
    /// Seats that are taken now, the holder's own among them.
    pub taken: u64,
    /// When the first of them comes free unless it is asked for again, in seconds since 1970.
    pub next_free: Option<u64>,
}
