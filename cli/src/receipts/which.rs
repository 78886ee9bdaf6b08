//! Which receipts a command is about, and what an audit says of them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use licentia::{
    Code,
    receipt::{Acknowledgement, Audit, Finding, Instance, Log, Receipt, Report, cloud_events},
};
use serde_json::{Value, json};

use crate::terminal::{
    input,
    output::{BAD, NOTE, Output, Result, hex, notice, printable},
};

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

impl Which {
    /// Audits all files.
    pub(super) fn audit(&self) -> Result<Report> {
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
    pub(super) fn events(&self) -> Result<String> {
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

pub(super) fn exit(report: &Report) -> ExitCode {
    ExitCode::from(u8::from(!report.is_good()))
}

/// Prints the findings for a person, on standard error.
pub(super) fn complain(report: &Report, output: Output) {
    if !output.json {
        report.findings.iter().for_each(|finding| notice(&line(finding)));
    }
}

pub(super) fn line(finding: &Finding) -> String {
    let style = if finding.is_alarm() { BAD } else { NOTE };
    format!("{style}{}{style:#} {}", if finding.is_alarm() { "wrong" } else { "note " }, finding)
}

pub(super) fn value(report: &Report) -> Value {
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
