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

use super::tally::UsageCell;
use crate::license::HolderKey;

const MAGIC: &[u8; 8] = b"LICRCPT1";
/// Bytes before each receipt.
const HEAD: usize = 16;
/// How long after its end a window is told of again, in seconds; then it is in the log alone.
const REPEATED: u64 = 7 * 86_400;
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
    last: ReceiptLink,
    acknowledged: Option<ReceiptLink>,
    /// Every receipt that is not acknowledged, by its number.
    pending: BTreeMap<u64, Place>,
    /// The latest end of the windows that are no longer in `cells`.
    forgotten: Timestamp,
    refused: Option<Code>,
}

/// What was counted of a cell.
#[derive(Default)]
struct Count {
    units: u64,
    /// Whether the log may hold more of it, which is then still to be added.
    partial: bool,
    /// The receipt in which it grew last; none where it grew since.
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
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        lock(&file)?;
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
            last: NOTHING,
            acknowledged: None,
            pending: BTreeMap::new(),
            forgotten: Timestamp::EPOCH,
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

    /// Counts units, to be written with the next receipt.
    ///
    /// A window that ends beyond [`limits::INTEGER`] counts as ending there: no receipt can hold a later end, and one
    /// licence must not keep those of all others from being written.
    pub fn count(&mut self, mut cell: UsageCell, units: u64) {
        if units == 0 {
            return;
        }
        cell.window.end = cell.window.end.map(|end| end.min(Timestamp::from_seconds(limits::INTEGER)));
        let partial = cell.window.end.is_some_and(|end| end <= self.forgotten);
        let count = self.cells.entry(cell).or_insert_with(|| Count { partial, ..Count::default() });
        count.units = count.units.saturating_add(units).min(limits::INTEGER);
        count.written = None;
    }

    /// Writes what was counted since the last time, durably, and gives the receipts: none where nothing was.
    /// There is more than one only where more than [`limits::RECEIPT_ENTRIES`] cells are to be told of.
    ///
    /// A receipt holds every cell that has grown since the one that the vendor has acknowledged, unless it was
    /// written before and its window ended more than 7 days ago.
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
        let known = self.acknowledged.map_or(0, |link| link.sequence);
        self.complete()?;
        let open = |cell: &UsageCell| cell.window.end.is_none_or(|end| now < end.saturating_add(REPEATED));
        let told = |cell: &UsageCell, count: &Count| count.written.is_none_or(|at| at > known && open(cell));
        let grown = self.cells.iter().filter(|(cell, count)| told(cell, count));
        let entries: Vec<_> = grown.map(|(cell, count)| entry(cell, count.units)).collect();
        let public = self.key.public();
        let (mut last, mut receipts) = (self.last, Vec::new());
        // In which receipt each cell is told.
        let mut told_in: Vec<(UsageCell, u64)> = Vec::new();
        for entries in entries.chunks(limits::RECEIPT_ENTRIES) {
            let receipt = UnsignedReceipt {
                key: &public,
                sequence: last.sequence.saturating_add(1),
                previous: &last.digest,
                issued_at: now,
                entries,
                acknowledged: self.acknowledged,
            };
            let bytes = receipt.seal(|parts| self.key.sign(parts)).map_err(Failure::Refused)?;
            last = ReceiptLink { sequence: receipt.sequence, digest: inner::digest(&bytes) };
            told_in.extend(entries.iter().map(|entry| (cell(entry), last.sequence)));
            receipts.push((last, bytes));
        }
        let mut records = Vec::new();
        let mut places = Vec::new();
        for (link, receipt) in &receipts {
            let offset = self.length.saturating_add((records.len() + HEAD) as u64);
            places.push((link.sequence, Place { digest: link.digest, offset, length: receipt.len() }));
            let length = u32::try_from(receipt.len()).unwrap_or(u32::MAX);
            records.extend_from_slice(&length.to_le_bytes());
            records.extend_from_slice(&(!length).to_le_bytes());
            records.extend(link.digest.iter().take(8));
            records.extend_from_slice(receipt);
        }
        self.append(&records)?;
        self.pending.extend(places);
        self.last = last;
        for (cell, sequence) in told_in {
            if let Some(count) = self.cells.get_mut(&cell).filter(|count| count.written.is_none()) {
                count.written = Some(sequence);
            }
        }
        let ended = |cell: &UsageCell| cell.window.end.filter(|_| !open(cell));
        self.forgotten = self.cells.keys().filter_map(ended).fold(self.forgotten, Timestamp::max);
        self.cells.retain(|cell, _| open(cell));
        Ok(receipts.into_iter().map(|(_, receipt)| receipt).collect())
    }

    /// Adds what the log holds of cells that were no longer in memory when they were counted: very late ones.
    fn complete(&mut self) -> Result<(), Failure> {
        if !self.cells.values().any(|count| count.partial) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        self.file.rewind()?;
        self.file.read_to_end(&mut bytes)?;
        let mut before: BTreeMap<UsageCell, u64> = BTreeMap::new();
        for (_, record) in records(&bytes)?.0 {
            let receipt = Receipt::read(record).map_err(Failure::Refused)?;
            for entry in receipt.entries() {
                let cell = cell(&entry);
                if self.cells.get(&cell).is_some_and(|count| count.partial) {
                    let greatest = before.entry(cell).or_default();
                    *greatest = entry.count.max(*greatest);
                }
            }
        }
        for (cell, count) in self.cells.iter_mut().filter(|(_, count)| count.partial) {
            let before = before.get(cell).copied().unwrap_or(0);
            count.units = count.units.saturating_add(before).min(limits::INTEGER);
            count.partial = false;
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
        let follows = receipt.sequence() == self.last.sequence.saturating_add(1);
        if !follows || *receipt.previous() != self.last.digest {
            return Err(Failure::Refused(Code::ReceiptFork));
        }
        for entry in receipt.entries() {
            let count = self.cells.entry(cell(&entry)).or_default();
            if entry.count < count.units {
                return Err(Failure::Refused(Code::ReceiptRollback));
            }
            if entry.count > count.units || count.written.is_none() {
                let written = Some(receipt.sequence());
                *count = Count { units: entry.count, partial: false, written };
            }
        }
        self.last = receipt.link();
        let place = Place { digest: self.last.digest, offset: offset as u64, length: bytes.len() };
        self.pending.insert(self.last.sequence, place);
        self.acknowledged = receipt.acknowledged().or(self.acknowledged);
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

    /// Holds the log against what the vendor has, and writes no more where it is not the same.
    fn hold_against(&mut self, link: ReceiptLink) -> Result<(), Failure> {
        let own = match self.acknowledged {
            Some(known) if known.sequence == link.sequence => Some(known.digest),
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

fn entry(cell: &UsageCell, count: u64) -> ReceiptEntry<'_> {
    ReceiptEntry { lineage: cell.lineage, meter: &cell.meter, window: cell.window, count }
}

/// The cell of an entry, with a name of its own.
pub(super) fn cell(entry: &ReceiptEntry<'_>) -> UsageCell {
    UsageCell { lineage: entry.lineage, meter: entry.meter.to_owned(), window: entry.window }
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

/// The receipt of the record that `bytes` begin with, where it is whole.
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
