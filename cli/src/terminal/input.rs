//! Input: tokens, keys, passphrases and times.

use std::{
    env::{self, VarError},
    fs::File,
    io::Read,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use licentia_core::{Key, Timestamp};
use licentia_issuer::{Catalogue, SigningKey, file, read_public_key, time};
use zeroize::Zeroizing;

use super::{
    output::{Result, notice, printable},
    prompt,
};

/// The longest input that is read. No token or key is longer.
const LONGEST: u64 = 1 << 20;

/// Reads a token: the text itself, `-` for standard input, `@FILE`, or the name of a file. White space around it is
/// trimmed.
pub(crate) fn token(given: &str) -> Result<String> {
    let text = match (given, given.strip_prefix('@')) {
        ("-", _) => {
            let mut text = Vec::new();
            std::io::stdin().take(LONGEST).read_to_end(&mut text)?;
            text
        }
        (_, Some(path)) => bytes(Path::new(path))?,
        _ if given.trim_start().starts_with("lic1_") => given.into(),
        _ if Path::new(given).is_file() => bytes(Path::new(given))?,
        // No text of a licence has these letters.
        _ if given.contains(['.', '/', '\\']) => {
            // Something secret may be pasted in the wrong place, and no name is so long.
            let name = if given.len() > 80 { "this" } else { given };
            let found = if Path::new(given).exists() { "is no file" } else { "there is no such file" };
            return Err(format!("{name}: {found}, and the text of a licence begins with `lic1_`").into());
        }
        _ => given.into(),
    };
    // Bytes that are no text are a bad token, not a broken environment. The verifier refuses them.
    let text = file::decode(&text).unwrap_or_else(|| String::from_utf8_lossy(&text));
    Ok(text.trim().to_owned())
}

/// Reads a public key: the text itself, or a file with it.
pub(crate) fn public_key(given: &str) -> Result<Key> {
    let text = if given.starts_with("licpub1_") {
        Zeroizing::new(given.to_owned())
    } else {
        file::read_text(Path::new(given))?
    };
    if text.contains("PRIVATE KEY-----") {
        return Err(format!(
            "{given} is a private key; give its public half, the .pub file, which `licentia key public` makes"
        )
        .into());
    }
    read_public_key(&text).map_err(|code| format!("public key {given}: {code} {}", code.advice()).into())
}

/// The public keys of the environment variable `LICENTIA_KEYS`.
pub(crate) fn default_keys() -> Vec<String> {
    let list = env::var_os("LICENTIA_KEYS").unwrap_or_default();
    let keys = env::split_paths(&list).map(|path| path.to_string_lossy().into_owned());
    keys.filter(|key| !key.is_empty()).collect()
}

/// Reads a catalogue.
pub(crate) fn catalogue(path: &Path) -> Result<Catalogue> {
    Ok(Catalogue::load(path)?)
}

/// Reads a file, up to the length of the longest revocation bundle.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>> {
    let most = licentia_core::limits::BUNDLE_BYTES;
    let (mut bytes, limit) = (Vec::new(), most as u64 + 1);
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() > most => {
            Err(format!("{}: the file is longer than {most} bytes", path.display()).into())
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("{}: {error}", path.display()).into()),
    }
}

/// The passphrase of a private key.
#[derive(Args)]
pub(crate) struct Passphrase {
    /// File whose first line is the private key's passphrase. Without it, the
    /// environment variable `LICENTIA_PASSPHRASE` has it, or the terminal asks.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<std::path::PathBuf>,
}

impl Passphrase {
    /// The passphrase of the file, or of the environment variable `LICENTIA_PASSPHRASE`.
    fn given(&self) -> Result<Option<Zeroizing<String>>> {
        match &self.passphrase_file {
            Some(path) => first_line(path).map(Some),
            None => match env::var("LICENTIA_PASSPHRASE") {
                Ok(text) => line_of(&Zeroizing::new(text), "LICENTIA_PASSPHRASE").map(Some),
                Err(VarError::NotPresent) => Ok(None),
                Err(VarError::NotUnicode(_)) => Err("LICENTIA_PASSPHRASE is not UTF-8".into()),
            },
        }
    }

    /// The passphrase of a new key: what is given, or what a person types twice; `None` for no encryption.
    pub(crate) fn choose(&self, path: &Path) -> Result<Option<Zeroizing<String>>> {
        match self.given()? {
            Some(passphrase) => Ok(Some(passphrase)),
            None => Ok(new_passphrase(path)?.filter(|passphrase| !passphrase.is_empty())),
        }
    }

