//! `licentia codes`

use licentia_core::{Code, http};
use serde_json::{Value, json};

use crate::terminal::{
    output::{Output, Result},
    table::{Cell, Grid, width},
};

/// Lists the codes of decisions.
pub(crate) fn run(output: Output) -> Result {
    let rows: Vec<Value> = Code::TABLE
        .iter()
        .map(|entry| {
            json!({
                "code": entry.code.number(), "name": entry.name, "message": entry.message,
                "advice": entry.advice, "http_status": http::status(entry.code),
            })
        })
        .collect();
    output.show(&Value::Array(rows), || {
        let mut grid = Grid::new(["code#", "name", "http#", "meaning"]);
        for entry in Code::TABLE {
            let (number, status) = (entry.code.number().to_string(), http::status(entry.code).to_string());
            grid.row([number, entry.name.to_owned(), status, entry.message.to_owned()].map(Cell::from));
        }
        grid.show(width())
    })
}
