//! What jobs lease: no more than their workload and role give, for a token once, and gone when it is.

use oam_policy::rule::{PathSet, VerbSet};
use serde_json::json;

use super::*;
use crate::{
    oidc::WorkloadToken,
    privilege::{LeaseAsk, LeaseError},
};

const LEASED: &str = r##"
version = 1
[[role]]
id = "bot"
max_lease = "2m"
[[role]]
id = "other"
max_lease = "15m"
[[grant]]
id = "releases"
to = ["bot", "other"]
on = ["**"]
refs = ["refs/tags/*"]
verbs = ["create", "update"]
[[workload]]
id = "api"
profile = "generic"
issuer = "https://ci"
claims = { project = "7" }
principal = "svc"
roles = ["bot"]
on = ["PAY/api"]
refs = ["refs/tags/v*"]
verbs = ["create"]
max_lease = "10m"
uses = 3
[[workload]]
id = "both"
profile = "generic"
issuer = "https://ci"
claims = { project = "8" }
principal = "svc"
roles = ["bot", "other"]
on = ["PAY/*"]
refs = ["refs/tags/**"]
"##;

fn by(text: &str) -> State {
    let source = PolicySource { name: "policy.toml".into(), text: text.into() };
    State { policy: Some(Arc::new(file::parse(&[source]).unwrap())), ..state() }
}

fn token_until(second: i64, jti: &str, project: &str) -> WorkloadToken {
    let expires = Timestamp::from_second(second).unwrap();
    WorkloadToken::sample("https://ci", jti, expires, &json!({"project": project}))
}

fn token(jti: &str, project: &str) -> WorkloadToken {
    token_until(1_003_600, jti, project)
}

fn ask() -> LeaseAsk {
    LeaseAsk {
        repository: "PAY/api".parse().unwrap(),
        refs: vec![oam_policy::RefName::parse(b"refs/tags/v1").unwrap()],
        verbs: None,
        role: None,
        commit: None,
        paths: None,
        by_token: false,
        uses: None,
        length: None,
    }
}

fn leases(privileges: &Privileges) -> usize {
    privileges.in_force(Some(&user("SVC").key())).leases.len()
}

#[tokio::test]
async fn no_job_leases_more_than_its_workload_and_its_role_give() {
    let (bench, _) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), by(LEASED));
    let verbs = |verb| Some(VerbSet::of(verb));
    let refs = |name: &str| vec![oam_policy::RefName::parse(name.as_bytes()).unwrap()];
    let asked = [
        ("7", ask(), Ok(120)),
        ("7", LeaseAsk { length: Some(Duration::from_secs(30)), uses: Some(3), ..ask() }, Ok(30)),
        ("7", LeaseAsk { length: Some(Duration::from_secs(121)), ..ask() }, Err("for at most 2m")),
        ("7", LeaseAsk { length: Some(Duration::ZERO), ..ask() }, Err("a second at least")),
        ("7", LeaseAsk { uses: Some(4), ..ask() }, Err("at most 3 pushes")),
        ("7", LeaseAsk { uses: Some(0), ..ask() }, Err("at most 3 pushes")),
        ("7", LeaseAsk { verbs: verbs(oam_policy::Verb::Update), ..ask() }, Err("not for `update`")),
        ("7", LeaseAsk { refs: refs("refs/heads/main"), ..ask() }, Err("not about `refs/heads/main`")),
        ("7", LeaseAsk { repository: "PAY/web".parse().unwrap(), ..ask() }, Err("not on `PAY/web`")),
        ("7", LeaseAsk { role: Some("other".parse().unwrap()), ..ask() }, Err("does not give the role")),
        ("8", ask(), Err("say which")),
        ("8", LeaseAsk { role: Some("other".parse().unwrap()), ..ask() }, Ok(300)),
        ("9", ask(), Err("no workload of the policy is about this token")),
    ];
    for (number, (project, ask, told)) in asked.into_iter().enumerate() {
        let lease = privileges.lease(&state, &token(&number.to_string(), project), &ask).await;
        match (lease, told) {
            (Ok(lease), Ok(seconds)) => assert_eq!(lease.length.as_secs(), seconds, "{number}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{number}: {error}"),
            (found, _) => panic!("{number}: {found:?}"),
        }
    }
    assert_eq!(leases(&privileges), 3);
    for lease in privileges.in_force(None).leases {
        assert_eq!((lease.by.as_str(), lease.on.sources()), ("svc", vec!["pay/api".to_owned()]));
    }
    let undecided = privileges.lease(&State::default(), &token("x", "7"), &ask()).await;
    assert!(matches!(undecided, Err(LeaseError::Undecided(_))), "{undecided:?}");
    let revocation = Revocation { at: Timestamp::UNIX_EPOCH, by: "uid 0".into(), reason: "left".into() };
    let snapshot = state.snapshot.as_ref().unwrap().revoke(&user("svc").key(), revocation);
    let cut_off = State { snapshot: Some(snapshot), ..by(LEASED) };
    let barred = privileges.lease(&cut_off, &token("x", "7"), &ask()).await;
    assert!(matches!(barred, Err(LeaseError::Barred(_))), "{barred:?}");
    let tried = by(&LEASED.replace("uses = 3", "mode = \"evaluate\""));
    let refused = privileges.lease(&tried, &token("y", "7"), &ask()).await.unwrap_err().to_string();
    assert!(refused.starts_with("the workload `api` is on trial"), "{refused}");
}

