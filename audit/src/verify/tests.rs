use super::*;
use crate::{
    entry::{
        AdminDenied, AskedBy, Change, Decision, EncodedEvent, Entry, Event, MAX_ENTRY_BYTES, Outcome,
        PrincipalKind, Time, Update, Verb, split,
    },
    keys::SigningKey,
};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("oam.example.com/node-1".parse().unwrap(), &[seed; 32])
}

fn time() -> Time {
    "2026-11-23T17:21:14.000000Z".parse().unwrap()
}

fn note(actor: &str) -> EncodedEvent {
    EncodedEvent::new(&Event::AdminDenied(AdminDenied { actor: actor.into(), call: "x".into(), times: 1 }))
        .unwrap()
}

/// A decision with so many updates that it takes a few parts.
pub(super) fn large_decision(id: &str, updates: usize) -> Vec<EncodedEvent> {
    let head = Decision {
        decision: id.into(),
        asked_by: AskedBy::Unix { uid: 1, pid: 2 },
        channel: "push".into(),
        dry_run: false,
        repository: "PAY/api".into(),
        principal: "ada".into(),
        principal_kind: PrincipalKind::User,
        roles: [].into(),
        policy: None,
        snapshot: None,
        privileges: Vec::new(),
        pull_request: None,
        outcome: Outcome::Permitted,
        reasons: vec![],
        update_count: 0,
        updates: vec![],
        parts: 0,
        elapsed_us: 1,
    };
    let update = |n: usize| Update {
        name: format!("refs/heads/{n}").as_str().into(),
        change: Change::Create { new: "1".repeat(40) },
        verb: Some(Verb::Create),
        fast_forward: None,
        outcome: Outcome::Permitted,
        grant: Some("all".into()),
        privilege: None,
        privileges_beside: Vec::new(),
        waiver: None,
        lifted: Vec::new(),
        ancestry_unreadable: false,
        other_grants: Vec::new(),
        histories: Vec::new(),
        histories_left_out: 0,
        reasons: vec![],
        shadow: vec![],
    };
    split(head, (0..updates).map(update)).unwrap().map(Result::unwrap).collect()
}

/// The lines of a log, without line feeds.
fn log(events: &[EncodedEvent]) -> Vec<Vec<u8>> {
    let node = "oam.example.com/node-1".parse().unwrap();
    let stamp = |(seq, event): (u64, &EncodedEvent)| {
        let mut line = Vec::new();
        event.stamp(seq, time(), &node, &mut line);
        line
    };
    (0..).zip(events).map(stamp).collect()
}

fn root(lines: &[Vec<u8>]) -> TreeHash {
    let mut tree = Frontier::new();
    tree.extend(lines.iter().map(|line| TreeHash::leaf(line)));
    tree.root()
}

fn sign(lines: &[Vec<u8>], key: &SigningKey) -> String {
    SignedCheckpoint::sign(lines.len() as u64, root(lines), key).to_string()
}

fn file(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect()
}

fn check(file: &[u8], checkpoint: &str) -> Result<Report, VerifyError> {
    verify_log(file, checkpoint, key(1).verifier())
}

fn ten() -> Vec<Vec<u8>> {
    let mut events: Vec<EncodedEvent> = (0..4).map(|n| note(&format!("actor-{n}"))).collect();
    events.extend(large_decision("big", 1000));
    assert!(events.len() > 7, "the decision has parts");
    events.push(note("last"));
    log(&events)
}

#[test]
fn whole_logs_pass() {
    let lines = ten();
    let n = lines.len() as u64;
    let whole = Report {
        entries: n,
        beyond_checkpoint: 0,
        root: root(&lines),
        torn_tail_bytes: 0,
        abandoned_parts: 0,
        keys: vec![KeyInForce { from: 0, key: key(1).verifier().clone() }],
        pruned: None,
    };
    assert_eq!(check(&file(&lines), &sign(&lines, &key(1))).unwrap(), whole);

    let early = sign(&lines[..3], &key(1));
    assert_eq!(check(&file(&lines), &early).unwrap(), Report { beyond_checkpoint: n - 3, ..whole.clone() });
    let torn = [&file(&lines), &b"{\"v\":1,"[..]].concat();
    assert_eq!(
        check(&torn, &early).unwrap(),
        Report { beyond_checkpoint: n - 3, torn_tail_bytes: 7, ..whole }
    );

    let empty = check(b"", &sign(&[], &key(1))).unwrap();
    assert_eq!((empty.entries, empty.root), (0, TreeHash::empty()));
}

