//! What the long help of each command says about its JSON.

use crate::exit::Exit;

mod audit;
mod bitbucket;
mod policy;
mod source;

pub use audit::{access_report, attest, erase, prove, query, report, tail, verify, witness};
pub use bitbucket::{bitbucket_apply, bitbucket_drift, bitbucket_install, bitbucket_plan, bitbucket_status};
pub use policy::{
    apply, check, explain, init, policies, policy, policy_diff, proposals, replay, schema, test, usage, who,
    withdraw,
};
pub use source::{
    secrets, signals, signals_remove, signals_setup, signals_status, signals_verify, source, source_forget,
    source_preview, source_sync, source_token, source_token_new, source_tokens, sources,
};

/// Below `oam --help`.
pub fn of_all() -> String {
    format!(
        "{}\n\nThe socket: `--socket`, OAM_SOCKET, or the first of /run/oam/admin.sock, \
         $XDG_RUNTIME_DIR/oam/admin.sock and ./oam-state/run/admin.sock.\n\n\
         A daemon on another host: `--daemon`, OAM_DAEMON; it goes before the socket, and `oam login` comes first.\n\n\
         With --json, an answer is one JSON document, or one JSON line for each item of a stream, on standard \
         output; a failure is one JSON line {{error, help, exit}} on standard error; a wrong command line is told in plain text. Times are RFC 3339 in UTC. What \
         there is none of is null. New fields may be added; none changes its meaning. `--help` of a command lists \
         its fields.",
        Exit::table()
    )
}

/// `SNAPSHOT` in the texts below.
const SNAPSHOT: &str = "SNAPSHOT: {generation, digest, as_of, users, active_users, groups, memberships, \
                        revocations, cause, actor, reason, changed}";

/// `POLICY` in the texts below.
const POLICY: &str = "POLICY: {digest, in_force, loaded, origin, author, reason, path, roles, grants, blocks, requires, waivers, approvals, approved_by, \
     unapproved}";

/// `PROPOSAL` in the texts below.
const PROPOSAL: &str = "PROPOSAL: {digest, replaces, proposed, origin, author, reason, approvals: [{by, at, reason}], \
                        needed}";

/// `FAULT` in the texts below.
const FAULT: &str = "FAULT: {file, line, column, length, message, help, excerpt}";

/// `WARNING` in the texts below.
const WARNING: &str =
    "WARNING: {lint, kind, id, message, help, allowed}; allowed: the reason that the policy gives";

/// `USER` in the texts below.
const USER: &str = "USER: {username, id, display_name, emails, active, active_at_source, groups, roles, \
                    revocation: {at, by, reason}, in_directory}";

/// `PRIVILEGE` in the texts below.
const PRIVILEGE: &str = "PRIVILEGE: {id, kind, stage, rule, role, lifts, username, on, refs, seconds, reason, needed, \
                         approvals: [{by, at}], asked, from, to, ended, wants_sign_off, signed_off: {by, at, reason}, \
                         answering, lease: {verbs, commit, uses, used, issuer, claims, paths, by_token}}; kind: grant, waiver, lease; \
                         stage: waiting, live, ended; ended: over, unanswered, denied, returned, revoked, not-allowed, \
                         used-up; answering: roles";

fn document(shape: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("\n  {part}")).collect();
    format!("JSON: {shape}{parts}")
}

fn lines(shape: &str, parts: &[&str]) -> String {
    document(&format!("one line each: {shape}"), parts)
}

/// `ME` in the texts below.
const ME: &str = "ME: {actor, issuer, subject, username, roles, bar, doubts, expires, warnings}";

/// `oam login`.
pub fn login() -> String {
    format!(
        "Without --device or --browser: the browser, or the code where there seems to be none ($BROWSER, $DISPLAY, \
         $WAYLAND_DISPLAY) or you came by ssh. What must be opened is told on standard error. What is given is kept in \
         $XDG_STATE_HOME/oam/tokens, or else in ~/.local/state/oam/tokens, for you alone, and is renewed by itself as long as the \
         provider does so.\n\n{}",
        document("ME", &[ME])
    )
}

/// `oam logout`.
pub fn logout() -> String {
    document(
        "{was_signed_in, taken_back}",
        &["taken_back: whether the identity provider took the tokens back"],
    )
}

/// `oam whoami`.
pub fn whoami() -> String {
    document(
        "ME",
        &[
            ME,
            "actor: as the audit log names you; over the socket, issuer, subject, username and expires are null",
            "roles: admin, operator, auditor; bar: why you hold none; doubts: what could not be told of what you hold",
        ],
    )
}

/// `oam status`.
pub fn status() -> String {
    document(
        "{ready, version, node, state_dir, started, snapshot: SNAPSHOT, policy: POLICY, audit: {writable, entries, \
         root, checkpoint}, pushes: {permitted, refused, undecided}, warnings, alarms}",
        &[SNAPSHOT, POLICY],
    )
}

/// `oam snapshot import`.
pub fn import() -> String {
    document(
        "{imported, dry_run, snapshot: SNAPSHOT, added, removed, changed, faults_total, faults: [FAULT]}",
        &[SNAPSHOT, FAULT],
    )
}

/// `oam snapshot show`.
pub fn users() -> String {
    lines("USER", &[USER])
}

/// `oam snapshot diff`.
pub fn diff() -> String {
    lines(
        "{change, …}",
        &[
            "user-added, user-removed: {username}",
            "user-changed: {username, active, joined, left, details}",
            "group-added, group-removed: {group}",
        ],
    )
}

/// `oam snapshot history`.
pub fn snapshots() -> String {
    document("{snapshots: [SNAPSHOT]}, newest first", &[SNAPSHOT])
}

/// `oam snapshot rollback`.
pub fn snapshot_rollback() -> String {
    document("{snapshot: SNAPSHOT, cut_off_since: [username], reactivated}", &[SNAPSHOT])
}

/// `oam user show`.
pub fn user() -> String {
    document("USER", &[USER])
}

/// `oam user deactivate` and `reactivate`.
pub fn user_changed() -> String {
    document("{changed, user: USER, snapshot: SNAPSHOT}", &[USER, SNAPSHOT])
}

/// `oam ci lease`.
pub fn ci_lease() -> String {
    document(
        "{id, principal, seconds, scope, push_option}",
        &[
            "The token is looked for in: `--token-file`; `OAM_ID_TOKEN` (GitLab, Jenkins); `BITBUCKET_STEP_OIDC_TOKEN`; \
           GitHub's `ACTIONS_ID_TOKEN_REQUEST_URL`; `/var/run/secrets/oam/token` (Kubernetes).",
        ],
    )
}

/// `oam grant …`, `oam breakglass …`.
pub fn privilege() -> String {
    document("PRIVILEGE", &[PRIVILEGE])
}

/// `oam grant list`.
pub fn privileges() -> String {
    document("{privileges: [PRIVILEGE]}, oldest first", &[PRIVILEGE])
}

/// `oam breakglass report`.
pub fn privilege_report() -> String {
    document(
        "{privilege: PRIVILEGE, pushes_total, pushes: [{decision, time, repository, refs: [{ref, verb, lifted}]}]}",
        &[PRIVILEGE],
    )
}
