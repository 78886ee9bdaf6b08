//! `licentia receipts`

mod sum;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use licentia::{
    Code,
    receipt::{Acknowledgement, Audit, Finding, Instance, Log, Receipt, Report, cloud_events},
};
use licentia_issuer::{acknowledge, file::replace, time};
use serde_json::{Value, json};

use sum::Sum;

use crate::terminal::{
    input::{self, Clock, Signer},
    output::{self, BAD, GOOD, NOTE, Output, Result, counted, hex, printable},
};

/// Works on receipts: signed counts of usage, one key per instance.
#[derive(Subcommand)]
pub(crate) enum Receipts {
    /// Check receipts, and report which are missing, forked, set back or forged.
    ///
    /// Exit codes: 0 good, 1 something is wrong, 2 a wrong call or a broken
    /// environment. A missing receipt is reported, but it is not wrong if a
    /// later one repeats its counts.
    Verify(Which),
    /// Sum up the usage of all instances, as the lines of an invoice.
    Sum(Box<Sum>),
    /// Print every entry of every good receipt as an event (`CloudEvents` 1.0),
    /// one JSON object per line.
    Export(Which),
    /// Sign an acknowledgement of an instance's newest receipt, for the instance
    /// to keep.
    ///
    /// If receipts are missing, the last one before the gap is acknowledged: an
    /// instance never sends again what was acknowledged.
    #[command(
        override_usage = "licentia receipts acknowledge --key <FILE> --out <FILE>\n                                     [OPTIONS] <FILE>..."
    )]
    Acknowledge {
        #[command(flatten)]
        which: Which,
        /// The vendor's private key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The acknowledgement to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        signer: Signer,
        #[command(flatten)]
        clock: Clock,
    },
}

/// The receipts of a command.
#[derive(Args)]
pub(crate) struct Which {
    /// Receipt logs or single receipts, in any order.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The identifier of an expected instance. Any other is then reported. May
    /// be repeated.
    #[arg(long, value_name = "HEX", value_parser = input::hex::<32>)]
    instance: Vec<Instance>,
    /// An acknowledgement that was issued. May be repeated.
    #[arg(long, value_name = "FILE", requires = "vendor")]
    ack: Vec<PathBuf>,
    /// The vendor's public key, which verifies acknowledgements.
    #[arg(long, value_name = "KEY")]
    vendor: Option<String>,
}

impl Receipts {
    pub(crate) fn run(self, output: Output) -> Result {
        match self {
            Self::Verify(which) => {
                let report = which.audit()?;
                output.show(&value(&report), || verified(&report))?;
                Ok(exit(&report))
            }
            Self::Sum(sum) => sum.run(output),
            Self::Export(which) => {
                let report = which.audit()?;
                output::write(&which.events()?)?;
                complain(&report, output);
                Ok(exit(&report))
            }
            Self::Acknowledge { which, key, out, signer, clock } => {
                let report = which.audit()?;
                if !report.is_good() {
                    complain(&report, output);
                    return Err("nothing was acknowledged: the receipts are not good".into());
                }
                let mut instances = report.instances.iter();
                let (Some((instance, known)), None) = (instances.next(), instances.next()) else {
                    return Err("acknowledge one instance at a time; select it with --instance".into());
                };
                let whole = known.whole.ok_or("nothing was acknowledged: the first receipt is missing")?;
                let key = signer.load(&key)?;
                replace(&out, &acknowledge(&key, instance, whole, clock.now())?)?;
                complain(&report, output);
                let (instance, sequence) = (hex(instance), whole.sequence);
                output.show(&json!({ "instance": instance, "acknowledged": sequence }), || {
                    format!("acknowledged receipt {sequence} of instance {instance}\n")
                })
            }
        }
    }
}

