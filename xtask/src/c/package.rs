//! The C package: builds the library and installs it, as `make install` would.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::parts::{PARTS, STORES, WRAPPER, soname, symbols};
use crate::command::{Result, cargo, command, root, run, target_folder};

/// What the static library needs of the system, besides itself.
/// Without the unwinder: the C compiler adds the shared or the static one by itself, and only one of them is there for
/// a program that is linked with `-static`.
pub(crate) const NATIVE: [&str; 5] = ["-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];
/// How a library is built that is only tried, and not measured.
pub(crate) const QUICKLY: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
];

const HELP: &str = "\
cargo xtask install [--prefix /usr/local] [--libdir PREFIX/lib] [--destdir DIR] [--without holder|issuer|redis|redis-tls|sqlite]...

Builds the C library and installs it, on Linux. It needs Rust and a C compiler.";

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
pub(crate) fn quick_folder() -> PathBuf {
    root().join("target/quick")
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
                    // TLS is to Redis.
                    package.without.extend((value == "redis").then(|| "redis-tls".to_owned()));
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
    if !cfg!(target_os = "linux") {
        return Err("installing works on Linux alone; elsewhere run `cargo build --release -p licentia-ffi` and copy \
                    the library and `include`"
            .to_owned());
    }
    Package::read(words)?.install()
}

/// Makes of the library that cargo built one whose only global names are its functions. Two libraries that are
/// written in Rust, or another copy of `SQLite`, then do not meet in one program.
fn archive(built: &Path, to: &Path, features: &str) -> Result {
    let folder = target_folder().join("archive");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let object = folder.join("licentia.o");
    let (object, built, to) = (object.to_string_lossy(), built.to_string_lossy(), to.to_string_lossy());
    let mut symbols = symbols(features)?;
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

pub(crate) fn copy(from: &Path, to: &Path) -> Result {
    let show = |error: std::io::Error| format!("{} to {}: {error}", from.display(), to.display());
    to.parent().map_or(Ok(()), fs::create_dir_all).map_err(show)?;
    // A file that a running program uses is replaced and not overwritten.
    let _ = fs::remove_file(to);
    fs::copy(from, to).map(|_| ()).map_err(show)
}

pub(crate) fn write(to: &Path, text: &str) -> Result {
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
