//! The tables of the language. The order of the keys is that in which people are told of them.

use super::{
    Key, Law, Shape, TableKind, WORKLOAD,
    forms::{
        ALL_VERBS, APPROVERS, CHANNEL, CONTACT, EXCLUDED, EXTENSIONS, GROUPS, HELP, ID, IDS, LENGTH_OF_TIME,
        LINT, MESSAGE, MODE, ON, PATH_PATTERNS, PATHS_OR_NONE, PUSH, REASON, REF_PATTERNS, ROLE as ROLE_ID,
        ROLES, ROLES_OR_NONE, SIZE, SUBJECT, TAG, TIME_OF_WEEK, USER, USERS, VERBS, WAY_IN, ZONE,
    },
};
use crate::{
    file::{commits::MAX_COMMITS, list::whole_repository_verbs, require::MAX_APPROVALS},
    rule::{ChangeRule, ElevationApproval},
};

pub(super) const fn needs(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, needed: true, about }
}

pub(super) const fn may(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, needed: false, about }
}

const fn tables(of: &'static Shape) -> Shape {
    Shape::List { of, may_be_empty: true }
}

pub(super) const ON_ABOUT: &str =
    "Repositories: `PROJECT/slug`, with `*` and `{a,b}`, or `**` for all. `!` takes out.";
pub(super) const REFS_ABOUT: &str = "Refs, by their full names: `*` within one segment, `**` whole segments, `{a,b}` either, \
                          `${user}` the pusher, `re:` a regular expression. `!` takes out.";
const MODE_ABOUT: &str = "`enforce` (the default), or `evaluate`: the rule decides nothing, and the log says \
                          what it would have decided.";
const FROM_ABOUT: &str =
    "The first moment at which the rule is live, with a time zone: `2026-12-20T00:00:00Z`.";
const TO_ABOUT: &str =
    "The first moment at which the rule is over, with a time zone: `2027-01-05T00:00:00Z`.";
const WEEKLY_ABOUT: &str = "When in each week the rule is live; with `from` and `to`, both must hold.";
const EXCEPT_ABOUT: &str = "Roles that the rule does not bind.";
const HELP_ABOUT: &str = "What a refused person reads, up to 1,000 characters.";
const VERBS_ABOUT: &str = "What the rule is about; without it, every change.";

pub(super) const ALLOWS: Key = may("allow", ALLOWED, "What is not warned of here, and why.");
const ALLOWED: Shape = Shape::List { of: &Shape::Table(&ALLOW), may_be_empty: true };

/// A file.
pub(in crate::file) static TOP: TableKind = TableKind {
    name: "file",
    what: "a policy file",
    about: "A policy of Bitbucket OAM: who may change which refs of which repositories.",
    keys: &[
        needs("version", Shape::Version, "The version of the format, in each file: 1."),
        may("contact", CONTACT, "Whom a refused person may ask; they read it. Once over all files."),
        may("change", Shape::Table(&CHANGE), CHANGE.about),
        may("role", tables(&Shape::Table(&ROLE)), ROLE.about),
        may("grant", tables(&Shape::Table(&GRANT)), GRANT.about),
        may("block", tables(&Shape::Table(&BLOCK)), BLOCK.about),
        may("require", tables(&Shape::Table(&REQUIRE)), REQUIRE.about),
        may("waiver", tables(&Shape::Table(&WAIVER)), WAIVER.about),
        may("elevation", tables(&Shape::Table(&ELEVATION)), ELEVATION.about),
        may("workload", tables(&Shape::Table(&WORKLOAD)), WORKLOAD.about),
        may("test", tables(&Shape::Table(&TEST)), TEST.about),
    ],
    laws: &[],
};

/// `[change]`
pub(in crate::file) static CHANGE: TableKind = TableKind {
    name: "change",
    what: "`change`",
    about: "How this policy may be replaced while it is in force. Once over all files.",
    keys: &[needs(
        "approvals",
        Shape::Number { from: 0, to: ChangeRule::MOST as u32 },
        "How many others must approve a new policy before it is in force.",
    )],
    laws: &[],
};

