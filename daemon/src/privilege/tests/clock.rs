//! The clock of the machine was wrong for a while: what was over stays over, and whatever is asked for from then on works.

use oam_audit::entry::{Lifted, Outcome, PrivilegeEnd};

use super::*;
use crate::{audit_log::sample, privilege::Report};

const DAY: i64 = 24 * 3_600;

/// A push that was permitted because of a waiver, as the log has it.
async fn record_push(log: &AuditLog, by: &str, id: &PrivilegeId) {
    let lifted = Lifted { rule: "freeze".into(), waiver: "own-thaw".into(), privilege: Some(id.to_string()) };
    let update = sample::created("refs/heads/main", vec![lifted]);
    let head = sample::decision(by, Outcome::Permitted);
    log.append(log.decision(head, [update]).unwrap()).await.unwrap();
}

#[tokio::test]
async fn after_a_clock_was_ahead_for_a_moment_everything_goes_on() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    set_clock(1_000_000 + 10 * DAY);
    let before = privileges.request(&state(), &person("leo"), &lift(600)).await.unwrap();
    set_clock(1_000_000);
    assert_eq!(privileges.in_force(None).waivers.len(), 1, "what was given while it was ahead ends by that");
    for restart in [false, true] {
        let again = restart.then(|| bench.open(&log));
        let privileges = again.as_ref().unwrap_or(&privileges);
        assert!(privileges.clock().behind().unwrap().as_hours() >= 239);

        let asked = privileges.request(&state(), &person("alice"), &role(600)).await.unwrap();
        privileges.review(|_| state()).await;
        let stage = privileges.find(&asked.id).unwrap().stage;
        assert_eq!(stage, Stage::Waiting, "nobody has had the time to answer");
        for lead in ["lea", "leo"] {
            privileges.approve(&state(), &person(lead), &asked.id, "").await.unwrap();
        }
        assert_eq!(privileges.in_force(None).elevations.len(), 1);
        let alice = user("alice");
        let ended = privileges.end(&state(), (Some(&alice), "test"), false, &asked.id, "done").await.unwrap();
        assert!(matches!(ended.stage, Stage::Ended { .. }), "it is listed yet");

        let lifted = privileges.request(&state(), &person("lea"), &lift(600)).await.unwrap();
        record_push(&log, "lea", &lifted.id).await;
        let report = |id| Report::read(&log, &privileges.find(id).unwrap()).unwrap();
        assert_eq!(report(&lifted.id).total, 1);
        let lea = user("lea");
        privileges.end(&state(), (Some(&lea), "test"), false, &lifted.id, "done").await.unwrap();
        record_push(&log, "lea", &lifted.id).await;
        assert_eq!(report(&lifted.id).total, 2, "one that was decided before is written down behind the end");
        assert_eq!(report(&before.id).total, 0);
        privileges.sign_off(&state(), (&person("leo"), false), &lifted.id, "seen", 2).await.unwrap();
    }
}

#[tokio::test]
async fn whoever_waits_waits_a_day_by_any_clock() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    let asked = privileges.request(&state(), &person("alice"), &role(600)).await.unwrap();
    let stage = || privileges.find(&asked.id).unwrap().stage;
    set_clock(1_000_000 + DAY - 1);
    privileges.review(|_| state()).await;
    assert_eq!(stage(), Stage::Waiting);
    set_clock(1_000_000 + DAY);
    privileges.review(|_| state()).await;
    assert!(matches!(stage(), Stage::Ended { cause: PrivilegeEnd::Unanswered, .. }));
}

