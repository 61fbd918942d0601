use std::sync::OnceLock;

use super::{LeaseUse, people::People};
use crate::{
    facts::{Commit, Kind, NewFile},
    name::TreePath,
    reason::SignatureFault,
    request::Request,
    rule::{CommitChecks, MessagePattern, PathSet, Policy},
    snapshot::{Snapshot, SnapshotVersion},
};

/// How all rules on one repository see paths, files and commits: what none of them tells apart is of one kind. It does
/// not depend on the time, nor on which of the rules are live.
#[derive(Debug)]
pub struct Sieve<'a> {
    policy: &'a Policy,
    people: People<'a>,
    request: &'a Request,
    leases: &'a [LeaseUse],
    /// Nobody needs them before a list grows too long.
    rules: OnceLock<Rules<'a>>,
}

/// All that rules on the repository ask of one thing.
#[derive(Debug)]
struct Rules<'a> {
    paths: Vec<&'a PathSet>,
    checks: Vec<&'a CommitChecks>,
    messages: Vec<&'a MessagePattern>,
}

impl<'a> Sieve<'a> {
    /// For what is told of `request`.
    pub fn new(policy: &'a Policy, snapshot: Option<&'a Snapshot>, request: &'a Request) -> Self {
        let people = People { snapshot, pusher: &request.pusher };
        Self { policy, people, request, leases: &[], rules: OnceLock::new() }
    }

    /// The same where the pusher has these leases: those of some paths tell paths apart as well.
    #[must_use]
    pub fn beside(self, leases: &'a [LeaseUse]) -> Self {
        Self { leases, rules: OnceLock::new(), ..self }
    }

    /// The paths that leases tell apart.
    pub(crate) fn leased_paths(&self) -> impl Iterator<Item = &'a PathSet> {
        self.leases.iter().filter_map(|lease| lease.paths.as_ref())
    }

    pub(crate) fn policy(&self) -> &Policy {
        self.policy
    }

    pub(crate) fn directory(&self) -> Option<SnapshotVersion> {
        self.people.snapshot.map(Snapshot::version)
    }

    /// Rules with other refs look at the path as well: whether a path is covered is a question to several grants.
    pub(crate) fn of_path(&self, path: &TreePath) -> Kind {
        bits(self.rules().paths.iter().map(|paths| paths.matches(path)))
    }

    pub(crate) fn of_file(&self, file: &NewFile) -> Kind {
        let extension = file.path.extension();
        bits(self.rules().checks.iter().flat_map(|checks| {
            [
                checks.max_blob.is_some_and(|max| file.size > max),
                checks.forbid_paths.as_ref().is_some_and(|paths| paths.matches(&file.path)),
                extension.is_some_and(|extension| checks.forbids_extension(extension)),
            ]
        }))
    }

    pub(crate) fn of_commit(&self, commit: &Commit) -> Kind {
        // One that is told apart by more does not compile before it stands here.
        let Commit { id: _, subject, signed_off, author, committer, parents, foreign, signature: _ } = commit;
        let messages = self.rules().messages.iter().map(|pattern| pattern.matches(subject));
        let people = [self.people.is_pusher(committer), self.people.is_known(author)];
        let itself = [*signed_off, *parents > 1, *foreign];
        bits(people.into_iter().chain(itself).chain(self.of_signature(commit)).chain(messages))
    }

    /// As many kinds as there are reasons.
    fn of_signature(&self, commit: &Commit) -> [bool; SignatureFault::ALL.len()] {
        let unaccepted = self.people.unaccepted(&commit.signature, &commit.committer);
        SignatureFault::ALL.map(|fault| unaccepted.as_ref().is_some_and(|(found, _)| *found == fault))
    }

    fn rules(&self) -> &Rules<'a> {
        self.rules.get_or_init(|| Rules::on(self))
    }
}

impl<'a> Rules<'a> {
    fn on(sieve: &Sieve<'a>) -> Self {
        let (policy, request) = (sieve.policy, sieve.request);
        let repository = &request.repository;
        let grants = policy.grants().iter().filter(|grant| grant.on.matches(repository));
        let blocks = policy.all_blocks().filter(|block| block.on.matches(repository));
        let requires: Vec<_> = policy.requires().iter().filter(|rule| rule.on.matches(repository)).collect();
        let approvals = requires.iter().flat_map(|rule| &rule.approvals);
        let paths = grants.filter_map(|grant| grant.paths.as_ref());
        let paths = paths.chain(blocks.filter_map(|block| block.paths.as_ref()));
        let workloads = policy.workloads().iter().filter(|workload| workload.on.matches(repository));
        let paths = paths.chain(workloads.filter_map(|workload| workload.paths.as_ref()));
        let paths = paths.chain(sieve.leased_paths());
        let checks: Vec<_> =
            requires.iter().map(|rule| &rule.commits).filter(|checks| !checks.is_empty()).collect();
        Self {
            paths: paths.chain(approvals.filter_map(|wanted| wanted.paths.as_ref())).collect(),
            messages: checks.iter().filter_map(|checks| checks.message.as_ref()).collect(),
            checks,
        }
    }
}

fn bits(all: impl Iterator<Item = bool>) -> Kind {
    let mut words = Vec::new();
    for (place, bit) in all.enumerate() {
        if place % 64 == 0 {
            words.push(0_u64);
        }
        if let Some(word) = words.last_mut() {
            *word |= u64::from(bit) << (place % 64);
        }
    }
    words.into()
}
