//! As people read it.

use std::fmt::Write as _;

use oam_policy::diff::{Class, Effect, Limits, Paths, diff};

use super::{common, world::at};

const BASE: &str = r#"
version = 1
[[role]]
id = "developer"
any = ["okta:eng"]
[[role]]
id = "release-manager"
any = ["okta:release"]
[[grant]]
id = "topic-branches"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/feature/**", "refs/heads/u/${user}/**"]
verbs = ["create", "update", "force", "delete"]
[[grant]]
id = "main"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/main", "refs/heads/release/*"]
verbs = ["update"]
[[grant]]
id = "tags"
to = ["release-manager"]
on = ["**"]
refs = ["refs/tags/**", "!refs/tags/internal/**"]
verbs = ["create", "force", "delete"]
[[block]]
id = "tags-are-forever"
on = ["**"]
refs = ["refs/tags/**"]
verbs = ["force", "delete"]
"#;

fn told(old: &str, new: &str) -> String {
    let now = at("2026-06-01T00:00:00Z");
    let found =
        diff(&common::policy(old), &common::policy(new), Some(&common::snapshot()), now, &Limits::default());
    assert!(found.exact);
    let mut text = String::new();
    for change in &found.changes {
        let roles = |roles: &Option<Vec<oam_policy::RoleId>>| match roles.as_deref() {
            None => "nobody".to_owned(),
            Some([]) => "no role".into(),
            Some(roles) => roles.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"),
        };
        let who = change.who.iter().map(|holders| {
            let (before, after) = (roles(&holders.before), roles(&holders.after));
            let roles = if before == after { before } else { format!("{before} -> {after}") };
            let sample: Vec<_> = holders.sample.iter().map(ToString::to_string).collect();
            format!("{roles}: {} {sample:?}", holders.users)
        });
        let who = who.collect::<Vec<_>>().join("; ");
        let sign = match change.effect {
            Effect::Gains => "+",
            Effect::Loses => "-",
            other => other.as_str(),
        };
        let verbs: Vec<_> = change.verbs.iter().map(|verb| verb.to_string()).collect();
        write!(
            text,
            "{sign} {} | {who} | {:?} -> {:?}",
            verbs.join(","),
            change.before.rules,
            change.after.rules
        )
        .unwrap();
        if change.from.is_some() || change.to.is_some() {
            write!(text, " | {:?}..{:?}", change.from, change.to).unwrap();
        }
        text.push('\n');
        for (when, because) in [("before", &change.before), ("after", &change.after)] {
            if !because.conditions.is_empty() {
                let conditions: Vec<_> = because.conditions.iter().map(ToString::to_string).collect();
                writeln!(text, "    {when}: {} ({:?})", conditions.join("; "), because.requires).unwrap();
            }
            for rule in because.lifting.iter().flat_map(|lifting| &lifting.rules) {
                writeln!(text, "    {when}: lifting {rule}").unwrap();
            }
        }
        for place in &change.places {
            let class = |class: &Class| {
                let without =
                    class.without.iter().map(|pattern| format!(" but {pattern}")).collect::<String>();
                class.within.join(" and ") + &without
            };
            let paths = match &place.paths {
                Paths::Whatever => String::new(),
                Paths::Nothing => " : no path".into(),
                Paths::NoneOf(patterns) => format!(" : no path {}", patterns.join(" nor ")),
                Paths::Of(paths) => format!(" : paths {}", class(paths)),
            };
            let witness = &place.witness;
            writeln!(
                text,
                "    {} : {}{} | {} {} {} {}{}",
                class(&place.repositories),
                class(&place.refs),
                paths,
                witness.user,
                witness.verb,
                witness.repository,
                witness.name,
                witness.path.as_ref().map(|path| format!(" {path}")).unwrap_or_default()
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn an_added_freeze_shows_with_its_dates() {
    let freeze = "[[block]]\nid = \"freeze\"\non = [\"PAY/*\"]\nrefs = [\"refs/heads/main\"]\nexcept = [\"release-manager\"]\n\
                  from = 2026-12-20T00:00:00Z\nto = 2027-01-05T00:00:00Z\n";
    insta::assert_snapshot!(told(BASE, &format!("{BASE}{freeze}")), @r###"
    - update | developer: 2 ["alice", "bob"] | [RuleId(main)] -> [RuleId(freeze)] | Some(2026-12-20T00:00:00Z)..Some(2027-01-05T00:00:00Z)
        pay/* : refs/heads/main | alice update PAY/a refs/heads/main
    "###);
}

#[test]
fn a_narrowed_grant() {
    let narrowed = BASE
        .replace("refs = [\"refs/heads/main\", \"refs/heads/release/*\"]", "refs = [\"refs/heads/main\"]");
    insta::assert_snapshot!(told(BASE, &narrowed), @r###"
    - update | developer: 2 ["alice", "bob"]; developer+release-manager: 1 ["rita"] | [RuleId(main)] -> []
        pay/* : refs/heads/release/* | alice update PAY/a refs/heads/release/a
    "###);
}

#[test]
fn a_new_role_with_a_grant() {
    let role = "[[role]]\nid = \"ops\"\nany = [\"okta:release\"]\n[[grant]]\nid = \"ops\"\nto = [\"ops\"]\non = [\"OPS/*\"]\n\
                refs = [\"refs/heads/**\"]\nverbs = [\"create\", \"update\"]\n";
    insta::assert_snapshot!(told(BASE, &format!("{BASE}{role}")), @r###"
    + create,update | no role -> ops: 0 []; developer+release-manager -> developer+ops+release-manager: 1 ["rita"] | [] -> [RuleId(ops)]
        ops/* : refs/heads/** but refs/heads/oam-canary/** | rita create OPS/a refs/heads/a
    "###);
}

#[test]
fn a_role_for_another_group() {
    let wider = BASE.replace("any = [\"okta:release\"]", "any = [\"okta:eng\"]");
    insta::assert_snapshot!(told(BASE, &wider), @r###"
    + create | developer -> developer+release-manager: 2 ["alice", "bob"] | [] -> [RuleId(tags)]
        ** : refs/tags/** but refs/tags/internal/** | alice create A/a refs/tags/a
    "###);
}

#[test]
fn an_exclusion_taken_out() {
    insta::assert_snapshot!(told(BASE, &BASE.replace(", \"!refs/tags/internal/**\"", "")), @r###"
    + create | developer+release-manager: 1 ["rita"]; release-manager: 0 [] | [] -> [RuleId(tags)]
        ** : refs/tags/** and refs/tags/internal/** | rita create A/a refs/tags/internal/a
    "###);
}

#[test]
fn a_block_taken_out() {
    let at = BASE.find("[[block]]").unwrap();
    insta::assert_snapshot!(told(BASE, &BASE[..at]), @r###"
    + force,delete | developer+release-manager: 1 ["rita"]; release-manager: 0 [] | [RuleId(tags-are-forever)] -> [RuleId(tags)]
        ** : refs/tags/** but refs/tags/internal/** | rita force A/a refs/tags/a
    "###);
}

#[test]
fn peoples_own_branches_taken_away() {
    let without = BASE.replace(", \"refs/heads/u/${user}/**\"", "");
    insta::assert_snapshot!(told(BASE, &without), @r###"
    - create,update,force,delete | developer: 2 ["alice", "bob"]; developer+release-manager: 1 ["rita"] | [RuleId(topic-branches)] -> []
        pay/* : refs/heads/u/${user}/** | alice create PAY/a refs/heads/u/alice/a
    "###);
}

#[test]
fn a_literal_name_among_the_peoples_own_branches() {
    let shared = "[[grant]]\nid = \"shared\"\nto = [\"developer\"]\non = [\"PAY/*\"]\nrefs = [\"refs/heads/u/alice/**\"]\nverbs = [\"update\"]\n";
    insta::assert_snapshot!(told(BASE, &format!("{BASE}{shared}")), @r###"
    + update | developer: 1 ["bob"]; developer+release-manager: 1 ["rita"] | [] -> [RuleId(shared)]
        pay/* : refs/heads/u/alice/** | bob update PAY/a refs/heads/u/alice/a
    "###);
}

#[test]
fn what_changes_nothing_is_not_told() {
    let renamed = BASE
        .replace("id = \"main\"", "id = \"trunk\"")
        .replace("refs/heads/release/*\"]", "refs/heads/release/*\", \"refs/heads/{main,release/?*}\"]");
    let evaluated = format!(
        "{renamed}[[block]]\nid = \"trial\"\nmode = \"evaluate\"\non = [\"**\"]\nrefs = [\"refs/**\"]\n"
    );
    insta::assert_snapshot!(told(BASE, &evaluated), @"");
}

#[test]
fn a_grant_of_some_paths_only() {
    let docs = "[[grant]]\nid = \"docs\"\nto = [\"developer\"]\non = [\"WEB/*\"]\nrefs = [\"refs/heads/main\"]\nverbs = [\"update\"]\n\
                paths = [\"docs/**\", \"!docs/legal/**\"]\n";
    insta::assert_snapshot!(told(BASE, &format!("{BASE}{docs}")), @r#"
    + update | developer: 2 ["alice", "bob"]; developer+release-manager: 1 ["rita"] | [] -> [RuleId(docs)]
        web/* : refs/heads/main : no path | alice update WEB/a refs/heads/main
        web/* : refs/heads/main : paths docs/** but docs/legal/** | alice update WEB/a refs/heads/main docs/a
    "#);
}

#[test]
fn a_block_of_some_paths_is_about_these() {
    let secrets = "[[block]]\nid = \"secrets\"\non = [\"PAY/*\"]\nrefs = [\"refs/heads/main\"]\npaths = [\"secrets/**\"]\n";
    insta::assert_snapshot!(told(BASE, &format!("{BASE}{secrets}")), @r#"
    - update | developer: 2 ["alice", "bob"]; developer+release-manager: 1 ["rita"] | [RuleId(main)] -> [RuleId(secrets)]
        pay/* : refs/heads/main : paths secrets/** | alice update PAY/a refs/heads/main secrets/a
    "#);
}

const REVIEWED: &str = "[[require]]\nid = \"reviewed\"\non = [\"PAY/*\"]\nrefs = [\"refs/heads/main\"]\nvia = \"pull-request\"\n\
                        approvals = [{ role = \"developer\" }, { role = \"release-manager\", paths = [\"deploy/**\"] }]\n\
                        exclude = [\"author\"]\n";

#[test]
fn what_it_takes_to_do_what_is_granted() {
    insta::assert_snapshot!(told(BASE, &format!("{BASE}{REVIEWED}")), @r#"
    tightens update | developer: 2 ["alice", "bob"]; developer+release-manager: 1 ["rita"] | [] -> []
        after: 1 approval by `developer` other than the author ([RuleId(reviewed)])
        pay/* : refs/heads/main : no path deploy/** | alice update PAY/a refs/heads/main a
    tightens update | developer: 2 ["alice", "bob"]; developer+release-manager: 1 ["rita"] | [] -> []
        after: 1 approval by `developer` other than the author; 1 approval by `release-manager` other than the author ([RuleId(reviewed)])
        pay/* : refs/heads/main : paths deploy/** | alice update PAY/a refs/heads/main deploy/a
    "#);
}

#[test]
fn one_approval_more_and_a_check_less() {
    let commits = "commits = { signed = true, max_blob = \"5MiB\" }\n";
    let old = format!("{BASE}{REVIEWED}{commits}");
    let new = old
        .replace("{ role = \"developer\" }", "{ role = \"developer\", count = 2 }")
        .replace("signed = true, ", "");
    insta::assert_snapshot!(told(&old, &new), @r#"
    changes update | developer: 2 ["alice", "bob"]; developer+release-manager: 1 ["rita"] | [] -> []
        before: 1 approval by `developer` other than the author; signed commits ([RuleId(reviewed)])
        after: 2 approvals by `developer` other than the author ([RuleId(reviewed)])
        pay/* : refs/heads/main | alice update PAY/a refs/heads/main
    "#);
}

#[test]
fn the_same_conditions_by_other_rules() {
    let twice = "[[require]]\nid = \"weaker\"\non = [\"PAY/*\"]\nrefs = [\"refs/heads/main\"]\nvia = \"pull-request\"\n";
    insta::assert_snapshot!(told(&format!("{BASE}{REVIEWED}"), &format!("{BASE}{REVIEWED}{twice}")), @"");
}

const FREEZE: &str = "[[block]]\nid = \"freeze\"\non = [\"PAY/*\"]\nrefs = [\"refs/heads/main\"]\n";

#[test]
fn a_freeze_that_may_be_lifted() {
    let waiver = "[[waiver]]\nid = \"hotfix\"\nlifts = [\"freeze\"]\nto = [\"release-manager\"]\nmax_time = \"1h\"\n\
                  second_person = [\"developer\"]\n";
    let lifted = format!("{BASE}{FREEZE}{waiver}");
    insta::assert_snapshot!(told(&format!("{BASE}{FREEZE}"), &lifted), @r#"
    may-lift update | developer+release-manager: 1 ["rita"] | [RuleId(freeze)] -> [RuleId(freeze)]
        after: lifting `freeze` by `hotfix` (for up to 1 h, with a reason, with `developer` as second person)
        pay/* : refs/heads/main | rita update PAY/a refs/heads/main
    "#);
    insta::assert_snapshot!(told(&lifted, &lifted.replace("1h", "4h").replace("second_person", "reason = false\nsecond_person")), @r#"
    lifts-otherwise update | developer+release-manager: 1 ["rita"] | [RuleId(freeze)] -> [RuleId(freeze)]
        before: lifting `freeze` by `hotfix` (for up to 1 h, with a reason, with `developer` as second person)
        after: lifting `freeze` by `hotfix` (for up to 4 h, without a reason, with `developer` as second person)
        pay/* : refs/heads/main | rita update PAY/a refs/heads/main
    "#);
    insta::assert_snapshot!(told(BASE, &lifted), @r#"
    - update | developer: 2 ["alice", "bob"] | [RuleId(main)] -> [RuleId(freeze)]
        pay/* : refs/heads/main | alice update PAY/a refs/heads/main
    - update | developer+release-manager: 1 ["rita"] | [RuleId(main)] -> [RuleId(freeze)]
        after: lifting `freeze` by `hotfix` (for up to 1 h, with a reason, with `developer` as second person)
        pay/* : refs/heads/main | rita update PAY/a refs/heads/main
    "#);
}

#[test]
fn a_grant_that_begins_later() {
    let from = BASE.replacen("id = \"main\"", "id = \"main\"\nfrom = 2026-07-01T00:00:00Z", 1);
    insta::assert_snapshot!(told(BASE, &from), @r#"
    - update | developer: 2 ["alice", "bob"]; developer+release-manager: 1 ["rita"] | [RuleId(main)] -> [] | None..Some(2026-07-01T00:00:00Z)
        pay/* : refs/heads/main | alice update PAY/a refs/heads/main
        pay/* : refs/heads/release/* | alice update PAY/a refs/heads/release/a
    "#);
}

/// Whoever can lift what forbids it has all that it takes to lift the rest.
#[test]
fn terms_that_make_no_difference() {
    let waiver = |lifts: &str, second: &str| {
        format!(
            "[[waiver]]\nid = \"{lifts}-waiver\"\nlifts = [\"{lifts}\"]\nto = [\"release-manager\"]\nmax_time = \"1h\"\n{second}"
        )
    };
    let second = "second_person = [\"developer\"]\n";
    let rules = format!("{BASE}{FREEZE}{REVIEWED}{}", waiver("freeze", second));
    let (one, other) = (waiver("reviewed", ""), waiver("reviewed", second));
    insta::assert_snapshot!(told(&format!("{rules}{one}"), &format!("{rules}{other}")), @"");
}
