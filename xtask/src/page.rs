//! The server's page, in Chromium, and payments against Stripe's own mock.

use crate::{
    command::{Result, cargo, run},
    live,
    programs::example,
    tools::go,
};

/// The version of Stripe's mock.
const MOCK: &str = "github.com/stripe/stripe-mock@v0.203.0";

/// Walks through the page, and sends Stripe's mock what Stripe gets.
pub(crate) fn check() -> Result {
    let showcase = example("showcase")?;
    let mut walk = live::bare("server.mjs")?;
    walk.env("SHOWCASE", showcase);
    run(walk)?;
    let mock = go::install(MOCK, "stripe-mock")?;
    let mut test = cargo(&["test", "--locked", "-p", "licentia-server", "--lib", "--"]);
    test.args(["--ignored", "stripe_mock"]).env("LICENTIA_STRIPE_MOCK", mock);
    run(test)
}
