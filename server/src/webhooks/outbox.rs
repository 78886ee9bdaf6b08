//! The outbox: what happened to licences, to be sent to the webhooks that want to know.
//!
//! An event is written in the transaction that changes the ledger, with one delivery per webhook: so nothing is sent
//! that did not happen, and nothing that happened is forgotten. Whoever sends leases deliveries for a while, so that
//! several servers on one database do not send the same one at the same time.

use licentia_core::{Timestamp, TokenId};
use licentia_issuer::{
    Error, GuestTables, Ledger, Result,
    sql::{Database, Row, Value},
};

use crate::store::values;

/// The tables. Their numbers are given under the lock of [`Ledger::together`], so that a restored ledger goes on.
pub(crate) static TABLES: GuestTables = GuestTables {
    name: "webhooks",
    sqlite: &["
    CREATE TABLE webhook (
        id            BLOB PRIMARY KEY CHECK (length(id) = 16),
        issuer        TEXT NOT NULL,
        url           TEXT NOT NULL,
        kinds         TEXT NOT NULL,
        is_on         INTEGER NOT NULL,
        generation    INTEGER NOT NULL,
        overlap_until INTEGER NOT NULL,
        added_at      INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE event (
        number  INTEGER PRIMARY KEY,
        id      BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
        issuer  TEXT NOT NULL,
        kind    TEXT NOT NULL,
        at      INTEGER NOT NULL,
        license BLOB REFERENCES license (id),
        detail  TEXT NOT NULL
    ) STRICT;
    CREATE TABLE delivery (
        event    INTEGER NOT NULL REFERENCES event (number),
        webhook  BLOB NOT NULL REFERENCES webhook (id),
        state    INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        due      INTEGER NOT NULL DEFAULT 0,
        status   INTEGER,
        reason   TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (event, webhook)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX delivery_due ON delivery (state, due);
    CREATE INDEX delivery_webhook ON delivery (webhook, state);
"],
    postgres: &["
    CREATE TABLE webhook (
        id            BYTEA PRIMARY KEY CHECK (length(id) = 16),
        issuer        TEXT COLLATE \"C\" NOT NULL,
        url           TEXT COLLATE \"C\" NOT NULL,
        kinds         TEXT COLLATE \"C\" NOT NULL,
        is_on         BIGINT NOT NULL,
        generation    BIGINT NOT NULL,
        overlap_until BIGINT NOT NULL,
        added_at      BIGINT NOT NULL
    );
    CREATE TABLE event (
        number  BIGINT PRIMARY KEY,
        id      BYTEA NOT NULL UNIQUE CHECK (length(id) = 16),
        issuer  TEXT COLLATE \"C\" NOT NULL,
        kind    TEXT COLLATE \"C\" NOT NULL,
        at      BIGINT NOT NULL,
        license BYTEA REFERENCES license (id),
        detail  TEXT COLLATE \"C\" NOT NULL
    );
    CREATE TABLE delivery (
        event    BIGINT NOT NULL REFERENCES event (number),
        webhook  BYTEA NOT NULL REFERENCES webhook (id),
        state    BIGINT NOT NULL DEFAULT 0,
        attempts BIGINT NOT NULL DEFAULT 0,
        due      BIGINT NOT NULL DEFAULT 0,
        status   BIGINT,
        reason   TEXT COLLATE \"C\" NOT NULL DEFAULT '',
        PRIMARY KEY (event, webhook)
    );
    CREATE INDEX delivery_due ON delivery (state, due);
    CREATE INDEX delivery_webhook ON delivery (webhook, state);
"],
    copied: &[
        ("webhook", &["id", "issuer", "url", "kinds", "is_on", "generation", "overlap_until", "added_at"]),
        ("event", &["number", "id", "issuer", "kind", "at", "license", "detail"]),
        ("delivery", &["event", "webhook", "state", "attempts", "due", "status", "reason"]),
    ],
};

/// The longest URL of a webhook, in bytes.
const URL_BYTES: usize = 2048;
/// The longest reason of a failure that is kept, in characters.
const REASON_CHARS: usize = 300;

/// The identifier of a webhook.
pub(crate) type WebhookId = [u8; 16];

/// Where events are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Webhook {
    /// Its identifier, which is random.
    pub(crate) id: WebhookId,
    /// Whose events it gets.
    pub(crate) issuer: String,
    /// The address that is called.
    pub(crate) url: String,
    /// The kinds of events that it gets; all, if none is named.
    pub(crate) kinds: Vec<String>,
    /// Whether events are sent to it.
    pub(crate) is_on: bool,
    /// How often its secret was rotated.
    pub(crate) generation: u64,
    /// Until when messages are signed with the secret before the last rotation as well.
    pub(crate) overlap_until: Timestamp,
    /// When it was added.
    pub(crate) added_at: Timestamp,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryState {
    /// It waits for its first or next attempt.
    Waiting,
    /// The receiver has answered that it has it.
    Delivered,
    /// It failed for good, and can be replayed.
    Dead,
}

impl DeliveryState {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state of a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Dead].into_iter().find(|state| state.name() == name)
    }

    const fn number(self) -> u64 {
        match self {
            Self::Waiting => 0,
            Self::Delivered => 1,
            Self::Dead => 2,
        }
    }

    const fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Waiting,
            1 => Self::Delivered,
            _ => Self::Dead,
        }
    }
}