#[tokio::test]
async fn a_token_is_good_for_one_lease_whatever_becomes_of_the_daemon_and_its_clock() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), by(LEASED));
    privileges.lease(&state, &token("a", "7"), &ask()).await.unwrap();
    let other = || LeaseAsk { length: Some(Duration::from_secs(60)), ..ask() };
    let again = async |privileges: &Privileges| privileges.lease(&state, &token("a", "7"), &other()).await;
    assert!(matches!(again(&privileges).await, Err(LeaseError::Shown)));
    drop(privileges);
    assert!(matches!(again(&bench.open(&log)).await, Err(LeaseError::Shown)));
    fs::remove_file(bench.file()).unwrap();
    let privileges = bench.open(&log);
    assert!(matches!(again(&privileges).await, Err(LeaseError::Shown)), "from the log alone");
    // It expired, and is forgotten; a clock that is set back does not make it good again.
    set_clock(1_003_700);
    privileges.lease(&state, &token_until(1_007_000, "b", "7"), &ask()).await.unwrap();
    assert_eq!(privileges.set().tokens().count(), 1, "what is good for nothing is forgotten");
    let at = |second| Timestamp::from_second(second).unwrap();
    for second in [1_000_000, 1_000_010] {
        set_clock(second);
        assert!(matches!(again(&privileges).await, Err(LeaseError::BeforeSetBack(_))));
        let earlier = token("a", "7").issued_at(at(999_990));
        let earlier = privileges.lease(&state, &earlier, &ask()).await;
        assert!(matches!(earlier, Err(LeaseError::BeforeSetBack(_))), "{earlier:?}");
    }
    // One that was issued since is good, once.
    let later = token("d", "7").issued_at(at(1_000_005));
    privileges.lease(&state, &later, &ask()).await.unwrap();
    assert!(matches!(privileges.lease(&state, &later, &other()).await, Err(LeaseError::Shown)));
    privileges.save();
    drop(privileges);
    let privileges = bench.open(&log);
    assert!(matches!(again(&privileges).await, Err(LeaseError::BeforeSetBack(_))));
    let later = later.issued_at(at(1_000_011));
    assert!(
        matches!(privileges.lease(&state, &later, &other()).await, Err(LeaseError::Shown)),
        "also by the file"
    );
    let long = token_until(2_000_000, "c", "7").issued_at(at(1_000_011));
    let long = privileges.lease(&state, &long, &ask()).await;
    assert!(matches!(long, Err(LeaseError::LongToken)), "{long:?}");
}

