//! The parameters of statements.

/// The parameters of a statement, from anything that becomes a [`licentia_issuer::sql::Value`].
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$(licentia_issuer::sql::Value::from($value)),*] };
}
pub(crate) use values;
