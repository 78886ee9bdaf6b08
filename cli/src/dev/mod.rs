//! `licentia dev`: a vendor, a gateway, an API and three customers on this machine, with a live page.

mod actions;
mod api;
mod keys;
mod place;
mod setup;
mod terms;
mod vendor;

use std::{fs, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use clap::Args;
use licentia_gateway::{Config, Gateway};
use serde_json::json;

use crate::terminal::{
    interrupt,
    output::{HEADING, NOTE, Output, Result},
};
use actions::Buttons;
use keys::Keys;
use place::Place;
use setup::Setup;
use terms::Terms;
use vendor::Vendor;

#[derive(Args)]
pub(crate) struct Dev {
    /// The API to protect, instead of a toy. Without --openapi, every path
    /// needs a licence and counts one call.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// An OpenAPI document whose operations say in `x-licentia` what they need.
    #[arg(long, value_name = "FILE", requires = "upstream")]
    openapi: Option<PathBuf>,
    /// Where clients call. [default: 127.0.0.1:8080, or a free port]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where the live page is. [default: 127.0.0.1:8081, or a free port]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    /// Where health and metrics are. [default: 127.0.0.1:8082, or a free port]
    #[arg(long, value_name = "ADDRESS")]
    health: Option<SocketAddr>,
    /// Keep keys, licences, counters and the configuration here. Without it,
    /// they are in a temporary folder, which is removed at the end.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Dev {
    pub(crate) fn run(self, output: Output) -> Result {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let ended = runtime.block_on(self.serve(output));
        // A request to a slow upstream must not keep the process.
        runtime.shutdown_background();
        ended
    }

    async fn serve(self, output: Output) -> Result {
        let place = Place::open(self.folder)?;
        let toy = if self.upstream.is_none() { Some(api::start().await?) } else { None };
        let upstream =
            self.upstream.clone().or_else(|| toy.map(|address: SocketAddr| format!("http://{address}")));
        let setup = Setup {
            upstream: upstream.unwrap_or_default(),
            openapi: self.openapi,
            is_toy: toy.is_some(),
            listen: setup::free(self.listen, 8080),
            admin: setup::free(self.admin, 8081),
            health: setup::free(self.health, 8082),
        };
        let keys = Keys::open(&place)?;
        let file = place.file("gateway.toml");
        fs::write(&file, setup.text(&place)?)?;
        let config = Config::load(&file)?;
        let terms = Terms::of(config.rules.table.routes());
        let vendor = Vendor::open(&place, keys, &terms)?;
        let buttons = Arc::new(Buttons::new(vendor, terms, output));
        let gateway = Gateway::start_with(config, Some(Arc::clone(&buttons) as _)).await?;
        let listening = &gateway.listening;
        let api = listening.proxy.as_ref().ok_or("the gateway has no address for clients")?.to_string();
        buttons.attach(gateway.trusted.clone(), &api);
        show(&place, &buttons, &gateway, &api, toy.is_some(), output)?;
        interrupt::ended().await?;
        output.note("\nending");
        gateway.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints where everything is, and how to call as each customer.
fn show(
    place: &Place,
    buttons: &Buttons,
    gateway: &Gateway,
    api: &str,
    is_toy: bool,
    output: Output,
) -> Result<()> {
    let page = gateway.listening.page.clone().unwrap_or_default();
    let health = gateway.listening.health.as_ref().map(ToString::to_string).unwrap_or_default();
    let path = buttons.first_path();
    let customers = buttons.cards();
    let value = json!({
        "page": page,
        "api": format!("http://{api}"),
        "metrics": format!("http://{health}/metrics"),
        "folder": place.path(),
        "customers": customers.iter().map(|card| json!({
            "subject": card.subject, "tier": card.tier, "lineage": card.lineage, "header": card.header,
            "request": format!("http://{api}{path}"),
        })).collect::<Vec<_>>(),
    });
    output.show(&value, || {
        let what = if is_toy { "a toy API behind it" } else { "your API behind it" };
        let mut text = format!("{HEADING}Licentia is running{HEADING:#}, with {what}. Ctrl-C ends it.\n\n");
        for (name, value) in [
            ("page", page),
            ("API", format!("http://{api}")),
            ("metrics", format!("http://{health}/metrics")),
            ("folder", place.path().display().to_string()),
        ] {
            text += &format!("  {name:<8} {value}\n");
        }
        text +=
            "\nCall as a customer, and watch the page. Each file holds the header field with a\nlicence:\n";
        for card in &customers {
            text += &format!(
                "\n  {HEADING}{}{HEADING:#}, {NOTE}{}{NOTE:#}: {}\n",
                card.subject, card.tier, card.terms
            );
            text += &format!("  curl -iH @{} http://{api}{path}\n", card.header.display());
        }
        text + "\n"
    })?;
    Ok(())
}
