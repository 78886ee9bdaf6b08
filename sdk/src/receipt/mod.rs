//! Receipts: what an instance has counted, signed, chained and kept, so that billing is right whatever is
//! lost, repeated or reordered on its way.
//!
//! The instance has [`Receipts`]: a sink of its gate that adds up what was used, and writes a signed receipt
//! into a [`Log`] when it is told to. Whoever has the receipts of some instances adds them up with an
//! [`Audit`], which names what is missing, forked, set back or forged.
//!
//! ```
//! use std::sync::Arc;
//! use licentia::{GateBuilder, HolderKey, Key, Request, receipt::{Audit, Receipts}};
//!
//! # let (issuer_key, token) = (
//! #     include_str!("../../../core/tests/data/example.pub").trim(),
//! #     include_str!("../../../core/tests/data/example.lic").trim(),
//! # );
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("usage.receipts");
//! let instance = HolderKey::from_seed(&[7; 32]); // another key for each instance
//! let receipts = Arc::new(Receipts::open(&path, instance)?);
//! let gate = GateBuilder::new().key(Key::from_text(issuer_key)?).sink(receipts.clone()).build()?;
//!
//! let request = Request::new().audience("api.acme.example").meters(&[("calls", 3)]);
//! assert!(gate.check(token, &request, 1_800_000_000).is_allowed());
//! let written = receipts.write(1_800_000_060)?; // once a minute, say
//!
//! let mut audit = Audit::new();
//! written.iter().for_each(|receipt| audit.add(receipt));
//! let report = audit.finish();
//! assert!(report.findings.is_empty());
//! assert_eq!(report.usage.values().next().unwrap().total(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audit;
mod event;
mod log;
mod tally;

use std::{
    fmt,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use licentia_core::{Code, Key, Timestamp};

use crate::{
    event::{Event, Sink, Used},
    license::HolderKey,
    metering::Unit,
    platform::process_id,
};

pub use audit::{Audit, Finding, InstanceStatus, Report, Usage};
pub use event::cloud_events;
pub use licentia_core::receipt::{Acknowledgement, Digest, Instance, Receipt, ReceiptEntry, ReceiptLink};
pub use log::{Log, LogError, Read};
use tally::{CellName, Tally};
pub use tally::{Units, UsageCell};

/// Counts what a gate allows, and writes it down as receipts.
///
/// Give it to [`crate::GateBuilder::sink`]. What was counted since the last [`Receipts::write`] is in memory only:
/// a crash loses it, so write as often as you can afford to lose. Dropping the last reference writes it, with the time
/// of the latest event; a gate holds one, so drop it too before the process ends.
///
/// They belong to the process that opened them. A child after `fork` opens another log with another key: in this
/// one it is refused as [`LogError::InUse`].
pub struct Receipts {
    used: Tally,
    log: Mutex<Log>,
    /// The latest time of an event, in seconds since 1970.
    seen: AtomicU64,
    process: u32,
}

impl Receipts {
    /// Opens the log of an instance, or begins one. Each instance needs its own key.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(path: impl AsRef<Path>, key: HolderKey) -> Result<Self, LogError> {
        let log = Mutex::new(Log::open(path.as_ref(), key)?);
        Ok(Self { used: Tally::default(), log, seen: AtomicU64::new(0), process: process_id() })
    }

    /// Adds units that were used.
    pub fn add(&self, cell: &UsageCell, units: u64) {
        self.used.add(cell.name(), Units { counted: units, refunded: 0 });
    }

    /// Adds units that were refunded.
    pub fn refund(&self, cell: &UsageCell, units: u64) {
        self.used.add(cell.name(), Units { counted: 0, refunded: units });
    }

    /// Units that came too late for any receipt: an hour to a day after their window ended, depending on its length, and
    /// after what the log held of it was acknowledged and dropped.
    pub fn too_late(&self) -> u64 {
        self.log().too_late()
    }

    /// Writes what was used since the last call to the log, durably, and returns the receipts: none if nothing was
    /// used. It waits for the disk, so call it from a thread that may wait.
    ///
    /// # Errors
    /// [`LogError`]; what was used is then still counted, and goes into the next receipt that is written.
    pub fn write(&self, now: impl Into<Timestamp>) -> Result<Vec<Vec<u8>>, LogError> {
        let now = now.into();
        let mut log = self.own_log()?;
        for (cell, units) in self.used.take() {
            log.add(cell, units);
        }
        self.seen.fetch_max(now.as_seconds(), Ordering::Relaxed);
        log.write(now)
    }

    /// Takes the vendor's acknowledgement of a receipt, and keeps it.
    ///
    /// # Errors
    /// [`LogError`]: in particular [`Code::ReceiptRollback`] where the vendor has receipts that this log does
    /// not, and [`Code::ReceiptFork`] where it has another one of the same number: this log is then a copy or
    /// an old state of another one, and writes no more.
    pub fn acknowledge(&self, acknowledgement: &[u8], vendor: &[Key]) -> Result<(), LogError> {
        self.own_log()?.acknowledge(acknowledgement, vendor)
    }

    /// The receipts that the vendor has not acknowledged, oldest first: what is to be sent.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn unacknowledged(&self) -> Result<Vec<Vec<u8>>, LogError> {
        self.own_log()?.unacknowledged()
    }

    /// The instance.
    pub fn instance(&self) -> Instance {
        self.log().instance()
    }

    /// The log, if this process has opened it.
    fn own_log(&self) -> Result<MutexGuard<'_, Log>, LogError> {
        let log = self.log();
        if self.process == process_id() {
            Ok(log)
        } else {
            Err(LogError::InUse { path: log.path().to_owned() })
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // A log that failed half-way through a write refuses to go on by itself.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Receipts {
    fn record(&self, event: &Event<'_, '_>) {
        // In advisory mode a request goes on that was denied, and it was not charged.
        if event.decision.code() != Code::Allowed {
            return;
        }
        let Some(license) = event.decision.license() else { return };
        let lineage = license.lineage();
        for charge in event.decision.charges().filter(|charge| charge.charged > 0) {
            // The window of the units, which is not always the one at the decision's time.
            if let (Unit::Quota, Some(window)) = (charge.unit, charge.counted_in) {
                let name =
                    CellName { issuer: license.issuer(), lineage: &lineage, meter: charge.name, window };
                self.used.add(name, Units { counted: charge.charged, refunded: 0 });
            }
        }
        self.seen.fetch_max(event.at.as_seconds(), Ordering::Relaxed);
    }

    fn used(&self, used: &Used<'_>) {
        self.used.add(CellName::of(used), Units { counted: used.units, refunded: 0 });
    }

    fn refunded(&self, refunded: &Used<'_>) {
        self.used.add(CellName::of(refunded), Units { counted: 0, refunded: refunded.units });
    }

    fn is_timed(&self) -> bool {
        false
    }
}

impl Drop for Receipts {
    /// Writes what was counted since the last receipt: a clean shutdown loses nothing.
    fn drop(&mut self) {
        if self.process == process_id() {
            // A log that cannot be written now keeps no one from ending.
            drop(self.write(self.seen.load(Ordering::Relaxed)));
        }
    }
}

impl fmt::Debug for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipts").field("instance", &self.instance()).finish_non_exhaustive()
    }
}
