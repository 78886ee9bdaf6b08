//! A store in Redis or Valkey, which many machines may share.

use std::{fmt, sync::LazyLock, time::Duration};

use licentia_core::AccountId;
use redis::{Client, Connection, ConnectionLike, RedisError, RedisResult, Script};

use super::{
    Cell, Finish, Job, Once, OpenError, RateAsk, RateTaken, SeatAsk, Seats, Store, Taken, Unreachable,
    breaker::Breaker,
    cell::{Keys, LONGER, PREFIX, keys},
};
use crate::platform::PerProcess;

/// How long a connection, and each answer, may take: a request waits for it.
const PATIENCE: u64 = 1000;
/// Seats are forgotten this many seconds after the last was taken: longer than any is held.
const SEATS_KEPT: u64 = 32 * 86_400;
/// Lua counts in floating point: whole numbers up to here are exact, and no limit of a licence is above.
const GREATEST: u64 = (1 << 53) - 1;

/// A script, with what several have in common: the units of a cell that were taken, and for how long it is kept.
fn script(code: &str) -> Script {
    let common = "
        local function whole(number) return string.format('%.0f', number) end
        local function taken()
          local total = redis.call('HGET', KEYS[1], 'total')
          if not total and redis.call('COPY', KEYS[2], KEYS[1]) == 1 then
            total = redis.call('HGET', KEYS[1], 'total')
          end
          return tonumber(total or '0')
        end
        local function add(units)
          if units == 0 then return taken() end
          return redis.call('HINCRBY', KEYS[1], 'total', whole(units))
        end
        local function keep(ends, longer)
          if tonumber(ends) == 0 then return end
          local now = tonumber(redis.call('TIME')[1])
          redis.call('EXPIREAT', KEYS[1], whole(math.max(tonumber(ends), now) + tonumber(longer)))
        end
        local function job(field)
          local value = redis.call('HGET', KEYS[1], field)
          if not value then return nil, false end
          local held = string.match(value, '^held (%d+)$')
          return tonumber(held or value), held ~= nil
        end";
    Script::new(&format!("{common}\n{code}"))
}

/// Takes up to `want` units, and none where fewer than `need` are left.
/// Keys: the cell, and the one that it starts from. Arguments: need, want, limit, the time at which it may be forgotten or 0. Other languages run the
/// same text.
static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take.lua")));

/// Gives units back. Keys: the cell. Arguments: units. Other languages run the same text.
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("give_back.lua")));

/// Charges a job once. Keys: the cell, and the one that it starts from. Arguments: the job's field, units, limit, the end of the period or 0, how long
/// it is kept, and 1 where the charge is held.
/// Answers 0 for refused, 1 for charged, 2 for charged before, and the total.
static TAKE_ONCE: LazyLock<Script> = LazyLock::new(|| {
    script(
        "local units, total = tonumber(ARGV[2]), taken()
         local charged, held = job(ARGV[1])
         if charged then
           if ARGV[6] == '1' or not held then return {2, total} end
           local final = math.min(units, charged)
           redis.call('HSET', KEYS[1], ARGV[1], whole(final))
           return {1, add(final - charged)}
         end
         if tonumber(ARGV[3]) - total < units then return {0, total} end
         redis.call('HSET', KEYS[1], ARGV[1], (ARGV[6] == '1' and 'held ' or '') .. ARGV[2])
         total = add(units)
         keep(ARGV[4], ARGV[5])
         return {1, total}",
    )
});

/// Finishes a job's charge. Keys: the cell, and the one that it starts from. Arguments: the job's field, `commit`, `cancel` or `undo`, units.
/// Answers 1 where this call did.
static FINISH_ONCE: LazyLock<Script> = LazyLock::new(|| {
    script(
        "taken()
         local charged, held = job(ARGV[1])
         if not charged or (not held and ARGV[2] ~= 'undo') then return 0 end
         local units = math.min(tonumber(ARGV[3]), charged)
         if ARGV[2] == 'commit' then redis.call('HSET', KEYS[1], ARGV[1], whole(units))
         else redis.call('HDEL', KEYS[1], ARGV[1]) end
         add(units - charged)
         return 1",
    )
});

