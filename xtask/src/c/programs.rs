//! The C ABI: its header, what it exports, and the suites that use it from C and from other languages.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread::sleep,
    time::Duration,
};

use crate::{
    command::{self, Result, cargo, command, output, root, run, target_folder},
    package::{PARTS, Package, WRAPPER, soname},
    tools,
};

const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_POSIX_C_SOURCE=200809L"];
/// The programs of the suites, and their arguments.
const SUITES: [(&str, &[&str]); 9] = [
    ("vectors", &["tests/vectors"]),
    ("abi", &[]),
    ("misuse", &[]),
    ("vendor", &[]),
    ("revocation", &["target/c"]),
    ("meters", &["target/c", REDIS]),
    ("wrapper", &[]),
    ("throws", &[]),
    ("threads", &["60"]),
];
/// Stands for the URL of a Redis server of the program's own.
const REDIS: &str = "redis";

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
    for name in ["include/licentia.h", "include/licentia_bare.h", "ffi/symbols.txt", "ffi/abi.txt"] {
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
    wrapped()?;
    documented(&folder)
}

/// The C++ wrapper has every function.
fn wrapped() -> Result {
    let mut wrapper = String::new();
    for name in WRAPPER {
        let path = root().join("include").join(name);
        wrapper.push_str(&fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?);
    }
    let words: Vec<&str> = wrapper.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let symbols = symbols(&PARTS.join(","))?;
    let missing: Vec<_> = symbols.iter().filter(|symbol| !words.contains(&symbol.as_str())).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("licentia.hpp does not wrap {missing:?}")) }
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

