//! The log of an instance's receipts: a file that only grows, each record durable before it is reported.
//!
//! `"LICRCPT1"`, then records: length u32, its complement u32, the first 8 bytes of the SHA-256 of the receipt,
//! the receipt; numbers are little-endian. A write that was cut off leaves a record that is not whole at the
//! very end, which is cut away when the log is opened; damage anywhere else is told and never repaired.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use licentia_core::{
    Code, Key, Timestamp, inner, limits,
    receipt::{Acknowledgement, Instance, Receipt, ReceiptEntry, ReceiptLink, UnsignedReceipt},
};

use super::tally::{Units, UsageCell};
use crate::license::HolderKey;

const MAGIC: &[u8; 8] = b"LICRCPT1";
/// Bytes before each receipt.
const HEAD: usize = 16;
/// How long after its end a window is repeated, in seconds; then it is in the log alone.
const REPEATED: u64 = 7 * 86_400;
/// A window that is no longer repeated stays in memory after its end, since some of it comes late: for as long as it
/// lasted, within these bounds, in seconds.
const LATE: (u64, u64) = (3_600, 86_400);
/// A receipt repeats this many entries for each that has grown...
const REPEATED_SHARE: usize = 3;
/// ... or this many.
const REPEATED_LEAST: usize = 64;
/// The log drops acknowledged receipts when they take this many bytes, or more.
const COMPACT_AT: u64 = 256 * 1024;
/// About the bytes of an entry.
const ENTRY_BYTES: usize = 64;
/// What stands before the first receipt.
const NOTHING: ReceiptLink = ReceiptLink { sequence: 0, digest: [0; 32] };

/// Why a log cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// The file cannot be read or written.
    Io {
        /// The log's path.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another process, or another part of this one, has it open.
    InUse {
        /// The log's path.
        path: PathBuf,
    },
    /// What is in it, or what was given, is not good: [`Code::ReceiptMalformed`], [`Code::ReceiptForged`],
    /// [`Code::ReceiptForeign`], [`Code::ReceiptFork`], [`Code::ReceiptRollback`] or [`Code::UnknownKey`].
    Refused(Code),
}

impl LogError {
    /// Its code; [`Code::StoreUnreachable`] if the file cannot be used.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(code) => *code,
            Self::Io { .. } | Self::InUse { .. } => Code::StoreUnreachable,
        }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "the log of receipts {}: {error}", path.display()),
            Self::InUse { path } => write!(
                f,
                "the log of receipts {} is in use by another process: give each process a log of its own",
                path.display()
            ),
            Self::Refused(code) => write!(f, "the log of receipts: {code}"),
        }
    }
}

impl Error for LogError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::InUse { .. } => None,
            Self::Refused(code) => Some(code),
        }
    }
}

/// A [`LogError`] that does not know its path yet.
enum Failure {
    Io(io::Error),
    InUse,
    Refused(Code),
}

