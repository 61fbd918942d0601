use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Watched;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

const EVERY: Duration = Duration::from_secs(300);

#[test]
fn who_never_came_is_not_missed_and_who_came_is() {
    let watched = Watched::default();
    assert_eq!((watched.overdue(at(9_999_999)), watched.warning(at(0))), (None, None));
    watched.rounded(EVERY, at(0)).unwrap();
    // Twice as long, and a minute: one round may be given up.
    assert_eq!(watched.overdue(at(660)), None);
    assert_eq!(watched.overdue(at(661)), Some(Duration::from_secs(1)));
    let warning = watched.warning(at(700)).unwrap();
    assert!(warning.contains("one every 300 seconds"), "{warning}");
    watched.rounded(EVERY, at(700)).unwrap();
    assert_eq!(watched.warning(at(701)), None);
    // A clock that is set back hides nobody for long.
    assert_eq!(watched.overdue(at(100)), None);
    assert!(watched.overdue(at(-10_000)).is_some());
}

#[test]
fn it_is_told_once_each_time_and_a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("watched");
    let open = || Watched::open(&path).unwrap();
    let (watched, told) = open();
    assert_eq!(told, None);
    watched.rounded(EVERY, at(0)).unwrap();
    let (watched, told) = open();
    assert_eq!((told, watched.news(at(600))), (None, None));
    assert!(watched.news(at(700)).is_some() && watched.news(at(701)).is_some(), "until it is recorded");
    watched.told().unwrap();
    let (watched, _) = open();
    assert_eq!(watched.news(at(702)), None);
    assert!(watched.warning(at(702)).is_some(), "it stays so");
    watched.rounded(EVERY, at(800)).unwrap();
    assert!(watched.news(at(1_500)).is_some(), "it begins anew");
    std::fs::write(&path, "{").unwrap();
    let (watched, told) = open();
    assert!(told.unwrap().contains("watched.set-aside-"));
    assert_eq!(watched.warning(at(99_999)), None);
}
