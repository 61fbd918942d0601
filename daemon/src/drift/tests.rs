use jiff::{SignedDuration, Timestamp};
use oam_bitbucket::{
    ProjectKey,
    provision::{Finding, FindingKind},
};

use super::{Drift, LookedAt};

fn finding(kind: FindingKind, place: &str, holder: &str, thing: &str) -> Finding {
    Finding {
        kind,
        place: place.parse().ok(),
        holder: holder.parse().ok(),
        thing: thing.into(),
        what: format!("of {holder}"),
        mended: false,
    }
}

fn pay() -> ProjectKey {
    "PAY".parse().unwrap()
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_hours(hour)
}

/// Tells what was found; gives what was new, and how much is over.
fn tell(drift: &Drift, found: &[Finding], credentials: bool, hour: i64) -> (Vec<String>, u64) {
    look(drift, found, LookedAt { permissions: true, credentials, hooks: false }, hour)
}

fn look(drift: &Drift, found: &[Finding], looked: LookedAt, hour: i64) -> (Vec<String>, u64) {
    let news = drift.compare(found, looked, at(hour));
    let new = news.new.iter().map(|one| format!("{} {}", one.kind.as_str(), one.thing)).collect();
    let over = news.over;
    drift.keep(news.known).unwrap();
    (new, over)
}

fn some() -> [Finding; 3] {
    [
        finding(FindingKind::Gone, "PAY", "user:carl", ""),
        finding(FindingKind::Gone, "", "user:carl", "SSH key 3"),
        finding(FindingKind::Endless, "", "user:ada", "HTTP token 1"),
    ]
}

#[test]
fn what_stays_is_told_once_and_what_comes_back_again() {
    let drift = Drift::default();
    let all = some();
    assert_eq!(
        tell(&drift, &all, true, 0),
        (vec!["gone ".into(), "gone SSH key 3".into(), "endless HTTP token 1".into()], 0)
    );
    assert_eq!(tell(&drift, &all, true, 1), (vec![], 0));
    // In other words, and spelled otherwise, it is the same thing.
    let mut same = all.clone();
    same[0].what = "has what it had".into();
    same[0].holder = "user:CARL".parse().ok();
    assert_eq!(tell(&drift, &same, true, 2), (vec![], 0));
    // What goes further than before is another thing.
    let more = [Finding { thing: "admin".into(), ..all[0].clone() }, all[1].clone(), all[2].clone()];
    assert_eq!(tell(&drift, &more, true, 2), (vec!["gone admin".into()], 1));
    assert_eq!(tell(&drift, &all, true, 2), (vec!["gone ".into()], 1));
    // Twice in one look it is one.
    let twice = [all.to_vec(), vec![finding(FindingKind::Differs, "WEB", "user:bob", ""); 2]].concat();
    assert_eq!(tell(&drift, &twice, true, 3), (vec!["differs ".into()], 0));
    assert_eq!(tell(&drift, &all[1..], true, 4), (vec![], 2));
    assert_eq!(tell(&drift, &all, true, 5), (vec!["gone ".into()], 0));
}

#[test]
fn what_was_not_looked_at_is_not_over() {
    let drift = Drift::default();
    let all = some();
    tell(&drift, &all, true, 0);
    assert_eq!(tell(&drift, &all[..2], false, 1), (vec![], 0));
    let endless =
        |drift: &Drift| drift.counts().into_iter().find(|(kind, _)| *kind == FindingKind::Endless).unwrap().1;
    assert_eq!(endless(&drift), 1);
    assert_eq!(tell(&drift, &all[..2], true, 2), (vec![], 1));
    assert_eq!(endless(&drift), 0);
}

#[test]
fn what_is_new_is_an_alarm_for_a_day_and_that_nobody_looks_a_warning_after_two() {
    let drift = Drift::default();
    assert_eq!((drift.alarms(at(0)), drift.warning(at(0)), drift.looked()), (vec![], None, None));
    tell(&drift, &some(), true, 0);
    let alarms = drift.alarms(at(23));
    assert!(alarms.len() == 2 && alarms[1].contains("say: endless 1."), "{alarms:?}");
    tell(&drift, &some(), true, 24);
    let alarms = drift.alarms(at(25));
    assert!(alarms.len() == 1 && !alarms[0].contains("endless"), "{alarms:?}");
    assert_eq!(drift.warning(at(24 + 48)), None);
    assert!(drift.warning(at(24 + 49)).is_some());
}

