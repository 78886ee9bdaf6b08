//! The C package: builds the library and installs it, as `make install` would; and the suite that uses what it installs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    c,
    command::{Result, cargo, command, output, root, run, target_folder},
    tools,
};

/// Parts of the header that can be left out.
pub(crate) const PARTS: [&str; 2] = ["holder", "issuer"];
/// Kinds of store that can be left out, which no function's name shows.
const STORES: [&str; 2] = ["redis", "sqlite"];
/// What the static library needs of the system, besides itself.
const NATIVE: [&str; 6] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];
/// The C++ wrapper's files.
pub(crate) const WRAPPER: [&str; 5] = [
    "licentia.hpp",
    "licentia/decision.hpp",
    "licentia/gate.hpp",
    "licentia/handle.hpp",
    "licentia/vendor.hpp",
];
/// How a library is built that is only tried, and not measured.
const QUICKLY: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
];

const HELP: &str = "\
cargo xtask install [--prefix /usr/local] [--libdir PREFIX/lib] [--destdir DIR] [--without holder|issuer|redis|sqlite]...";

/// Where to install, and what.
pub(crate) struct Package {
    pub(crate) prefix: PathBuf,
    pub(crate) libdir: PathBuf,
    /// A folder that stands for the root, for packagers.
    pub(crate) destdir: Option<PathBuf>,
    pub(crate) without: Vec<String>,
    /// With functions that do what is forbidden, for the tests.
    pub(crate) with_faults: bool,
    /// Without the optimiser's last word.
    pub(crate) quickly: bool,
}

/// Where libraries go that are built quickly.
fn quick_folder() -> PathBuf {
    root().join("target/quick")
}

/// The shared library's name for the dynamic linker, which ends in the number of the ABI.
pub(crate) fn soname() -> Result<String> {
    let header = fs::read_to_string(root().join("include/licentia.h")).map_err(|error| error.to_string())?;
    let number = header.lines().find_map(|line| line.strip_prefix("#define LICENTIA_ABI_VERSION "));
    Ok(format!("liblicentia.so.{}", number.ok_or("licentia.h has no LICENTIA_ABI_VERSION")?.trim()))
}

impl Package {
    /// The whole library below a prefix.
    pub(crate) fn at(prefix: impl Into<PathBuf>) -> Self {
        let prefix = prefix.into();
        let libdir = prefix.join("lib");
        Self { libdir, prefix, destdir: None, without: Vec::new(), with_faults: false, quickly: false }
    }

    fn read(words: &[&str]) -> Result<Self> {
        let (mut package, mut libdir) = (Self::at("/usr/local"), None);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, inline) =
                word.split_once('=').map_or((*word, None), |(name, value)| (name, Some(value)));
            let value = inline.or_else(|| words.next().copied()).ok_or(HELP)?;
            match name {
                "--prefix" => package.prefix = value.into(),
                "--libdir" => libdir = Some(value.into()),
                "--destdir" => package.destdir = Some(value.into()),
                "--without" if PARTS.contains(&value) || STORES.contains(&value) => {
                    package.without.push(value.to_owned());
                }
                _ => return Err(HELP.to_owned()),
            }
        }
        package.libdir = libdir.unwrap_or_else(|| package.prefix.join("lib"));
        if package.prefix.is_absolute() && package.libdir.is_absolute() {
            Ok(package)
        } else {
            Err("the prefix and the libdir are absolute paths".to_owned())
        }
    }

    /// Where a file of the package is put.
    fn place(&self, path: &Path) -> PathBuf {
        match &self.destdir {
            Some(destdir) => destdir.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        }
    }

    /// Builds the library and installs it.
    pub(crate) fn install(&self) -> Result {
        let all = PARTS.into_iter().chain(STORES);
        let mut features: Vec<&str> =
            all.filter(|part| !self.without.iter().any(|without| without == part)).collect();
        features.extend(self.with_faults.then_some("fault"));
        let features = features.join(",");
        let mut build = cargo(&[
            "build",
            "--release",
            "--locked",
            "-p",
            "licentia-ffi",
            "--no-default-features",
            "--features",
            &features,
        ]);
        let target = if self.quickly { quick_folder() } else { target_folder() };
        if self.quickly {
            build.env("CARGO_TARGET_DIR", &target).envs(QUICKLY);
        }
        run(build)?;
        let (made, soname) = (target.join("release"), soname()?);
        let version = env!("CARGO_PKG_VERSION");
        let (include, lib) = (self.place(&self.prefix.join("include")), self.place(&self.libdir));
        for name in ["licentia.h", "licentia_bare.h"].into_iter().chain(WRAPPER) {
            copy(&root().join("include").join(name), &include.join(name))?;
        }
        let shared = format!("liblicentia.so.{version}");
        copy(&made.join("liblicentia_c.so"), &lib.join(&shared))?;
        link(&shared, &lib.join(&soname))?;
        link(&soname, &lib.join("liblicentia.so"))?;
        archive(&made.join("liblicentia_c.a"), &lib.join("liblicentia.a"), &features)?;

        let definitions: Vec<String> = self
            .without
            .iter()
            .filter(|part| PARTS.contains(&part.as_str()))
            .map(|part| format!("LICENTIA_NO_{}", part.to_uppercase()))
            .collect();
        let flags: String = definitions.iter().map(|definition| format!(" -D{definition}")).collect();
        let (major, rest) = version.split_once('.').ok_or("the version has no dot")?;
        let minor = rest.split_once('.').map_or(rest, |(minor, _)| minor);
        let cmake = self.libdir.join("cmake/licentia");
        // Below the prefix the package can be moved with it; beside it the headers stay where they are.
        let headers = match cmake.strip_prefix(&self.prefix) {
            Ok(below) => {
                format!("${{CMAKE_CURRENT_LIST_DIR}}/{}include", "../".repeat(below.components().count()))
            }
            Err(_) => self.prefix.join("include").display().to_string(),
        };
        let fill = |text: String| {
            let shown = |path: &Path| path.display().to_string();
            [
                ("@prefix@", shown(&self.prefix)),
                ("@libdir@", shown(&self.libdir)),
                ("@version@", version.to_owned()),
                ("@major@", major.to_owned()),
                ("@minor@", minor.to_owned()),
                ("@cflags@", flags.clone()),
                ("@native@", NATIVE.join(" ")),
                ("@native_list@", NATIVE.map(|flag| flag.trim_start_matches("-l")).join(";")),
                ("@definitions@", definitions.join(";")),
                ("@shared@", shared.clone()),
                ("@soname@", soname.clone()),
                ("@headers@", headers.clone()),
            ]
            .into_iter()
            .fold(text, |text, (name, value)| text.replace(name, &value))
        };
        for (name, folder) in [
            ("licentia.pc", self.libdir.join("pkgconfig")),
            ("licentia-config.cmake", cmake.clone()),
            ("licentia-config-version.cmake", cmake.clone()),
        ] {
            let template = root().join("ffi/package").join(format!("{name}.in"));
            let text = fs::read_to_string(&template).map_err(|error| format!("{name}: {error}"))?;
            write(&self.place(&folder).join(name), &fill(text))?;
        }
        println!("installed Licentia {version} below {}", self.place(&self.prefix).display());
        Ok(())
    }
}

