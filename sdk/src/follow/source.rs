//! A keyset or a bundle that is looked at again and again.

use std::{fs, io::Read, time::Duration};

use http::HeaderValue;

use crate::platform::FileVersion;

use super::{fetch::Fetcher, place::Place};

/// A file or a URL, and what is known of its last state.
#[derive(Debug)]
pub(super) struct Source {
    place: Place,
    most: usize,
    tag: Option<HeaderValue>,
    file: Option<FileVersion>,
}

impl Source {
    /// A place with at most so many bytes.
    pub(super) fn new(place: Place, most: usize) -> Self {
        Self { place, most, tag: None, file: None }
    }

    /// What is there, if it may have changed.
    pub(super) async fn poll(&mut self, fetcher: &Fetcher) -> Result<Option<Vec<u8>>, String> {
        match &self.place {
            Place::Url(url) => {
                let Some(new) = fetcher.get(url, self.tag.as_ref(), self.most).await? else {
                    return Ok(None);
                };
                self.tag = new.tag;
                Ok(Some(new.bytes))
            }
            Place::File(path) => {
                let failed = |error| format!("{}: {error}", path.display());
                let file = fs::File::open(path).map_err(failed)?;
                let metadata = file.metadata().map_err(failed)?;
                let version = Some(FileVersion::from(&metadata));
                if version == self.file {
                    return Ok(None);
                }
                let mut bytes = Vec::new();
                let most = u64::try_from(self.most).unwrap_or(u64::MAX);
                file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
                if bytes.len() > self.most {
                    return Err(format!("{}: it is longer than {most} bytes", path.display()));
                }
                self.file = version;
                Ok(Some(bytes))
            }
        }
    }

    /// Looks at it again the next time, though it has not changed: it was refused.
    pub(super) fn forget(&mut self) {
        (self.tag, self.file) = (None, None);
    }
}

/// From 0.8 to 1.2 of a time, so that many gateways don't ask at once.
pub(super) fn jittered(time: Duration) -> Duration {
    let mut random = [0; 4];
    // Without randomness there is no jitter.
    let _ = getrandom::fill(&mut random);
    let jitter = u32::from_be_bytes(random) % 1000;
    time.saturating_mul(800 + jitter * 2 / 5) / 1000
}
