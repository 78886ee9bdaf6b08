//! Where many licences go: a folder with a file for each, a table in CSV, or an array in JSON.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use licentia_core::Timestamp;
use licentia_issuer::Issued;
use licentia_server::usage::Sheet;
use serde_json::{Value, json};

use crate::terminal::output::{Output, Result, counted, printable};

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
    Table { sheet: Box<Sheet<Box<dyn Write>>>, path: Option<PathBuf> },
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
            Kind::Table { sheet, .. } => sheet.row([
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
            Kind::Table { sheet, path } => {
                sheet.finish()?.flush()?;
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
        let sheet = Sheet::new(out, ["reference", "subject", "id", "lineage", "expires", "token"])?;
        Ok(Self::Table { sheet: Box::new(sheet), path: path.map(Path::to_owned) })
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
