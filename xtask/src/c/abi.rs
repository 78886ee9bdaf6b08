//! The ABI: exactly the documented functions are exported, and C uses them well and badly.

use super::{
    library::{exports, installed, static_library},
    package::Package,
    parts::{PARTS, soname},
    programs::{PROGRAMS, compile, run_program},
    toolchain::work,
};
use crate::command::{Result, command, output, run};

/// Exactly the documented functions are exported, and the C suites pass.
pub(crate) fn check() -> Result {
    let prefix = installed()?;
    exports(&prefix.join("lib"), &PARTS.join(","))?;
    let named = output(command("readelf", &["-d", &prefix.join("lib/liblicentia.so").to_string_lossy()]))?;
    let soname = soname()?;
    if !named.contains(&format!("[{soname}]")) {
        return Err(format!("the shared library has another SONAME than {soname}"));
    }
    let library = static_library(&prefix);
    for (name, arguments) in PROGRAMS {
        let program = compile(name, &[], &library)?;
        run_program(&[&[&*program.to_string_lossy()], arguments].concat(), |_| ())?;
    }
    faults()
}

/// A panic ends at the border also in the libraries that are installed, with the compiler's last word on them.
fn faults() -> Result {
    let prefix = work()?.join("faulty");
    let mut package = Package::at(&prefix);
    package.with_faults = true;
    package.quickly = true;
    package.install()?;
    let static_library = static_library(&prefix);
    run(command(compile("fault", &[], &static_library)?, &[]))?;
    let shared = prefix.join("lib").join(soname()?);
    let mut program = command(compile("fault", &[], &shared.to_string_lossy())?, &[]);
    program.env("LD_LIBRARY_PATH", prefix.join("lib"));
    run(program)
}