#[tokio::test]
async fn what_was_in_force_then_is_known_later() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    set_clock(1_000_100);
    let lifted = privileges.request(&state(), &person("leo"), &lift(600)).await.unwrap();
    set_clock(1_000_200);
    let id = approved(&privileges, 3_600).await;
    set_clock(1_000_400);
    privileges.end(&state(), (Some(&user("leo")), "test"), false, &lifted.id, "done").await.unwrap();
    set_clock(1_900_000);
    privileges.review(|_| state()).await;
    let (leo, alice) = (user("leo").key(), user("alice").key());
    let then = |second, who| {
        let at = Timestamp::from_second(second).unwrap();
        let then = privileges.in_force_at(at, who).unwrap();
        (then.waivers.len(), then.elevations.len())
    };
    for (second, expected) in [
        (1_000_099, (0, 0)),
        (1_000_101, (1, 0)),
        (1_000_201, (1, 1)),
        (1_000_401, (0, 1)),
        (1_003_799, (0, 1)),
        (1_003_801, (0, 0)),
    ] {
        assert_eq!(then(second, None), expected, "{second}");
    }
    assert_eq!((then(1_000_201, Some(&leo)), then(1_000_201, Some(&alice))), ((1, 0), (0, 1)));
    let at = Timestamp::from_second(1_000_201).unwrap();
    assert_eq!(privileges.in_force_at(at, Some(&alice)).unwrap().elevations[0].id, id);
}

/// For a minute the clock was almost a day ahead. What was logged before, then and after is in one order, whatever the times.
#[tokio::test]
async fn what_was_in_force_then_is_known_of_days_on_which_the_clock_was_wrong() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    let then = |second| {
        let at = Timestamp::from_second(second).unwrap();
        let then = privileges.in_force_at(at, None).unwrap();
        (then.waivers.len(), then.elevations.len())
    };
    set_clock(1_000_000 + DAY - 3_600);
    let lifted = privileges.request(&state(), &person("leo"), &lift(600)).await.unwrap();
    privileges.end(&state(), (Some(&user("leo")), "test"), false, &lifted.id, "done").await.unwrap();
    // Put right: what is asked for now begins by a clock that never goes back, and pushes pass by it at once.
    set_clock(1_000_100);
    approved(&privileges, 3_600).await;
    assert_eq!(live(&privileges), 1);
    set_clock(1_000_200);
    let other = privileges.request(&state(), &person("leo"), &lift(600)).await.unwrap();
    set_clock(1_000_300);
    privileges.end(&state(), (Some(&user("leo")), "test"), false, &other.id, "done").await.unwrap();
    set_clock(1_000_400);
    assert_eq!([then(1_000_101), then(1_000_201), then(1_000_301)], [(0, 1), (1, 1), (0, 1)]);
}

/// A freeze is over, and the policy has lost the waiver with it.
#[tokio::test]
async fn what_nobody_is_named_for_any_more_is_signed_off_by_whoever_operates() {
    let (bench, _) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    let one = privileges.request(&state(), &person("leo"), &lift(600)).await.unwrap();
    privileges.end(&state(), (Some(&user("leo")), "test"), false, &one.id, "done").await.unwrap();
    let later = {
        let (before, rest) = POLICY.split_once("[[waiver]]").unwrap();
        let (_, after) = rest.split_once("[[elevation]]").unwrap();
        let text = format!("{before}[[elevation]]{after}");
        let source = PolicySource { name: "policy.toml".into(), text };
        State { policy: Some(Arc::new(file::parse(&[source]).unwrap())), ..state() }
    };
    let sign = async |state: &State, who: &str, operates| {
        let signed = privileges.sign_off(state, (&person(who), operates), &one.id, "seen", 0).await;
        signed.map(|_| ())
    };
    let denied = sign(&later, "lea", false).await;
    assert!(matches!(denied, Err(PrivilegeError::MayNotAnswer { .. })), "{denied:?}");
    let own = sign(&later, "leo", true).await;
    assert!(matches!(own, Err(PrivilegeError::Own(_))), "{own:?}");
    let named = sign(&state(), "bob", true).await;
    assert!(matches!(named, Err(PrivilegeError::MayNotAnswer { .. })), "while somebody is named: {named:?}");
    sign(&later, "bob", true).await.unwrap();
}
