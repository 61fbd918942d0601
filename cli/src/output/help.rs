//! What the long help of each command says about its JSON.

use crate::exit::Exit;

mod audit;

pub use audit::{access_report, attest, erase, prove, query, report, tail, verify, witness};

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

/// What the words in `oam secrets` are.
const SECRET: &str = "kind: certificate, authority, key, secret, token; state: well, old, ends-soon, ends-now, ended, \
                      unusable; ends is null where there is no end, or nobody can tell";

/// `TRANSMITTER` in the texts below.
const TRANSMITTER: &str = "TRANSMITTER: {name, issuer, source, delivery, path, stream, flow, why, heard, verified, asked, \
                           trouble, blind, received, refused, tokens: [TOKEN]}; flow: unknown, enabled, paused, \
                           disabled";

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

/// `oam policy check`.
pub fn check() -> String {
    document(
        "{ok, policy: POLICY, tests: {passed, failed, not_run}, warnings: [WARNING], warnings_omitted, \
         warnings_of_change, warnings_denied, lints_unfinished, faults_total, faults: [FAULT]}",
        &[
            POLICY,
            WARNING,
            "lints_unfinished: not looked for everywhere, for want of a directory or since it or the policy is too large; \
             one of them in --deny: exit code 3, unless it is 1",
            FAULT,
        ],
    )
}

/// `oam policy test`.
pub fn test() -> String {
    document(
        "{ok, passed, failed, not_run, tests: [TEST], faults_total, faults: [FAULT]}",
        &[
            "TEST: {result, file, line, column, who, push, channel, at, expected, found, why}",
            "result: passed, failed or not-run",
            "A test that failed is also one of the faults: the policy would not be loaded.",
            FAULT,
        ],
    )
}

/// `oam policy init`.
pub fn init() -> String {
    format!(
        "On a terminal it asks for what no option says; elsewhere, and with --yes or --json, it takes what stands in \
         brackets. The policy is read and its tests are run before it is written. It asks no daemon.\n\n\
         With --from-bitbucket it asks nobody but Bitbucket, and the daemon which groups are known. Exit code 0: nothing \
         is left that somebody should look at, and no difference is without a reason; 1: the policy is written, and there \
         is something to look at.\n\n{}",
        document(
            "{path, roles, grants, blocks, requires, tests}; with --from-bitbucket {path, files, roles, grants, blocks, \
             requires, requests, left: [LEFT], unknown_groups: null or a list, compared}",
            &[
                "LEFT: {kind, place, holder, what, help, matters}",
                "compared: {complete, questions, people, kinds_of_people, repositories, kinds_of_repositories, refs, \
                 differing, unexplained, differences: [DIFFERENCE], stricter_where_unclear}",
                "DIFFERENCE: {user, repository, ref, change, bitbucket, policy, wider, because, people_alike, \
                 repositories_alike}; because: the place in `left` of what explains it, from 0 on",
            ],
        )
    )
}

/// `oam policy schema`.
pub fn schema() -> String {
    "It asks no daemon. The language server of TOML in most editors finds it by a first line in the policy:\n\n  \
     #:schema ./policy.schema.json\n\nJSON: a JSON Schema, draft 7."
        .into()
}

/// `oam policy diff`.
pub fn policy_diff() -> String {
    lines(
        "{effect, …} for each change, then {old, new, changes, exact, bounded: [{why, patterns, patterns_total}], \
         generation, at, approvals_before, approvals_after}",
        &[
            "effect: gains, loses, tightens, loosens, changes, may-lift, may-no-longer-lift or lifts-otherwise; with it \
             {verbs, users, who: [WHO], who_total, from, to, before: BECAUSE, after: BECAUSE, places: [PLACE], \
             places_total}",
            "effect: may-ask, may-no-longer-ask, asks-otherwise, may-approve, may-no-longer-approve, may-lease, \
             may-no-longer-lease or leases-otherwise, where a role may be asked for otherwise; with it {role, verbs, users, \
             who: [WHO], who_total, job: null or {issuer, claims}, before, after: the terms in words, or whose requests, \
             none where it is not so; places: [{repositories: CLASS, refs: CLASS, repository, ref, username}], places_total}",
            "WHO: {roles_before, roles_after, users, sample}; roles are null where the policy knows nobody by that name",
            "BECAUSE: {permitted, rules, conditions, requires, lifting: null or {rules, conditions}}; conditions: what it \
             takes, in words, or where that is all that changes, what goes and what comes; lifting: what may be lifted by \
             whom, in words, and what it takes then",
            "PLACE: {repositories: CLASS, refs: CLASS, paths, witness: {username, is_person, verb, repository, ref, path, \
             at}}; paths: \"whatever\" changes, \"nothing\", {none_of: [PATTERN]}, or a CLASS",
            "ref, path: instead `ref_b64` and `path_b64`, in base64, where it is not UTF-8",
            "CLASS: {within, without}: what matches every pattern of `within` and none of `without`; of paths `within` may \
             be empty",
            "exact: false when there may be changes that are not listed; each that is listed is one. `bounded` says why.",
            "The exit code is 0 whether or not anything changes, and 1 when the new policy has faults, which are then \
             the only line: {faults_total, faults: [FAULT]}.",
            FAULT,
        ],
    )
}

