//! Whatever happens in whatever order, with whatever file: after a crash the same is there, and nothing comes back.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::*;

/// What somebody does, or the world.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ask(usize),
    Approve(usize, usize),
    End(usize, usize),
    SignOff(usize, usize),
    Review,
    Remind,
    /// Of the clock of the machine, in seconds.
    Clock(i64),
    /// The daemon is killed, and finds a file like this.
    Crash(File),
}

#[derive(Debug, Clone, Copy)]
enum File {
    Newest,
    /// As it was so many steps ago.
    Old(usize),
    Torn(usize),
    Lost,
}

const PEOPLE: [&str; 8] = ["alice", "lea", "leo", "bob", "lea", "leo", "eve", "lea"];

fn step() -> impl Strategy<Value = Step> {
    let some = || 0_usize..8;
    let clock = prop_oneof![8 => 1_i64..250, 1 => -100_000_i64..100_000, 1 => Just(9 * 24 * 3_600)];
    let file = prop_oneof![
        Just(File::Newest),
        some().prop_map(File::Old),
        (0_usize..4_000).prop_map(File::Torn),
        Just(File::Lost)
    ];
    prop_oneof![
        4 => some().prop_map(Step::Ask),
        4 => (some(), some()).prop_map(|(one, who)| Step::Approve(one, who)),
        1 => (some(), some()).prop_map(|(one, who)| Step::End(one, who)),
        1 => (some(), some()).prop_map(|(one, who)| Step::SignOff(one, who)),
        3 => Just(Step::Review),
        4 => Just(Step::Remind),
        4 => clock.prop_map(Step::Clock),
        3 => file.prop_map(Step::Crash),
    ]
}

/// What is there, but for what nobody must know any more.
fn shown(privileges: &Privileges) -> Set {
    let mut set = Set::clone(&privileges.set());
    set.forget(privileges.clock().of_the_machine());
    set
}

async fn take(privileges: &Privileges, step: Step) {
    let state = state();
    let person = |number: usize| person(PEOPLE[number % PEOPLE.len()]);
    let one = |number: usize| {
        let set = privileges.set();
        let count = set.len();
        (count > 0).then(|| set.iter().nth(number % count).map(|one| one.id.clone())).flatten()
    };
    // Whether anybody may is not what this is about.
    match step {
        Step::Ask(who) => {
            // By leads, who lift without anybody else, more often than by others.
            let ask = if who % 3 == 0 { role(600) } else { lift(300) };
            let _ = privileges.request(&state, &person(who), &ask).await;
        }
        Step::Approve(number, who) => {
            let Some(id) = one(number) else { return };
            let _ = privileges.approve(&state, &person(who), &id, "").await;
        }
        Step::End(number, who) => {
            let Some(id) = one(number) else { return };
            let by = person(who).username;
            let _ = privileges.end(&state, (Some(&by), "test"), false, &id, "no").await;
        }
        Step::SignOff(number, who) => {
            let Some(id) = one(number) else { return };
            let _ = privileges.sign_off(&state, (&person(who), false), &id, "seen", 0).await;
        }
        Step::Review => privileges.review(|_| state.clone()).await,
        Step::Remind => privileges.remind().await,
        Step::Clock(_) | Step::Crash(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn after_a_crash_the_same_is_there(steps in vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (bench, set_clock) = bench!();
            let mut second = 1_000_000;
            set_clock(second);
            let log = bench.log();
            let mut privileges = bench.open(&log);
            let mut files = vec![fs::read(bench.file()).unwrap()];
            let mut over: BTreeSet<PrivilegeId> = BTreeSet::new();
            for step in steps {
                match step {
                    Step::Clock(by) => {
                        second += by;
                        set_clock(second);
                    }
                    Step::Crash(file) => {
                        let before = shown(&privileges);
                        drop(privileges);
                        let newest = files.last().unwrap();
                        match file {
                            File::Newest => {}
                            File::Old(ago) => {
                                let old = files.len().saturating_sub(ago + 1);
                                fs::write(bench.file(), &files[old]).unwrap();
                            }
                            File::Torn(at) => {
                                fs::write(bench.file(), &newest[..at.min(newest.len() - 1)]).unwrap();
                            }
                            File::Lost => fs::remove_file(bench.file()).unwrap(),
                        }
                        privileges = bench.open(&log);
                        prop_assert_eq!(shown(&privileges), before);
                    }
                    step => {
                        take(&privileges, step).await;
                        privileges.save();
                    }
                }
                files.push(fs::read(bench.file()).unwrap());
                let set = privileges.set();
                let ended = set.iter().filter(|one| matches!(one.stage, Stage::Ended { .. }));
                over.extend(ended.map(|one| one.id.clone()));
                let in_force = privileges.in_force(None);
                let elevations = in_force.elevations.iter().map(|one| &one.id);
                let live = elevations.chain(in_force.waivers.iter().filter_map(|one| one.id.as_ref()));
                for id in live {
                    prop_assert!(!over.contains(id), "{} is over", id);
                    let one = set.get(id).unwrap();
                    prop_assert!(one.approvals.len() >= one.needed as usize);
                    prop_assert!(one.approvals.iter().all(|approval| approval.by.key() != one.by.key()));
                }
            }
            Ok(())
        })?;
    }
}
