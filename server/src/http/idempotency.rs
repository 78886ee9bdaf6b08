//! Requests that change something: each acts once, however often it is sent.
//!
//! A client names its request (`Idempotency-Key`). The name, a digest of the request and what is answered are stored in
//! the transaction that acts. The same request again is answered alike, and acts no more; another one under the same
//! name is refused. Names are the credential's own, so that nobody gets the answer to another's request, and count for a
//! day. What failed is not remembered.
//!
//! No token and no code is stored: where one was in the answer, it is made again. Ed25519 is deterministic, so the same
//! terms and the same key make the same bytes, and the ledger checks their digest.

use std::{collections::BTreeMap, marker::PhantomData};

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use hmac_sha256::Hash;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use licentia_core::{Timestamp, TokenId};
use licentia_issuer::{Issued, Ledger};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    body::{LONGEST, needs_type, parse, read},
    path::hex,
    problem::Problem,
};
use crate::{
    access::{Identity, Scope, authenticate},
    audit,
    server::Server,
    store::values,
    webhooks,
};

/// The name of a request.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long a name counts, in seconds.
const LASTS: u64 = 86_400;

/// The field that names a request, as the OpenAPI document describes it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "it describes; `Post` reads the field")]
pub(crate) struct IdempotencyKey {
    /// A new name for each request.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255)]
    name: String,
}

/// A request that changes something, by a credential that has the feature of `S`.
#[derive(Debug)]
pub struct Post<T, S> {
    /// Who calls.
    pub caller: Identity,
    /// What is wanted.
    pub body: T,
    name: String,
    digest: [u8; 32],
    scope: PhantomData<S>,
}

/// What the work of a request may use.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Acting {
    /// The service.
    pub server: Server,
    /// Who calls.
    pub caller: Identity,
    /// When.
    pub now: Timestamp,
}

/// What is answered to a request that was done.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    body: Value,
    /// What it was done to, for the audit.
    target: String,
    /// Where secrets belong into the body, by JSON pointer.
    secrets: Vec<(String, Secret)>,
}

/// A secret of an answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Secret {
    /// A licence.
    Token(Box<Issued>, TokenId),
    /// A code that is made of 16 random bytes: see [`Server::code`].
    Code([u8; 16]),
    /// The secret of a webhook after so many rotations.
    Webhook([u8; 16], u64),
}

impl Answer {
    /// An answer with a body in JSON, about `target`.
    ///
    /// # Errors
    /// 500 for a value that is no JSON.
    pub fn new(
        status: StatusCode,
        body: &impl serde::Serialize,
        target: impl Into<String>,
    ) -> Result<Self, Problem> {
        let body = serde_json::to_value(body).map_err(|error| Problem::internal(&error.to_string()))?;
        Ok(Self { status, body, target: target.into(), secrets: Vec::new() })
    }

    /// With a licence at a place of the body.
    ///
    /// # Errors
    /// 500 for a token that cannot be read.
    pub fn with_token(mut self, pointer: &str, issued: Issued) -> Result<Self, Problem> {
        let id = issued.token.claims().map_err(|malformed| Problem::internal(malformed.code.name()))?.id();
        self.secrets.push((pointer.to_owned(), Secret::Token(Box::new(issued), id)));
        Ok(self)
    }

    /// With a code at a place of the body.
    #[must_use]
    pub fn with_code(mut self, pointer: &str, nonce: [u8; 16]) -> Self {
        self.secrets.push((pointer.to_owned(), Secret::Code(nonce)));
        self
    }

    /// With the secret of a webhook at a place of the body.
    #[must_use]
    pub(crate) fn with_webhook_secret(mut self, pointer: &str, webhook: [u8; 16], generation: u64) -> Self {
        self.secrets.push((pointer.to_owned(), Secret::Webhook(webhook, generation)));
        self
    }

