use std::{collections::BTreeSet, mem, ops::ControlFlow, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use oam_audit::{entry::Update, people::is_closed};
use oam_policy::{Facts, Policy, Request, State, rule::RepositorySet};

use super::{
    again::{Judged, again},
    compare::Found,
    directories::{Directories, Directory},
    policies::Policies,
    recorded::{Joiner, Recorded},
    tally::{Summary, Untold, Verdict},
    usage::Usage,
};
use crate::{
    audit_log::{AuditLog, ReadError},
    authorize::record,
};

/// After how many entries it is told how far it has come, and noticed that nobody listens.
const STRIDE: u64 = 500;
/// How far a clock may have been set back without an entry being overlooked.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(24);

/// What decisions are made again by.
#[derive(Debug, Clone)]
pub enum Basis {
    /// All by one policy.
    Policy(Arc<Policy>),
    /// Each by what it was made by.
    Recorded,
    /// None is made again.
    Nothing,
}

/// What is to be made again, and by what.
#[derive(Debug)]
pub struct Replay {
    /// The decisions.
    pub audit: AuditLog,
    /// What they rest on.
    pub directories: Directories,
    /// What they were made by.
    pub policies: Policies,
    /// What they are made by again.
    pub basis: Basis,
    /// The first moment.
    pub since: Timestamp,
    /// The moment after the last.
    pub until: Timestamp,
    /// Only pushes to these.
    pub repositories: Option<RepositorySet>,
    /// The policy in force.
    pub in_force: Option<Arc<Policy>>,
    /// Compare with what that would decide, not with what is recorded.
    pub against_in_force: bool,
    /// From when on the uses of its rules are counted.
    pub uses_since: Option<Timestamp>,
}

/// What is told meanwhile.
#[derive(Debug)]
pub enum Step {
    /// How many entries will be read.
    Opening(u64),
    /// How many have been.
    Progress(u64),
    /// A ref is judged otherwise.
    Verdict(Box<Verdict>),
}

/// Takes each step; a break ends it all.
type Tell<'a> = &'a mut dyn FnMut(Step) -> ControlFlow<()>;

impl Replay {
    /// Reads the log and makes its decisions again. Nothing when nobody listens any more. It blocks on the disk, and
    /// takes as long as there are decisions.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn run(mut self, tell: Tell<'_>) -> Result<Option<Summary>, ReadError> {
        let mut summary = Summary {
            rules: match &self.basis {
                Basis::Policy(policy) => Some(Usage::of(policy)),
                Basis::Recorded | Basis::Nothing => None,
            },
            in_force: self.uses_since.and(self.in_force.as_deref()).map(Usage::of),
            generation_now: self.directories.generation_now(),
            ..Summary::default()
        };
        let earliest = self.uses_since.map_or(self.since, |uses| uses.min(self.since));
        let from = self.audit.first_since(earliest.saturating_sub(CLOCK_SLACK).unwrap_or(earliest))?;
        let total = self.audit.size().saturating_sub(from);
        if tell(Step::Opening(total)).is_break() {
            return Ok(None);
        }
        let mut joiner = Joiner::default();
        let entries = self.audit.entries(from)?;
        // Asked after they were found: what is pruned meanwhile is not among them.
        let mut is_first = from <= self.audit.first();
        for (line, read) in entries.zip(0..total) {
            if read % STRIDE == 0 && tell(Step::Progress(read)).is_break() {
                return Ok(None);
            }
            match self.audit.read(&line?) {
                Ok(entry) => {
                    if mem::take(&mut is_first) {
                        // It is read from a while before, by how far clocks may differ.
                        summary.log_begins = Some(entry.time.timestamp()).filter(|begins| *begins > earliest);
                    }
                    if let Some(recorded) = joiner.take(entry)
                        && self.push(&recorded, &mut summary, tell).is_break()
                    {
                        return Ok(None);
                    }
                }
                Err(_) => summary.untold(Untold::NotUnderstood, 0, &format!("entry {}", from + read)),
            }
        }
        Ok(Some(summary))
    }

    fn push(&mut self, recorded: &Recorded, summary: &mut Summary, tell: Tell<'_>) -> ControlFlow<()> {
        let decision = &recorded.decision;
        if decision.dry_run {
            return ControlFlow::Continue(());
        }
        let is_meant = self.since <= recorded.at && recorded.at < self.until;
        let is_asked = is_meant && !matches!(self.basis, Basis::Nothing);
        // Up to now: what was used after `until` is used.
        if let Some(usage) = summary.in_force.as_mut().filter(|_| Some(recorded.at) >= self.uses_since) {
            count(usage, &decision.roles, &decision.updates, recorded);
            // One that is asked about is told below.
            if !recorded.whole && !is_asked {
                summary.untold(Untold::Incomplete, decision.update_count, &decision.decision);
            }
        }
        if !is_asked {
            return ControlFlow::Continue(());
        }
        let asked = match recorded.question() {
            _ if !recorded.whole => Err(Untold::Incomplete),
            Some((request, _)) if !self.concerns(&request) => return ControlFlow::Continue(()),
            Some(asked) => Ok(asked),
            None if is_closed(&recorded.decision.principal) || is_closed(&recorded.decision.repository) => {
                Err(Untold::Erased)
            }
            None => Err(Untold::NotUnderstood),
        };
        let made = asked.and_then(|(request, facts)| match self.basis.clone() {
            Basis::Policy(policy) => self.by(policy, recorded, &request, &facts, summary),
            Basis::Recorded => self.by_recorded(recorded, &request, &facts, summary),
            Basis::Nothing => Ok(Vec::new()),
        });
        match made {
            Ok(verdicts) => {
                summary.pushes_changed += u64::from(!verdicts.is_empty());
                for verdict in verdicts {
                    summary.changed(&verdict);
                    tell(Step::Verdict(Box::new(verdict)))?;
                }
            }
            Err(why) => summary.untold(why, decision.update_count, &decision.decision),
        }
        ControlFlow::Continue(())
    }

    fn concerns(&self, request: &Request) -> bool {
        self.repositories.as_ref().is_none_or(|wanted| wanted.matches(&request.repository))
    }

    /// Makes a decision again by one policy.
    fn by(
        &mut self,
        policy: Arc<Policy>,
        recorded: &Recorded,
        request: &Request,
        facts: &Facts,
        summary: &mut Summary,
    ) -> Result<Vec<Verdict>, Untold> {
        if let Some(code) = recorded.lacked().filter(|_| !self.against_in_force) {
            return Err(Untold::UndecidedThen(code.to_owned()));
        }
        let directory = self.directories.of(recorded.decision.snapshot.as_ref());
        let snapshot = directory.snapshot.as_ref().ok_or(Untold::DirectoryGone)?;
        let at = recorded.decided_at(directory.then.then(|| snapshot.as_of()));
        let held = recorded.held(request)?;
        let under = |policy: Arc<Policy>| {
            // How old the directory may be is a rule for pushes that happen now.
            let state = State { policy: Some(policy), snapshot: directory.snapshot.clone(), ..held.clone() };
            again(&state, request, facts, at)
        };
        let (after, decision) = under(policy)?;
        let before = match &self.in_force {
            Some(in_force) if self.against_in_force => under(Arc::clone(in_force))?.0,
            _ => Judged::then(recorded),
        };
        if let Some(usage) = &mut summary.rules {
            let told =
                after.updates.iter().enumerate().filter(|(place, _)| !after.untold.contains_key(place));
            count(usage, &record::roles(&decision), told.map(|(_, update)| update), recorded);
        }
        let found = Found { recorded, request, directory: &directory, before: &before, after: &after };
        let mut changed = found.compare(summary);
        if !directory.then && !self.against_in_force && !changed.is_empty() {
            // The same change under the policy of then is the work of the directory.
            let policy_then = recorded.decision.policy.as_ref().and_then(|digest| self.policies.of(digest));
            if let Some(Ok((then, _))) = policy_then.map(under) {
                let all = changed.len();
                changed.retain(|(place, verdict)| then.judgement(*place).as_ref() != Some(&verdict.after));
                summary.by_directory_alone += (all - changed.len()) as u64;
            }
        }
        Ok(changed.into_iter().map(|(_, verdict)| verdict).collect())
    }

    /// Makes a decision again by what it was made by: it must come out as it is recorded.
    fn by_recorded(
        &mut self,
        recorded: &Recorded,
        request: &Request,
        facts: &Facts,
        summary: &mut Summary,
    ) -> Result<Vec<Verdict>, Untold> {
        let decision = &recorded.decision;
        if let Some(code) = recorded.stale_anywhere() {
            return Err(Untold::UndecidedThen(code.into()));
        }
        let policy = match &decision.policy {
            Some(digest) => Some(self.policies.of(digest).ok_or(Untold::PolicyGone)?),
            None => None,
        };
        let directory = match &decision.snapshot {
            Some(used) => self.directories.of(Some(used)),
            None => Directory { snapshot: None, then: true },
        };
        if !directory.then {
            return Err(Untold::DirectoryGone);
        }
        let snapshot = directory.snapshot.clone();
        let as_of = snapshot.as_ref().map(oam_policy::Snapshot::as_of);
        let state = State { policy, snapshot, ..recorded.held(request)? };
        let before = Judged::then(recorded);
        let attempt = |at| {
            let (after, made) = again(&state, request, facts, at)?;
            let found = Found { recorded, request, directory: &directory, before: &before, after: &after };
            let mut tried = Summary::default();
            let differing = found.differing(&made, &mut tried);
            Ok::<_, Untold>((differing, tried))
        };
        // A rule may have begun or ended between the decision and its entry: either moment will do.
        let (mut differing, mut tried) = attempt(recorded.decided_at(as_of))?;
        if !differing.is_empty() {
            let (at_entry, tried_at_entry) = attempt(recorded.at)?;
            if at_entry.is_empty() {
                (differing, tried) = (at_entry, tried_at_entry);
            }
        }
        summary.take_counts(tried);
        Ok(differing)
    }
}

fn count<'u>(
    usage: &mut Usage,
    roles: &BTreeSet<String>,
    updates: impl IntoIterator<Item = &'u Update>,
    recorded: &Recorded,
) {
    let (at, held) = (recorded.at, &recorded.decision.privileges);
    usage.held(roles, at);
    updates.into_iter().for_each(|update| usage.judged(update, held, at));
}