impl Failure {
    fn at(self, path: &Path) -> LogError {
        match self {
            Self::Io(error) => LogError::Io { path: path.to_owned(), error },
            Self::InUse => LogError::InUse { path: path.to_owned() },
            Self::Refused(code) => LogError::Refused(code),
        }
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self::Refused(code)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The log of one instance, open for writing.
pub struct Log {
    key: HolderKey,
    path: PathBuf,
    file: File,
    /// Where the newest acknowledgement is kept: beside the log, so that a log which is set back alone shows.
    beside: PathBuf,
    length: u64,
    cells: BTreeMap<UsageCell, Count>,
    /// The receipt before the first one in the file: those up to it were acknowledged and dropped.
    base: ReceiptLink,
    last: ReceiptLink,
    /// The latest time of issue.
    issued_at: Timestamp,
    /// What the last receipt repeats: see [`Receipt::since`].
    told_since: u64,
    acknowledged: Option<ReceiptLink>,
    /// Every receipt that is not acknowledged, by its number.
    pending: BTreeMap<u64, Place>,
    /// The latest end of the windows that are no longer in `cells`.
    forgotten: Timestamp,
    /// The newest receipt in which one of those grew.
    forgotten_in: u64,
    too_late: u64,
    refused: Option<Code>,
}

/// What was counted of a cell.
#[derive(Default)]
struct Count {
    units: Units,
    /// Whether the log may hold more of it, which is then still to be added.
    partial: bool,
    /// The receipt in which it grew last; none if it has grown since.
    written: Option<u64>,
}

/// Where a receipt is in the file.
struct Place {
    digest: [u8; 32],
    offset: u64,
    length: usize,
}

/// What a log holds.
#[derive(Debug, Default)]
pub struct Read {
    /// The receipts, in their order. They are not verified.
    pub receipts: Vec<Vec<u8>>,
    /// Whether its last write was cut off.
    pub torn: bool,
}

impl Log {
    /// Opens the log of the instance with this key, or begins one, and takes it for itself.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(path: &Path, key: HolderKey) -> Result<Self, LogError> {
        Self::open_file(path, key).map_err(|failure| failure.at(path))
    }

    fn open_file(path: &Path, key: HolderKey) -> Result<Self, Failure> {
        let mut file = open_locked(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if bytes.len() < MAGIC.len() && MAGIC.starts_with(&bytes) {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(MAGIC)?;
            file.sync_all()?;
            sync_folder(path)?;
            bytes = MAGIC.to_vec();
        }
        let (records, length) = records(&bytes)?;
        let mut log = Self {
            key,
            path: path.to_owned(),
            file,
            beside: beside(path),
            length: length as u64,
            cells: BTreeMap::new(),
            base: NOTHING,
            last: NOTHING,
            issued_at: Timestamp::EPOCH,
            told_since: 0,
            acknowledged: None,
            pending: BTreeMap::new(),
            forgotten: Timestamp::EPOCH,
            forgotten_in: 0,
            too_late: 0,
            refused: None,
        };
        for (offset, record) in records {
            log.take_up(offset, record)?;
        }
        if length < bytes.len() {
            log.file.set_len(log.length)?;
            log.file.sync_all()?;
        }
        let told = log.acknowledged.take();
        if log.base != NOTHING {
            // Receipts are dropped only from behind one that says that the vendor has them.
            if told.is_none_or(|told| told.sequence < log.base.sequence) {
                return Err(Failure::Refused(Code::ReceiptRollback));
            }
        }
        let kept =
            load_link(&log.beside)?.filter(|kept| told.is_none_or(|told| told.sequence <= kept.sequence));
        for link in [told, kept].into_iter().flatten() {
            log.hold_against(link)?;
        }
        Ok(log)
    }

    /// What the log at `path` holds, whoever has it open.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn read(path: &Path) -> Result<Read, LogError> {
        let bytes = fs::read(path).map_err(|error| Failure::Io(error).at(path))?;
        Self::parse(&bytes).map_err(LogError::Refused)
    }

    /// What the bytes of a log hold.
    ///
    /// # Errors
    /// [`Code::ReceiptMalformed`].
    pub fn parse(bytes: &[u8]) -> Result<Read, Code> {
        let (records, length) = records(bytes)?;
        let receipts = records.into_iter().map(|(_, record)| record.to_vec()).collect();
        Ok(Read { receipts, torn: length < bytes.len() })
    }

    /// Whether the bytes begin as a log does.
    pub fn is_log(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// The instance.
    pub fn instance(&self) -> Instance {
        self.key.thumbprint()
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The newest receipt.
    pub fn last(&self) -> Option<ReceiptLink> {
        (self.last.sequence > 0).then_some(self.last)
    }

    /// Units that came too late for any receipt.
    pub(super) fn too_late(&self) -> u64 {
        self.too_late
    }

    /// Adds units, to be written with the next receipt.
    ///
    /// A window that ends beyond [`limits::INTEGER`] counts as ending there: no receipt can hold a later end, and one
    /// licence must not keep those of all others from being written.
    pub fn add(&mut self, mut cell: UsageCell, units: Units) {
        if units.is_zero() {
            return;
        }
        cell.window.end = cell.window.end.map(|end| end.min(Timestamp::from_seconds(limits::INTEGER)));
        let dropped =
            |end: Timestamp| self.base != NOTHING && end + late(cell.window.start, end) <= self.issued_at;
        let partial = cell.window.end.is_some_and(|end| end <= self.forgotten || dropped(end));
        let count = self.cells.entry(cell).or_insert_with(|| Count { partial, ..Count::default() });
        count.units.add(units, limits::INTEGER);
        count.written = None;
    }

    /// Writes what was counted since the last time, durably, and returns the receipts: none if nothing was.
    /// There is more than one only if more cells have grown than one receipt can hold.
    ///
    /// A receipt holds every cell that has grown, and repeats those of earlier receipts as far back as that takes a few
    /// times the space, so that the log costs what changes. If the log is mostly of receipts that the vendor has
    /// acknowledged, they are dropped from it.
    ///
    /// # Errors
    /// [`LogError`]; then nothing is written, and what was counted stays.
    pub fn write(&mut self, now: impl Into<Timestamp>) -> Result<Vec<Vec<u8>>, LogError> {
        let done = self.try_write(now.into());
        done.map_err(|failure| failure.at(&self.path))
    }

    fn try_write(&mut self, now: Timestamp) -> Result<Vec<Vec<u8>>, Failure> {
        self.refused.map_or(Ok(()), |code| Err(Failure::Refused(code)))?;
        if self.cells.values().all(|count| count.written.is_some()) {
            return Ok(Vec::new());
        }
        self.complete()?;
        self.forget(now);
        let checkpoint = self.is_mostly_dead();
        let since = if checkpoint { self.repeatable() } else { self.since() };
        let told = |count: &Count| checkpoint || count.written.is_none_or(|at| at > since);
        let told = self.cells.iter().filter(|(_, count)| told(count));
        let entries: Vec<_> = told.map(|(cell, count)| entry(cell, count.units)).collect();
        let mut chunks = chunks(&entries);
        let fresh: Vec<_>;
        if chunks.len() > 1 && !checkpoint {
            // Of several receipts none repeats all of an earlier one, so they hold what has grown and no more.
            let grown = self.cells.iter().filter(|(_, count)| count.written.is_none());
            fresh = grown.map(|(cell, count)| entry(cell, count.units)).collect();
            chunks = self::chunks(&fresh);
        }
        let public = self.key.public();
        let (mut last, mut receipts) = (self.last, Vec::new());
        // In which receipt each cell is told.
        let mut told_in: Vec<(UsageCell, u64)> = Vec::new();
        for entries in &chunks {
            let receipt = UnsignedReceipt {
                key: &public,
                sequence: last.sequence.saturating_add(1),
                previous: &last.digest,
                issued_at: now,
                entries,
                acknowledged: self.acknowledged,
                since: if chunks.len() > 1 { last.sequence } else { since },
            };
            let bytes = receipt.seal(|parts| self.key.sign(parts)).map_err(Failure::Refused)?;
            last = ReceiptLink { sequence: receipt.sequence, digest: inner::digest(&bytes) };
            told_in.extend(entries.iter().map(|entry| (cell(entry), last.sequence)));
            receipts.push((last, bytes));
        }
        let mut content = Vec::new();
        let places = receipts.iter().map(|(link, receipt)| place(&mut content, self.length, *link, receipt));
        let places: Vec<_> = places.collect();
        self.append(&content)?;
        self.pending.extend(places);
        (self.last, self.issued_at, self.told_since) = (last, now.max(self.issued_at), since);
        for (cell, sequence) in told_in {
            if let Some(count) = self.cells.get_mut(&cell).filter(|count| count.written.is_none()) {
                count.written = Some(sequence);
            }
        }
        if checkpoint {
            self.compact()?;
        }
        Ok(receipts.into_iter().map(|(_, receipt)| receipt).collect())
    }

    /// The number of the receipt after which all others can be repeated from memory, if the vendor needs them.
    fn repeatable(&self) -> u64 {
        self.forgotten_in.max(self.acknowledged.map_or(0, |link| link.sequence))
    }

    /// The number of the receipt after which all others are repeated: as far back as the space allows.
    fn since(&self) -> u64 {
        let oldest = self.repeatable();
        let mut written: Vec<_> = self.cells.values().filter_map(|count| count.written).collect();
        let grown = self.cells.len().saturating_sub(written.len());
        let space = grown.saturating_mul(REPEATED_SHARE).max(REPEATED_LEAST);
        written.retain(|at| *at > oldest);
        written.sort_unstable_by(|one, other| other.cmp(one));
        // The newest one that there is no space for, and all that are as old, are left out.
        written.get(space).copied().unwrap_or(oldest)
    }

    /// Drops cells from memory that are neither repeated nor likely to grow.
    fn forget(&mut self, now: Timestamp) {
        let told_since = self.told_since;
        let due = |cell: &UsageCell, count: &Count| {
            let (Some(end), Some(at)) = (cell.window.end, count.written) else { return false };
            let over = |by: u64| now >= end + by;
            over(REPEATED) || (at <= told_since && over(late(cell.window.start, end)))
        };
        for (cell, count) in self.cells.iter().filter(|(cell, count)| due(cell, count)) {
            self.forgotten = self.forgotten.max(cell.window.end.unwrap_or(Timestamp::EPOCH));
            self.forgotten_in = self.forgotten_in.max(count.written.unwrap_or(0));
        }
        self.cells.retain(|cell, count| !due(cell, count));
    }

    /// Adds what the log holds of cells that were no longer in memory when they were counted: very late ones. What came
    /// after the log had dropped their receipts is too late.
    fn complete(&mut self) -> Result<(), Failure> {
        if !self.cells.values().any(|count| count.partial) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        self.file.rewind()?;
        self.file.read_to_end(&mut bytes)?;
        let mut before: BTreeMap<UsageCell, Units> = BTreeMap::new();
        for (_, record) in records(&bytes)?.0 {
            let receipt = Receipt::read(record).map_err(Failure::Refused)?;
            for entry in receipt.entries() {
                let cell = cell(&entry);
                if self.cells.get(&cell).is_some_and(|count| count.partial) {
                    let greatest = before.entry(cell).or_default();
                    *greatest = units(&entry).max(*greatest);
                }
            }
        }
        let whole = self.base == NOTHING;
        let late = &mut self.too_late;
        self.cells.retain(|cell, count| {
            let before = before.get(cell);
            if count.partial && before.is_none() && !whole {
                *late = late.saturating_add(count.units.counted);
                return false;
            }
            if std::mem::take(&mut count.partial) {
                count.units.add(before.copied().unwrap_or_default(), limits::INTEGER);
            }
            true
        });
        Ok(())
    }

    /// Whether most of the file is receipts that the vendor has acknowledged, so that it pays to drop them.
    fn is_mostly_dead(&self) -> bool {
        let live = self.pending.values().map(|place| (place.length + HEAD) as u64).sum::<u64>();
        let checkpoint = (self.cells.len() as u64).saturating_mul(ENTRY_BYTES as u64);
        let dead = self.length.saturating_sub(live);
        dead >= COMPACT_AT && dead / 2 >= live.saturating_add(checkpoint)
    }

    /// Replaces the file by one without the receipts that the vendor has acknowledged. The receipt before was a
    /// checkpoint: it holds all that may still grow.
    fn compact(&mut self) -> Result<(), Failure> {
        let Some(base) = self.acknowledged else { return Ok(()) };
        let receipts = self.try_unacknowledged()?;
        let mut content = MAGIC.to_vec();
        let links = self.pending.iter().map(|(sequence, place)| (*sequence, place.digest));
        let links = links.map(|(sequence, digest)| ReceiptLink { sequence, digest });
        let places = links.zip(&receipts).map(|(link, receipt)| place(&mut content, 0, link, receipt));
        let places: BTreeMap<_, _> = places.collect();
        let mut fresh = self.path.as_os_str().to_owned();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        let Ok(file) = replacement(&fresh, &self.path, &content) else {
            // The old file is still whole, and in use: some systems replace no open file.
            let _ = fs::remove_file(&fresh);
            return Ok(());
        };
        (self.file, self.length, self.pending, self.base) = (file, content.len() as u64, places, base);
        if let Err(error) = sync_folder(&self.path) {
            // After a power cut the name might be the old file's again.
            self.refused = Some(Code::StoreUnreachable);
            return Err(error.into());
        }
        Ok(())
    }

    /// Writes at the end, and waits until it is on the disk.
    fn append(&mut self, records: &[u8]) -> Result<(), Failure> {
        let written = self.file.seek(SeekFrom::Start(self.length)).and_then(|_| self.file.write_all(records));
        if let Err(error) = written {
            // Nothing of it was reported. Where it cannot be cut away either, opening does it: a shorter record written
            // over it would leave a rest that is no record.
            if self.file.set_len(self.length).is_err() {
                self.refused = Some(Code::StoreUnreachable);
            }
            return Err(error.into());
        }
        if let Err(error) = self.file.sync_data() {
            // What the disk holds now is not known, and asking again would not tell (fsync(2)).
            self.refused = Some(Code::StoreUnreachable);
            return Err(error.into());
        }
        self.length = self.length.saturating_add(records.len() as u64);
        Ok(())
    }

    /// Takes up a receipt of the file.
    fn take_up(&mut self, offset: usize, bytes: &[u8]) -> Result<(), Failure> {
        let receipt = Receipt::read(bytes).map_err(Failure::Refused)?;
        if receipt.instance() != self.instance() {
            return Err(Failure::Refused(Code::ReceiptForeign));
        }
        if self.last == NOTHING && receipt.sequence() > 1 {
            let sequence = receipt.sequence().saturating_sub(1);
            self.base = ReceiptLink { sequence, digest: *receipt.previous() };
            self.last = self.base;
        }
        let follows = receipt.sequence() == self.last.sequence.saturating_add(1);
        if !follows || *receipt.previous() != self.last.digest {
            return Err(Failure::Refused(Code::ReceiptFork));
        }
        for entry in receipt.entries() {
            let count = self.cells.entry(cell(&entry)).or_default();
            let units = units(&entry);
            if units.fell_from(count.units) {
                return Err(Failure::Refused(Code::ReceiptRollback));
            }
            if units != count.units || count.written.is_none() {
                let written = Some(receipt.sequence());
                *count = Count { units, partial: false, written };
            }
        }
        self.last = receipt.link();
        let place = Place { digest: self.last.digest, offset: offset as u64, length: bytes.len() };
        self.pending.insert(self.last.sequence, place);
        self.acknowledged = receipt.acknowledged().or(self.acknowledged);
        (self.issued_at, self.told_since) = (self.issued_at.max(receipt.issued_at()), receipt.since());
        Ok(())
    }

    /// Takes the vendor's acknowledgement, and keeps it beside the log.
    ///
    /// # Errors
    /// [`LogError`]; see [`super::Receipts::acknowledge`].
    pub fn acknowledge(&mut self, acknowledgement: &[u8], vendor: &[Key]) -> Result<(), LogError> {
        let done = self.try_acknowledge(acknowledgement, vendor);
        done.map_err(|failure| failure.at(&self.path))
    }

    fn try_acknowledge(&mut self, acknowledgement: &[u8], vendor: &[Key]) -> Result<(), Failure> {
        let given = Acknowledgement::read(acknowledgement, vendor).map_err(Failure::Refused)?;
        if given.instance != self.instance() {
            return Err(Failure::Refused(Code::ReceiptForeign));
        }
        if self.acknowledged.is_some_and(|known| given.receipt.sequence < known.sequence) {
            return Ok(()); // a late one
        }
        // It is kept first: what it shows must show after a restart as well.
        save_link(&self.beside, given.receipt)?;
        self.hold_against(given.receipt)
    }

    /// Compares the log with what the vendor has, and stops writing if they differ.
    fn hold_against(&mut self, link: ReceiptLink) -> Result<(), Failure> {
        if link.sequence < self.base.sequence {
            return Ok(()); // one from before those that were dropped
        }
        let own = match self.acknowledged.unwrap_or(self.base) {
            known if known.sequence == link.sequence => Some(known.digest),
            _ => self.pending.get(&link.sequence).map(|place| place.digest),
        };
        let code = match own {
            Some(digest) if digest == link.digest => {
                self.acknowledged = Some(link);
                self.pending = self.pending.split_off(&link.sequence.saturating_add(1));
                return Ok(());
            }
            Some(_) => Code::ReceiptFork,
            None => Code::ReceiptRollback,
        };
        self.refused = Some(code);
        Err(Failure::Refused(code))
    }

    /// The receipts that the vendor has not acknowledged, oldest first.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn unacknowledged(&mut self) -> Result<Vec<Vec<u8>>, LogError> {
        let done = self.try_unacknowledged();
        done.map_err(|failure| failure.at(&self.path))
    }

    fn try_unacknowledged(&mut self) -> Result<Vec<Vec<u8>>, Failure> {
        let mut receipts = Vec::with_capacity(self.pending.len());
        for place in self.pending.values() {
            let mut receipt = vec![0; place.length];
            self.file.seek(SeekFrom::Start(place.offset))?;
            self.file.read_exact(&mut receipt)?;
            receipts.push(receipt);
        }
        Ok(receipts)
    }
}

/// Takes a file for this process. A child that is being started has it too, until it has become another program: so it
/// is tried again for a moment.
fn lock(file: &File) -> Result<(), Failure> {
    for _ in 0..50 {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err(Failure::InUse)
}

fn entry(cell: &UsageCell, units: Units) -> ReceiptEntry<'_> {
    ReceiptEntry {
        issuer: &cell.issuer,
        lineage: cell.lineage,
        meter: &cell.meter,
        window: cell.window,
        count: units.counted,
        refunded: units.refunded,
    }
}

/// The cell of an entry. It owns its names.
pub(super) fn cell(entry: &ReceiptEntry<'_>) -> UsageCell {
    let (issuer, meter) = (entry.issuer.to_owned(), entry.meter.to_owned());
    UsageCell { issuer, lineage: entry.lineage, meter, window: entry.window }
}

/// The counts of an entry.
pub(super) fn units(entry: &ReceiptEntry<'_>) -> Units {
    Units { counted: entry.count, refunded: entry.refunded }
}

/// How long after its end a window stays in memory, in seconds.
fn late(start: Timestamp, end: Timestamp) -> u64 {
    end.as_seconds().saturating_sub(start.as_seconds()).clamp(LATE.0, LATE.1)
}

/// Entries in parts that fit into a receipt each.
fn chunks<'e, 'a>(entries: &'e [ReceiptEntry<'a>]) -> Vec<&'e [ReceiptEntry<'a>]> {
    let mut chunks = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let mut bytes = 0_usize;
        let fits = rest.iter().take(limits::RECEIPT_ENTRIES).take_while(|entry| {
            bytes = bytes.saturating_add(ENTRY_BYTES + entry.issuer.len() + entry.meter.len());
            bytes <= limits::RECEIPT_BYTES - 4096
        });
        let (chunk, more) = rest.split_at(fits.count().max(1));
        chunks.push(chunk);
        rest = more;
    }
    chunks
}

