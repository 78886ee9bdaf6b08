//! Codes that a customer turns into a licence which is bound to a key or a machine.
//!
//! A code has 80 random bits and is stored as a digest, so that a copy of the database activates nothing. It is used
//! once: the same key or machine gets the same licence again, another one nothing. The request and the answer are files
//! for a machine without a network: another one may carry them.

mod guesses;

use axum::{Json as Reply, extract::State, response::Response};
use data_encoding::BASE64URL_NOPAD;
use hmac_sha256::Hash;
use http::StatusCode;
use licentia::Now;
use licentia_core::{PublicKey, Timestamp, TokenId};
use licentia_issuer::{Confirmation, Ledger, Order, Token, time::Span};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::{Identity, Issue},
    audit,
    http::{Answer, IdempotencyKey, Json, Post, Problem, ProblemBody, hex},
    licenses::wanted::{Wanted, holder},
    server::Server,
    store::values,
};

/// What the message begins with that a holder signs to show that it has the key.
const MESSAGE: &str = "licentia activation\n";

pub(crate) use guesses::Guesses;

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(make)).routes(routes!(activate))
}

/// A code that is wanted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCode {
    /// The licence that the code becomes. Its term begins when it is activated.
    license: Wanted,
    /// How long the code can be used: `30 days`, the default.
    expires_in: Option<String>,
}

/// A code.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CodeView {
    /// The code, which is shown once.
    code: Option<String>,
    /// Until when it can be used, in seconds since 1970.
    expires: u64,
}

/// Makes a code.
#[utoipa::path(post, path = "/v1/activations", tag = "activation", request_body = NewCode, security(("license" = [])),
    params(IdempotencyKey),
    responses((status = 201, body = CodeView), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn make(State(server): State<Server>, post: Post<NewCode, Issue>) -> Result<Response, Problem> {
    post.act(&server, "make a code", |ledger, acting, wanted: NewCode| {
        let issuer = &acting.caller.issuer;
        let catalogue = acting.server.catalogue(ledger, issuer)?;
        let draft = wanted.license.draft(&catalogue, acting.now)?;
        acting.caller.may_grant(draft.grant.features.keys())?;
        if draft.holder.is_some() || !draft.node_locks.is_empty() {
            return Err(Problem::value(
                "license",
                "leave out `holder` and `node_locks`: the activation says them",
            ));
        }
        let lasts: Span = wanted.expires_in.as_deref().unwrap_or("30 days").parse()?;
        let expires = lasts.after(acting.now)?;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|_| Problem::internal("no random bytes"))?;
        let code = Hash::hash(acting.server.code(issuer, &nonce)?.as_bytes());
        let text = serde_json::to_string(&wanted.license).map_err(|_| Problem::internal("no JSON"))?;
        let sql =
            "INSERT INTO activation (code, issuer, wanted, made_at, expires) VALUES (?1, ?2, ?3, ?4, ?5)";
        ledger.database().execute(sql, values![&code, issuer, &text, acting.now, expires])?;
        let view = CodeView { code: None, expires: expires.as_seconds() };
        Ok(Answer::new(StatusCode::CREATED, &view, wanted.license.subject)?.with_code("/code", nonce))
    })
    .await
}

/// A code, and the key or machine that the licence is bound to.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Activating {
    /// The code. Case, spaces and dashes don't matter.
    #[schema(max_length = 64)]
    code: String,
    /// The holder's public key: `licpub1_…` or 64 hexadecimal digits.
    holder: Option<String>,
    /// With `holder`: the Ed25519 signature of `licentia activation`, a line feed and the code in capital letters without
    /// dashes, by the holder's key, in unpadded base64url.
    signature: Option<String>,
    /// Instead of a key: SHA-256 of the machine's fingerprint, in hexadecimal digits.
    fingerprint: Option<String>,
}

/// A licence that was activated.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Activated {
    /// The token.
    token: String,
}

/// What a licence is bound to.
enum Binding {
    Holder([u8; 32]),
    Machine([u8; 32]),
}

impl Binding {
    fn digest(&self) -> [u8; 32] {
        match self {
            Self::Holder(key) => Hash::hash(&[&b"holder"[..], key].concat()),
            Self::Machine(print) => Hash::hash(&[&b"machine"[..], print].concat()),
        }
    }
}

