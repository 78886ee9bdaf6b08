//! The C ABI: its header, what it exports, and the suites that use it from C and from other languages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    command::{self, Result, cargo, command, output, root, run, target_folder},
    package::{PARTS, Package},
    tools,
};

const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_POSIX_C_SOURCE=200809L"];
/// Programs that can be given a folder of their own, one line each: source, arguments.
const SUITES: [(&str, &[&str]); 4] =
    [("vectors", &["tests/vectors"]), ("abi", &["target/c"]), ("wrapper", &[]), ("threads", &["60"])];

/// Makes the header and the list of symbols anew.
pub(crate) fn write_header() -> Result {
    make_header(&root())
}

fn make_header(to: &Path) -> Result {
    run(cargo(&["run", "--quiet", "--locked", "-p", "licentia-header", "--", &to.to_string_lossy()]))
}

/// The header is what its generator makes, and C and C++ take it with and without each part.
pub(crate) fn header() -> Result {
    let fresh = root().join("target/header");
    make_header(&fresh)?;
    for name in ["include/licentia.h", "include/licentia_bare.h", "ffi/symbols.txt"] {
        let read = |folder: &Path| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
        if read(&root())? != read(&fresh)? {
            return Err(format!("{name} is outdated; run `cargo xtask header` and look at the change"));
        }
    }
    needs()?;
    let folder = work()?;
    let without: Vec<String> =
        PARTS.iter().map(|part| format!("-DLICENTIA_NO_{}", part.to_uppercase())).collect();
    let sets: [Vec<&str>; 4] =
        [vec![], vec![&without[0]], vec![&without[1]], without.iter().map(String::as_str).collect()];
    let mut compiled = 0;
    for (compiler, header, standards) in [
        ("gcc", "licentia.h", &["c99", "c11", "c17"][..]),
        ("gcc", "licentia_bare.h", &["c99", "c11", "c17"]),
        ("g++", "licentia_bare.h", &["c++17"]),
        ("g++", "licentia.h", &["c++17", "c++20"]),
        ("g++", "licentia.hpp", &["c++17", "c++20"]),
    ] {
        let source = folder.join(if compiler == "gcc" { "header.c" } else { "header.cc" });
        let text = format!(
            "#include <{header}>\n#include <{header}>\nint main(void) {{ return LICENTIA_OK == 0; }}\n"
        );
        fs::write(&source, text).map_err(|error| error.to_string())?;
        for standard in standards {
            for set in &sets {
                let standard = format!("-std={standard}");
                let mut arguments = vec![&*standard, "-fsyntax-only", "-Iinclude"];
                arguments.extend(STRICT);
                if compiler == "g++" {
                    arguments.extend(["-fno-exceptions", "-fno-rtti"]);
                }
                arguments.extend(set);
                let source = source.to_string_lossy();
                arguments.push(&source);
                run(command(compiler, &arguments))?;
                compiled += 1;
            }
        }
    }
    println!("{compiled} ways to compile the headers");
    documented(&folder)
}

