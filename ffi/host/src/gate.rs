//! The gate of an instance, what waits for its store, and what is reserved.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use licentia::{
    Decision, Gate, GateBuilder, Key, Mode, Now, Question, Reservation, Seat,
    store::{Answer, Fault, Hosted, Memory, Op, Store, Unreachable},
};
use licentia_core::{Code, revocation::Bundle};

use crate::{
    decision, entropy,
    number::{gate_flag as flag, operation},
    question::{self, Asked as StoreAsked},
    record::{NONE, Reader, Writer},
    refusal::Refusal,
    request::Asked,
    token,
};

/// How many tokens a gate caches by default. It is small, since a host runs many instances.
const CACHE_CAPACITY: usize = 4096;
/// What a check answers that waits for the store.
const PENDING: u8 = 1;
/// What a check answers that has a decision.
const DECIDED: u8 = 0;

/// A decision that was waiting, and what it reserved.
type Decided = (Vec<u8>, Option<Reservation>);

/// A decision that waits for answers.
struct Waiting {
    number: u32,
    future: Pin<Box<dyn Future<Output = Decided> + Send>>,
}

/// The gate of an instance.
#[derive(Default)]
pub(crate) struct Instance {
    gate: Option<Arc<Gate>>,
    /// The store if the host asks it.
    hosted: Option<Arc<Hosted>>,
    memory: Arc<Memory>,
    /// Counts what has a number.
    numbers: u32,
    waiting: Vec<Waiting>,
    questions: Vec<(u32, Question)>,
    reservations: Vec<(u32, Reservation)>,
}

impl Instance {
    /// Runs an operation; see [`operation`].
    pub(crate) fn run(
        &mut self,
        number: u32,
        reader: &mut Reader<'_>,
        now: Now,
        out: &mut Writer,
    ) -> Result<(), Refusal> {
        match number {
            operation::SEED => entropy::seed(reader.array()?),
            operation::BUILD => self.build(reader)?,
            operation::CHECK => self.check(reader, now, out)?,
            operation::RESERVE => self.reserve(reader, now, out)?,
            operation::SEAT => self.seat(reader, now, out)?,
            operation::LOAD_KEYSET => {
                let loaded = self.gate()?.load_keyset(reader.bytes()?);
                out.u8(u8::from(loaded.map_err(|error| Refusal::new(error.code(), &error))?));
            }
            operation::LOAD_REVOCATION => self.load_revocation(reader.bytes()?, out)?,
            operation::COMMIT => self.commit(reader)?,
            operation::CANCEL_RESERVATION => drop(self.reservation(reader.u32()?)?),
            operation::CANCEL => {
                let number = reader.u32()?;
                self.waiting.retain(|waiting| waiting.number != number);
            }
            // What cannot go back now stays, and is told by the questions.
            operation::SETTLE => drop(self.gate()?.settle()),
            operation::BUNDLE_IN_USE => {
                let (issuer, stream) = (reader.text()?, reader.u64()?);
                let used = self.gate()?.stream_revocation(issuer, stream);
                out.u8(u8::from(used.is_some()));
                if let Some(used) = used {
                    out.u64(used.sequence);
                    out.u64(used.issued_at.as_seconds());
                }
            }
            operation::QUESTIONS => self.questions(now, out)?,
            operation::ANSWERS => self.answers(reader, now, out)?,
            operation::ASK_SEAT => self.ask_seat(reader, now, out)?,
            operation::BRING_SEAT => {
                let seats = question::read_answer(reader)?.and_then(|answer| match answer {
                    Answer::Seats(seats) => Ok(seats),
                    _ => Err(Unreachable::new(Fault::NotSent, "the host answered another question")),
                });
                self.hosted().bring_seat(seats);
            }
            operation::CHANGED_MARKS => {
                let hosted = self.hosted();
                let changed = hosted.changed();
                out.count(changed.len());
                for name in changed {
                    // A store in memory loads without failing.
                    let value = hosted.load(&name).ok().flatten().unwrap_or_default();
                    out.text(&name);
                    out.data(&value);
                }
            }
            operation::BRING_MARK => self.hosted().bring_mark(reader.text()?, reader.bytes()?),
            operation::STORE => self.store(reader, out)?,
            _ if token::run(number, reader, now, out)? => {}
            _ => return Err(Code::InvalidArgument.into()),
        }
        Ok(())
    }