    /// What is stored: everything but the secrets.
    fn stored(&self) -> Result<String, Problem> {
        let secret = |(pointer, secret): &(String, Secret)| {
            let recipe = match secret {
                Secret::Token(_, id) => Recipe::Token(id.to_string()),
                Secret::Code(nonce) => Recipe::Code(data_encoding::HEXLOWER.encode(nonce)),
                Secret::Webhook(webhook, generation) => {
                    Recipe::Webhook(data_encoding::HEXLOWER.encode(webhook), *generation)
                }
            };
            (pointer.clone(), recipe)
        };
        let secrets = self.secrets.iter().map(secret).collect();
        let stored = Stored { status: self.status.as_u16(), body: self.body.clone(), secrets };
        serde_json::to_string(&stored).map_err(|error| Problem::internal(&error.to_string()))
    }

    /// What is told.
    fn told(self, acting: &Acting) -> Result<Told, Problem> {
        let mut body = self.body;
        for (pointer, secret) in self.secrets {
            let text = match secret {
                Secret::Token(issued, _) => issued.token.text(),
                Secret::Code(nonce) => acting.server.code(&acting.caller.issuer, &nonce)?,
                Secret::Webhook(webhook, generation) => acting.server.webhooks().secret(&webhook, generation),
            };
            put(&mut body, &pointer, text)?;
        }
        Ok(Told { status: self.status, body: body.to_string(), is_replayed: false })
    }
}

/// What is told to the client.
#[derive(Debug)]
struct Told {
    status: StatusCode,
    body: String,
    is_replayed: bool,
}

fn put(body: &mut Value, pointer: &str, text: String) -> Result<(), Problem> {
    match body.pointer_mut(pointer) {
        Some(place) => *place = Value::String(text),
        None => return Err(Problem::internal("an answer has no place for what it tells")),
    }
    Ok(())
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let fields = response.headers_mut();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.is_replayed {
            fields.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

impl<T: DeserializeOwned, S: Scope> FromRequest<Server> for Post<T, S> {
    type Rejection = Problem;

    async fn from_request(request: Request, server: &Server) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        // Strangers don't get to send a body, unless a proof must cover it.
        let is_bound = parts.headers.contains_key(licentia_core::http::PROOF_FIELD);
        let early = if is_bound { None } else { Some(authenticate::<S>(server, &parts, None).await?) };
        let bytes = read(body, LONGEST).await?;
        let digest = Hash::hash(&bytes);
        let caller = match early {
            Some(caller) => caller,
            None => authenticate::<S>(server, &parts, Some(&digest)).await?,
        };
        let name = name(&parts.headers)?;
        needs_type(&parts.headers, "application/json")?;
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        let request = format!("{} {path}\n", parts.method);
        let digest = Hash::hash(&[request.as_bytes(), &digest].concat());
        Ok(Self { caller: caller.0, body: parse(&bytes)?, name, digest, scope: PhantomData })
    }
}

/// The request's name: 1 to 255 visible characters.
fn name(fields: &HeaderMap) -> Result<String, Problem> {
    let wrong = || {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency_key_needed",
            "The request has no name.",
            "Send `Idempotency-Key` once, with 1 to 255 visible ASCII characters, a new one for each request, such as a UUID.",
        )
    };
    let mut values = fields.get_all(KEY).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(wrong()) };
    let text = value.to_str().map_err(|_| wrong())?;
    let is_good = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good { Ok(text.to_owned()) } else { Err(wrong()) }
}