/// Appends the record of a receipt to what is written at `offset`, and returns its number and place.
fn place(content: &mut Vec<u8>, offset: u64, link: ReceiptLink, receipt: &[u8]) -> (u64, Place) {
    let length = u32::try_from(receipt.len()).unwrap_or(u32::MAX);
    content.extend_from_slice(&length.to_le_bytes());
    content.extend_from_slice(&(!length).to_le_bytes());
    content.extend(link.digest.iter().take(8));
    let offset = offset.saturating_add(content.len() as u64);
    content.extend_from_slice(receipt);
    (link.sequence, Place { digest: link.digest, offset, length: receipt.len() })
}

/// Opens a file and takes it for this process. While this waits another process may replace the file, so that the one
/// that has the name then is opened.
fn open_locked(path: &Path) -> Result<File, Failure> {
    for _ in 0..10 {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        lock(&file)?;
        if is_named(&file, path)? {
            return Ok(file);
        }
    }
    Err(Failure::InUse)
}

#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (own, named) = (file.metadata()?, fs::metadata(path)?);
    Ok((own.dev(), own.ino()) == (named.dev(), named.ino()))
}

/// Other systems replace no file that is open.
#[cfg(not(unix))]
fn is_named(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Writes a file and lets it take the place of another, locked and durable but for its name.
fn replacement(fresh: &Path, path: &Path, content: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(fresh)?;
    file.try_lock().map_err(|_| io::ErrorKind::WouldBlock)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(fresh, path)?;
    Ok(file)
}

/// The receipts of a log with their offsets, and the length of all that is whole.
#[allow(clippy::type_complexity, reason = "a list and a length")]
fn records(bytes: &[u8]) -> Result<(Vec<(usize, &[u8])>, usize), Code> {
    if !bytes.starts_with(MAGIC) {
        return Err(Code::ReceiptMalformed);
    }
    let (mut records, mut at) = (Vec::new(), MAGIC.len());
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        match record(rest) {
            Some(record) => {
                records.push((at + HEAD, record));
                at += HEAD + record.len();
            }
            None if is_torn(rest) => break,
            None => return Err(Code::ReceiptMalformed),
        }
    }
    Ok((records, at))
}

