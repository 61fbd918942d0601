//! The paths of workloads in two policies.

use oam_policy::diff::{Limits, OfferEffect, PolicyDiff, diff};

use super::{
    common,
    world::{NOW, at, directory},
};

const HEAD: &str = r#"
version = 1
[[role]]
id = "bot"
max_lease = "10m"
[[workload]]
id = "release"
profile = "gitlab"
issuer = "https://gitlab.example.com"
claims = { project_id = "74" }
principal = "svc"
roles = ["bot"]
on = ["P/a"]
refs = ["refs/heads/**"]
verbs = ["create"]
"#;

fn compared(old: &str, new: &str) -> PolicyDiff {
    let [old, new] = [old, new].map(|paths| common::policy(&format!("{HEAD}{paths}")));
    diff(&old, &new, Some(&directory()), at(NOW), &Limits::default())
}

/// Whether two lists hold the same paths is not looked at: that is said wherever it matters.
#[test]
fn paths_of_workloads_are_compared_as_they_are_written_and_that_is_said() {
    let [one, same, less, all] =
        [r#""{a,b}/*""#, r#""a/*", "b/*""#, r#""a/*""#, r#""**""#].map(|list| format!("paths = [{list}]\n"));
    for (old, new) in [(&*one, &*same), (&*one, &*less), ("", &*all), (&*all, "")] {
        let found = compared(old, new);
        assert_eq!(found.offers[0].effect, OfferEffect::LeasesOtherwise, "{found:?}");
        assert!(!found.exact && found.bounded[0].why.contains("paths of workloads"), "{found:?}");
    }
    // Where one side is of whatever changes, there is nothing to be compared with what is surely of less; nor where both lists are the same.
    let found = compared("", &one);
    assert!(found.exact && found.offers[0].effect == OfferEffect::LeasesOtherwise, "{found:?}");
    let found = compared(&one, &format!("{one}uses = 2\n"));
    assert!(found.exact && found.offers.len() == 1, "{found:?}");
}

/// Of whatever changes is also a list that is not plainly so: from none to such a one nothing may change.
#[test]
fn a_list_that_may_be_of_all_paths_may_be_no_change() {
    let mut all = vec![r#""**/*""#, r#""*", "**""#, r#""{**,x}""#];
    all.extend(cfg!(feature = "regex").then_some(r#""re:.*""#));
    for list in all {
        let with = format!("paths = [{list}]\n");
        for (old, new) in [("", &*with), (&*with, "")] {
            let found = compared(old, new);
            assert_eq!(found.offers[0].effect, OfferEffect::LeasesOtherwise, "{list}: {found:?}");
            assert!(!found.exact && found.bounded[0].why.contains("paths of workloads"), "{list}: {found:?}");
        }
    }
    for list in [r#""*""#, r#""**", "!x/**""#, r#""*/**""#] {
        let with = format!("paths = [{list}]\n");
        for (old, new) in [("", &*with), (&*with, "")] {
            let found = compared(old, new);
            assert!(found.exact && found.offers.len() == 1, "{list}: {found:?}");
        }
    }
}
