//! `licentia server init`

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use serde_json::json;

use crate::terminal::{
    input::{Clock, Passphrase},
    output::{Output, Result, table},
};

/// What a new service sells, until its owner writes something else.
const TIERS: &str = "# What you sell. A tier that was sold never changes: add a new version.
[[tier]]
name = \"free\"
version = 1
term = \"1 year\"
quotas = { calls = \"1000/month\" }
rates = { api = \"5/1s\" }

[[tier]]
name = \"pro\"
version = 1
term = \"1 year\"
grace = \"14 days\"
features = { export = true }
quotas = { calls = \"100000/month\" }
rates = { api = \"50/1s\" }
";

#[derive(Args)]
pub(crate) struct Init {
    /// The issuer's name, which is in every licence.
    #[arg(long, value_name = "NAME")]
    issuer: String,
    /// The folder to make.
    #[arg(long, value_name = "FOLDER", default_value = "licentia-server")]
    folder: PathBuf,
    /// The ledger: a file in the folder, or `postgres://USER@HOST/DATABASE`.
    #[arg(long, value_name = "LEDGER", default_value = "ledger.db")]
    ledger: String,
    /// Where the service listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    #[command(flatten)]
    passphrase: Passphrase,
    #[command(flatten)]
    clock: Clock,
}

impl Init {
    pub(super) fn run(self, output: Output) -> Result {
        let config = self.folder.join("server.toml");
        if config.exists() {
            return Err(format!("{} exists; choose another --folder", config.display()).into());
        }
        let passphrase = self.passphrase.choose(&self.folder.join("*.pem"))?.ok_or(
            "the keys must be encrypted: give a passphrase with --passphrase-file or LICENTIA_PASSPHRASE",
        )?;
        let init = licentia_server::Init {
            folder: &self.folder,
            issuer: &self.issuer,
            ledger: &self.ledger,
            listen: self.listen,
            catalogue: TIERS,
            passphrase: Some(&passphrase),
        };
        let made = init.make(self.clock.now())?;
        let page = format!("http://{}/", self.listen);
        let value = json!({
            "config": made.config, "admin": made.admin, "root": made.root, "root_public": made.root_public,
            "gateway": made.gateway, "page": page,
        });
        output.show(&value, || {
            table([
                ("config", made.config.display().to_string()),
                ("admin", format!("{}  (the administrator's licence: keep it secret)", made.admin.display())),
                ("root key", format!("{}  (move it off line: it signs keysets only)", made.root.display())),
                ("root.pub", format!("{}  (give it to gateways)", made.root_public.display())),
                ("page", page),
                ("next", format!("licentia server --config {}", made.config.display())),
                ("gateway", format!("licentia gateway --config {}", made.gateway.display())),
            ])
        })
    }
}