/// Length and check of the record that `bytes` begin with.
fn head(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (complement, rest) = rest.split_first_chunk::<4>()?;
    let (length, complement) = (u32::from_le_bytes(*length), u32::from_le_bytes(*complement));
    let known = length == !complement && length as usize <= limits::RECEIPT_BYTES;
    known.then_some((length as usize, rest))
}

/// The receipt of the record that `bytes` begin with, if it is whole.
fn record(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = head(bytes)?;
    let (check, rest) = rest.split_first_chunk::<8>()?;
    let receipt = rest.get(..length)?;
    inner::digest(receipt).starts_with(check).then_some(receipt)
}

/// Whether these bytes are what a write that was cut off leaves: too few of them, or the right number of which
/// not all arrived, or nothing but zeros, where the file grew before its content came.
fn is_torn(bytes: &[u8]) -> bool {
    let arrived = match head(bytes) {
        Some((length, _)) => bytes.len() <= HEAD + length,
        None => bytes.len() < HEAD,
    };
    arrived || bytes.iter().all(|byte| *byte == 0)
}

/// The file beside a log.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".ack");
    name.into()
}

/// Saves the newest acknowledged receipt: sequence u64, digest, and the first 8 bytes of the SHA-256 of both.
fn save_link(path: &Path, link: ReceiptLink) -> Result<(), Failure> {
    let mut bytes = [&link.sequence.to_le_bytes()[..], &link.digest].concat();
    let check = inner::digest(&bytes);
    bytes.extend(check.iter().take(8));
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let mut file = File::create(&fresh)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    Ok(sync_folder(path)?)
}

fn load_link(path: &Path) -> Result<Option<ReceiptLink>, Failure> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let link = bytes.split_first_chunk::<8>().and_then(|(sequence, rest)| {
        let (digest, check) = rest.split_first_chunk::<32>()?;
        let signed = bytes.get(..40)?;
        let fits = check.len() == 8 && inner::digest(signed).starts_with(check);
        fits.then_some(ReceiptLink { sequence: u64::from_le_bytes(*sequence), digest: *digest })
    });
    link.map(Some).ok_or(Failure::Refused(Code::ReceiptMalformed))
}

/// Makes a new name in a folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows has no such thing, and needs none.
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("key", &self.key).field("last", &self.last).finish_non_exhaustive()
    }
}