pub(crate) fn work() -> Result<PathBuf> {
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
    let (compiler, standard, source) = if name == "throws" {
        ("g++", &["-std=c++17"][..], cpp)
    } else if root().join(&cpp).exists() {
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

/// Both libraries in a folder export exactly the functions of these features.
pub(crate) fn exports(folder: &Path, features: &str) -> Result {
    let expected = symbols(features)?;
    for (library, listing) in [("liblicentia.so", "-D"), ("liblicentia.a", "-g")] {
        let path = folder.join(library);
        let shown = output(command("nm", &[listing, "--defined-only", &path.to_string_lossy()]))?;
        let mut found: Vec<&str> = shown
            .lines()
            .filter(|line| line.split(' ').count() == 3)
            .filter_map(|line| line.rsplit(' ').next())
            .collect();
        found.sort_unstable();
        if found != expected {
            let odd = |these: &[&str], those: &[String]| {
                let there = |name: &&&str| those.iter().all(|other| other != *name);
                these.iter().filter(there).map(|name| (*name).to_owned()).collect::<Vec<_>>()
            };
            let list: Vec<&str> = expected.iter().map(String::as_str).collect();
            let own: Vec<String> = found.iter().map(|name| (*name).to_owned()).collect();
            return Err(format!(
                "{library} has {:?} that are not in the list, and lacks {:?}",
                odd(&found, &expected),
                odd(&list, &own)
            ));
        }
        println!("{library}: {} functions, and nothing else", found.len());
    }
    Ok(())
}

/// A Redis server of a suite's own, which ends with this.
struct Redis {
    server: Child,
    url: String,
}

impl Redis {
    fn start() -> Result<Self> {
        tools::apt(&["/usr/bin/redis-server"], &["redis-server"])?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no free port: {error}"))?;
        let port = address.port().to_string();
        let options = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
        let mut server = command("redis-server", &[&options[..], &["--loglevel", "warning"]].concat());
        let server = server.spawn().map_err(|error| format!("redis-server: {error}"))?;
        let it = Self { server, url: format!("redis://127.0.0.1:{port}/0") };
        for _ in 0..1000 {
            if TcpStream::connect(address).is_ok() {
                return Ok(it);
            }
            sleep(Duration::from_millis(10));
        }
        Err("redis-server does not answer".to_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Runs a program of the suites. One that counts in Redis has a server of its own: the next finds nothing there.
fn run_suite(words: &[&str], change: impl FnOnce(&mut Command)) -> Result {
    let redis = if words.contains(&REDIS) { Some(Redis::start()?) } else { None };
    let url = redis.as_ref().map(|redis| redis.url.clone()).unwrap_or_default();
    let words: Vec<&str> = words.iter().map(|word| if *word == REDIS { &*url } else { word }).collect();
    let (program, arguments) = words.split_first().ok_or("no program")?;
    let mut command = command(program, arguments);
    change(&mut command);
    run(command)
}

/// Exactly the documented functions are exported, and the C suites pass.
pub(crate) fn abi() -> Result {
    let prefix = installed()?;
    exports(&prefix.join("lib"), &PARTS.join(","))?;
    let named = output(command("readelf", &["-d", &prefix.join("lib/liblicentia.so").to_string_lossy()]))?;
    let soname = soname()?;
    if !named.contains(&format!("[{soname}]")) {
        return Err(format!("the shared library has another SONAME than {soname}"));
    }
    let library = static_library(&prefix);
    for (name, arguments) in SUITES {
        let program = compile(name, &[], &library)?;
        run_suite(&[&[&*program.to_string_lossy()], arguments].concat(), |_| ())?;
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

/// The C suites under the sanitizers of gcc, under Valgrind, and with the Rust side watched for data races.
pub(crate) fn sanitizers() -> Result {
    let library = static_library(&installed()?);
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
    for (name, arguments) in SUITES {
        let program = compile(name, &flags, &library)?;
        run_suite(&[&[&*program.to_string_lossy()], arguments].concat(), |program| {
            program.env("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1");
        })?;
    }
    tools::apt(&["/usr/bin/valgrind"], &["valgrind", "libc6-dbg"])?;
    // One that is thrown through ends without an end, and what it held is no leak.
    for (name, arguments) in SUITES.into_iter().filter(|(name, _)| *name != "throws") {
        let program = compile(name, &[], &library)?;
        let mut words = vec!["valgrind", "-q", "--leak-check=full", "--error-exitcode=9", "--fair-sched=try"];
        words.extend([
            "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect,possible",
        ]);
        let program = program.to_string_lossy();
        words.push(&program);
        words.extend(if name == "threads" { &["4"] } else { arguments });
        run_suite(&words, |_| ())?;
    }
    Ok(())
}

/// Threads that check while bundles are loaded, with both C and Rust watched by `ThreadSanitizer`; and a race that is
/// made on purpose is found.
///
/// The flag that the compiler needs for it is not stable. The standard library is built with it too: else a lock that
/// two threads wait for would not be seen, and what it guards be taken for a race.
pub(crate) fn races() -> Result {
    needs()?;
    let version = output(command("rustc", &["-vV"]))?;
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    let sysroot = PathBuf::from(output(command("rustc", &["--print", "sysroot"]))?.trim());
    let whole = sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").exists()
        || run(command("rustup", &["component", "add", "rust-src"])).is_ok();
    let folder = root().join("target/tsan");
    let without_stores = ["--no-default-features", "--features", "holder,issuer,fault"];
    let mut words = vec!["build", "--locked", "-p", "licentia-ffi", "--target", host];
    if whole {
        words.push("-Zbuild-std=std,panic_unwind");
    } else {
        println!(
            "rust-src could not be fetched: the standard library is not watched, and its Arc is passed over"
        );
        words.push("-Zunstable-options");
    }
    let mut build = cargo(&[&words[..], &without_stores].concat());
    // Without its sources the standard library counts as another kind, which rustc must be told to take.
    let flags =
        if whole { "-Zsanitizer=thread" } else { "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" };
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", flags).env("CARGO_TARGET_DIR", &folder);
    run(build)?;
    let runtime = sysroot.join("lib/rustlib").join(host).join("lib/librustc-stable_rt.tsan.a");
    let library = folder.join(host).join("debug/liblicentia_c.a");
    let watched = |name: &str, flags: &[&str]| -> Result<Command> {
        let (object, program) = (work()?.join(format!("{name}.o")), work()?.join(name));
        let (object, to) = (object.to_string_lossy(), program.to_string_lossy());
        let mut arguments = vec!["-std=c99", "-O1", "-g", "-Iinclude", "-fsanitize=thread"];
        arguments.extend(STRICT);
        arguments.extend(flags);
        arguments.extend(["-c", "ffi/tests/threads.c", "-o", &object]);
        run(command("gcc", &arguments))?;
        // gcc's runtime lacks functions that rustc calls, and rustc's has all.
        let (library, runtime) = (library.to_string_lossy(), runtime.to_string_lossy());
        let mut arguments =
            vec![&*object, &*library, "-Wl,--whole-archive", &*runtime, "-Wl,--no-whole-archive"];
        arguments.extend(["-lgcc_s", "-lm", "-ldl", "-lrt", "-lpthread", "-lresolv", "-Wl,--export-dynamic"]);
        arguments.extend(["-o", &*to]);
        run(command("gcc", &arguments))?;
        let mut program = command(&program, &["40"]);
        let passed_over = if whole { "" } else { "suppressions=ffi/tests/tsan.txt " };
        program.env("TSAN_OPTIONS", format!("{passed_over}halt_on_error=1"));
        Ok(program)
    };
    run(watched("threads-tsan", &[])?)?;
    let found = watched("race-tsan", &["-DRACE"])?.output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&found.stderr);
    if found.status.success() || !told.contains("data race") || !told.contains("licentia_fault_race") {
        return Err(format!("a race that was made on purpose was not found:\n{told}"));
    }
    println!("a race that was made on purpose was found");
    Ok(())
}

/// Languages that there is no binding for call the library through its ABI alone.
pub(crate) fn foreign() -> Result {
    let library = installed()?.join("lib").join(soname()?);
    tools::apt(&["/usr/bin/luajit", "/usr/bin/ruby"], &["luajit", "ruby"])?;
    for (program, script) in
        [("python3", "call.py"), ("python3", "misuse.py"), ("luajit", "call.lua"), ("ruby", "call.rb")]
    {
        let script = format!("ffi/tests/foreign/{script}");
        run(command(program, &[&script, &library.to_string_lossy(), "include/licentia.h"]))?;
    }
    Ok(())
}

/// Nanoseconds of a warm check.
struct Warm {
    in_c: f64,
    /// In Rust, with a decision of its own, and into the same one again.
    new: f64,
    again: f64,
}

/// A warm check from C, beside Rust.
fn warm() -> Result<Warm> {
    let prefix = installed()?;
    let library = static_library(&prefix);
    let c = compile("bench", &["-O2"], &library)?;
    run(cargo(&["build", "--release", "--locked", "-p", "licentia-ffi", "--example", "bench"]))?;
    let rust = target_folder().join("release/examples/bench");
    // What else the machine does only adds.
    let fastest = |values: Vec<f64>| values.into_iter().fold(f64::INFINITY, f64::min);
    let measure = |program: &Path| -> Result<Vec<f64>> {
        let shown = output(command::command(program, &[]))?;
        let numbers = shown.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<f64>, _>>();
        numbers.map_err(|_| format!("{} printed {shown:?}", program.display()))
    };
    // By turns, so that what else the machine does falls on both.
    let (mut in_c, mut again, mut new) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..15 {
        in_c.extend(measure(&c)?);
        let [into, made] = *measure(&rust)? else {
            return Err("the benchmark in Rust has two figures".into());
        };
        again.push(into);
        new.push(made);
    }
    Ok(Warm { in_c: fastest(in_c), again: fastest(again), new: fastest(new) })
}

/// A call from C costs little more than one from Rust.
pub(crate) fn overhead() -> Result {
    let Warm { in_c, new, again } = warm()?;
    println!("warm check: {in_c:.1} ns from C");
    // What C calls gives a decision of its own, as `Gate::check` does; that it uses a freed one's space is its own merit.
    println!("  from Rust with a new decision    {new:.1} ns: {:.1} ns more from C, at most 20", in_c - new);
    println!("  from Rust into the same decision {again:.1} ns: {:.1} ns more from C", in_c - again);
    if in_c - new < 20.0 { Ok(()) } else { Err("the C ABI costs too much".to_owned()) }
}

/// The same as a table.
pub(crate) fn compared() -> Result<String> {
    let Warm { in_c, new, again } = warm()?;
    let rows = [
        ("Rust, `Gate::check_into`", again),
        ("Rust, `Gate::check`", new),
        ("C, `licentia_gate_check`", in_c),
    ];
    let row = |(name, nanos): &(&str, f64)| format!("\n| {name} | {nanos:.1} ns |");
    Ok(format!("| | a warm check |\n|---|---|{}", rows.iter().map(row).collect::<String>()))
}
