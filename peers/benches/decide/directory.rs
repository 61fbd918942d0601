//! What it takes to put another directory in force.

use std::{hint::black_box, sync::Arc};

use oam_peers::{
    company::Company,
    ours::{self, Question},
};
use oam_policy::{State, Username, snapshot::Revocation};

use crate::{
    Effort,
    measure::{milliseconds, time},
};

/// Pushes by so many that nearly everybody shares a 256th of the directory with one of them.
const PUSHES: usize = 2_048;

/// Runs the measurements.
pub(crate) fn run(effort: Effort) {
    let company = Company::new(1_000, effort.people);
    let directory = ours::directory(&company.people);
    let policy = Arc::new(ours::policy(&company.rules));
    let snapshot = ours::snapshot_of(1, &directory);
    let somebody = Username::parse(&company.people[0].username).unwrap().key();
    let made = milliseconds(effort.builds, || (), |()| ours::snapshot_of(2, &directory));
    let put_in_force =
        milliseconds(effort.builds, || snapshot.clone(), |other| ours::state(Arc::clone(&policy), other));
    let dropped = milliseconds(
        effort.builds,
        || ours::state(Arc::clone(&policy), ours::snapshot_of(2, &directory)),
        drop,
    );
    let cut_off = milliseconds(
        effort.builds,
        || Revocation { at: snapshot.as_of(), by: "uid 0".into(), reason: "left".into() },
        |revocation| ours::state(Arc::clone(&policy), snapshot.revoke(&somebody, revocation)),
    );
    let questions: Vec<_> = company.pushes(PUSHES).iter().map(Question::new).collect();
    let ask_all = |state: State| {
        for question in &questions {
            black_box(question.outcome(&state));
        }
        state
    };
    let new_state = || ours::state(Arc::clone(&policy), ours::snapshot_of(2, &directory));
    let first = milliseconds(effort.builds, new_state, |state| {
        black_box(questions[0].outcome(&state));
        state
    });
    let once = milliseconds(effort.builds, new_state, ask_all);
    let again = milliseconds(effort.builds, || ask_all(new_state()), ask_all);
    println!("\ndirectory of {} people", effort.people);
    for (what, milliseconds) in [
        ("made of what a source sends", made),
        ("put in force, with the policy there is", put_in_force),
        ("the first decision by it", first),
        ("everybody's roles, found out by the first pushes", once - again),
        ("the old one dropped, off the way of pushes", dropped),
        ("one person cut off, and that in force", cut_off),
    ] {
        println!("{what:<48} {:>12}", time(milliseconds * 1e6));
    }
}
