//! Whether denials hold.

/// Whether a gate's denials hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// A denied request is denied.
    #[default]
    Enforce,
    /// Every request is allowed; decisions and events say what would have been denied.
    Advisory,
}