/// Each way of tampering, and what is said of it. `ours` is the log, and the checkpoint covers all of it.
#[test]
fn tampering_is_seen() {
    type Edit = fn(&mut Vec<Vec<u8>>);
    let cases: [(&str, Edit, &str); 13] = [
        ("edit a byte", |l| replace(&mut l[1], "actor-1", "actor-9"), "root"),
        ("edit the time", |l| replace(&mut l[1], "17:21", "17:20"), "root"),
        ("edit the last", |l| replace(l.last_mut().unwrap(), "last", "lost"), "root"),
        ("delete the first", |l| drop(l.remove(0)), "sequence"),
        ("delete one", |l| drop(l.remove(2)), "sequence"),
        ("swap two", |l| l.swap(1, 2), "sequence"),
        ("duplicate one", |l| l.insert(1, l[1].clone()), "sequence"),
        (
            "delete and renumber",
            |l| {
                l.remove(2);
                renumber(l);
            },
            "short",
        ),
        (
            "swap and renumber",
            |l| {
                l.swap(1, 2);
                renumber(l);
            },
            "root",
        ),
        (
            "insert and renumber",
            |l| {
                l.insert(2, l[1].clone());
                renumber(l);
            },
            "root",
        ),
        ("reverse", |l| l.reverse(), "sequence"),
        ("truncate", |l| drop(l.pop()), "short"),
        ("empty", Vec::clear, "short"),
    ];
    for (what, edit, expected) in cases {
        let mut lines = ten();
        let checkpoint = sign(&lines, &key(1));
        edit(&mut lines);
        assert_eq!(fault(&check(&file(&lines), &checkpoint)), expected, "{what}");
    }
}

#[test]
fn rewritten_lines_are_seen() {
    let cases: [(&str, &str, &str); 5] = [
        ("{\"v\":1,", "{\"v\":1, ", "decode"),
        ("\"call\":\"x\"", "\"call\":\"x\",\"note\":\"\"", "decode"),
        ("admin-denied", "admin-granted", "decode"),
        ("\"seq\":1", "\"seq\":01", "decode"),
        ("\"call\":\"x\"", "\"call\":\"\\u0078\"", "decode"),
    ];
    for (from, to, expected) in cases {
        // Signed after the fact: the hashes hold, so only strict reading can object.
        let mut lines = ten();
        replace(&mut lines[1], from, to);
        assert_eq!(fault(&check(&file(&lines), &sign(&lines, &key(1)))), expected, "{to}");
    }
    let lines = ten();
    let checkpoint = sign(&lines, &key(1));
    let crlf: Vec<Vec<u8>> = lines.iter().map(|line| [line, &b"\r"[..]].concat()).collect();
    assert_eq!(fault(&check(&file(&crlf), &checkpoint)), "decode");
    let mut gap = lines.clone();
    gap.insert(1, vec![]);
    assert_eq!(fault(&check(&file(&gap), &checkpoint)), "decode");
    let mut long = lines.clone();
    long[1] = vec![b' '; MAX_ENTRY_BYTES + 1];
    assert_eq!(fault(&check(&file(&long), &checkpoint)), "too-long");
}