/// `[[role]]`
pub(in crate::file) static ROLE: TableKind = TableKind {
    name: "role",
    what: "a role",
    about: "Maps groups of the directory, or accounts by name, to a name that rules use.",
    keys: &[
        needs("id", ROLE_ID, "The role's name: lower-case letters, digits, `-`, `_` or `.`."),
        may("any", GROUPS, "Groups, `source:group`: a holder is in at least one of them."),
        may("all", GROUPS, "Groups, `source:group`: a holder is in every one of them."),
        may("service", USERS, "Accounts that hold the role by name; they need not be in the directory."),
        may(
            "max_lease",
            LENGTH_OF_TIME,
            "How long a lease of the role may last at most: `15m`. With it alone, the role is only leased.",
        ),
        may("exclusive", ROLES, "Roles that nobody should hold together with this one. It decides nothing."),
        ALLOWS,
    ],
    laws: &[Law::AnyOf(&["any", "all", "service", "max_lease"])],
};

/// `[[grant]]`
pub(in crate::file) static GRANT: TableKind = TableKind {
    name: "grant",
    what: "a grant",
    about: "Gives a right. Whatever no grant gives is refused.",
    keys: &[
        needs("id", ID, "The grant's id. All rules share one set of ids."),
        may("to", ROLES, "The roles that receive the right."),
        may("user", USER, "One person, as an exception: needs `expires` and `approved_by`."),
        needs("on", ON, ON_ABOUT),
        may("refs", REF_PATTERNS, REFS_ABOUT),
        needs(
            "verbs",
            ALL_VERBS,
            "`create`, `update` (nothing is lost), `force` (history is rewritten, or a tag moves), `delete`. \
             `read` and `admin` decide no push.",
        ),
        may(
            "paths",
            PATH_PATTERNS,
            "Changes to these paths only: every changed path must be covered by some matching grant.",
        ),
        may("from", Shape::Moment, FROM_ABOUT),
        may("weekly", Shape::Table(&WEEKLY), WEEKLY_ABOUT),
        may(
            "expires",
            Shape::Moment,
            "The first moment at which the grant is over, with a time zone: `2026-12-31T23:00:00Z`.",
        ),
        may("approved_by", USER, "Who answers for a grant to a `user`; not the person themselves."),
        may("mode", MODE, MODE_ABOUT),
        ALLOWS,
    ],
    laws: &[
        Law::OneOf(&["to", "user"]),
        Law::With("user", &["expires", "approved_by"]),
        Law::With("approved_by", &["user"]),
        Law::Unless { key: "refs", list: "verbs", only: whole_repository_verbs },
    ],
};

/// `[[block]]`
pub(in crate::file) static BLOCK: TableKind = TableKind {
    name: "block",
    what: "a block",
    about: "Forbids, whatever was granted: it binds everybody but the roles in `except`.",
    keys: &[
        needs("id", ID, "The block's id. All rules share one set of ids."),
        needs("on", ON, ON_ABOUT),
        needs("refs", REF_PATTERNS, REFS_ABOUT),
        may("verbs", VERBS, "What it forbids; without it, every change."),
        may("paths", PATH_PATTERNS, "Forbids changes to these paths only."),
        may("from", Shape::Moment, FROM_ABOUT),
        may("to", Shape::Moment, TO_ABOUT),
        may("weekly", Shape::Table(&WEEKLY), WEEKLY_ABOUT),
        may("except", ROLES, EXCEPT_ABOUT),
        may("absolute", Shape::Flag, "No waiver lifts it."),
        may("help", HELP, HELP_ABOUT),
        may("mode", MODE, MODE_ABOUT),
        ALLOWS,
    ],
    laws: &[],
};

/// `[[require]]`
pub(in crate::file) static REQUIRE: TableKind = TableKind {
    name: "require",
    what: "a require",
    about: "Adds conditions to what is granted. It binds everybody but the roles in `except`.",
    keys: &[
        needs("id", ID, "The require's id. All rules share one set of ids."),
        needs("on", ON, ON_ABOUT),
        needs("refs", REF_PATTERNS, REFS_ABOUT),
        may("verbs", VERBS, VERBS_ABOUT),
        may("from", Shape::Moment, FROM_ABOUT),
        may("to", Shape::Moment, TO_ABOUT),
        may("weekly", Shape::Table(&WEEKLY), WEEKLY_ABOUT),
        may("except", ROLES, EXCEPT_ABOUT),
        may("help", HELP, HELP_ABOUT),
        may("mode", MODE, MODE_ABOUT),
        may("via", WAY_IN, "`pull-request`: only through a pull request."),
        may(
            "approvals",
            Shape::List { of: &Shape::Table(&APPROVALS), may_be_empty: false },
            "How many people, holding which role, must have approved the pull request.",
        ),
        may("exclude", EXCLUDED, "Whose approval does not count."),
        may("reset_on_push", Shape::Flag, "`true`: only approvals of the pull request's present head count."),
        may("commits", Shape::Table(&COMMITS), COMMITS.about),
        may("tags", Shape::Table(&TAGS), TAGS.about),
        ALLOWS,
    ],
    laws: &[
        Law::AnyOf(&["via", "approvals", "commits", "tags"]),
        Law::With("exclude", &["approvals"]),
        Law::With("reset_on_push", &["approvals"]),
    ],
};

