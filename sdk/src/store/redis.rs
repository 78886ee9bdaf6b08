//! A store in Redis or Valkey, which many machines may share.

use std::{
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use redis::{Client, Connection, ConnectionLike, RedisResult, Script};

use super::{Cell, Once, SeatAsk, Seats, Store, Taken, Unreachable, prefix};

/// How long a connection, and each answer, may take: a request waits for it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Seats are forgotten this many seconds after the last was taken: longer than any is held.
const SEATS_KEPT: u64 = 32 * 86_400;
/// Lua counts in floating point: whole numbers up to here are exact, and no limit of a licence is above.
const GREATEST: u64 = (1 << 53) - 1;

/// Takes up to `want` units, and none where fewer than `need` are left.
/// Keys: the cell. Arguments: need, want, limit, the time at which it is forgotten or 0.
static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take.lua")));

/// Gives units back. Keys: the cell. Arguments: units.
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("give_back.lua")));

/// Charges a job once. Keys: the cell. Arguments: the job's field, units, limit, the time at which it is forgotten.
/// Answers 0 for refused, 1 for charged, 2 for charged before, and the total.
static TAKE_ONCE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local total = tonumber(redis.call('HGET', KEYS[1], 'total') or '0')
         if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return {2, total} end
         if tonumber(ARGV[3]) - total < tonumber(ARGV[2]) then return {0, total} end
         redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
         total = redis.call('HINCRBY', KEYS[1], 'total', ARGV[2])
         if tonumber(ARGV[4]) > 0 then redis.call('EXPIREAT', KEYS[1], ARGV[4]) end
         return {1, total}",
    )
});

/// Lowers a job's charge. Keys: the cell. Arguments: the job's field, units.
static LOWER_ONCE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local charged = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
         local units = tonumber(ARGV[2])
         if units >= charged then return 0 end
         redis.call('HINCRBY', KEYS[1], 'total', string.format('-%.0f', charged - units))
         if units == 0 then redis.call('HDEL', KEYS[1], ARGV[1])
         else redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
         return 0",
    )
});

/// Takes a seat, or keeps it. Keys: the seats. Arguments: holder, time to live, limit, now, seconds that the key is
/// kept. Each field is a holder, and its value when the seat was taken and for how long.
/// Answers 1 for granted, how many are taken, and when the first comes free or -1.
static TAKE_SEAT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now, count, free = tonumber(ARGV[4]), 0, -1
         local seats = redis.call('HGETALL', KEYS[1])
         for i = 1, #seats, 2 do
           local taken, ttl = string.match(seats[i + 1], '(%d+) (%d+)')
           if tonumber(taken) > now then
             taken = now
             redis.call('HSET', KEYS[1], seats[i], string.format('%.0f %s', now, ttl))
           end
           local ends = tonumber(taken) + tonumber(ttl)
           if ends <= now or seats[i] == ARGV[1] then
             redis.call('HDEL', KEYS[1], seats[i])
           else
             count = count + 1
             if free < 0 or ends < free then free = ends end
           end
         end
         if count >= tonumber(ARGV[3]) then return {0, count, free} end
         redis.call('HSET', KEYS[1], ARGV[1], ARGV[4] .. ' ' .. ARGV[2])
         redis.call('EXPIRE', KEYS[1], ARGV[5])
         local own = now + tonumber(ARGV[2])
         if free < 0 or own < free then free = own end
         return {1, count + 1, free}",
    )
});

/// A store in Redis or Valkey. Each operation is one atomic script on one key, so that it works in a cluster's slot
/// too.
///
/// What Redis has acknowledged can be lost in a fail-over, or with its machine where `appendfsync` is not `always`:
/// then units that were taken since are there again. `docs/metering.md` says how much that can be.
pub struct Redis {
    client: Client,
    opened: Mutex<Option<Opened>>,
}

struct Opened {
    connection: Connection,
    /// The process that opened it: a child must not talk on its parent's connection.
    process: u32,
}

