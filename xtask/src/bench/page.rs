//! `docs/performance.md`: prose that people write, around blocks of figures that benchmarks write.

use std::fs;

use crate::command::{Result, root};

/// The page.
const PAGE: &str = "docs/performance.md";

/// Replaces the block of a name: what stands between `<!-- NAME -->` and `<!-- /NAME -->`. A page without such a block
/// shows it nowhere.
pub(crate) fn write(name: &str, content: &str) -> Result {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let Some(page) = replaced(&page, name, content) else { return Ok(()) };
    fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))
}

fn replaced(page: &str, name: &str, content: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n{end}{after}", content.trim()))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_block_is_replaced_and_the_rest_stays() {
        let page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
        assert_eq!(replaced(page, "x", "new\n").unwrap(), "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n");
        assert_eq!(replaced(page, "y", "new"), None);
    }
}
