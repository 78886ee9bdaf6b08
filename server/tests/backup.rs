//! A backup of a service's ledger has what the service keeps in it.

mod common;

use common::{Service, make};
use licentia_issuer::{Ledger, LedgerAccess, LedgerLocation};
use licentia_server::store::{copy_too, restore_too};
use serde_json::json;

#[test]
fn a_backup_has_the_audit_and_the_webhooks_and_is_restored_with_them() {
    let service = Service::start();
    let webhook = json!({ "url": "https://example.com/", "kinds": ["license.revoked"] });
    assert_eq!(service.post(&service.admin, "/v1/webhooks", &webhook).status, 201);
    let copy = service.folder.path().join("backup.db");
    let open = |path: &std::path::Path, access| Ledger::connect(&LedgerLocation::from(path), access).unwrap();
    let mut ledger = open(&service.folder.path().join("ledger.db"), LedgerAccess::Read);
    copy_too(&mut ledger).unwrap();
    ledger.backup(&copy).unwrap();

    // A service whose ledger is lost and restored, with the keys that it had.
    let folder = tempfile::tempdir().unwrap();
    let config = make(folder.path(), "ledger.db");
    for name in ["root.pub", "keyset", "license.pem", "revocation.pem", "admin.lic"] {
        std::fs::copy(service.folder.path().join(name), folder.path().join(name)).unwrap();
    }
    let (mut backup, mut ledger) =
        (open(&copy, LedgerAccess::Read), open(&folder.path().join("ledger.db"), LedgerAccess::Write));
    restore_too(&mut ledger, &mut backup).unwrap();
    ledger.restore(&backup, None, 100, true).unwrap();
    drop((ledger, backup));
    let restored = Service::run(folder, &config);
    let webhooks = restored.get(&restored.admin, "/v1/webhooks").json();
    assert_eq!(webhooks["items"][0]["url"], "https://example.com/");
    let audit = restored.get(&restored.admin, "/v1/audit").json();
    assert_eq!(audit["items"][0]["action"], "webhook.add");
}