    /// Loads a private key, with the passphrase if the file is encrypted. A person at a terminal is asked for it.
    pub(crate) fn load(&self, path: &Path) -> Result<SigningKey> {
        if !file::read_text(path)?.contains("ENCRYPTED") {
            return Ok(SigningKey::load(path, None)?);
        }
        let hint = "; use --passphrase-file or LICENTIA_PASSPHRASE";
        if let Some(passphrase) = self.given()? {
            return SigningKey::load(path, Some(&passphrase))
                .map_err(|error| format!("{error}{hint}").into());
        }
        let question = format!("passphrase of {}", printable(&path.display().to_string()));
        for _ in 1..TRIES {
            let Some(passphrase) = prompt::ask(&question)? else { break };
            match SigningKey::load(path, Some(&passphrase)) {
                Ok(key) => return Ok(key),
                Err(error) => notice(&format!("{error}; try again")),
            }
        }
        let passphrase = prompt::ask(&question)?;
        let passphrase = passphrase.as_ref().map(|passphrase| passphrase.as_str());
        SigningKey::load(path, passphrase).map_err(|error| format!("{error}{hint}").into())
    }
}

/// Attempts at the passphrase of a key.
const TRIES: usize = 3;

/// Asks a person for a new passphrase, twice; it may be empty. `None` if nobody sits at a terminal.
pub(crate) fn new_passphrase(path: &Path) -> Result<Option<Zeroizing<String>>> {
    let name = printable(&path.display().to_string());
    let Some(first) = prompt::ask(&format!("new passphrase of {name} (empty for none)"))? else {
        return Ok(None);
    };
    if first.is_empty() {
        return Ok(Some(first));
    }
    match prompt::ask("the same again")? {
        Some(second) if first == second => Ok(Some(first)),
        _ => Err("the two passphrases differ; nothing was written".into()),
    }
}

/// The first line of a file, which is a passphrase.
pub(crate) fn first_line(path: &Path) -> Result<Zeroizing<String>> {
    line_of(&file::read_text(path)?, &path.display().to_string())
}

fn line_of(text: &Zeroizing<String>, source: &str) -> Result<Zeroizing<String>> {
    match text.lines().next() {
        // Whoever asks for encryption must never get a key without it.
        None | Some("") => {
            Err(format!("the passphrase in {source} is empty; write one, or leave out the option").into())
        }
        Some(line) => Ok(Zeroizing::new(line.to_owned())),
    }
}

/// How a command signs with a key of the keyset.
#[derive(Args)]
pub(crate) struct Signer {
    /// The identifier of the key in the keyset, if that is longer than usual
    /// because another key begins alike.
    #[arg(long, value_name = "HEX", value_parser = kid)]
    kid: Option<Kid>,
    #[command(flatten)]
    passphrase: Passphrase,
}

/// A key's identifier, as a command names it.
#[derive(Clone)]
pub(crate) struct Kid(pub(crate) Vec<u8>);

/// Reads a key's identifier.
pub(crate) fn kid(text: &str) -> std::result::Result<Kid, String> {
    let bytes = hex_bytes(text).filter(|bytes| (1..=32).contains(&bytes.len()));
    bytes.map(Kid).ok_or_else(|| "write 2 to 64 hexadecimal digits".to_owned())
}

impl Signer {
    /// Loads a private key under its identifier.
    pub(crate) fn load(&self, path: &Path) -> Result<SigningKey> {
        let key = self.passphrase.load(path)?;
        let Some(Kid(kid)) = &self.kid else { return Ok(key) };
        let key = key.with_kid_length(kid.len())?;
        if key.kid().as_bytes() != kid {
            return Err(
                format!("--kid: {} has {} there; is it another key?", path.display(), key.kid()).into()
            );
        }
        Ok(key)
    }
}

/// The time of a command. Tests and simulations set it.
#[derive(Args)]
pub(crate) struct Clock {
    /// The time to use instead of the system's clock.
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    now: Option<Timestamp>,
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        let system = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        self.now.unwrap_or_else(|| system().into())
    }
}

/// Reads bytes in hexadecimal digits.
pub(crate) fn hex<const N: usize>(text: &str) -> std::result::Result<[u8; N], String> {
    let bytes = hex_bytes(text).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| format!("write {} hexadecimal digits", 2 * N))
}

/// Reads any number of bytes in hexadecimal digits, two for each.
pub(crate) fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
    let digits = digits?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Reads `NAME` or `NAME@VERSION` of a tier.
pub(crate) fn tier(text: &str) -> std::result::Result<(String, Option<u64>), String> {
    let Some((name, version)) = text.split_once('@') else { return Ok((text.to_owned(), None)) };
    let version = version.parse().map_err(|_| "write NAME or NAME@VERSION, where VERSION is a number")?;
    Ok((name.to_owned(), Some(version)))
}

/// Splits `NAME=VALUE`.
pub(crate) fn pair(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
