//! Charges a meter so many times, and says how often it was granted: `count STORE KEY TOKEN METER TIMES
//! [AUDIENCE]`.

use licentia::{GateBuilder, Key, Now, Request, store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, key, token, meter, times, audience @ ..] = arguments.as_slice() else {
        return Err("count STORE KEY TOKEN METER TIMES [AUDIENCE]".into());
    };
    let mut builder = GateBuilder::new().key(Key::from_text(key)?).store(store::open(url)?);
    if let [audience] = audience {
        builder = builder.audience(audience);
    }
    let gate = builder.build()?;
    let meters = [(meter.as_str(), 1)];
    let request = Request::new().meters(&meters);
    let times: u64 = times.parse()?;
    let granted = (0..times).filter(|_| gate.check(token, &request, Now::system()).is_allowed()).count();
    println!("{granted}");
    Ok(())
}
