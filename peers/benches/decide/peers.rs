//! Our engine beside its peers, on 1,000 rules.
//!
//! The peers are given what they need ready-made: Cedar and Rego the pusher with their groups, Casbin the roles that
//! the pusher holds. Ours looks the pusher up among everybody and finds their roles itself. So the ratios are floors.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use cedar_policy::Decision;
use oam_peers::{
    casbin, cedar,
    company::Company,
    model::{Person, Push, Rules, folded},
    ours, rego,
};
use oam_policy::{Outcome, State};

use crate::{
    Effort, anew,
    measure::{Engine, interleave, ratio, target, time},
};

const RULES: usize = 1_000;
const OURS_TOLD: &str = "ours, and all that is told of it";
const INTERPRETER: &str = "Rego, indexed, regorus' interpreter";
const MACHINE: &str = "Rego, indexed, regorus' virtual machine";

/// Runs the comparison; returns how many targets are missed.
pub(crate) fn run(effort: Effort) -> usize {
    let company = Company::new(RULES, effort.people);
    let pushes = company.pushes(effort.pushes);
    println!("{RULES} rules, {} people with 40 groups each, {} pushes\n", effort.people, pushes.len());
    println!("{:<48} {:>12}", "reading the rules", "time");
    let mut engines = engines(&company, &pushes);
    agree(&mut engines, &pushes);
    interleave(&mut engines, pushes.len(), effort.rounds);
    let named = |name: &str| engines.iter().find(|engine| engine.name == name).unwrap();
    let ours = named("ours");
    println!("\n{:<48} {:>12} {:>12}", "one decision", "time", "× ours");
    for engine in &engines {
        println!("{:<48} {:>12} {:>12.1}", engine.name, time(engine.cost()), ratio(engine, ours));
    }
    let state = ours::state(Arc::new(ours::policy(&company.rules)), ours::snapshot(&company.people));
    let strangers = anew::by_strangers(&company, &state, effort.people as usize);
    println!("{:<48} {:>12}", "ours, each push by somebody else", time(strangers));
    anew::run(&company, &state, &pushes, &pushers(&company, &pushes), effort);
    println!();
    target("2,000,000 decisions a second", ours.cost() <= 500.0)
        + target("Cedar takes 2,500 times as long", ratio(named("Cedar"), ours) >= 2_500.0)
        + target("Rego's interpreter takes 700 times as long", ratio(named(INTERPRETER), ours) >= 700.0)
}

fn engines<'a>(company: &'a Company, pushes: &'a [Push]) -> Vec<Engine<'a>> {
    let rules = &company.rules;
    let pushers = pushers(company, pushes);
    let snapshot = ours::snapshot(&company.people);
    let state = built("ours", || ours::state(Arc::new(ours::policy(rules)), snapshot));
    let mut engines = vec![
        ours_engine("ours", state.clone(), pushes, ours::Question::outcome),
        ours_engine(OURS_TOLD, state, pushes, |question, state| question.decide(state).outcome()),
        cedar_engine("Cedar", rules, pushes, &pushers, |_| String::new()),
        cedar_engine("Cedar, the project's rules picked", rules, pushes, &pushers, project),
    ];
    engines.extend(rego_engines(rules, pushes, &pushers));
    engines.extend([
        casbin_engine("Casbin", rules, pushes, &pushers, |_| String::new()),
        casbin_engine("Casbin, the project's rules picked", rules, pushes, &pushers, project),
    ]);
    engines
}

/// Who pushes, push by push.
fn pushers<'c>(company: &'c Company, pushes: &[Push]) -> Vec<&'c Person> {
    let people: BTreeMap<_, _> =
        company.people.iter().map(|person| (person.username.as_str(), person)).collect();
    pushes.iter().map(|push| people[push.pusher.as_str()]).collect()
}

fn ours_engine<'a>(
    name: &str,
    state: State,
    pushes: &[Push],
    outcome: impl Fn(&ours::Question, &State) -> Outcome + 'a,
) -> Engine<'a> {
    let questions: Vec<_> = pushes.iter().map(ours::Question::new).collect();
    Engine::new(name, move |push| outcome(&questions[push], &state) == Outcome::Permitted)
}

