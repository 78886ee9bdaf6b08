//! `licentia verify`

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use licentia::{Code, Decision, Gate, GateBuilder, Key, Mode, Now, Proof, Request, Timestamp};
use licentia_core::{Buffer, Check, Claims, Step, Unverified, text::decode_license};
use serde_json::Value;

use super::{explain, inspect, prove};
use crate::{
    key::view::View,
    terminal::{
        input::{self, Clock, hex},
        output::{BAD, GOOD, NOTE, Output, Refused, Result, printable, table},
        table::{width, wrap},
    },
};

/// Verifies a token offline and explains the decision.
///
/// Exit codes: 0 allowed, 1 denied, or a keyset or bundle is not trusted, 2 a
/// wrong call or a broken environment.
#[derive(Args)]
pub(crate) struct Verify {
    /// The token, the name of its file (or `@FILE`), or `-` for standard input.
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
    /// A revocation bundle, or a delta on the ones before. May be repeated. The
    /// keyset says who may sign it, or else --revocation-key.
    #[arg(long, value_name = "BUNDLE")]
    revocations: Vec<PathBuf>,
    /// The public key that signs revocation bundles.
    #[arg(long, value_name = "KEY", requires = "revocations", conflicts_with = "keyset")]
    revocation_key: Option<String>,
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
        let trust = self.trust()?;
        let gate = self.gate(&trust)?;
        let text = input::token(&self.token)?;
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
        let decision = gate.check(&text, &request, Now::from(self.clock.now()));
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
                let verdict =
                    format!("{BAD}DENIED{BAD:#} {} ({}): {}", code.name(), code.number(), code.message());
                wrap(&verdict, width()).join("\n")
            };
            let warning = decision
                .warning()
                .map_or_else(String::new, |code| format!("\n{NOTE}warning{NOTE:#}: {code}"));
            let now = self.clock.now();
            let mut buffer = Buffer::new();
            let claims = signed(&decision, &text, &mut buffer);
            let bound = |name: &str| trust.keyset.as_ref()?.2.bound(claims.as_ref()?, name);
            let explained = explain::show(decision.explanation(), now, width(), bound);
            let about = match claims.as_ref() {
                Some(claims) if decision.is_allowed() => format!("\n{}", inspect::show(claims, now)),
                Some(claims) => format!("\n{}", whose(claims)),
                // What was meant as the name of a file may be one without a dot.
                None if !text.starts_with("lic1_") && !text.is_empty() && text == self.token => {
                    "\nThere is no file of this name either.\n".to_owned()
                }
                None => String::new(),
            };
            format!("{verdict}{warning}\n\n{explained}{about}")
        })?;
        Ok(exit)
    }

    /// Reads the keys that are trusted.
    fn trust(&self) -> Result<Trust> {
        if let (Some(keyset), Some(root)) = (&self.keyset, &self.root) {
            let (bytes, root) = (input::bytes(keyset)?, input::public_key(root)?);
            let view =
                View::signed(bytes.clone(), &root).map_err(|code| untrusted(keyset, "keyset", code))?;
            return Ok(Trust { keys: Vec::new(), keyset: Some((root, bytes, view)) });
        }
        let named = if self.key.is_empty() { input::default_keys() } else { self.key.clone() };
        if named.is_empty() {
            return Err(
                "there is no key to verify with; use --key, LICENTIA_KEYS, or --keyset with --root".into()
            );
        }
        let mut keys = named.iter().map(|key| input::public_key(key)).collect::<Result<Vec<_>>>()?;
        match &self.revocation_key {
            Some(key) => keys.push(input::public_key(key)?.for_revocation()),
            None if self.revocations.is_empty() => {}
            None => {
                return Err("say who signs the revocations: --revocation-key, or --keyset with --root".into());
            }
        }
        Ok(Trust { keys, keyset: None })
    }

    fn gate(&self, trust: &Trust) -> Result<Gate> {
        let mut builder = GateBuilder::new().mode(Mode::Enforce).skew(self.skew).cache_capacity(0);
        builder = match &trust.keyset {
            Some((root, bytes, _)) => builder.keyset(root.clone(), bytes.clone()),
            None => trust.keys.iter().fold(builder, |builder, key| builder.key(key.clone())),
        };
        if let Some(issuer) = &self.issuer {
            builder = builder.issuer(issuer);
        }
        if let Some(audience) = &self.audience {
            builder = builder.audience(audience);
        }
        if !self.revocations.is_empty() {
            // A bundle of another issuer says nothing about this licence.
            builder = builder.require_revocation();
        }
        let gate = builder.build().map_err(|error| format!("keys: {error} {}", error.code().advice()))?;
        for path in &self.revocations {
            let bytes = input::bytes(path)?;
            gate.load_revocation(&bytes)
                .map_err(|error| untrusted(path, "bundle of revocations", error.code()))?;
        }
        Ok(gate)
    }
}

/// Who is trusted.
struct Trust {
    keys: Vec<Key>,
    /// The root key, and the keyset that it signed.
    keyset: Option<(Key, Vec<u8>, View)>,
}

/// A file that is not what its signer would have to vouch for. The words of most codes are about licences.
fn untrusted(path: &Path, what: &str, code: Code) -> Box<dyn Error> {
    let why = match code {
        Code::MalformedFrame | Code::WrongTyp => {
            format!("{}: this is no {what}; name the file of one", code.name())
        }
        Code::UnknownKey => {
            let name = code.name();
            format!("{name}: it is not signed with a key that is given here; check the key, and the file")
        }
        code => format!("{code} {}", code.advice()),
    };
    Box::new(Refused(format!("{}: {why}", path.display())))
}

/// The claims, if they are the signer's: also of a licence that its key may not sign.
fn signed<'b>(decision: &Decision<'_>, text: &str, buffer: &'b mut Buffer) -> Option<Unverified<'b>> {
    let read = |step: &Step<'_>| step.check == Check::Claims && step.code.is_allowed();
    decision.explanation().steps().iter().any(read).then_some(())?;
    Unverified::read(decode_license(text, buffer).ok()?).ok()
}

/// Whose licence was denied.
fn whose(license: &Claims<'_>) -> String {
    let tier = license.tier();
    let meta =
        license.meta().map(|(name, value)| ("meta", format!("{} = {}", printable(name), printable(value))));
    let rows = [
        ("customer", printable(license.subject())),
        ("tier", format!("{}@{} of {}", tier.name, tier.version, printable(license.issuer()))),
        ("id", license.id().to_string()),
    ];
    table(rows.into_iter().chain(meta))
}
