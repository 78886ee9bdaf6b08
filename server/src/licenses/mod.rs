//! Licences: issued, searched, and what is done with them.

mod issue;
mod list;
mod view;
mod wanted;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::server::Server;

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(list::list, issue::issue))
}