/// An element of `allow`.
pub(in crate::file) static ALLOW: TableKind = TableKind {
    name: "allow",
    what: "an entry of `allow`",
    about: "A lint that does not warn of this rule or role.",
    keys: &[
        needs("lint", LINT, "The id of the lint, as `oam policy check` names it."),
        needs("reason", REASON, "Why the warning may stay, up to 300 characters."),
    ],
    laws: &[],
};

/// An element of a require's `approvals`.
pub(in crate::file) static APPROVALS: TableKind = TableKind {
    name: "approvals",
    what: "an element of `approvals`",
    about: "So many approvals by holders of a role.",
    keys: &[
        needs("role", ROLE_ID, "The role that each of them holds now."),
        may("count", Shape::Number { from: 1, to: MAX_APPROVALS }, "How many people; 1 without it."),
        may("paths", PATH_PATTERNS, "Wanted only where one of these paths changes."),
    ],
    laws: &[],
};

/// `commits` of a require.
pub(in crate::file) static COMMITS: TableKind = TableKind {
    name: "commits",
    what: "`commits`",
    about: "What each new commit must be like; each key is a condition of its own.",
    keys: &[
        may(
            "committer_is_pusher",
            Shape::Flag,
            "The committer's e-mail is one of the pusher's in the directory.",
        ),
        may("author_known", Shape::Flag, "The author's e-mail is that of an active user of the directory."),
        may("signed", Shape::Flag, "A good signature with a key of the committer."),
        may(
            "message",
            MESSAGE,
            "What the whole first line of the message is like: a regular expression behind `re:`, or a glob.",
        ),
        may("sign_off", Shape::Flag, "A `Signed-off-by:` line with the author's or the committer's e-mail."),
        may("max_blob", SIZE, "No new file is larger; `B`, `KiB`, `MiB` or `GiB`."),
        may("forbid_paths", PATH_PATTERNS, "No new or changed file is there."),
        may(
            "forbid_extensions",
            EXTENSIONS,
            "No new or changed file ends so, in any ASCII case; without the dot.",
        ),
        may("linear", Shape::Flag, "No merges."),
        may(
            "no_foreign_merges",
            Shape::Flag,
            "The ref's old tip stays on its line of first parents: no merge has it behind another parent.",
        ),
        may(
            "max_commits",
            Shape::Number { from: 1, to: MAX_COMMITS },
            "No more new commits than this, merges among them.",
        ),
    ],
    laws: &[Law::NotEmpty],
};

/// `tags` of a require.
pub(in crate::file) static TAGS: TableKind = TableKind {
    name: "tags",
    what: "`tags`",
    about: "What a tag must be like that is created or moved. Of refs that are no tags it asks for nothing.",
    keys: &[
        may("annotated", Shape::Flag, "It is a tag object, as `git tag -a` makes one."),
        may("signed", Shape::Flag, "It is a tag object with a good signature, with a key of its tagger."),
    ],
    laws: &[Law::NotEmpty],
};

/// `[[waiver]]`
pub(in crate::file) static WAIVER: TableKind = TableKind {
    name: "waiver",
    what: "a waiver",
    about: "Break-glass: says which blocks and requires may be lifted for a short time, and by whom.",
    keys: &[
        needs("id", ID, "The waiver's id. All rules share one set of ids."),
        needs("lifts", IDS, "The ids of blocks and requires; not of an absolute block."),
        needs("to", ROLES, "Roles that may use it."),
        may("on", ON, "Where it may be used; everywhere without it."),
        may("refs", REF_PATTERNS, "On which refs it may be used; on all without it."),
        needs("max_time", LENGTH_OF_TIME, "How long one use may last: `1h`."),
        may("reason", Shape::Flag, "Whether a use must say why; `true` without it."),
        may("second_person", ROLES, "Somebody else, who holds one of these roles, must approve a use."),
        may("mode", MODE, "As in a grant; in evaluate mode it lifts nothing."),
        ALLOWS,
    ],
    laws: &[],
};

