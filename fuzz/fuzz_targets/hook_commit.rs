//! Raw commits: what is read stands in them as git's rules have it, and nothing is signed but what remains.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_hook::git::{
    commit::{Commit, MAX_SUBJECT},
    signed::in_commit,
};
use oam_policy::name::ObjectFormat;

fn holds(data: &[u8], what: &[u8]) -> bool {
    what.is_empty() || data.windows(what.len()).any(|window| window == what)
}

fuzz_target!(|data: &[u8]| {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let Some(signed) = in_commit(data, format) else { continue };
        assert!(signed.payload.len() + signed.signature.len() < data.len());
        // Nothing of it is signed twice, in whichever way.
        assert_eq!(in_commit(&signed.payload, ObjectFormat::Sha1), None);
        assert_eq!(in_commit(&signed.payload, ObjectFormat::Sha256), None);
        if let (Ok(whole), Ok(rest)) = (Commit::parse(data), Commit::parse(&signed.payload)) {
            assert_eq!((whole.tree, whole.subject()), (rest.tree, rest.subject()));
        }
    }
    let Ok(commit) = Commit::parse(data) else { return };
    // The beginning is written again as it was.
    let parents: String = commit.parents.iter().map(|parent| format!("parent {parent}\n")).collect();
    let begin = format!("tree {}\n{parents}", commit.tree);
    assert!([data, b"\n"].concat().starts_with(begin.as_bytes()));
    let subject = commit.subject();
    assert!(subject.len() <= MAX_SUBJECT && !subject.contains(&b'\n') && !subject.contains(&0));
    let Ok(makers) = commit.makers() else { return };
    for (field, email) in [("author ", makers.author), ("committer ", makers.committer)] {
        assert!(!email.contains(&b'>') && !email.contains(&b'\n') && !email.contains(&0));
        assert!(
            email.is_empty() || holds(data, &[b"<", email, b">"].concat()) && holds(data, field.as_bytes())
        );
    }
    if commit.is_signed_off(&makers) {
        let lower = data.to_ascii_lowercase();
        let names = |email: &[u8]| {
            let line = [b"<", email, b">"].concat().to_ascii_lowercase();
            !email.is_empty() && lower.windows(line.len()).filter(|window| *window == line).count() > 1
        };
        assert!(holds(&lower, b"\nsigned-off-by") && (names(makers.author) || names(makers.committer)));
    }
});
