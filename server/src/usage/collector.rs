//! How `OpenMeter` is reached.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use http::HeaderValue;
use serde::Deserialize;

use crate::outgoing::{Client, Networks};

/// `[openmeter]` of `server.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OpenMeterConfig {
    /// The issuer whose usage is sent.
    pub issuer: String,
    /// Where events are sent: `https://openmeter.cloud/api/v1/events`, or your own.
    pub url: String,
    /// The file of the API's token, if it needs one.
    pub token: Option<PathBuf>,
}

/// Sends to `OpenMeter`.
pub(crate) struct OpenMeter {
    pub(super) client: Client,
    pub(super) issuer: String,
    pub(super) url: String,
    pub(super) authorization: Option<HeaderValue>,
}

impl fmt::Debug for OpenMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenMeter").field("url", &self.url).finish_non_exhaustive()
    }
}

impl OpenMeterConfig {
    /// Loads the token from a file in a folder.
    ///
    /// # Errors
    /// What is wrong, with the file or the setting.
    pub(crate) fn open(&self, folder: &Path) -> Result<OpenMeter, String> {
        // The operator writes this address, and nobody else can.
        let client = Client::new(Networks::all())?;
        client.check(&self.url, true).map_err(|error| format!("`openmeter.url`: {error}"))?;
        let authorization = match &self.token {
            Some(path) => {
                let path = folder.join(path);
                let failed =
                    |error: &dyn fmt::Display| format!("`openmeter.token` {}: {error}", path.display());
                let text =
                    zeroize::Zeroizing::new(fs::read_to_string(&path).map_err(|error| failed(&error))?);
                let bearer = zeroize::Zeroizing::new(format!("Bearer {}", text.trim()));
                let mut field = HeaderValue::from_str(&bearer).map_err(|_| failed(&"it is no token"))?;
                field.set_sensitive(true);
                Some(field)
            }
            None => None,
        };
        Ok(OpenMeter { client, issuer: self.issuer.clone(), url: self.url.clone(), authorization })
    }
}

impl OpenMeter {
    /// The issuer whose usage is sent.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }
}
