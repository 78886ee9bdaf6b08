//! `licentia codes`

use licentia_core::{Code, http};
use serde_json::{Value, json};

use crate::terminal::output::{HEADING, Output, Result};

/// Lists the codes of decisions.
pub(crate) fn run(output: Output) -> Result {
    let rows: Vec<Value> = Code::TABLE
        .iter()
        .map(|entry| {
            json!({
                "number": entry.code.number(), "name": entry.name, "message": entry.message,
                "advice": entry.advice, "http_status": http::status(entry.code),
            })
        })
        .collect();
    output.show(&Value::Array(rows), || {
        let mut text = format!("{HEADING}code  {:<26} http  meaning{HEADING:#}\n", "name");
        for entry in Code::TABLE {
            text += &format!(
                "{:>4}  {:<26} {:>4}  {}\n",
                entry.code.number(),
                entry.name,
                http::status(entry.code),
                entry.message
            );
        }
        text
    })
}
