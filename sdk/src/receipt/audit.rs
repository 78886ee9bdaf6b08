//! Adds up the receipts of many instances, in any order, and names what is wrong with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use licentia_core::{
    Code, Timestamp,
    receipt::{Acknowledgement, Digest, Instance, Receipt, ReceiptLink},
};

use super::{
    log::{cell, units},
    tally::{Units, UsageCell},
};

/// Takes receipts and acknowledgements in any order, and as often as they come. What it finds and what it adds
/// up depend on the set of them alone.
///
/// Counts are merged as a G-counter: the greatest of each instance, and the sum over instances.
#[derive(Default)]
pub struct Audit {
    expected: Option<BTreeSet<Instance>>,
    chains: BTreeMap<Instance, Chain>,
    acknowledged: BTreeMap<Instance, Vec<Acknowledgement>>,
    findings: Vec<Finding>,
}

/// The receipts of an instance.
#[derive(Default)]
struct Chain {
    receipts: BTreeMap<u64, BTreeMap<Digest, ReceiptFacts>>,
}

/// What matters of a receipt.
struct ReceiptFacts {
    previous: Digest,
    issued_at: Timestamp,
    acknowledged: Option<ReceiptLink>,
    /// It repeats the entries of all receipts after this number.
    since: u64,
    entries: Vec<(UsageCell, Units)>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Finding {
    /// What: a code from 640 to 645.
    pub code: Code,
    /// The instance, if it is known.
    pub instance: Option<Instance>,
    /// Numbers of the first and the last receipt that it is about.
    pub sequences: Option<(u64, u64)>,
    /// More about it.
    pub detail: String,
    /// Whether what was counted may be lost: receipts are missing, and no later one holds what they held.
    pub lost: bool,
}

/// What was used of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What each instance has counted and refunded. One may refund what another has counted.
    pub by_instance: BTreeMap<Instance, Units>,
}

/// What is known of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceStatus {
    /// How many of its receipts are there.
    pub receipts: usize,
    /// The newest of them.
    pub last: ReceiptLink,
    /// When that was issued, in seconds since 1970.
    pub issued_at: Timestamp,
    /// The newest up to which none is missing, counted from the first or from one that the vendor acknowledged (see
    /// [`Audit::add_acknowledgement`]): what may be acknowledged, for the instance sends nothing again that was.
    pub whole: Option<ReceiptLink>,
}

/// What the receipts say.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was used. Of an instance that was forked it is what the copy that counted most has seen: at
    /// least this was used, and perhaps more.
    pub usage: BTreeMap<UsageCell, Usage>,
    /// The instances.
    pub instances: BTreeMap<Instance, InstanceStatus>,
}

impl Finding {
    /// Whether somebody must look into it. A gap alone is none where a later receipt says what a lost one said.
    pub fn is_alarm(&self) -> bool {
        self.lost || self.code != Code::ReceiptGap
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.name())?;
        if let Some(instance) = &self.instance {
            f.write_str(": instance ")?;
            instance.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        match self.sequences {
            Some((first, last)) if first == last => write!(f, ", receipt {first}")?,
            Some((first, last)) => write!(f, ", receipts {first} to {last}")?,
            None => {}
        }
        write!(f, ": {}", self.detail)
    }
}

impl Usage {
    /// Over all instances.
    pub fn sum(&self) -> Units {
        self.by_instance.values().fold(Units::default(), |mut sum, units| {
            sum.add(*units, u64::MAX);
            sum
        })
    }

    /// What was counted and not refunded, over all instances: what to bill.
    pub fn total(&self) -> u64 {
        let Units { counted, refunded } = self.sum();
        counted.saturating_sub(refunded)
    }
}

impl Report {
    /// Whether nothing was found that somebody must look into.
    pub fn is_good(&self) -> bool {
        !self.findings.iter().any(Finding::is_alarm)
    }
}

impl Audit {
    /// An audit of whatever instances come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects this instance, and no others than those that were named so.
    pub fn expect(&mut self, instance: Instance) {
        self.expected.get_or_insert_default().insert(instance);
    }

    /// Adds a receipt. One that is not good is named in the report and not counted.
    pub fn add(&mut self, receipt: &[u8]) {
        self.add_from("", receipt);
    }

