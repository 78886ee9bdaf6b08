//! `licentia prove`

use std::path::PathBuf;

use clap::Args;
use licentia_core::{
    Buffer, Unverified,
    proof::UnsignedProof,
    text::{self, decode_license},
};
use serde_json::json;

use crate::terminal::{
    input::{self, Clock, Passphrase},
    output::{Output, Result},
};

/// Signs a proof that a request comes from the holder of the licence's key, for
/// the header field `Licentia-Proof`.
#[derive(Args)]
pub(crate) struct Prove {
    /// The licence, the name of its file (or `@FILE`), or `-` for standard
    /// input.
    #[arg(value_name = "TOKEN")]
    token: String,
    /// The holder's private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The request's method.
    #[arg(long, value_name = "NAME", default_value = "GET")]
    method: String,
    /// The request's URI, as the service sees it.
    #[arg(long, value_name = "URI")]
    uri: String,
    /// File with the request's body, if the service requires it signed.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The nonce that the service has handed out in the header field
    /// `Licentia-Proof-Nonce`. The proof is then good whatever this machine's
    /// clock shows.
    #[arg(long, value_name = "NONCE", value_parser = service_nonce)]
    nonce: Option<Nonce>,
    #[command(flatten)]
    passphrase: Passphrase,
    #[command(flatten)]
    clock: Clock,
}

/// The bytes of a service's nonce.
#[derive(Clone)]
struct Nonce(Vec<u8>);

fn service_nonce(text: &str) -> std::result::Result<Nonce, String> {
    let mut buffer = Buffer::new();
    let bytes =
        text::decode_base64url(text, &mut buffer).map_err(|_| "write it as the service has sent it")?;
    Ok(Nonce(bytes.to_vec()))
}

impl Prove {
    pub(crate) fn run(self, output: Output) -> Result {
        let key = self.passphrase.load(&self.key)?;
        let mut buffer = Buffer::new();
        let token = input::token(&self.token)?;
        let token =
            decode_license(&token, &mut buffer).map_err(|code| format!("{code} {}", code.advice()))?;
        let id = Unverified::read(token).map_err(|malformed| malformed.code)?.id();
        let body = match &self.body {
            Some(path) => Some(hmac_sha256::Hash::hash(&input::bytes(path)?)),
            None => None,
        };
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|_| "the operating system's random generator failed")?;
        let public = key.public();
        let proof = UnsignedProof {
            issued_at: self.clock.now(),
            id,
            nonce: nonce.into(),
            key: public.public().as_bytes(),
            method: &self.method,
            uri: &self.uri,
            body: body.as_ref(),
            service_nonce: self.nonce.as_ref().map(|Nonce(bytes)| &bytes[..]),
        };
        let mut buffer = Buffer::new();
        let proof = proof.seal(&mut buffer, |parts| key.sign(&parts.concat()))?;
        let proof = text::Base64Url(proof).to_string();
        output.show(&json!({ "proof": proof }), || format!("{proof}\n"))
    }
}

/// Decodes a proof as it was printed.
pub(crate) fn decode(proof: &str) -> Result<Vec<u8>> {
    let mut buffer = Buffer::new();
    let bytes = text::decode_base64url(proof, &mut buffer);
    Ok(bytes.map_err(|_| "--proof is not unpadded base64url")?.to_vec())
}
