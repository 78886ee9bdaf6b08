//! `licentia keygen`

use std::path::PathBuf;

use clap::Args;
use licentia_issuer::{
    SigningKey,
    file::{Access, create},
};
use serde_json::json;

use super::view::fingerprint;
use crate::terminal::{
    input::Passphrase,
    output::{Output, Result, table},
};

/// Generates a key pair. Existing files are never overwritten.
#[derive(Args)]
pub(crate) struct Keygen {
    /// Path of the two files, without `.pem` and `.pub`.
    #[arg(long, value_name = "NAME", default_value = "issuer")]
    out: PathBuf,
    #[command(flatten)]
    passphrase: Passphrase,
}

impl Keygen {
    pub(crate) fn run(self, output: Output) -> Result {
        let with = |ending: &str| PathBuf::from(format!("{}.{ending}", self.out.display()));
        let (secret, public) = (with("pem"), with("pub"));
        if public.exists() {
            return Err(format!("{} exists; choose another --out", public.display()).into());
        }
        if secret.exists() {
            return Err(format!("{} exists; choose another --out", secret.display()).into());
        }
        let passphrase = self.passphrase.choose(&secret)?;
        let key = SigningKey::generate()?;
        let pem = key.to_pem(passphrase.as_ref().map(|passphrase| passphrase.as_str()))?;
        let private = create(&secret, pem.as_bytes(), Access::Owner)?;
        create(&public, format!("{}\n", key.public()).as_bytes(), Access::Umask)?.keep();
        private.keep();
        let encrypted = passphrase.is_some();
        let value = json!({
            "kid": key.kid().to_string(),
            "fingerprint": fingerprint(&key.public()),
            "secret": secret,
            "public": public,
            "encrypted": encrypted,
            "key": key.public().to_string(),
        });
        output.show(&value, || {
            let kept = if encrypted {
                "encrypted; keep it apart from its passphrase"
            } else {
                "not encrypted; keep it safe"
            };
            table([
                ("kid", key.kid().to_string()),
                ("secret", format!("{}  ({kept})", secret.display())),
                ("public", format!("{}  (give it to the services that verify)", public.display())),
                (
                    "next",
                    format!(
                        "licentia issue --key {} --issuer NAME \\\n  --tier TIER@1 --term '1 year' --subject ID",
                        secret.display()
                    ),
                ),
                ("", format!("licentia verify TOKEN --key {}", public.display())),
            ])
        })
    }
}