/// The answer may have been lost, and there is one token: the same is told once more, of the same lease, and nothing else.
#[tokio::test]
async fn a_job_whose_answer_was_lost_is_told_of_the_same_lease() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), by(LEASED));
    let of = |jti: &'static str, ask: LeaseAsk| {
        let (privileges, state) = (&privileges, &state);
        async move { privileges.lease(state, &token(jti, "7"), &ask).await }
    };
    let first = of("a", ask()).await.unwrap();
    let (entries, counted) = (log.size(), privileges.counts().of("lease", News::Requested));
    set_clock(1_000_000 + 60);
    assert_eq!(of("a", ask()).await.unwrap(), first, "a minute later, too");
    assert_eq!((log.size(), privileges.counts().of("lease", News::Requested)), (entries, counted));
    assert_eq!(leases(&privileges), 1);
    // Whatever is not the same…
    let refs = |name: &str| vec![oam_policy::RefName::parse(name.as_bytes()).unwrap()];
    let tip = oam_policy::ObjectId::parse_hex("1".repeat(40).as_bytes()).unwrap();
    let paths = PathSet::new([PathSet::parse_one("docs/**").unwrap()]).unwrap();
    for other in [
        LeaseAsk { refs: refs("refs/tags/v2"), ..ask() },
        LeaseAsk { uses: Some(2), ..ask() },
        LeaseAsk { length: Some(Duration::from_secs(119)), ..ask() },
        LeaseAsk { by_token: true, ..ask() },
        LeaseAsk { commit: Some(tip), ..ask() },
        LeaseAsk { paths: Some(paths), ..ask() },
        LeaseAsk { repository: "PAY/web".parse().unwrap(), ..ask() },
    ] {
        let refused = of("a", other).await;
        assert!(matches!(refused, Err(LeaseError::Shown)), "{refused:?}");
    }
    // …nor when it is late, used, or taken away.
    set_clock(1_000_000 + 90);
    assert!(matches!(of("a", ask()).await, Err(LeaseError::Shown)));
    let more = || LeaseAsk { uses: Some(2), ..ask() };
    let used = of("b", more()).await.unwrap();
    privileges.take([&used.id], "d1").unwrap();
    assert!(matches!(of("b", more()).await, Err(LeaseError::Shown)), "a use is left, and it was used");
    let taken = of("c", ask()).await.unwrap();
    privileges.end(&state, (None, "uid 0"), true, &taken.id, "leaked").await.unwrap();
    assert!(matches!(of("c", ask()).await, Err(LeaseError::Shown)));
    let cut = of("d", ask()).await.unwrap();
    let without = by(&LEASED.replace("uses = 3", "mode = \"evaluate\""));
    let refused = privileges.lease(&without, &token("d", "7"), &ask()).await;
    assert!(matches!(refused, Err(LeaseError::Shown)), "{cut:?}");
}

#[tokio::test]
async fn why_there_is_no_room_for_another_is_told() {
    let (bench, _) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), by(LEASED));
    let mut jobs = 0;
    let mut refused = async |ask: LeaseAsk| {
        loop {
            jobs += 1;
            match privileges.lease(&state, &token(&jobs.to_string(), "7"), &ask).await {
                Ok(_) => {}
                Err(error) => break (jobs, error.to_string()),
            }
        }
    };
    let (count, told) = refused(ask()).await;
    let words = "`svc` has 32 leases in `PAY/api`, as many as one account may have there";
    assert!(count == 33 && told.starts_with(words), "{told}");
    let paths: Vec<_> = (0..10).map(|number| format!("{}/{number}", "a".repeat(200))).collect();
    let paths = PathSet::new(paths.iter().map(|one| PathSet::parse_one(one).unwrap())).unwrap();
    let open: Vec<_> = privileges.set().open().map(|one| one.id.clone()).collect();
    for id in open {
        privileges.end(&state, (None, "uid 0"), true, &id, "over").await.unwrap();
    }
    let (_, told) = refused(LeaseAsk { paths: Some(paths), ..ask() }).await;
    let words = "the leases of `svc` in `PAY/api` take ";
    assert!(told.starts_with(words) && told.contains("24576 are enough"), "{told}");
}

#[tokio::test]
async fn it_ends_when_it_is_over_used_up_taken_away_or_not_allowed_any_more() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), by(LEASED));
    let lease = async |jti: &str| {
        let ask = LeaseAsk { uses: Some(2), ..ask() };
        privileges.lease(&state, &token(jti, "7"), &ask).await.unwrap().id.clone()
    };
    let cause = async |id: &PrivilegeId, state: &State| {
        privileges.review(|_| state.clone()).await;
        match privileges.find(id).unwrap().stage {
            Stage::Ended { cause, .. } => cause.as_str(),
            Stage::Live { .. } | Stage::Waiting => "live",
        }
    };
    let used = lease("a").await;
    assert_eq!(privileges.take([&used], "d1"), Some(vec![used.clone()]));
    assert_eq!((cause(&used, &state).await, leases(&privileges)), ("live", 1));
    assert_eq!(privileges.take([&used], "d2"), Some(vec![used.clone()]));
    // Before anybody writes it down.
    assert_eq!((privileges.take([&used], "d3"), leases(&privileges)), (None, 0));
    assert_eq!(cause(&used, &state).await, "used-up");

    let taken = lease("b").await;
    let end = privileges.end(&state, (None, "uid 0"), true, &taken, "leaked").await;
    assert_eq!((end.is_ok(), privileges.take([&taken], "d4"), leases(&privileges)), (true, None, 0));
    assert_eq!(cause(&taken, &state).await, "revoked");

    let others = [
        ("c", LEASED.replace("project = \"7\"", "project = \"70\"")),
        ("d", LEASED.replace("id = \"api\"", "id = \"web\"")),
    ];
    for (jti, text) in others {
        let gone = lease(jti).await;
        assert_eq!(cause(&gone, &by(&text)).await, "not-allowed", "{text}");
        assert_eq!(cause(&gone, &state).await, "not-allowed", "it does not come back");
    }

    let over = lease("e").await;
    set_clock(1_000_119);
    assert_eq!((cause(&over, &state).await, leases(&privileges)), ("live", 1));
    set_clock(1_000_121);
    assert_eq!((leases(&privileges), privileges.take([&over], "d5")), (0, None));
    set_clock(1_000_001);
    assert_eq!((leases(&privileges), cause(&over, &state).await), (0, "over"), "set back");
}

