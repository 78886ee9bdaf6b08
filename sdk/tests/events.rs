//! Events: what they tell, and that they never slow, block or leak.

mod common;

use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
};

use common::{NOW, builder, licence};
use licentia::{
    Code, Gate, Now, Request,
    event::{Anomaly, Detector, Metrics, Queue, Record, Sampled, Sink, Thresholds, json_lines},
};

/// A gate whose records come out of a channel when it is dropped.
fn watched() -> (Gate, Receiver<Record>) {
    let (sender, receiver) = channel();
    let queue = Queue::new(10_000, move |record| sender.send(record).unwrap()).unwrap();
    (builder().sink(Arc::new(queue)).build().unwrap(), receiver)
}

#[test]
fn an_event_says_who_what_when_and_why() {
    let (gate, records) = watched();
    let request = Request::new().action("GET /export").source("10.0.0.1").features(&["gold"]);
    assert!(!gate.check(&licence(|_| ()), &request, NOW).is_allowed());
    assert!(!gate.check("lic1_AAAA", &Request::new(), NOW + 1).is_allowed());
    drop(gate);
    let record = records.recv().unwrap();
    assert_eq!((record.subject.as_deref(), record.action.as_str()), (Some("customer-42"), "GET /export"));
    assert_eq!((record.at, record.code, record.allowed), (NOW, Code::FeatureNotLicensed, false));
    assert_eq!((record.source.as_str(), record.tier), ("10.0.0.1", Some(("pro".into(), 3))));
    assert!(
        record.took_nanos.is_some_and(|took| took > 0) && record.decision.contains(r#""check":"feature""#)
    );
    let unknown = records.recv().unwrap();
    assert_eq!((unknown.code, unknown.subject), (Code::MalformedFrame, None));
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn json_lines_are_json_and_hold_no_token() {
    let log = Shared::default();
    let queue = Queue::new(100, json_lines(log.clone())).unwrap();
    let gate = builder().sink(Arc::new(queue)).build().unwrap();
    let token = licence(|_| ());
    let tampered = format!("{}A{}", &token[..60], &token[61..]);
    for token in [&token, &tampered] {
        let _ = gate.check(token, &Request::new().action("a \"quoted\"\naction"), NOW);
    }
    drop(gate);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 2);
    for line in text.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["action"], "a \"quoted\"\naction");
        assert!(!event["decision"]["explanation"].as_array().unwrap().is_empty());
    }
    let signature = &token[token.len() - 40..];
    assert!(!text.contains("lic1_") && !text.contains(signature));
}

#[test]
fn a_slow_sink_drops_events_and_never_blocks() {
    let (release, wait) = channel::<()>();
    let queue = Arc::new(
        Queue::new(10, move |_| {
            let _ = wait.recv();
        })
        .unwrap(),
    );
    let gate = builder().sink(queue.clone()).build().unwrap();
    let token = licence(|_| ());
    let started = std::time::Instant::now();
    for _ in 0..1000 {
        assert!(gate.check(&token, &Request::new(), NOW).is_allowed());
    }
    assert!(started.elapsed().as_secs() < 2);
    assert!((985..=990).contains(&queue.dropped()), "{} dropped", queue.dropped());
    drop(release);
}

#[test]
fn sampling_thins_out_what_was_allowed_and_nothing_else() {
    let metrics = Arc::new(Metrics::new());
    let gate = builder().sink(Arc::new(Sampled::new(metrics.clone(), 10))).build().unwrap();
    let token = licence(|_| ());
    for _ in 0..100 {
        assert!(gate.check(&token, &Request::new(), NOW).is_allowed());
        assert!(!gate.check(&token, &Request::new().features(&["gold"]), NOW).is_allowed());
    }
    assert_eq!(metrics.count(Code::Allowed), 10);
    assert_eq!(metrics.count(Code::FeatureNotLicensed), 100);
}

#[test]
fn anomalies_are_reported_once_and_deny_nothing() {
    let (gate, records) = watched();
    let token = licence(|_| ());
    let at = NOW - NOW.as_seconds() % 300;
    for count in 0..20 {
        let source = format!("10.0.0.{count}");
        assert!(gate.check(&token, &Request::new().source(&source), at).is_allowed());
    }
    for count in 0..300 {
        let request = Request::new().features(if count % 4 == 0 { &[] } else { &["gold"] });
        let _ = gate.check(&token, &request, at + 300);
    }
    drop(gate);
    let mut found = Vec::new();
    let mut detector = Detector::new(Thresholds::default(), |record, anomaly: &Anomaly| {
        found.push((record.at.seconds_since(at), anomaly.clone()));
    });
    for record in &records {
        detector.watch(&record);
    }
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], (0, Anomaly::Spreading { sources: 17 }));
    assert!(matches!(found[1], (300, Anomaly::Denials { requests: 100, .. })), "{:?}", found[1]);
    assert_eq!(found[2], (300, Anomaly::Burst { requests: 201, before: 20 }));
}

