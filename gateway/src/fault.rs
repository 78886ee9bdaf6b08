//! What is wrong with a configuration.

use std::fmt;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's line, from 1; none if it concerns the file as a whole.
    pub line: Option<usize>,
    /// What is wrong, in which field, and what to write instead.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Everything that is wrong with a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The file.
    pub file: String,
    /// At least one, by line.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            let end = if at + 1 == self.faults.len() { "" } else { "\n" };
            match fault.line {
                Some(line) => write!(f, "{}:{line}: {}{end}", self.file, fault.message)?,
                None => write!(f, "{}: {}{end}", self.file, fault.message)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
