//! `/v1/usage`, and `/v1/me/usage` for customers.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use data_encoding::HEXLOWER;
use http::{HeaderValue, header};
use licentia::receipt::Report;
use licentia_core::{Code, Lineage, Timestamp};
use licentia_issuer::{IssuedLicense, Ledger, time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    flow,
    instances::names,
    lines::{Owners, UsageBy, usage_csv, usage_lines},
};
use crate::{
    access::{Anyone, Caller, Read},
    http::{Problem, ProblemBody, Query, hex},
    server::Server,
};

pub(crate) fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(usage))
        .routes(routes!(csv))
        .routes(routes!(mine))
        .routes(routes!(flow::flow))
}

/// Which usage, and what a line is about.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// What a line is about, separated by commas: `issuer`, `customer`, `tier`, `lineage`, `meter`, `period`.
    #[param(example = "customer,meter,period")]
    by: Option<String>,
    /// Periods that begin at this time or later: `2027-01-31`, `2027-01-31T08:00:00Z`, or seconds since 1970.
    from: Option<String>,
    /// Periods that begin before this time. A date is included.
    to: Option<String>,
    /// Only of this customer.
    subject: Option<String>,
    /// Only of this lineage.
    #[param(pattern = "^[0-9a-f]{32}$")]
    lineage: Option<String>,
}

impl Wanted {
    fn by(&self) -> Result<Vec<UsageBy>, Problem> {
        let names = self.by.as_deref().unwrap_or("lineage,meter,period");
        let mut by = Vec::new();
        for name in names.split(',') {
            let one = UsageBy::from_name(name).filter(|one| !by.contains(one)).ok_or_else(|| {
                Problem::value(
                    "by",
                    "write each of issuer, customer, tier, lineage, meter, period at most once",
                )
            })?;
            by.push(one);
        }
        Ok(by)
    }

    /// What of a report is wanted.
    fn narrow(&self, ledger: &Ledger, issuer: &str, report: &Report) -> Result<Report, Problem> {
        let from = self.from.as_deref().map(time::parse_start).transpose()?;
        let to = self.to.as_deref().map(time::parse_end).transpose()?;
        let lineage: Option<Lineage> = match &self.lineage {
            Some(text) => Some(
                hex::<16>(text)
                    .ok_or_else(|| Problem::value("lineage", "write 32 hexadecimal digits"))?
                    .into(),
            ),
            None => None,
        };
        let of_subject = match &self.subject {
            Some(subject) => {
                let all = ledger.of_subject(subject)?;
                let own = all.into_iter().filter(|license| license.issuer == issuer);
                Some(own.map(|license| license.lineage).collect::<std::collections::BTreeSet<_>>())
            }
            None => None,
        };
        let mut narrowed = report.clone();
        narrowed.usage.retain(|cell, _| {
            let start = cell.window.start;
            from.is_none_or(|from| start >= from)
                && to.is_none_or(|to| start < to)
                && lineage.is_none_or(|lineage| cell.lineage == lineage)
                && of_subject.as_ref().is_none_or(|own| own.contains(&cell.lineage))
        });
        Ok(narrowed)
    }
}

/// What was used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Usage {
    /// What a line is about.
    by: Vec<&'static str>,
    /// Lines: a member for each of `by`, and `used`.
    #[schema(value_type = Vec<Object>)]
    lines: Vec<Value>,
    /// Whether nothing was found that somebody must look into.
    good: bool,
    /// What is wrong with receipts: gaps, forks, and what fell.
    findings: Vec<FindingView>,
    /// The gateways that report.
    instances: Vec<InstanceView>,
}

/// Something that is wrong with receipts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FindingView {
    /// The number of its code: 640 to 645.
    code: u16,
    /// The name of its code.
    name: &'static str,
    /// The instance, if it is known.
    instance: Option<String>,
    /// The first receipt that it is about.
    first: Option<u64>,
    /// The last one.
    last: Option<u64>,
    /// It in words.
    pub(crate) text: String,
    /// Whether somebody must look into it. A gap that a later receipt repeats is none.
    pub(crate) alarm: bool,
}

/// A gateway that reports.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct InstanceView {
    /// Its identifier: the thumbprint of its key.
    instance: String,
    /// The subject of the licence that it was enrolled with.
    name: Option<String>,
    /// How many of its receipts are here.
    receipts: usize,
    /// The number of the newest.
    sequence: u64,
    /// When that was written, in seconds since 1970.
    issued_at: u64,
    /// Whether something of it must be looked into.
    alarm: bool,
    /// Whether receipts are missing.
    gap: bool,
}