    fn gate(&self) -> Result<&Arc<Gate>, Code> {
        self.gate.as_ref().ok_or(Code::InvalidArgument)
    }

    /// The store that the host asks. Marks are brought to it before the gate is built.
    fn hosted(&mut self) -> &Arc<Hosted> {
        self.hosted.get_or_insert_default()
    }

    fn next_number(&mut self) -> u32 {
        self.numbers = self.numbers.wrapping_add(1).max(1);
        self.numbers
    }

    /// Flags (4 bytes), the parts that they name, the number of keys (1 byte), and the keys' texts.
    fn build(&mut self, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        let flags = reader.u32()?;
        let has = |flag: u32| flags & flag != 0;
        let size = |number: u64| usize::try_from(number).map_err(|_| Code::InvalidArgument);
        let store: Arc<dyn Store> =
            if has(flag::HOSTED) { self.hosted().clone() } else { self.memory.clone() };
        let mut builder = GateBuilder::with_store(store).cache_capacity(CACHE_CAPACITY);
        builder = builder.share_rates(has(flag::SHARE_RATES)).prefetch(!has(flag::NO_PREFETCH));
        if has(flag::ADVISORY) {
            builder = builder.mode(Mode::Advisory);
        }
        if has(flag::ISSUER) {
            builder = builder.issuer(reader.text()?);
        }
        if has(flag::AUDIENCE) {
            builder = builder.audience(reader.text()?);
        }
        if has(flag::KEYSET) {
            let root = Key::from_text(reader.text()?).map_err(|code| Refusal::of(&"the root key", code))?;
            builder = builder.keyset(root, reader.bytes()?);
        }
        if has(flag::REQUIRE_REVOCATION) {
            builder = builder.require_revocation();
        }
        if has(flag::SKEW) {
            builder = builder.skew(reader.u64()?);
        }
        if has(flag::PROOF_AGE) {
            builder = builder.proof_age(reader.u64()?);
        }
        if has(flag::REPLAY_CAPACITY) {
            builder = builder.replay_capacity(size(reader.u64()?)?);
        }
        if has(flag::CACHE_CAPACITY) {
            builder = builder.cache_capacity(size(reader.u64()?)?);
        }
        if has(flag::KEY_TABLE_BYTES) {
            builder = builder.prepare_keys(size(reader.u64()?)?);
        }
        if has(flag::NONCE_SECRET) {
            builder = builder.nonce_secret(*reader.array()?);
        }
        if has(flag::REQUIRE_PROOF_NONCE) {
            builder = builder.require_proof_nonce();
        }
        for at in 1..=reader.u8()? {
            let key = Key::from_text(reader.text()?);
            builder = builder.key(key.map_err(|code| Refusal::of(&format_args!("key {at}"), code))?);
        }
        self.gate = Some(Arc::new(builder.build().map_err(|error| Refusal::new(error.code(), &error))?));
        Ok(())
    }

    /// A bundle. Returns 0 if it is the one in use, 1 for a whole one, 2 for a delta.
    fn load_revocation(&self, bytes: &[u8], out: &mut Writer) -> Result<(), Refusal> {
        let loaded =
            self.gate()?.load_revocation(bytes).map_err(|error| Refusal::new(error.code(), &error))?;
        let delta = || Bundle::inspect(bytes).is_ok_and(|(bundle, _)| bundle.base().is_some());
        out.u8(if loaded { 1 + u8::from(delta()) } else { 0 });
        Ok(())
    }