/// `[[elevation]]`
pub(in crate::file) static ELEVATION: TableKind = TableKind {
    name: "elevation",
    what: "an elevation",
    about: "Lets people ask for what is granted to a role, for a short time: who may ask, and who must approve.",
    keys: &[
        needs("id", ID, "The elevation's id. All rules share one set of ids."),
        needs("roles", ROLES, "The roles that may be asked for: what is granted to them, and nothing else."),
        needs("to", ROLES, "Roles that may ask."),
        may("on", ON, "Where it may be asked for; everywhere without it."),
        may("refs", REF_PATTERNS, "On which refs it may be asked for; on all without it."),
        needs("max_time", LENGTH_OF_TIME, "How long it may last at most: `4h`."),
        may("reason", Shape::Flag, "Whether whoever asks must say why; `true` without it."),
        may(
            "approved_by",
            ROLES,
            "Others, who hold one of these roles, must approve; nobody need without it.",
        ),
        may(
            "approvals",
            Shape::Number { from: 1, to: ElevationApproval::MOST as u32 },
            "How many of them must; 1 without it.",
        ),
        may(
            "ends_with_approver",
            Shape::Flag,
            "Whether it ends when somebody who approved it is cut off or loses these roles; `true` without it.",
        ),
        may("mode", MODE, "As in a grant; in evaluate mode it gives nothing."),
        ALLOWS,
    ],
    laws: &[Law::With("approvals", &["approved_by"]), Law::With("ends_with_approver", &["approved_by"])],
};

/// `[[test]]`
pub(in crate::file) static TEST: TableKind = TableKind {
    name: "test",
    what: "a test",
    about: "A question and the answer that you expect. It decides nothing; while a test fails, the policy is not \
            loaded.",
    keys: &[
        may("as", ROLES_OR_NONE, "Somebody who holds just these roles; `[]` is somebody who holds none."),
        may("user", USER, "A person or service, with the roles that the directory in force gives them."),
        needs("push", PUSH, "Verb, repository and ref: `update PAY/api refs/heads/main`."),
        may("at", Shape::Moment, "When; without it, whenever the test is run."),
        may("channel", CHANNEL, "The way in; `push` without it."),
        may("paths", PATHS_OR_NONE, "The paths that change."),
        may(
            "approved_by",
            APPROVERS,
            "Who approved the pull request: each by their roles, or by their name.",
        ),
        may("commit", Shape::Table(&COMMIT), COMMIT.about),
        may(
            "commits",
            Shape::Number { from: 0, to: u32::MAX },
            "How many new commits there are; without it, the one of `commit` or none.",
        ),
        may("tag", TAG, "What kind of tag it is; `signed` without it."),
        may("waivers", IDS, "Waivers that are in use, as they should be."),
        may(
            "elevations",
            IDS,
            "Elevations that are in use, as they should be: for each role that they give.",
        ),
        may(
            "leases",
            IDS,
            "Workloads whose jobs have leased each role that they give; who asks by `as` is then their account.",
        ),
        needs(
            "expect",
            Shape::Expectation,
            "`permitted`, `permitted:GRANT`, `refused`, `refused:CODE` or `refused:CODE:RULE`.",
        ),
    ],
    laws: &[Law::OneOf(&["as", "user"])],
};

/// `commit` of a test.
pub(in crate::file) static COMMIT: TableKind = TableKind {
    name: "commit",
    what: "`commit`",
    about: "What is not as it should be with a new commit.",
    keys: &[
        may("message", SUBJECT, "The first line of its message."),
        may("committer_is_pusher", Shape::Flag, "Whether the pusher made it."),
        may("author_known", Shape::Flag, "Whether its author is in the directory."),
        may("signed", Shape::Flag, "Whether it has a good signature."),
        may("signed_off", Shape::Flag, "Whether somebody signed it off."),
        may("merge", Shape::Flag, "Whether it is a merge."),
        may(
            "foreign_merge",
            Shape::Flag,
            "Whether it is a merge that has the ref's old tip behind another parent than the first.",
        ),
        may("blob", SIZE, "How large its largest file is."),
    ],
    laws: &[],
};

/// `weekly` of a rule.
pub(in crate::file) static WEEKLY: TableKind = TableKind {
    name: "weekly",
    what: "`weekly`",
    about: WEEKLY_ABOUT,
    keys: &[
        needs("from", TIME_OF_WEEK, "When in the week it begins: `Fri 18:00`."),
        needs("to", TIME_OF_WEEK, "When in the week it ends: `Mon 06:00`."),
        needs("zone", ZONE, "By which clock: `Europe/Berlin`."),
    ],
    laws: &[],
};