/// One event for one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// The event's number in the ledger, in the order in which events happened.
    pub(crate) event: u64,
    /// The event's identifier, which is the same in each attempt.
    pub(crate) id: [u8; 16],
    /// What happened, such as `license.revoked`.
    pub(crate) kind: String,
    /// When it happened.
    pub(crate) at: Timestamp,
    /// The licence that it happened to.
    pub(crate) license: Option<TokenId>,
    /// More about it, as the members of a JSON object without its braces.
    pub(crate) detail: String,
    /// The webhook that gets it.
    pub(crate) webhook: WebhookId,
    /// What became of it.
    pub(crate) state: DeliveryState,
    /// How often it was tried.
    pub(crate) attempts: u64,
    /// When it is tried next.
    pub(crate) due: Timestamp,
    /// The HTTP status of the last answer, if there was one.
    pub(crate) status: Option<u64>,
    /// Why the last attempt failed; empty if it did not.
    pub(crate) reason: String,
}

const WEBHOOK: &str = "id, issuer, url, kinds, is_on, generation, overlap_until, added_at";
const DELIVERY: &str =
    "event.number, event.id, kind, at, license, detail, webhook, state, attempts, due, status, reason";

/// Adds a webhook, which gets the events of the named kinds from now on; all kinds, if none is named.
///
/// # Errors
/// [`Error::Value`] for a URL that is too long or a kind with other characters than `a-z`, `0-9`, `.` and `_`.
pub(crate) fn add(
    ledger: &Ledger,
    issuer: &str,
    url: &str,
    kinds: &[String],
    now: Timestamp,
) -> Result<Webhook> {
    if url.is_empty() || url.len() > URL_BYTES {
        return Err(wrong("url", url, "a URL has 1 to 2048 bytes"));
    }
    let is_kind = |kind: &String| {
        !kind.is_empty() && kind.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_'))
    };
    if let Some(kind) = kinds.iter().find(|kind| !is_kind(kind)) {
        return Err(wrong("kind", kind, "write it such as `license.revoked`"));
    }
    // With a comma at both ends, so that a kind is found as a whole.
    let listed = if kinds.is_empty() { String::new() } else { format!(",{},", kinds.join(",")) };
    let id: WebhookId = random()?;
    let sql =
        format!("INSERT INTO webhook ({WEBHOOK}) VALUES (?1, ?2, ?3, ?4, 1, 0, 0, ?5) RETURNING {WEBHOOK}");
    ledger.database().only(&sql, values![&id, issuer, url, &listed, now], webhook)
}

/// The webhooks of an issuer, in the order in which they were added.
pub(crate) fn webhooks(ledger: &Ledger, issuer: &str) -> Result<Vec<Webhook>> {
    let sql = format!("SELECT {WEBHOOK} FROM webhook WHERE issuer = ?1 ORDER BY added_at, id");
    ledger.database().all(&sql, values![issuer], webhook)
}

/// A webhook.
pub(crate) fn find(ledger: &Ledger, id: &WebhookId) -> Result<Option<Webhook>> {
    let sql = format!("SELECT {WEBHOOK} FROM webhook WHERE id = ?1");
    ledger.database().first(&sql, values![id], webhook)
}

/// Removes a webhook and its deliveries. Returns `false` if there was none.
pub(crate) fn remove(ledger: &mut Ledger, id: &WebhookId) -> Result<bool> {
    ledger.together(|ledger| {
        ledger.database().execute("DELETE FROM delivery WHERE webhook = ?1", values![id])?;
        Ok(ledger.database().execute("DELETE FROM webhook WHERE id = ?1", values![id])? > 0)
    })
}

