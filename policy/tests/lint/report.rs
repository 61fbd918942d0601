//! What is allowed, left out and not looked for.

use oam_policy::lint::{Lint, MAX_TOLD, lint};

use crate::{
    NOW, at, common, found,
    tables::{check, grant, role, told},
    whole,
};

#[test]
fn what_is_allowed() {
    let allow = |lint: &str| format!("allow = [{{ lint = \"{lint}\", reason = \"it is so\" }}]");
    let over = format!("expires = {NOW}\n{}", allow("expired"));
    insta::assert_snapshot!(told(&found(&grant(&over))), @"expired: the grant `g` has been over since 2026-06-01T00:00:00Z (it can be taken out) [allowed: it is so]");
    assert_eq!(found(&grant(&over)).open().count(), 0);
    check(
        Lint::UnusedAllow,
        "grant `g`",
        &[grant(&allow("expired")), grant(&allow("unknown-group")), grant(&allow("unused-allow"))],
    );
    let both =
        "allow = [{ lint = \"expired\", reason = \"a\" }, { lint = \"unused-allow\", reason = \"b\" }]";
    let report = found(&grant(both));
    assert_eq!(report.warnings.len(), 1);
    assert_eq!(report.warnings[0].allowed.as_deref(), Some("b"));
    // Without a directory nothing is known of what needs one.
    let policy =
        common::policy(&whole(&grant("").replace("to =", &format!("{}\nto =", allow("unknown-user")))));
    let report = lint(&policy, None, at(NOW));
    assert_eq!(report.warnings, []);
    assert_eq!(
        report.unfinished.into_iter().map(Lint::id).collect::<Vec<_>>(),
        [
            "unknown-group",
            "unknown-user",
            "role-without-members",
            "exclusive-roles",
            "except-too-large",
            "approvals-out-of-reach"
        ]
    );
}

#[test]
fn what_decides_nothing_is_no_part_of_the_digest() {
    let digest = |rules: &str| common::policy(&whole(rules)).digest();
    let plain = role(r#"any = ["g:many"]"#);
    let more = "exclusive = [\"everybody\"]\nallow = [{ lint = \"expired\", reason = \"x\" }]";
    assert_eq!(digest(&plain), digest(&role(&format!("any = [\"g:many\"]\n{more}"))));
    assert_ne!(digest(&plain), digest(&role(r#"any = ["g:all"]"#)));
}

#[test]
fn too_many_of_one_kind_are_counted() {
    let grants: String = (0..MAX_TOLD + 7)
        .map(|number| grant(&format!("id = \"g{number}\"\non = [\"P/{number}\"]\nexpires = {NOW}")))
        .collect();
    let report = found(&(grants + &grant("id = \"last\"\nrefs = [\"refs/heads/x.lock\"]")));
    assert_eq!((report.warnings.len(), report.omitted), (MAX_TOLD + 1, 7));
}
