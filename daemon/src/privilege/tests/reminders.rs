//! That something ends soon, and that nobody answered for it, is recorded in time and once.

use std::fs;

use oam_audit::entry::{Event, PrivilegeReminder};

use super::*;

#[tokio::test]
async fn one_is_reminded_once_and_in_time_that_it_ends_soon() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    approved(&privileges, 3_600).await;
    let short = approved(&privileges, 60).await;
    privileges.remind().await;
    assert_eq!(reminders(&log).await, []);
    // Of what is short, before its last third…
    for (second, expected) in [(20, 0), (55, 1), (56, 1)] {
        set_clock(1_000_000 + second);
        privileges.remind().await;
        assert_eq!(reminders(&log).await.len(), expected, "{second}");
    }
    assert!(privileges.find(&short).unwrap().is_live(privileges.clock().now()), "it is not over yet");
    // …also by the next start, with its file and without…
    drop(privileges);
    for is_lost in [false, true] {
        if is_lost {
            fs::remove_file(bench.file()).unwrap();
        }
        let privileges = bench.open(&log);
        privileges.remind().await;
        assert_eq!(reminders(&log).await, [(PrivilegeReminder::EndsSoon, short.to_string())]);
    }
    // …and of the rest ten minutes before.
    let privileges = bench.open(&log);
    for (second, expected) in [(300, 1), (2_900, 1), (3_500, 2), (3_501, 2), (4_000, 2)] {
        set_clock(1_000_000 + second);
        privileges.remind().await;
        assert_eq!(reminders(&log).await.len(), expected, "{second}");
    }
    assert_eq!(privileges.counts().of("grant", News::EndsSoon), 1, "by this start");
}

#[tokio::test]
async fn one_is_reminded_until_somebody_answers_for_what_was_lifted() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    let one = privileges.request(&state(), &person("leo"), &lift(600)).await.unwrap();
    let expected = |unsigned| {
        let of = |about| (about, one.id.to_string());
        let soon = std::iter::once(of(PrivilegeReminder::EndsSoon));
        soon.chain(std::iter::repeat_n(of(PrivilegeReminder::Unsigned), unsigned)).collect::<Vec<_>>()
    };
    set_clock(1_000_000 + 500);
    privileges.remind().await;
    assert_eq!(reminders(&log).await, expected(0));
    let eight_hours = 8 * 3_600;
    // As soon as it is over, and every eight hours from then on.
    for (second, unsigned) in [
        (599, 0),
        (601, 1),
        (602, 1),
        (600 + eight_hours, 1),
        (602 + eight_hours, 2),
        (603 + eight_hours, 2),
        (600 + 2 * eight_hours, 2),
        (604 + 2 * eight_hours, 3),
    ] {
        set_clock(1_000_000 + second);
        privileges.review(|_| state()).await;
        privileges.remind().await;
        assert_eq!(reminders(&log).await, expected(unsigned), "{second}");
    }
    privileges.sign_off(&state(), (&person("lea"), false), &one.id, "seen", 0).await.unwrap();
    set_clock(1_000_000 + 600 + 5 * eight_hours);
    privileges.remind().await;
    assert_eq!(reminders(&log).await, expected(3), "somebody has");
}

/// What those who are told of entries were reminded of, in order, each with its id.
async fn reminders(log: &AuditLog) -> Vec<(PrivilegeReminder, String)> {
    let lines = log.tail(0, 1_000).await.unwrap();
    let reminded = lines.iter().filter_map(|line| match log.read(line).unwrap().event {
        Event::PrivilegeReminded(one) => Some((one.about, one.id)),
        _ => None,
    });
    reminded.collect()
}

#[tokio::test]
async fn whoever_signs_off_too_early_or_twice_reads_why() {
    let (bench, _) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    let state = state();
    let role = approved(&privileges, 600).await;
    let lifted = privileges.request(&state, &person("leo"), &lift(600)).await.unwrap().id.clone();
    let lea = person("lea");
    let signed = async |id| match privileges.sign_off(&state, (&lea, false), id, "seen", 0).await {
        Ok(_) => "signed off".to_owned(),
        Err(error) => error.to_string(),
    };
    assert!(signed(&role).await.ends_with("is nothing to sign off: it lifted no rule"));
    assert!(signed(&lifted).await.contains("is not over"));
    privileges.end(&state, (Some(&user("leo")), "test"), false, &lifted, "done").await.unwrap();
    assert_eq!(signed(&lifted).await, "signed off");
    assert!(signed(&lifted).await.ends_with("was signed off already, by `lea`"));
}
