//! Help texts fit a terminal of 80 columns.

use crate::desk::{Desk, text};

#[test]
fn help_fits_80_columns() {
    let desk = Desk::new();
    let mut pending = vec![Vec::new()];
    let mut pages = 0;
    while let Some(command) = pending.pop() {
        let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = text(&desk.run(&arguments).stdout);
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
        pages += 1;
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        for line in commands.take_while(|line| !line.is_empty()) {
            let name = line.strip_prefix("  ").filter(|line| !line.starts_with(' '));
            let name = name.and_then(|line| line.split_whitespace().next());
            pending.extend(
                name.filter(|name| *name != "help")
                    .map(|name| command.iter().cloned().chain([name.to_owned()]).collect::<Vec<_>>()),
            );
        }
    }
    assert!(pages > 30, "{pages} pages of help");
}
