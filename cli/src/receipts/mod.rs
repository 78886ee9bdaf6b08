//! `licentia receipts`

mod sum;
pub(crate) mod which;

use std::path::PathBuf;

use clap::Subcommand;
use licentia::receipt::Report;
use licentia_issuer::{acknowledge, file::replace, time};
use serde_json::json;

use sum::Sum;
use which::{Which, complain, exit, line, value};

use crate::terminal::{
    input::{Clock, Signer},
    output::{self, BAD, GOOD, Output, Result, counted, hex},
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
