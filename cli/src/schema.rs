//! `licentia schema`
//!
//! What each command prints with `--json`. The same thing has the same name in every command.

#![allow(clippy::needless_pass_by_value, reason = "schemas are built from other schemas")]

use clap::Args;
use serde_json::{Map, Value, json};

use crate::terminal::output::{Output, Result};

/// Prints JSON Schemas (draft 2020-12) of what commands print with --json: of
/// one command, such as `licentia schema ledger list`, or of all.
///
/// Times are seconds since 1970, identifiers and keys hexadecimal digits. An
/// error is an object with `error`, on standard error.
#[derive(Args)]
pub(crate) struct Schema {
    /// The command. Without it, an object with the schema of each command is
    /// printed.
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

impl Schema {
    pub(crate) fn run(&self, output: Output) -> Result {
        let wanted = self.command.join(" ");
        let all = commands().into_iter().map(|(name, schema)| (name, document(name, schema)));
        let value = if wanted.is_empty() {
            all.map(|(name, schema)| (name.to_owned(), schema)).collect::<Map<_, _>>().into()
        } else {
            let known: Vec<&str> = commands().into_iter().map(|(name, _)| name).collect();
            let found = all.into_iter().find(|(name, _)| *name == wanted).map(|(_, schema)| schema);
            found.ok_or_else(|| {
                format!("no command {wanted:?} prints JSON; there are: {}", known.join(", "))
            })?
        };
        output.show(&value, || format!("{value:#}\n"))
    }
}

/// A schema that stands alone.
fn document(name: &str, schema: Value) -> Value {
    let mut document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": format!("licentia --json {name}"),
    });
    if let (Some(document), Value::Object(schema)) = (document.as_object_mut(), schema) {
        document.extend(schema);
    }
    document
}

/// An object with these members and no others. A name that ends in `?` may be left out.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let name = |name: &str| name.trim_end_matches('?').to_owned();
    let required: Vec<_> =
        members.iter().filter(|(name, _)| !name.ends_with('?')).map(|(of, _)| name(of)).collect();
    let properties: Map<_, _> = members.into_iter().map(|(of, schema)| (name(of), schema)).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// An object with the members of both.
fn with<const N: usize>(base: &Value, members: [(&str, Value); N]) -> Value {
    let mut all = base.clone();
    let more = object(members);
    for (key, of) in [("properties", false), ("required", true)] {
        let (Some(into), Some(from)) = (all.get_mut(key), more.get(key)) else { continue };
        match (into, from, of) {
            (Value::Object(into), Value::Object(from), false) => into.extend(from.clone()),
            (Value::Array(into), Value::Array(from), true) => into.extend(from.iter().cloned()),
            _ => {}
        }
    }
    all
}

fn array(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn any(schemas: Vec<Value>) -> Value {
    json!({ "anyOf": schemas })
}

fn optional(schema: Value) -> Value {
    any(vec![schema, json!({ "type": "null" })])
}

/// An object whose names are the vendor's.
fn map(values: Value) -> Value {
    json!({ "type": "object", "additionalProperties": values })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "integer" })
}

