use oam_policy::{
    ObjectId,
    facts::{
        Ancestry, BadSignature, Cover, End, FactsNeeded, HistoryNeeded, HistoryPart, Identity,
        SignatureState, Tip, Unreadable,
    },
    rule::RefSet,
};

use super::{Asked, FactsNews, facts_from_wire};
use crate::{WireError, limits, v1};

fn cover(pattern: &str) -> Cover {
    RefSet::new([RefSet::parse_one(pattern).unwrap()]).unwrap().cover()
}

fn history(update: usize, pattern: &str, part: HistoryPart) -> HistoryNeeded {
    HistoryNeeded { update, cover: cover(pattern), part }
}

fn asked(ancestry: Vec<usize>, histories: Vec<HistoryNeeded>) -> Asked {
    Asked::of(&FactsNeeded { ancestry, histories, ..FactsNeeded::default() }).0
}

/// Takes a message; signatures are worth what they sign.
fn take(message: v1::Facts, asked: &Asked) -> Result<FactsNews, WireError> {
    facts_from_wire(message, asked, |signed| {
        let why = String::from_utf8_lossy(&signed.payload).into_owned();
        Ok(SignatureState::Bad { cause: BadSignature::Invalid, why })
    })
}

fn of_history(message: v1::HistoryFacts) -> v1::Facts {
    v1::Facts { histories: vec![message], ..v1::Facts::default() }
}

fn answer(index: u64, ancestry: i32) -> v1::Facts {
    let why = "x".repeat(600);
    v1::Facts { ancestry: vec![v1::AncestryFact { index, ancestry, why }], ..v1::Facts::default() }
}

fn commit() -> v1::Commit {
    v1::Commit {
        id: vec![3; 20],
        subject: b"fix".to_vec(),
        author: b"a@x".to_vec(),
        committer: b"c@x".to_vec(),
        parents: 1,
        ..v1::Commit::default()
    }
}

#[test]
fn only_the_ancestry_that_was_asked_for_is_taken() {
    let asked = asked(vec![3], Vec::new());
    assert!(take(answer(2, 2), &asked).is_err());
    assert!(take(answer(3, 9), &asked).is_err());
    assert_eq!(take(answer(3, 2), &asked).unwrap().ancestry, [(3, Ancestry::FastForward)]);
    // The zero value never permits.
    let unreadable = Ancestry::Unreadable { why: "x".repeat(500) };
    assert_eq!(take(answer(3, 0), &asked).unwrap().ancestry, [(3, unreadable)]);
}

#[test]
fn covers_are_told_once_and_parts_together() {
    let asked = asked(
        vec![1],
        vec![
            history(0, "refs/heads/*", HistoryPart::Paths),
            history(0, "refs/heads/*", HistoryPart::Signatures),
            history(0, "refs/heads/main", HistoryPart::Files),
            history(2, "refs/heads/*", HistoryPart::Commits),
        ],
    );
    let wire = asked.to_wire(&"alice".parse().unwrap());
    let covers: Vec<_> = wire.covers.iter().map(|cover| cover.refs.join(" ")).collect();
    assert_eq!(covers, ["refs/heads/*", "refs/heads/main"]);
    let told: Vec<_> = wire
        .histories
        .iter()
        .map(|one| (one.update, one.cover, [one.paths, one.files, one.commits, one.signatures]))
        .collect();
    assert_eq!(
        told,
        [
            (0, 0, [true, false, true, true]),
            (0, 1, [false, true, false, false]),
            (2, 0, [false, false, true, false])
        ]
    );
    assert_eq!(wire.ancestry, [1]);
    assert_eq!(asked.histories_needed().len(), 4);
}

