//! `[webhooks]` of `server.toml`.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::signature::MasterSecret;
use crate::outgoing::{Client, Networks};

/// `[webhooks]` of `server.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct WebhooksConfig {
    /// The file of the secret that each webhook's own is derived from. It is made if it is not there. All servers of one
    /// ledger need the same.
    pub secret: PathBuf,
    /// Networks of your own that may be called beside public addresses, such as `10.1.0.0/16`.
    pub allow: Vec<String>,
    /// Whether plain `http` may be used.
    pub plain: bool,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self { secret: "webhooks.secret".into(), allow: Vec::new(), plain: false }
    }
}

/// What webhooks are called with.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) client: Client,
    pub(crate) master: std::sync::Arc<MasterSecret>,
    pub(crate) plain: bool,
}

impl Caller {
    /// The secret of a webhook after so many rotations, as its receiver writes it.
    pub(crate) fn secret(&self, webhook: &[u8; 16], generation: u64) -> String {
        self.master.derive(webhook, generation).text().to_string()
    }
}

impl WebhooksConfig {
    /// Loads the secret, or makes it, in a folder.
    ///
    /// # Errors
    /// What is wrong, with the file or the setting.
    pub(crate) fn open(&self, folder: &Path) -> Result<Caller, String> {
        let networks = Networks::parse(&self.allow).map_err(|error| format!("`webhooks.allow`: {error}"))?;
        let master = load(&folder.join(&self.secret))?;
        Ok(Caller { client: Client::new(networks)?, master: master.into(), plain: self.plain })
    }
}

fn load(path: &Path) -> Result<MasterSecret, String> {
    let failed = |error: std::io::Error| format!("`webhooks.secret` {}: {error}", path.display());
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut bytes = Zeroizing::new([0; 32]);
            getrandom::fill(&mut *bytes).map_err(|_| "the system gives no random bytes".to_owned())?;
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let text = Zeroizing::new(HEXLOWER_PERMISSIVE.encode(&*bytes));
            writeln!(options.open(path).map_err(failed)?, "{}", *text).map_err(failed)?;
            text
        }
        Err(error) => return Err(failed(error)),
    };
    let wrong =
        || format!("`webhooks.secret` {}: write 64 hexadecimal digits, or delete the file", path.display());
    let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).map_err(|_| wrong())?);
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| wrong())?;
    Ok(MasterSecret::new(Zeroizing::new(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let config = WebhooksConfig::default();
        let text = |caller: &Caller| caller.master.derive(&[1; 16], 0).text().to_string();
        let first = text(&config.open(folder.path()).unwrap());
        assert_eq!(text(&config.open(folder.path()).unwrap()), first);
        let path = folder.path().join("webhooks.secret");
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777,
            0o600
        );
        for wrong in ["", "00", "no digits"] {
            fs::write(&path, wrong).unwrap();
            assert!(config.open(folder.path()).unwrap_err().contains("64 hexadecimal digits"), "{wrong}");
        }
        let config = WebhooksConfig { allow: vec!["everything".into()], ..config };
        assert!(config.open(folder.path()).unwrap_err().contains("webhooks.allow"));
    }
}