/// Takes a slice of a rate, by the server's clock. The text says what it is asked and answers.
static TAKE_RATE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take_rate.lua")));

/// Saves a mark where the one before is as it is thought to be. Keys: the mark. Arguments: the new value, and the one
/// before where there is one.
static REPLACE: LazyLock<Script> = LazyLock::new(|| {
    script(
        "if redis.call('GET', KEYS[1]) ~= (ARGV[2] or false) then return 0 end
         redis.call('SET', KEYS[1], ARGV[1])
         return 1",
    )
});

/// Takes a seat, or keeps it. Keys: the seats, and those that they start from. Arguments: holder, time to live, limit, now, seconds that the key is
/// kept. Each field is a holder, and its value when the seat was taken and for how long.
/// Answers 1 for granted, how many are taken, and when the first comes free or -1.
static TAKE_SEAT: LazyLock<Script> = LazyLock::new(|| {
    script(
        "local now, count, free = tonumber(ARGV[4]), 0, -1
         if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('COPY', KEYS[2], KEYS[1]) end
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
    options: Options,
    opened: PerProcess<Option<Connection>>,
    breaker: Breaker,
}

/// What the URL says beside where the server is.
struct Options {
    /// What all keys begin with.
    prefix: String,
    /// Replicas that must have what was taken before it is granted, and for how many milliseconds they are waited for.
    replicas: u64,
    replicas_ms: u64,
    /// For how many milliseconds a connection, and each answer, is waited for.
    patience_ms: u64,
}

impl Options {
    /// Takes the options of this store out of a URL, and leaves those of the client.
    fn take(url: &str) -> Result<(Self, String), OpenError> {
        let mut options =
            Self { prefix: PREFIX.to_owned(), replicas: 0, replicas_ms: 100, patience_ms: PATIENCE };
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mut rest = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let number = || {
                let number = value.parse::<u32>().ok().filter(|number| *number > 0).map(u64::from);
                number.ok_or(OpenError::InvalidUrl(
                    "`wait`, `wait_ms` and `timeout_ms` are whole numbers above 0",
                ))
            };
            match name {
                "prefix" => options.prefix = prefix(value)?,
                "wait" => options.replicas = number()?,
                "wait_ms" => options.replicas_ms = number()?,
                "timeout_ms" => options.patience_ms = number()?,
                _ => rest.push(option),
            }
        }
        if options.replicas > 0 && options.replicas_ms >= options.patience_ms {
            return Err(OpenError::InvalidUrl("`wait_ms` is less than `timeout_ms`"));
        }
        let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
        Ok((options, format!("{place}{query}")))
    }
}

/// A prefix of keys, which needs no escaping anywhere and names no slot of a cluster.
fn prefix(value: &str) -> Result<String, OpenError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if (1..=64).contains(&value.len()) && value.bytes().all(plain) {
        Ok(value.to_owned())
    } else {
        Err(OpenError::InvalidUrl("`prefix` is 1 to 64 letters, digits and `_ . : -`"))
    }
}

