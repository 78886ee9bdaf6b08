//! The admin address: the live page, metrics and health.