    /// A request. Returns 0 and a decision; or 1 and the number of a decision that waits, if the host asks the store.
    fn check(&mut self, reader: &mut Reader<'_>, now: Now, out: &mut Writer) -> Result<(), Refusal> {
        let record = reader.rest();
        let mut reader = Reader::new(record);
        let asked = Asked::read(&mut reader)?;
        reader.end()?;
        let gate = self.gate()?;
        let request = asked.request();
        if gate.may_wait(asked.token, &request, now) {
            let gate = Arc::clone(gate);
            self.wait(gate, record.to_vec(), now, false, out);
            return Ok(());
        }
        out.u8(DECIDED);
        decision::write(&gate.check(asked.token, &request, now), asked.flags, out);
        Ok(())
    }

    /// As [`Instance::check`]; behind a decision that was made at once follows the number of its reservation, or 0.
    fn reserve(&mut self, reader: &mut Reader<'_>, now: Now, out: &mut Writer) -> Result<(), Refusal> {
        let record = reader.rest();
        let mut reader = Reader::new(record);
        let asked = Asked::read(&mut reader)?;
        reader.end()?;
        let gate = Arc::clone(self.gate()?);
        if gate.may_wait(asked.token, &asked.request(), now) {
            self.wait(gate, record.to_vec(), now, true, out);
            return Ok(());
        }
        let request = asked.request();
        let (decided, reservation) = gate.reserve(asked.token, &request, now);
        out.u8(DECIDED);
        decision::write(&decided, asked.flags, out);
        self.keep(reservation, out);
        Ok(())
    }

    fn keep(&mut self, reservation: Option<Reservation>, out: &mut Writer) {
        let number = reservation.map_or(0, |reservation| {
            let number = self.next_number();
            self.reservations.push((number, reservation));
            number
        });
        out.u32(number);
    }

