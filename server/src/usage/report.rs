//! The receipts of an issuer's gateways, merged by the rule of [`Audit`].

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use licentia::receipt::{Audit, Report};
use licentia_issuer::Ledger;

use crate::{http::Problem, store::values};

/// The last report of each issuer, and the number of the newest receipt that is in it.
#[derive(Debug, Default)]
pub(crate) struct Reports(Mutex<BTreeMap<String, (u64, Arc<Report>)>>);

impl Reports {
    /// What the receipts of an issuer's gateways add up to. What was kept apart is not in it.
    ///
    /// # Errors
    /// 503 if the ledger is out of reach.
    pub(crate) fn of(&self, ledger: &Ledger, issuer: &str) -> Result<Arc<Report>, Problem> {
        let database = ledger.database();
        let sql = "SELECT coalesce(max(number), 0) FROM receipt JOIN instance ON instance.instance = receipt.instance
             WHERE issuer = ?1";
        let newest: u64 = database.only(sql, values![issuer], |row| row.unsigned(0))?;
        let known =
            self.known().get(issuer).filter(|(at, _)| *at == newest).map(|(_, report)| Arc::clone(report));
        if let Some(report) = known {
            return Ok(report);
        }
        let mut audit = Audit::new();
        let sql = "SELECT receipt FROM receipt JOIN instance ON instance.instance = receipt.instance
             WHERE issuer = ?1 AND apart = 0 AND number <= ?2";
        database.each(sql, values![issuer, newest], |row| {
            audit.add(row.bytes(0)?);
            Ok(())
        })?;
        let mut report = audit.finish();
        report.usage.retain(|cell, _| cell.issuer.is_empty() || cell.issuer == issuer);
        let report = Arc::new(report);
        self.known().insert(issuer.to_owned(), (newest, Arc::clone(&report)));
        Ok(report)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (u64, Arc<Report>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
