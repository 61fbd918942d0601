//! From answers to a policy, with comments that explain the language by it, and tests that hold it to the answers.

use oam_policy::GroupName;

use super::answers::{Answers, Exemplified};

/// The policy.
pub(super) fn policy(answers: &Answers) -> String {
    let parts =
        [head(answers), roles(answers), grants(answers), blocks(answers), requires(answers), tests(answers)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// A TOML string: what JSON escapes in one line of text, TOML reads alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let texts: Vec<_> = texts.into_iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

fn patterns(all: &[Exemplified]) -> String {
    list(all.iter().map(|one| &one.pattern))
}

fn groups<'g>(all: impl IntoIterator<Item = &'g GroupName>) -> String {
    let mut names: Vec<_> =
        all.into_iter().map(|group| format!("{}:{}", group.source(), group.name())).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    list(names)
}

fn head(answers: &Answers) -> String {
    format!(
        "# The policy: who may change which refs of which repositories. `oam policy init` wrote it from your
# answers; from here on it is yours.
#
#   `oam policy check FILE`   says everything that is wrong with it, and compares it with the directory;
#   `oam policy diff FILE`    tells who would gain or lose which right;
#   `oam policy apply FILE`   puts it in force;
#   `oam policy schema`       prints what lets an editor complete it.
#
# A policy may be split over several files of a folder; neither their order nor the order of the rules means
# anything.

version = 1

# Whoever is refused reads it.
contact = {}
",
        quoted(&answers.contact)
    )
}

fn roles(answers: &Answers) -> String {
    format!(
        "# ROLES map groups to a name. `any`: in one of these groups. `all`: in every one of them.

[[role]]
id  = \"developer\"
any = {}

[[role]]
id  = \"maintainer\"
any = {}

# An account that is not in the directory, such as a build's, holds a role by its name:
#
# [[role]]
# id        = \"renovate\"
# service   = [\"svc-renovate\"]
# max_lease = \"15m\"
",
        groups(answers.developers.iter().chain(&answers.maintainers)),
        groups(&answers.maintainers)
    )
}

const GRANTS: &str = "# GRANTS give rights. Whatever no grant gives is refused.
#
#   verbs    `create`, `update` (nothing is lost), `force` (history is rewritten, or a tag moves), `delete`
#   on       repositories, `PROJECT/slug`
#   refs     full names, beginning `refs/`
#   signs    `*` within one segment, `**` whole segments, `{a,b}` either, `!…` taken out again, `${user}` the pusher
";

fn grants(answers: &Answers) -> String {
    let mut parts = vec![GRANTS.to_owned()];
    if !everything_is_protected(answers) {
        parts.push(topic_branches(answers));
    }
    if !answers.protected.is_empty() {
        parts.push(protected_branches(answers));
    }
    let (comment, verbs): (&str, &[&str]) = match answers.tags_are_forever {
        true => (
            "# Releases. No grant moves or deletes a tag, and the block below forbids it to everybody.",
            &["create"],
        ),
        false => ("# Releases. To move a tag is to `force` it.", &["create", "force", "delete"]),
    };
    parts.push(grant(comment, "tags", "maintainer", answers, "[\"refs/tags/**\"]", verbs));
    parts.push(exception(answers));
    parts.join("\n")
}

fn grant(comment: &str, id: &str, to: &str, answers: &Answers, refs: &str, verbs: &[&str]) -> String {
    format!(
        "{comment}
[[grant]]
id    = \"{id}\"
to    = [\"{to}\"]
on    = {}
refs  = {refs}
verbs = {}
",
        patterns(&answers.projects),
        list(verbs)
    )
}

/// Then there are no topic branches.
fn everything_is_protected(answers: &Answers) -> bool {
    answers.protected.iter().any(|branch| branch.pattern == "refs/heads/**")
}

fn topic_branches(answers: &Answers) -> String {
    let excluded = answers.protected.iter().map(|branch| format!("!{}", branch.pattern));
    let refs = list(["refs/heads/**".to_owned()].into_iter().chain(excluded));
    let comment = match answers.protected.is_empty() {
        true => "# Branches are everybody's own business: they may be rewritten and deleted.",
        false => {
            "# Branches that are not protected are everybody's own business: they may be rewritten and deleted."
        }
    };
    let verbs = ["create", "update", "force", "delete"];
    grant(comment, "topic-branches", "developer", answers, &refs, &verbs)
}

fn protected_branches(answers: &Answers) -> String {
    let refs = patterns(&answers.protected);
    let moves =
        "# Protected branches only move forward. Nobody may force or delete them, since no grant says so.";
    let begins = "# Whoever makes releases begins them, the first branch of a new repository as well.";
    let moves = grant(moves, "protected-branches", "developer", answers, &refs, &["update"]);
    let begins = grant(begins, "new-protected-branches", "maintainer", answers, &refs, &["create"]);
    format!("{moves}\n{begins}")
}

fn exception(answers: &Answers) -> String {
    format!(
        "# An exception for one person always ends, and somebody answers for it:
#
# [[grant]]
# id          = \"alice-cleans-up\"
# user        = \"alice\"
# approved_by = \"bob\"
# expires     = 2026-12-31T23:00:00Z
# on          = {}
# refs        = [\"refs/heads/old/**\"]
# verbs       = [\"delete\"]
",
        patterns(&answers.projects)
    )
}

fn blocks(answers: &Answers) -> String {
    let tags = "[[block]]
id       = \"tags-are-forever\"
on       = [\"**\"]
refs     = [\"refs/tags/**\"]
verbs    = [\"force\", \"delete\"]
absolute = true
help     = \"A tag that somebody may have fetched is never moved or deleted. Make a new one.\"

";
    format!(
        "# BLOCKS forbid, for everybody, whatever was granted: administrators of Bitbucket too.

{}# A freeze, for everybody but those who may go on. Without `verbs` it forbids every change.
# `mode = \"evaluate\"` tries a rule out: it decides nothing, and the log says what it would have decided.
#
# [[block]]
# id     = \"year-end-freeze\"
# on     = {}
# refs   = {}
# from   = 2026-12-20T00:00:00Z
# to     = 2027-01-05T00:00:00Z
# except = [\"maintainer\"]
# help   = \"Year-end freeze. Urgent fixes: ask a maintainer.\"
# mode   = \"evaluate\"
",
        if answers.tags_are_forever { tags } else { "" },
        patterns(&answers.projects),
        if answers.protected.is_empty() {
            "[\"refs/heads/**\"]".to_owned()
        } else {
            patterns(&answers.protected)
        }
    )
}

fn requires(answers: &Answers) -> String {
    if !answers.pull_requests || answers.protected.is_empty() {
        return String::new();
    }
    format!(
        "# REQUIRES add conditions to what is granted.

[[require]]
id    = \"by-pull-request\"
on    = {}
refs  = {}
verbs = [\"update\"]
via   = \"pull-request\"
help  = \"Open a pull request: this branch changes through one only.\"
",
        patterns(&answers.projects),
        patterns(&answers.protected)
    )
}

fn tests(answers: &Answers) -> String {
    let mut parts = vec![
        "# TESTS say what must stay so. They decide nothing; while one fails, the policy is not loaded.\n"
            .to_owned(),
    ];
    for project in &answers.projects {
        let repository = &project.example;
        if let Some(topic) = topic(answers) {
            parts.push(test(
                "developer",
                "",
                &format!("force {repository} {topic}"),
                "permitted:topic-branches",
            ));
        }
        for branch in &answers.protected {
            parts.extend(of_protected(answers, repository, &branch.example));
        }
        parts.extend(of_tags(answers, repository));
    }
    parts.join("\n")
}

fn of_protected(answers: &Answers, repository: &str, branch: &str) -> Vec<String> {
    let update = format!("update {repository} {branch}");
    let mut all = match answers.pull_requests {
        true => vec![
            test("developer", "", &update, "refused:pull-request-required:by-pull-request"),
            test("developer", "pull-request-merge", &update, "permitted:protected-branches"),
        ],
        false => vec![test("developer", "", &update, "permitted:protected-branches")],
    };
    all.push(test(
        "maintainer",
        "",
        &format!("create {repository} {branch}"),
        "permitted:new-protected-branches",
    ));
    all.push(test("maintainer", "", &format!("force {repository} {branch}"), "refused:no-grant"));
    all
}

fn of_tags(answers: &Answers, repository: &str) -> [String; 3] {
    let push = |verb: &str| format!("{verb} {repository} refs/tags/v1.0.0");
    let moved = if answers.tags_are_forever { "refused:blocked:tags-are-forever" } else { "permitted:tags" };
    [
        test("maintainer", "", &push("create"), "permitted:tags"),
        test("maintainer", "", &push("force"), moved),
        test("developer", "", &push("create"), "refused:no-grant"),
    ]
}

fn test(role: &str, channel: &str, push: &str, expect: &str) -> String {
    let channel = match channel {
        "" => String::new(),
        channel => format!("channel = \"{channel}\"\n"),
    };
    format!("[[test]]\nas      = [\"{role}\"]\npush    = {}\n{channel}expect  = \"{expect}\"\n", quoted(push))
}

/// A branch that is not protected, if one is found: who protects nearly everything goes without a test of the rest.
fn topic(answers: &Answers) -> Option<&'static str> {
    const SOME: [&str; 4] = [
        "refs/heads/feature/example",
        "refs/heads/topic/example",
        "refs/heads/u/example",
        "refs/heads/example",
    ];
    SOME.into_iter().find(|name| !answers.protected.iter().any(|branch| branch.matches_ref(name)))
}