    /// Adds a receipt that came from `source`, which is named with what is wrong with it.
    pub fn add_from(&mut self, source: &str, receipt: &[u8]) {
        match Receipt::read(receipt) {
            Ok(receipt) if self.expects(&receipt.instance()) => {
                let chain = self.chains.entry(receipt.instance()).or_default();
                let same = chain.receipts.entry(receipt.sequence()).or_default();
                same.entry(receipt.link().digest).or_insert_with(|| ReceiptFacts::of(&receipt));
            }
            Ok(receipt) => self.refuse(Code::ReceiptForeign, Some(receipt.instance()), source),
            Err(code) => self.refuse(code, None, source),
        }
    }

    /// Adds what is known to have been acknowledged to an instance.
    pub fn add_acknowledgement(&mut self, acknowledgement: Acknowledgement) {
        self.acknowledged.entry(acknowledgement.instance).or_default().push(acknowledgement);
    }

    /// Names a source that holds no receipts.
    pub fn refuse(&mut self, code: Code, instance: Option<Instance>, source: &str) {
        let message = code.message();
        let detail = if source.is_empty() { message.to_owned() } else { format!("{source}: {message}") };
        self.findings.push(Finding { code, instance, sequences: None, detail, lost: false });
    }

    fn expects(&self, instance: &Instance) -> bool {
        self.expected.as_ref().is_none_or(|expected| expected.contains(instance))
    }

    /// Says what the receipts add up to, and what is wrong with them.
    pub fn finish(mut self) -> Report {
        let findings = std::mem::take(&mut self.findings);
        let mut report = Report { findings, ..Report::default() };
        for (instance, acknowledgements) in &self.acknowledged {
            if !self.chains.contains_key(instance) && self.expects(instance) {
                let last = acknowledgements.iter().map(|given| given.receipt.sequence).max().unwrap_or(1);
                let detail = "acknowledged, and not there".to_owned();
                let found = Some((1, last));
                let instance = Some(*instance);
                let code = Code::ReceiptGap;
                report.findings.push(Finding { code, instance, sequences: found, detail, lost: true });
            }
        }
        for (instance, chain) in &self.chains {
            let acknowledged = self.acknowledged.get(instance).map_or(&[][..], Vec::as_slice);
            let newest = chain.receipts.last_key_value().map_or(0, |(sequence, _)| *sequence);
            let mut find = |code, first, last, detail| {
                let (instance, sequences) = (Some(*instance), Some((first, last)));
                let lost =
                    code == Code::ReceiptGap && (last > newest || !chain.tells_again(first, acknowledged));
                report.findings.push(Finding { code, instance, sequences, detail, lost });
            };
            let fork = chain.forks(acknowledged, &mut find);
            chain.gaps(acknowledged, &mut find);
            chain.rollbacks(fork, &mut find);
            for (cell, units) in chain.entries() {
                let usage = report.usage.entry(cell.clone()).or_default();
                let greatest = usage.by_instance.entry(*instance).or_default();
                *greatest = units.max(*greatest);
            }
            if let Some(known) = chain.known(acknowledged) {
                report.instances.insert(*instance, known);
            }
        }
        report.findings.sort();
        report.findings.dedup();
        report
    }
}

impl ReceiptFacts {
    fn of(receipt: &Receipt<'_>) -> Self {
        Self {
            previous: *receipt.previous(),
            issued_at: receipt.issued_at(),
            acknowledged: receipt.acknowledged(),
            since: receipt.since(),
            entries: receipt.entries().map(|entry| (cell(&entry), units(&entry))).collect(),
        }
    }
}

impl Chain {
    /// Every receipt, in the order of their numbers.
    fn all(&self) -> impl Iterator<Item = (u64, &Digest, &ReceiptFacts)> {
        self.receipts
            .iter()
            .flat_map(|(sequence, same)| same.iter().map(|(digest, facts)| (*sequence, digest, facts)))
    }

    fn entries(&self) -> impl Iterator<Item = (&UsageCell, Units)> {
        self.all().flat_map(|(_, _, facts)| facts.entries.iter().map(|(cell, units)| (cell, *units)))
    }

    fn known(&self, acknowledged: &[Acknowledgement]) -> Option<InstanceStatus> {
        let (sequence, digest, newest) = self.all().last()?;
        let receipts = self.receipts.values().map(BTreeMap::len).sum();
        let (last, issued_at) = (ReceiptLink { sequence, digest: *digest }, newest.issued_at);
        Some(InstanceStatus { receipts, last, issued_at, whole: self.whole(acknowledged) })
    }