#[test]
fn metrics_take_events_from_many_threads() {
    let metrics = Arc::new(Metrics::new());
    let sink: Arc<dyn Sink> = metrics.clone();
    let gate = builder().sink(sink).build().unwrap();
    let token = licence(|_| ());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (gate, token) = (&gate, &token);
            scope.spawn(move || {
                for count in 0..1000 {
                    let now = Now { time: NOW, monotonic_nanos: (count * 4 + thread) * 150 };
                    assert!(gate.check(token, &Request::new(), now).is_allowed());
                }
            });
        }
    });
    assert_eq!(metrics.count(Code::Allowed), 4000);
    let text = metrics.prometheus();
    let timed = text.lines().find_map(|line| line.strip_prefix("licentia_decision_seconds_count ")).unwrap();
    assert!((200..300).contains(&timed.parse().unwrap()), "about one in 16 is timed: {timed}");
}

/// A gate with a revocation bundle, number 7.
fn with_bundle(builder: licentia::GateBuilder) -> Gate {
    let draft = licentia_issuer::BundleDraft {
        issuer: "acme".into(),
        sequence: 7,
        issued_at: NOW - 100,
        next_update: NOW + 100,
        expires: NOW + 200,
        ..licentia_issuer::BundleDraft::default()
    };
    let bundle = draft.sign(&common::key(5)).unwrap();
    builder.key(common::key(5).public().for_revocation()).revocation(bundle).build().unwrap()
}

#[test]
fn the_bundle_in_use_and_its_age_are_in_records_and_metrics() {
    let (sender, records) = channel();
    let queue = Queue::new(10_000, move |record| sender.send(record).unwrap()).unwrap();
    let metrics = Arc::new(Metrics::new());
    let gate = with_bundle(builder().sink(Arc::new(queue)).sink(metrics.clone()));
    for token in [&licence(|_| ()), "lic1_AAAA"] {
        let _ = gate.check(token, &Request::new(), NOW);
    }
    drop(gate);
    for record in &records {
        assert_eq!(record.revocation, Some((7, NOW - 100)));
        let json: serde_json::Value = serde_json::from_str(&record.to_string()).unwrap();
        assert_eq!(
            (&json["revocation"], &json["revocation_issued_at"]),
            (&7.into(), &(NOW - 100).as_seconds().into())
        );
    }
    let text = metrics.prometheus();
    assert!(text.contains("\nlicentia_revocation_sequence 7\n"), "{text}");
    assert!(
        text.contains(&format!("\nlicentia_revocation_issued_seconds {}", (NOW - 100).as_seconds())),
        "{text}"
    );
}

