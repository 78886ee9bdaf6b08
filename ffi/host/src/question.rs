//! Questions to a store and their answers, as they cross in both directions.
//!
//! A question is its kind (1 byte; [`question`]), the account (8 bytes of the issuer's hash, 16 of the lineage), and:
//!
//! | kind | what follows |
//! |---|---|
//! | take | cell, turn, need, want, limit |
//! | give back | cell, turn, units |
//! | resolve | cell, turn |
//! | charge job | the job, 1 if it is held, the number of parts (1 byte), and of each: cell, cost, limit |
//! | finish job | the job, how (1 byte: commit, cancel, refund), the parts: cell, attempt, units |
//! | rate | name, interval (16 bytes), burst, need, want |
//! | seat | holder, time to live, limit, now |
//! | release seat | holder |
//!
//! A cell is the meter, start and end (none for life), and when it may be forgotten (none for never). A turn is the
//! taker (16 bytes) and its sequence, which is 0 if there is none.

use licentia::{
    Code, Timestamp, Window,
    store::{
        Answer, Became, Cell, Fault, Finish, FinishPart, JobAsk, JobCharged, JobFinish, JobPart, Op, Outcome,
        PartCharged, PartDone, RateTaken, SeatAsk, Seats, Taken, Taker, Turn, Unreachable,
    },
};
use licentia_core::AccountId;

use crate::{
    number::{answer, question},
    record::{Reader, Writer},
};

#[allow(clippy::cast_possible_truncation, reason = "kinds are small")]
fn kind(out: &mut Writer, number: u32) {
    out.u8(number as u8);
}

fn account(out: &mut Writer, account: &AccountId) {
    out.raw(&account.issuer());
    out.raw(account.lineage().as_bytes());
}

fn cell(out: &mut Writer, cell: &Cell<'_>) {
    out.text(cell.meter);
    out.u64(cell.window.start.as_seconds());
    out.optional(cell.window.end.map(Timestamp::as_seconds));
    out.optional(cell.forgotten());
}

fn turn(out: &mut Writer, turn: Option<&Turn>) {
    if let Some(Turn { taker, sequence }) = turn {
        out.raw(taker.as_bytes());
        out.u64(*sequence);
    } else {
        out.raw(&[0; 16]);
        out.u64(0);
    }
}

fn parts(out: &mut Writer, count: usize) {
    out.u8(u8::try_from(count).unwrap_or(u8::MAX));
}

/// Writes a question about a seat.
pub(crate) fn write_seat(out: &mut Writer, ask: &SeatAsk<'_>) {
    kind(out, question::SEAT);
    account(out, &ask.account);
    out.text(ask.holder);
    out.u64(ask.ttl);
    out.u64(ask.limit);
    out.u64(ask.now);
}

/// Writes a question. A kind that is newer than this file cannot be asked, and is answered here.
pub(crate) fn write(out: &mut Writer, op: &Op<'_>) -> Result<(), Unreachable> {
    match op {
        Op::Take { cell: of, by, need, want, limit } => {
            kind(out, question::TAKE);
            account(out, &of.account);
            cell(out, of);
            turn(out, by.as_ref());
            out.u64(*need);
            out.u64(*want);
            out.u64(*limit);
        }
        Op::GiveBack { cell: of, by, units } => {
            kind(out, question::GIVE_BACK);
            account(out, &of.account);
            cell(out, of);
            turn(out, by.as_ref());
            out.u64(*units);
        }
        Op::Resolve { cell: of, by } => {
            kind(out, question::RESOLVE);
            account(out, &of.account);
            cell(out, of);
            turn(out, Some(by));
        }
        Op::ChargeJob(JobAsk { job, held, parts: asked }) => {
            kind(out, question::CHARGE_JOB);
            account(out, &first(asked.first().map(|part| &part.cell))?);
            out.text(job);
            out.u8(u8::from(*held));
            parts(out, asked.len());
            for part in asked {
                cell(out, &part.cell);
                out.u64(part.cost);
                out.u64(part.limit);
            }
        }
        Op::FinishJob(JobFinish { job, how, parts: asked }) => {
            kind(out, question::FINISH_JOB);
            account(out, &first(asked.first().map(|part| &part.cell))?);
            out.text(job);
            out.u8(match how {
                Finish::Commit => 0,
                Finish::Cancel => 1,
                Finish::Refund => 2,
            });
            parts(out, asked.len());
            for part in asked {
                cell(out, &part.cell);
                out.u64(part.attempt);
                out.u64(part.units);
            }
        }
        Op::Rate(ask) => {
            kind(out, question::RATE);
            account(out, &ask.account);
            out.text(ask.name);
            out.raw(&ask.gcra.interval().to_le_bytes());
            out.u64(ask.gcra.burst());
            out.u64(ask.need);
            out.u64(ask.want);
        }
        Op::Seat(ask) => write_seat(out, ask),
        _ => return Err(unknown()),
    }
    Ok(())
}