fn float() -> Value {
    json!({ "type": "number" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn one_of(names: &[&str]) -> Value {
    json!({ "enum": names })
}

/// Seconds since 1970.
fn time() -> Value {
    json!({ "type": "integer", "description": "seconds since 1970" })
}

fn hex(bytes: usize) -> Value {
    json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{}}}$", 2 * bytes) })
}

fn kid() -> Value {
    json!({ "type": "string", "pattern": "^([0-9a-f]{2}){1,32}$" })
}

fn tier() -> Value {
    object([("name", text()), ("version", number())])
}

fn kind() -> Value {
    one_of(&["paid", "trial", "developer", "internal"])
}

/// What every command says of a licence.
fn record() -> Value {
    object([
        ("id", hex(16)),
        ("lineage", hex(16)),
        ("issuer", text()),
        ("subject", text()),
        ("tier", tier()),
        ("kind", kind()),
        ("kid", kid()),
        ("issued_at", time()),
        ("not_before", optional(time())),
        ("term_end", optional(time())),
        ("expires", time()),
        ("index", optional(number())),
    ])
}

fn action() -> Value {
    any(vec![one_of(&["deny", "allow"]), object([("warn", number())])])
}

fn policy() -> Value {
    object([
        ("stale_revocation", action()),
        ("clock_doubt", action()),
        ("store_unreachable", action()),
        ("max_revocation_age", optional(number())),
    ])
}

fn features() -> Value {
    let value = any(vec![json!({ "const": true }), number(), text()]);
    map(object([("value", value), ("expires", optional(time()))]))
}

fn period() -> Value {
    any(vec![
        text(),
        object([("seconds", number()), ("anchor", time())]),
        object([("month_from", time())]),
        object([("year_from", time())]),
    ])
}

fn quotas() -> Value {
    let overage = any(vec![one_of(&["deny", "unlimited"]), object([("up_to", number())])]);
    map(object([("limit", number()), ("period", period()), ("overage", overage), ("anchor?", text())]))
}

fn rates() -> Value {
    map(object([("count", number()), ("per_ms", number()), ("burst", number())]))
}

/// A licence as every language shows it, by the names of the token's format.
fn claims() -> Value {
    object([
        ("kid", kid()),
        ("iss", text()),
        ("sub", text()),
        ("aud", array(text())),
        ("exp", time()),
        ("nbf", optional(time())),
        ("iat", time()),
        ("cti", hex(16)),
        ("cnf", optional(any(vec![object([("key", hex(32))]), object([("thumbprint", hex(32))])]))),
        ("tier", tier()),
        ("features", features()),
        ("quotas", quotas()),
        ("rates", rates()),
        ("term_end", optional(time())),
        ("seats", optional(number())),
        ("policy", policy()),
        ("node_locks", array(hex(32))),
        ("maintained_until", optional(time())),
        ("kind", kind()),
        ("meta", map(text())),
        ("lineage", hex(16)),
        ("index", optional(number())),
        ("stream", number()),
    ])
}

/// One licence that was just signed.
fn issued() -> Value {
    with(&record(), [("token?", text()), ("out?", text()), ("claims", claims()), ("warning?", text())])
}

/// Many licences that were just signed.
fn issued_many() -> Vec<Value> {
    let row = object([
        ("reference", optional(text())),
        ("subject", text()),
        ("id", hex(16)),
        ("lineage", hex(16)),
        ("expires", time()),
        ("token", text()),
    ]);
    vec![array(row), object([("out", text()), ("issued", number()), ("repeated", number())])]
}

fn decision() -> Value {
    let charge = object([
        ("name", text()),
        ("unit", text()),
        ("cost", number()),
        ("limit", number()),
        ("remaining", number()),
        ("reset_ms", optional(number())),
    ]);
    let step = json!({
        "type": "object", "required": ["check", "code", "result"],
        "properties": { "check": text(), "code": number(), "result": text(), "tolerated": { "const": true } },
    });
    object([
        ("allowed", flag()),
        ("code", number()),
        ("name", text()),
        ("state", optional(one_of(&["active", "grace", "overage", "advisory"]))),
        ("warning", optional(text())),
        ("license", optional(claims())),
        ("charges", array(charge)),
        ("retry_after_ms", optional(number())),
        ("explanation", array(step)),
    ])
}

fn key() -> Value {
    object([("kid", kid()), ("key", text()), ("fingerprint", hex(32)), ("public", optional(text()))])
}

/// A keyset, or the draft of one.
fn keyset() -> Value {
    let key = object([
        ("kid", kid()),
        ("key", text()),
        ("fingerprint", hex(32)),
        ("label", optional(text())),
        ("state", one_of(&["active", "retired", "revoked"])),
        ("purpose", one_of(&["license", "revocation"])),
        ("not_before", time()),
        ("not_after", optional(time())),
        ("scope", optional(json!({ "type": "object" }))),
    ]);
    object([
        ("schema", optional(number())),
        ("sequence", number()),
        ("issued_at", optional(time())),
        ("expires", optional(time())),
        ("keys", array(key)),
        ("draft?", text()),
        ("changes?", array(object([("kid", kid()), ("change", text())]))),
    ])
}

/// The terms of a revocation.
fn terms() -> Value {
    object([
        ("reason", text()),
        ("effective", time()),
        ("effect", one_of(&["deny", "warn", "grace"])),
        ("until", optional(time())),
    ])
}

fn rule() -> Value {
    let range = || optional(array(number()));
    let tier = object([("name", text()), ("version", optional(number()))]);
    with(
        &terms(),
        [
            ("rule", number()),
            ("issuer", text()),
            ("kid", optional(kid())),
            ("subject", optional(text())),
            ("lineage", optional(hex(16))),
            ("tier", optional(tier)),
            ("issued_at", range()),
            ("index", range()),
            ("exempt", array(hex(16))),
            ("spare_issued", flag()),
            ("hits", number()),
        ],
    )
}

/// A licence of the ledger, and what became of it.
fn listed() -> Value {
    let state = one_of(&["pending", "active", "grace", "expired", "revoked"]);
    with(&record(), [("digest", hex(32)), ("state", state), ("revocation", optional(terms()))])
}

fn bundle() -> Value {
    let group = with(&terms(), [("indices", number()), ("hashes", number())]);
    object([
        ("issuer", text()),
        ("stream", number()),
        ("sequence", number()),
        ("base", optional(number())),
        ("issued_at", time()),
        ("next_update", time()),
        ("expires", time()),
        ("bytes", number()),
        ("indices", number()),
        ("exact_bytes", number()),
        ("bloom_bytes", number()),
        ("hashes", number()),
        ("rules", number()),
        ("groups", array(group)),
    ])
}

/// What an audit of receipts found.
fn audit() -> Value {
    let instance = object([
        ("instance", hex(32)),
        ("receipts", number()),
        ("sequence", number()),
        ("digest", hex(32)),
        ("issued_at", time()),
    ]);
    let finding = object([
        ("code", number()),
        ("name", text()),
        ("instance", optional(hex(32))),
        ("first", optional(number())),
        ("last", optional(number())),
        ("detail", optional(text())),
        ("alarm", flag()),
    ]);
    object([("good", flag()), ("instances", array(instance)), ("findings", array(finding))])
}

/// The commands, and what each prints.
#[allow(clippy::too_many_lines, reason = "one list of all commands")]
fn commands() -> Vec<(&'static str, Value)> {
    let span = || optional(text());
    let sold = object([
        ("name", text()),
        ("version", number()),
        ("sold", flag()),
        ("retired", flag()),
        ("term", span()),
        ("grace", span()),
        ("maintenance", span()),
        ("kind", kind()),
        ("seats", optional(number())),
        ("features", features()),
        ("quotas", quotas()),
        ("rates", rates()),
        ("policy", policy()),
    ]);
    let customer = object([
        ("subject", text()),
        ("tier", text()),
        ("lineage", text()),
        ("header", text()),
        ("request", text()),
    ]);
    let route = object([
        ("method", optional(text())),
        ("path", text()),
        ("line", optional(number())),
        ("access", one_of(&["licence", "open"])),
        ("features", array(text())),
        ("meters", map(number())),
        ("rates", map(number())),
        ("audience", optional(text())),
        ("token", array(text())),
        ("uncharged", array(text())),
    ]);
    let published =
        object([("issuer", text()), ("sequence", number()), ("issued", number()), ("revoked", number())]);
    let finding = object([
        ("alarm", flag()),
        ("tier", optional(text())),
        ("kind", one_of(&["feature", "meter", "rate"])),
        ("name", text()),
    ]);
    let frame = object([
        ("typ", text()),
        ("alg", number()),
        ("kid", kid()),
        ("payload_bytes", number()),
        ("signature_bytes", number()),
    ]);
    let inspected = with(
        &record(),
        [
            ("verified", json!({ "const": false })),
            ("bytes", number()),
            ("characters", number()),
            ("frame", frame),
            ("claims", claims()),
        ],
    );
    let dry_run = object([
        ("dry_run", json!({ "const": true })),
        ("hits", number()),
        ("issued", number()),
        ("ids?", array(hex(16))),
    ]);
    let applied = object([
        ("applied", number()),
        ("sequence", number()),
        ("indices", number()),
        ("hashes", number()),
        ("rules", number()),
        ("root", hex(32)),
    ]);
    let sizes = object([
        ("bytes", number()),
        ("issued", number()),
        ("indices", number()),
        ("exact_bytes", number()),
        ("bits_each", optional(float())),
        ("entropy_bits_each", optional(float())),
        ("times_entropy", optional(float())),
        ("groups", number()),
        ("hashes_bytes", number()),
        ("rules_bytes", number()),
        ("bloom_bytes", number()),
    ]);
    let code = object([
        ("code", number()),
        ("name", text()),
        ("message", text()),
        ("advice", text()),
        ("http_status", number()),
    ]);
    let usage = object([
        ("issuer", text()),
        ("lineage", hex(16)),
        ("meter", text()),
        ("start", time()),
        ("end", optional(time())),
        ("count", number()),
        ("refunded", number()),
        ("used", number()),
        ("by_instance", map(number())),
    ]);
    // A column for each word of --by.
    let line = object([
        ("issuer?", text()),
        ("customer?", text()),
        ("tier?", text()),
        ("lineage?", hex(16)),
        ("meter?", text()),
        ("period?", text()),
        ("used", number()),
    ]);
    let stats = object([
        ("issued", number()),
        ("subjects", number()),
        ("lineages", number()),
        ("rules", number()),
        ("sequence", number()),
        ("stream", number()),
        ("tiers", array(object([("issuer", text()), ("tier", tier()), ("states", map(number()))]))),
    ]);
    let shown = with(
        &listed(),
        [
            ("reference", optional(text())),
            ("claims", optional(claims())),
            ("history", array(listed())),
            ("rules", array(number())),
            (
                "usage",
                array(object([
                    ("meter", text()),
                    ("start", time()),
                    ("end", optional(time())),
                    ("count", number()),
                ])),
            ),
        ],
    );
    let keygen = with(&key(), [("secret", text()), ("encrypted", flag())]);
    let many = || any([vec![issued()], issued_many()].concat());
    let reissued = [issued_many(), vec![object([("licenses", number()), ("good", number())])]].concat();
    vec![
        ("keygen", keygen),
        ("key public", key()),
        ("key passphrase", object([("kid", kid()), ("secret", text()), ("encrypted", flag())])),
        ("issue", many()),
        ("renew", issued()),
        ("upgrade", issued()),
        ("reissue", any(reissued)),
        ("inspect", inspected),
        ("verify", decision()),
        ("prove", object([("proof", text())])),
        ("catalogue check", object([("versions", number()), ("findings", array(finding))])),
        ("catalogue show", object([("tiers", array(sold))])),
        ("keyset new", keyset()),
        ("keyset add", keyset()),
        ("keyset retire", keyset()),
        ("keyset revoke", keyset()),
        ("keyset remove", keyset()),
        ("keyset label", keyset()),
        ("keyset sign", keyset()),
        ("keyset show", keyset()),
        ("ledger init", object([("ledger", text()), ("stream", number())])),
        ("ledger list", array(listed())),
        ("ledger find", array(listed())),
        ("ledger show", array(shown)),
        ("ledger rules", array(rule())),
        ("ledger stats", stats),
        ("ledger resend", issued()),
        ("ledger learn", object([("learnt", flag())])),
        ("ledger backup", object([("out", text()), ("licenses", number())])),
        ("ledger restore", object([("ledger", text()), ("licenses", number()), ("sequence", number())])),
        (
            "revoke",
            any(vec![
                object([("revoked", array(hex(16)))]),
                object([("rule", number()), ("hits", number())]),
                dry_run,
            ]),
        ),
        ("reinstate", any(vec![object([("reinstated", array(hex(16)))]), object([("rule", number())])])),
        ("bundle build", bundle()),
        ("bundle delta", bundle()),
        ("bundle apply", applied),
        ("bundle verify", bundle()),
        ("bundle inspect", bundle()),
        ("bundle stats", sizes),
        ("receipts verify", audit()),
        ("receipts sum", with(&audit(), [("usage", array(usage)), ("lines?", array(line))])),
        ("receipts acknowledge", object([("instance", hex(32)), ("acknowledged", number())])),
        ("codes", array(code)),
        (
            "demo",
            object([
                ("steps", array(json!({ "type": "object" }))),
                ("outcomes", number()),
                ("wrong", array(text())),
                ("now", time()),
            ]),
        ),
        (
            "dev",
            object([
                ("page", text()),
                ("api", text()),
                ("metrics", text()),
                ("folder", text()),
                ("customers", array(customer)),
            ]),
        ),
        ("gateway check", object([("good", flag()), ("routes", number())])),
        ("gateway routes", array(route)),
        (
            "server audit",
            object([
                ("good", flag()),
                ("bundles", array(published)),
                ("lines", number()),
                ("problems", array(text())),
            ]),
        ),
        (
            "server init",
            object([
                ("config", text()),
                ("admin", text()),
                ("root", text()),
                ("root_public", text()),
                ("gateway", text()),
                ("page", text()),
            ]),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;

    /// Commands that serve, or whose output is for other programs than those that read JSON.
    const OTHERS: &[&str] = &["completions", "man", "schema", "server openapi", "receipts export"];

    fn leaves(command: &Command, path: &str, found: &mut Vec<String>) {
        for below in command.get_subcommands() {
            let name = format!("{path} {}", below.get_name()).trim().to_owned();
            if below.has_subcommands() {
                leaves(below, &name, found);
            } else {
                found.push(name);
            }
        }
    }

    #[test]
    fn every_command_that_prints_json_has_a_schema() {
        let mut found = Vec::new();
        leaves(&crate::Cli::command(), "", &mut found);
        found.retain(|name| !OTHERS.contains(&name.as_str()));
        found.sort();
        let mut known: Vec<String> = commands().into_iter().map(|(name, _)| name.to_owned()).collect();
        known.sort();
        assert_eq!(known, found);
    }
}
