use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Left, Watched};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

const EVERY: Duration = Duration::from_secs(300);

#[test]
fn who_never_came_is_not_missed_and_who_came_is() {
    let watched = Watched::default();
    assert_eq!((watched.overdue(at(9_999_999)), watched.warning(at(0))), (None, None));
    watched.rounded(EVERY, Left::default(), at(0)).unwrap();
    // Twice as long, and half an hour: one round may be given up, and one may take long.
    assert_eq!(watched.overdue(at(2_400)), None);
    assert_eq!(watched.overdue(at(2_401)), Some(Duration::from_secs(1)));
    let warning = watched.warning(at(2_500)).unwrap();
    assert!(warning.contains("one every 300 seconds"), "{warning}");
    watched.rounded(EVERY, Left::default(), at(2_500)).unwrap();
    assert_eq!(watched.warning(at(2_501)), None);
    // A clock that is set back hides nobody for long.
    assert_eq!(watched.overdue(at(1_900)), None);
    assert!(watched.overdue(at(-10_000)).is_some());
}

#[test]
fn it_is_told_once_each_time_and_a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("watched");
    let open = || Watched::open(&path).unwrap();
    let (watched, told) = open();
    assert_eq!(told, None);
    watched.rounded(EVERY, Left::default(), at(0)).unwrap();
    let (watched, told) = open();
    assert_eq!((told, watched.news(at(2_300))), (None, None));
    assert!(watched.news(at(2_500)).is_some() && watched.news(at(2_501)).is_some(), "until it is recorded");
    watched.told().unwrap();
    let (watched, _) = open();
    assert_eq!(watched.news(at(2_502)), None);
    assert!(watched.warning(at(2_502)).is_some(), "it stays so");
    watched.rounded(EVERY, Left::default(), at(2_600)).unwrap();
    assert!(watched.news(at(5_100)).is_some(), "it begins anew");
    std::fs::write(&path, "{").unwrap();
    let (watched, told) = open();
    assert!(told.unwrap().contains("watched.set-aside-"));
    assert_eq!(watched.warning(at(99_999)), None);
}

/// A leaver who still has something is no matter for a journal only.
#[test]
fn what_a_round_left_is_an_alarm_as_long_as_it_does_and_told_when_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("watched");
    let open = || Watched::open(&path).unwrap().0;
    let watched = open();
    let round = |watched: &Watched, leavers, places| {
        watched.rounded(EVERY, Left { leavers, places }, at(0)).unwrap();
        let news = watched.left_news();
        if let Some((left, _)) = news {
            watched.told_left(left).unwrap();
        }
        (news.is_some(), watched.alarm())
    };
    assert_eq!(round(&watched, 0, 0), (false, None));
    let (is_told, alarm) = round(&watched, 3, 0);
    assert!(is_told && alarm.unwrap().contains("left something to 3 who are gone."));
    // It stays so, over a restart, and is told once.
    let watched = open();
    assert!(watched.alarm().is_some() && watched.left_news().is_none());
    let (is_told, alarm) = round(&watched, 3, 0);
    assert!(!is_told && alarm.is_some());
    assert!(round(&watched, 4, 0).0 && !round(&watched, 1, 0).0 && round(&watched, 2, 0).0);
    let (is_told, alarm) = round(&watched, 2, 1);
    assert!(is_told && alarm.unwrap().contains("; and 1 projects or repositories could not be read"));
    let (is_told, alarm) = round(&watched, 0, 1);
    assert!(!is_told && alarm.unwrap().starts_with("Of Bitbucket 1 projects"));
    assert_eq!(round(&watched, 0, 0), (false, None));
    // What an earlier version wrote is read.
    std::fs::write(&path, r#"{"at":1800000000,"every":300,"told":false}"#).unwrap();
    assert_eq!((open().alarm(), open().overdue(at(0))), (None, None));
}
