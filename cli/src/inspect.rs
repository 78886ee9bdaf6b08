//! `licentia inspect`

use clap::Args;
use licentia_core::{
    Claims, Confirmation, Overage, Unverified, Value as FeatureValue,
    text::{Buffer, decode_license},
};
use licentia_issuer::moment;
use serde_json::{Value, json};

use crate::{
    input,
    output::{HEADING, NOTE, Output, Result, hex, printable, table},
};

/// Shows what a token says. It needs no key, so it proves nothing: anybody could have written the token.
#[derive(Args)]
pub(crate) struct Inspect {
    /// The token; `-` for standard input, `@FILE` for a file.
    #[arg(value_name = "TOKEN")]
    token: String,
}

impl Inspect {
    pub(crate) fn run(self, output: Output) -> Result {
        let text = input::token(&self.token)?;
        let mut buffer = Buffer::new();
        let bytes = decode_license(&text, &mut buffer).map_err(|code| format!("{code} {}", code.advice()))?;
        let token = Unverified::read(bytes).map_err(|malformed| {
            let code = malformed.code;
            format!("{code} (at byte {}) {}", malformed.offset, code.advice())
        })?;
        let claims: Value = serde_json::from_str(&token.json().to_string())?;
        let value =
            json!({ "verified": false, "bytes": bytes.len(), "characters": text.len(), "claims": claims });
        output.show(&value, || {
            let size = format!("{} bytes, {} characters", bytes.len(), text.len());
            format!(
                "{NOTE}UNVERIFIED{NOTE:#}: nobody vouches for this; use `licentia verify`  ({size})\n\n{}",
                show(&token)
            )
        })
    }
}

/// Claims for people.
pub(crate) fn show(claims: &Claims<'_>) -> String {
    let tier = claims.tier();
    let list =
        |items: Vec<String>, none: &str| if items.is_empty() { none.to_owned() } else { items.join(", ") };
    let mut rows = vec![
        (
            "tier",
            format!("{HEADING}{}{HEADING:#} version {}, {}", tier.name, tier.version, claims.kind().name()),
        ),
        ("subject", printable(claims.subject())),
        ("issuer", format!("{} (kid {})", printable(claims.issuer()), claims.kid())),
        ("audience", list(claims.audiences().map(printable).collect(), "every service of the issuer")),
        ("issued", moment::show(claims.issued_at())),
    ];
    let time = |name, time: Option<u64>| time.map(|time| (name, moment::show(time)));
    rows.extend(time("starts", claims.not_before()));
    rows.extend(time("term ends", claims.term_end()));
    rows.push(("expires", moment::show(claims.expires())));
    rows.extend(time("maintained", claims.maintained_until()));
    for feature in claims.features() {
        let value = match feature.value {
            FeatureValue::Int(number) => format!(" = {number}"),
            FeatureValue::Text(text) => format!(" = {text:?}"),
            _ => String::new(),
        };
        let until = feature.expires.map_or_else(String::new, |end| format!(", until {}", moment::show(end)));
        rows.push(("feature", format!("{}{value}{until}", feature.name)));
    }
    for quota in claims.quotas() {
        let period = quota.period.to_string();
        let beyond = match quota.overage {
            Overage::UpTo(hard) => format!(", flagged beyond, at most {hard}"),
            Overage::Unlimited => ", flagged beyond".to_owned(),
            _ => String::new(),
        };
        rows.push((
            "quota",
            format!("{}: {} per {}{beyond}", quota.meter, quota.limit, period.trim_matches('"')),
        ));
    }
    for rate in claims.rates() {
        let (name, count, per_ms, burst) = (rate.name, rate.count, rate.per_ms, rate.burst);
        rows.push(("rate", format!("{name}: {count} per {per_ms} ms, at most {burst} at once")));
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
    rows.extend(claims.meta().map(|(name, value)| ("meta", format!("{name:?} = {value:?}"))));
    rows.push(("id", hex(&claims.id())));
    rows.push(("lineage", hex(&claims.lineage())));
    rows.extend(claims.index().map(|index| ("index", index.to_string())));
    table(rows)
}