fn unknown() -> Unreachable {
    Unreachable::new(Fault::NotSent, "the host does not know this operation")
}

fn first(cell: Option<&Cell<'_>>) -> Result<AccountId, Unreachable> {
    cell.map(|cell| cell.account).ok_or_else(unknown)
}

/// A question that was read: an operation, or a seat to be given back.
pub(crate) enum Asked<'a> {
    Op(Op<'a>),
    ReleaseSeat(AccountId, &'a str),
}

fn read_cell<'a>(reader: &mut Reader<'a>, account: AccountId) -> Result<Cell<'a>, Code> {
    let meter = reader.text()?;
    let (start, end) = (reader.u64()?, reader.optional()?);
    reader.optional()?;
    Ok(Cell { account, meter, window: Window { start: start.into(), end: end.map(Into::into) } })
}

fn read_turn(reader: &mut Reader<'_>) -> Result<Option<Turn>, Code> {
    let (taker, sequence) = (reader.array()?, reader.u64()?);
    Ok((sequence > 0).then_some(Turn { taker: Taker::from_bytes(*taker), sequence }))
}

/// Reads a question for the store in the module's memory, which shares no rates.
pub(crate) fn read<'a>(reader: &mut Reader<'a>) -> Result<Asked<'a>, Code> {
    let kind = u32::from(reader.u8()?);
    let (issuer, lineage) = (reader.array()?, reader.array::<16>()?);
    let account = AccountId::of_hash(*issuer, (*lineage).into());
    let op = match kind {
        question::TAKE => {
            let (cell, by) = (read_cell(reader, account)?, read_turn(reader)?);
            Op::Take { cell, by, need: reader.u64()?, want: reader.u64()?, limit: reader.u64()? }
        }
        question::GIVE_BACK => {
            let (cell, by) = (read_cell(reader, account)?, read_turn(reader)?);
            Op::GiveBack { cell, by, units: reader.u64()? }
        }
        question::RESOLVE => {
            let cell = read_cell(reader, account)?;
            Op::Resolve { cell, by: read_turn(reader)?.ok_or(Code::InvalidArgument)? }
        }
        question::CHARGE_JOB => {
            let (job, held) = (reader.text()?, reader.u8()? == 1);
            let mut parts = Vec::new();
            for _ in 0..reader.u8()? {
                let cell = read_cell(reader, account)?;
                parts.push(JobPart { cell, cost: reader.u64()?, limit: reader.u64()? });
            }
            Op::ChargeJob(JobAsk { job, held, parts })
        }
        question::FINISH_JOB => {
            let job = reader.text()?;
            let how = match reader.u8()? {
                0 => Finish::Commit,
                1 => Finish::Cancel,
                2 => Finish::Refund,
                _ => return Err(Code::InvalidArgument),
            };
            let mut parts = Vec::new();
            for _ in 0..reader.u8()? {
                let cell = read_cell(reader, account)?;
                parts.push(FinishPart { cell, attempt: reader.u64()?, units: reader.u64()? });
            }
            Op::FinishJob(JobFinish { job, how, parts })
        }
        question::SEAT => {
            let (holder, ttl) = (reader.text()?, reader.u64()?);
            Op::Seat(SeatAsk { account, holder, ttl, limit: reader.u64()?, now: reader.u64()? })
        }
        question::RELEASE_SEAT => return Ok(Asked::ReleaseSeat(account, reader.text()?)),
        _ => return Err(Code::InvalidArgument),
    };
    Ok(Asked::Op(op))
}