/// Cedar's authorizer looks at every policy that it is given. `part` says by which name to group pushes, so that each
/// meets a set of only the policies that can touch it; our index does that by itself.
fn cedar_engine<'a>(
    name: &str,
    rules: &Rules,
    pushes: &[Push],
    pushers: &[&Person],
    part: impl Fn(&str) -> String,
) -> Engine<'a> {
    let sets = built(name, || parts(rules, pushes, &part, cedar::policies));
    let asked: Vec<_> = pushes
        .iter()
        .zip(pushers)
        .map(|(push, pusher)| {
            let request = cedar::request(push, &push.updates[0]);
            (part(&push.repository), request, cedar::slice(rules, push, Some(pusher)))
        })
        .collect();
    Engine::new(name, move |push| {
        let (part, request, slice) = &asked[push];
        cedar::decide(&sets[part], request, slice).decision() == Decision::Allow
    })
}

fn rego_engines<'a>(rules: &Rules, pushes: &[Push], pushers: &[&Person]) -> [Engine<'a>; 2] {
    let mut interpreter = built(INTERPRETER, || rego::Interpreter::new(rules));
    let mut machine = built(MACHINE, || rego::Machine::new(rules));
    let inputs = || pushes.iter().zip(pushers).map(|(push, pusher)| rego::input(push, pusher)).collect();
    let (one, other): (Vec<_>, Vec<_>) = (inputs(), inputs());
    [
        Engine::new(INTERPRETER, move |push| interpreter.permits(&one[push])),
        Engine::new(MACHINE, move |push| machine.permits(&other[push])),
    ]
}

fn casbin_engine<'a>(
    name: &str,
    rules: &Rules,
    pushes: &[Push],
    pushers: &[&Person],
    part: impl Fn(&str) -> String,
) -> Engine<'a> {
    let pushers: BTreeMap<_, _> = pushers.iter().map(|person| (&person.username, *person)).collect();
    let holders = casbin::holders(rules, pushers.into_values());
    let enforcers = built(name, || parts(rules, pushes, &part, |rules| casbin::enforcer(rules, &holders)));
    let asked: Vec<_> = pushes.iter().map(|push| (part(&push.repository), casbin::request(push))).collect();
    Engine::new(name, move |push| {
        let (part, request) = &asked[push];
        casbin::permits(&enforcers[part], request)
    })
}

/// What `make` makes of the rules that can touch each part of the pushes.
fn parts<T>(
    rules: &Rules,
    pushes: &[Push],
    part: impl Fn(&str) -> String,
    make: impl Fn(&Rules) -> T,
) -> BTreeMap<String, T> {
    let names: BTreeSet<_> = pushes.iter().map(|push| part(&push.repository)).collect();
    let touches = |place: &str, name: &str| place == "**" || folded(place).starts_with(name);
    let of = |name: String| {
        let made = make(&rules.only(|rule| rule.on.iter().any(|place| touches(place, &name))));
        (name, made)
    };
    names.into_iter().map(of).collect()
}

/// `p7/` of `P7/repo-1`: what every repository of the project begins with.
fn project(repository: &str) -> String {
    folded(&repository[..=repository.find('/').unwrap()])
}

fn built<T>(name: &str, build: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let built = build();
    println!("{:<48} {:>12}", name, time(start.elapsed().as_secs_f64() * 1e9));
    built
}

/// A benchmark of engines that do different work would compare nothing.
fn agree(engines: &mut [Engine<'_>], pushes: &[Push]) {
    let verdicts: Vec<_> = engines.iter_mut().map(|engine| engine.verdicts(pushes.len())).collect();
    for (engine, theirs) in engines.iter().zip(&verdicts) {
        for (push, (our, their)) in pushes.iter().zip(verdicts[0].iter().zip(theirs)) {
            assert_eq!(our, their, "ours and {} disagree on {push:?}", engine.name);
        }
    }
    let permitted = verdicts[0].iter().filter(|permitted| **permitted).count();
    let share = permitted * 100 / pushes.len();
    println!("\nall agree on {} pushes, of which {share} % are permitted", pushes.len());
    assert!((30..=80).contains(&share), "pushes that are nearly all decided alike would compare little");
}