/// `RULE` in the texts below.
const RULE: &str = "RULE: {kind, id, evaluate_only, decided, would, last}; decided: how many refs it decided, of a role how \
                    many pushes came from who held it; would: what it would have decided in evaluate mode";

/// `oam policy replay`.
pub fn replay() -> String {
    let exits = "Exit code 0: no verdict changes. 1: some do, or the policy has faults. 3: none does as far as could be told, and \
                 some could not be told. The same verdict for other rules or reasons changes nothing, except with \
                 --recorded, where every difference counts.";
    format!(
        "{exits}\n\n{}",
        lines(
            "{item, …}",
            &[
                "verdict, with --all: VERDICT",
                "group: {effect, before: JUDGEMENT, after: JUDGEMENT, refs, pushes, examples: [VERDICT]}",
                "done, last: {policy, in_force, since, until, pushes, refs, unchanged, newly_permitted, newly_refused, \
             newly_undecided, other_grounds, pushes_changed, by_directory_alone, by_directory_then, by_directory_now, \
             refs_not_grouped, untold: [UNTOLD], rules: [RULE], in_force_rules: [RULE], in_force_rules_since}",
                "VERDICT: {decision, time, username, repository, channel, ref, verb, effect, before: JUDGEMENT, after: \
             JUDGEMENT, generation, directory, differs}",
                "effect: newly-permitted, newly-refused, newly-undecided or other-grounds",
                "JUDGEMENT: {outcome, grant, waiver, reasons: [{code, rule}]}",
                "ref: instead `ref_b64`, in base64, where it is not UTF-8",
                "directory: then, the one it was decided by; or now",
                "UNTOLD: {code, why, doubt, refs, pushes, examples}; doubt: the answer is less certain for it",
                RULE,
                "a policy with faults: {faults_total, faults: [FAULT]} instead, one document",
                FAULT,
            ],
        )
    )
}

/// `oam policy usage`.
pub fn usage() -> String {
    document("{policy, in_force_since, since, rules: [RULE]}", &[RULE])
}

/// `oam policy apply`, `rollback` and `approve`.
pub fn apply() -> String {
    document(
        "{changed, policy: POLICY, proposal: PROPOSAL, warnings: [WARNING], warnings_omitted, warnings_of_change, \
         lints_unfinished, faults_total, faults: [FAULT]}",
        &[
            "The exit code is 0 when the policy is in force, 1 when it has faults, and 6 when it waits for the approval of \
             others: then there is a proposal and no policy.",
            POLICY,
            PROPOSAL,
            WARNING,
            FAULT,
        ],
    )
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

/// `oam policy proposals`.
pub fn proposals() -> String {
    document("{needed, proposals: [PROPOSAL]}, oldest first", &[PROPOSAL])
}

/// `oam policy withdraw`.
pub fn withdraw() -> String {
    document("{proposal: PROPOSAL}", &[PROPOSAL])
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
         outcome, verb, reasons: [REASON]}], contact, otherwise: {outcome, grant, through_role, refs}, rules: [{kind, id, \
         matched, why_not, evaluate_only, findings: [{dimension, ok, detail}]}], policy, snapshot: SNAPSHOT}",
        &[
            "outcome: permitted (exit code 0), refused (1) or undecided (3)",
            "ref: instead `ref_b64`, in base64, where it is not UTF-8",
            "REASON: {code, rule, summary, hint}",
            "otherwise: of somebody cut off, deactivated or unknown, what would be decided if they were not",
            "dimension: repository, ref, verb, role, time; a rule matches when all are ok",
            "a draft with faults (1): {faults_total, faults: [FAULT]} instead",
            SNAPSHOT,
            FAULT,
        ],
    )
}

/// `oam who`.
pub fn who() -> String {
    lines(
        "{item, …}",
        &[
            "count, first: {users, services, repository, ref, verb, policy, snapshot: SNAPSHOT}",
            "can: {username, kind, grant, role, privilege}; kind: user or service; privilege: the id of what they have for a while",
            "stopped: {grant, role, rules, count}; what a block or a require stops, and of how many active people",
            "undecided, alone (exit code 3): {reasons: [{code, rule, summary, hint}]}",
            "a draft with faults (1): {faults_total, faults: [FAULT]} instead, one document",
            "ref: instead `ref_b64`, in base64, where it is not UTF-8",
            SNAPSHOT,
            FAULT,
        ],
    )
}

