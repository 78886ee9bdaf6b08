//! Who may use the admin address: whoever has its token, under a name that no foreign page can take.

use std::{fmt, fs, io::Write, net::IpAddr, path::Path};

use data_encoding::BASE64URL;
use http::{HeaderMap, header};
use zeroize::Zeroizing;

/// Bytes of a token.
const BYTES: usize = 18;

/// The secret that opens the admin API. It is in the printed URL's fragment, which no request carries.
pub struct Token(Zeroizing<String>);

impl Token {
    /// A new token.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn generate() -> Result<Self, String> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        getrandom::fill(&mut *bytes).map_err(|_| "the system gives no random bytes".to_owned())?;
        Ok(Self(Zeroizing::new(BASE64URL.encode(&*bytes))))
    }

    /// The token in a file, which is made if it is not there. With it, an open page survives a restart.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        match fs::read_to_string(path) {
            Ok(text) => {
                let text = Zeroizing::new(text);
                let secret = text.trim();
                if secret.len() < BYTES
                    || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
                {
                    return Err(format!(
                        "{}: no admin token: write at least {BYTES} letters and digits, or delete the file",
                        path.display()
                    ));
                }
                Ok(Self(Zeroizing::new(secret.to_owned())))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let token = Self::generate()?;
                let mut options = fs::OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(path).map_err(failed)?;
                writeln!(file, "{}", *token.0).map_err(failed)?;
                Ok(token)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The page's address at an origin.
    pub fn url(&self, origin: &str) -> String {
        format!("{origin}/#token={}", *self.0)
    }

    /// Whether a request presents it. The time that this takes does not depend on where a guess is wrong.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let presented = values.next().and_then(|value| licentia::http::bearer(value.to_str().ok()?));
        let (Some(presented), None) = (presented, values.next()) else { return false };
        let (presented, own) = (presented.as_bytes(), self.0.as_bytes());
        let differs = presented.iter().zip(own).fold(0, |differs, (a, b)| differs | (a ^ b));
        presented.len() == own.len() && std::hint::black_box(differs) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Whether a request is for a name that a foreign page cannot have pointed here (DNS rebinding): an address, `localhost`,
/// or one of `names`.
pub(super) fn is_own_host(headers: &HeaderMap, names: &[String]) -> bool {
    let mut values = headers.get_all(header::HOST).iter();
    let host = values.next().and_then(|value| value.to_str().ok());
    let (Some(host), None) = (host, values.next()) else { return false };
    let without_port = match host.strip_prefix('[') {
        Some(rest) => {
            return rest.split_once(']').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok());
        }
        None => host.split(':').next().unwrap_or_default(),
    };
    without_port.parse::<IpAddr>().is_ok()
        || without_port.eq_ignore_ascii_case("localhost")
        || names.iter().any(|name| name.eq_ignore_ascii_case(without_port))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with(name: &header::HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn only_the_token_itself_opens() {
        let token = Token::generate().unwrap();
        let text = token.url("").split_once('=').unwrap().1.to_owned();
        let opens = |values: &[&str]| token.is_in(&with(&header::AUTHORIZATION, values));
        assert!(opens(&[&format!("Bearer {text}")]) && opens(&[&format!("bearer {text}")]));
        let (head, tail) = text.split_at(text.len() - 1);
        let other = if tail == "A" { "B" } else { "A" };
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            &text,
            &format!("Bearer {head}"),
            &format!("Bearer {head}{other}"),
            &format!("Bearer {text}0"),
        ] {
            assert!(!opens(&[wrong]), "{wrong}");
        }
        assert!(!opens(&[]) && !opens(&[&format!("Bearer {text}"), &format!("Bearer {text}")]));
        assert!(!format!("{token:?}").contains(&text) && text.len() == BYTES / 3 * 4);
        assert_ne!(text, Token::generate().unwrap().url("").split_once('=').unwrap().1);
    }

    #[test]
    fn a_token_in_a_file_outlives_the_process_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let first = Token::load(&path).unwrap().url("");
        assert_eq!(Token::load(&path).unwrap().url(""), first);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777,
            0o600
        );
        for bad in ["", "short", "with spaces, which no header has and nobody copies"] {
            fs::write(&path, bad).unwrap();
            assert!(Token::load(&path).unwrap_err().contains("token: no admin token"), "{bad}");
        }
    }

    #[test]
    fn a_foreign_name_that_points_here_is_refused() {
        let own = |host: &str| is_own_host(&with(&header::HOST, &[host]), &["admin.example".into()]);
        for good in [
            "localhost",
            "LOCALHOST:9000",
            "127.0.0.1:9000",
            "10.1.2.3",
            "[::1]:9000",
            "[::1]",
            "admin.example:1",
        ] {
            assert!(own(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:9000",
            "[evil.example]",
            "[::1",
            "admin.example.org",
            ":9000",
        ] {
            assert!(!own(bad), "{bad}");
        }
        assert!(!is_own_host(&HeaderMap::new(), &[]));
        assert!(!is_own_host(&with(&header::HOST, &["localhost", "evil.example"]), &[]));
    }
}
