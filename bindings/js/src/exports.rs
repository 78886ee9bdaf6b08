//! What the module exports: one function for all operations, since each exported function adds glue.

use std::sync::{Mutex, PoisonError};

use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(feature = "gate")]
use crate::{gate::Instance, holder, http, text};
use crate::{
    port::{
        call::Call,
        numbers::operation,
        words::{Told, Words},
    },
    verify,
};

/// The state between calls.
struct Module {
    told: Told,
    #[cfg(feature = "gate")]
    instance: Instance,
}

static MODULE: Mutex<Module> = Mutex::new(Module {
    told: Told::new(),
    #[cfg(feature = "gate")]
    instance: Instance::new(),
});

/// Runs an operation of [`operation`]. The answer is a list of numbers; [`told`] returns the texts that belong to it.
///
/// An empty answer is a refusal: [`told`] then returns number, name and message of a [`licentia_core::Code`].
#[wasm_bindgen]
#[allow(clippy::too_many_arguments, reason = "an object would cross field by field")]
pub fn call(
    operation: u32,
    subject: &str,
    words: &str,
    numbers: &[f64],
    bytes: &[u8],
    first: f64,
    second: f64,
) -> Vec<f64> {
    let call = Call { subject, words: Words::of(words), numbers, bytes, first, second };
    let mut module = MODULE.lock().unwrap_or_else(PoisonError::into_inner);
    let module = &mut *module;
    let told = &mut module.told;
    let answer = match operation {
        operation::VERIFY => verify::verify(call, told),
        operation::INSPECT => verify::inspect(&call, told),
        #[cfg(feature = "gate")]
        operation::CODES => Ok(text::codes(told)),
        #[cfg(feature = "gate")]
        operation::DECODE_LICENSE => text::decode_license(&call),
        #[cfg(feature = "gate")]
        operation::ENCODE_LICENSE => Ok(text::encode_license(&call, told)),
        #[cfg(feature = "gate")]
        operation::READ_KEY => text::read_key(&call),
        #[cfg(feature = "gate")]
        operation::PERIOD_WINDOW => text::period_window(&call),
        #[cfg(feature = "gate")]
        operation::BUNDLE_MARK => Ok(text::bundle_mark(&call, told)),
        #[cfg(feature = "gate")]
        operation::PROVE => holder::prove(call),
        #[cfg(feature = "gate")]
        operation::HOLDER_KEY => holder::holder_key(&call),
        #[cfg(feature = "gate")]
        operation::HTTP_STATUS => http::status(&call),
        #[cfg(feature = "gate")]
        operation::HTTP_FIELDS => http::fields(call, told),
        #[cfg(feature = "gate")]
        operation::BEARER => Ok(http::bearer(&call, told)),
        #[cfg(feature = "gate")]
        operation::PROOF_FIELD => Ok(http::proof_field(&call, told)),
        #[cfg(feature = "gate")]
        _ => module.instance.call(operation, call, told),
        #[cfg(not(feature = "gate"))]
        _ => Err(licentia_core::Code::InvalidArgument),
    };
    answer.unwrap_or_else(|code| {
        told.refusal(code);
        Vec::new()
    })
}

/// The texts of the last answer, separated by U+0000.
#[wasm_bindgen]
pub fn told() -> String {
    MODULE.lock().unwrap_or_else(PoisonError::into_inner).told.take()
}
