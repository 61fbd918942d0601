use std::time::{Duration, Instant};

use jiff::Timestamp;
use oam_bitbucket::Branch;
use oam_policy::{ObjectId, RefName, Repository};

use super::{Canaries, Outcome, Tried};

const PATIENCE: Duration = Duration::from_secs(3600);

fn repository(name: &str) -> Repository {
    Repository::parse(name).unwrap()
}

fn name() -> RefName {
    RefName::parse(b"refs/heads/oam-canary/1").unwrap()
}

fn refused() -> Outcome {
    Outcome::Refused { decision: "d".into() }
}

fn accepted() -> Outcome {
    Outcome::Accepted { detail: "it was deleted again".into(), left: None }
}

fn unknown() -> Outcome {
    Outcome::Unknown { why: "Bitbucket does not answer".into() }
}

fn gone() -> Outcome {
    Outcome::Gone { why: "it is not there".into() }
}

/// Canaries, and a clock that this test moves.
struct World {
    canaries: Canaries,
    began: Instant,
}

impl World {
    fn new(repositories: &[&str]) -> Self {
        Self::with(Canaries::default(), repositories)
    }

    fn with(canaries: Canaries, repositories: &[&str]) -> Self {
        let world = Self { began: canaries.began, canaries };
        world.listed(0, repositories);
        world
    }

    fn at(&self, seconds: u64) -> Instant {
        self.began + Duration::from_secs(seconds)
    }

    fn listed(&self, seconds: u64, repositories: &[&str]) {
        let all = repositories.iter().map(|name| repository(name)).collect();
        self.canaries.listed(all, self.at(seconds));
    }

    /// The clock on the wall says something else each time: nothing goes by it.
    fn tried(&self, seconds: u64, name_of: &str, outcome: Outcome) {
        let wall = i64::try_from(4_000_000_000 - seconds * 100).unwrap();
        let tried = Tried { at: Timestamp::from_second(wall).unwrap(), branch: name(), outcome };
        self.canaries.tried(&repository(name_of), tried, self.at(seconds));
    }

    fn alarms(&self, seconds: u64) -> Vec<String> {
        self.canaries.alarms(PATIENCE, self.at(seconds))
    }

    fn due(&self, many: usize) -> Vec<String> {
        self.canaries.due(many).into_iter().map(|(one, _)| one.as_str().to_owned()).collect()
    }
}

#[test]
fn what_went_in_is_an_alarm_until_it_is_refused_again() {
    let world = World::new(&["PAY/api"]);
    assert_eq!(world.alarms(0), [] as [&str; 0]);
    world.tried(1, "PAY/api", accepted());
    // Not knowing takes no alarm away.
    world.tried(2, "PAY/api", unknown());
    world.tried(3, "PAY/api", gone());
    world.tried(4, "PAY/api", Outcome::Empty);
    let alarms = world.alarms(5);
    assert!(alarms[0].contains("NOT CHECKED in PAY/api"), "{alarms:?}");
    assert_eq!(world.canaries.accepted(), 1);
    world.tried(6, "PAY/api", refused());
    assert_eq!(world.alarms(7), [] as [&str; 0]);
}

/// Whoever administers Bitbucket can take the daemon's right to look away, and must not silence it by that.
#[test]
fn what_is_listed_no_more_is_an_alarm_and_takes_none_away() {
    let world = World::new(&["PAY/api", "PAY/web", "PAY/old"]);
    world.tried(1, "PAY/api", accepted());
    world.tried(2, "PAY/web", refused());
    world.tried(3, "PAY/old", refused());
    world.listed(10, &["PAY/web"]);
    let alarms = world.alarms(11);
    assert!(alarms[0].contains("NOT CHECKED in PAY/api"), "{alarms:?}");
    assert!(alarms[1].contains("no more") && alarms[1].contains("PAY/old"), "{alarms:?}");
    assert!(!alarms[1].contains("PAY/web"), "{alarms:?}");
    // It is tried at once, and again and again.
    assert_eq!(world.due(3), ["PAY/api", "PAY/old", "PAY/web"]);
    world.tried(12, "PAY/api", unknown());
    world.tried(13, "PAY/old", unknown());
    assert_eq!(world.alarms(14).len(), 2);
    world.listed(20, &["PAY/web", "PAY/old"]);
    assert!(!world.alarms(21)[1].contains("PAY/old"), "{:?}", world.alarms(21));
    // Where canaries are still refused, it is looked after.
    world.listed(30, &["PAY/web"]);
    world.tried(31, "PAY/old", refused());
    assert!(!world.alarms(32)[1].contains("PAY/old"), "{:?}", world.alarms(32));
    world.tried(33, "PAY/api", refused());
    assert_eq!(world.alarms(34), [] as [&str; 0]);
}

#[test]
fn what_bitbucket_says_is_not_there_is_forgotten_after_a_day() {
    const DAY: u64 = 24 * 3600;
    let world = World::new(&["PAY/api", "PAY/web"]);
    world.tried(1, "PAY/api", accepted());
    world.listed(10, &["PAY/web"]);
    world.tried(11, "PAY/api", gone());
    world.listed(DAY, &["PAY/web"]);
    assert_eq!(world.canaries.accepted(), 1);
    world.listed(DAY + 11, &["PAY/web"]);
    assert_eq!((world.canaries.accepted(), world.due(9)), (0, vec!["PAY/web".to_owned()]));
    // What nobody said is there still.
    let silent = World::new(&["PAY/api"]);
    silent.tried(1, "PAY/api", accepted());
    silent.listed(10, &[]);
    silent.tried(11, "PAY/api", unknown());
    silent.listed(9 * DAY, &[]);
    assert_eq!(silent.canaries.accepted(), 1);
}

