//! Whether the policy decides what Bitbucket decides: both are asked about every person, in every repository, about refs that
//! each restriction is met by and just not met by, and every way to change them.
//!
//! People who are alike in all that Bitbucket and the policy can know of them are asked about once, and so are repositories.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use oam_policy::{
    Channel, Circumstances, Evaluation, Outcome, Question, RefName, Repository, State, Username, decide,
};

use super::{Choices, Found, Imported, left::Doubted, tidy, witness};
use crate::{
    BranchModel, GlobalLevel, ProjectKey, Restriction,
    model::{Answer, Change, Doubt, Rights, at_ref},
    permission::{Holder, Level, Place},
};

/// How much is compared.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many questions are asked at most.
    pub questions: u64,
    /// How many differences are told at most.
    pub told: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { questions: 10_000_000, told: 200 }
    }
}

/// What came of comparing.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// How many questions were asked.
    pub questions: u64,
    /// How many people were asked about, and how many kinds of them there are.
    pub people: (usize, usize),
    /// How many repositories, and how many kinds of them.
    pub repositories: (usize, usize),
    /// How many refs, over all kinds of repositories.
    pub refs: u64,
    /// Where they differ: the first of each kind of person and repository.
    pub differences: Vec<Difference>,
    /// How many questions have different answers.
    pub differing: u64,
    /// Of those, how many nothing explains that could not be carried over.
    pub unexplained: u64,
    /// How often the policy says no where nobody can tell what Bitbucket says.
    pub unclear: BTreeMap<Doubt, u64>,
    /// Whether all was compared.
    pub complete: bool,
}

/// A question to which Bitbucket and the policy have different answers.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Who asks.
    pub user: Holder,
    /// Where.
    pub repository: Repository,
    /// About which ref.
    pub name: RefName,
    /// What.
    pub change: Change,
    /// What Bitbucket says.
    pub bitbucket: Answer,
    /// What the policy says.
    pub policy: Outcome,
    /// Which of what could not be carried over explains it, by its place in the list.
    pub because: Option<usize>,
    /// How many people there are like this one.
    pub people: usize,
    /// How many repositories there are like this one.
    pub repositories: usize,
}

impl Difference {
    /// Whether the policy gives more than Bitbucket surely does.
    pub fn is_wider(&self) -> bool {
        self.policy == Outcome::Permitted
    }
}

/// One of people who are alike, and how many they are.
struct Person {
    user: Holder,
    username: Username,
    count: usize,
}

/// What tells people apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Traits {
    groups: BTreeSet<Holder>,
    /// Somebody who is named somewhere is like nobody else.
    named: Option<Holder>,
    /// Whether they use Bitbucket by name.
    by_name: bool,
}

/// What tells repositories apart: all that is read of them.
type Likeness = (ProjectKey, Vec<(Holder, Level)>, Vec<String>, Option<BranchModel>);

/// Asks both.
pub fn compare(
    found: &Found,
    choices: &Choices,
    imported: &Imported,
    now: Timestamp,
    bounds: Bounds,
) -> Compared {
    let snapshot = tidy::directory(found, choices, now);
    let complete = snapshot.is_some();
    let policy = Some(Arc::new(imported.policy.clone()));
    let mut comparison = Comparison {
        found,
        imported,
        rights: Rights::of(found),
        state: State { policy, snapshot, ..State::default() },
        now,
        bounds,
        told: BTreeMap::new(),
        came: Compared { complete, ..Compared::default() },
    };
    comparison.run(choices);
    comparison.came.differences.extend(comparison.told.into_values());
    comparison.came
}

struct Comparison<'a> {
    found: &'a Found,
    imported: &'a Imported,
    rights: Rights,
    state: State,
    now: Timestamp,
    bounds: Bounds,
    told: BTreeMap<(bool, Option<usize>, Repository, Holder), Difference>,
    came: Compared,
}

