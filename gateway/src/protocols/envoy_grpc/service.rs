//! The service that Envoy calls.

use std::sync::Arc;

use hyper_util::service::TowerToHyperService;
use tonic::{Request, Response, Status};

use crate::decide::{Decider, Facts, Protocol};

use super::{
    super::terms,
    answer::answer,
    generated::envoy::service::auth::v3::{
        CheckRequest, CheckResponse,
        authorization_server::{Authorization, AuthorizationServer},
    },
    question,
};

/// Answers Envoy.
#[derive(Clone, Debug)]
pub struct Check(Arc<Decider>);

/// The service, for [`crate::listen::serve`].
pub fn service(decider: Arc<Decider>) -> TowerToHyperService<AuthorizationServer<Check>> {
    TowerToHyperService::new(AuthorizationServer::new(Check(decider)))
}

#[tonic::async_trait]
impl Authorization for Check {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let attributes = request.into_inner().attributes.unwrap_or_default();
        let http = attributes.request.as_ref().and_then(|request| request.http.as_ref());
        let Some(http) = http else {
            return Err(Status::invalid_argument("the request has no HTTP attributes"));
        };
        let (headers, refused) = match question::headers(http) {
            Ok(headers) => (headers, None),
            Err(reason) => (http::HeaderMap::new(), Some(reason)),
        };
        let extensions = attributes.context_extensions.iter().map(|(name, value)| (&**name, &**value));
        let (route, refused) = match terms::route(extensions) {
            Ok(route) => (route, refused),
            Err(reason) => (None, Some(refused.unwrap_or(reason))),
        };
        let facts = Facts {
            protocol: Protocol::EnvoyGrpc,
            method: &http.method,
            target: &http.path,
            headers: &headers,
            client: question::client(&attributes),
            route: route.as_ref(),
        };
        let verdict = match refused {
            Some(reason) => self.0.refuse(&facts, &reason),
            None => self.0.decide(&facts).await,
        };
        Ok(Response::new(answer(verdict)))
    }
}
