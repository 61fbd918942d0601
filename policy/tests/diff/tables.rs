//! As people read it.

use std::fmt::Write as _;

use oam_policy::diff::{Class, Effect, Limits, diff};

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
        let sign = if change.effect == Effect::Gains { "+" } else { "-" };
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
        for place in &change.places {
            let class = |class: &Class| {
                let without =
                    class.without.iter().map(|pattern| format!(" but {pattern}")).collect::<String>();
                class.within.join(" and ") + &without
            };
            let witness = &place.witness;
            writeln!(
                text,
                "    {} : {} | {} {} {} {}",
                class(&place.repositories),
                class(&place.refs),
                witness.user,
                witness.verb,
                witness.repository,
                witness.name
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
        ops/* : refs/heads/** | rita create OPS/a refs/heads/a
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
