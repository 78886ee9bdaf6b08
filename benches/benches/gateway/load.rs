//! Loads over HTTP/1.1 with connections that stay open: at a rate that does not wait for the answers, or as fast as one
//! answer follows another.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

/// What is sent, and what its answer's status must be.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) request: Vec<u8>,
}

/// One connection.
struct Connection<'t> {
    target: &'t Target,
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl<'t> Connection<'t> {
    fn open(target: &'t Target) -> Self {
        let stream = TcpStream::connect(target.address).expect("the server listens");
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("an option");
        Self { target, stream: BufReader::new(stream), line: String::new(), body: Vec::new() }
    }

    /// Sends the request and reads the whole answer.
    fn ask(&mut self) {
        self.stream.get_mut().write_all(&self.target.request).expect("the server reads");
        let (mut length, mut is_first) = (None, true);
        loop {
            self.line.clear();
            self.stream.read_line(&mut self.line).expect("the server answers");
            let line = self.line.trim_end();
            if is_first {
                assert!(line.starts_with("HTTP/1.1 200"), "{}: {line:?}", self.target.name);
                is_first = false;
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        self.body.resize(length.expect("an answer with a length"), 0);
        self.stream.read_exact(&mut self.body).expect("the whole body");
    }
}

/// Sends so many requests a second over some connections, for a while; nanoseconds of each, sorted. A request that had to
/// wait for the one before it counts from the time at which it was due.
pub(crate) fn at_rate(target: &Target, connections: u32, rate: u32, time: Duration) -> Vec<u64> {
    let interval = Duration::from_secs(1) * connections / rate;
    let ready = Barrier::new(connections as usize);
    let run = |number: u32| {
        let mut connection = Connection::open(target);
        (0..20).for_each(|_| connection.ask());
        ready.wait();
        let (started, mut taken) = (Instant::now() + interval * number / connections, Vec::new());
        for turn in 0.. {
            let due = started + interval * turn;
            if due >= started + time {
                break;
            }
            let begin = match due.checked_duration_since(Instant::now()) {
                Some(wait) => {
                    thread::sleep(wait);
                    Instant::now()
                }
                None => due,
            };
            connection.ask();
            taken.push(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        taken
    };
    let mut all: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|number| scope.spawn(move || run(number))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a connection")).collect()
    });
    all.sort_unstable();
    all
}

/// Requests a second, if each connection sends the next one when the answer is there.
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn as_fast_as_possible(target: &Target, connections: usize, time: Duration) -> f64 {
    let ready = Barrier::new(connections);
    let run = || {
        let mut connection = Connection::open(target);
        (0..50).for_each(|_| connection.ask());
        ready.wait();
        let (started, mut count) = (Instant::now(), 0_u64);
        while started.elapsed() < time {
            (0..20).for_each(|_| connection.ask());
            count += 20;
        }
        count as f64 / started.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a connection")).sum()
    })
}
