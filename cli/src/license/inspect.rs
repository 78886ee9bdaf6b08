//! `licentia inspect`

use clap::Args;
use licentia_core::{
    Algorithm, Buffer, Claims, Confirmation, FeatureValue, Malformed, Overage, Timestamp, Unverified,
    inner::{Frame, Typ},
    text::decode_license,
};
use serde_json::{Value, json};

use super::record::record;

use crate::terminal::{
    input::{self, Clock},
    output::{HEADING, NOTE, Output, Result, hex, printable, table},
    table::{width, wrap},
    words::{millis, period, policy, when},
};

/// Shows what a token says. This needs no key and proves nothing: anybody could
/// have written the token.
#[derive(Args)]
pub(crate) struct Inspect {
    /// The token, the name of its file (or `@FILE`), or `-` for standard input.
    #[arg(value_name = "TOKEN")]
    token: String,
    #[command(flatten)]
    clock: Clock,
}

impl Inspect {
    pub(crate) fn run(self, output: Output) -> Result {
        let text = input::token(&self.token)?;
        let mut buffer = Buffer::new();
        let bytes = decode_license(&text, &mut buffer).map_err(|code| format!("{code} {}", code.advice()))?;
        let malformed = |malformed: Malformed| {
            let code = malformed.code;
            format!("{code} (at byte {}) {}", malformed.offset, code.advice())
        };
        let token = Unverified::read(bytes).map_err(malformed)?;
        let frame = Frame::read(bytes, Typ::License).map_err(malformed)?;
        let claims: Value = serde_json::from_str(&token.json().to_string())?;
        let mut value = Value::from(record(&token));
        let rest = json!({
            "verified": false, "bytes": bytes.len(), "characters": text.len(),
            "frame": {
                "typ": Typ::License.media_type(), "alg": frame.algorithm, "kid": frame.kid.to_string(),
                "payload_bytes": frame.payload.of(bytes).len(), "signature_bytes": frame.signature.len(),
            },
            "claims": claims,
        });
        if let (Some(value), Value::Object(rest)) = (value.as_object_mut(), rest) {
            value.extend(rest);
        }
        output.show(&value, || {
            format!(
                "{NOTE}UNVERIFIED{NOTE:#}: anybody could have written this; use `licentia verify`\n{}\n\n{}",
                envelope(&frame, bytes, text.len()),
                show(&token, self.clock.now())
            )
        })
    }
}

/// The envelope, for people.
fn envelope(frame: &Frame<'_>, bytes: &[u8], characters: usize) -> String {
    let algorithm = match frame.algorithm {
        id if id == Algorithm::Ed25519.id() => "Ed25519".to_owned(),
        id => format!("unknown algorithm {id}"),
    };
    let (all, claims, signature) = (bytes.len(), frame.payload.of(bytes).len(), frame.signature.len());
    let said = format!(
        "COSE_Sign1, {algorithm}, kid {}; {all} bytes (claims {claims}, signature {signature}), {characters} characters",
        frame.kid
    );
    wrap(&said, width()).join("\n")
}

/// The claims, for people, at the time `now`.
pub(crate) fn show(claims: &Claims<'_>, now: Timestamp) -> String {
    let tier = claims.tier();
    let list =
        |items: Vec<String>, none: &str| if items.is_empty() { none.to_owned() } else { items.join(", ") };
    let mut rows = vec![
        (
            "tier",
            format!("{HEADING}{}{HEADING:#} version {}, {}", tier.name, tier.version, claims.kind().name()),
        ),
        ("subject", printable(claims.subject())),
        ("issuer", format!("{}, with key {}", printable(claims.issuer()), claims.kid())),
        ("audience", list(claims.audiences().map(printable).collect(), "all services of the issuer")),
        ("issued", when(claims.issued_at(), now)),
    ];
    let time = |name, time: Option<Timestamp>| time.map(|time| (name, when(time, now)));
    rows.extend(time("starts", claims.not_before()));
    rows.extend(time("term ends", claims.term_end()));
    rows.push(("expires", when(claims.expires(), now)));
    rows.extend(time("maintained", claims.maintained_until()));
    for feature in claims.features() {
        let value = match feature.value {
            FeatureValue::Int(number) => format!(" = {number}"),
            FeatureValue::Text(text) => format!(" = {text:?}"),
            _ => String::new(),
        };
        let until = feature.expires.map_or_else(String::new, |end| format!(", until {}", when(end, now)));
        rows.push(("feature", format!("{}{value}{until}", feature.name)));
    }
    for quota in claims.quotas() {
        let beyond = match quota.overage {
            Overage::UpTo(hard) => format!(", flagged beyond, at most {hard}"),
            Overage::Unlimited => ", flagged beyond".to_owned(),
            _ => String::new(),
        };
        rows.push((
            "quota",
            format!("{}: {} per {}{beyond}", quota.meter, quota.limit, period(quota.period)),
        ));
    }
    for rate in claims.rates() {
        let (name, count, burst) = (rate.name, rate.count, rate.burst);
        rows.push(("rate", format!("{name}: {count} per {}, at most {burst} at once", millis(rate.per_ms))));
    }
    rows.extend(claims.seats().map(|seats| ("seats", seats.to_string())));
    if let Some(confirmation) = claims.confirmation() {
        let (form, bytes) = match confirmation {
            Confirmation::Key(key) => ("key", key),
            Confirmation::Thumbprint(print) => ("thumbprint", print),
            _ => ("key", &[0; 32]),
        };
        rows.push(("bound to", format!("its holder's {form} {}", hex(bytes))));
    }
    rows.extend(claims.node_locks().map(|lock| ("bound to", format!("machine {}", hex(lock)))));
    rows.extend(policy(&claims.policy()).map(|rule| ("policy", rule)));
    rows.extend(claims.meta().map(|(name, value)| ("meta", format!("{name:?} = {value:?}"))));
    rows.push(("id", claims.id().to_string()));
    rows.push(("lineage", claims.lineage().to_string()));
    rows.extend(claims.index().map(|index| ("index", index.to_string())));
    table(rows)
}