#[test]
fn no_more_is_asked_than_a_round_may_ask() {
    let most = limits::HISTORIES_PER_ROUND;
    let histories = (0..most + 2).map(|update| history(update, "refs/heads/*", HistoryPart::Paths)).collect();
    let needed = FactsNeeded { histories, pull_request: true, ..FactsNeeded::default() };
    let (asked, beyond) = Asked::of(&needed);
    assert_eq!(asked.histories().len(), most);
    assert_eq!(beyond.histories.iter().map(|one| one.update).collect::<Vec<_>>(), [most, most + 1]);
    assert!(beyond.pull_request && beyond.ancestry.is_empty());
}

#[test]
fn histories_come_in_pieces() {
    let asked = asked(
        Vec::new(),
        vec![
            history(0, "refs/heads/*", HistoryPart::Paths),
            history(1, "refs/heads/*", HistoryPart::Files),
            history(1, "refs/heads/*", HistoryPart::Signatures),
        ],
    );
    let paths = v1::HistoryFacts { paths: vec![b"a".to_vec(), b"b/\xff".to_vec()], ..Default::default() };
    let news = take(of_history(paths), &asked).unwrap().histories.remove(0);
    assert_eq!((news.history, news.news.paths.len(), news.end), (0, 2, None));
    let signed = v1::Signed { signature: b"s".to_vec(), payload: b"p".to_vec(), too_large: false };
    let rest = v1::HistoryFacts {
        history: 1,
        files: vec![v1::NewFile { path: b"a".to_vec(), size: 7 }],
        commits: vec![v1::Commit { signed: Some(signed), ..commit() }, commit()],
        last: true,
        ..Default::default()
    };
    let news = take(of_history(rest), &asked).unwrap().histories.remove(0);
    assert_eq!((news.history, news.news.files[0].size, news.end), (1, 7, Some(End::Complete)));
    let [first, second] = &news.news.commits[..] else { panic!() };
    assert_eq!(first.signature, SignatureState::Bad { cause: BadSignature::Invalid, why: "p".into() });
    assert_eq!(second.signature, SignatureState::Absent);
    assert_eq!((first.id, first.parents), (ObjectId::Sha1([3; 20]), 1));
    assert_eq!(first.author, Identity::Email("a@x".into()));
}

#[test]
fn what_was_not_asked_for_is_a_fault() {
    let asked = asked(Vec::new(), vec![history(0, "refs/heads/*", HistoryPart::Commits)]);
    let with = |change: &dyn Fn(&mut v1::HistoryFacts)| {
        let mut message = v1::HistoryFacts::default();
        change(&mut message);
        take(of_history(message), &asked).map(|_| ()).map_err(|error| error.field)
    };
    assert_eq!(with(&|_| {}), Ok(()));
    assert_eq!(with(&|one| one.history = 1), Err("histories.history"));
    assert_eq!(with(&|one| one.paths = vec![b"a".to_vec()]), Err("histories.paths"));
    assert_eq!(with(&|one| one.files = vec![v1::NewFile::default()]), Err("histories.files"));
    assert_eq!(with(&|one| one.tip = Some(v1::Tip::default())), Err("histories.tip"));
    assert_eq!(with(&|one| one.commits = vec![v1::Commit::default()]), Err("histories.commits.id"));
    let signed = || v1::Commit { signed: Some(v1::Signed::default()), ..commit() };
    assert_eq!(with(&|one| one.commits = vec![signed()]), Err("histories.commits.signed"));
    let wordy = || v1::Commit { subject: vec![b'x'; 1_001], ..commit() };
    assert_eq!(with(&|one| one.commits = vec![wordy()]), Err("histories.commits.subject"));
    let all = take(v1::Facts::default(), &Asked::default()).unwrap();
    assert!(all.histories.is_empty() && !all.last);
}

