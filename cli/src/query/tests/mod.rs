mod growth;
mod pruned;
pub(crate) mod sample;

use std::{fs, path::Path};

use oam_audit::{
    entry::{AdminDenied, EncodedEvent, Entry, Event, Outcome},
    tile::{Tile, TileKind},
    verify::BLOCK,
};
use sample::{SampleLog, at, decision, id, other, update};

use super::{Filter, Search};
use crate::{exit::Exit, failure::Failure, index::Index, log::SignedLog};

/// So many entries are enough where no index is needed.
const SMALL: u64 = 1_500;

/// A bit more than `border` entries: pushes, a few of them refused, one with parts on both sides of the border, and parts
/// that nobody ended.
fn sample(border: u64) -> SampleLog {
    SampleLog::new(events(border))
}

fn events(border: u64) -> Vec<EncodedEvent> {
    let mut events: Vec<EncodedEvent> = Vec::new();
    let mut number = 0;
    while (events.len() as u64) < border + 600 {
        number += 1;
        let missing = (border + 2).saturating_sub(events.len() as u64);
        let many = |count: usize| (0..count).map(|n| update(&format!("refs/heads/many/{number}-{n}"), None));
        match number {
            _ if missing == 4 => {
                // Four parts and the decision.
                let parts = decision(number, "Grace", "PAY/across", many(1_200).collect());
                assert_eq!(parts.len(), 5, "{}", parts.len());
                events.extend(parts);
            }
            500 => {
                let mut parts = decision(number, "nobody", "PAY/abandoned", many(1_200).collect());
                parts.pop();
                events.extend(parts);
            }
            _ if number % 100 == 0 => {
                let denied = AdminDenied { actor: "uid 1000".into(), call: "ApplyPolicy".into(), times: 1 };
                events.push(other(&Event::AdminDenied(denied)));
            }
            _ => {
                let refused = (number % 97 == 0).then_some(("no-grant", "freeze"));
                let name = format!("refs/heads/feature/{}", number % 301);
                let (user, repository) = (format!("User{}", number % 51), format!("PAY/r{}", number % 13));
                events.extend(decision(number, &user, &repository, vec![update(&name, refused)]));
            }
        }
    }
    events
}

/// What a naive reader finds: it looks for the texts in every line, and knows nothing of facets.
fn naive(log: &SampleLog, wanted: &dyn Fn(&str) -> bool, within: std::ops::Range<u64>) -> Vec<u64> {
    let numbered = (0u64..).zip(&log.lines).filter(|(seq, _)| within.contains(seq));
    numbered.filter(|(_, line)| wanted(str::from_utf8(line).unwrap())).map(|(seq, _)| seq).collect()
}

fn found(folder: &Path, index: Option<&Path>, filter: Filter) -> Result<Vec<u64>, Failure> {
    let log = SignedLog::open(Some(folder), None)?;
    let index = index.map(|index| Index::open(Some(index), log.key()).unwrap());
    let mut search = Search::new(log, index, filter, 0, &|_, _| ())?;
    let mut found = Vec::new();
    while let Some(one) = search.next()? {
        found.push(one.entry.seq);
    }
    Ok(found)
}

fn user(name: &str) -> Filter {
    Filter { user: Some(name.to_lowercase()), ..Filter::default() }
}

/// The end of the decision whose parts lie on both sides of the border, and its first ref.
fn across(log: &SampleLog, border: u64) -> (u64, Vec<u8>) {
    let end = border + 2;
    let read = |seq: u64| serde_json::from_slice::<Entry>(&log.lines[usize::try_from(seq).unwrap()]).unwrap();
    let Event::Decision(head) = read(end).event else { panic!("no decision") };
    assert_eq!(head.parts, 4, "and some of them lie before the border");
    let Event::DecisionPart(first) = read(end - 4).event else { panic!("no part") };
    (end, first.updates[0].name.as_bytes().to_vec())
}

