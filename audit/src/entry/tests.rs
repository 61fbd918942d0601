use jiff::Timestamp;
use proptest::prelude::*;

use super::{strategies, *};

fn entry(event: Event) -> Entry {
    let time: Time = "2026-11-23T17:21:14.000250Z".parse().unwrap();
    Entry::new(7, time, "oam.example.com/node-1".parse().unwrap(), event)
}

fn line(event: Event) -> String {
    let entry = entry(event);
    let line = entry.encode().unwrap();
    assert_eq!(Entry::decode(&line).unwrap(), entry);
    String::from_utf8(line).unwrap()
}

fn update(name: impl Into<RefBytes>) -> Update {
    Update {
        name: name.into(),
        change: Change::Move { old: "1".repeat(40), new: "2".repeat(40) },
        verb: Some(Verb::Update),
        fast_forward: Some(true),
        outcome: Outcome::Permitted,
        grant: Some("main".into()),
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
    }
}

fn decision() -> Decision {
    Decision {
        decision: "019376a5-1b2c-7000-8000-000000000001".into(),
        asked_by: AskedBy::Unix { uid: 1001, pid: 4242 },
        channel: "push".into(),
        dry_run: false,
        repository: "PAY/api".into(),
        principal: "ada".into(),
        principal_kind: PrincipalKind::User,
        roles: ["release-manager", "developer"].map(String::from).into(),
        policy: Some("c0ffee".into()),
        snapshot: Some(SnapshotUsed { generation: 12, digest: "beef".into(), age_ms: 340 }),
        privileges: Vec::new(),
        pull_request: None,
        outcome: Outcome::Refused,
        reasons: vec![],
        update_count: 0,
        updates: vec![],
        parts: 0,
        elapsed_us: 870,
    }
}

#[test]
fn decisions_read_well() {
    let refused = Update {
        change: Change::Create { new: "3".repeat(40) },
        verb: Some(Verb::Create),
        fast_forward: None,
        outcome: Outcome::Refused,
        grant: None,
        waiver: Some("breakglass".into()),
        lifted: vec![Lifted {
            rule: "freeze".into(),
            waiver: "breakglass".into(),
            privilege: Some("7k2m9x".into()),
        }],
        ancestry_unreadable: false,
        other_grants: Vec::new(),
        histories: Vec::new(),
        histories_left_out: 0,
        reasons: vec![
            Reason { code: "no-grant".into(), rule: None },
            Reason { code: "blocked".into(), rule: Some("tags-are-forever".into()) },
        ],
        shadow: vec![Shadow { rule: "signed".into(), would: Outcome::Refused }],
        ..update(&b"refs/tags/\xff"[..])
    };
    let updates = vec![update("refs/heads/\u{1b}\"mañana"), refused];
    let whole = Decision { update_count: 2, updates, ..decision() };
    insta::assert_snapshot!(line(Event::Decision(Box::new(whole))), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"decision","decision":"019376a5-1b2c-7000-8000-000000000001","asked_by":{"unix":{"uid":1001,"pid":4242}},"channel":"push","dry_run":false,"repository":"PAY/api","principal":"ada","principal_kind":"user","roles":["developer","release-manager"],"policy":"c0ffee","snapshot":{"generation":12,"digest":"beef","age_ms":340},"outcome":"refused","reasons":[],"update_count":2,"updates":[{"ref":"refs/heads/\u001b\"mañana","change":{"move":{"old":"1111111111111111111111111111111111111111","new":"2222222222222222222222222222222222222222"}},"verb":"update","fast_forward":true,"outcome":"permitted","grant":"main","waiver":null,"reasons":[],"shadow":[]},{"ref_b64":"cmVmcy90YWdzL/8=","change":{"create":{"new":"3333333333333333333333333333333333333333"}},"verb":"create","fast_forward":null,"outcome":"refused","grant":null,"waiver":"breakglass","lifted":[{"rule":"freeze","waiver":"breakglass","privilege":"7k2m9x"}],"reasons":[{"code":"no-grant"},{"code":"blocked","rule":"tags-are-forever"}],"shadow":[{"rule":"signed","would":"refused"}]}],"parts":0,"elapsed_us":870}}"#);

    let bare = Decision {
        asked_by: AskedBy::Tls { subject: "CN=git-1".into() },
        principal_kind: PrincipalKind::Unknown,
        roles: [].into(),
        policy: None,
        snapshot: None,
        outcome: Outcome::Undecided,
        reasons: vec![Reason { code: "policy-missing".into(), rule: None }],
        ..decision()
    };
    insta::assert_snapshot!(line(Event::Decision(Box::new(bare))), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"decision","decision":"019376a5-1b2c-7000-8000-000000000001","asked_by":{"tls":{"subject":"CN=git-1"}},"channel":"push","dry_run":false,"repository":"PAY/api","principal":"ada","principal_kind":"unknown","roles":[],"policy":null,"snapshot":null,"outcome":"undecided","reasons":[{"code":"policy-missing"}],"update_count":0,"updates":[],"parts":0,"elapsed_us":870}}"#);
}

