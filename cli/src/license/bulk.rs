//! `licentia issue --from`: a licence for each line of a table.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};

use licentia_core::{Timestamp, limits};
use licentia_issuer::{Catalogue, Issued, Issuer, Order, file::decode};
use serde_json::{Value, json};

use super::issue::Issue;
use crate::terminal::{
    input,
    output::{Output, Result, counted, printable},
};

/// How many licences are in one transaction.
const BATCH: usize = 1000;

/// An order of a table, and the line that it is on.
struct Line {
    number: u64,
    order: Order,
}

pub(super) fn run(issue: &Issue, from: &Path, output: Output) -> Result {
    let now = issue.clock.now();
    let catalogue = issue.catalogue.as_deref().map(input::catalogue).transpose()?;
    // Every line is read before anything is issued.
    let lines = lines(issue, &table(from)?, catalogue.as_ref(), now)?;
    let trusted = issue.trusted()?;
    let mut ledger = issue.place.write()?;
    let issuer = Issuer::new(&issue.issuer, issue.signer.load(&issue.key)?);
    let mut sink = Sink::open(issue.out.as_deref(), output)?;
    let bar = output.progress("issuing", lines.len() as u64);
    let (mut count, mut repeated, mut refused) = (0_u64, 0_u64, None);
    for batch in lines.chunks(BATCH) {
        let orders = batch.iter().map(|line| line.order.clone());
        let issued = ledger.issue_all(&issuer, orders).map_err(|error| {
            let (first, last) = (batch.first().map_or(0, |line| line.number), batch.last().map_or(0, |line| line.number));
            format!(
                "lines {first} to {last}: {error}; {count} licences before these are issued, and repeating the command is safe if each line has a reference"
            )
        })?;
        for (line, issued) in batch.iter().zip(&issued) {
            sink.write(&row(line.order.reference.as_deref(), issued)?)?;
            repeated += u64::from(!issued.is_new);
            let refusal = trusted.as_ref().filter(|_| refused.is_none());
            let refusal = refusal.and_then(|trusted| trusted.refusal(&issued.token));
            refused = refused.or(refusal.map(|refusal| format!("line {}: {refusal}", line.number)));
        }
        count += issued.len() as u64;
        bar.set_position(count);
    }
    bar.finish_and_clear();
    if let Some(refusal) = refused {
        output.warn(&format!("gates with this keyset will refuse licences, the first one on {refusal}"));
    }
    sink.finish(count, repeated)
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

fn lines(issue: &Issue, table: &str, catalogue: Option<&Catalogue>, now: Timestamp) -> Result<Vec<Line>> {
    // What spreadsheets of some countries write.
    let first = table.lines().next().unwrap_or_default();
    let separator = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).trim(csv::Trim::All).from_reader(table.as_bytes());
    let columns = reader.headers()?.clone();
    for column in &columns {
        let mut wanted = issue.wanted.clone();
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
        let order = order(issue, columns.iter().zip(&record), catalogue, now);
        lines.push(Line { number, order: order.map_err(|error| format!("line {number}: {error}"))? });
    }
    if lines.is_empty() {
        return Err("the table has no line after its names of columns".into());
    }
    Ok(lines)
}

fn order<'a>(
    issue: &Issue,
    cells: impl Iterator<Item = (&'a str, &'a str)>,
    catalogue: Option<&Catalogue>,
    now: Timestamp,
) -> Result<Order> {
    let (mut wanted, mut reference) = (issue.wanted.clone(), None);
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

/// A licence that was issued, as it goes to a sink.
pub(super) struct Row {
    pub(super) reference: String,
    subject: String,
    id: String,
    lineage: String,
    expires: Timestamp,
    token: String,
}

pub(super) fn row(reference: Option<&str>, issued: &Issued) -> Result<Row> {
    let claims = issued.token.claims().map_err(|malformed| malformed.code)?;
    Ok(Row {
        reference: reference.unwrap_or_default().to_owned(),
        subject: claims.subject().to_owned(),
        id: claims.id().to_string(),
        lineage: claims.lineage().to_string(),
        expires: claims.expires(),
        token: issued.token.text(),
    })
}

/// Where licences go: a folder with a file for each, a table in CSV, or an array in JSON.
pub(super) struct Sink {
    kind: Kind,
    output: Output,
}

enum Kind {
    Folder(PathBuf),
    Table { writer: csv::Writer<Box<dyn Write>>, path: Option<PathBuf> },
    Json(Vec<Value>),
}

impl Sink {
    pub(super) fn open(out: Option<&Path>, output: Output) -> Result<Self> {
        let kind = match out {
            Some(path) if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv")) => {
                let file = private(path).map_err(|error| format!("{}: {error}", path.display()))?;
                Kind::table(Box::new(file), Some(path))?
            }
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
                Kind::Folder(folder.to_owned())
            }
            None if output.json => Kind::Json(Vec::new()),
            None => Kind::table(Box::new(std::io::stdout()), None)?,
        };
        Ok(Self { kind, output })
    }

    pub(super) fn write(&mut self, row: &Row) -> Result<()> {
        match &mut self.kind {
            Kind::Folder(folder) => {
                let name = if row.reference.is_empty() { &row.id } else { &row.reference };
                let path = folder.join(format!("{}.lic", file_name(name)));
                let write = |mut file: std::fs::File| file.write_all(format!("{}\n", row.token).as_bytes());
                private(&path)
                    .and_then(write)
                    .map_err(|error| format!("{}: {error}; the licences are in the ledger: repeat the command", path.display()))?;
            }
            Kind::Table { writer, .. } => writer.write_record([
                &row.reference,
                &row.subject,
                &row.id,
                &row.lineage,
                &licentia_issuer::time::stamp(row.expires),
                &row.token,
            ])?,
            Kind::Json(rows) => rows.push(json!({
                "reference": Some(&row.reference).filter(|reference| !reference.is_empty()),
                "subject": row.subject, "id": row.id, "lineage": row.lineage, "expires": row.expires.as_seconds(),
                "token": row.token,
            })),
        }
        Ok(())
    }

    pub(super) fn finish(self, count: u64, repeated: u64) -> Result {
        let output = self.output;
        let summary = |out: &Path| {
            let new = counted(count - repeated, "licence");
            let before = match repeated {
                0 => String::new(),
                _ => format!(", {repeated} were issued before and are the same"),
            };
            format!("{}: {new} issued{before}\n", printable(&out.display().to_string()))
        };
        let value = |out: &Path| json!({ "out": out, "issued": count - repeated, "repeated": repeated });
        match self.kind {
            Kind::Folder(folder) => output.show(&value(&folder), || summary(&folder)),
            Kind::Table { mut writer, path } => {
                writer.flush()?;
                match path {
                    Some(path) => output.show(&value(&path), || summary(&path)),
                    None => Ok(std::process::ExitCode::SUCCESS),
                }
            }
            Kind::Json(rows) => output.show(&Value::Array(rows), String::new),
        }
    }
}

impl Kind {
    fn table(out: Box<dyn Write>, path: Option<&Path>) -> Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(["reference", "subject", "id", "lineage", "expires", "token"])?;
        Ok(Self::Table { writer, path: path.map(Path::to_owned) })
    }
}

/// Creates or empties a file that only its owner can read: a licence is a credential. It is not synced, as the ledger has
/// what is needed to write it again.
fn private(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A name that every file system takes, and that differs if the texts differ.
fn file_name(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'_';
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