/// What is asked, and what is found.
type Case = (&'static str, Filter, Vec<u64>);

fn cases(log: &SampleLog, border: u64) -> Vec<Case> {
    let all = 0..u64::MAX;
    let text = |text: &str| {
        let text = text.to_owned();
        move |line: &str| line.contains(&text)
    };
    let (filter, middle) = (Filter::default, border / 2);
    let (end, first) = across(log, border);
    let refused = "\"outcome\":\"refused\",\"reasons\":[],\"update_count\"";
    let abandoned = naive(log, &text("refs/heads/many/500-"), all.clone());
    vec![
        ("user", user("USER7"), naive(log, &text("\"principal\":\"User7\""), all.clone())),
        (
            "repository and verdict",
            Filter { repository: Some("pay/r3".into()), outcome: Some(Outcome::Refused), ..filter() },
            naive(
                log,
                &|line| line.contains("\"repository\":\"PAY/r3\"") && line.contains(refused),
                all.clone(),
            ),
        ),
        (
            "ref",
            Filter { name: Some(b"refs/heads/feature/17".to_vec()), ..filter() },
            naive(log, &text("\"ref\":\"refs/heads/feature/17\""), all.clone()),
        ),
        (
            "rule",
            Filter { rule: Some("freeze".into()), ..filter() },
            naive(log, &text("\"rule\":\"freeze\""), all.clone()),
        ),
        (
            "reason",
            Filter { reason: Some("no-grant".into()), ..filter() },
            naive(log, &text("no-grant"), all.clone()),
        ),
        (
            "decision",
            Filter { decision: Some(id(711)), ..filter() },
            naive(log, &text(&id(711)), all.clone()),
        ),
        (
            "kind",
            Filter { kind: Some("admin-denied".into()), ..filter() },
            naive(log, &text("admin-denied"), all.clone()),
        ),
        ("actor", user("uid 1000"), naive(log, &text("uid 1000"), all.clone())),
        (
            "time",
            Filter { since: Some(at(middle)), until: Some(at(middle + 10)), ..filter() },
            naive(log, &|_| true, middle..middle + 10),
        ),
        ("a part before the border", Filter { name: Some(first), ..user("grace") }, vec![end]),
        // Once, by the last of them.
        (
            "parts that nobody ended",
            Filter { kind: Some("decision-part".into()), ..filter() },
            abandoned.last().copied().into_iter().collect(),
        ),
        ("nobody", user("User77777"), Vec::new()),
    ]
}

#[test]
fn what_is_found_is_what_there_is() {
    let log = sample(SMALL);
    let folder = tempfile::tempdir().unwrap();
    log.write(folder.path(), log.lines.len());
    for (what, filter, expected) in cases(&log, SMALL) {
        assert_eq!(expected.is_empty(), what == "nobody", "{what}: {expected:?}");
        assert_eq!(found(folder.path(), None, filter).unwrap(), expected, "{what}");
    }
}

#[test]
fn an_index_finds_the_same_and_is_made_anew_when_it_is_not_of_this_log() {
    let log = sample(BLOCK);
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    log.write(folder.path(), log.lines.len());
    for (what, filter, expected) in cases(&log, BLOCK) {
        assert_eq!(expected.is_empty(), what == "nobody", "{what}: {expected:?}");
        assert_eq!(found(folder.path(), Some(index.path()), filter).unwrap(), expected, "{what}");
    }
    let of_log = fs::read_dir(index.path()).unwrap().next().unwrap().unwrap().path();
    let file = of_log.join("000000000000");
    let whole = fs::read(&file).unwrap();
    let expected = naive(&log, &|line| line.contains("\"principal\":\"User7\""), 0..u64::MAX);
    // Torn; and that of another log, which is whole by itself.
    let mut others = whole.clone();
    others[20] ^= 1;
    for lie in [&whole[..whole.len() / 2], &others] {
        fs::write(&file, lie).unwrap();
        assert_eq!(found(folder.path(), Some(index.path()), user("user7")).unwrap(), expected);
        assert!(fs::read(&file).unwrap() == whole, "it was made anew");
    }
}

#[test]
fn an_entry_that_was_not_signed_is_not_shown() {
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = sample(SMALL);
    log.write(folder.path(), log.lines.len());
    let seq = 300;
    let path = folder.path().join(Tile::full(TileKind::Entries, seq / 256).to_string());
    let mut bytes = fs::read(&path).unwrap();
    let text = b"\"principal\":\"User";
    let place = bytes.windows(text.len()).position(|window| window == text).unwrap();
    bytes[place + text.len()] ^= 1;
    fs::write(&path, bytes).unwrap();
    let filter = Filter { since: Some(at(seq)), until: Some(at(seq + 1)), ..Filter::default() };
    for index in [Some(index.path()), None] {
        let failure = found(folder.path(), index, filter.clone()).unwrap_err();
        assert_eq!(failure.exit(), Exit::No, "{failure}");
        assert!(failure.to_string().contains("not in order"), "{failure}");
    }
}

#[test]
fn what_is_not_signed_yet_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let size = 700;
    let sample = sample(SMALL);
    sample.write(folder.path(), size - 100);
    let log = SignedLog::open(Some(folder.path()), None).unwrap();
    let mut search = Search::new(log, None, Filter::default(), 0, &|_, _| ()).unwrap();
    let mut count = 0;
    while search.next().unwrap().is_some() {
        count += 1;
    }
    assert!(!search.refresh().unwrap());
    sample.write(folder.path(), size);
    assert!(search.refresh().unwrap());
    let next = search.next().unwrap().unwrap();
    assert_eq!(next.entry.seq, 600, "{count} before");
    // A log that was put back is no log that grew.
    sample.write(folder.path(), size - 200);
    assert_eq!(search.refresh().unwrap_err().exit(), Exit::No);
}
