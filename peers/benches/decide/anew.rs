//! The same with the question made of plain texts in the time that is taken, as for a push that nobody knew of before:
//! ours parses names, Cedar and Rego are told the pusher's 40 groups, Casbin is given texts.

use oam_peers::{
    casbin, cedar,
    company::Company,
    model::{Person, Push},
    ours::Question,
    rego,
};
use oam_policy::{Outcome, State};

use crate::{
    Effort,
    measure::{Engine, interleave, median, ratio, time},
};

/// Runs the comparison. The pushers are those of the pushes.
pub(crate) fn run(company: &Company, state: &State, pushes: &[Push], pushers: &[&Person], effort: Effort) {
    let rules = &company.rules;
    let policies = cedar::policies(rules);
    let (mut interpreter, mut machine) = (rego::Interpreter::new(rules), rego::Machine::new(rules));
    let enforcer = casbin::enforcer(rules, &casbin::holders(rules, pushers.iter().copied()));
    let mut engines = [
        Engine::new("ours", |push| Question::new(&pushes[push]).outcome(state) == Outcome::Permitted),
        Engine::new("Cedar", |push| {
            let asked = &pushes[push];
            let slice = cedar::slice(rules, asked, Some(pushers[push]));
            let response = cedar::decide(&policies, &cedar::request(asked, &asked.updates[0]), &slice);
            response.decision() == cedar_policy::Decision::Allow
        }),
        Engine::new("Rego, regorus' interpreter", |push| {
            interpreter.permits(&rego::input(&pushes[push], pushers[push]))
        }),
        Engine::new("Rego, regorus' virtual machine", |push| {
            machine.permits(&rego::input(&pushes[push], pushers[push]))
        }),
        Engine::new("Casbin", |push| casbin::permits(&enforcer, &casbin::request(&pushes[push]))),
    ];
    interleave(&mut engines, pushes.len(), effort.rounds);
    println!("\n{:<48} {:>12} {:>12}", "with the question made anew", "time", "× ours");
    for engine in &engines {
        println!("{:<48} {:>12} {:>12.1}", engine.name, time(engine.cost()), ratio(engine, &engines[0]));
    }
}

/// What a decision of ours costs when hardly anybody pushes twice, so that what is known of the pusher is in none of the
/// processor's nearer caches: nanoseconds.
pub(crate) fn by_strangers(company: &Company, state: &State, pushes: usize) -> f64 {
    let cost = |pushes: &[Push]| {
        let questions: Vec<_> = pushes.iter().map(Question::new).collect();
        let mut permits = |push: usize| questions[push].outcome(state) == Outcome::Permitted;
        Engine::new("ours", &mut permits).turn(questions.len())
    };
    median(company.pushes(pushes).chunks(256).map(cost).collect())
}