impl Activating {
    fn code(&self) -> String {
        self.code.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_ascii_uppercase()).collect()
    }

    fn binding(&self) -> Result<Binding, Problem> {
        match (&self.holder, &self.signature, &self.fingerprint) {
            (Some(text), Some(signature), None) => {
                let key = holder(text)?;
                let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok();
                let signature = signature.and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
                let public = PublicKey::from_bytes(&key).ok();
                let message = format!("{MESSAGE}{}", self.code());
                let is_good = public
                    .zip(signature)
                    .is_some_and(|(public, signature)| public.verify(&[message.as_bytes()], &signature));
                if is_good {
                    Ok(Binding::Holder(key))
                } else {
                    Err(Problem::value("signature", "it is not the holder's signature of this code"))
                }
            }
            (None, None, Some(print)) => hex(print)
                .map(Binding::Machine)
                .ok_or_else(|| Problem::value("fingerprint", "write 64 hexadecimal digits")),
            _ => Err(Problem::value("holder", "write `holder` and `signature`, or `fingerprint`")),
        }
    }
}

/// Turns a code into a licence. The same request again gives the same licence again.
#[utoipa::path(post, path = "/v1/activate", tag = "activation", request_body = Activating, security(()),
    responses((status = 200, body = Activated), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn activate(
    State(server): State<Server>,
    Json(wanted): Json<Activating>,
) -> Result<Reply<Activated>, Problem> {
    if !server.guesses().allow(false) {
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_codes",
            "Too many wrong codes were tried.",
            "Try again in a minute.",
        ));
    }
    let binding = wanted.binding()?;
    let code = Hash::hash(wanted.code().as_bytes());
    let (shared, now) = (server.clone(), Now::system().time);
    let done = server.clerk().write(move |ledger| used(ledger, &shared, &code, &binding, now)).await;
    if done.as_ref().is_err_and(|problem| problem.status() == StatusCode::NOT_FOUND) {
        server.guesses().allow(true);
    }
    Ok(Reply(Activated { token: done?.text() }))
}

/// Uses a code, once.
fn used(
    ledger: &mut Ledger,
    server: &Server,
    code: &[u8; 32],
    binding: &Binding,
    now: Timestamp,
) -> Result<Token, Problem> {
    let sql = "SELECT issuer, wanted, expires, binding, id FROM activation WHERE code = ?1";
    let found = ledger.database().first(sql, values![code], |row| {
        let texts = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
        Ok((texts, row.time(2)?, row.optional_bytes(3)?, row.optional_bytes(4)?))
    })?;
    let unknown = || Problem::unknown("no such code");
    let ((issuer, wanted), expires, bound, id) = found.ok_or_else(unknown)?;
    let keys = &server.keys(&issuer)?.issuer;
    let digest = binding.digest();
    if let Some(id) = id.and_then(|id| <[u8; 16]>::try_from(id).ok()) {
        if bound.as_deref() != Some(&digest[..]) {
            return Err(Problem::conflict("code_used", "The code was used, with another key or machine."));
        }
        let id = TokenId::from(id);
        if ledger.revocation(&id)?.is_some() {
            return Err(Problem::conflict("code_used", "The licence of this code is revoked."));
        }
        return Ok(ledger.terms(&id)?.sign(keys)?);
    }
    if expires <= now {
        return Err(Problem::new(
            StatusCode::GONE,
            "code_expired",
            "The code has expired.",
            "Ask for another one.",
        ));
    }
    let wanted: Wanted =
        serde_json::from_str(&wanted).map_err(|_| Problem::internal("a stored order cannot be read"))?;
    let mut draft = wanted.draft(&*server.catalogue(ledger, &issuer)?, now)?;
    match binding {
        Binding::Holder(key) => draft.holder = Some(Confirmation::thumbprint_of(key)),
        Binding::Machine(print) => draft.node_locks = vec![*print],
    }
    let mut order = Order::new(draft);
    order.reference = wanted.reference;
    let token = ledger.issue(keys, order)?.token;
    let (id, lineage) = {
        let claims = token.claims().map_err(|malformed| Problem::internal(malformed.code.name()))?;
        (claims.id(), claims.lineage())
    };
    let sql = "UPDATE activation SET used_at = ?2, binding = ?3, id = ?4 WHERE code = ?1";
    ledger.database().execute(sql, values![code, now, &digest, &id])?;
    let caller = Identity::of_customer(issuer, wanted.subject, lineage, id, now);
    audit::record(ledger, &caller, "activate", &id.to_string(), now)?;
    Ok(token)
}