#[test]
fn a_restart_makes_nothing_new_and_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drift");
    let open = || Drift::open(&path).unwrap();
    let (drift, told) = open();
    assert_eq!(told, None);
    tell(&drift, &some(), true, 0);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("carl") && !text.contains("PAY") && text.contains("gone"), "{text}");
    let (drift, told) = open();
    assert_eq!((told, drift.looked()), (None, Some(at(0))));
    assert_eq!(tell(&drift, &some(), true, 1), (vec![], 0));
    // Damaged, it is set aside, and all of it is told again.
    std::fs::write(&path, "{").unwrap();
    let (drift, told) = open();
    assert!(told.unwrap().contains("drift.set-aside-"));
    assert_eq!(tell(&drift, &some(), true, 2).0.len(), 3);
}

/// Through what is off, changes pass: that is an alarm until somebody has looked and it is not there any more.
#[test]
fn a_hook_that_is_not_as_it_was_installed_is_an_alarm_as_long_as_it_stays() {
    let drift = Drift::default();
    let found = [
        finding(FindingKind::HookNarrowed, "PAY", "", "PRE push"),
        finding(FindingKind::Gone, "PAY", "user:carl", ""),
    ];
    let hooks = LookedAt { permissions: true, credentials: false, hooks: true };
    look(&drift, &found, hooks, 0);
    let alarms = drift.alarms(at(1));
    assert!(alarms.len() == 2 && alarms[0].contains("CHANGES MAY NOT BE CHECKED"), "{alarms:?}");
    assert!(alarms[0].contains("hook-narrowed 1.") && alarms[1].contains("gone 1."), "{alarms:?}");
    // Who does not look at hooks mends none.
    assert_eq!(tell(&drift, &found[1..], true, 30), (vec![], 0));
    let alarms = drift.alarms(at(30));
    assert!(alarms[0].contains("hook-narrowed 1."), "{alarms:?}");
    // It runs for even less.
    let less = [finding(FindingKind::HookNarrowed, "PAY", "", "PRE merge,push"), found[1].clone()];
    assert_eq!(look(&drift, &less, hooks, 31), (vec!["hook-narrowed PRE merge,push".into()], 1));
    assert_eq!(look(&drift, &found[1..], hooks, 32), (vec![], 1));
    assert!(!drift.alarms(at(32)).iter().any(|alarm| alarm.contains("CHECKED")));
}

/// Whoever is gone and still has something is no news after a day, and still there.
#[test]
fn that_somebody_who_is_gone_still_has_something_is_an_alarm_as_long_as_it_stays() {
    let drift = Drift::default();
    tell(&drift, &some()[..1], true, 0);
    tell(&drift, &some()[..1], true, 24);
    let alarms = drift.alarms(at(25));
    assert!(alarms.len() == 1 && alarms[0].starts_with("WHO IS GONE IS NOT OUT"), "{alarms:?}");
    assert!(alarms[0].contains("gone 1."), "{alarms:?}");
    tell(&drift, &[], true, 26);
    assert_eq!(drift.alarms(at(26)), [""; 0]);
}

/// Where a source is late only the hook is looked at.
#[test]
fn who_looks_at_the_hook_only_mends_nothing_else_and_has_not_looked_at_it() {
    let drift = Drift::default();
    tell(&drift, &some(), true, 0);
    let hooks_only = LookedAt { permissions: false, credentials: false, hooks: true };
    let narrowed = [finding(FindingKind::HookNarrowed, "PAY", "", "PRE push")];
    assert_eq!(look(&drift, &narrowed, hooks_only, 40), (vec!["hook-narrowed PRE push".into()], 0));
    assert_eq!(drift.looked(), Some(at(0)));
    assert!(drift.warning(at(49)).is_some(), "nobody has looked at the rest");
    assert_eq!(tell(&drift, &some(), true, 50), (vec![], 0));
}