#[test]
fn decision_parts_read_well() {
    let updates = vec![
        Update {
            change: Change::Delete { old: "1".repeat(40) },
            verb: Some(Verb::Delete),
            ..update("refs/heads/a")
        },
        Update {
            change: Change::WouldMerge { old: "1".repeat(64), from: None },
            verb: None,
            fast_forward: None,
            ..update("refs/heads/b")
        },
        Update {
            change: Change::WouldMerge { old: "1".repeat(40), from: Some("2".repeat(40)) },
            verb: Some(Verb::Force),
            fast_forward: Some(false),
            ..update("refs/heads/c")
        },
    ];
    let part = DecisionPart { decision: decision().decision, part: 1, updates };
    insta::assert_snapshot!(line(Event::DecisionPart(part)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"decision-part","decision":"019376a5-1b2c-7000-8000-000000000001","part":1,"updates":[{"ref":"refs/heads/a","change":{"delete":{"old":"1111111111111111111111111111111111111111"}},"verb":"delete","fast_forward":true,"outcome":"permitted","grant":"main","waiver":null,"reasons":[],"shadow":[]},{"ref":"refs/heads/b","change":{"would-merge":{"old":"1111111111111111111111111111111111111111111111111111111111111111"}},"verb":null,"fast_forward":null,"outcome":"permitted","grant":"main","waiver":null,"reasons":[],"shadow":[]},{"ref":"refs/heads/c","change":{"would-merge":{"old":"1111111111111111111111111111111111111111","from":"2222222222222222222222222222222222222222"}},"verb":"force","fast_forward":false,"outcome":"permitted","grant":"main","waiver":null,"reasons":[],"shadow":[]}]}}"#);
}

#[test]
fn directory_and_policy_events_read_well() {
    let first = SnapshotChanged {
        generation: 1,
        digest: "beef".into(),
        previous: None,
        cause: SnapshotCause::Import,
        actor: "okta".into(),
        reason: None,
        users: 50_000,
        groups: 300,
        subject: None,
    };
    let leaver = SnapshotChanged {
        previous: Some("beef".into()),
        cause: SnapshotCause::UserDeactivated,
        reason: Some("left".into()),
        subject: Some("ada".into()),
        ..first.clone()
    };
    insta::assert_snapshot!(line(Event::SnapshotChanged(first)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"snapshot-changed","generation":1,"digest":"beef","cause":"import","actor":"okta","users":50000,"groups":300}}"#);
    insta::assert_snapshot!(line(Event::SnapshotChanged(leaver)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"snapshot-changed","generation":1,"digest":"beef","previous":"beef","cause":"user-deactivated","actor":"okta","reason":"left","users":50000,"groups":300,"subject":"ada"}}"#);

    let policy = PolicyChanged {
        digest: "c0ffee".into(),
        previous: None,
        origin: PolicyOrigin::Starter,
        author: "oamd".into(),
        reason: None,
        approved_by: vec![],
        unapproved: false,
        diff: None,
    };
    let applied = PolicyChanged {
        previous: Some("c0ffee".into()),
        origin: PolicyOrigin::Apply,
        reason: Some("CHG-7: freeze".into()),
        ..policy.clone()
    };
    insta::assert_snapshot!(line(Event::PolicyChanged(policy)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"policy-changed","digest":"c0ffee","origin":"starter","author":"oamd"}}"#);
    insta::assert_snapshot!(line(Event::PolicyChanged(applied)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"policy-changed","digest":"c0ffee","previous":"c0ffee","origin":"apply","author":"oamd","reason":"CHG-7: freeze"}}"#);

    let rejected = PolicyRejected {
        origin: PolicyOrigin::File,
        author: "root".into(),
        faults: 2,
        first_fault: "policy.toml:3:1: unknown key\n`rol`".into(),
    };
    insta::assert_snapshot!(line(Event::PolicyRejected(rejected)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"policy-rejected","origin":"file","author":"root","faults":2,"first_fault":"policy.toml:3:1: unknown key\n`rol`"}}"#);
}

