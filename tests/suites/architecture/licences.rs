//! Licences as SPDX expressions.

/// Whether an expression can be met with licences that are allowed.
pub(crate) fn is_met(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    // Older manifests have a slash for OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = any(&words, allowed);
    met && rest.is_empty()
}

type Rest<'a> = &'a [&'a str];

fn any<'a>(words: Rest<'a>, allowed: &dyn Fn(&str) -> bool) -> (bool, Rest<'a>) {
    let (mut met, mut rest) = all(words, allowed);
    while let ["OR", after @ ..] = rest {
        let (other, after) = all(after, allowed);
        (met, rest) = (met || other, after);
    }
    (met, rest)
}

fn all<'a>(words: Rest<'a>, allowed: &dyn Fn(&str) -> bool) -> (bool, Rest<'a>) {
    let (mut met, mut rest) = one(words, allowed);
    while let ["AND", after @ ..] = rest {
        let (other, after) = one(after, allowed);
        (met, rest) = (met && other, after);
    }
    (met, rest)
}

fn one<'a>(words: Rest<'a>, allowed: &dyn Fn(&str) -> bool) -> (bool, Rest<'a>) {
    match words {
        ["(", inner @ ..] => match any(inner, allowed) {
            (met, [")", rest @ ..]) => (met, rest),
            (_, rest) => (false, rest),
        },
        [license, "WITH", exception, rest @ ..] => (allowed(&format!("{license} WITH {exception}")), rest),
        [license, rest @ ..] => (allowed(license), rest),
        // What is left over makes the whole expression wrong.
        [] => (false, &["nothing"]),
    }
}

#[test]
fn an_expression_is_met_by_its_grammar() {
    let allowed = |license: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&license);
    for met in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "MIT AND ISC",
        "(GPL-3.0 OR MIT) AND ISC",
        "GPL-3.0 AND X OR MIT",
        "Apache-2.0 WITH LLVM-exception OR X",
    ] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for unmet in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(GPL-3.0 OR MIT) AND X",
        "MIT AND (X OR Y)",
        "Apache-2.0",
        "(MIT",
        "MIT ISC",
        "MIT OR",
    ] {
        assert!(!is_met(unmet, &allowed), "{unmet}");
    }
}
