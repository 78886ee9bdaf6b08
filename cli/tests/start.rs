//! The commands of the README, from nothing to a protected API: server, gateway, and a real nginx.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    thread,
};

const BIN: &str = env!("CARGO_BIN_EXE_licentia");

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// An API that knows nothing of licences.
fn api() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 8_192];
            let length = stream.read(&mut request).unwrap();
            let text = String::from_utf8_lossy(&request[..length]).to_lowercase();
            let body = if text.contains("lic1_") { "a token" } else { "the api" };
            let length = body.len();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
                .unwrap();
        }
    });
    address
}

/// The blocks of a section of the README.
fn blocks(section: &str) -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let start = readme.find(section).unwrap();
    let text = &readme[start + section.len()..];
    let text = &text[..text.find("\n## ").unwrap()];
    let blocks = text.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned());
    blocks.collect()
}

#[test]
#[ignore = "needs nginx: cargo xtask test gateway"]
fn the_commands_of_the_readme_protect_an_api() {
    let folder = tempfile::tempdir().unwrap();
    let [server, check, page, front] = [(); 4].map(|()| free_port().to_string());
    let ports = [
        ("127.0.0.1:8090", &server),
        ("127.0.0.1:9000", &check),
        ("127.0.0.1:9001", &page),
        ("127.0.0.1:8080", &front),
        ("127.0.0.1:3000", &api().to_string()),
    ];
    let moved = |text: &str| ports.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nginx");
    let nginx = folder.path().join("deploy/nginx");
    fs::create_dir_all(&nginx).unwrap();
    for entry in fs::read_dir(shipped).unwrap() {
        let path = entry.unwrap().path();
        fs::write(nginx.join(path.file_name().unwrap()), moved(&fs::read_to_string(&path).unwrap())).unwrap();
    }

    let pid = folder.path().join("nginx.pid").display().to_string();
    let blocks = blocks("## Run the vendor's side");
    let [start, call] = &blocks[..] else { panic!("{blocks:?}") };
    assert!(start.lines().count() <= 5, "five commands");
    // Only the addresses differ, so that the test runs beside others.
    let init = "licentia server init --issuer acme\n";
    assert!(start.contains(init));
    let edits = ports.map(|(from, to)| format!("s/{from}/{to}/")).join(";");
    let start = start
        .replace(
            init,
            &format!("{} --listen {server}\nsed -i '{edits}' licentia-server/gateway.toml\n", init.trim()),
        )
        .replace("/tmp/nginx.pid", &pid);
    let ready = format!(
        "for url in http://{server}/openapi.json http://{check}/forward; do
            for i in $(seq 300); do curl -s -o /dev/null $url && break; sleep 0.1; done
        done\n"
    );
    let revoke = format!(
        "echo; curl -s http://{server}/v1/revocations -H \"Authorization: Bearer $(cat licentia-server/admin.lic)\" \
            -H 'Idempotency-Key: gone' -H 'Content-Type: application/json' -d '{{\"subject\": \"cus_1\"}}'; sleep 2\n"
    );
    let script =
        format!("set -eu\n{start}{ready}{}{revoke}{}\n", moved(call), moved(call.lines().last().unwrap()));
    let programs = Path::new(BIN).parent().unwrap().display();
    let done = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()))
        .env_remove("LICENTIA_LEDGER")
        .env_remove("LICENTIA_KEYS")
        .stdin(Stdio::null())
        .stdout(fs::File::create(folder.path().join("out")).unwrap())
        .stderr(fs::File::create(folder.path().join("err")).unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    let group = done.id();
    let status = { done }.wait().unwrap();
    let mut ended = Command::new("kill");
    ended
        .args(["-TERM", "--", &format!("-{group}")])
        .args(fs::read_to_string(&pid).ok().as_deref().map(str::trim));
    let _ = ended.stderr(Stdio::null()).status();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let (out, err) = (read("out"), read("err"));
    assert!(status.success(), "{out}\n{err}");
    let allowed = out.find("HTTP/1.1 200").unwrap_or_else(|| panic!("{out}\n{err}"));
    assert!(out[allowed..].contains("the api"), "the API sees no token\n{out}");
    let denied = out.find("HTTP/1.1 401").unwrap_or_else(|| panic!("{out}\n{err}"));
    assert!(allowed < denied && out[denied..].contains("\"name\":\"revoked\""), "{out}");
}