/// The code of `docs/c.md` compiles.
fn documented(folder: &Path) -> Result {
    let page = fs::read_to_string(root().join("docs/c.md")).map_err(|error| error.to_string())?;
    let code = page
        .split("```c\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .ok_or("docs/c.md has no code")?;
    let source = folder.join("documented.c");
    fs::write(&source, code).map_err(|error| error.to_string())?;
    let source = source.to_string_lossy();
    let flags = ["-std=c99", "-fsyntax-only", "-Iinclude", "-Wno-unused-function", &source];
    run(command("gcc", &[&STRICT[..], &flags].concat()))
}

/// The functions of the list whose part is among the features.
pub(crate) fn symbols(features: &str) -> Result<Vec<String>> {
    let list = fs::read_to_string(root().join("ffi/symbols.txt")).map_err(|error| error.to_string())?;
    let there =
        |line: &&str| line.split_once(' ').is_none_or(|(_, part)| features.split(',').any(|one| one == part));
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    Ok(list.lines().filter(there).map(name).collect())
}

fn work() -> Result<PathBuf> {
    let folder = root().join("target/c");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// Installs what the suites are compiled and run with.
fn needs() -> Result {
    tools::apt(
        &["/usr/bin/gcc", "/usr/bin/g++", "/usr/bin/make", "/usr/bin/pkg-config", "/usr/include/jansson.h"],
        &["gcc", "g++", "make", "pkg-config", "libjansson-dev"],
    )
}

/// Installs the library below `target/c/usr` and gives that folder.
pub(crate) fn installed() -> Result<PathBuf> {
    needs()?;
    let prefix = work()?.join("usr");
    Package::at(&prefix).install()?;
    Ok(prefix)
}

/// Compiles a program of `ffi/tests` against a library.
fn compile(name: &str, flags: &[&str], library: &str) -> Result<PathBuf> {
    let program = work()?.join(name);
    let (c, cpp) = (format!("ffi/tests/{name}.c"), format!("ffi/tests/{name}.cc"));
    let (compiler, standard, source) = if root().join(&cpp).exists() {
        ("g++", &["-std=c++17", "-fno-exceptions", "-fno-rtti"][..], cpp)
    } else {
        ("gcc", &["-std=c99"][..], c)
    };
    let mut arguments = standard.to_vec();
    arguments.extend(["-O1", "-g", "-Iinclude"]);
    arguments.extend(STRICT);
    arguments.extend(flags);
    let to = program.to_string_lossy();
    arguments.extend([
        source.as_str(),
        "-o",
        &to,
        library,
        "-ljansson",
        "-lgcc_s",
        "-lpthread",
        "-lm",
        "-ldl",
    ]);
    run(command(compiler, &arguments))?;
    Ok(program)
}

fn static_library(prefix: &Path) -> String {
    prefix.join("lib/liblicentia.a").to_string_lossy().into_owned()
}

/// Exactly the documented functions are exported, and the C suites pass.
pub(crate) fn abi() -> Result {
    let prefix = installed()?;
    let expected = symbols(&PARTS.join(","))?;
    for (library, listing) in [("liblicentia.so", "-D"), ("liblicentia.a", "-g")] {
        let path = prefix.join("lib").join(library);
        let shown = output(command("nm", &[listing, "--defined-only", &path.to_string_lossy()]))?;
        let mut found: Vec<&str> = shown
            .lines()
            .filter(|line| line.split(' ').count() == 3)
            .filter_map(|line| line.rsplit(' ').next())
            .collect();
        found.sort_unstable();
        if found != expected {
            let odd: Vec<_> =
                found.iter().filter(|name| expected.iter().all(|other| other != *name)).collect();
            return Err(format!(
                "{library} exports {}, not the {} of the list; not in it: {odd:?}",
                found.len(),
                expected.len()
            ));
        }
        println!("{library}: {} functions, and nothing else", found.len());
    }
    let soname = output(command("readelf", &["-d", &prefix.join("lib/liblicentia.so").to_string_lossy()]))?;
    if !soname.contains("[liblicentia.so.0]") {
        return Err("the shared library has another SONAME than liblicentia.so.0".to_owned());
    }
    let library = static_library(&prefix);
    for (name, arguments) in SUITES {
        run(command(compile(name, &[], &library)?, arguments))?;
    }
    Ok(())
}

/// The C suites under the sanitizers of gcc, under Valgrind, and with the Rust side watched for data races.
pub(crate) fn sanitizers() -> Result {
    let library = static_library(&installed()?);
    let mut flags =
        vec!["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
    for (name, arguments) in SUITES {
        let mut program = command(compile(name, &flags, &library)?, arguments);
        program.env("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1");
        run(program)?;
    }
    tools::apt(&["/usr/bin/valgrind"], &["valgrind", "libc6-dbg"])?;
    flags.clear();
    for (name, arguments) in
        [("vectors", &["tests/vectors"][..]), ("abi", &["target/c"]), ("wrapper", &[]), ("threads", &["4"])]
    {
        let program = compile(name, &flags, &library)?;
        let mut words = vec!["-q", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible"];
        words.extend([
            "--errors-for-leak-kinds=definite,indirect,possible",
            "--error-exitcode=9",
            "--fair-sched=try",
        ]);
        let program = program.to_string_lossy();
        words.push(&program);
        words.extend(arguments);
        run(command("valgrind", &words))?;
    }
    Ok(())
}

/// Threads that check while bundles are loaded, with both C and Rust watched by `ThreadSanitizer`.
///
/// The flag that the compiler needs for it is not stable. The standard library is built with it too: else a lock that
/// two threads wait for would not be seen, and what it guards be taken for a race.
pub(crate) fn races() -> Result {
    needs()?;
    let version = output(command("rustc", &["-vV"]))?;
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    run(command("rustup", &["component", "add", "rust-src"]))?;
    let folder = root().join("target/tsan");
    let without_stores = ["--no-default-features", "--features", "holder,issuer"];
    let build = ["build", "--locked", "-p", "licentia-ffi", "--target", host, "-Zbuild-std=std,panic_unwind"];
    let mut build = cargo(&[&build[..], &without_stores].concat());
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=thread").env("CARGO_TARGET_DIR", &folder);
    run(build)?;
    let sysroot = output(command("rustc", &["--print", "sysroot"]))?;
    let runtime =
        Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("lib/librustc-stable_rt.tsan.a");
    let library = folder.join(host).join("debug/liblicentia_c.a");
    let (object, program) = (work()?.join("threads-tsan.o"), work()?.join("threads-tsan"));
    let (object, program) = (object.to_string_lossy(), program.to_string_lossy());
    let (library, runtime) = (library.to_string_lossy(), runtime.to_string_lossy());
    let mut arguments = vec!["-std=c99", "-O1", "-g", "-Iinclude", "-fsanitize=thread"];
    arguments.extend(STRICT);
    arguments.extend(["-c", "ffi/tests/threads.c", "-o", &object]);
    run(command("gcc", &arguments))?;
    // gcc's runtime lacks functions that rustc calls, and rustc's has all.
    let mut arguments = vec![&*object, &*library, "-Wl,--whole-archive", &*runtime, "-Wl,--no-whole-archive"];
    arguments.extend([
        "-lgcc_s",
        "-lm",
        "-ldl",
        "-lrt",
        "-lpthread",
        "-lresolv",
        "-Wl,--export-dynamic",
        "-o",
        &*program,
    ]);
    run(command("gcc", &arguments))?;
    let mut threads = command(&*program, &["40"]);
    threads.env("TSAN_OPTIONS", "suppressions=ffi/tests/tsan.txt halt_on_error=1");
    run(threads)
}

/// The examples are built against the installed package, as a stranger would, and run.
pub(crate) fn package() -> Result {
    let prefix = installed()?;
    tools::apt(&["/usr/bin/cmake", "/usr/bin/curl"], &["cmake", "curl"])?;
    let pkgconfig = prefix.join("lib/pkgconfig");
    let with_library = |mut command: Command| {
        command.env("PKG_CONFIG_PATH", &pkgconfig).env("LD_LIBRARY_PATH", prefix.join("lib"));
        command
    };
    let made = work()?.join("make");
    let out = format!("OUT={}", made.display());
    for target in ["clean", "test"] {
        run(with_library(command("make", &["-C", "examples/c", &out, target])))?;
    }
    let built = work()?.join("cmake");
    let _ = fs::remove_dir_all(&built);
    let (built_text, prefix_flag) =
        (built.to_string_lossy(), format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    run(command(
        "cmake",
        &["-S", "examples/c", "-B", &built_text, &prefix_flag, "-DCMAKE_BUILD_TYPE=Release"],
    ))?;
    run(command("cmake", &["--build", &built_text]))?;
    run(command("ctest", &["--test-dir", &built_text, "--output-on-failure"]))?;
    staged()
}

/// A package without the issuer goes below a DESTDIR, and says so to who compiles with it.
fn staged() -> Result {
    let destdir = work()?.join("dest");
    let _ = fs::remove_dir_all(&destdir);
    let mut package = Package::at("/opt/licentia");
    package.libdir = "/opt/licentia/lib/somewhere".into();
    package.destdir = Some(destdir.clone());
    package.without = vec!["issuer".to_owned()];
    package.install()?;
    let lib = destdir.join("opt/licentia/lib/somewhere");
    let mut flags = command("pkg-config", &["--cflags", "--libs", "licentia"]);
    flags.env("PKG_CONFIG_PATH", lib.join("pkgconfig")).env("PKG_CONFIG_SYSROOT_DIR", &destdir);
    let flags = output(flags)?;
    let expected = format!("{}/opt/licentia/include", destdir.display());
    if !flags.contains(&expected) || !flags.contains("-DLICENTIA_NO_ISSUER") {
        return Err(format!("pkg-config says {flags}"));
    }
    let shown =
        output(command("nm", &["-D", "--defined-only", &lib.join("liblicentia.so").to_string_lossy()]))?;
    if shown.lines().count() != symbols("holder")?.len() || shown.contains("issuer_issue") {
        return Err("a library without the issuer exports something of it".to_owned());
    }
    println!("without the issuer: {} functions", shown.lines().count());
    Ok(())
}

/// Languages that there is no binding for call the library through its ABI alone.
pub(crate) fn foreign() -> Result {
    let library = installed()?.join("lib/liblicentia.so.0");
    tools::apt(&["/usr/bin/luajit", "/usr/bin/ruby"], &["luajit", "ruby"])?;
    for (program, script) in [("python3", "call.py"), ("luajit", "call.lua"), ("ruby", "call.rb")] {
        let script = format!("ffi/tests/foreign/{script}");
        run(command(program, &[&script, &library.to_string_lossy(), "include/licentia.h"]))?;
    }
    Ok(())
}

/// A call from C costs little more than one from Rust.
pub(crate) fn overhead() -> Result {
    let prefix = installed()?;
    let library = static_library(&prefix);
    let c = compile("bench", &["-O2"], &library)?;
    run(cargo(&["build", "--release", "--locked", "-p", "licentia-ffi", "--example", "bench"]))?;
    let rust = target_folder().join("release/examples/bench");
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let measure = |program: &Path| -> Result<f64> {
        let shown = output(command::command(program, &[]))?;
        shown.trim().parse().map_err(|_| format!("{} printed {shown:?}", program.display()))
    };
    // By turns, so that what else the machine does falls on both.
    let (mut in_c, mut in_rust) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        in_c.push(measure(&c)?);
        in_rust.push(measure(&rust)?);
    }
    let (in_c, in_rust) = (median(in_c), median(in_rust));
    println!(
        "warm check: {in_c:.1} ns from C, {in_rust:.1} ns from Rust, {:.1} ns more; at most 20",
        in_c - in_rust
    );
    if in_c - in_rust < 20.0 { Ok(()) } else { Err("the C ABI costs too much".to_owned()) }
}