impl Comparison<'_> {
    fn run(&mut self, choices: &Choices) {
        let people = self.people(choices);
        let mut alike: BTreeMap<Likeness, Vec<&Repository>> = BTreeMap::new();
        for repository in self.found.repositories() {
            alike.entry(likeness(self.found, repository)).or_default().push(repository);
        }
        self.came.people = (people.iter().map(|person| person.count).sum(), people.len());
        self.came.repositories = (alike.values().map(Vec::len).sum(), alike.len());
        for all in alike.values() {
            if let Some(first) = all.first() {
                self.repository(first, all.len(), &people);
            }
        }
    }

    /// Everybody whom Bitbucket lets in, and no directory would call otherwise.
    fn people(&self, choices: &Choices) -> Vec<Person> {
        let named = named(self.found);
        let mut alike: BTreeMap<Traits, Person> = BTreeMap::new();
        for account in &self.found.seen.accounts.is {
            let (Some(user), Ok(username)) = (account.holder(), Username::parse(&account.name)) else {
                continue;
            };
            if self.rights.everywhere(&user).is_none() {
                continue;
            }
            let is_named = named.contains(&user) || choices.is_service(&user);
            let traits = Traits {
                groups: self.rights.groups(&user).cloned().collect(),
                named: is_named.then(|| user.clone()),
                by_name: self.found.seen.everywhere.is.iter().any(|one| one.holder == user),
            };
            alike.entry(traits).or_insert(Person { user, username, count: 0 }).count += 1;
        }
        alike.into_values().collect()
    }

    fn repository(&mut self, repository: &Repository, alike: usize, people: &[Person]) {
        let found = self.found;
        let model = found.model(repository);
        let restrictions: Vec<&Restriction> = found.restrictions(repository).collect();
        let mut names: BTreeSet<RefName> =
            witness::ANYWHERE.iter().filter_map(|name| RefName::parse(name.as_bytes()).ok()).collect();
        let anywhere = names.clone();
        names.extend(restrictions.iter().flat_map(|one| witness::names(&one.matcher, model)));
        self.came.refs += names.len() as u64;
        let exempt = |user: &Holder| -> BTreeSet<u64> {
            let is = |one: &&&Restriction| self.rights.is_among(user, &one.users, &one.groups);
            restrictions.iter().filter(is).map(|one| one.id).collect()
        };
        let askers: Vec<_> = people
            .iter()
            .map(|person| {
                let may_write = self.rights.level(&person.user, repository) >= Some(Level::Write);
                (person, may_write, exempt(&person.user))
            })
            .collect();
        for name in &names {
            let shown = name.to_string();
            let here = at_ref(restrictions.iter().copied(), model, &shown);
            for (person, may_write, exempt) in &askers {
                // Whoever may not write is refused wherever, and granted nothing that is not wide.
                if !may_write && !anywhere.contains(name) {
                    continue;
                }
                for change in Change::ALL {
                    if self.came.questions >= self.bounds.questions {
                        self.came.complete = false;
                        return;
                    }
                    self.came.questions += 1;
                    let bitbucket = match may_write {
                        true => here.decide(change, |one| exempt.contains(&one.id)),
                        false => Answer::Refused,
                    };
                    let policy = self.policy(person, repository, name, change);
                    self.note((person, repository, name), change, (bitbucket, policy), alike);
                }
            }
        }
    }

    fn policy(&self, person: &Person, repository: &Repository, name: &RefName, change: Change) -> Outcome {
        let channel = if change.merged { Channel::PullRequestMerge } else { Channel::Push };
        let question = Question {
            repository: repository.clone(),
            name: name.clone(),
            verb: change.verb,
            channel,
            circumstances: Circumstances::default(),
        };
        let request = question.request(person.username.clone());
        match decide(&self.state, &request, &question.facts(), self.now) {
            Evaluation::Decided(decision) => decision.outcome(),
            Evaluation::Needs(_) => Outcome::Undecided,
        }
    }

    fn note(
        &mut self,
        (person, repository, name): (&Person, &Repository, &RefName),
        change: Change,
        (bitbucket, policy): (Answer, Outcome),
        repositories: usize,
    ) {
        let wider = policy == Outcome::Permitted;
        match (bitbucket, wider) {
            (Answer::Permitted, true) | (Answer::Refused, false) => return,
            (Answer::Unclear(doubt), false) => {
                *self.came.unclear.entry(doubt).or_default() += 1;
                return;
            }
            (Answer::Permitted, false) | (Answer::Refused | Answer::Unclear(_), true) => {}
        }
        let shown = name.to_string();
        let doubted = Doubted { user: &person.user, repository, name: &shown, wider };
        let because = self.imported.left.iter().position(|left| left.explains(&doubted, &self.rights));
        self.came.differing += 1;
        self.came.unexplained += u64::from(because.is_none());
        let key = (because.is_some(), because, repository.clone(), person.user.clone());
        if self.told.len() < self.bounds.told || because.is_none() && self.told.len() < 2 * self.bounds.told {
            self.told.entry(key).or_insert_with(|| Difference {
                user: person.user.clone(),
                repository: repository.clone(),
                name: name.clone(),
                change,
                bitbucket,
                policy,
                because,
                people: person.count,
                repositories,
            });
        }
    }
}

/// Those whom a permission or an exemption names.
fn named(found: &Found) -> BTreeSet<Holder> {
    let given = found.seen.permissions.values().flat_map(|known| &known.is).map(|(holder, _)| holder.clone());
    let administer = found.seen.everywhere.is.iter().filter(|one| one.level >= GlobalLevel::Admin);
    let exempt = found.around.restrictions.iter().flat_map(|(_, one)| &one.users);
    let all = given
        .chain(administer.map(|one| one.holder.clone()))
        .chain(exempt.filter_map(|name| Holder::user(name)));
    all.filter(|holder| holder.as_user().is_some()).collect()
}

fn likeness(found: &Found, repository: &Repository) -> Likeness {
    let place = Place::Repository(repository.clone());
    let own = found.around.restrictions.iter().filter(|(at, _)| *at == place);
    let mut own: Vec<_> = own.map(|(_, one)| format!("{:?}", Restriction { id: 0, ..one.clone() })).collect();
    own.sort_unstable();
    let mut given: Vec<_> = found.seen.at(&place).into_iter().collect();
    given.sort();
    (ProjectKey::of(repository), given, own, found.model(repository).cloned())
}