/// Runs `cargo xtask install`.
pub(crate) fn install(words: &[&str]) -> Result {
    Package::read(words)?.install()
}

/// Makes of the library that cargo built one whose only global names are its functions. Two libraries that are
/// written in Rust, or another copy of `SQLite`, then do not meet in one program.
fn archive(built: &Path, to: &Path, features: &str) -> Result {
    let folder = target_folder().join("archive");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let object = folder.join("licentia.o");
    let (object, built, to) = (object.to_string_lossy(), built.to_string_lossy(), to.to_string_lossy());
    let mut symbols = c::symbols(features)?;
    if features.split(',').any(|feature| feature == "fault") {
        symbols.push("licentia_fault_panic".to_owned());
    }
    let wanted: Vec<&str> = symbols.iter().flat_map(|name| ["-u", name.as_str()]).collect();
    run(command("ld", &[&["-r", "--gc-sections", "-o", &object], &wanted[..], &[&built]].concat()))?;
    let keep = ["--wildcard", "--keep-global-symbol=licentia_*"];
    // What the compiler kept for itself is of no use after linking, and some archivers trip over it.
    let remove = ["--remove-section=.llvmbc", "--remove-section=.llvmcmd", "--strip-debug"];
    run(command("objcopy", &[&keep[..], &remove, &[&object]].concat()))?;
    let _ = fs::remove_file(&*to);
    run(command("ar", &["rcs", &to, &object]))
}

fn copy(from: &Path, to: &Path) -> Result {
    let show = |error: std::io::Error| format!("{} to {}: {error}", from.display(), to.display());
    to.parent().map_or(Ok(()), fs::create_dir_all).map_err(show)?;
    // A file that a running program uses is replaced and not overwritten.
    let _ = fs::remove_file(to);
    fs::copy(from, to).map(|_| ()).map_err(show)
}

fn write(to: &Path, text: &str) -> Result {
    let show = |error: std::io::Error| format!("{}: {error}", to.display());
    to.parent().map_or(Ok(()), fs::create_dir_all).map_err(show)?;
    fs::write(to, text).map_err(show)
}

#[cfg(unix)]
fn link(target: &str, at: &Path) -> Result {
    let _ = fs::remove_file(at);
    std::os::unix::fs::symlink(target, at).map_err(|error| format!("{}: {error}", at.display()))
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> Result {
    Err("the package is for Linux and its like".to_owned())
}

/// Examples are built against the installed package, as a stranger would, and run; and so is a program against every
/// package that lacks something.
pub(crate) fn suite() -> Result {
    let prefix = c::installed()?;
    tools::apt(&["/usr/bin/cmake", "/usr/bin/curl"], &["cmake", "curl"])?;
    let pkgconfig = prefix.join("lib/pkgconfig");
    let with_library = |mut command: Command| {
        command.env("PKG_CONFIG_PATH", &pkgconfig).env("LD_LIBRARY_PATH", prefix.join("lib"));
        command
    };
    let made = c::work()?.join("make");
    let out = format!("OUT={}", made.display());
    for target in ["clean", "test"] {
        run(with_library(command("make", &["-C", "examples/c", &out, target])))?;
    }
    let built = c::work()?.join("cmake");
    let prefix_flag = format!("-DCMAKE_PREFIX_PATH={}", prefix.display());
    cmake(&root().join("examples/c"), &built, &prefix_flag)?;
    native()?;
    let lacking: [&[&str]; 5] = [&["issuer"], &["holder"], &["holder", "issuer"], &["redis"], &["sqlite"]];
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
    let mut needed: Vec<&str> = line.split_whitespace().filter(|word| *word != "-lc").collect();
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

/// A package without some parts has just the rest, says so to who compiles with it, and is found wherever it is: below
/// a DESTDIR, or with its libraries beside the prefix.
fn without_some(without: &[&str], staged: bool) -> Result {
    let base = c::work()?.join("package");
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
    c::exports(&lib, &rest.join(","))?;

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