#[cfg(feature = "tracing")]
#[test]
fn tracing_gets_allowed_events_as_info_and_denials_as_warnings() {
    #[derive(Clone)]
    struct Writer(Shared);
    impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Writer {
        type Writer = Shared;
        fn make_writer(&'a self) -> Shared {
            self.0.clone()
        }
    }
    let (sender, records) = channel();
    let queue = Queue::new(10_000, move |record| sender.send(record).unwrap()).unwrap();
    let gate = with_bundle(builder().sink(Arc::new(queue)));
    let token = licence(|_| ());
    for features in [&[][..], &["gold"]] {
        let _ = gate.check(&token, &Request::new().action("GET /x").features(features), NOW);
    }
    drop(gate);
    let log = Shared::default();
    let subscriber = tracing_subscriber::fmt().with_writer(Writer(log.clone())).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, || {
        for record in &records {
            licentia::event::trace(record);
        }
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("INFO") && lines[0].contains(r#"code="allowed""#), "{text}");
    assert!(lines[1].contains("WARN") && lines[1].contains(r#"code="feature_not_licensed""#), "{text}");
    assert!(lines.iter().all(|line| line.contains(r#"subject="customer-42""#) && !line.contains("lic1_")));
    let bundle = format!("revocation=7 revocation_issued_at={}", (NOW - 100).as_seconds());
    assert!(lines.iter().all(|line| line.contains(&bundle)), "{text}");
}

#[test]
fn units_are_counted_when_they_are_charged_and_once() {
    let metrics = Arc::new(Metrics::new());
    let gate = builder().sink(metrics.clone()).build().unwrap();
    let token = licence(|_| ());
    let ten = Request::new().meters(&[("calls", 10)]);
    let counted = || {
        let text = metrics.prometheus();
        let line = text.lines().find(|line| line.contains("calls")).map(str::to_owned);
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    };
    let job = ten.job("render-1");
    assert!(gate.check(&token, &job, NOW).is_allowed() && gate.check(&token, &job, NOW).is_allowed());
    assert_eq!(counted(), 10, "a job that is tried again");
    let reservation = gate.reserve(&token, &ten, NOW).1.unwrap();
    assert_eq!(counted(), 10, "not yet");
    reservation.commit(&[("calls", 4)]).unwrap();
    assert_eq!(counted(), 14);
}

#[cfg(feature = "otel")]
#[test]
fn opentelemetry_gets_counts_units_and_durations() {
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let sink = licentia::event::Otel::new(&provider.meter("licentia"));
    let gate = with_bundle(builder().sink(Arc::new(sink)));
    let token = licence(|_| ());
    for _ in 0..3 {
        assert!(gate.check(&token, &Request::new().meters(&[("calls", 2)]), NOW).is_allowed());
    }
    provider.force_flush().unwrap();
    let found = format!("{:?}", exporter.get_finished_metrics().unwrap());
    for expected in
        ["licentia.decisions", "licentia.units", "licentia.decision.duration", "allowed", "calls", "value: 6"]
    {
        assert!(found.contains(expected), "{expected}: {found}");
    }
    let issued = format!("value: {}", (NOW - 100).as_seconds());
    for expected in
        ["licentia.revocation.sequence", "licentia.revocation.issued", "acme", "value: 7", &issued]
    {
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

/// A sink that panics whatever it is told.
struct Panics;

impl Sink for Panics {
    fn record(&self, _: &licentia::event::Event<'_, '_>) {
        std::panic::resume_unwind(Box::new("a faulty sink"));
    }
    fn used(&self, _: &licentia::event::Used<'_>) {
        std::panic::resume_unwind(Box::new("a faulty sink"));
    }
}

#[test]
fn a_sink_that_panics_keeps_neither_the_caller_nor_other_sinks_from_going_on() {
    let metrics = Arc::new(Metrics::new());
    let gate = builder().sink(Arc::new(Panics)).sink(metrics.clone()).build().unwrap();
    let token = licence(|_| ());
    let calls = Request::new().meters(&[("calls", 3)]);
    let decision = gate.check(&token, &calls, NOW);
    assert_eq!(decision.quota("calls").unwrap().charged, 3);
    let (decision, reservation) = gate.reserve(&token, &calls, NOW);
    assert!(decision.is_allowed());
    reservation.unwrap().commit(&[("calls", 2)]).unwrap();
    let counter = licentia::Counter::of(&gate, &decision).unwrap();
    counter.charge(&[], &[("calls", 4)], NOW).unwrap();
    assert_eq!(metrics.count(Code::Allowed), 2);
    assert!(metrics.prometheus().contains("licentia_units_total{meter=\"calls\"} 9\n"));
}

#[test]
fn a_consumer_that_panics_gets_the_next_record() {
    let (sender, records) = channel();
    let consumer = move |record: Record| {
        if record.code != Code::Allowed {
            std::panic::resume_unwind(Box::new("a faulty consumer"));
        }
        sender.send(record.code).unwrap();
    };
    let gate = builder().sink(Arc::new(Queue::new(10, consumer).unwrap())).build().unwrap();
    for token in ["lic1_AAAA", &licence(|_| ())] {
        let _ = gate.check(token, &Request::new(), NOW);
    }
    drop(gate);
    assert_eq!(records.recv(), Ok(Code::Allowed));
}

#[test]
fn a_consumer_that_is_stuck_holds_up_no_ones_end() {
    let (release, wait) = channel::<()>();
    let stuck = move |_| {
        let _ = wait.recv();
    };
    let queue = Queue::new(10, stuck).unwrap().patience(std::time::Duration::from_millis(50));
    let gate = builder().sink(Arc::new(queue)).build().unwrap();
    assert!(gate.check(&licence(|_| ()), &Request::new(), NOW).is_allowed());
    let started = std::time::Instant::now();
    drop(gate);
    let took = started.elapsed().as_millis();
    assert!((50..4000).contains(&took), "{took} ms");
    drop(release);
}

#[test]
fn a_queue_that_its_own_consumer_drops_waits_for_nobody() {
    let (give, given) = channel::<Arc<Queue>>();
    let (tell, told) = channel();
    let queue = Queue::new(10, move |_| {
        let started = std::time::Instant::now();
        drop(given.recv());
        tell.send(started.elapsed()).unwrap();
    });
    let queue = Arc::new(queue.unwrap());
    let gate = builder().sink(queue.clone()).build().unwrap();
    assert!(gate.check(&licence(|_| ()), &Request::new(), NOW).is_allowed());
    drop(gate);
    give.send(queue).unwrap();
    assert!(told.recv().unwrap().as_secs() < 4);
}

/// A full queue must cost what finding it full costs, not what a record costs: it has the decision as JSON.
#[test]
fn a_full_queue_builds_no_record() {
    let (release, wait) = channel::<()>();
    let stuck = move |_| {
        let _ = wait.recv();
    };
    let queue = Arc::new(Queue::new(1, stuck).unwrap());
    let with = builder().sink(queue.clone()).build().unwrap();
    let token = licence(|_| ());
    // A denial's explanation is long.
    let features = ["gold"];
    let request = Request::new().features(&features);
    let time = |gate: &Gate| {
        let started = std::time::Instant::now();
        (0..2000).for_each(|_| drop(gate.check(&token, &request, NOW)));
        started.elapsed()
    };
    time(&with); // the queue is full now
    let (full, json) = (time(&with), {
        let gate = builder().build().unwrap();
        let started = std::time::Instant::now();
        for _ in 0..2000 {
            drop(gate.check(&token, &request, NOW).json().to_string());
        }
        started.elapsed()
    });
    assert!(full < json / 2, "{full:?} with a full queue, {json:?} with the JSON");
    assert!(queue.dropped() > 3990);
    drop(release);
}

#[test]
fn a_rate_a_quota_and_the_seats_of_one_name_are_counted_apart() {
    let metrics = Arc::new(Metrics::new());
    let gate = builder().sink(metrics.clone()).build().unwrap();
    let token = licence(|draft| {
        for name in ["api", "seats"] {
            draft.grant.quotas.insert(name.into(), "100/day".parse().unwrap());
        }
        draft.grant.rates.insert("seats".into(), "10/1s".parse().unwrap());
        draft.grant.seats = Some(2);
    });
    let request = Request::new().meters(&[("api", 7), ("seats", 5)]).rates(&[("api", 2), ("seats", 3)]);
    let (decision, _seat) = licentia::Seat::check_out(&gate, &token, "ada", 60, &request, NOW);
    assert!(decision.is_allowed());
    let text = metrics.prometheus();
    for line in [
        "licentia_units_total{meter=\"api\"} 7",
        "licentia_units_total{meter=\"seats\"} 5",
        "licentia_rate_requests_total{rate=\"api\"} 2",
        "licentia_rate_requests_total{rate=\"seats\"} 3",
        "licentia_seats_total 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
}

#[test]
fn the_detector_looks_at_one_licence_for_each_record() {
    let (gate, records) = watched();
    assert!(gate.check(&licence(|_| ()), &Request::new(), NOW).is_allowed());
    drop(gate);
    let mut record = records.recv().unwrap();
    let mut detector = Detector::new(Thresholds::default(), |_, _: &Anomaly| ());
    let mut watch = |range: std::ops::Range<u128>| {
        let started = std::time::Instant::now();
        for number in range {
            record.lineage = Some(number.to_be_bytes().into());
            detector.watch(&record);
        }
        started.elapsed()
    };
    // Up to 100,000 are watched; one more each time found all of them looked at.
    let filling = watch(0..100_000);
    let beyond = watch(100_000..101_000);
    assert!(beyond < filling, "a hundredth took {beyond:?}, all {filling:?}");
}

#[test]
fn two_issuers_of_one_lineage_are_watched_apart() {
    let (gate, records) = watched();
    assert!(gate.check(&licence(|_| ()), &Request::new(), NOW).is_allowed());
    drop(gate);
    let mut record = records.recv().unwrap();
    let mut found = 0;
    let mut detector = Detector::new(Thresholds::default(), |_, _: &Anomaly| found += 1);
    for source in 0..17 {
        record.source = source.to_string();
        record.issuer = Some(if source % 2 == 0 { "acme" } else { "reseller" }.to_owned());
        detector.watch(&record);
    }
    assert_eq!(found, 0, "17 sources, and at most 9 of each");
}
