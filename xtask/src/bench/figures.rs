//! Figures that were measured, and tables of them.

use crate::command::Result;

/// The members that a group's others are held against, where the group has them.
const BASELINES: [&str; 4] = ["licentia", "verify_strict", WARM, COLD];
/// In other languages: a token that was seen before, and one that was not.
pub(crate) const WARM: &str = "licentia, warm";
pub(crate) const COLD: &str = "licentia, cold";

/// A member of a group, in nanoseconds.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) median: f64,
    /// Half of the width of the median's 95 % confidence interval.
    pub(crate) spread: f64,
}

/// The table of what a program of another language measured: it prints a line for each member, with its median and half
/// of the spread of its rounds, in nanoseconds, and its name. What is promised is `(slower, faster, least ratio)`.
pub(crate) fn compared(printed: &str, promises: &[(&str, &str, f64)]) -> Result<String> {
    let member = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let (median, spread) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Member { name: parts.next()?.to_owned(), median, spread })
    };
    let members: Option<Vec<_>> = printed.lines().map(member).collect();
    let mut members = members.ok_or_else(|| format!("a benchmark printed {printed:?}"))?;
    members.sort_by(|a, b| a.median.total_cmp(&b.median));
    let median = |name: &str| {
        let found = members.iter().find(|member| member.name == name);
        found.map(|member| member.median).ok_or_else(|| format!("`{name}` was not measured"))
    };
    let table = markdown(&members);
    for (slower, faster, least) in promises {
        let ratio = median(slower)? / median(faster)?;
        println!("{faster} is {ratio:.2} x as fast as {slower}; at least {least}");
        if ratio < *least {
            return Err(format!("{table}\n{faster} is only {ratio:.2} x as fast as {slower}"));
        }
    }
    Ok(table)
}

fn baselines(members: &[Member]) -> Vec<&Member> {
    BASELINES.iter().filter_map(|name| members.iter().find(|member| member.name == **name)).collect()
}

/// A group's table for a terminal.
pub(crate) fn text(group: &str, members: &[Member]) -> String {
    let baselines = baselines(members);
    let mut text = format!("\n{group:<34} {:>12}", "median");
    for baseline in &baselines {
        text += &format!(" {:>16}", format!("/ {}", baseline.name));
    }
    for Member { name, median, .. } in members {
        text += &format!("\n  {name:<32} {:>12}", show(*median));
        for baseline in &baselines {
            text += &format!(" {:>16}", format!("{:.2} x", median / baseline.median));
        }
    }
    text + "\n"
}

/// The same for a page.
pub(crate) fn markdown(members: &[Member]) -> String {
    let baselines = baselines(members);
    let mut text = "| | median |".to_owned();
    for baseline in &baselines {
        text += &format!(" against {} |", baseline.name);
    }
    text += &format!("\n|---|---|{}", "---|".repeat(baselines.len()));
    for Member { name, median, spread } in members {
        let ours = [BASELINES[0], WARM, COLD].contains(&&**name);
        let name = if ours { format!("**{name}**") } else { name.clone() };
        text += &format!("\n| {name} | {} ± {:.1} % |", show(*median), spread / median * 100.0);
        for baseline in &baselines {
            text += &format!(" {:.2} |", median / baseline.median);
        }
    }
    text
}

/// Nanoseconds, for people.
pub(crate) fn show(nanoseconds: f64) -> String {
    if nanoseconds < 1_000.0 {
        format!("{nanoseconds:.1} ns")
    } else if nanoseconds < 1_000_000.0 {
        format!("{:.2} us", nanoseconds / 1_000.0)
    } else {
        format!("{:.2} ms", nanoseconds / 1_000_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::compared;

    #[test]
    fn what_a_program_printed_becomes_a_table_and_promises_are_kept() {
        let printed = "900.0 9.0 jose, EdDSA\n100.0 1.0 licentia, warm\n";
        let table = compared(printed, &[("jose, EdDSA", "licentia, warm", 9.0)]).unwrap();
        assert!(table.ends_with("| jose, EdDSA | 900.0 ns ± 1.0 % | 9.00 |"), "{table}");
        assert!(compared(printed, &[("jose, EdDSA", "licentia, warm", 9.1)]).is_err());
        assert!(compared(printed, &[("jose", "licentia, warm", 1.0)]).is_err());
        assert!(compared("warming up\n", &[]).is_err());
    }
}