#[test]
fn false_checkpoints_are_seen() {
    let lines = ten();
    let (log, good) = (file(&lines), sign(&lines, &key(1)));
    assert_eq!(fault(&check(&log, &sign(&lines, &key(2)))), "checkpoint", "another key of that name");
    let mut edited = ten();
    replace(&mut edited[1], "actor-1", "actor-9");
    assert_eq!(fault(&check(&file(&edited), &sign(&edited, &key(2)))), "checkpoint", "re-signed by a thief");
    assert_eq!(fault(&check(&log, "")), "checkpoint");
    let edited = good.replacen(&format!("\n{}\n", lines.len()), "\n3\n", 1);
    assert_ne!(edited, good);
    assert_eq!(fault(&check(&log, &edited)), "checkpoint", "edited after it was signed");
    // Signed by the right key, and still wrong.
    let wrong = SignedCheckpoint::sign(3, root(&lines[..2]), &key(1)).to_string();
    assert_eq!(fault(&check(&log, &wrong)), "root");
    let ahead = SignedCheckpoint::sign(lines.len() as u64 + 1, root(&lines), &key(1)).to_string();
    assert_eq!(fault(&check(&log, &ahead)), "short");
    let empty = SignedCheckpoint::sign(0, root(&lines), &key(1)).to_string();
    assert_eq!(fault(&check(&log, &empty)), "root");
}

/// Cut at every byte: an error while signed entries are missing, a torn tail once they are not.
#[test]
fn every_cut_is_told_right() {
    let lines = log(&[note("a"), note("b"), note("c")]);
    let (whole, signed) = (file(&lines), file(&lines[..2]));
    let checkpoint = sign(&lines[..2], &key(1));
    for cut in 0..=whole.len() {
        let result = check(&whole[..cut], &checkpoint);
        if cut < signed.len() {
            assert_eq!(fault(&result), "short", "{cut}");
        } else {
            let torn = if cut == whole.len() { 0 } else { (cut - signed.len()) as u64 };
            assert_eq!(result.unwrap().torn_tail_bytes, torn, "{cut}");
        }
    }
}

/// Logs that a faulty or false writer numbered and signed itself.
#[test]
fn decisions_must_be_complete() {
    let big = large_decision("big", 1000);
    let (head, parts) = big.split_last().unwrap();
    let run = |events: &[&EncodedEvent]| {
        let lines = log(&events.iter().map(|&event| event.clone()).collect::<Vec<_>>());
        check(&file(&lines), &sign(&lines, &key(1)))
    };
    let all: Vec<&EncodedEvent> = big.iter().collect();
    assert_eq!(run(&all).unwrap().abandoned_parts, 0);

    assert_eq!(fault(&run(&[head])), "incomplete", "no parts");
    assert_eq!(fault(&run(&[&parts[0], head])), "incomplete", "last part gone");
    assert_eq!(fault(&run(&all[1..])), "part-gap", "first part gone");
    assert_eq!(fault(&run(&[&parts[0], &parts[2], head])), "part-gap", "middle part gone");
    assert_eq!(fault(&run(&[&parts[0], &note("x"), &parts[1], head])), "part-gap", "something between");
    let other = large_decision("other", 1000);
    assert_eq!(fault(&run(&[&parts[0], &other[1], head])), "part-gap", "another's part");
    let miscounted = edit_head(head, |head| head.update_count += 1);
    let mixed: Vec<&EncodedEvent> = parts.iter().chain([&miscounted]).collect();
    assert_eq!(fault(&run(&mixed)), "incomplete", "an update gone");
    let miscounted = edit_head(head, |head| head.parts = 0);
    let mixed: Vec<&EncodedEvent> = parts.iter().chain([&miscounted]).collect();
    assert_eq!(fault(&run(&mixed)), "incomplete", "parts denied");

    // A crash leaves parts without their decision; the next start goes on from there.
    let crashed = run(&[&parts[0], &parts[1], &note("restart"), &parts[0], &other[0]]).unwrap();
    assert_eq!(crashed.abandoned_parts, 4);
}

fn edit_head(head: &EncodedEvent, edit: fn(&mut Decision)) -> EncodedEvent {
    let line = log(std::slice::from_ref(head)).remove(0);
    let Event::Decision(mut head) = Entry::decode(&line).unwrap().event else { panic!("not a decision") };
    edit(&mut head);
    EncodedEvent::new(&Event::Decision(head)).unwrap()
}

