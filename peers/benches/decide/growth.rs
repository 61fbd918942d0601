//! How our cost grows with the rules.

use std::sync::Arc;

use oam_peers::{
    company::Company,
    model::Rules,
    ours::{self, Question},
};
use oam_policy::{Outcome, Policy};

use crate::{
    Effort,
    measure::{Engine, interleave, milliseconds, target, time},
};

/// More rules than this are more than files may hold.
const MOST_IN_FILES: usize = 10_000;

/// Runs the series; returns how many targets are missed.
pub(crate) fn run(effort: Effort) -> usize {
    let sizes = [10, 100, 1_000, 10_000, 100_000].into_iter().filter(|rules| *rules <= effort.most_rules);
    let (mut engines, builds): (Vec<_>, Vec<_>) = sizes.map(|rules| size(rules, effort)).unzip();
    interleave(&mut engines, effort.pushes_of_growth, effort.rounds_of_growth);
    println!("\n{:<48} {:>12} {:>12}", "rules of our engine", "one decision", "reading them");
    for (engine, build) in engines.iter().zip(&builds) {
        println!("{:<48} {:>12} {:>12}", engine.name, time(engine.cost()), time(build * 1e6));
    }
    println!();
    let missed = |engine: &Engine<'_>| target("50 µs at 100,000 rules", engine.cost() <= 50_000.0);
    engines.get(4).map_or(0, missed)
}

/// An engine with so many rules, and the milliseconds that it takes to make a state of their text.
fn size<'a>(rules: usize, effort: Effort) -> (Engine<'a>, f64) {
    let company = Company::new(rules, effort.people);
    let snapshot = ours::snapshot(&company.people);
    let read = |rules: &Rules| ours::state(Arc::new(policy(rules)), snapshot.clone());
    let repetitions = if rules > MOST_IN_FILES { 1 } else { effort.builds };
    let build = milliseconds(repetitions, || (), |()| read(&company.rules));
    let state = read(&company.rules);
    let questions: Vec<_> = company.pushes(effort.pushes_of_growth).iter().map(Question::new).collect();
    let permits = move |push: usize| questions[push].outcome(&state) == Outcome::Permitted;
    (Engine::new(rules.to_string(), permits), build)
}

fn policy(rules: &Rules) -> Policy {
    if rules.rules.len() > MOST_IN_FILES { ours::large_policy(rules) } else { ours::policy(rules) }
}
