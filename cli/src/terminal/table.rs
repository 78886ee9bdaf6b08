//! Tables that fit the terminal.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style::HEADING;

/// The columns that a terminal has if it does not say.
const USUAL: usize = 80;
/// No layout is narrower than this.
const LEAST: usize = 40;
/// No column is cut to less than this.
const NARROWEST: usize = 8;
/// Between two columns.
const GAP: &str = "  ";

/// How many columns there are: the terminal's, or what `COLUMNS` says.
pub(crate) fn width() -> usize {
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    let terminal = terminal.map(|(columns, _)| usize::from(columns.0));
    let said = || std::env::var("COLUMNS").ok()?.parse().ok();
    terminal.or_else(said).unwrap_or(USUAL).max(LEAST)
}

/// A table of two columns: names, and what they are.
pub(crate) fn table<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let name_width = rows.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let indent = GAP.len() * 2 + name_width;
    rows.iter()
        .map(|(name, value)| {
            let value = wrap(value, width().saturating_sub(indent)).join(&format!("\n{:indent$}", ""));
            format!("{GAP}{}{GAP}{value}\n", pad(name, name_width))
        })
        .collect()
}

/// A cell, and how it looks.
#[derive(Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), style: Style::new() }
    }
}

impl Cell {
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// A table with a heading. Columns whose name ends in `#` are numbers, which stand to the right.
pub(crate) struct Grid {
    heads: Vec<(String, bool)>,
    rows: Vec<Vec<Cell>>,
}

impl Grid {
    pub(crate) fn new<'h>(heads: impl IntoIterator<Item = &'h str>) -> Self {
        let head = |head: &str| (head.trim_end_matches('#').to_owned(), head.ends_with('#'));
        Self { heads: heads.into_iter().map(head).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table, at most `width` columns wide if its longest words permit.
    pub(crate) fn show(&self, width: usize) -> String {
        let widths = self.widths(width);
        let heads: Vec<Cell> = self.heads.iter().map(|(head, _)| Cell::styled(head, HEADING)).collect();
        let mut text = String::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            text += &self.lines(row, &widths);
        }
        text
    }

    /// The widths of the columns. The widest are narrowed first, and no word is cut if that can be avoided.
    fn widths(&self, most: usize) -> Vec<usize> {
        let column = |at: usize, measure: &dyn Fn(&str) -> usize| {
            let head = self.heads.get(at).map_or(0, |(head, _)| head.width());
            self.rows
                .iter()
                .filter_map(|row| row.get(at))
                .map(|cell| measure(&cell.text))
                .fold(head, usize::max)
        };
        let columns = 0..self.heads.len();
        let longest_word = |text: &str| text.split(' ').map(UnicodeWidthStr::width).max().unwrap_or(0);
        let longest_line = |text: &str| text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
        let words: Vec<usize> = columns.clone().map(|at| column(at, &longest_word)).collect();
        let mut widths: Vec<usize> = columns.map(|at| column(at, &longest_line)).collect();
        let gaps = GAP.len() * self.heads.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > most {
            let by_width = |(at, width): &(usize, usize)| (*width, usize::MAX - at);
            let widest = |whole_words: bool| {
                let enough = |(at, width): &(usize, usize)| {
                    let whole = words.get(*at).copied().unwrap_or(0);
                    *width > if whole_words || self.has_identifiers(*at) { whole } else { NARROWEST }
                };
                widths.iter().copied().enumerate().filter(enough).max_by_key(by_width)
            };
            let Some((at, _)) = widest(true).or_else(|| widest(false)) else { break };
            if let Some(width) = widths.get_mut(at) {
                *width -= 1;
            }
        }
        widths
    }

    /// Whether a column has identifiers, which people copy: they are never cut.
    fn has_identifiers(&self, column: usize) -> bool {
        let is_identifier = |text: &str| text.len() >= 16 && text.bytes().all(|c| c.is_ascii_hexdigit());
        self.rows.iter().filter_map(|row| row.get(column)).any(|cell| is_identifier(&cell.text))
    }

    /// A row, as many lines as its highest cell has.
    fn lines(&self, row: &[Cell], widths: &[usize]) -> String {
        let cells: Vec<Vec<String>> =
            row.iter().zip(widths).map(|(cell, width)| wrap(&cell.text, *width)).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        let mut text = String::new();
        for at in 0..height {
            let mut line = String::new();
            for (column, (lines, width)) in cells.iter().zip(widths).enumerate() {
                let part = lines.get(at).map_or("", String::as_str);
                let style = row.get(column).map_or_else(Style::new, |cell| cell.style);
                let is_number = self.heads.get(column).is_some_and(|(_, is_number)| *is_number);
                let blank = " ".repeat(width.saturating_sub(part.width()));
                let gap = if column == 0 { "" } else { GAP };
                let last = column + 1 == cells.len();
                let (before, after) =
                    if is_number { (&*blank, "") } else { ("", if last { "" } else { &*blank }) };
                let shown = if part.is_empty() { String::new() } else { format!("{style}{part}{style:#}") };
                line += &format!("{gap}{before}{shown}{after}");
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Breaks a text into lines of at most `width` columns, between words. A word that is longer is cut. Styles take no
/// room.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let (mut line, mut used) = (String::new(), 0);
        for (at, word) in paragraph.split(' ').enumerate() {
            let length = shown_width(word);
            if at > 0 && used + 1 + length <= width {
                line.push(' ');
                used += 1;
            } else if at > 0 {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0;
            }
            if length <= width {
                line += word;
                used += length;
                continue;
            }
            for c in word.chars() {
                let wide = c.width().unwrap_or(0);
                if used + wide > width {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(c);
                used += wide;
            }
        }
        lines.push(line);
    }
    lines
}

/// The columns that a text takes, without its styles.
fn shown_width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_table_fits_and_cuts_no_word_if_it_can() {
        let mut grid = Grid::new(["name", "count#", "meaning"]);
        grid.row(["a", "7", "one two three four five six seven"].map(Cell::from));
        grid.row(["longer-name", "100", "eight"].map(Cell::from));
        let shown = plain(&grid.show(40));
        let expected = "name         count  meaning\n\
            a                7  one two three four\n                    five six seven\n\
            longer-name    100  eight\n";
        assert_eq!(shown, expected);
        assert!(plain(&grid.show(80)).contains("four five six seven"));
        for width in [20, 30, 40, 60] {
            let shown = plain(&grid.show(width));
            assert!(shown.lines().all(|line| line.width() <= width.max(26)), "{width}: {shown}");
        }
    }

    #[test]
    fn identifiers_are_never_cut() {
        let mut grid = Grid::new(["id", "subject"]);
        grid.row(["0123456789abcdef0123456789abcdef", "a-name-that-is-cut"].map(Cell::from));
        let shown = plain(&grid.show(45));
        assert!(shown.contains("0123456789abcdef0123456789abcdef  a-name-that\n"), "{shown}");
    }

    #[test]
    fn wide_letters_take_two_columns() {
        let mut grid = Grid::new(["subject", "tier"]);
        grid.row(["株式会社", "pro"].map(Cell::from));
        grid.row(["acme", "free"].map(Cell::from));
        assert_eq!(plain(&grid.show(80)), "subject   tier\n株式会社  pro\nacme      free\n");
    }

    #[test]
    fn lines_break_between_words_and_long_words_are_cut() {
        assert_eq!(wrap("one two  three", 7), ["one two", " three"]);
        assert_eq!(wrap("0123456789", 4), ["0123", "4567", "89"]);
        assert_eq!(wrap(&format!("{HEADING}one{HEADING:#} two"), 7).len(), 1, "styles take no room");
        assert_eq!(wrap("", 7), [""]);
    }
}
