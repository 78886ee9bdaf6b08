//! Connections to a server, or to the nodes of a cluster.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use redis::{Client, Connection, ConnectionAddr, ConnectionLike, RedisError, RedisResult, Value};

use super::{call::Call, options::Options};
use crate::store::{Fault, Unreachable};

/// A connection that was idle for as long may have been closed by the server, so that it is tried before it is used.
const IDLE: Duration = Duration::from_secs(1);
/// How often an operation follows a redirection or is sent with its script.
const ROUNDS: usize = 4;
/// Slots of a cluster.
const SLOTS: u16 = 16_384;

/// Errors of a server that takes no writes now: not of the key that was asked for.
const REFUSALS: [&str; 12] = [
    "READONLY",
    "OOM",
    "MISCONF",
    "NOREPLICAS",
    "LOADING",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "BUSY",
    "NOPERM",
    "NOAUTH",
    "WRONGPASS",
    "UNBLOCKED",
];

/// What a connection fails with, and what to do.
const ADVICE: [(&str, &str); 5] = [
    ("UnknownIssuer", AUTHORITY),
    ("BadSignature", AUTHORITY),
    ("unexpected end of file", SCHEME),
    ("reset by peer", SCHEME),
    ("temporarily unavailable", "; no answer came in time, as when only one side uses TLS"),
];
const SCHEME: &str = "; if the server expects TLS, use `rediss://`";
const AUTHORITY: &str = "; name the file of the authority that signed the certificate with `ca=PATH`";

/// A connection, and when it was used last.
struct Link {
    connection: Connection,
    used: Instant,
}

/// The connections of one process.
#[derive(Default)]
pub(super) struct Links {
    /// To the server of the URL.
    home: Option<Link>,
    /// To the nodes of its cluster, by address.
    nodes: HashMap<String, Link>,
    /// The node that has each slot, as far as the server of the URL does not have it.
    slots: BTreeMap<u16, String>,
}

/// Which server.
type Node = Option<String>;

/// How operations are sent.
#[derive(Clone, Copy)]
struct Manner {
    /// With the text of their scripts.
    whole: bool,
    /// With leave to use a slot that the node is still taking over.
    asking: bool,
}

impl Links {
    /// Sends operations, each to the node that has its keys, and answers each in its place.
    pub(super) fn send(
        &mut self,
        client: &Client,
        options: &Options,
        calls: &[Call],
    ) -> Vec<Result<Value, Unreachable>> {
        let moving = || Err(Unreachable::new(Fault::OneKey, "the cluster moves its slot"));
        let mut answers: Vec<_> = calls.iter().map(|_| moving()).collect();
        let mut due: Vec<(usize, Option<String>)> = (0..calls.len()).map(|at| (at, None)).collect();
        for round in 0..ROUNDS {
            let mut groups: BTreeMap<(Node, bool), Vec<usize>> = BTreeMap::new();
            for (at, asked) in std::mem::take(&mut due) {
                let asking = asked.is_some();
                let node = asked.or_else(|| calls.get(at).and_then(|call| self.node(call.key())));
                groups.entry((node, asking)).or_default().push(at);
            }
            for ((node, asking), group) in groups {
                let asked: Vec<&Call> = group.iter().filter_map(|at| calls.get(*at)).collect();
                let manner = Manner { whole: round > 0, asking };
                match self.send_to(node.as_ref(), client, options, &asked, manner) {
                    Ok(values) => {
                        for (at, value) in group.into_iter().zip(values) {
                            match redirection(&value) {
                                Some(Redirection::Ask { address }) => due.push((at, Some(address))),
                                Some(Redirection::Moved { slot, address }) => {
                                    self.slots.insert(slot, address);
                                    due.push((at, None));
                                }
                                Some(Redirection::NoScript) => {
                                    due.push((at, node.clone().filter(|_| asking)));
                                }
                                None => {
                                    if let Some(answer) = answers.get_mut(at) {
                                        *answer = value;
                                    }
                                }
                            }
                        }
                    }
                    // The node may be gone: the server of the URL knows who has its slots now.
                    Err(error) if node.is_some() && error.fault() == Fault::NotSent => {
                        self.slots.retain(|_, known| Some(&*known) != node.as_ref());
                        due.extend(group.into_iter().map(|at| (at, None)));
                    }
                    Err(error) => {
                        for at in group {
                            if let Some(answer) = answers.get_mut(at) {
                                *answer = Err(error.clone());
                            }
                        }
                    }
                }
            }
            if due.is_empty() {
                break;
            }
        }
        answers
    }

