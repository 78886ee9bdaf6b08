//! Tables of terms: mappings of Python as the values of TOML that the issuer reads.

use pyo3::{
    intern,
    prelude::*,
    types::{PyBool, PyInt, PyList, PyString, PyTuple},
};

use crate::{
    convert::{is_datetime, time},
    error::{invalid, wrong_type},
    key::public_key::Key,
};

/// A value as a catalogue has it: a table, a list, a text, a number, a boolean or a time.
pub(crate) fn table(given: &Bound<'_, PyAny>) -> PyResult<toml::Value> {
    let py = given.py();
    if let Ok(flag) = given.cast::<PyBool>() {
        return Ok(toml::Value::Boolean(flag.is_true()));
    }
    if given.is_instance_of::<PyInt>() {
        let number = given.extract().map_err(|_| invalid("a number is at most 2^53 - 1"))?;
        return Ok(toml::Value::Integer(number));
    }
    if let Ok(text) = given.cast::<PyString>() {
        return Ok(toml::Value::String(text.to_str()?.to_owned()));
    }
    if given.is_instance_of::<Key>() {
        return Ok(toml::Value::String(given.str()?.to_str()?.to_owned()));
    }
    if is_datetime(given)? {
        return Ok(toml::Value::String(time(given)?.as_seconds().to_string()));
    }
    if let Ok(items) = given.call_method0(intern!(py, "items")) {
        let pair = |item: PyResult<Bound<'_, PyAny>>| {
            let (name, value) = item?.extract::<(String, Bound<'_, PyAny>)>()?;
            Ok((name, table(&value)?))
        };
        return items.try_iter()?.map(pair).collect::<PyResult<_>>().map(toml::Value::Table);
    }
    if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
        let items = given.try_iter()?.map(|item| table(&item?));
        return items.collect::<PyResult<_>>().map(toml::Value::Array);
    }
    Err(wrong_type("True, a whole number, a text, a time, a dict or a list", given))
}

/// Reads a table into a type of the issuer's.
pub(crate) fn read<T: serde::de::DeserializeOwned>(given: &Bound<'_, PyAny>) -> PyResult<T> {
    table(given)?.try_into().map_err(|error: toml::de::Error| invalid(error.message()))
}