/// Switches a webhook on or off. While it is off, no events are kept for it. Returns `false` if there is none.
pub(crate) fn switch(ledger: &Ledger, id: &WebhookId, on: bool) -> Result<bool> {
    let sql = "UPDATE webhook SET is_on = ?2 WHERE id = ?1";
    Ok(ledger.database().execute(sql, values![id, on])? > 0)
}

/// Gives a webhook its next secret. Until `overlap_until`, messages are signed with the last one too. Returns `false` if
/// there is none.
pub(crate) fn rotate(ledger: &Ledger, id: &WebhookId, overlap_until: Timestamp) -> Result<bool> {
    let sql = "UPDATE webhook SET generation = generation + 1, overlap_until = ?2 WHERE id = ?1";
    Ok(ledger.database().execute(sql, values![id, overlap_until])? > 0)
}

/// Writes an event and its deliveries, if a webhook wants it: in the transaction of [`Ledger::together`], with the change
/// that it tells of. `detail` are the members of a JSON object without its braces.
pub(crate) fn note(
    ledger: &Ledger,
    issuer: &str,
    kind: &str,
    license: Option<&TokenId>,
    detail: &str,
    now: Timestamp,
) -> Result<()> {
    let database = ledger.database();
    // An event that nobody wants costs one look-up.
    let sql = "SELECT 1 FROM webhook WHERE issuer = ?1 AND is_on = 1 LIMIT 1";
    let wanted = database.first(sql, values![issuer], |_| Ok(()))?;
    if wanted.is_none() {
        return Ok(());
    }
    let number = insert(database, issuer, kind, license, detail, now)?;
    let sql = "INSERT INTO delivery (event, webhook) SELECT event.number, webhook.id FROM event, webhook
         WHERE event.number = ?1 AND webhook.issuer = event.issuer AND is_on = 1 AND (kinds = '' OR kinds LIKE '%,' || kind || ',%')";
    database.execute(sql, values![number]).map(drop)
}

/// Writes an event for one webhook, whatever kinds it gets.
pub(crate) fn note_for(ledger: &Ledger, webhook: &Webhook, kind: &str, now: Timestamp) -> Result<()> {
    let number = insert(ledger.database(), &webhook.issuer, kind, None, "", now)?;
    let sql = "INSERT INTO delivery (event, webhook) VALUES (?1, ?2)";
    ledger.database().execute(sql, values![number, &webhook.id]).map(drop)
}

fn insert(
    database: &Database,
    issuer: &str,
    kind: &str,
    license: Option<&TokenId>,
    detail: &str,
    now: Timestamp,
) -> Result<u64> {
    let id: [u8; 16] = random()?;
    let sql = "SELECT coalesce(max(number), 0) + 1 FROM event";
    let number: u64 = database.only(sql, &[], |row| row.unsigned(0))?;
    let sql = "INSERT INTO event (number, id, issuer, kind, at, license, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    database.execute(sql, values![number, &id, issuer, kind, now, license, detail])?;
    Ok(number)
}

/// Whether a delivery may be due. Most of the time none is, and nobody is kept from writing.
pub(crate) fn is_due(ledger: &Ledger, now: Timestamp) -> Result<bool> {
    let sql = "SELECT 1 FROM delivery JOIN webhook AS hook ON hook.id = delivery.webhook
         WHERE state = 0 AND due <= ?1 AND is_on = 1 LIMIT 1";
    Ok(ledger.database().first(sql, values![now], |_| Ok(()))?.is_some())
}

/// Leases up to `limit` deliveries that are due, the longest waiting first: nobody else gets them before `leased_until`.
/// Who has one reports [`delivered`] or [`undelivered`].
pub(crate) fn lease(
    ledger: &mut Ledger,
    now: Timestamp,
    leased_until: Timestamp,
    limit: u64,
) -> Result<Vec<Delivery>> {
    ledger.together(|ledger| {
        let database = ledger.database();
        let sql = "UPDATE delivery SET due = ?2
             WHERE state = 0 AND due <= ?1 AND (event, webhook) IN (
                 SELECT event, webhook FROM delivery JOIN webhook AS hook ON hook.id = delivery.webhook
                 WHERE state = 0 AND due <= ?1 AND is_on = 1 ORDER BY due, event LIMIT ?3)
             RETURNING event, webhook";
        let leased: Vec<(u64, WebhookId)> = database
            .all(sql, values![now, leased_until, limit], |row| Ok((row.unsigned(0)?, row.array(1)?)))?;
        let mut deliveries = Vec::with_capacity(leased.len());
        for (event, webhook) in leased {
            deliveries.extend(one(database, event, &webhook)?);
        }
        deliveries.sort_by_key(|delivery: &Delivery| delivery.event);
        Ok(deliveries)
    })
}

