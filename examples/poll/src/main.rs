//! `licentia-example-poll ROOT.pub KEYSET.bin URL` watches a URL, and says what happens. It starts while the server
//! is down, and refuses licences until it has a bundle.

use std::{env, error::Error, fs, sync::Arc, time::Duration};

use licentia::{GateBuilder, Key, Watch};
use licentia_example_poll::Fetch;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [root, keyset, url] = &arguments[..] else {
        return Err("usage: licentia-example-poll ROOT.pub KEYSET.bin URL".into());
    };
    let root = Key::from_text(fs::read_to_string(root)?.trim())?;
    let gate = Arc::new(GateBuilder::new().keyset(root, fs::read(keyset)?).require_revocation().build()?);
    let mut source = Fetch::new(url, Duration::from_secs(10));
    let report = |error| eprintln!("the bundle in use stays: {error}");
    let _watch = Watch::eventually(&gate, Duration::from_mins(1), move || source.fetch(), report)?;
    println!("watching; a service would answer requests now, and ask the gate about each");
    loop {
        std::thread::park();
    }
}
