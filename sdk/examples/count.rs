//! Charges a meter so many times, and says how often it was granted: `count STORE KEY TOKEN METER TIMES`,
//! or `count STORE KEY TOKEN AUDIENCE METER TIMES`, which says `ready` first, and waits for a line.

use licentia::{GateBuilder, Key, Now, Request, store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, key, token, audience, meter, times) = match arguments.as_slice() {
        [url, key, token, meter, times] => (url, key, token, None, meter, times),
        [url, key, token, audience, meter, times] => (url, key, token, Some(audience), meter, times),
        _ => return Err("count STORE KEY TOKEN [AUDIENCE] METER TIMES".into()),
    };
    let mut builder = GateBuilder::new().key(Key::from_text(key)?).store(store::open(url)?);
    if let Some(audience) = audience {
        builder = builder.audience(audience);
    }
    let gate = builder.build()?;
    if audience.is_some() {
        println!("ready");
        std::io::stdin().read_line(&mut String::new())?;
    }
    let meters = [(meter.as_str(), 1)];
    let request = Request::new().meters(&meters);
    let times: u64 = times.parse()?;
    let granted = (0..times).filter(|_| gate.check(token, &request, Now::system()).is_allowed()).count();
    println!("{granted}");
    Ok(())
}