    /// Sends operations to one server in one round trip.
    fn send_to(
        &mut self,
        node: Option<&String>,
        client: &Client,
        options: &Options,
        calls: &[&Call],
        manner: Manner,
    ) -> Result<Vec<Result<Value, Unreachable>>, Unreachable> {
        let mut packed = Vec::new();
        for call in calls {
            if manner.asking {
                redis::cmd("ASKING").write_packed_command(&mut packed);
            }
            call.command(manner.whole).write_packed_command(&mut packed);
        }
        let again = calls.iter().all(|call| call.again);
        // Each has an answer of its own.
        let each = if manner.asking { 2 } else { 1 };
        let values = self.ask(node, client, options, again, |connection| {
            connection.req_packed_commands(&packed, 0, each * calls.len())
        })?;
        let mut answers: Vec<Result<Value, Unreachable>> =
            values.into_iter().skip(each - 1).step_by(each).map(told).collect();
        answers.resize_with(calls.len(), || Err(Unreachable::new(Fault::Unknown, "an answer is missing")));
        let written = |(call, answer): (&&Call, &Result<Value, Unreachable>)| {
            call.replicated && answer.as_ref().is_ok_and(has_written)
        };
        if options.replicas > 0 && calls.iter().zip(&answers).any(written) {
            let have = self.ask(node, client, options, false, |connection| {
                redis::cmd("WAIT").arg(options.replicas).arg(options.replicas_ms).query::<u64>(connection)
            });
            if !have.is_ok_and(|have| have >= options.replicas) {
                for (call, answer) in calls.iter().zip(&mut answers) {
                    if call.replicated && answer.as_ref().is_ok_and(has_written) {
                        *answer =
                            Err(Unreachable::new(Fault::Unknown, "too few replicas have acknowledged it"));
                    }
                }
            }
        }
        Ok(answers)
    }

