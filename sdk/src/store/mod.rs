//! Where counters and marks are kept.
//!
//! A process takes units of a quota from the store ahead of use and then counts in its own memory; what it
//! has taken, nobody else can take. The same store keeps what a gate must remember over a restart.

use std::{fmt, sync::Arc};

use licentia_core::{Code, Window};

mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

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

/// Cells are kept this many seconds past the end of their period, for clocks that are behind.
const LONGER: u64 = 86_400;

impl Cell<'_> {
    /// Its key in stores that name what they keep: the same in every language, so that they count together. The
    /// braces keep the keys of a licence in one slot of a Redis cluster.
    pub fn key(&self) -> String {
        let end = self.window.end.map_or_else(|| "life".to_owned(), |end| end.to_string());
        format!("{}:{}:{}:{end}", prefix(&self.lineage), self.meter, self.window.start)
    }

    /// When it may be forgotten, in seconds since 1970; that of a quota for life never is.
    pub fn forgotten(&self) -> Option<u64> {
        self.window.end.map(|end| end.saturating_add(LONGER))
    }
}

/// What the keys of a licence begin with.
fn prefix(lineage: &[u8; 16]) -> String {
    let lineage: String = lineage.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("licentia:{{{lineage}}}")
}

/// What a store gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Units that were given: none, or at least as many as were needed.
    pub units: u64,
    /// Units of the cell that have been taken in all, by everybody.
    pub total: u64,
}

/// What became of a charge under a job's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    /// It was charged now; this many units of the cell have been taken in all.
    Charged(u64),
    /// It was charged before, under the same name.
    Before(u64),
    /// Too few units are left.
    Refused(u64),
}

/// A store that cannot be reached, or is broken.
#[derive(Debug)]
pub struct Unreachable(pub Box<dyn std::error::Error + Send + Sync>);

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
    /// What the URL names cannot be reached, or is broken.
    Unreachable(Unreachable),
}

impl OpenError {
    /// Its code: [`Code::InvalidArgument`] or [`Code::StoreUnreachable`].
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownScheme(_) => Code::InvalidArgument,
            Self::Unreachable(_) => Code::StoreUnreachable,
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownScheme(known) => write!(f, "no such kind of store; this build knows {known}"),
            Self::Unreachable(unreachable) => unreachable.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

/// Opens the store that a URL names: `memory:`, `sqlite:PATH` (with the feature `sqlite`), or
/// `redis://HOST:PORT/DATABASE` and what else Redis clients take (with the feature `redis`).
///
/// # Errors
/// [`OpenError`]. The URL is not repeated in it, for it may hold a password.
pub fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(Memory::new())),
        #[cfg(feature = "sqlite")]
        Some(("sqlite", path)) => {
            // As others write it: three slashes for a relative path, four for an absolute one.
            let path = path.strip_prefix("///").unwrap_or(path);
            Ok(Arc::new(Sqlite::open(path).map_err(OpenError::Unreachable)?))
        }
        #[cfg(feature = "redis")]
        Some(("redis" | "unix" | "redis+unix", _)) => {
            Ok(Arc::new(Redis::open(url).map_err(OpenError::Unreachable)?))
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

    /// Charges units under a job's name: once, however often it is asked, by whomever, until the period ends.
    /// The charge is durable when this returns.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may have been charged, and asking again is safe.
    fn take_once(&self, cell: &Cell<'_>, job: &str, units: u64, limit: u64) -> Result<Once, Unreachable>;

    /// Lowers the charge of a job to `units`; to 0, as if it never was. One that is lower stays.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may still be charged, and asking again is safe.
    fn lower_once(&self, cell: &Cell<'_>, job: &str, units: u64) -> Result<(), Unreachable>;

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
        Err(Unreachable("this store keeps no seats".into()))
    }

    /// Gives a holder's seat back; nothing happens where it has none.
    ///
    /// # Errors
    /// [`Unreachable`]; the seat is then free when its time is over.
    fn release_seat(&self, lineage: &[u8; 16], holder: &str) -> Result<(), Unreachable> {
        let _ = (lineage, holder);
        Err(Unreachable("this store keeps no seats".into()))
    }
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
