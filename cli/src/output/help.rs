//! What the long help of each command says about its JSON.

use crate::exit::Exit;

/// Below `oam --help`.
pub fn of_all() -> String {
    format!(
        "{}\n\nThe socket: `--socket`, OAM_SOCKET, or the first of /run/oam/admin.sock, \
         $XDG_RUNTIME_DIR/oam/admin.sock and ./oam-state/run/admin.sock.\n\n\
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
const POLICY: &str =
    "POLICY: {digest, in_force, loaded, origin, author, reason, path, roles, grants, blocks}";
/// `FAULT` in the texts below.
const FAULT: &str = "FAULT: {file, line, column, length, message, help, excerpt}";
/// `USER` in the texts below.
const USER: &str = "USER: {username, id, display_name, emails, active, active_at_source, groups, roles, \
                    revocation: {at, by, reason}, in_directory}";

fn document(shape: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("\n  {part}")).collect();
    format!("JSON: {shape}{parts}")
}

fn lines(shape: &str, parts: &[&str]) -> String {
    document(&format!("one line each: {shape}"), parts)
}

/// `oam status`.
pub fn status() -> String {
    document(
        "{ready, version, node, state_dir, started, snapshot: SNAPSHOT, policy: POLICY, audit: {writable, entries, \
         root, checkpoint}, pushes: {permitted, refused, undecided}, warnings}",
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

/// `oam policy check`.
pub fn check() -> String {
    document("{ok, policy: POLICY, warnings, faults_total, faults: [FAULT]}", &[POLICY, FAULT])
}

/// `oam policy apply` and `rollback`.
pub fn apply() -> String {
    document("{changed, policy: POLICY, warnings, faults_total, faults: [FAULT]}", &[POLICY, FAULT])
}

/// `oam policy show`.
pub fn policy() -> String {
    document("{policy: POLICY, files: [{name, text}]}", &[POLICY])
}

/// `oam policy history`.
pub fn policies() -> String {
    document("{policies: [POLICY]}, newest first", &[POLICY])
}

/// `oam explain`.
pub fn explain() -> String {
    document(
        "{outcome, username, repository, ref, verb, roles, grant, through_role, reasons: [REASON], refs: [{ref, \
         outcome, verb, reasons: [REASON]}], contact, rules: [{kind, id, matched, why_not, evaluate_only}], policy, \
         snapshot: SNAPSHOT}",
        &[
            "outcome: permitted (exit code 0), refused (1) or undecided (3)",
            "ref: instead `ref_b64`, in base64, where it is not UTF-8",
            "REASON: {code, rule, summary, hint}",
            SNAPSHOT,
        ],
    )
}

/// `oam audit tail`.
pub fn tail() -> String {
    "JSON: the entries as they are stored, one a line.".into()
}

/// `oam audit verify`.
pub fn verify() -> String {
    document(
        "{ok, error, log, key, key_name, key_beside_log, checkpoint_beside_log, entries, root, checkpoint_size, \
         beyond_checkpoint, torn_tail_bytes, abandoned_parts}",
        &[],
    )
}
