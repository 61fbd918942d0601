//! Facts as they arrive: what is certain before all of them are there, and what is held of very many.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Case, policy, snapshot};
use oam_policy::{
    Evaluation, Facts, NonEmpty, ObjectId, Outcome, RefChange, RefUpdate, Request, TreePath,
    decide::{PushVerdict, Sieve},
    facts::{
        Bounds, Commit, Cover, End, FactsNeeded, HistoryNeeded, HistoryPart, Identity, Intake, News,
        SignatureState, Unreadable,
    },
    words,
};

const ROLES: &str = r##"
version = 1
[[role]]
id = "developer"
any = ["okta:eng"]
"##;

const GRANT: &str = r##"
[[grant]]
id = "everything"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/**"]
verbs = ["create", "update", "force", "delete"]
"##;

const SECRETS: &str = r##"
[[block]]
id = "secrets"
on = ["**"]
refs = ["refs/heads/**"]
paths = ["secrets/**"]
"##;

const UPDATE: &str = "create refs/heads/main";

fn case(more: &[&str]) -> Case {
    Case::new(policy(&format!("{ROLES}{}", more.concat())), snapshot())
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text.as_bytes()).unwrap()
}

fn paths(of: &[&str]) -> Vec<TreePath> {
    of.iter().map(|text| path(text)).collect()
}

/// The outcome with its words; what is needed; or what is needed although it is refused anyway.
fn said(case: &Case, updates: &[&str], facts: &Facts) -> String {
    match case.evaluate("alice", "PAY/api", updates, facts) {
        Evaluation::Needs(needed) if needed.refused_anyway => "refused anyway".to_owned(),
        Evaluation::Needs(needed) => format!("needs {}", needed.told()),
        Evaluation::Decided(decision) => match decision.verdict() {
            PushVerdict::PerRef(refs) => match &refs.first().verdict {
                oam_policy::Verdict::Permitted(_) => "permitted".to_owned(),
                oam_policy::Verdict::Refused(reasons) => words::of_refusal(reasons.first(), None).summary,
                oam_policy::Verdict::Undecided(reasons) => words::of_undecided(reasons.first()).summary,
            },
            other => format!("{other:?}"),
        },
    }
}

fn needed(case: &Case, updates: &[&str]) -> FactsNeeded {
    match case.evaluate("alice", "PAY/api", updates, &Facts::none()) {
        Evaluation::Needs(needed) => needed,
        Evaluation::Decided(decision) => panic!("{decision:?}"),
    }
}

fn request() -> Request {
    let name = oam_policy::RefName::parse(b"refs/heads/main").unwrap();
    let change = RefChange::Create { new: ObjectId::Sha1([2; 20]) };
    Request {
        repository: "PAY/api".parse().unwrap(),
        pusher: "alice".parse().unwrap(),
        channel: oam_policy::Channel::Push,
        updates: NonEmpty::one(RefUpdate { name, change }),
    }
}

#[test]
fn what_is_found_in_the_beginning_is_found() {
    let case = case(&[GRANT, SECRETS]);
    let told = |of: &[&str], end: End| {
        let mut facts = Facts::none();
        facts.learn_paths_until(0, Cover::whatever(), paths(of), end);
        said(&case, &[UPDATE], &facts)
    };
    let unreadable = || End::Unreadable(Unreadable { why: "a pack is damaged".into() });
    assert_eq!(told(&["src/a"], End::Open), "needs the changed paths");
    assert_eq!(told(&["src/a"], End::Complete), "permitted");
    assert_eq!(told(&["src/a"], unreadable()), "The history could not be read: a pack is damaged.");
    for end in [End::Open, unreadable()] {
        assert_eq!(
            told(&["secrets/a", "src/a"], end),
            "Changing `secrets/a` and perhaps more is blocked by rule `secrets`."
        );
    }
    assert_eq!(told(&["secrets/a"], End::Complete), "Changing `secrets/a` is blocked by rule `secrets`.");
}

#[test]
fn one_ref_that_is_refused_settles_the_push() {
    let case = case(&[GRANT, SECRETS]);
    let updates = ["create refs/heads/a", "create refs/tags/b"];
    assert!(needed(&case, &updates).refused_anyway, "nobody may create tags");
    assert!(!needed(&case, &updates[..1]).refused_anyway);
    let mut facts = Facts::none();
    facts.learn_lack(&needed(&case, &updates), "it was not looked at");
    let Evaluation::Decided(decision) = case.evaluate("alice", "PAY/api", &updates, &facts) else { panic!() };
    assert_eq!(decision.outcome(), Outcome::Refused);
}

#[test]
fn signatures_are_asked_for_where_they_matter() {
    let require = |checks: &str| {
        format!(
            "[[require]]\nid = \"r\"\non = [\"**\"]\nrefs = [\"refs/heads/**\"]\ncommits = {{ {checks} }}\n"
        )
    };
    let parts = |checks: &str| -> Vec<_> {
        let case = case(&[GRANT, &require(checks)]);
        needed(&case, &[UPDATE]).histories.into_iter().map(|one| one.part).collect()
    };
    assert_eq!(parts("linear = true"), [HistoryPart::Commits]);
    assert_eq!(parts("signed = true, linear = true"), [HistoryPart::Commits, HistoryPart::Signatures]);
    // Commits whose signatures nobody asked for say nothing of them.
    let case = case(&[GRANT, &require("signed = true")]);
    let mut facts = Facts::none();
    let commit = Commit {
        id: ObjectId::Sha1([2; 20]),
        subject: b"x".to_vec(),
        signed_off: false,
        author: Identity::Pusher,
        committer: Identity::Pusher,
        parents: 1,
        foreign: false,
        signature: SignatureState::Absent,
    };
    facts.learn_commits_until(0, Cover::whatever(), vec![commit], End::Complete, false);
    assert_eq!(said(&case, &[UPDATE], &facts), "needs the signatures of the new commits");
}

/// An intake that expects the paths of one update, in view of `covers`.
fn expecting(case: &Case, bounds: Bounds, covers: &[Cover]) -> Intake {
    let mut intake = Intake::new(bounds);
    let asked = covers.iter().map(|cover| HistoryNeeded {
        update: 0,
        cover: cover.clone(),
        part: HistoryPart::Paths,
    });
    let request = request();
    intake.expect(&asked.collect::<Vec<_>>(), &sieve(case, &request));
    intake
}

fn sieve<'a>(case: &'a Case, request: &'a Request) -> Sieve<'a> {
    let state = &case.state;
    Sieve::new(state.policy.as_deref().unwrap(), state.snapshot.as_ref(), request)
}

fn news(paths: Vec<TreePath>) -> News {
    News { paths, ..News::default() }
}

#[test]
fn a_million_paths_are_not_held() {
    let case = case(&[GRANT, SECRETS]);
    let cover = needed(&case, &[UPDATE]).histories[0].cover.clone();
    let request = request();
    let sieve = sieve(&case, &request);
    let mut intake = expecting(&case, Bounds::default(), std::slice::from_ref(&cover));
    let mut most = 0;
    for piece in 0..1_000 {
        let some = (0..1_000).map(|number| path(&format!("src/module-{piece}/file-{number}.rs")));
        intake.take(0, &cover, news(some.collect()), &sieve);
        most = most.max(intake.held());
    }
    assert!(most < 3 << 20, "{most} bytes were held");
    assert!(intake.held() < 64 << 10, "{} bytes are held", intake.held());
    let listing = intake.facts().paths(0, &cover).unwrap();
    assert_eq!((listing.told(), listing.kept().count(), listing.is_kept_whole()), (1_000_000, 64, false));
    assert_eq!(said(&case, &[UPDATE], intake.facts()), "needs the changed paths");
    intake.take(0, &cover, news(paths(&["secrets/key"])), &sieve);
    intake.end(0, &cover, &End::Complete);
    assert_eq!(
        said(&case, &[UPDATE], intake.facts()),
        "Changing `secrets/key` and perhaps more is blocked by rule `secrets`."
    );
}

#[test]
fn many_lists_share_one_bound() {
    let case = case(&[GRANT, SECRETS]);
    let request = request();
    let sieve = sieve(&case, &request);
    let of_history = |number: usize| HistoryNeeded {
        update: number,
        cover: needed(&case, &[UPDATE]).histories[0].cover.clone(),
        part: HistoryPart::Paths,
    };
    let asked: Vec<_> = (0..50).map(of_history).collect();
    let bounds = Bounds { whole_items: 1_000, per_kind: 4, all_bytes: 20_000 };
    let mut intake = Intake::new(bounds);
    intake.expect(&asked, &sieve);
    for number in 0..1_000 {
        for one in &asked {
            let some = paths(&[&format!("src/{number:04}"), &format!("secrets/{number:04}")]);
            intake.take(one.update, &one.cover, news(some), &sieve);
            assert!(intake.held() <= bounds.all_bytes + 100, "{} bytes are held", intake.held());
        }
    }
    let ends: Vec<_> =
        asked.iter().map(|one| intake.facts().paths(one.update, &one.cover).unwrap()).collect();
    let cut = ends.iter().filter(|one| matches!(one.end(), End::Unreadable(_))).count();
    assert!(cut > 0, "there is no room for eight paths of each");
    // What was taken in is known: a block that is met stays met.
    assert!(ends[0].kept().count() >= 2);
}

/// Two grants with refs of their own, each of some paths.
const APART: &str = r##"
[[grant]]
id = "docs"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["create"]
paths = ["docs/**"]
[[grant]]
id = "art"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/*"]
verbs = ["create"]
paths = ["art/**"]
"##;

#[test]
fn whether_a_path_changes_for_several_grants_is_not_guessed() {
    let case = case(&[APART]);
    let covers: Vec<_> = needed(&case, &[UPDATE]).histories.into_iter().map(|one| one.cover).collect();
    assert_eq!(covers.len(), 2);
    let request = request();
    let sieve = sieve(&case, &request);
    let bounds = Bounds { whole_items: 3, per_kind: 1, ..Bounds::default() };
    let told = |views: [&[&str]; 2]| {
        let mut intake = expecting(&case, bounds, &covers);
        for (cover, of) in covers.iter().zip(views) {
            intake.take(0, cover, news(paths(of)), &sieve);
            intake.end(0, cover, &End::Complete);
        }
        said(&case, &[UPDATE], intake.facts())
    };
    let too_many = "The history could not be read: too many paths change to tell whether the grants cover them \
                    together: push fewer at once.";
    // Both whole: `x` changes in view of one of them only, and `y` of both.
    assert_eq!(told([&["docs/a", "art/a"], &["x"]]), "permitted");
    assert_eq!(told([&["y", "art/a"], &["x", "y"]]), "You may change it, but not there: `y`.");
    // One folded: it holds `a`, and perhaps what the other one holds.
    assert_eq!(told([&["a", "b", "c", "d"], &["x"]]), too_many);
    assert_eq!(told([&["a", "b", "c", "d"], &["a"]]), "You may change it, but not there: `a`.");
    assert_eq!(told([&["a", "b", "c", "d"], &["art/x", "docs/x"]]), "permitted");
    // Both folded.
    assert_eq!(told([&["a", "b", "c", "d"], &["e", "f", "g", "h"]]), too_many);
    assert_eq!(told([&["docs/a", "docs/b", "docs/c", "art/d"], &["e", "f", "g", "h"]]), "permitted");
    assert_eq!(
        told([&["a", "b", "c", "d"], &["a", "f", "g", "h"]]),
        "You may change it, but not there: `a` and perhaps more."
    );
}