impl Redis {
    /// Connects to a server: `redis://HOST:PORT/DATABASE`, or `unix:///PATH`, or the same with `valkey`.
    ///
    /// Behind a `?` may stand, joined by `&`:
    /// - `prefix=NAME`: what all keys begin with, in place of `licentia`: for vendors or environments that share a
    ///   server and must not share marks.
    /// - `wait=N` and `wait_ms=MS`: units are granted only when so many replicas have acknowledged that they are taken
    ///   (Redis's `WAIT`), within 100 milliseconds where it is not said.
    /// - `timeout_ms=MS`: how long a connection and each answer may take; 1000 where it is not said.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(url: &str) -> Result<Self, OpenError> {
        let redis = Self::lazy(url)?;
        let asked = redis.ask(|_| Ok(()));
        asked.map_err(|error| OpenError::Unreachable { place: redis.server(), error })?;
        Ok(redis)
    }

    /// As [`Redis::open`], but connects when it is first needed.
    ///
    /// # Errors
    /// [`OpenError`], except that the server cannot be reached.
    pub fn lazy(url: &str) -> Result<Self, OpenError> {
        let (options, url) = Options::take(url)?;
        let refused =
            |error| OpenError::Unreachable { place: "the URL".to_owned(), error: unreachable(error) };
        let client = Client::open(url).map_err(refused)?;
        Ok(Self { client, options, opened: PerProcess::new(None, || None), breaker: Breaker::default() })
    }

    /// The server's address.
    pub(super) fn server(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    /// Asks the server, on the connection that there is or on a new one. What was sent is never sent again by
    /// itself: nobody knows whether it was done.
    fn ask<T>(&self, work: impl FnOnce(&mut Connection) -> RedisResult<T>) -> Result<T, Unreachable> {
        self.opened.with(|place| {
            // Who has waited here while another one failed waits no longer.
            self.breaker.pass()?;
            let usable = place.take().filter(ConnectionLike::is_open);
            let answer = usable.map_or_else(|| self.connect(), Ok).and_then(|mut connection| {
                let answer = work(&mut connection)?;
                *place = Some(connection);
                Ok(answer)
            });
            self.breaker.tell(answer.is_ok());
            answer.map_err(unreachable)
        })
    }

    fn connect(&self) -> RedisResult<Connection> {
        let patience = Duration::from_millis(self.options.patience_ms);
        let connection = self.client.get_connection_with_timeout(patience)?;
        connection.set_read_timeout(Some(patience))?;
        connection.set_write_timeout(Some(patience))?;
        Ok(connection)
    }

    /// Waits until as many replicas as are asked for have what was just written.
    fn replicate(&self, connection: &mut Connection) -> RedisResult<()> {
        let Options { replicas, replicas_ms, .. } = self.options;
        if replicas == 0 {
            return Ok(());
        }
        let have: u64 = redis::cmd("WAIT").arg(replicas).arg(replicas_ms).query(connection)?;
        if have >= replicas {
            return Ok(());
        }
        Err(RedisError::from((redis::ErrorKind::Client, "too few replicas have acknowledged it")))
    }

    /// The keys of a cell.
    fn cell(&self, cell: &Cell<'_>) -> Keys {
        keys(&self.options.prefix, &cell.account, &cell.name())
    }

    /// The keys of an account's seats.
    fn seats(&self, account: &AccountId) -> Keys {
        keys(&self.options.prefix, account, "seats")
    }

    fn mark(&self, name: &str) -> String {
        format!("{}:mark:{name}", self.options.prefix)
    }
}

fn unreachable(error: RedisError) -> Unreachable {
    Unreachable(Box::new(error))
}

/// A script, called with the keys of what is counted.
fn call(script: &Script, keys: Keys) -> redis::ScriptInvocation<'_> {
    let mut call = script.key(keys.now);
    call.key(keys.former);
    call
}

/// The field of a job, which never is that of the total.
fn field(job: &str) -> String {
    format!("job:{job}")
}

/// When a cell's period ends; 0 for never.
fn end(cell: &Cell<'_>) -> u64 {
    cell.window.end.map_or(0, licentia_core::Timestamp::as_seconds)
}