/// `SOURCE` in the texts below.
const SOURCE: &str = "SOURCE: {name, kind, retired, seen, max_age_seconds, stale, lost, users, groups, gone, unusable, \
                      changes, path, mapping: {username, username_suffix, group}, feed: FEED, tokens: [TOKEN]}";
/// `FEED` in the texts below.
const FEED: &str = "FEED: {server, last_event, last_load, cookie, trouble, held, shared_names: [NAME], reconnects, reads_all, not_called}";
/// `TOKEN` in the texts below.
const TOKEN: &str = "TOKEN: {id, created, created_by, expires, last_used, expired}";

/// `oam source list`.
pub fn sources() -> String {
    document("[SOURCE]", &[SOURCE, FEED, TOKEN])
}

/// `oam source status`.
pub fn source() -> String {
    format!("{}\n\nExit code 1 when the source is stale or lost.", document("SOURCE", &[SOURCE, FEED, TOKEN]))
}

/// `oam secrets`.
pub fn secrets() -> String {
    format!(
        "{}\n\nExit code 1 when one ends within `secrets.alarm_days`, has ended, or could not be used.",
        document("[{name, kind, path, since, ends, state, fault}]", &[SECRET])
    )
}

/// `oam signals list`.
pub fn signals() -> String {
    format!("{}\n\nExit code 1 when one of them is blind.", document("[TRANSMITTER]", &[TRANSMITTER, TOKEN]))
}

/// `oam signals status` and `oam signals remove`.
pub fn signals_of() -> String {
    format!("{}\n\nExit code 1 when it is blind.", document("TRANSMITTER", &[TRANSMITTER, TOKEN]))
}

/// `oam signals setup`.
pub fn signals_setup() -> String {
    document("{transmitter: TRANSMITTER, token, advice}", &[TRANSMITTER, TOKEN])
}

/// `oam signals verify`.
pub fn signals_verify() -> String {
    format!(
        "{}\n\nExit code 1 when none came within ten seconds.",
        document("{transmitter: TRANSMITTER, verified}", &[TRANSMITTER, TOKEN])
    )
}

/// `oam source sync`.
pub fn source_sync() -> String {
    document("{source: SOURCE, advice}", &[SOURCE, FEED, TOKEN])
}

/// `oam source preview`.
pub fn source_preview() -> String {
    const USER: &str = "USER: {username, id, display_name, emails, active, already}";
    let shape = "{user: USER, group, users: [USER], groups: [{group, members}], problems}";
    format!("{}\n\nExit code 1 when there is a problem.", document(shape, &[USER]))
}

/// `oam source forget`.
pub fn source_forget() -> String {
    document("{source, forgotten}", &[])
}

/// `oam source token rotate`.
pub fn source_token_new() -> String {
    document("{token, info: TOKEN}", &[TOKEN])
}

/// `oam source token list`.
pub fn source_tokens() -> String {
    document("[TOKEN]", &[TOKEN])
}

/// `oam source token revoke`.
pub fn source_token() -> String {
    document("TOKEN", &[TOKEN])
}

/// `oam bitbucket install` and `uninstall`.
pub fn bitbucket_install() -> String {
    document(
        "{done, steps: [{step, script, project, id, triggers}], unchanged}",
        &["step: upload, replace, enable, disable or delete; script: PRE or POST"],
    )
}

/// `oam bitbucket status`.
pub fn bitbucket_status() -> String {
    document(
        "{scripts: [{script, id, up_to_date}], projects: [{project, before, after, repositories: [{repository, \
         decided, canary: {at, outcome, detail}}]}], canaries: {url, proven, trouble}}",
        &["before, after: on, partly or off; outcome: refused (as it should be), accepted or unknown"],
    )
}

/// `oam bitbucket plan`.
pub fn bitbucket_plan() -> String {
    document(
        "{policy, directory, changes: [CHANGE], held_back: [{change: CHANGE, why}], surplus: [{place, holder, has, granted}], \
         absent, left_in_groups, unsaid: [{rule, what}], unchanged, too_much, interrupted}",
        &[BITBUCKET_CHANGE],
    )
}

/// `oam bitbucket drift`.
pub fn bitbucket_drift() -> String {
    document(
        "{policy, directory, counts: {KIND: N, …}, findings: [{kind, place, holder, what, mended}]}",
        &[
            "kind: gone, administers, not-granted, everybody, differs, exemption, restriction, key-writes, endless or unused",
        ],
    )
}

/// `oam bitbucket apply` and `watch`.
pub fn bitbucket_apply() -> String {
    document(
        "{done, failed: [{change: CHANGE, why}], held_back: [{change: CHANGE, why}]}",
        &[BITBUCKET_CHANGE],
    )
}

/// A change in Bitbucket.
const BITBUCKET_CHANGE: &str = "CHANGE: {step, place, user, group, thing, before, after, because}; step: permit, revoke, \
                                forget, revoke-global, delete-token, delete-ssh-key, delete-gpg-key, leave-group, restrict or lift";