/// Records that a receiver has an event.
pub(crate) fn delivered(ledger: &Ledger, delivery: &Delivery, status: u64) -> Result<()> {
    let sql = "UPDATE delivery SET state = 1, attempts = attempts + 1, status = ?3, reason = ''
         WHERE event = ?1 AND webhook = ?2";
    ledger.database().execute(sql, values![delivery.event, &delivery.webhook, status]).map(drop)
}

/// Records a failed attempt. Without a `next` one, the delivery is dead until it is replayed.
pub(crate) fn undelivered(
    ledger: &Ledger,
    delivery: &Delivery,
    status: Option<u64>,
    reason: &str,
    next: Option<Timestamp>,
) -> Result<()> {
    let reason: String = reason.chars().filter(|each| !each.is_control()).take(REASON_CHARS).collect();
    let state = if next.is_some() { DeliveryState::Waiting } else { DeliveryState::Dead };
    let sql = "UPDATE delivery SET state = ?3, attempts = attempts + 1, status = ?4, reason = ?5, due = ?6
         WHERE event = ?1 AND webhook = ?2 AND state = 0";
    let due = next.unwrap_or_default();
    let values = values![delivery.event, &delivery.webhook, state.number(), status, &reason, due];
    ledger.database().execute(sql, values).map(drop)
}

/// The deliveries of an issuer's webhook or of all, the newest first: those before event number `before`, in one state
/// if it is given.
pub(crate) fn deliveries(
    ledger: &Ledger,
    issuer: &str,
    webhook: Option<&WebhookId>,
    state: Option<DeliveryState>,
    before: Option<u64>,
    limit: u64,
) -> Result<Vec<Delivery>> {
    let mut sql = format!(
        "SELECT {DELIVERY} FROM delivery JOIN event ON event.number = delivery.event
         WHERE delivery.event < ?1 AND issuer = ?2"
    );
    let mut values = vec![Value::from(before.unwrap_or(u64::MAX)), Value::from(issuer)];
    let webhook = webhook.map(Value::from);
    let state = state.map(|state| Value::from(state.number()));
    for (column, value) in [("webhook", webhook), ("state", state)] {
        if let Some(value) = value {
            values.push(value);
            sql += &format!(" AND delivery.{column} = ?{}", values.len());
        }
    }
    values.push(limit.into());
    sql += &format!(" ORDER BY delivery.event DESC, webhook LIMIT ?{}", values.len());
    ledger.database().all(&sql, &values, delivery)
}

/// How many deliveries of each webhook are waiting, delivered and dead.
pub(crate) fn counts(ledger: &Ledger) -> Result<Vec<(WebhookId, DeliveryState, u64)>> {
    let sql = "SELECT webhook, state, count(*) FROM delivery GROUP BY webhook, state ORDER BY webhook, state";
    ledger.database().all(sql, &[], |row| {
        Ok((row.array(0)?, DeliveryState::from_number(row.unsigned(1)?), row.unsigned(2)?))
    })
}

/// Sends deliveries again from `now` on: the one of an event, or every dead one of the webhook. Returns how many.
pub(crate) fn replay(
    ledger: &Ledger,
    webhook: &WebhookId,
    event: Option<u64>,
    now: Timestamp,
) -> Result<u64> {
    let sql = "UPDATE delivery SET state = 0, attempts = 0, due = ?2 WHERE webhook = ?1";
    match event {
        Some(event) => {
            ledger.database().execute(&format!("{sql} AND event = ?3"), values![webhook, now, event])
        }
        None => ledger.database().execute(&format!("{sql} AND state = 2"), values![webhook, now]),
    }
}

