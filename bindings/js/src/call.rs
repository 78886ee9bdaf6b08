//! What JavaScript calls: one function for all, since each would have its price in the module.
//!
//! What is asked for comes as a number, and what it is about as texts, numbers and bytes. The answer is numbers, bytes
//! among them, and never empty; texts are told afterwards. An empty answer is a refusal to do something: what is told
//! then is number, name and message of its [`Code`].

use std::sync::{Mutex, PoisonError};

use licentia_core::Code;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{
    verify, what,
    words::{Told, Words},
};

/// What a call is about.
pub(crate) struct Call<'a> {
    /// A text of any length and content, such as a token.
    pub(crate) subject: &'a str,
    pub(crate) words: Words<'a>,
    pub(crate) numbers: &'a [f64],
    pub(crate) bytes: &'a [u8],
    pub(crate) first: f64,
    pub(crate) second: f64,
}

/// Numbers, or why not.
pub(crate) type Answer = Result<Vec<f64>, Code>;

/// An answer whose numbers say nothing.
pub(crate) fn done() -> Vec<f64> {
    vec![0.0]
}

/// What stays between calls.
struct Kept {
    told: Told,
    #[cfg(feature = "gate")]
    place: crate::gate::Place,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    told: Told::new(),
    #[cfg(feature = "gate")]
    place: crate::gate::Place::new(),
});

/// Does what is asked for; [`what`] has the numbers.
#[wasm_bindgen]
#[allow(clippy::too_many_arguments, reason = "an object would cross field by field")]
pub fn call(
    asked: u32,
    subject: &str,
    words: &str,
    numbers: &[f64],
    bytes: &[u8],
    first: f64,
    second: f64,
) -> Vec<f64> {
    let call = Call { subject, words: Words::of(words), numbers, bytes, first, second };
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = &mut *kept;
    let told = &mut kept.told;
    let answer = match asked {
        what::VERIFY => verify::verify(call, told),
        what::INSPECT => verify::inspect(&call, told),
        #[cfg(feature = "gate")]
        what::CODES..what::CHECK => crate::table::answer(asked, call, told),
        #[cfg(feature = "gate")]
        _ => kept.place.answer(asked, call, told),
        #[cfg(not(feature = "gate"))]
        _ => Err(Code::InvalidArgument),
    };
    answer.unwrap_or_else(|code| {
        told.refusal(code);
        Vec::new()
    })
}

/// The words of the last answer.
#[wasm_bindgen]
pub fn told() -> String {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).told.take()
}
