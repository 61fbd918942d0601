//! What the long help of `oam bitbucket` says.

use super::document;

/// `oam bitbucket install` and `uninstall`.
pub fn bitbucket_install() -> String {
    document(
        "{done, steps: [{step, script, project, id, triggers}], unchanged}",
        &[
            "step: upload, replace, enable, widen, disable or delete; script: PRE or POST, or with\n   the app pre-receive, merge-check or post-receive",
        ],
    )
}

/// `oam bitbucket status`.
pub fn bitbucket_status() -> String {
    document(
        "{alarms: [{place, what}], scripts: [{script, id, up_to_date}], projects: [{project, chosen, before, after, repositories: [{repository, \
         before, after, decided, canary: {at, outcome, detail}}]}], canaries: {url, proven, trouble}}",
        &[
            "before, after: on, partly or off; of a repository only where it says so itself; outcome: refused (as it\n   should be), accepted or unknown",
        ],
    )
}

/// `oam bitbucket plan`.
pub fn bitbucket_plan() -> String {
    document(
        "{policy, directory, changes: [CHANGE], held_back: [{change: CHANGE, why}], surplus: [{place, holder, has, granted}], \
         absent, left_in_groups, unread: [{user, why}], unread_places: [{place, why}], unsaid: [{rule, what}], unchanged, too_much, interrupted}",
        &[BITBUCKET_CHANGE],
    )
}

/// `oam bitbucket drift`.
pub fn bitbucket_drift() -> String {
    document(
        "{policy, directory, counts: {KIND: N, …}, findings: [{kind, place, holder, what, mended, mended_by}]}",
        &[
            "kind: hook-gone, hook-off, hook-narrowed, hook-replaced, hook-not-yet, gone, unread, unknown-account, another-account, administers, group-member, not-granted, everybody, differs, exemption, restriction, key-writes, endless or unused; mended_by: a command, or null",
        ],
    )
}

/// `oam bitbucket apply` and `watch`.
pub fn bitbucket_apply() -> String {
    document(
        "{done, failed: [{change: CHANGE, why}], held_back: [{change: CHANGE, why}], unread: [{user, why}], unread_places: [{place, why}]}",
        &[BITBUCKET_CHANGE],
    )
}

/// A change in Bitbucket.
const BITBUCKET_CHANGE: &str = "CHANGE: {step, place, user, group, thing, before, after, because}; step: permit, revoke, \
                                forget, revoke-global, delete-token, delete-ssh-key, delete-gpg-key, leave-group, revoke-default, delete-access-key, delete-place-token, restrict or lift";