    /// The last receipt of those that follow the first, or one that the vendor acknowledged, without a gap. What an
    /// instance only claims to be acknowledged hides nothing.
    fn whole(&self, acknowledged: &[Acknowledgement]) -> Option<ReceiptLink> {
        let mut whole = acknowledged.iter().map(|given| given.receipt).max_by_key(|link| link.sequence);
        while let Some((digest, _)) = self
            .receipts
            .get(&whole.map_or(1, |link| link.sequence.saturating_add(1)))
            .and_then(BTreeMap::first_key_value)
        {
            let sequence = whole.map_or(1, |link| link.sequence.saturating_add(1));
            whole = Some(ReceiptLink { sequence, digest: *digest });
        }
        whole
    }

    /// Whatever names a receipt, be it the receipt, its successor or an acknowledgement, must name the same one.
    /// Returns the first number for which that does not hold.
    fn forks(
        &self,
        acknowledged: &[Acknowledgement],
        find: &mut impl FnMut(Code, u64, u64, String),
    ) -> Option<u64> {
        let mut named: BTreeMap<u64, BTreeSet<Digest>> = BTreeMap::new();
        let mut name = |sequence, digest| named.entry(sequence).or_default().insert(digest);
        for (sequence, digest, facts) in self.all() {
            name(sequence, *digest);
            if sequence > 1 {
                name(sequence - 1, facts.previous);
            }
            if let Some(link) = facts.acknowledged {
                name(link.sequence, link.digest);
            }
        }
        for given in acknowledged {
            name(given.receipt.sequence, given.receipt.digest);
        }
        let mut first = None;
        for (sequence, digests) in named.into_iter().filter(|(_, digests)| digests.len() > 1) {
            first = first.or(Some(sequence));
            let detail = format!("{} different receipts have this number", digests.len());
            find(Code::ReceiptFork, sequence, sequence, detail);
        }
        first
    }

    /// Numbers that are missing, up to the last one that is there or was acknowledged.
    fn gaps(&self, acknowledged: &[Acknowledgement], find: &mut impl FnMut(Code, u64, u64, String)) {
        let mut next: u64 = 1;
        let newest = acknowledged.iter().map(|given| given.receipt.sequence.saturating_add(1));
        let end = newest.chain(self.receipts.keys().copied()).max();
        for sequence in self.receipts.keys().copied().chain(end) {
            if sequence > next {
                find(Code::ReceiptGap, next, sequence - 1, "not there".to_owned());
            }
            next = next.max(sequence.saturating_add(1));
        }
    }

    /// Whether a later receipt holds all that the missing ones from `first` on held: it repeats every receipt after a
    /// number that is before the gap, or after one that the vendor really acknowledged. What an instance only claims to
    /// be acknowledged counts for nothing.
    fn tells_again(&self, first: u64, given: &[Acknowledgement]) -> bool {
        let mut later = self.all().filter(|(sequence, _, _)| *sequence >= first);
        later.any(|(sequence, _, facts)| {
            let had = |given: &Acknowledgement| (facts.since..sequence).contains(&given.receipt.sequence);
            facts.since < first || given.iter().any(had)
        })
    }

    /// What only grows must not have become less: counts, and what was acknowledged. Behind a fork there are
    /// several histories, of which each only grows by itself.
    fn rollbacks(&self, fork: Option<u64>, find: &mut impl FnMut(Code, u64, u64, String)) {
        let mut greatest: BTreeMap<&UsageCell, Units> = BTreeMap::new();
        let mut newest = 0;
        for (sequence, same) in &self.receipts {
            let mut find = |detail| find(Code::ReceiptRollback, *sequence, *sequence, detail);
            let single = fork.is_none_or(|fork| *sequence <= fork);
            for facts in same.values() {
                let less = facts.entries.iter().find_map(|(cell, units)| {
                    let before = *greatest.get(cell)?;
                    units.fell_from(before).then_some((cell, before, *units))
                });
                if let Some((cell, before, units)) = less.filter(|_| single) {
                    let (meter, was, is) = (&cell.meter, before, units);
                    find(if is.counted < was.counted {
                        format!("{meter} fell from {} to {}", was.counted, is.counted)
                    } else {
                        format!("the refunds of {meter} fell from {} to {}", was.refunded, is.refunded)
                    });
                }
                if single && facts.acknowledged.map_or(0, |link| link.sequence) < newest {
                    find(format!("it has forgotten that receipt {newest} was acknowledged"));
                }
            }
            // Forks are held against what came before them, and not against each other.
            for facts in same.values() {
                for (cell, units) in &facts.entries {
                    let before = greatest.entry(cell).or_default();
                    *before = units.max(*before);
                }
                newest = newest.max(facts.acknowledged.map_or(0, |link| link.sequence));
            }
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("instances", &self.chains.len())
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}
