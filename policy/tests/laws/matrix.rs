//! Every role beside every kind of rule, every verb and every way in, as one table that was read by a person.

use std::collections::{BTreeMap, BTreeSet};

use oam_policy::{
    Channel, Facts, Snapshot, TreePath, Username, Verdict,
    decide::WaiverUse,
    facts::{Approval, Commit, Cover, Identity, PullRequest, SignatureState, Unreadable},
    rule::Asker,
    snapshot::{Directory, Person},
};

use crate::{
    common::{Case, policy},
    engine::{decided, refs},
    oracle::Reason,
};

/// A Saturday.
const NOW: &str = "2026-06-13T12:00:00Z";

/// Developer; developer and lead; developer and on call; a service; nobody but for an exception; nobody at all.
const PUSHERS: [&str; 6] = ["dora", "lena", "otto", "svc-bot", "eva", "gus"];

/// What is pushed, and what else is so. All facts are told beforehand: whether they are asked for is another test.
struct Row {
    title: &'static str,
    name: &'static str,
    /// The path that changes; none: nobody can tell.
    path: Option<&'static str>,
    /// Who approved, each of the present head or of what was before; dora is the author.
    approvals: &'static [(&'static str, bool)],
    /// The subject of a new commit, which is signed by whoever made it; none: nobody can tell.
    subject: Option<&'static str>,
    /// The waiver that whoever pushes uses.
    waiver: Option<&'static str>,
}

const fn row(title: &'static str, name: &'static str) -> Row {
    Row { title, name, path: Some("src/a"), approvals: &[], subject: Some("PAY-1 fix"), waiver: None }
}

impl Row {
    const fn path(self, path: &'static str) -> Self {
        Self { path: Some(path), ..self }
    }

    const fn dark(self) -> Self {
        Self { path: None, subject: None, ..self }
    }

    const fn approved(self, approvals: &'static [(&'static str, bool)]) -> Self {
        Self { approvals, ..self }
    }

    const fn subject(self, subject: &'static str) -> Self {
        Self { subject: Some(subject), ..self }
    }

    const fn waived(self, waiver: &'static str) -> Self {
        Self { waiver: Some(waiver), ..self }
    }
}

const ROWS: [Row; 39] = [
    row("grant", "heads/any"),
    row("grant of some verbs", "heads/some-verbs"),
    row("grant of tags", "tags/v1"),
    row("no grant", "notes/x"),
    row("built-in", "replace/x"),
    row("grant of paths: in", "heads/docs").path("docs/a"),
    row("grant of paths: out", "heads/docs"),
    row("grant of paths: excluded", "heads/docs").path("docs/legal/a"),
    row("grant of paths: unknown", "heads/docs").dark(),
    row("grant to one person", "heads/hotfix"),
    row("grant on trial", "heads/new"),
    row("block", "heads/blocked"),
    row("block of some verbs", "heads/no-force"),
    row("block of paths: in", "heads/secrets").path("secrets/a"),
    row("block of paths: out", "heads/secrets"),
    row("block of paths: unknown", "heads/secrets").dark(),
    row("block but for a role", "heads/leads-only"),
    row("block for a time", "heads/frozen"),
    row("block at weekends", "heads/weekend"),
    row("block, absolute", "heads/absolute"),
    row("block on trial", "heads/trial-block"),
    row("via", "heads/via"),
    row("approvals: none", "heads/approved"),
    row("approvals: 1 of 2", "heads/approved").approved(&[("otto", true)]),
    row("approvals: 2", "heads/approved").approved(&[("otto", true), ("lena", true)]),
    row("approvals: the author's", "heads/approved").approved(&[("otto", true), ("dora", true)]),
    row("approvals: outdated", "heads/approved").approved(&[("otto", true), ("lena", false)]),
    row("approvals: left", "heads/approved").approved(&[("otto", true), ("gone", true)]),
    row("approvals: deploy, no lead", "heads/approved")
        .path("deploy/a")
        .approved(&[("otto", true), ("dave", true)]),
    row("approvals: deploy, lead", "heads/approved")
        .path("deploy/a")
        .approved(&[("otto", true), ("lena", true)]),
    row("commits: good", "heads/commits"),
    row("commits: a bad message", "heads/commits").subject("fix"),
    row("commits: unknown", "heads/commits").dark(),
    row("require on trial", "heads/trial-require"),
    row("waiver: of a block", "heads/blocked").waived("break-glass"),
    row("waiver: of via", "heads/via").waived("break-glass"),
    row("waiver: of commits", "heads/commits").subject("fix").waived("break-glass"),
    row("waiver: not of this", "heads/frozen").waived("break-glass"),
    row("waiver on trial", "heads/frozen").waived("trial-waiver"),
];

