//! Licences: issued, searched, and what is done with them.

mod actions;
pub(crate) mod change;
mod issue;
mod list;
pub(crate) mod view;
pub(crate) mod wanted;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::server::Server;

pub(crate) use view::LicenseView;

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(list::list, issue::issue)).merge(actions::routes())
}