impl Store for Redis {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        let (need, want, limit) = (need.min(GREATEST), want.min(GREATEST), limit.min(GREATEST));
        self.ask(|connection| {
            let mut script = call(&TAKE, self.cell(cell));
            script.arg(need).arg(want).arg(limit).arg(cell.forgotten().unwrap_or(0));
            let (units, total) = script.invoke(connection)?;
            if units > 0 {
                self.replicate(connection)?;
            }
            Ok(Taken { units, total })
        })
    }

    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.ask(|connection| GIVE_BACK.key(self.cell(cell).now).arg(units).invoke::<u64>(connection))
            .map(|_| ())
    }

    fn take_once(&self, cell: &Cell<'_>, job: Job<'_>, units: u64, limit: u64) -> Result<Once, Unreachable> {
        let (units, limit) = (units.min(GREATEST), limit.min(GREATEST));
        self.ask(|connection| {
            let mut script = call(&TAKE_ONCE, self.cell(cell));
            script
                .arg(field(job.name))
                .arg(units)
                .arg(limit)
                .arg(end(cell))
                .arg(LONGER)
                .arg(u8::from(job.held));
            let (answer, total): (u64, u64) = script.invoke(connection)?;
            Ok(match answer {
                1 => {
                    self.replicate(connection)?;
                    Once::Charged(total)
                }
                2 => Once::Before(total),
                _ => Once::Refused(total),
            })
        })
    }

    fn finish_once(&self, cell: &Cell<'_>, job: &str, finish: Finish) -> Result<bool, Unreachable> {
        let word = match finish {
            Finish::Commit(_) => "commit",
            Finish::Cancel => "cancel",
            Finish::Undo => "undo",
        };
        self.ask(|connection| {
            let mut script = call(&FINISH_ONCE, self.cell(cell));
            let units = finish.units().min(GREATEST);
            script.arg(field(job)).arg(word).arg(units).invoke::<u64>(connection)
        })
        .map(|did| did == 1)
    }

    fn take_rate(&self, ask: &RateAsk<'_>) -> Result<RateTaken, Unreachable> {
        let number = |value: u64| value.min(GREATEST);
        let (units, remaining, reset, after): (u64, u64, String, String) = self.ask(|connection| {
            // No meter's name has a slash.
            let now = keys(&self.options.prefix, &ask.account, &format!("rate/{}", ask.name)).now;
            let former = keys(&self.options.prefix, &ask.account, &format!("rate:{}", ask.name)).former;
            let mut script = call(&TAKE_RATE, Keys { now, former });
            script.arg(ask.gcra.interval().to_string()).arg(number(ask.gcra.burst()));
            script.arg(number(ask.need)).arg(number(ask.want)).invoke(connection)
        })?;
        // Times of more than 584 years are shown as that.
        let nanos = |text: &str| text.parse().unwrap_or(u64::MAX);
        let retry_after = (after != "-1").then(|| nanos(&after));
        Ok(RateTaken { units, remaining, reset: nanos(&reset), retry_after })
    }

    fn time(&self) -> Result<Option<u64>, Unreachable> {
        let read = |connection: &mut Connection| redis::cmd("TIME").query::<(u64, u64)>(connection);
        self.ask(read).map(|(seconds, _)| Some(seconds))
    }

    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.ask(|connection| redis::cmd("GET").arg(self.mark(name)).query(connection))
    }

    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.ask(|connection| redis::cmd("SET").arg(self.mark(name)).arg(value).query::<()>(connection))
    }

    fn replace(&self, name: &str, before: Option<&[u8]>, value: &[u8]) -> Result<bool, Unreachable> {
        self.ask(|connection| {
            let mut script = REPLACE.key(self.mark(name));
            script.arg(value);
            if let Some(before) = before {
                script.arg(before);
            }
            script.invoke::<u64>(connection)
        })
        .map(|did| did == 1)
    }

    fn take_seat(&self, ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        let (granted, taken, free): (u64, u64, i64) = self.ask(|connection| {
            let mut script = call(&TAKE_SEAT, self.seats(&ask.account));
            script.arg(ask.holder).arg(ask.ttl).arg(ask.limit).arg(ask.now).arg(SEATS_KEPT).invoke(connection)
        })?;
        Ok(Seats { granted: granted == 1, taken, next_free: u64::try_from(free).ok() })
    }

    fn release_seat(&self, account: &AccountId, holder: &str) -> Result<(), Unreachable> {
        let seats = self.seats(account);
        self.ask(|connection| {
            let mut both = redis::pipe();
            both.hdel(seats.now, holder).ignore().hdel(seats.former, holder).ignore();
            both.query::<()>(connection)
        })
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("server", &self.server()).finish_non_exhaustive()
    }
}
