//! How JavaScript and the module exchange values: numbers, words and one call.

pub(crate) mod call;
pub(crate) mod numbers;
pub(crate) mod words;

const _: () = {
    use licentia_core::limits;
    assert!(numbers::limit::TOKEN_TEXT as usize == limits::TOKEN_TEXT);
    assert!(numbers::limit::PROOF_TEXT as usize > limits::TOKEN_TEXT);
    assert!(numbers::limit::PROOF_TEXT as usize > limits::URI_BYTES);
};