    /// Makes a decision that waits for the store.
    fn wait(&mut self, gate: Arc<Gate>, record: Vec<u8>, now: Now, reserve: bool, out: &mut Writer) {
        let mut future: Pin<Box<dyn Future<Output = Decided> + Send>> = Box::pin(async move {
            let mut out = Writer::default();
            // It was read before.
            let Ok(asked) = Asked::read(&mut Reader::new(&record)) else { return (Vec::new(), None) };
            let request = asked.request();
            let (decided, reservation) = if reserve {
                gate.reserve_async(asked.token, &request, now).await
            } else {
                (gate.check_async(asked.token, &request, now).await, None)
            };
            decision::write(&decided, asked.flags, &mut out);
            (out.bytes().to_vec(), reservation)
        });
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready((bytes, reservation)) => {
                out.u8(DECIDED);
                out.raw(&bytes);
                if reserve {
                    self.keep(reservation, out);
                }
            }
            Poll::Pending => {
                let number = self.next_number();
                self.waiting.push(Waiting { number, future });
                out.u8(PENDING);
                out.u32(number);
            }
        }
    }

    /// A request, the holder, and seconds to live. Returns a decision, and until when the seat is held or none. If the
    /// host asks the store, it asks [`operation::ASK_SEAT`] and brings the answer first.
    fn seat(&self, reader: &mut Reader<'_>, now: Now, out: &mut Writer) -> Result<(), Refusal> {
        let asked = Asked::read(reader)?;
        let (holder, ttl) = (reader.text()?, reader.u64()?);
        let (gate, request) = (self.gate()?, asked.request());
        let (decided, seat): (Decision<'_>, _) =
            Seat::check_out(gate, asked.token, holder, ttl, &request, now);
        out.u8(DECIDED);
        decision::write(&decided, asked.flags, out);
        out.u64(seat.map_or(NONE, |seat| seat.until().as_seconds()));
        Ok(())
    }

    /// As [`Instance::seat`]. Returns 1 and the question, or 0 if the store need not be asked.
    fn ask_seat(&self, reader: &mut Reader<'_>, now: Now, out: &mut Writer) -> Result<(), Refusal> {
        let asked = Asked::read(reader)?;
        let seat = (reader.text()?, reader.u64()?);
        let mut question = Writer::default();
        let found = self.gate()?.ask_seat(asked.token, seat, &asked.request(), now, |ask| {
            question::write_seat(&mut question, ask);
        });
        out.u8(u8::from(found.is_some()));
        out.raw(question.bytes());
        Ok(())
    }

    fn reservation(&mut self, number: u32) -> Result<Reservation, Code> {
        let at = self.reservations.iter().position(|(kept, _)| *kept == number);
        Ok(self.reservations.swap_remove(at.ok_or(Code::InvalidArgument)?).1)
    }

    /// The number of a reservation, the number of meters (1 byte), and what each did cost: name, units. If the host asks
    /// the store, what became of a job is the answer to the question that follows.
    fn commit(&mut self, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        let number = reader.u32()?;
        let mut actual = Vec::new();
        for _ in 0..reader.u8()? {
            actual.push((reader.text()?, reader.u64()?));
        }
        match self.reservation(number)?.commit(&actual) {
            Err(Code::StoreUnreachable) if self.hosted.is_some() => Ok(()),
            done => Ok(done?),
        }
    }

    /// Returns the number of questions, and the number and the record (behind its length) of each.
    fn questions(&mut self, now: Now, out: &mut Writer) -> Result<(), Refusal> {
        let gate = Arc::clone(self.gate()?);
        let mut refused = Vec::new();
        let mut asked = Vec::new();
        for question in gate.take_questions(now) {
            let mut record = Writer::default();
            match question::write(&mut record, &question.op()) {
                Ok(()) => asked.push((self.next_number(), record, question)),
                Err(error) => refused.push((question, Err(error))),
            }
        }
        gate.bring_answers(refused);
        out.count(asked.len());
        for (number, record, question) in asked {
            out.u32(number);
            out.data(record.bytes());
            self.questions.push((number, question));
        }
        Ok(())
    }

    /// The number of answers (4 bytes), and of each the number of its question, and what it says. Returns the number of
    /// decisions that have come of it; of each its number, the decision behind its length, and the number of its
    /// reservation or 0; and the questions that follow, as [`Instance::questions`] does.
    fn answers(&mut self, reader: &mut Reader<'_>, now: Now, out: &mut Writer) -> Result<(), Refusal> {
        let gate = Arc::clone(self.gate()?);
        let mut answers = Vec::new();
        for _ in 0..reader.u32()? {
            let (number, answer) = (reader.u32()?, question::read_answer(reader)?);
            let at = self.questions.iter().position(|(asked, _)| *asked == number);
            answers.push((self.questions.swap_remove(at.ok_or(Code::InvalidArgument)?).1, answer));
        }
        gate.bring_answers(answers);
        let mut decided = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        self.waiting.retain_mut(|waiting| match waiting.future.as_mut().poll(&mut context) {
            Poll::Ready(made) => {
                decided.push((waiting.number, made));
                false
            }
            Poll::Pending => true,
        });
        out.count(decided.len());
        for (number, (bytes, reservation)) in decided {
            out.u32(number);
            out.data(&bytes);
            self.keep(reservation, out);
        }
        self.questions(now, out)
    }

    /// A question. Returns the answer of the store in the module's memory.
    fn store(&self, reader: &mut Reader<'_>, out: &mut Writer) -> Result<(), Refusal> {
        let answer = match question::read(reader)? {
            StoreAsked::Op(op) => {
                let answer = self.memory.batch(std::slice::from_ref::<Op<'_>>(&op)).pop();
                answer.unwrap_or_else(|| Err(Unreachable::new(Fault::NotSent, "the store did not answer")))
            }
            StoreAsked::ReleaseSeat(account, holder) => {
                self.memory.release_seat(&account, holder).map(|()| Answer::GaveBack)
            }
        };
        question::write_answer(out, &answer);
        Ok(())
    }
}
