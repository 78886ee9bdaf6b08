//! `licentia issue --from`: a licence for each line of a table.

use std::{io::Read, path::Path};

use licentia_core::{Timestamp, limits};
use licentia_issuer::{Catalogue, Issuer, Ledger, Order, file::decode};

use super::{
    sink::{Sink, row},
    wanted::Wanted,
};
use crate::{
    key::view::View,
    terminal::output::{Output, Result, counted, printable},
};

/// How many licences are in one transaction.
const BATCH: usize = 1000;

/// An order of a table, and the line that it is on.
pub(super) struct Line {
    number: u64,
    order: Order,
}

/// Issues the orders of a table, a thousand in a transaction.
pub(super) fn issue(
    lines: &[Line],
    ledger: &mut Ledger,
    issuer: &Issuer,
    trusted: Option<&View>,
    mut sink: Sink,
    output: Output,
) -> Result {
    let bar = output.progress("issuing", lines.len() as u64);
    let (mut count, mut repeated, mut refused) = (0_u64, 0_u64, None);
    for batch in lines.chunks(BATCH) {
        let orders = batch.iter().map(|line| line.order.clone());
        let answers = ledger.issue_all(issuer, orders).map_err(|error| {
            let number = |line: Option<&Line>| line.map_or(0, |line| line.number);
            let (first, last) = (number(batch.first()), number(batch.last()));
            format!(
                "lines {first} to {last}: {error}; {count} licences before these are issued, and repeating the command is safe if each line has a reference"
            )
        })?;
        for (line, issued) in batch.iter().zip(&answers) {
            sink.write(&row(line.order.reference.as_deref(), issued)?)?;
            repeated += u64::from(!issued.is_new);
            let refusal = trusted.filter(|_| refused.is_none());
            let refusal = refusal.and_then(|trusted| trusted.refusal(&issued.token));
            refused = refused.or(refusal.map(|refusal| format!("line {}: {refusal}", line.number)));
        }
        count += answers.len() as u64;
        bar.set_position(count);
    }
    bar.finish_and_clear();
    if let Some(refusal) = refused {
        output.warn(&format!("gates with this keyset will refuse licences, the first one on {refusal}"));
    }
    sink.finish(count, repeated)
}

/// Whether a licence continues one that must be in the ledger.
pub(super) fn renews(lines: &[Line]) -> bool {
    lines.iter().any(|line| line.order.draft.lineage.is_some())
}

/// Reads every line of a table, so that nothing is issued of one that is wrong. `wanted` holds where a cell is empty.
pub(super) fn read(
    from: &Path,
    wanted: &Wanted,
    catalogue: Option<&Catalogue>,
    now: Timestamp,
) -> Result<Vec<Line>> {
    let text = table(from)?;
    let place = printable(&from.display().to_string());
    lines(wanted, &text, catalogue, now).map_err(|error| format!("{place}: {error}").into())
}

/// The text of a table, in any encoding that spreadsheets write.
fn table(from: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let most = limits::BUNDLE_BYTES as u64;
    if from == Path::new("-") {
        std::io::stdin().take(most + 1).read_to_end(&mut bytes)?;
    } else {
        let file = std::fs::File::open(from).map_err(|error| format!("{}: {error}", from.display()))?;
        file.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("{}: {error}", from.display()))?;
    }
    if bytes.len() as u64 > most {
        return Err(format!("{}: the table is longer than {most} bytes; split it", from.display()).into());
    }
    let text = decode(&bytes).ok_or_else(|| format!("{}: save it as CSV in UTF-8", from.display()))?;
    Ok(text.into_owned())
}

fn lines(wanted: &Wanted, table: &str, catalogue: Option<&Catalogue>, now: Timestamp) -> Result<Vec<Line>> {
    // What spreadsheets of some countries write.
    let first = table.lines().next().unwrap_or_default();
    let separator = [b',', b';', b'\t'].into_iter().find(|one| first.contains(char::from(*one)));
    let separator = separator.unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(table.as_bytes());
    let columns = reader.headers()?.clone();
    for column in &columns {
        let mut wanted = wanted.clone();
        // A column that is not known is an error also if all its cells are empty.
        let sample = if column == "reference" { Ok(()) } else { wanted.set(column, "\u{0}") };
        if let Err(error) = sample
            && error.to_string().contains("there is no column")
        {
            return Err(error);
        }
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record?;
        let number = record.position().map_or(0, csv::Position::line);
        if record.len() != columns.len() {
            let (cells, names) =
                (counted(record.len() as u64, "cell"), counted(columns.len() as u64, "column"));
            return Err(format!("line {number}: {cells} where the first line names {names}").into());
        }
        let order = order(wanted, columns.iter().zip(&record), catalogue, now);
        lines.push(Line { number, order: order.map_err(|error| format!("line {number}: {error}"))? });
    }
    if lines.is_empty() {
        return Err("the table has no line after its names of columns".into());
    }
    Ok(lines)
}

fn order<'a>(
    wanted: &Wanted,
    cells: impl Iterator<Item = (&'a str, &'a str)>,
    catalogue: Option<&Catalogue>,
    now: Timestamp,
) -> Result<Order> {
    let (mut wanted, mut reference) = (wanted.clone(), None);
    for (column, cell) in cells {
        match column {
            "reference" if cell.is_empty() => {}
            "reference" => reference = Some(cell.to_owned()),
            _ => wanted.set(column, cell)?,
        }
    }
    let order = Order::new(wanted.draft(catalogue, now)?);
    Ok(match reference {
        Some(reference) => order.reference(reference),
        None => order,
    })
}