/// What hooks ask about ought to be listed; but for what another git server has.
#[test]
fn what_was_decided_about_and_never_listed_is_tried() {
    let world = World::new(&["PAY/api"]);
    world.tried(999_999, "PAY/api", refused());
    for one in ["OPS/tool", "~ada/notes"] {
        world.canaries.state().note(&repository(one));
    }
    world.listed(1_000_000, &["PAY/api"]);
    assert_eq!(world.due(1), ["OPS/tool"]);
    assert_eq!(world.alarms(1_000_001), [] as [&str; 0]);
    world.tried(1_000_002, "OPS/tool", gone());
    assert_eq!(world.alarms(1_000_003), [] as [&str; 0]);
    world.tried(1_000_004, "OPS/tool", unknown());
    assert!(
        world.alarms(1_000_005)[0].contains("OPS/tool (Bitbucket does not answer)"),
        "{:?}",
        world.alarms(1_000_005)
    );
}

#[test]
fn what_is_unknown_for_long_is_an_alarm() {
    let world = World::new(&["PAY/api"]);
    world.tried(1, "PAY/api", refused());
    world.tried(2, "PAY/api", unknown());
    assert_eq!(world.alarms(3601), [] as [&str; 0]);
    assert_eq!(world.canaries.silence(PATIENCE, world.at(3601)), None);
    let alarms = world.alarms(3602);
    assert!(alarms[0].contains("60 minutes") && alarms[0].contains("does not answer"), "{alarms:?}");
    // It is told once, until something is proved again.
    assert_eq!(world.canaries.silence(PATIENCE, world.at(3602)).as_ref(), Some(&alarms[0]));
    assert_eq!(world.canaries.silence(PATIENCE, world.at(9000)), None);
    world.tried(9001, "PAY/api", refused());
    assert_eq!(world.alarms(9002), [] as [&str; 0]);
    assert!(world.canaries.silence(PATIENCE, world.at(20_000)).is_some());
    // A round that never came to trying anything counts alike.
    let silent = World::new(&[]);
    silent.canaries.failed("reading the projects: no".into());
    assert!(silent.alarms(4000)[0].contains("reading the projects"));
}

/// That others are checked says nothing of one where no canary comes to anything.
#[test]
fn each_repository_ages_by_itself() {
    let world = World::new(&["PAY/api", "PAY/web", "PAY/new"]);
    world.tried(1, "PAY/api", refused());
    world.tried(2, "PAY/web", unknown());
    world.tried(3, "PAY/new", Outcome::Empty);
    world.tried(4000, "PAY/api", refused());
    // Once is a failure, twice is a state.
    assert_eq!(world.alarms(4001), [] as [&str; 0]);
    world.tried(4002, "PAY/web", unknown());
    world.tried(4003, "PAY/new", Outcome::Empty);
    let alarms = world.alarms(4004);
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert!(alarms[0].contains("PAY/web (Bitbucket does not answer)"), "{alarms:?}");
    world.tried(4005, "PAY/web", refused());
    assert_eq!(world.alarms(4006), [] as [&str; 0]);
}

#[test]
fn those_that_went_in_are_tried_first_and_then_the_oldest() {
    let world = World::new(&["A/1", "A/2", "A/3", "A/4"]);
    world.tried(2, "A/1", refused());
    world.tried(3, "A/2", accepted());
    world.tried(1, "A/4", refused());
    assert_eq!(world.due(3), ["A/2", "A/3", "A/4"]);
    // However many went in, half of a round is for the others.
    for (second, one) in [(4, "A/1"), (5, "A/2"), (6, "A/3")] {
        world.tried(second, one, accepted());
    }
    assert_eq!(world.due(3), ["A/1", "A/2", "A/4"]);
}

#[test]
fn a_restart_forgets_no_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("canaries");
    let open = || Canaries::open(&path).unwrap();
    let tip = ObjectId::parse_hex(&[b'1'; 40]).unwrap();
    let left =
        Outcome::Accepted { detail: "it is still there".into(), left: Some(Branch { name: name(), tip }) };
    let world = World::with(open().0, &["PAY/api", "PAY/web"]);
    world.tried(1, "PAY/api", left.clone());
    world.tried(2, "PAY/web", refused());
    world.canaries.keep();

    let again = World::with(open().0, &["PAY/web"]);
    let alarms = again.alarms(1);
    assert!(alarms[0].contains("NOT CHECKED in PAY/api"), "{alarms:?}");
    let (first, tried) = again.canaries.due(1).remove(0);
    assert_eq!((first.as_str(), tried.unwrap().outcome), ("PAY/api", left));
    again.tried(2, "PAY/api", refused());
    again.canaries.keep();
    // What was listed before the end, and is not afterwards.
    let third = World::with(open().0, &[]);
    let alarms = third.alarms(1);
    assert!(alarms.len() == 1 && alarms[0].contains("PAY/api, PAY/web"), "{alarms:?}");
    // Damaged, it is set aside and told of.
    std::fs::write(&path, "{\"known\": [\"nothing\"], \"went_in\": {}}").unwrap();
    let (canaries, told) = open();
    assert!(told.unwrap().contains("canaries.set-aside-"));
    assert_eq!(canaries.accepted(), 0);
}