impl Redis {
    /// Connects to a server: `redis://HOST:PORT/DATABASE`, or `unix:///PATH`.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub fn open(url: &str) -> Result<Self, Unreachable> {
        let client = Client::open(url).map_err(unreachable)?;
        let opened = Opened::new(&client).map_err(unreachable)?;
        Ok(Self { client, opened: Mutex::new(Some(opened)) })
    }

    /// Asks the server, on the connection that there is or on a new one. What was sent is never sent again by
    /// itself: nobody knows whether it was done.
    fn ask<T>(&self, work: impl FnOnce(&mut Connection) -> RedisResult<T>) -> Result<T, Unreachable> {
        let mut place = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let usable =
            place.take().filter(|opened| opened.process == std::process::id() && opened.connection.is_open());
        let mut opened = match usable {
            Some(opened) => opened,
            None => Opened::new(&self.client).map_err(unreachable)?,
        };
        let answer = work(&mut opened.connection);
        if answer.is_ok() {
            *place = Some(opened);
        }
        answer.map_err(unreachable)
    }
}

impl Opened {
    fn new(client: &Client) -> RedisResult<Self> {
        let connection = client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { connection, process: std::process::id() })
    }
}

fn unreachable(error: redis::RedisError) -> Unreachable {
    Unreachable(Box::new(error))
}

/// The key of a licence's seats.
fn seats(lineage: &[u8; 16]) -> String {
    format!("{}:seats", prefix(lineage))
}

fn mark(name: &str) -> String {
    format!("licentia:mark:{name}")
}

/// The field of a job, which never is that of the total.
fn field(job: &str) -> String {
    format!("job:{job}")
}

/// When a cell is forgotten, in seconds since 1970; 0 for never.
fn forgotten(cell: &Cell<'_>) -> u64 {
    cell.forgotten().unwrap_or(0)
}

impl Store for Redis {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        let (need, want, limit) = (need.min(GREATEST), want.min(GREATEST), limit.min(GREATEST));
        let (units, total) = self.ask(|connection| {
            let mut script = TAKE.key(cell.key());
            script.arg(need).arg(want).arg(limit).arg(forgotten(cell)).invoke(connection)
        })?;
        Ok(Taken { units, total })
    }

    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.ask(|connection| GIVE_BACK.key(cell.key()).arg(units).invoke::<u64>(connection)).map(|_| ())
    }

    fn take_once(&self, cell: &Cell<'_>, job: &str, units: u64, limit: u64) -> Result<Once, Unreachable> {
        let (units, limit) = (units.min(GREATEST), limit.min(GREATEST));
        let (answer, total): (u64, u64) = self.ask(|connection| {
            let mut script = TAKE_ONCE.key(cell.key());
            script.arg(field(job)).arg(units).arg(limit).arg(forgotten(cell)).invoke(connection)
        })?;
        Ok(match answer {
            1 => Once::Charged(total),
            2 => Once::Before(total),
            _ => Once::Refused(total),
        })
    }

    fn lower_once(&self, cell: &Cell<'_>, job: &str, units: u64) -> Result<(), Unreachable> {
        let units = units.min(GREATEST);
        self.ask(|connection| LOWER_ONCE.key(cell.key()).arg(field(job)).arg(units).invoke::<u64>(connection))
            .map(|_| ())
    }

    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.ask(|connection| redis::cmd("GET").arg(mark(name)).query(connection))
    }

    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.ask(|connection| redis::cmd("SET").arg(mark(name)).arg(value).query::<()>(connection))
    }

    fn take_seat(&self, ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        let (granted, taken, free): (u64, u64, i64) = self.ask(|connection| {
            let mut script = TAKE_SEAT.key(seats(&ask.lineage));
            script.arg(ask.holder).arg(ask.ttl).arg(ask.limit).arg(ask.now).arg(SEATS_KEPT).invoke(connection)
        })?;
        Ok(Seats { granted: granted == 1, taken, next_free: u64::try_from(free).ok() })
    }

    fn release_seat(&self, lineage: &[u8; 16], holder: &str) -> Result<(), Unreachable> {
        self.ask(|connection| redis::cmd("HDEL").arg(seats(lineage)).arg(holder).query::<u64>(connection))
            .map(|_| ())
    }
}
