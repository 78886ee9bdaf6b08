//! The examples, built against the installed package as a stranger would; and a program against each package that lacks
//! something.

use std::{fs, path::Path, process::Command};

use super::{
    library::{exports, installed},
    package::{NATIVE, QUICKLY, copy, quick_folder, write},
    parts::{PARTS, STORES},
    toolchain::work,
};
use crate::{
    command::{Result, cargo, command, output, root, run},
    tools::system,
};

/// Examples are built against the installed package, as a stranger would, and run; and so is a program against every
/// package that lacks something.
pub(crate) fn check() -> Result {
    let prefix = installed()?;
    system::require(&[("cmake", "cmake"), ("curl", "curl")])?;
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
    let prefix_flag = format!("-DCMAKE_PREFIX_PATH={}", prefix.display());
    cmake(&root().join("examples/c"), &built, &prefix_flag)?;
    native()?;
    statically(&pkgconfig)?;
    let lacking: [&[&str]; 6] = [
        &["issuer"],
        &["holder"],
        &["holder", "issuer"],
        &["redis", "redis-tls"],
        &["redis-tls"],
        &["sqlite"],
    ];
    lacking.into_iter().enumerate().try_for_each(|(at, without)| without_some(without, at % 2 == 0))
}

/// Configures, builds and tests a project.
fn cmake(source: &Path, built: &Path, find: &str) -> Result {
    let _ = fs::remove_dir_all(built);
    let (source, built) = (source.to_string_lossy(), built.to_string_lossy());
    run(command("cmake", &["-S", &source, "-B", &built, find, "-DCMAKE_BUILD_TYPE=Release"]))?;
    run(command("cmake", &["--build", &built]))?;
    run(command("ctest", &["--test-dir", &built, "--output-on-failure", "--no-tests=error"]))
}

/// What the package says that the static library needs is what the compiler says.
fn native() -> Result {
    let mut ask =
        cargo(&["rustc", "--release", "--locked", "-p", "licentia-ffi", "--crate-type", "staticlib"]);
    ask.args(["--", "--print", "native-static-libs"]);
    ask.env("CARGO_TARGET_DIR", quick_folder()).envs(QUICKLY).stderr(std::process::Stdio::piped());
    // It says so only when it compiles.
    fs::File::open(root().join("ffi/src/lib.rs"))
        .and_then(|file| file.set_modified(std::time::SystemTime::now()))
        .map_err(|error| error.to_string())?;
    let said = ask.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&said.stderr);
    let line = said.lines().find_map(|line| line.split_once("native-static-libs: "));
    let (_, line) = line.ok_or_else(|| format!("the compiler names no native libraries:\n{said}"))?;
    let by_itself = ["-lc", "-lgcc_s"];
    let mut needed: Vec<&str> = line.split_whitespace().filter(|word| !by_itself.contains(word)).collect();
    needed.sort_unstable();
    needed.dedup();
    let mut named = NATIVE.to_vec();
    named.sort_unstable();
    if needed == named {
        Ok(())
    } else {
        Err(format!("the package names {named:?}, the compiler {needed:?}"))
    }
}

/// A program that is linked with `-static`, as pkg-config says, runs on its own.
fn statically(pkgconfig: &Path) -> Result {
    let mut flags = command("pkg-config", &["--static", "--cflags", "--libs", "licentia"]);
    flags.env("PKG_CONFIG_PATH", pkgconfig);
    let flags = output(flags)?;
    let program = work()?.join("static").to_string_lossy().into_owned();
    let mut arguments = vec!["-std=c++17", "-static", "ffi/tests/package.cc", "-o", &program];
    arguments.extend(flags.split_whitespace());
    run(command("g++", &arguments))?;
    run(command(&program, &[&PARTS[..], &STORES[..]].concat()))
}

/// A package without some parts has just the rest, says so to who compiles with it, and is found wherever it is: below
/// a DESTDIR, or with its libraries beside the prefix.
fn without_some(without: &[&str], staged: bool) -> Result {
    let base = work()?.join("package");
    let _ = fs::remove_dir_all(&base);
    let path = |below: &str| base.join(below).to_string_lossy().into_owned();
    let (destdir, usr, beside) = (path("dest"), path("usr"), path("beside"));
    let mut words = vec!["install"];
    let lib = if staged {
        words.extend(["--destdir", &destdir, "--prefix=/opt/licentia", "--libdir", "/opt/licentia/lib/some"]);
        base.join("dest/opt/licentia/lib/some")
    } else {
        words.extend(["--prefix", &usr, "--libdir", &beside]);
        base.join("beside")
    };
    words.extend(without.iter().flat_map(|part| ["--without", part]));
    let mut install = command(std::env::current_exe().map_err(|error| error.to_string())?, &words);
    install.env("CARGO_TARGET_DIR", quick_folder()).envs(QUICKLY);
    run(install)?;
    let rest: Vec<&str> = PARTS.into_iter().chain(STORES).filter(|part| !without.contains(part)).collect();
    exports(&lib, &rest.join(","))?;

    let mut flags = command("pkg-config", &["--cflags", "--libs", "licentia"]);
    flags.env("PKG_CONFIG_PATH", lib.join("pkgconfig"));
    if staged {
        flags.env("PKG_CONFIG_SYSROOT_DIR", &destdir);
    }
    let flags = output(flags)?;
    let project = base.join("project");
    let source = root().join("ffi/tests/package.cc");
    copy(&source, &project.join("package.cc"))?;
    copy(&root().join("ffi/tests/check.h"), &project.join("check.h"))?;
    let expected = rest.join(" ");
    write(&project.join("CMakeLists.txt"), &CMAKE_PROJECT.replace("@expected@", &expected))?;
    let program = path("program");
    let mut arguments =
        vec!["-std=c++17", "-Wall", "-Wextra", "-Werror", "ffi/tests/package.cc", "-o", &program];
    arguments.extend(flags.split_whitespace());
    run(command("g++", &arguments))?;
    let mut program = command(&program, &rest);
    program.env("LD_LIBRARY_PATH", &lib);
    run(program)?;
    let find = format!("-Dlicentia_DIR={}", lib.join("cmake/licentia").display());
    cmake(&project, &base.join("built"), &find)
}

/// A program that is linked with both libraries.
const CMAKE_PROJECT: &str = "\
cmake_minimum_required(VERSION 3.16)
project(package CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(licentia REQUIRED)
enable_testing()
foreach(library licentia static)
    add_executable(${library} package.cc)
    target_link_libraries(${library} licentia::${library})
    separate_arguments(expected UNIX_COMMAND \"@expected@\")
    add_test(NAME ${library} COMMAND ${library} ${expected})
endforeach()
";