/// What the gateways have reported: cumulative counts, merged. An instance that was forked counts by its greater copy.
#[utoipa::path(get, path = "/v1/usage", tag = "usage", params(Wanted), security(("license" = [])),
    responses((status = 200, body = Usage), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn usage(
    State(server): State<Server>,
    caller: Caller<Read>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<Usage>, Problem> {
    let (by, issuer, this) = (wanted.by()?, caller.0.issuer, server.clone());
    let usage = server.readers().read(move |ledger| {
        let report = this.reports().of(ledger, &issuer)?;
        let narrowed = wanted.narrow(ledger, &issuer, &report)?;
        let lines = usage_lines(&narrowed, &by, &Owners::of(&narrowed, ledger)?);
        let line = |(key, used): (&Vec<String>, &u64)| {
            let named = by.iter().zip(key).map(|(by, text)| (by.name().to_owned(), json!(text)));
            Value::Object(named.chain([("used".to_owned(), json!(used))]).collect::<Map<_, _>>())
        };
        let findings = findings(&report);
        let names = names(ledger, &issuer)?;
        let instances = report.instances.iter().map(|(instance, known)| {
            let of =
                |finding: &&FindingView| finding.instance.as_deref() == Some(&*HEXLOWER.encode(instance));
            InstanceView {
                instance: HEXLOWER.encode(instance),
                name: names.get(instance).cloned(),
                receipts: known.receipts,
                sequence: known.last.sequence,
                issued_at: known.issued_at.as_seconds(),
                alarm: findings.iter().filter(of).any(|finding| finding.alarm),
                gap: findings.iter().filter(of).any(|finding| finding.code == Code::ReceiptGap.number()),
            }
        });
        Ok(Usage {
            by: by.iter().map(|by| by.name()).collect(),
            lines: lines.iter().map(line).collect(),
            good: report.is_good(),
            instances: instances.collect(),
            findings,
        })
    });
    Ok(axum::Json(usage.await?))
}

/// The same as CSV.
#[utoipa::path(get, path = "/v1/usage.csv", tag = "usage", params(Wanted), security(("license" = [])),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn csv(
    State(server): State<Server>,
    caller: Caller<Read>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let (by, issuer, this) = (wanted.by()?, caller.0.issuer, server.clone());
    let text = server.readers().read(move |ledger| {
        let report = this.reports().of(ledger, &issuer)?;
        let narrowed = wanted.narrow(ledger, &issuer, &report)?;
        let lines = usage_lines(&narrowed, &by, &Owners::of(&narrowed, ledger)?);
        usage_csv(&by, &lines).map_err(|error| Problem::internal(&error.to_string()))
    });
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text.await?).into_response())
}

/// What is wrong with receipts.
pub(crate) fn findings(report: &Report) -> Vec<FindingView> {
    let finding = |finding: &licentia::receipt::Finding| FindingView {
        code: finding.code.number(),
        name: finding.code.name(),
        instance: finding.instance.map(|instance| HEXLOWER.encode(&instance)),
        first: finding.sequences.map(|(first, _)| first),
        last: finding.sequences.map(|(_, last)| last),
        text: finding.to_string(),
        alarm: finding.is_alarm(),
    };
    report.findings.iter().map(finding).collect()
}

/// What a customer has and has used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Mine {
    /// The customer.
    subject: String,
    /// The licence through its renewals.
    lineage: String,
    /// The tier.
    tier: String,
    /// Its version.
    tier_version: u64,
    /// When the contract ends, in seconds since 1970, if the licence goes on in grace.
    term_end: Option<u64>,
    /// When everything ends.
    expires: u64,
    /// What the gateways have reported, the newest period first.
    usage: Vec<MyUsage>,
}

/// What was used of a meter in a period.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MyUsage {
    /// The meter.
    meter: String,
    /// When the period began, in seconds since 1970.
    start: u64,
    /// When it ends; none for a quota that is for life.
    end: Option<u64>,
    /// Units that were reported so far. Gateways report each few minutes.
    used: u64,
    /// The quota, if the period is the present one.
    limit: Option<u64>,
    /// What is left of it.
    left: Option<u64>,
}

/// What the licence of the request has used, and what is left of it: any valid licence sees its own.
#[utoipa::path(get, path = "/v1/me/usage", tag = "usage", security(("license" = [])),
    responses((status = 200, body = Mine), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
async fn mine(State(server): State<Server>, caller: Caller<Anyone>) -> Result<axum::Json<Mine>, Problem> {
    let (who, this) = (caller.0, server.clone());
    let mine = server.readers().read(move |ledger| {
        let known: IssuedLicense =
            ledger.find(&who.id)?.ok_or_else(|| Problem::unknown("the licence is not in the ledger"))?;
        let draft = ledger.draft_of(&who.id)?;
        let report = this.reports().of(ledger, &who.issuer)?;
        let own = report.usage.iter().filter(|(cell, _)| cell.lineage == who.lineage);
        let mut usage: Vec<MyUsage> = own
            .map(|(cell, usage)| {
                let (window, used) = (cell.window, usage.total());
                let is_present = window.start <= who.now && window.end.is_none_or(|end| who.now < end);
                let quota = draft.grant.quotas.get(&cell.meter).filter(|_| is_present);
                let limit = quota.map(|quota| quota.limit);
                MyUsage {
                    meter: cell.meter.clone(),
                    start: window.start.as_seconds(),
                    end: window.end.map(Timestamp::as_seconds),
                    used,
                    limit,
                    left: limit.map(|limit| limit.saturating_sub(used)),
                }
            })
            .collect();
        usage.sort_by(|a, b| b.start.cmp(&a.start).then_with(|| a.meter.cmp(&b.meter)));
        Ok(Mine {
            subject: known.subject,
            lineage: known.lineage.to_string(),
            tier: known.tier,
            tier_version: known.tier_version,
            term_end: known.term_end.map(Timestamp::as_seconds),
            expires: known.expires.as_seconds(),
            usage,
        })
    });
    Ok(axum::Json(mine.await?))
}