#[test]
fn daemon_events_read_well() {
    insta::assert_snapshot!(line(Event::DaemonStarted(DaemonStarted { version: "0.1.0".into(), log_size: 7 })), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"daemon-started","version":"0.1.0","log_size":7}}"#);
    insta::assert_snapshot!(line(Event::DaemonStopped), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"daemon-stopped"}}"#);
    let healed = StoreHealed {
        what: "directory".into(),
        set_aside: "store.damaged-1".into(),
        found: "digest differs".into(),
        rebuilt_generation: Some(12),
    };
    insta::assert_snapshot!(line(Event::StoreHealed(healed)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"store-healed","what":"directory","set_aside":"store.damaged-1","found":"digest differs","rebuilt_generation":12}}"#);
    let repaired = LogRepaired { torn_bytes: 17, set_aside: "torn-1764004874000".into() };
    insta::assert_snapshot!(line(Event::LogRepaired(repaired)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"log-repaired","torn_bytes":17,"set_aside":"torn-1764004874000"}}"#);
    let spooled = PermittedWhileUnavailable {
        spool: "7".into(),
        host: "git-1".into(),
        at: "2026-11-23T17:20:00.000000Z".parse().unwrap(),
        repository: "PAY/api".into(),
        principal: "ada".into(),
        updates: vec![SpooledUpdate {
            name: "refs/heads/main".into(),
            change: Change::Delete { old: "1".repeat(40) },
        }],
        why: "connection refused".into(),
    };
    insta::assert_snapshot!(line(Event::PermittedWhileUnavailable(spooled)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"permitted-while-unavailable","spool":"7","host":"git-1","at":"2026-11-23T17:20:00.000000Z","repository":"PAY/api","principal":"ada","updates":[{"ref":"refs/heads/main","change":{"delete":{"old":"1111111111111111111111111111111111111111"}}}],"why":"connection refused"}}"#);
    let token = SourceToken {
        source: "okta".into(),
        token: "1a2b3c4d".into(),
        change: TokenChange::Created,
        actor: "uid 0".into(),
    };
    insta::assert_snapshot!(line(Event::SourceToken(token)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"source-token","source":"okta","token":"1a2b3c4d","change":"created","actor":"uid 0"}}"#);
    let applied = RefsApplied {
        report: "8".into(),
        host: "git-1".into(),
        at: "2026-11-23T17:20:00.000000Z".parse().unwrap(),
        repository: "PAY/api".into(),
        principal: "ada".into(),
        channel: "push".into(),
        updates: vec![AppliedUpdate {
            name: "refs/heads/main".into(),
            change: Change::Create { new: "1".repeat(40) },
            decision: None,
        }],
    };
    insta::assert_snapshot!(line(Event::RefsApplied(applied)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"refs-applied","report":"8","host":"git-1","at":"2026-11-23T17:20:00.000000Z","repository":"PAY/api","principal":"ada","channel":"push","updates":[{"ref":"refs/heads/main","change":{"create":{"new":"1111111111111111111111111111111111111111"}},"decision":null}]}}"#);
    let canary = CanaryTried {
        repository: "PAY/api".into(),
        branch: "refs/heads/oam-canary/1".into(),
        outcome: CanaryOutcome::Accepted,
        decision: None,
        detail: Some("it was deleted again".into()),
    };
    insta::assert_snapshot!(line(Event::CanaryTried(canary)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"canary-tried","repository":"PAY/api","branch":"refs/heads/oam-canary/1","outcome":"accepted","decision":null,"detail":"it was deleted again"}}"#);
    let denied = AdminDenied { actor: "mallory".into(), call: "ApplyPolicy".into(), times: 1 };
    insta::assert_snapshot!(line(Event::AdminDenied(denied)), @r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{"kind":"admin-denied","actor":"mallory","call":"ApplyPolicy"}}"#);
}

