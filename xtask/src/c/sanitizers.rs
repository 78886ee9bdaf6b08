//! The C programs under the sanitizers of gcc and under Valgrind.

use super::{
    library::{installed, static_library},
    programs::{PROGRAMS, compile, run_program},
};
use crate::{command::Result, tools::system};

/// The C suites under the sanitizers of gcc, under Valgrind.
pub(crate) fn check() -> Result {
    let library = static_library(&installed()?);
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
    // Under ASan, its threads hold SQLite's lock for so long that now and then a child waits for it in vain, and answers
    // STORE_UNREACHABLE. The suite c-abi runs the program as it is.
    for (name, arguments) in PROGRAMS.into_iter().filter(|(name, _)| *name != "fork") {
        let program = compile(name, &flags, &library)?;
        run_program(&[&[&*program.to_string_lossy()], arguments].concat(), |program| {
            program.env("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1");
        })?;
    }
    system::require(&[("valgrind", "valgrind"), ("/usr/lib/debug/.build-id", "libc6-dbg")])?;
    // What a program holds that is thrown through is no leak, nor are the connections of the parent's that a child must
    // leave alone.
    for (name, arguments) in PROGRAMS.into_iter().filter(|(name, _)| !matches!(*name, "throws" | "fork")) {
        let program = compile(name, &[], &library)?;
        let mut words = vec!["valgrind", "-q", "--leak-check=full", "--error-exitcode=9", "--fair-sched=try"];
        words.extend([
            "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect,possible",
            "--suppressions=ffi/tests/valgrind.supp",
        ]);
        let program = program.to_string_lossy();
        words.push(&program);
        words.extend(if name == "threads" { &["4"] } else { arguments });
        run_program(&words, |_| ())?;
    }
    Ok(())
}