#[tokio::test]
async fn of_several_leases_all_are_taken_or_none() {
    let (bench, _) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), by(LEASED));
    let lease = async |jti| privileges.lease(&state, &token(jti, "7"), &ask()).await.unwrap().id.clone();
    let (one, other) = (lease("a").await, lease("b").await);
    assert!(privileges.take([&one], "d1").is_some());
    assert_eq!(privileges.take([&other, &one], "d2"), None);
    assert_eq!((privileges.uses_of(&one), privileges.uses_of(&other)), (1, 0));
    assert!(privileges.take([&other], "d3").is_some());
    // One that is not there any more is over, and a push that rests on it is decided anew.
    let forgotten: PrivilegeId = "zzzz9999".parse().unwrap();
    assert_eq!(privileges.take([&forgotten], "d4"), None);
}

#[tokio::test]
async fn uses_are_there_after_a_crash_whatever_became_of_the_file() {
    use oam_audit::entry::{Event, PrivilegeUsed};
    let (bench, at) = bench!();
    // What is read again from the log was written at the machine's time, and no clock goes back before it.
    let now = Timestamp::now().as_second();
    at(now);
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), by(LEASED));
    let ask = LeaseAsk { uses: Some(3), ..ask() };
    let token = token_until(now + 3_600, "a", "7");
    let id = privileges.lease(&state, &token, &ask).await.unwrap().id.clone();
    let before = fs::read(bench.file()).unwrap();
    for decision in ["d1", "d2"] {
        privileges.take([&id], decision).unwrap();
        let used = PrivilegeUsed { id: id.to_string(), by: "svc".into(), decision: decision.into() };
        log.append(crate::audit_log::Batch::new(&Event::PrivilegeUsed(used)).unwrap()).await.unwrap();
    }
    privileges.save();
    let newest = fs::read(bench.file()).unwrap();
    drop(privileges);
    at(now + 1);
    for file in [Some(newest), Some(before), Some(b"oam".to_vec()), None] {
        match file {
            Some(bytes) => fs::write(bench.file(), bytes).unwrap(),
            None => fs::remove_file(bench.file()).unwrap(),
        }
        let again = bench.open(&log);
        assert_eq!((again.uses_of(&id), leases(&again)), (2, 1));
        assert!(again.take([&id], "d3").is_some() && again.take([&id], "d4").is_none());
    }
}

#[tokio::test]
async fn without_its_file_no_clock_goes_back_before_the_log() {
    let (bench, at) = bench!();
    let now = Timestamp::now().as_second();
    at(now);
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), by(LEASED));
    privileges.lease(&state, &token_until(now + 3_600, "a", "7"), &ask()).await.unwrap();
    drop(privileges);
    fs::remove_file(bench.file()).unwrap();
    at(1_000_000);
    // Entries are written at the machine's time.
    assert!(bench.open(&log).clock().now().as_second() >= now);
}

#[tokio::test]
async fn what_a_lease_was_narrowed_to_is_there_after_a_restart() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), by(LEASED));
    let paths = |of: &[&str]| PathSet::new(of.iter().map(|one| PathSet::parse_one(one).unwrap())).unwrap();
    let of = ["docs/**", "!docs/private/**"];
    let narrowed = LeaseAsk { paths: Some(paths(&of)), by_token: true, ..ask() };
    privileges.lease(&state, &token("a", "7"), &narrowed).await.unwrap();
    let kept = |privileges: &Privileges| {
        let leases = privileges.in_force(Some(&user("svc").key())).leases;
        assert!(leases[0].by_token && leases[0].paths == Some(paths(&of)), "{leases:?}");
    };
    kept(&privileges);
    drop(privileges);
    // A restart takes its time.
    set_clock(1_000_001);
    kept(&bench.open(&log));
    fs::remove_file(bench.file()).unwrap();
    let again = bench.open(&log);
    kept(&again);
    let many: Vec<_> = (0..32).map(|number| format!("{}/{number}", "a".repeat(150))).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let too_long = LeaseAsk { paths: Some(paths(&many)), ..ask() };
    let refused = again.lease(&state, &token("b", "7"), &too_long).await.unwrap_err();
    assert!(refused.to_string().contains("too long to be recorded"), "{refused}");
}
