//! Law 8: what explain says of every rule, and whom `who` names.

use std::collections::{BTreeMap, BTreeSet};

use oam_policy::{
    Channel, Evaluation, RefName, Repository, RuleId, State, Verb, Verdict, decide,
    decide::PushVerdict,
    explain::{self, Dimension, Explanation, Fit, RuleKind, RuleTrace},
    question::{Circumstances, ImaginedCommit, ImaginedTag, Question},
    rule::Asker,
    who,
};
use proptest::{collection::vec, option, prelude::*, sample::select, sample::subsequence};

use crate::{
    cases,
    chance::{NAMES, PATHS, VERBS, who as anybody, world, world_for_a_while},
    conditions, engine,
    oracle::{Maybe, Oracle, Outcome, Way, is_built_in, same_name},
    pushes::push,
    truth::path,
    world::{
        Commit, Dark, History, Named, PullRequest, Push, Rule, Says, Signature, Tip, Update, Use, Who, World,
    },
    written::moment,
};

/// A question, and the push that it imagines.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) question: Question,
    pub(crate) push: Push,
    waivers: Vec<String>,
}

#[derive(Debug, Clone)]
struct Said {
    verb: &'static str,
    paths: Option<Vec<&'static str>>,
    commit: Option<ImaginedCommit>,
    commits: Option<u64>,
    tag: ImaginedTag,
    approved_by: Vec<Who>,
    waivers: Vec<&'static str>,
}

fn said() -> impl Strategy<Value = Said> {
    // The oracle supposes no message, and there is none that every pattern fits: one is said.
    let message = prop_oneof![Just("A-1 fix"), Just("fix")].prop_map(|message| Some(message.to_owned()));
    let commit =
        (message, any::<[bool; 6]>(), select(&[0_u64, 10, 11, 30][..])).prop_map(|(message, is, blob)| {
            let [committer_is_pusher, author_known, signed, signed_off, merge, foreign_merge] = is;
            ImaginedCommit {
                message,
                committer_is_pusher,
                author_known,
                signed,
                signed_off,
                merge,
                foreign_merge,
                blob,
            }
        });
    let waivers = subsequence(vec!["rule0", "rule1", "rule2", "rule3", "rule4", "rule5", "rule6"], 0..=7);
    let paths = option::weighted(0.8, subsequence(PATHS.to_vec(), 0..=2));
    let commits = option::of(0_u64..4);
    let tag = select(&ImaginedTag::ALL[..]);
    (select(&VERBS[..]), paths, option::of(commit), commits, tag, vec(anybody(), 0..4), waivers).prop_map(
        |(verb, paths, commit, commits, tag, approved_by, waivers)| Said {
            verb,
            paths,
            commit,
            commits,
            tag,
            approved_by,
            waivers,
        },
    )
}

pub(crate) fn asked() -> impl Strategy<Value = Asked> {
    (push(), said(), option::weighted(0.2, subsequence(vec!["r0", "r1", "r2"], 0..=3))).prop_map(
        |(push, said, roles)| {
            let update = &push.updates[0];
            let question = Question {
                repository: Repository::parse(push.repository).unwrap(),
                name: RefName::parse(update.name.as_bytes()).unwrap(),
                verb: Verb::parse(said.verb).unwrap(),
                channel: Channel::parse(push.channel).unwrap(),
                circumstances: Circumstances {
                    paths: said.paths.as_ref().map(|paths| paths.iter().map(|name| path(name)).collect()),
                    commit: said.commit.clone(),
                    commits: said.commits,
                    tag: said.tag,
                    approved_by: said.approved_by.iter().map(Who::asker).collect(),
                    waivers: said.waivers.iter().map(|id| id.parse().unwrap()).collect(),
                },
            };
            let update = Update {
                change: if ["create", "delete"].contains(&said.verb) { said.verb } else { "move" },
                name: update.name,
                forward: Some(said.verb != "force"),
                history: history(&said),
                tip: tip(said.tag),
                dark: Dark { paths: said.paths.is_none(), ..Dark::default() },
            };
            let approvals = said.approved_by.iter().map(|who| (who.clone(), true)).collect();
            let push = Push {
                by: roles.map_or_else(|| push.by.clone(), Who::Holding),
                updates: vec![update],
                existing: Vec::new(),
                pull_request: PullRequest { approvals, ..PullRequest::default() },
                ..push
            };
            Asked { question, push, waivers: said.waivers.iter().map(ToString::to_string).collect() }
        },
    )
}