#[test]
fn what_cannot_be_judged_is_unreadable() {
    let asked = asked(Vec::new(), vec![history(0, "refs/heads/*", HistoryPart::Paths)]);
    let told = |message: v1::HistoryFacts| {
        let news = take(of_history(message), &asked).unwrap().histories.remove(0);
        let Some(End::Unreadable(Unreadable { why })) = news.end else { panic!("{news:?}") };
        (news.news.paths.len(), why)
    };
    let paths = [&b"a"[..], b"a//\x1b", b"b"].map(<[u8]>::to_vec).to_vec();
    let (taken, why) = told(v1::HistoryFacts { paths, last: true, ..Default::default() });
    assert_eq!(taken, 1);
    assert!(why.starts_with("the path `a//\\x1b` cannot be judged: it has an empty component"), "{why}");
    let lost = v1::HistoryFacts { unreadable: "a pack is damaged".into(), ..Default::default() };
    assert_eq!(told(lost), (0, "a pack is damaged".to_owned()));
}

#[test]
fn what_is_no_address_is_nobody_s() {
    let asked = asked(Vec::new(), vec![history(0, "refs/heads/*", HistoryPart::Commits)]);
    let author = |email: &[u8]| {
        let commits = vec![v1::Commit { author: email.to_vec(), ..commit() }];
        let message = of_history(v1::HistoryFacts { commits, ..Default::default() });
        take(message, &asked).unwrap().histories.remove(0).news.commits.remove(0).author
    };
    assert_eq!(author(b""), Identity::Email("".into()));
    assert!(matches!(author(b"a\xff@x"), Identity::NoEmail(_)));
    assert!(matches!(author(&[b'a'; 2_000]), Identity::NoEmail(shown) if shown.len() == limits::EMAIL_BYTES));
}

#[test]
fn a_tag_comes_with_its_signature_and_commits_are_counted() {
    let asked_of = |parts: &[HistoryPart]| {
        asked(Vec::new(), parts.iter().map(|part| history(0, "refs/tags/*", *part)).collect())
    };
    let tip = asked_of(&[HistoryPart::Tip]);
    let wire = &tip.to_wire(&"alice".parse().unwrap()).histories[0];
    assert!(wire.tip && wire.signatures && !wire.commits && wire.at_most == 0);
    let signed = v1::Signed { payload: b"p".to_vec(), ..v1::Signed::default() };
    let told = v1::Tip {
        kind: "tag".into(),
        tagger: b"t@x".to_vec(),
        signed: Some(signed),
        peeled: "commit".into(),
    };
    let tip_of = |told: v1::Tip| {
        let message = of_history(v1::HistoryFacts { tip: Some(told), ..Default::default() });
        take(message, &tip).unwrap().histories.remove(0).news.tip.unwrap()
    };
    let signature = SignatureState::Bad { cause: BadSignature::Invalid, why: "p".into() };
    assert_eq!(tip_of(told.clone()), Tip::Tag { tagger: Identity::Email("t@x".into()), signature });
    assert_eq!(tip_of(v1::Tip { kind: "commit".into(), ..told }), Tip::Other);

    let count = asked_of(&[HistoryPart::CommitCount(5), HistoryPart::CommitCount(9)]);
    let wire = &count.to_wire(&"alice".parse().unwrap()).histories[0];
    assert!(wire.commits && !wire.signatures && wire.at_most == 9);
    // Whoever wants the commits themselves wants all of them.
    let both = asked_of(&[HistoryPart::Commits, HistoryPart::CommitCount(5)]);
    assert_eq!(both.to_wire(&"alice".parse().unwrap()).histories[0].at_most, 0);
}

#[test]
fn a_signature_that_cannot_be_judged_makes_the_history_unreadable() {
    let asked = asked(Vec::new(), vec![history(0, "refs/heads/*", HistoryPart::Signatures)]);
    let commits = vec![commit(), v1::Commit { signed: Some(v1::Signed::default()), ..commit() }];
    let message = of_history(v1::HistoryFacts { commits, last: true, ..Default::default() });
    let news = facts_from_wire(message, &asked, |_| Err(Unreadable { why: "no file".into() })).unwrap();
    let one = &news.histories[0];
    assert_eq!(one.news.commits.len(), 1);
    assert_eq!(one.end, Some(End::Unreadable(Unreadable { why: "no file".into() })));
}