impl<T: Send + 'static, S: Scope> Post<T, S> {
    /// Does it: the work, the record of the request and the line of the audit are stored together, or not at all. A
    /// request that was done before is answered as it was.
    ///
    /// # Errors
    /// 422 for another request under the same name, the errors of `work`, 503 if the ledger is out of reach.
    pub async fn act(
        self,
        server: &Server,
        action: &'static str,
        work: impl FnOnce(&mut Ledger, &Acting, T) -> Result<Answer, Problem> + Send + 'static,
    ) -> Result<Response, Problem> {
        let acting = Acting { server: server.clone(), now: self.caller.now, caller: self.caller };
        let (name, digest, body) = (self.name, self.digest, self.body);
        let told = server.clerk().write(move |ledger| {
            if let Some(told) = answered(ledger, &acting, &name, &digest)? {
                return Ok(told);
            }
            let answer = work(ledger, &acting, body)?;
            let sql = "UPDATE request SET answer = ?4 WHERE issuer = ?1 AND lineage = ?2 AND name = ?3";
            let caller = &acting.caller;
            let stored = answer.stored()?;
            let row = values![&caller.issuer, &caller.lineage, &name, &stored];
            ledger.database().execute(sql, row)?;
            audit::record(ledger, caller, action, &answer.target, acting.now)?;
            webhooks::note_action(ledger, caller, action, &answer.target, acting.now)?;
            answer.told(&acting)
        });
        Ok(told.await?.into_response())
    }
}

/// What was answered to the request before; otherwise its name is taken.
fn answered(
    ledger: &Ledger,
    acting: &Acting,
    name: &str,
    digest: &[u8; 32],
) -> Result<Option<Told>, Problem> {
    let (database, caller) = (ledger.database(), &acting.caller);
    let now = acting.now.as_seconds();
    let oldest = now.saturating_sub(LASTS);
    database.execute("DELETE FROM request WHERE at < ?1", values![oldest])?;
    let sql =
        "INSERT INTO request (issuer, lineage, name, digest, at, answer) VALUES (?1, ?2, ?3, ?4, ?5, '')
        ON CONFLICT (issuer, lineage, name) DO NOTHING";
    let row = values![&caller.issuer, &caller.lineage, name, digest, now];
    if database.execute(sql, row)? > 0 {
        return Ok(None);
    }
    let sql = "SELECT digest, answer FROM request WHERE issuer = ?1 AND lineage = ?2 AND name = ?3";
    let (before, answer) = database.only(sql, values![&caller.issuer, &caller.lineage, name], |row| {
        Ok((row.array::<32>(0)?, row.text(1)?.to_owned()))
    })?;
    if before != *digest {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "The name is of another request.",
            "This `Idempotency-Key` came with another request before. Use a new one.",
        ));
    }
    replay(ledger, acting, &answer).map(Some)
}

/// An answer as it is stored.
#[derive(Deserialize, Serialize)]
struct Stored {
    status: u16,
    body: Value,
    /// How to make what belongs to a place of the body.
    secrets: BTreeMap<String, Recipe>,
}

/// How a secret is made again.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Recipe {
    /// The licence of this identifier is signed again.
    Token(String),
    /// The code is made of these bytes.
    Code(String),
    /// The secret of a webhook, by its identifier and generation.
    Webhook(String, u64),
}

/// Makes an answer again.
fn replay(ledger: &Ledger, acting: &Acting, stored: &str) -> Result<Told, Problem> {
    let damaged = || Problem::internal("a stored answer cannot be read");
    let Stored { status, mut body, secrets } = serde_json::from_str(stored).map_err(|_| damaged())?;
    let status = StatusCode::from_u16(status).map_err(|_| damaged())?;
    let issuer = &acting.caller.issuer;
    for (pointer, recipe) in secrets {
        let text = match recipe {
            Recipe::Token(id) => {
                let id = hex::<16>(&id).ok_or_else(damaged)?;
                ledger.terms(&TokenId::from(id))?.sign(&acting.server.keys(issuer)?.issuer)?.text()
            }
            Recipe::Code(nonce) => acting.server.code(issuer, &hex(&nonce).ok_or_else(damaged)?)?,
            Recipe::Webhook(webhook, generation) => {
                acting.server.webhooks().secret(&hex(&webhook).ok_or_else(damaged)?, generation)
            }
        };
        put(&mut body, &pointer, text)?;
    }
    Ok(Told { status, body: body.to_string(), is_replayed: true })
}