fn history(said: &Said) -> History {
    let size = said.commit.as_ref().map_or(0, |commit| commit.blob);
    let files = match &said.paths {
        Some(paths) => paths.iter().map(|path| (*path, size)).collect(),
        None if size > 0 => vec![("file", size)],
        None => vec![],
    };
    let who = |is_pusher| if is_pusher { Named::Pusher } else { Named::Stranger };
    let commit = said.commit.as_ref().map(|commit| Commit {
        subject: if commit.message.as_deref() == Some("fix") { "fix" } else { "A-1 fix" },
        signed_off: commit.signed_off,
        author: who(commit.author_known),
        committer: who(commit.committer_is_pusher),
        parents: if commit.merge || commit.foreign_merge { 2 } else { 1 },
        foreign: commit.foreign_merge,
        signature: if commit.signed { Signature::GoodByCommitter } else { Signature::Absent },
        changes: Vec::new(),
    });
    let commits: Vec<_> = commit.into_iter().collect();
    let count = said.commits.map_or(commits.len(), |count| usize::try_from(count).unwrap());
    History::Told { paths: said.paths.clone().unwrap_or_default(), files, commits, count }
}

fn tip(tag: ImaginedTag) -> Tip {
    let signature = match tag {
        ImaginedTag::Lightweight => return Tip::Other,
        ImaginedTag::Signed => Signature::GoodByCommitter,
        ImaginedTag::Annotated => Signature::Absent,
    };
    Tip::Tag { tagger: Named::Pusher, signature }
}

/// Any world, and one in which some have something for a while. No question shows the token of a lease.
pub(crate) fn any_world() -> impl Strategy<Value = World> {
    prop_oneof![world(), world_for_a_while().prop_map(|world| World { shown: None, ..world })]
}

/// The state of a world at the moment of a push: what jobs have leased begins and ends by it.
pub(crate) fn state(world: &World, push: &Push) -> State {
    let engine = engine::Engine::new(world);
    State { leases: engine.leases(push), ..engine.state }
}

/// Everybody about whom `who` asks, by their name in lower case.
pub(crate) fn everybody(world: &World) -> BTreeMap<String, &'static str> {
    let accounts = world.leased.iter().filter_map(crate::leased::Leased::account);
    let services = world.roles.iter().flat_map(|role| role.service.iter().copied());
    let accounts: Vec<_> = services.chain(accounts).collect();
    let is_service = |name: &str| accounts.iter().any(|one| same_name(one, name));
    // Of a service that the directory does not know, nobody knows the spelling: it is taken to be in lower case.
    let services = NAMES.into_iter().filter(|name| *name == name.to_lowercase() && is_service(name));
    let people = world.people.iter().map(|person| person.name);
    services.chain(people).map(|name| (name.to_lowercase(), name)).collect()
}

/// The world in which `by` uses the waivers of a question as they should be used.
pub(crate) fn using(world: &World, asked: &Asked, by: &'static str) -> World {
    let mut world = world.clone();
    let used: Vec<_> = world.rules.iter().filter(|rule| asked.waivers.contains(&rule.id)).cloned().collect();
    for rule in used {
        let Says::Waiver { second_person, .. } = &rule.says else { continue };
        world.uses.push(Use {
            waiver: rule.id.clone(),
            lifts: Vec::new(),
            by,
            on: None,
            from: asked.push.now,
            to: asked.push.now + 1,
            reason: "a question",
            approved_by: Some(Who::Holding(second_person.clone())),
        });
    }
    world
}