fn snapshot() -> Snapshot {
    let person = |name: &str, groups: &[&str]| Person {
        username: name.parse().unwrap(),
        id: None,
        display_name: None,
        emails: vec![format!("{name}@x")],
        active: name != "gone",
        groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
        keys: Default::default(),
    };
    let people = vec![
        person("dora", &["idp:dev"]),
        person("dave", &["idp:dev"]),
        person("lena", &["idp:dev", "idp:lead"]),
        person("otto", &["idp:dev", "idp:on-call"]),
        person("eva", &[]),
        person("gus", &["idp:lead"]),
        person("gone", &["idp:dev", "idp:lead"]),
    ];
    let as_of = NOW.parse().unwrap();
    Snapshot::of_directory(1, as_of, &Directory { people, groups: BTreeSet::new() }, BTreeMap::new()).unwrap()
}

fn facts(row: &Row) -> Facts {
    let unreadable = || Unreadable { why: "dark".into() };
    let mut facts = Facts::none();
    let paths = row.path.map(|path| vec![TreePath::parse(path.as_bytes()).unwrap()]);
    facts.learn_paths(0, Cover::whatever(), paths.ok_or_else(unreadable));
    let commits = row.subject.map(|subject| {
        vec![Commit {
            id: oam_policy::ObjectId::Sha1([3; 20]),
            subject: subject.into(),
            signed_off: false,
            author: Identity::Email("dora@x".into()),
            committer: Identity::Email("dora@x".into()),
            parents: 1,
            foreign: false,
            signature: SignatureState::Good { by: "dora".parse().unwrap() },
        }]
    });
    facts.learn_commits(0, Cover::whatever(), commits.ok_or_else(unreadable));
    let approval = |(by, of_head): &(&str, bool)| Approval {
        by: Asker::User(Username::parse(by).unwrap()),
        of_head: *of_head,
        reviewed: None,
    };
    facts.learn_pull_request(Ok(PullRequest {
        author: Some("dora".parse().unwrap()),
        committers: Ok(vec![]),
        approvals: row.approvals.iter().map(approval).collect(),
    }));
    facts
}

fn used(waiver: &str, by: &str) -> WaiverUse {
    WaiverUse {
        id: None,
        waiver: waiver.parse().unwrap(),
        lifts: BTreeSet::new(),
        by: by.parse().unwrap(),
        on: None,
        refs: None,
        from: NOW.parse().unwrap(),
        to: "2026-06-13T13:00:00Z".parse().unwrap(),
        reason: "it burns".into(),
        approved_by: Some(Asker::User("lena".parse().unwrap())),
    }
}

/// The first letter of what is permitted, `-` for what is refused, `?` for what is undecided; and why it is refused.
fn cell(
    case: &Case,
    row: &Row,
    user: &str,
    channel: Channel,
    verb: &str,
    reasons: &mut BTreeSet<Reason>,
) -> char {
    // Where it is only being looked at, the merge is not there yet; and nobody looks at the merge of a tag.
    let is_merge = channel.is_dry_run() && verb == "update" && !row.name.starts_with("tags");
    let update = format!("{} refs/{}", if is_merge { "merge" } else { verb }, row.name);
    let decision = decided(case.evaluate_via(channel, user, "PAY/api", &[&update], &facts(row)));
    match &refs(&decision)[0].verdict {
        Verdict::Permitted(_) => verb.chars().next().unwrap(),
        Verdict::Undecided(_) => '?',
        Verdict::Refused(all) => {
            reasons.extend(all.iter().map(|one| (one.code(), one.rule().map(ToString::to_string))));
            '-'
        }
    }
}

fn line(case: &Case, row: &Row, user: &str) -> String {
    let mut case = case.clone();
    case.state.waivers = row.waiver.iter().map(|waiver| used(waiver, user)).collect();
    let mut reasons = BTreeSet::new();
    let cells = Channel::ALL.map(|channel| {
        ["create", "update", "force", "delete"]
            .map(|verb| cell(&case, row, user, channel, verb, &mut reasons))
            .iter()
            .collect::<String>()
    });
    let told =
        |(code, rule): &Reason| rule.as_ref().map_or((*code).to_owned(), |rule| format!("{code}:{rule}"));
    let told: Vec<_> = reasons.iter().map(told).collect();
    format!("{:27} {user:8} {}  {}", row.title, cells.join(" "), told.join(", ")).trim_end().to_owned()
}

#[test]
fn every_role_rule_verb_and_way_in() {
    let case = Case::new(policy(include_str!("matrix.toml")), snapshot()).at(NOW);
    let heads = ["push", "b+", "b-", "t+", "t-", "edit", "pr", "dry", "merg"].map(|head| format!("{head:4}"));
    let mut table = vec![format!("{:27} {:8} {}", "", "", heads.join(" ")).trim_end().to_owned()];
    for row in &ROWS {
        table.push(String::new());
        table.extend(PUSHERS.map(|user| line(&case, row, user)));
    }
    insta::assert_snapshot!(table.join("\n"));
}