/// Drops the events that happened before a time and that no delivery waits for. Returns how many.
pub(crate) fn forget(ledger: &mut Ledger, before: Timestamp) -> Result<u64> {
    ledger.together(|ledger| {
        let old = "SELECT number FROM event WHERE at < ?1
            AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event = event.number AND state = 0)";
        let database = ledger.database();
        database.execute(&format!("DELETE FROM delivery WHERE event IN ({old})"), values![before])?;
        database.execute(&format!("DELETE FROM event WHERE number IN ({old})"), values![before])
    })
}

fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

fn wrong(field: &'static str, given: &str, expected: &'static str) -> Error {
    Error::Value { field, given: given.to_owned(), expected }
}

fn one(database: &Database, event: u64, webhook: &WebhookId) -> Result<Option<Delivery>> {
    let sql = format!(
        "SELECT {DELIVERY} FROM delivery JOIN event ON event.number = delivery.event
         WHERE delivery.event = ?1 AND delivery.webhook = ?2"
    );
    database.first(&sql, values![event, webhook], delivery)
}

fn webhook(row: &Row<'_>) -> Result<Webhook> {
    let kinds = row.text(3)?.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned);
    Ok(Webhook {
        id: row.array(0)?,
        issuer: row.text(1)?.to_owned(),
        url: row.text(2)?.to_owned(),
        kinds: kinds.collect(),
        is_on: row.unsigned(4)? > 0,
        generation: row.unsigned(5)?,
        overlap_until: row.time(6)?,
        added_at: row.time(7)?,
    })
}