#[test]
fn faults_say_where_and_what_to_do() {
    let mut lines = log(&[note("a"), note("b"), note("c")]);
    let checkpoint = sign(&lines, &key(1));
    let say = |lines: &[Vec<u8>]| check(&file(lines), &checkpoint).unwrap_err().to_string();
    insta::assert_snapshot!(say(&lines[..2]), @"log has 2 entries and 0 bytes of a torn line, but its checkpoint covers 3: entries were cut off; restore the log from a copy and find out who removed them");
    lines.swap(1, 2);
    insta::assert_snapshot!(say(&lines), @"entry 1 is numbered 2: entries were removed, repeated or moved; compare with a copy of the log");
    lines.swap(1, 2);
    replace(&mut lines[1], "\"b\"", "\"x\"");
    insta::assert_snapshot!(say(&lines), @"the first 3 entries of the log have root 4639db76ff821fbfbf080bdd05658aedb6be176f5f88fe2f05a6db67daff1a3c, but the checkpoint signs 1e31b4695ac859cfdfd96f864e7c8bf4cfe662d665ab31731ded4a4e76aff07a: an entry was changed; compare with a copy to find which");
    replace(&mut lines[1], "\"x\",", "\"x\" ,");
    insta::assert_snapshot!(say(&lines), @"entry 1 is not one: line is an audit entry in other than canonical bytes, from byte 126 on; it was rewritten after it was logged; compare with a copy of the log");
    let big = large_decision("big", 1000);
    let head = log(&big[big.len() - 1..]);
    let error = check(&file(&head), &sign(&head, &key(1))).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"entry 0: decision `big` follows 0 of 3 parts and holds 57 of 1000 updates; compare with a copy of the log");
}

#[test]
fn readers_may_fail() {
    struct Broken;
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
    let result = verify_log(io::BufReader::new(Broken), &sign(&[], &key(1)), key(1).verifier());
    assert_eq!(fault(&result), "read");
}

/// `cargo test --release -p oam-audit -- --ignored --nocapture a_million`
#[test]
#[ignore = "a measurement"]
fn a_million_entries_take_seconds() {
    let events: Vec<EncodedEvent> = large_decision("small", 2).into_iter().cycle().take(1_000_000).collect();
    let lines = log(&events);
    let (file, checkpoint) = (file(&lines), sign(&lines, &key(1)));
    let start = std::time::Instant::now();
    let report = check(&file, &checkpoint).unwrap();
    println!("{} entries, {} MB: {:?}", report.entries, file.len() / 1_000_000, start.elapsed());
}

fn fault(result: &Result<Report, VerifyError>) -> &'static str {
    match result {
        Ok(_) => "none",
        Err(VerifyError::Read { .. }) => "read",
        Err(VerifyError::Checkpoint(_)) => "checkpoint",
        Err(VerifyError::Short { .. }) => "short",
        Err(VerifyError::Root { .. }) => "root",
        Err(VerifyError::File(_)) => "file",
        Err(VerifyError::Hashes { .. }) => "hashes",
        Err(VerifyError::Bundle { .. }) => "bundle",
        Err(VerifyError::Journal { .. }) => "journal",
        Err(VerifyError::Gap { .. }) => "gap",
        Err(VerifyError::Rotation { .. }) => "rotation",
        Err(VerifyError::NotPruned { .. }) => "not-pruned",
        Err(VerifyError::KeyUnknown { .. } | VerifyError::NoKey) => "key",
        Err(VerifyError::Proof { .. }) => "proof",
        Err(VerifyError::Entry(EntryError::TooLong { .. })) => "too-long",
        Err(VerifyError::Entry(EntryError::Decode { .. })) => "decode",
        Err(VerifyError::Entry(EntryError::Sequence { .. })) => "sequence",
        Err(VerifyError::Entry(EntryError::PartGap { .. })) => "part-gap",
        Err(VerifyError::Entry(EntryError::Incomplete(_))) => "incomplete",
    }
}

fn replace(line: &mut Vec<u8>, from: &str, to: &str) {
    let edited = String::from_utf8(line.clone()).unwrap().replacen(from, to, 1).into_bytes();
    assert_ne!(edited, *line, "{from} is not there");
    *line = edited;
}

/// What a forger does after moving lines: numbers them as if nothing had happened.
fn renumber(lines: &mut [Vec<u8>]) {
    for (seq, line) in (0..).zip(lines) {
        let Entry { seq: _, time, node, event, .. } = Entry::decode(line).unwrap();
        *line = Entry::new(seq, time, node, event).encode().unwrap();
    }
}