/// Writes an answer: its kind (1 byte; [`answer`]), and what it says.
pub(crate) fn write_answer(out: &mut Writer, said: &Result<Answer, Unreachable>) {
    match said {
        Err(error) => {
            kind(out, answer::FAILED);
            out.u8(match error.fault() {
                Fault::OneKey => 1,
                Fault::Refused => 2,
                Fault::Unknown => 3,
                // `Fault` is non-exhaustive.
                _ => 0,
            });
            out.shown(error);
        }
        Ok(Answer::Taken(Taken { units, total })) => {
            kind(out, answer::TAKEN);
            out.u64(*units);
            out.u64(*total);
        }
        Ok(Answer::Became(became)) => {
            kind(out, answer::BECAME);
            let (number, units) = match became {
                Became::New => (0, 0),
                Became::Again(units) => (1, *units),
                Became::Late => (2, 0),
            };
            out.u8(number);
            out.u64(units);
        }
        Ok(Answer::Charged(JobCharged { outcome, parts: charged })) => {
            kind(out, answer::CHARGED);
            let (number, place) = match outcome {
                Outcome::Refused(place) => (0, *place),
                Outcome::Charged => (1, 0),
                Outcome::Before => (2, 0),
                Outcome::CostDiffers(place) => (3, *place),
            };
            out.u8(number);
            parts(out, place);
            parts(out, charged.len());
            for part in charged {
                out.u64(part.total);
                out.u8(u8::from(part.fresh));
                out.optional(part.attempt);
            }
        }
        Ok(Answer::Finished(done)) => {
            kind(out, answer::FINISHED);
            parts(out, done.len());
            for part in done {
                out.u8(u8::from(part.done));
                out.u64(part.total);
                out.u64(part.refunded);
                out.u64(part.units);
            }
        }
        Ok(Answer::Rate(taken)) => {
            kind(out, answer::RATE);
            out.u64(taken.units);
            out.u64(taken.remaining);
            out.u64(taken.reset);
            out.optional(taken.retry_after);
        }
        Ok(Answer::Seats(seats)) => {
            kind(out, answer::SEATS);
            out.u8(u8::from(seats.granted));
            out.u64(seats.taken);
            out.optional(seats.next_free);
        }
        Ok(_) => kind(out, answer::DONE),
    }
}

/// Reads an answer of the host's store.
pub(crate) fn read_answer(reader: &mut Reader<'_>) -> Result<Result<Answer, Unreachable>, Code> {
    Ok(Ok(match u32::from(reader.u8()?) {
        answer::FAILED => {
            let fault = match reader.u8()? {
                1 => Fault::OneKey,
                2 => Fault::Refused,
                3 => Fault::Unknown,
                _ => Fault::NotSent,
            };
            return Ok(Err(Unreachable::new(fault, reader.text()?.to_owned())));
        }
        answer::TAKEN => Answer::Taken(Taken { units: reader.u64()?, total: reader.u64()? }),
        answer::DONE => Answer::GaveBack,
        answer::BECAME => Answer::Became(match (reader.u8()?, reader.u64()?) {
            (0, _) => Became::New,
            (1, units) => Became::Again(units),
            _ => Became::Late,
        }),
        answer::CHARGED => {
            let (number, place) = (reader.u8()?, usize::from(reader.u8()?));
            let outcome = match number {
                0 => Outcome::Refused(place),
                1 => Outcome::Charged,
                2 => Outcome::Before,
                3 => Outcome::CostDiffers(place),
                _ => return Err(Code::InvalidArgument),
            };
            let mut parts = Vec::new();
            for _ in 0..reader.u8()? {
                let (total, fresh) = (reader.u64()?, reader.u8()? == 1);
                parts.push(PartCharged { total, fresh, attempt: reader.optional()? });
            }
            Answer::Charged(JobCharged { outcome, parts })
        }
        answer::FINISHED => {
            let mut parts = Vec::new();
            for _ in 0..reader.u8()? {
                let (done, total) = (reader.u8()? == 1, reader.u64()?);
                parts.push(PartDone { done, total, refunded: reader.u64()?, units: reader.u64()? });
            }
            Answer::Finished(parts)
        }
        answer::RATE => Answer::Rate(RateTaken {
            units: reader.u64()?,
            remaining: reader.u64()?,
            reset: reader.u64()?,
            retry_after: reader.optional()?,
        }),
        answer::SEATS => Answer::Seats(Seats {
            granted: reader.u8()? == 1,
            taken: reader.u64()?,
            next_free: reader.optional()?,
        }),
        _ => return Err(Code::InvalidArgument),
    }))
}