fn delivery(row: &Row<'_>) -> Result<Delivery> {
    let license = row.optional_bytes(4)?.and_then(|id| <[u8; 16]>::try_from(id).ok());
    Ok(Delivery {
        event: row.unsigned(0)?,
        id: row.array(1)?,
        kind: row.text(2)?.to_owned(),
        at: row.time(3)?,
        license: license.map(TokenId::from),
        detail: row.text(5)?.to_owned(),
        webhook: row.array(6)?,
        state: DeliveryState::from_number(row.unsigned(7)?),
        attempts: row.unsigned(8)?,
        due: row.time(9)?,
        status: row.optional(10)?,
        reason: row.text(11)?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use licentia_issuer::{Draft, Issuer, Order, SigningKey};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn ledger() -> Ledger {
        let mut ledger = Ledger::in_memory().unwrap();
        ledger.host(&TABLES).unwrap();
        ledger
    }

    fn kinds(ledger: &Ledger, webhook: &Webhook) -> Vec<String> {
        let mut found = deliveries(ledger, "acme", Some(&webhook.id), None, None, 100).unwrap();
        found.reverse();
        found.into_iter().map(|delivery| delivery.kind).collect()
    }

    #[test]
    fn a_webhook_gets_what_it_wants_of_its_issuer_if_it_happened() {
        let mut ledger = ledger();
        let note = |ledger: &Ledger, issuer, kind| note(ledger, issuer, kind, None, "", NOW).unwrap();
        note(&ledger, "acme", "license.issued");
        let all = add(&ledger, "acme", "https://a.example/", &[], NOW).unwrap();
        let some = add(&ledger, "acme", "https://b.example/", &["license.revoked".into(), "x.y".into()], NOW)
            .unwrap();
        let other = add(&ledger, "globex", "https://c.example/", &[], NOW).unwrap();
        let off = add(&ledger, "acme", "https://d.example/", &[], NOW).unwrap();
        assert!(switch(&ledger, &off.id, false).unwrap());
        for wrong in ["", "License", "a,b", "a%"] {
            assert!(add(&ledger, "acme", "https://d.example/", &[wrong.into()], NOW).is_err(), "{wrong}");
        }
        note(&ledger, "acme", "license.issued");
        note(&ledger, "acme", "license.revoked");
        note(&ledger, "acme", "revoked");
        note(&ledger, "globex", "license.revoked");
        // What is rolled back was never written.
        let failed: Result<()> = ledger.together(|ledger| {
            note(ledger, "acme", "license.renewed");
            Err(Error::Random)
        });
        assert!(failed.is_err());
        assert_eq!(kinds(&ledger, &all), ["license.issued", "license.revoked", "revoked"]);
        assert_eq!(kinds(&ledger, &some), ["license.revoked"]);
        assert!(kinds(&ledger, &off).is_empty() && kinds(&ledger, &other).is_empty());
        assert_eq!(deliveries(&ledger, "globex", None, None, None, 9).unwrap().len(), 1);
        let [one, two] = [&all, &some].map(|webhook| {
            let found = deliveries(&ledger, "acme", Some(&webhook.id), None, None, 9).unwrap();
            found.into_iter().find(|delivery| delivery.kind == "license.revoked").unwrap().id
        });
        assert_eq!(one, two, "one event has one identifier, whoever gets it");
        assert_eq!(webhooks(&ledger, "acme").unwrap().len(), 3);
        assert!(remove(&mut ledger, &all.id).unwrap() && !remove(&mut ledger, &all.id).unwrap());
        assert!(kinds(&ledger, &all).is_empty());
    }

    #[test]
    fn a_delivery_is_leased_once_and_replayed_when_dead() {
        let mut ledger = ledger();
        let webhook = add(&ledger, "acme", "https://a.example/", &[], NOW).unwrap();
        assert!(!is_due(&ledger, NOW).unwrap());
        (0..5).for_each(|_| note(&ledger, "acme", "test.made", None, "", NOW).unwrap());
        assert!(is_due(&ledger, NOW).unwrap());
        let first = lease(&mut ledger, NOW, NOW + 60, 3).unwrap();
        let second = lease(&mut ledger, NOW, NOW + 60, 9).unwrap();
        assert_eq!((first.len(), second.len()), (3, 2), "nobody gets what another has");
        assert!(lease(&mut ledger, NOW + 59, NOW + 99, 9).unwrap().is_empty());
        let [one, two, three] = &first[..] else { panic!() };
        delivered(&ledger, one, 200).unwrap();
        undelivered(&ledger, two, Some(500), "no\nluck", Some(NOW + 10)).unwrap();
        undelivered(&ledger, three, None, "gone", None).unwrap();
        let again = lease(&mut ledger, NOW + 10, NOW + 70, 9).unwrap();
        assert_eq!(again.len(), 1);
        assert_eq!((again[0].id, again[0].attempts, again[0].status), (two.id, 1, Some(500)));
        assert_eq!(again[0].reason, "noluck");
        // Those of a server that died come back when their lease ends.
        assert_eq!(lease(&mut ledger, NOW + 61, NOW + 90, 9).unwrap().len(), 2);
        let of = |state| {
            counts(&ledger).unwrap().into_iter().find(|(_, of, _)| *of == state).map(|(.., count)| count)
        };
        let all = [DeliveryState::Waiting, DeliveryState::Delivered, DeliveryState::Dead].map(of);
        assert_eq!(all, [Some(3), Some(1), Some(1)]);
        assert_eq!(replay(&ledger, &webhook.id, None, NOW + 100).unwrap(), 1, "the dead one");
        assert_eq!(replay(&ledger, &webhook.id, Some(one.event), NOW + 100).unwrap(), 1, "one by its number");
        let replayed = lease(&mut ledger, NOW + 100, NOW + 160, 9).unwrap();
        assert_eq!((replayed.len(), replayed[0].id), (5, one.id), "with the same identifier");
        switch(&ledger, &webhook.id, false).unwrap();
        assert!(!is_due(&ledger, NOW + 999).unwrap(), "it is off");
        // Only what is done is forgotten.
        delivered(&ledger, one, 204).unwrap();
        assert_eq!(forget(&mut ledger, NOW).unwrap(), 0);
        assert_eq!(forget(&mut ledger, NOW + 1).unwrap(), 1);
        assert_eq!(kinds(&ledger, &webhook).len(), 4);
        assert!(rotate(&ledger, &webhook.id, NOW + 86_400).unwrap());
        let rotated = find(&ledger, &webhook.id).unwrap().unwrap();
        assert_eq!((rotated.generation, rotated.overlap_until), (1, NOW + 86_400));
    }

    #[test]
    fn a_backup_has_the_outbox_too() {
        let mut ledger = ledger();
        let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
        add(&ledger, "acme", "https://a.example/", &[], NOW).unwrap();
        let token =
            ledger.issue(&issuer, Order::new(Draft::new("ann", "pro", 1, NOW, NOW + 9))).unwrap().token;
        let id = token.claims().unwrap().id();
        note(&ledger, "acme", "license.issued", Some(&id), "", NOW).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy.db");
        ledger.backup(&path).unwrap();
        let mut copy = Ledger::open(&path).unwrap();
        copy.host(&TABLES).unwrap();
        let found = |ledger: &Ledger| deliveries(ledger, "acme", None, None, None, 9).unwrap();
        assert_eq!((found(&copy), found(&copy)[0].license), (found(&ledger), Some(id)));
    }
}
