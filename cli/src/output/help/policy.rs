//! What the long help of `oam policy`, `oam explain` and `oam who` says.

use super::{FAULT, POLICY, PROPOSAL, SNAPSHOT, WARNING, document, lines};

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
             {verbs, users, who: [WHO], who_total, from, to, weekly, before: BECAUSE, after: BECAUSE, places: \
             [PLACE], places_total}; weekly: it begins or ends with the hours of the week, and comes again",
            "effect: may-ask, may-no-longer-ask, asks-otherwise, may-approve, may-no-longer-approve, may-lease, \
             may-no-longer-lease or leases-otherwise, where a role may be asked for otherwise; with it {role, verbs, users, \
             who: [WHO], who_total, job: null or {issuer, claims}, before, after: the terms in words, or whose requests, \
             none where it is not so; places: [{repositories: CLASS, refs: CLASS, repository, ref, username}], places_total}",
            "effect: given or taken, where somebody may read or administer whole repositories otherwise; with it {right: read or \
             admin, users, who: [WHO], who_total, from, to, before, after: the rules that give it; places: [{repositories: \
             CLASS, repository}], places_total}",
            "effect: holders, where others hold a role; with it {role, before, after: how many hold it; gained, lost: {users, \
             sample}; uses: what its holders may, in words: administer the daemon, approve, be a second person…}",
            "WHO: {roles_before, roles_after, users, sample}; roles are null where the policy knows nobody by that name",
            "BECAUSE: {permitted, rules, conditions, requires, lifting: null or {rules, conditions}}; conditions: what it \
             takes, in words, or where that is all that changes, what goes and what comes; lifting: what may be lifted by \
             whom, in words, and what it takes then",
            "PLACE: {repositories: CLASS, refs: CLASS, paths, witness: {username, is_person, verb, repository, ref, path, \
             at}}; paths: \"whatever\" changes, \"nothing\", {none_of: [PATTERN]}, or a CLASS",
            "ref, path: instead `ref_b64` and `path_b64`, in base64, where it is not UTF-8",
            "CLASS: {within, without}: what matches every pattern of `within` and none of `without`; of paths `within` may \
             be empty",
            "exact: false when there may be changes that are not listed; each that is listed is one, but perhaps not one \
             between two patterns of messages. `bounded` says why.",
            "Exit code 0: compared, whether or not anything changes. 1: the new policy has faults, which are then the only line: \
             {faults_total, faults: [FAULT]}. With --exit-code: 0: nothing changes; 1: something does, or the policy has \
             faults; 3: nothing is known to, and the answer is not exact, or no directory is loaded.",
            FAULT,
        ],
    )
}

/// `RULE` in the texts below.
const RULE: &str = "RULE: {kind, id, evaluate_only, decided, would, last, beside_pushes}; kind: grant, block, require, waiver, \
                    elevation, workload or role; decided: how many refs it decided, of an elevation or a workload how many \
                    it carried by what somebody had by it, of a role how many pushes came from who held it; would: what it \
                    would have decided in evaluate mode; beside_pushes: a grant of `read` or `admin`, which shows in no push";

/// `UNTOLD` in the texts below.
const UNTOLD: &str =
    "UNTOLD: {code, why, doubt, refs, pushes, examples}; doubt: the answer is less certain for it";

/// `log_begins` in the texts below.
const LOG_BEGINS: &str = "log_begins: when the first entry was recorded that the log still has, null where it has more from before \
                          what is asked for; where it is later than `since`, nothing is known of the time between";

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
             refs_not_grouped, untold: [UNTOLD], rules: [RULE], in_force_rules: [RULE], in_force_rules_since, \
             log_begins}",
                "VERDICT: {decision, time, username, repository, channel, ref, verb, effect, before: JUDGEMENT, after: \
             JUDGEMENT, generation, directory, differs}",
                "effect: newly-permitted, newly-refused, newly-undecided or other-grounds",
                "JUDGEMENT: {outcome, grant, waiver, reasons: [{code, rule}]}",
                "ref: instead `ref_b64`, in base64, where it is not UTF-8",
                "directory: then, the one it was decided by; or now",
                UNTOLD,
                LOG_BEGINS,
                RULE,
                "a policy with faults: {faults_total, faults: [FAULT]} instead, one document",
                FAULT,
            ],
        )
    )
}

/// `oam policy usage`.
pub fn usage() -> String {
    document(
        "{policy, in_force_since, since, log_begins, untold: [UNTOLD], rules: [RULE]}",
        &[RULE, LOG_BEGINS, UNTOLD],
    )
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
         outcome, verb, reasons: [REASON]}], contact, otherwise: {outcome, grant, through_role, refs}, supposing: [text], \
         rules: [RULE], policy, snapshot: SNAPSHOT}",
        &[
            "outcome: permitted (exit code 0), refused (1) or undecided (3)",
            "outcome: depends (3), where the answer depends on what was not said: {outcome, depends_on, username, repository, ref, \
             verb, roles, supposing, rules, policy, snapshot} instead",
            "supposing: what rules ask for of approvers, commits, files or a tag and nothing else was said of, in words",
            "RULE: {kind, id, matched, why_not, evaluate_only, findings: [{dimension, ok, detail}], conditions: [{ok, detail, \
             supposed}], lifted_by}",
            "ref: instead `ref_b64`, in base64, where it is not UTF-8",
            "REASON: {code, rule, summary, hint}",
            "otherwise: of somebody cut off, deactivated or unknown, what would be decided if they were not",
            "dimension: repository, ref, verb, role, time, path; a rule matches when all are ok",
            "ok: null where it depends on what was not said; conditions: what a require asks for; lifted_by: the waiver that \
             lifts the rule",
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
            "count, first: {users, services, repository, ref, verb, policy, snapshot: SNAPSHOT, unclear, unclear_for_want_of, \
             undecided, undecided_because: [{code, rule, summary, hint}], supposing: [text]}; unclear: of how many it depends on what was \
             not said; undecided: of how many nothing can be decided; supposing: as in `oam explain`",
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
