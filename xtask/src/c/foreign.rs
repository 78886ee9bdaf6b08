//! Languages without a binding of their own.

use super::{library::installed, parts::soname};
use crate::{
    command::{Result, command, run},
    tools::system,
};

/// Languages that there is no binding for call the library through its ABI alone.
pub(crate) fn check() -> Result {
    let library = installed()?.join("lib").join(soname()?);
    system::require(&[("python3", "python3"), ("luajit", "luajit"), ("ruby", "ruby")])?;
    for (program, script) in
        [("python3", "call.py"), ("python3", "misuse.py"), ("luajit", "call.lua"), ("ruby", "call.rb")]
    {
        let script = format!("ffi/tests/foreign/{script}");
        run(command(program, &[&script, &library.to_string_lossy(), "include/licentia.h"]))?;
    }
    Ok(())
}
