//! Stripe's API, as far as it is needed.

use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use zeroize::Zeroizing;

use super::subscription::Subscription;
use crate::outgoing::{Client, Outgoing};

/// The version of the API whose shapes are read. Those before it are read too.
const VERSION: &str = "2025-03-31.basil";
/// The longest answer that is read.
const LONGEST: usize = 8 << 20;
/// Subscriptions of a page.
const PAGE: usize = 100;
/// Most pages of a sweep.
const PAGES: usize = 10_000;

/// Calls Stripe.
pub(crate) struct Stripe {
    client: Client,
    base: String,
    authorization: HeaderValue,
}

/// A cumulative sum for a meter whose formula is `last`.
pub(crate) struct MeterEvent<'a> {
    pub(crate) name: &'a str,
    pub(crate) customer: &'a str,
    pub(crate) value: u64,
    pub(crate) timestamp: u64,
    /// The same sum has the same identifier, so that a retry is not taken twice.
    pub(crate) identifier: &'a str,
}

impl Stripe {
    /// Calls the API at a base such as `https://api.stripe.com` with a secret key.
    ///
    /// # Errors
    /// The key has characters that no key has.
    pub(crate) fn new(client: Client, base: &str, key: &str) -> Result<Self, String> {
        let credentials = Zeroizing::new(format!("{key}:"));
        let basic = Zeroizing::new(format!("Basic {}", BASE64.encode(credentials.as_bytes())));
        let authorization = HeaderValue::from_str(&basic);
        let mut authorization = authorization.map_err(|_| "`stripe.key`: no key of Stripe's".to_owned())?;
        authorization.set_sensitive(true);
        Ok(Self { client, base: base.trim_end_matches('/').to_owned(), authorization })
    }

    /// Reads a subscription with its newest invoice.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) async fn subscription(&self, id: &str) -> Result<Subscription, String> {
        let path = format!("/v1/subscriptions/{}?expand[]=latest_invoice", escaped(id));
        Subscription::read(&self.call(Method::GET, &path, Vec::new()).await?)
    }

    /// Reads a page of all subscriptions, also of those that have ended, after one; and where the next page begins. What
    /// cannot be read is named, and does not keep others from being read.
    ///
    /// # Errors
    /// Why the page cannot be read.
    pub(crate) async fn page(
        &self,
        after: Option<&str>,
    ) -> Result<(Vec<Result<Subscription, String>>, Option<String>), String> {
        let after = after.map(|id| format!("&starting_after={}", escaped(id))).unwrap_or_default();
        let path = format!("/v1/subscriptions?status=all&limit={PAGE}&expand[]=data.latest_invoice{after}");
        let bytes = self.call(Method::GET, &path, Vec::new()).await?;
        let mut page: Value =
            serde_json::from_slice(&bytes).map_err(|error| format!("Stripe's list: {error}"))?;
        let Some(Value::Array(data)) = page.get_mut("data").map(Value::take) else {
            return Err("Stripe's list has no data".into());
        };
        let last = data.last().and_then(|last| last.get("id")?.as_str().map(str::to_owned));
        let has_more = page.get("has_more").and_then(Value::as_bool) == Some(true);
        Ok((data.into_iter().map(Subscription::from_value).collect(), last.filter(|_| has_more)))
    }

    /// Most pages that a sweep reads.
    pub(crate) const fn most_pages() -> usize {
        PAGES
    }

    /// Reports a sum.
    ///
    /// # Errors
    /// Why it was not taken.
    pub(crate) async fn report(&self, event: &MeterEvent<'_>) -> Result<(), String> {
        let fields = [
            ("event_name", event.name),
            ("payload[stripe_customer_id]", event.customer),
            ("payload[value]", &event.value.to_string()),
            ("timestamp", &event.timestamp.to_string()),
            ("identifier", event.identifier),
        ];
        let form: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
        self.call(Method::POST, "/v1/billing/meter_events", form.join("&").into_bytes()).await.map(drop)
    }

    async fn call(&self, method: Method, path: &str, form: Vec<u8>) -> Result<Bytes, String> {
        let mut headers = vec![
            (http::header::AUTHORIZATION, self.authorization.clone()),
            (HeaderName::from_static("stripe-version"), HeaderValue::from_static(VERSION)),
        ];
        if !form.is_empty() {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.push((http::header::CONTENT_TYPE, form));
        }
        let url = format!("{}{path}", self.base);
        let outgoing = Outgoing { method, url: &url, headers, body: Bytes::from(form), longest: LONGEST };
        let answer = self.client.send(outgoing).await.map_err(|error| format!("Stripe: {error}"))?;
        if answer.status.is_success() {
            return Ok(answer.body);
        }
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        // Its message may quote what was sent, but never the key: that is in a header.
        let message = said.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
        let message: String = message.chars().filter(|each| !each.is_control()).take(300).collect();
        Err(format!("Stripe answered {}: {message}", answer.status))
    }
}

/// What is escaped in paths and forms: all but letters, digits and what identifiers of Stripe's have.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        process::{Child, Command, Stdio},
    };

    use super::*;
    use crate::outgoing::Networks;

    /// Stripe's own mock of its API, which checks each request against Stripe's specification.
    struct Mock(Child, String);

    impl Mock {
        fn start() -> Self {
            let program = std::env::var("LICENTIA_STRIPE_MOCK").expect("the path of stripe-mock");
            let mut command = Command::new(program);
            command.args(["-http-port", "0"]).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut mock = command.spawn().unwrap();
            let mut lines = BufReader::new(mock.stdout.take().unwrap()).lines();
            let line = lines.find_map(|line| line.ok().filter(|line| line.contains("Listening for HTTP at")));
            let port = line.unwrap().rsplit(':').next().unwrap().trim().to_owned();
            std::thread::spawn(move || lines.for_each(drop));
            Self(mock, format!("http://127.0.0.1:{port}"))
        }
    }

    impl Drop for Mock {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[tokio::test]
    #[ignore = "needs stripe-mock: `cargo xtask test page`"]
    async fn stripe_mock_takes_what_is_sent_and_its_answers_are_read() {
        let mock = Mock::start();
        let stripe = |key| Stripe::new(Client::new(Networks::all()).unwrap(), &mock.1, key).unwrap();
        let good = stripe("sk_test_123");
        let one = good.subscription("sub_123").await.unwrap();
        assert!(
            one.customer.starts_with("cus_") && one.price.starts_with("price_") && !one.status.is_empty(),
            "{one:?}"
        );
        let (page, next) = good.page(None).await.unwrap();
        assert!(!page.is_empty() && page.iter().all(Result::is_ok), "{page:?}");
        assert_eq!(next, None);
        good.page(Some("sub_123")).await.unwrap();
        let event = |value| MeterEvent {
            name: "api_calls",
            customer: "cus_123",
            value,
            timestamp: 1_800_000_000,
            identifier: "a-b-1",
        };
        good.report(&event(5)).await.unwrap();
        good.report(&event(5)).await.unwrap();
        let refused = stripe("nonsense").subscription("sub_123").await.unwrap_err();
        assert!(refused.starts_with("Stripe answered 401") && !refused.contains("nonsense"), "{refused}");
        let unknown =
            good.call(Method::POST, "/v1/billing/meter_events", b"event_name=x&other=1".to_vec()).await;
        assert!(unknown.unwrap_err().starts_with("Stripe answered 400"), "the mock checks what is sent");
    }
}