#[test]
fn that_for_long_nobody_looks_at_the_hook_is_an_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drift");
    let open = || Drift::open(&path).unwrap().0;
    let is_told = |drift: &Drift, hour: i64| {
        drift.alarms(at(hour)).iter().any(|alarm| alarm.contains("CHECKED: nobody has looked"))
    };
    let drift = open();
    assert!(!is_told(&drift, 1_000), "where nobody looks at anything nobody is missed");
    // Others are looked at again and again, the hook never.
    for hour in [0, 24, 48] {
        tell(&drift, &[], true, hour);
    }
    // Who looks at nothing any more is missed for that.
    assert!(!is_told(&drift, 1_000) && drift.warning(at(1_000)).is_some());
    tell(&drift, &[], true, 49);
    assert!(is_told(&drift, 49) && is_told(&open(), 49));
    look(&drift, &[], LookedAt { hooks: true, ..LookedAt::default() }, 50);
    tell(&drift, &[], true, 98);
    assert!(!is_told(&open(), 99));
    tell(&drift, &[], true, 99);
    assert!(is_told(&open(), 99));
    // An earlier version did not note it: they have as long from the next look on.
    std::fs::write(&path, format!(r#"{{"looked":{},"known":{{}}}}"#, at(200).as_second())).unwrap();
    let drift = open();
    assert!(!is_told(&drift, 1_000) && drift.looked() == Some(at(200)));
    tell(&drift, &[], true, 1_000);
    tell(&drift, &[], true, 1_048);
    assert!(!is_told(&drift, 1_049));
    tell(&drift, &[], true, 1_049);
    assert!(is_told(&drift, 1_049));
}

/// Nobody knows what is over at a place that cannot be read.
#[test]
fn what_could_not_be_read_is_not_over() {
    let drift = Drift::default();
    tell(&drift, &some(), true, 0);
    let unread = [finding(FindingKind::Unread, "PAY", "", "")];
    assert_eq!(tell(&drift, &unread, false, 1), (vec!["unread ".into()], 0));
    // Nor of the tokens and keys there.
    assert_eq!(tell(&drift, &unread, true, 2), (vec![], 0));
    assert_eq!(tell(&drift, &some(), true, 3), (vec![], 1));
}

/// What else refuses may be all that does.
#[test]
fn the_hook_is_known_to_refuse_only_where_somebody_looked_and_found_it_well() {
    let drift = Drift::default();
    let why = |hour| drift.unguarded(&pay(), at(hour)).unwrap_or_default();
    assert!(why(0).contains("nobody has told yet"), "{}", why(0));
    tell(&drift, &[], true, 0);
    assert!(why(0).contains("nobody has told yet"), "{}", why(0));
    let hooks = LookedAt { hooks: true, ..LookedAt::default() };
    look(&drift, &[finding(FindingKind::HookOff, "PAY", "", "")], hooks, 1);
    assert!(why(1).contains("not as it was installed: `hook-off`"), "{}", why(1));
    look(&drift, &[], hooks, 2);
    assert!(why(2).contains("nobody has told that the hook was installed for `PAY`"), "{}", why(2));
    let known = drift.compare(&[], hooks, at(2)).known.with_hook_in([pay()].into());
    drift.keep(known).unwrap();
    assert_eq!((drift.unguarded(&pay(), at(2)), drift.unguarded(&pay(), at(50))), (None, None));
    assert!(why(51).contains("nobody has looked since"), "{}", why(51));
}

/// Where the hook is outlives a restart and what is told of the rest.
#[test]
fn the_projects_with_the_hook_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drift");
    let (drift, _) = Drift::open(&path).unwrap();
    let hooks = LookedAt { hooks: true, ..LookedAt::default() };
    drift.keep(drift.compare(&[], hooks, at(0)).known.with_hook_in([pay()].into())).unwrap();
    tell(&drift, &[], true, 1);
    let (again, damage) = Drift::open(&path).unwrap();
    assert_eq!((again.unguarded(&pay(), at(1)), damage), (None, None));
    assert!(again.unguarded(&"WEB".parse().unwrap(), at(1)).is_some());
}