impl Which {
    /// Audits all files.
    fn audit(&self) -> Result<Report> {
        let mut audit = Audit::new();
        self.instance.iter().for_each(|instance| audit.expect(*instance));
        add(&mut audit, &self.files)?;
        if let Some(vendor) = &self.vendor {
            let keys = [input::public_key(vendor)?];
            for path in &self.ack {
                let given = Acknowledgement::read(&input::bytes(path)?, &keys)
                    .map_err(|code| format!("{}: {code} {}", path.display(), code.advice()))?;
                audit.add_acknowledgement(given);
            }
        }
        Ok(audit.finish())
    }

    /// The events of the good receipts, each once, ordered by instance and number.
    fn events(&self) -> Result<String> {
        let mut kept = BTreeSet::new();
        for path in &self.files {
            for bytes in receipts(path)?.unwrap_or_default() {
                let Ok(receipt) = Receipt::read(&bytes) else { continue };
                let instance = receipt.instance();
                if self.instance.is_empty() || self.instance.contains(&instance) {
                    kept.insert((instance, receipt.sequence(), bytes));
                }
            }
        }
        let mut lines = String::new();
        for (_, _, bytes) in &kept {
            let receipt = Receipt::read(bytes)?;
            cloud_events(&receipt).for_each(|line| lines += &(line + "\n"));
        }
        Ok(lines)
    }
}

/// Audits receipts of any instances.
pub(crate) fn audit(files: &[PathBuf]) -> Result<Report> {
    let mut audit = Audit::new();
    add(&mut audit, files)?;
    Ok(audit.finish())
}

fn add(audit: &mut Audit, files: &[PathBuf]) -> Result<()> {
    for path in files {
        let source = printable(&path.display().to_string());
        match receipts(path)? {
            Ok(receipts) => receipts.iter().for_each(|receipt| audit.add_from(&source, receipt)),
            Err(code) => audit.refuse(code, None, &source),
        }
    }
    Ok(())
}

/// The receipts of a file, which is a log or a single receipt; or why they are refused.
fn receipts(path: &Path) -> Result<std::result::Result<Vec<Vec<u8>>, Code>> {
    let bytes = input::bytes(path)?;
    if !Log::is_log(&bytes) {
        return Ok(Ok(vec![bytes]));
    }
    Ok(Log::parse(&bytes).map(|read| read.receipts))
}

fn exit(report: &Report) -> ExitCode {
    ExitCode::from(u8::from(!report.is_good()))
}

/// Prints the findings for a person, on standard error.
fn complain(report: &Report, output: Output) {
    if !output.json {
        report.findings.iter().for_each(|finding| anstream::eprintln!("{}", line(finding)));
    }
}

fn line(finding: &Finding) -> String {
    let style = if finding.is_alarm() { BAD } else { NOTE };
    format!("{style}{}{style:#} {}", if finding.is_alarm() { "wrong" } else { "note " }, finding)
}

fn value(report: &Report) -> Value {
    let instances = report.instances.iter().map(|(instance, known)| {
        json!({
            "instance": hex(instance), "receipts": known.receipts, "sequence": known.last.sequence,
            "digest": hex(&known.last.digest), "issued_at": known.issued_at.as_seconds(),
        })
    });
    let findings = report.findings.iter().map(|finding| {
        let (code, instance) = (finding.code, finding.instance.map(|instance| hex(&instance)));
        json!({
            "code": code.number(), "name": code.name(), "instance": instance,
            "first": finding.sequences.map(|(first, _)| first), "last": finding.sequences.map(|(_, last)| last),
            "detail": finding.detail, "alarm": finding.is_alarm(),
        })
    });
    json!({ "good": report.is_good(), "instances": instances.collect::<Vec<_>>(), "findings": findings.collect::<Vec<_>>() })
}

fn verified(report: &Report) -> String {
    let mut text = String::new();
    for (instance, known) in &report.instances {
        let (count, last) = (known.receipts, known.last.sequence);
        let when = time::show(known.issued_at);
        text += &format!("{}  {}, the last is {last} of {when}\n", hex(instance), counted(count, "receipt"));
    }
    report.findings.iter().for_each(|finding| text += &(line(finding) + "\n"));
    let (style, word) = if report.is_good() { (GOOD, "good") } else { (BAD, "not good") };
    text + &format!("{style}{word}{style:#}\n")
}
