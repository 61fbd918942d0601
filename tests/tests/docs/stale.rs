//! Sentences that were true once, and did harm when they were not any more.

use crate::book::{Page, pages, shown, source};

/// Each says of something that it is not decided, or that nothing uses it. Whoever believes it switches it off.
const STALE: &[&str] = &[
    "leave a real push",
    "approvals on a real push",
    "no command uses",
    "cannot decide yet",
    "planned, and do nothing",
    "workloads, which are not counted",
];

/// The prose of a page in one line, in lower case: a sentence goes on in the next line.
fn flat(page: &Page) -> String {
    let words = page.prose.iter().flat_map(|(_, line)| line.split_whitespace());
    // A line of a quotation begins with its mark.
    words.filter(|word| *word != ">").collect::<Vec<_>>().join(" ").replace('*', "").to_lowercase()
}

#[test]
fn nothing_that_is_decided_is_said_not_to_be() {
    let found: Vec<_> = pages()
        .iter()
        .flat_map(|page| {
            let text = flat(page);
            let stale = STALE.iter().filter(move |stale| text.contains(**stale));
            stale.map(|stale| format!("{}: {stale}", shown(&page.path))).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

/// Rules on approvals hold up every merge where the daemon may not ask Bitbucket: whoever shows one to somebody who comes
/// from elsewhere says so.
#[test]
fn whoever_comes_with_approvals_is_led_to_what_they_take() {
    let mut with_approvals = 0;
    for page in pages().iter().filter(|page| page.path.starts_with(source().join("guide"))) {
        let shows = page.blocks.iter().any(|block| {
            block.info.starts_with("toml,policy")
                && block.text.contains("approvals ")
                && block.text.contains("[[require]]")
        });
        if !shows || page.path.ends_with("approvals.md") {
            continue;
        }
        with_approvals += 1;
        assert!(flat(page).contains("approvals.md)"), "{}", shown(&page.path));
    }
    assert!(with_approvals >= 4, "{with_approvals} pages");
}
