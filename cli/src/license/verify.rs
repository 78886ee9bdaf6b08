//! `licentia verify`

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use licentia::{Gate, GateBuilder, Mode, Now, Proof, Request, Timestamp};
use serde_json::Value;

use super::{inspect, prove};
use crate::terminal::{
    input::{self, Clock, hex},
    output::{BAD, GOOD, NOTE, Output, Result},
};

/// Verifies a token offline and explains the decision.
///
/// Exit codes: 0 allowed, 1 denied, 2 a wrong call or a broken environment.
#[derive(Args)]
pub(crate) struct Verify {
    /// The token, `-` for standard input, or `@FILE` for a file.
    #[arg(value_name = "TOKEN")]
    token: String,
    /// A trusted public key: its text or a file. May be repeated. The default is
    /// the environment variable `LICENTIA_KEYS`, a list of files separated as in
    /// `PATH`.
    #[arg(long, value_name = "KEY", conflicts_with = "keyset")]
    key: Vec<String>,
    /// A keyset whose keys are trusted. Requires --root.
    #[arg(long, value_name = "FILE", requires = "root")]
    keyset: Option<PathBuf>,
    /// The public root key that verifies the keyset.
    #[arg(long, value_name = "KEY", requires = "keyset")]
    root: Option<String>,
    /// The issuer that the licence must name.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// The name of this service.
    #[arg(long, value_name = "NAME")]
    audience: Option<String>,
    /// A feature that the licence must grant. May be repeated.
    #[arg(long, value_name = "NAME")]
    feature: Vec<String>,
    /// SHA-256 of this machine's fingerprint.
    #[arg(long, value_name = "HEX", value_parser = hex::<32>)]
    node: Option<[u8; 32]>,
    /// The date of the release that is used.
    #[arg(long, value_name = "TIME", value_parser = licentia_issuer::time::parse)]
    release: Option<Timestamp>,
    /// A proof of possession, as `licentia prove` prints it, for --method and --uri.
    #[arg(long, value_name = "TEXT", requires = "uri")]
    proof: Option<String>,
    /// The method of the request with the proof.
    #[arg(long, value_name = "NAME", default_value = "GET")]
    method: String,
    /// The URI of the request with the proof.
    #[arg(long, value_name = "URI")]
    uri: Option<String>,
    /// File with the body of the request with the proof.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// How far the issuer's clock may be ahead, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    skew: u64,
    /// Print nothing; only set the exit code.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    clock: Clock,
}

impl Verify {
    pub(crate) fn run(self, output: Output) -> Result {
        let gate = self.gate()?;
        let token = input::token(&self.token)?;
        let features: Vec<&str> = self.feature.iter().map(String::as_str).collect();
        let proof = self.proof.as_deref().map(prove::decode).transpose()?;
        let body = match &self.body {
            Some(path) => Some(hmac_sha256::Hash::hash(&input::bytes(path)?)),
            None => None,
        };
        let mut request = Request::new().features(&features);
        if let Some(node) = &self.node {
            request = request.node(node);
        }
        if let Some(release) = self.release {
            request = request.release(release);
        }
        if let (Some(bytes), Some(uri)) = (&proof, &self.uri) {
            request = request.proof(Proof { bytes, method: &self.method, uri, body: body.as_ref() });
        }
        let decision = gate.check(&token, &request, Now::from(self.clock.now()));
        let exit = if decision.is_allowed() { ExitCode::SUCCESS } else { ExitCode::from(1) };
        if self.quiet {
            return Ok(exit);
        }
        let value: Value = serde_json::from_str(&decision.json().to_string())?;
        output.show(&value, || {
            let (code, state) = (decision.code(), decision.state().name());
            let verdict = if decision.is_allowed() {
                format!("{GOOD}ALLOWED{GOOD:#} ({state})")
            } else {
                format!(
                    "{BAD}DENIED{BAD:#} {} ({}): {} {}",
                    code.name(),
                    code.number(),
                    code.message(),
                    code.advice()
                )
            };
            let warning = decision
                .warning()
                .map_or_else(String::new, |code| format!("\n{NOTE}warning{NOTE:#}: {code}"));
            let license = decision.license().filter(|_| decision.is_allowed());
            let license = license.map_or_else(String::new, |license| {
                format!("\n{}", inspect::show(&license, self.clock.now()))
            });
            format!("{verdict}{warning}\n\n{}\n{license}", decision.explanation())
        })?;
        Ok(exit)
    }

    fn gate(&self) -> Result<Gate> {
        let mut builder = GateBuilder::new().mode(Mode::Enforce).skew(self.skew).cache_capacity(0);
        if self.keyset.is_none() {
            let keys = if self.key.is_empty() { input::default_keys() } else { self.key.clone() };
            if keys.is_empty() {
                return Err(
                    "there is no key to verify with; use --key, LICENTIA_KEYS, or --keyset with --root"
                        .into(),
                );
            }
            for key in &keys {
                builder = builder.key(input::public_key(key)?);
            }
        }
        if let (Some(keyset), Some(root)) = (&self.keyset, &self.root) {
            builder = builder.keyset(input::public_key(root)?, input::bytes(keyset)?);
        }
        if let Some(issuer) = &self.issuer {
            builder = builder.issuer(issuer);
        }
        if let Some(audience) = &self.audience {
            builder = builder.audience(audience);
        }
        builder.build().map_err(|error| format!("keys: {error} {}", error.code().advice()).into())
    }
}