fn fit(is_so: Maybe) -> Fit {
    match is_so {
        Some(true) => Fit::Fits,
        Some(false) => Fit::Differs,
        None => Fit::Unknown,
    }
}

/// What explain should find in each dimension; of the paths of a grant, by all ways together in which somebody has it.
fn findings(oracle: &Oracle<'_>, rule: &Rule, update: &Update) -> [(Dimension, Fit); 6] {
    let verb = crate::oracle::verb(update).unwrap();
    let lifts = |one: &Rule| {
        let only = World {
            uses: oracle.world.uses.iter().filter(|used| used.waiver == rule.id).cloned().collect(),
            ..oracle.world.clone()
        };
        Oracle::new(&only, oracle.push).is_lifted(one, update)
    };
    let is_covered = |ways: &[Way<'_>]| oracle.is_uncovered(ways, update).map(|uncovered| !uncovered);
    let ways = if rule.is_grant() { oracle.ways(rule, update, verb) } else { Vec::new() };
    let is_reached = oracle.concerns(rule) || !ways.is_empty();
    let (time, path) = match &rule.says {
        Says::Grant { .. } if ways.is_empty() || oracle.concerns(rule) => {
            (oracle.is_live(rule), is_covered(&[Way { grant: rule, within: [None; 2] }]))
        }
        Says::Grant { .. } => (oracle.is_live(rule), is_covered(&ways)),
        Says::Block { paths, .. } => (oracle.is_live(rule), oracle.touches(rule, paths, update)),
        Says::Require(_) => (oracle.is_live(rule), Some(true)),
        Says::Waiver { .. } => (oracle.world.rules.iter().any(lifts), Some(true)),
    };
    [
        (Dimension::Repository, fit(Some(oracle.is_on(rule)))),
        (Dimension::Ref, fit(Some(oracle.is_in_refs(rule, update)))),
        (Dimension::Verb, fit(Some(rule.is_waiver() || rule.verbs.contains(&verb)))),
        (Dimension::Role, fit(Some(is_reached))),
        (Dimension::Time, fit(Some(time))),
        (Dimension::Path, fit(path)),
    ]
}

/// Whether a rule by which somebody is given something for a while gives the pusher anything here.
fn gives(oracle: &Oracle<'_>, trace: &RuleTrace, update: &Update) -> Option<bool> {
    let Oracle { world, push, .. } = oracle;
    let number = |kind: &str| trace.id.as_str().strip_prefix(kind)?.parse::<usize>().ok();
    match trace.kind {
        RuleKind::Elevation => Some(world.elevated[number("elevation")?].is_good(world, push, update)),
        RuleKind::Workload => {
            let (number, verb) = (number("workload")?, crate::oracle::verb(update)?);
            let one = &world.leased[number];
            Some(one.counts(number, world.shown) && one.is_for(verb) && one.is_good(world, push, update))
        }
        _ => None,
    }
}

/// How many conditions are met, are not, and cannot be told.
fn count(fits: impl Iterator<Item = Fit>) -> [usize; 3] {
    let fits: Vec<_> = fits.collect();
    [Fit::Fits, Fit::Differs, Fit::Unknown].map(|fit| fits.iter().filter(|one| **one == fit).count())
}

fn agrees(oracle: &Oracle<'_>, trace: &RuleTrace) -> Result<(), TestCaseError> {
    let update = &oracle.push.updates[0];
    if [RuleKind::Elevation, RuleKind::Workload].contains(&trace.kind) {
        // What was given is of some places and verbs, and the rule of more.
        prop_assert_eq!(trace.matched(), gives(oracle, trace, update).unwrap(), "{}", &trace.id);
        return Ok(());
    }
    let Some(rule) = oracle.world.rules.iter().find(|rule| rule.id == trace.id.as_str()) else {
        let deletes = trace.id.as_str() == "oam:canary" && update.change == "delete";
        prop_assert_eq!(trace.matched(), is_built_in(trace.id.as_str(), update.name) && !deletes);
        return Ok(());
    };
    let found: Vec<_> = trace.findings.iter().map(|finding| (finding.dimension, finding.fit)).collect();
    prop_assert_eq!(found, findings(oracle, rule, update).to_vec(), "{}", &rule.id);
    prop_assert_eq!(trace.evaluate_only, rule.evaluate);
    prop_assert_eq!(trace.matched(), trace.why_not().is_none());
    prop_assert_eq!(trace.lifted_by.is_some(), oracle.is_lifted(rule, update), "{} is lifted", &rule.id);
    if let Says::Require(asked) = &rule.says {
        let missing = conditions::missing(oracle, update, rule, asked);
        let unmet = missing
            .iter()
            .filter(|(_, missing)| *missing != Some(false))
            .map(|(_, missing)| fit(missing.map(|is| !is)));
        prop_assert_eq!(
            count(trace.conditions.iter().map(|one| one.fit))[1..].to_vec(),
            count(unmet)[1..].to_vec()
        );
    }
    Ok(())
}

/// Whether it is said of a rule in force that something depends on what is not said.
fn is_unknown(trace: &RuleTrace) -> bool {
    let findings = trace.findings.iter().map(|one| one.fit);
    let mut all = findings.chain(trace.conditions.iter().map(|one| one.fit));
    !trace.evaluate_only && all.any(|fit| fit == Fit::Unknown)
}

/// The grant that carries a push alone matches, whatever else of it somebody has; of those that do together each is told of.
fn tells_of_what_carries(explained: &Explanation) -> Result<(), TestCaseError> {
    let PushVerdict::PerRef(refs) = explained.decision.verdict() else { return Ok(()) };
    let Verdict::Permitted(permit) = &refs.first().verdict else { return Ok(()) };
    let grant = |id: &RuleId| {
        explained
            .rules
            .iter()
            .find(|rule| rule.kind == RuleKind::Grant && !rule.evaluate_only && rule.id == *id)
    };
    let carrying = grant(permit.grant());
    prop_assert!(carrying.is_some(), "{:?}", permit);
    if permit.other_grants().is_empty() {
        prop_assert!(carrying.is_some_and(RuleTrace::matched), "{:?}: {:?}", permit, carrying);
    }
    prop_assert!(permit.other_grants().iter().all(|other| grant(other).is_some()), "{:?}", permit);
    Ok(())
}

/// What rules in force ask for and nobody said.
fn supposed(explained: &Explanation) -> Vec<String> {
    let bind =
        explained.rules.iter().filter(|one| one.matched() && !one.evaluate_only && one.lifted_by.is_none());
    let conditions = bind.flat_map(|rule| &rule.conditions).filter(|one| one.supposed);
    conditions.map(|one| one.detail.clone()).collect()
}

proptest! {
    #![proptest_config(cases(400))]

    /// Every rule that is on the repository or on the ref is named, whether it matched in each dimension, and the decision
    /// beside it is the one that `decide` makes.
    #[test]
    fn explain_names_every_rule_and_agrees_with_decide(world in any_world(), asked in asked()) {
        let by = match asked.push.by { Who::Name(name) => name, Who::Holding(_) => "${user}" };
        let imagined = using(&world, &asked, by);
        let oracle = Oracle::new(&imagined, &asked.push);
        let (state, now) = (state(&world, &asked.push), moment(asked.push.now));
        let update = &asked.push.updates[0];
        let expected = &oracle.answers()[0];
        let explained = explain::explain(&state, &asked.push.by.asker(), &asked.question, now);
        let rules = match &explained {
            Ok(explained) => &explained.rules,
            Err(depends) => &depends.rules,
        };
        let written = |rule: &&Rule| match &rule.says {
            Says::Waiver { lifts, .. } => lifts.iter().any(|id| world.can_be_lifted(id)),
            _ => true,
        };
        let mut named: BTreeSet<_> = world.rules.iter().filter(written)
            .filter(|rule| oracle.is_on(rule) || oracle.is_in_refs(rule, update))
            .map(|rule| rule.id.as_str())
            .collect();
        named.extend(["oam:canary", "oam:replace-refs"]);
        let is_of_rules = |rule: &&RuleTrace| ![RuleKind::Elevation, RuleKind::Workload].contains(&rule.kind);
        let told = rules.iter().filter(is_of_rules).map(|rule| rule.id.as_str());
        prop_assert_eq!(named, told.collect::<BTreeSet<_>>());
        rules.iter().try_for_each(|trace| agrees(&oracle, trace))?;
        let Ok(explained) = &explained else {
            prop_assert_eq!(oracle.outcome(), Outcome::Undecided);
            prop_assert!(rules.iter().any(is_unknown), "{:?}", rules);
            return Ok(());
        };
        let outcome = engine::outcome(&explained.decision);
        prop_assert_eq!(outcome, oracle.outcome());
        if let Who::Name(name) = asked.push.by {
            let request = asked.question.request(name.parse().unwrap());
            // Where it asks, that is for a rule on trial: otherwise there would be no explanation.
            if let Evaluation::Decided(decided) = decide(&self::state(&imagined, &asked.push), &request, &asked.question.facts(), now) {
                prop_assert_eq!(format!("{decided:?}"), format!("{:?}", explained.decision));
            }
        }
        let otherwise = explained.otherwise.as_ref().map(engine::outcome);
        // What depends on what is not said is told of nobody who is refused for who they are.
        let known = oracle.rejection().is_some() && expected.outcome != Outcome::Undecided;
        prop_assert_eq!(otherwise, known.then_some(expected.outcome));
        tells_of_what_carries(explained)?;
    }

    /// `who` names exactly those whom `decide` permits, counts those of whom it cannot be said, and supposes what is supposed
    /// of any of the former.
    #[test]
    fn who_names_exactly_those_who_may(world in any_world(), asked in asked()) {
        let mut expected = (BTreeSet::new(), 0);
        for (key, name) in everybody(&world) {
            let push = Push { by: Who::Name(name), ..asked.push.clone() };
            match Oracle::new(&using(&world, &asked, name), &push).outcome() {
                Outcome::Permitted => drop(expected.0.insert(key)),
                Outcome::Undecided => expected.1 += 1,
                Outcome::Refused => {}
            }
        }
        let state = state(&world, &asked.push);
        let found = who::who(&state, &asked.question, moment(asked.push.now)).unwrap();
        for (way, people) in &found.can {
            for one in people {
                let name = NAMES.into_iter().find(|name| same_name(name, one.username.as_str())).unwrap();
                let (world, push) = (using(&world, &asked, name), Push { by: Who::Name(name), ..asked.push.clone() });
                let oracle = Oracle::new(&world, &push);
                let grant = oracle.rule(way.grant.as_str()).unwrap();
                let is_standing = way.elevation.is_none();
                prop_assert!(oracle.is_through(grant, way.role.as_ref().map(oam_policy::RoleId::as_str), is_standing), "{:?}", way);
                prop_assert!(oracle.helps(grant, &push.updates[0]), "{:?} covers nothing", way);
            }
        }
        let can = found.can.values().flatten().map(|one| one.username.as_str().to_lowercase());
        prop_assert_eq!((can.collect::<BTreeSet<_>>(), found.unclear.count), expected);
        let now = moment(asked.push.now);
        let supposed = found.can.values().flatten().flat_map(|one| {
            let asker = Asker::User(one.username.as_ref().clone());
            supposed(&explain::explain(&state, &asker, &asked.question, now).unwrap())
        });
        prop_assert_eq!(supposed.collect::<BTreeSet<_>>(), found.supposing);
    }
}