/// Each edit keeps the meaning, or nearly, and none is an entry.
#[test]
fn only_canonical_bytes_are_entries() {
    let part = DecisionPart { decision: "d\u{1}é".into(), part: 1, updates: vec![update(&b"\xff"[..])] };
    let good = line(Event::DecisionPart(part));
    let edits = [
        (r#"{"v""#, r#"{ "v""#, "white space"),
        (r#""seq":7"#, r#""seq":07"#, "leading zero"),
        (r#""seq":7"#, r#""seq":7.0"#, "float"),
        (r#""seq":7"#, r#""seq":7e0"#, "exponent"),
        (r#""seq":7"#, r#""seq":-7"#, "negative"),
        (r#""seq":7"#, r#""seq":7,"seq":7"#, "field twice"),
        (r#""seq":7"#, r#""seq":7,"extra":1"#, "unknown field of the entry"),
        (r#""part":1"#, r#""part":1,"extra":1"#, "unknown field of the event"),
        (r#""verb":"#, r#""extra":1,"verb":"#, "unknown field of the update"),
        (r#""verb":"update","#, "", "missing field that may be null"),
        (r#""waiver":null,"#, "", "missing null"),
        (r#""reasons":[]"#, r#""reasons":[{"code":"x","rule":null}]"#, "null for absent"),
        (r#""part":1"#, r#""part":4294967296"#, "number too large"),
        (r#"\u0001"#, r#"\u0001\u0041"#, "needless escape"),
        ("é", r"\u00e9", "needless escape of other scripts"),
        ("000250Z", "00025Z", "short time"),
        ("000250Z", "0002500Z", "long time"),
        ("000250Z", "000250+00:00", "other offset"),
        ("T17", " 17", "time without T"),
        (r#""v":1"#, r#""v":2"#, "another format"),
        (r#"{"v":1,"seq":7,"#, r#"{"seq":7,"v":1,"#, "other order"),
        (r#""decision-part""#, r#""decision_part""#, "unknown kind"),
        (
            r#""kind":"decision-part","decision":"d\u0001é""#,
            r#""decision":"d\u0001é","kind":"decision-part""#,
            "kind not first",
        ),
        (r#""ref_b64":"/w==""#, r#""ref_b64":"/w""#, "no padding"),
        (r#""ref_b64":"/w==""#, r#""ref_b64":"/x==""#, "stray bits"),
        (r#""ref_b64":"/w==""#, r#""ref_b64":"_w==""#, "other alphabet"),
        (r#""ref_b64":"/w==""#, r#""ref_b64":"YQ==""#, "base64 of UTF-8"),
        (r#""ref_b64":"/w==""#, r#""ref":"a","ref_b64":"/w==""#, "both spellings"),
        (r#""ref_b64":"/w==","#, "", "no ref"),
        (r#""outcome":"permitted""#, r#""outcome":"allowed""#, "unknown outcome"),
        ("oam.example.com", "oam example com", "bad name"),
    ];
    for (from, to, what) in edits {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{what} edits nothing");
        assert!(Entry::decode(bad.as_bytes()).is_err(), "{what} is taken: {bad}");
    }
    for bad in ["", "null", "{}", "[]", "\u{feff}{}"] {
        assert!(Entry::decode(bad.as_bytes()).is_err(), "{bad:?}");
    }
    let mut broken = good.clone().into_bytes();
    broken[60] = 0xff;
    assert!(Entry::decode(&broken).is_err(), "not UTF-8");
}

#[test]
fn refusals_say_where_and_what_to_do() {
    let good = line(Event::DaemonStopped);
    let refusal = |line: &str| Entry::decode(line.as_bytes()).unwrap_err().to_string();
    insta::assert_snapshot!(refusal(&good.replace("\"seq\":7", "\"seq\": 7")), @"line is an audit entry in other than canonical bytes, from byte 13 on; it was rewritten after it was logged");
    insta::assert_snapshot!(refusal(&good.replace("\"seq\":7", "\"seq\":7,\"x\":1")), @"line is not an audit entry: unknown field `x`, expected one of `v`, `seq`, `time`, `node`, `event` at line 1 column 18");
    insta::assert_snapshot!(refusal(&good.replace("\"v\":1", "\"v\":2")), @"line is not an audit entry: entry format 2 is unknown; this program reads format 1, use a newer one at line 1 column 6");
    insta::assert_snapshot!(refusal(&"x".repeat(70_000)), @"line has 70000 bytes, and an entry has at most 65535; it was not written by this program");
}

#[test]
fn the_longest_event_fits_the_longest_envelope() {
    let denied = |bytes: usize| {
        Event::AdminDenied(AdminDenied { actor: "x".repeat(bytes), call: String::new(), times: 1 })
    };
    let empty = EncodedEvent::new(&denied(0)).unwrap().size();
    let longest = denied(MAX_EVENT_BYTES - empty);
    for time in [Timestamp::MIN, Timestamp::MAX] {
        let entry = Entry::new(u64::MAX, time.into(), "n".repeat(255).parse().unwrap(), longest.clone());
        let line = entry.encode().unwrap();
        assert!(line.len() <= MAX_ENTRY_BYTES, "{}", line.len());
        assert_eq!(Entry::decode(&line).unwrap(), entry);
    }
    let error = EncodedEvent::new(&denied(MAX_EVENT_BYTES - empty + 1)).unwrap_err();
    assert!(matches!(error, EncodeError::TooLong { bytes } if bytes == MAX_EVENT_BYTES + 1));
}

/// Splits, stamps and reads back.
fn split_and_join(head: Decision, updates: &[Update]) -> (Vec<DecisionPart>, Decision) {
    let mut parts = Vec::new();
    let mut events = split(head, updates.iter().cloned()).unwrap().map(|event| {
        let mut line = Vec::new();
        event.unwrap().stamp(
            0,
            "2026-11-23T17:21:14.000000Z".parse().unwrap(),
            &"n".parse().unwrap(),
            &mut line,
        );
        Entry::decode(&line).unwrap().event
    });
    loop {
        match events.next() {
            Some(Event::DecisionPart(part)) => parts.push(part),
            Some(Event::Decision(head)) => {
                assert!(events.next().is_none(), "the decision is last");
                return (parts, *head);
            }
            other => panic!("{other:?}"),
        }
    }
}

fn assert_splits(head: &Decision, updates: &[Update]) -> usize {
    let (parts, last) = split_and_join(head.clone(), updates);
    for (number, part) in (1..).zip(&parts) {
        assert_eq!((part.part, &part.decision), (number, &head.decision));
        assert!(!part.updates.is_empty());
    }
    assert_eq!(last.parts as usize, parts.len());
    assert_eq!(last.update_count, updates.len() as u64);
    let joined: Vec<Update> =
        parts.iter().flat_map(|part| part.updates.clone()).chain(last.updates.clone()).collect();
    assert_eq!(joined, updates);
    let expected = Decision {
        updates: last.updates.clone(),
        parts: last.parts,
        update_count: last.update_count,
        ..head.clone()
    };
    assert_eq!(last, expected);
    parts.len()
}

#[test]
fn decisions_of_any_size_are_split() {
    assert_eq!(assert_splits(&decision(), &[]), 0);
    assert_eq!(assert_splits(&decision(), &[update("refs/heads/main")]), 0);
    let many: Vec<Update> = (0..10_000).map(|n| update(format!("refs/heads/{n}").as_str())).collect();
    let parts = assert_splits(&decision(), &many);
    let bytes: usize = many.iter().map(|u| serde_json::to_vec(u).unwrap().len() + 1).sum();
    assert!(
        parts <= bytes / (MAX_EVENT_BYTES - 1000) + 1,
        "parts are well filled: {parts} for {bytes} bytes"
    );
}

/// Every size of the last update around the border between "fits the decision" and "needs a part".
#[test]
fn the_border_between_head_and_part_is_exact() {
    let with = |bytes: usize| [update("refs/heads/main"), update("x".repeat(bytes).as_str())];
    let border = (0..MAX_EVENT_BYTES).collect::<Vec<_>>().partition_point(|&bytes| {
        let events: Vec<_> = split(decision(), with(bytes)).unwrap().collect();
        events.len() == 1
    });
    for bytes in border - 3..border + 3 {
        assert_eq!(assert_splits(&decision(), &with(bytes)), usize::from(bytes >= border));
    }
}

#[test]
fn what_no_entry_can_hold_is_an_error() {
    let huge = update("x".repeat(MAX_EVENT_BYTES).as_str());
    let events: Vec<_> = split(decision(), [update("a"), huge, update("b")]).unwrap().collect();
    assert!(events.last().unwrap().is_err(), "an update that fits nowhere ends the split");
    assert!(events.iter().filter(|event| event.is_err()).count() == 1);

    let head = Decision { channel: "x".repeat(MAX_EVENT_BYTES), ..decision() };
    assert!(matches!(split(head, []), Err(EncodeError::TooLong { .. })));

    // An update that fits a part of its own, but not beside a large head.
    let head = Decision { channel: "x".repeat(40_000), ..decision() };
    let update = update("y".repeat(40_000).as_str());
    assert_eq!(assert_splits(&head, &[update.clone(), update]), 2);
}

proptest! {
    #[test]
    fn entries_survive_the_round_trip(entry in strategies::entry()) {
        let line = entry.encode().unwrap();
        prop_assert!(!line.contains(&b'\n'));
        prop_assert_eq!(&Entry::decode(&line).unwrap(), &entry);
        let written: serde_json::Value = serde_json::from_slice(&line).unwrap();
        prop_assert_eq!(&written["event"]["kind"], entry.event.kind());
        prop_assert!(Event::KINDS.contains(&entry.event.kind()));
    }

    /// Whatever is taken is canonical: flipping any byte gives another entry or none.
    #[test]
    fn no_two_lines_are_one_entry(entry in strategies::entry(), at: prop::sample::Index, byte: u8) {
        let line = entry.encode().unwrap();
        let mut other = line.clone();
        other[at.index(line.len())] = byte;
        if let Ok(decoded) = Entry::decode(&other) {
            prop_assert_eq!(decoded.encode().unwrap(), other.clone());
            prop_assert_eq!(decoded == entry, other == line);
        }
    }

    #[test]
    fn bytes_from_outside_never_panic(bytes: Vec<u8>) {
        let _ = Entry::decode(&bytes);
    }

    #[test]
    fn splits_join(head in strategies::decision(), copies in 1_usize..120) {
        let updates: Vec<Update> = head.updates.iter().cycle().take(head.updates.len() * copies).cloned().collect();
        assert_splits(&Decision { updates: vec![], ..head }, &updates);
    }

    #[test]
    fn times_are_cut_to_microseconds(ns in any::<i64>()) {
        let exact = Timestamp::from_nanosecond(i128::from(ns)).unwrap();
        let time = Time::from(exact);
        prop_assert_eq!(time.timestamp().as_nanosecond(), i128::from(ns).div_euclid(1000) * 1000);
        prop_assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
    }
}
