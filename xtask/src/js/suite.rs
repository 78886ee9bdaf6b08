//! Tests the packed file on every host.

use super::package::{build, node};
use crate::{
    command::{Result, root, run},
    programs::example,
    tools::system,
};

/// Builds the package and tests it.
pub(crate) fn check() -> Result {
    build()?;
    system::require(&[("/usr/bin/chromium", "chromium"), ("/usr/bin/redis-server", "redis-server")])?;
    let mut test = node(&["test.mjs"]);
    test.env("VECTORS", root().join("tests/vectors"))
        .env("CHROMIUM", "/usr/bin/chromium")
        .env("REDIS", "/usr/bin/redis-server")
        // It counts in Redis beside JavaScript.
        .env("COUNTER", example("count")?);
    run(test)
}