    /// Asks a server, on the connection that there is or on a new one. What was sent on a connection that the server
    /// had closed is sent once more if that is safe.
    pub(super) fn ask<T>(
        &mut self,
        node: Option<&String>,
        client: &Client,
        options: &Options,
        again: bool,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, Unreachable> {
        let kept = match node {
            None => self.home.take(),
            Some(node) => self.nodes.remove(node),
        };
        let idle = if again { IDLE } else { Duration::ZERO };
        let alive = |link: &mut Link| {
            link.connection.is_open() && (link.used.elapsed() < idle || link.connection.check_connection())
        };
        let kept = kept.and_then(|mut link| alive(&mut link).then_some(link));
        let fresh = kept.is_none();
        let mut link = kept.map_or_else(|| connect(node, client, options), Ok)?;
        let mut answer = work(&mut link.connection);
        if !fresh && again && answer.as_ref().is_err_and(RedisError::is_connection_dropped) {
            // If the server died after it had done what was sent, nobody knows it yet.
            let in_doubt = |error| Unreachable::new(Fault::Unknown, error);
            link = connect(node, client, options).map_err(in_doubt)?;
            answer = work(&mut link.connection);
        }
        let answer = answer.map_err(|error| refused(&error));
        // After an answer that did not come the next one would be mistaken for it.
        if answer.as_ref().err().is_none_or(|error| error.fault() != Fault::Unknown) {
            link.used = Instant::now();
            match node {
                None => self.home = Some(link),
                Some(node) => drop(self.nodes.insert(node.clone(), link)),
            }
        }
        answer
    }

    /// As [`Links::ask`], of the server that has a key.
    pub(super) fn ask_for<T>(
        &mut self,
        key: &str,
        client: &Client,
        options: &Options,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, Unreachable> {
        let (mut answer, mut asked) = (Err(Unreachable::because("no server has the key")), None);
        for _ in 0..ROUNDS {
            let asking = asked.is_some();
            let node = asked.take().or_else(|| self.node(key));
            let mut moved = None;
            let told = |connection: &mut Connection| {
                if asking {
                    redis::cmd("ASKING").query::<()>(connection)?;
                }
                match work(connection) {
                    Err(error) if error.redirect_node().is_some() => Ok(Err(error)),
                    other => other.map(Ok),
                }
            };
            match self.ask(node.as_ref(), client, options, true, told) {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => moved = Some(error),
                Err(error) if node.is_some() && error.fault() == Fault::NotSent => {
                    self.slots.retain(|_, known| Some(&*known) != node.as_ref());
                    answer = Err(error);
                }
                Err(error) => return Err(error),
            }
            if let Some(error) = moved {
                answer = Err(refused(&error));
                match error.redirect_node() {
                    Some((address, _)) if error.code() == Some("ASK") => asked = Some(address.to_owned()),
                    Some((address, slot)) => drop(self.slots.insert(slot, address.to_owned())),
                    None => {}
                }
            }
        }
        answer
    }

    /// The node that is known to have a key's slot.
    fn node(&self, key: &str) -> Node {
        if self.slots.is_empty() { None } else { self.slots.get(&slot(key)).cloned() }
    }
}

/// Why an operation is sent once more.
enum Redirection {
    Moved {
        slot: u16,
        address: String,
    },
    /// The node is giving the slot away, and the key is there already.
    Ask {
        address: String,
    },
    NoScript,
}

/// Whether a value says that nothing was done, and what to do.
fn redirection(answer: &Result<Value, Unreachable>) -> Option<Redirection> {
    let Ok(Value::ServerError(error)) = answer else { return None };
    let place = || error.details()?.split_once(' ').map(|(slot, address)| (slot, address.to_owned()));
    match error.code() {
        "NOSCRIPT" => Some(Redirection::NoScript),
        "MOVED" => {
            place().and_then(|(slot, address)| Some(Redirection::Moved { slot: slot.parse().ok()?, address }))
        }
        "ASK" => place().map(|(_, address)| Redirection::Ask { address }),
        _ => None,
    }
}

/// An answer, or why the server refused; a redirection stays as it is.
fn told(value: Value) -> Result<Value, Unreachable> {
    match value {
        Value::ServerError(ref error) if !["ASK", "MOVED", "NOSCRIPT"].contains(&error.code()) => {
            let Value::ServerError(error) = value else { return Ok(Value::Nil) };
            Err(refused(&RedisError::from(error)))
        }
        other => Ok(other),
    }
}

/// Whether an answer says that something was written: a refusal of [`Op::Take`](crate::store::Op::Take) wrote nothing.
fn has_written(value: &Value) -> bool {
    match value {
        Value::ServerError(_) => false,
        Value::Array(parts) => !matches!(parts.as_slice(), [Value::Int(0), _, Value::Int(0)]),
        _ => true,
    }
}

fn connect(node: Option<&String>, client: &Client, options: &Options) -> Result<Link, Unreachable> {
    let connected = || {
        let connection = match node {
            None => client.get_connection_with_timeout(options.patience)?,
            Some(node) => {
                let info = client.get_connection_info().clone();
                let addr = address(info.addr(), node)?;
                Client::open(info.set_addr(addr))?.get_connection_with_timeout(options.patience)?
            }
        };
        connection.set_read_timeout(Some(options.patience))?;
        connection.set_write_timeout(Some(options.patience))?;
        Ok(Link { connection, used: Instant::now() })
    };
    connected().map_err(|error: RedisError| {
        let text = error.to_string();
        let advice = ADVICE.iter().find(|(said, _)| text.contains(said)).map_or("", |(_, advice)| advice);
        Unreachable::new(Fault::NotSent, format!("{text}{advice}"))
    })
}

/// The address of another node, reached as the first one is.
fn address(first: &ConnectionAddr, node: &str) -> RedisResult<ConnectionAddr> {
    let invalid = || RedisError::from((redis::ErrorKind::Client, "the cluster names a node without a port"));
    let (host, port) = node.rsplit_once(':').ok_or_else(invalid)?;
    let port: u16 = port.parse().map_err(|_| invalid())?;
    // A node that knows no name of another one leaves it out: it is the first one's.
    let host = match (host, first) {
        ("", ConnectionAddr::Tcp(first, _) | ConnectionAddr::TcpTls { host: first, .. }) => first.clone(),
        (host, _) => host.trim_matches(['[', ']']).to_owned(),
    };
    Ok(match first.clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(host, port),
    })
}

/// What is known when the client reports an error after it was connected.
pub(super) fn refused(error: &RedisError) -> Unreachable {
    let text = error.to_string();
    let fault = match error.kind() {
        redis::ErrorKind::Server(_) | redis::ErrorKind::Extension => {
            // An older server wraps what a script's command said.
            let word = |word: &&str| error.code() == Some(word) || text.contains(&format!("-{word} "));
            // What a user may not run is said in words, by Valkey in others.
            let denied = text.contains("can't run this command") || text.contains("o permissions");
            if denied || REFUSALS.iter().any(word) { Fault::Refused } else { Fault::OneKey }
        }
        _ => Fault::Unknown,
    };
    Unreachable::new(fault, text)
}

/// The slot of a key: CRC-16/XMODEM of what is in its braces.
fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let tag = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(slot("123456789"), 0x31c3);
        assert_eq!(slot("licentia:{123456789}:calls"), 0x31c3);
        assert_eq!(slot("foo{}{bar}"), slot("foo{}{bar}"));
    }
}
