//! What entries are found by. An index and a filter both rest on [`of_event`], so neither knows what the other does not.

use oam_audit::entry::{Event, Outcome, PullRequest, Reason, Said, Update};
use sha2::{Digest as _, Sha256};

/// One thing that an entry says, and that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facet<'a> {
    /// Somebody whom it is about, or who did it.
    User(&'a str),
    /// A repository.
    Repository(&'a str),
    /// A ref.
    Ref(&'a [u8]),
    /// The verdict on a whole push.
    Outcome(Outcome),
    /// A rule that had a part in it.
    Rule(&'a str),
    /// Why it was not permitted.
    Reason(&'a str),
    /// The id of a decision, or of what a hook told afterwards; asked for by its first digits.
    Decision(&'a str),
    /// What happened.
    Kind(&'a str),
    /// A waiver lifted a rule.
    Lifted,
    /// What the pusher had for a while carried it.
    ForAWhile,
}

impl Facet<'_> {
    /// Whether an entry that says `said` is one of those that were asked for with this. Names of users and repositories
    /// fold case, as Bitbucket's do.
    #[must_use]
    pub fn is_met_by(&self, said: &Facet<'_>) -> bool {
        match (self, said) {
            (Self::User(wanted), Facet::User(name)) | (Self::Repository(wanted), Facet::Repository(name)) => {
                *wanted == name.to_lowercase()
            }
            (Self::Decision(wanted), Facet::Decision(id)) => id.starts_with(wanted),
            _ => self == said,
        }
    }

    /// The numbers that an index has for this, when it is asked for; none for what nearly every entry says.
    #[must_use]
    pub fn terms(&self) -> Option<std::ops::RangeInclusive<u64>> {
        if let Self::Decision(wanted) = self {
            let digits: String = wanted.chars().filter(|digit| *digit != '-').take(16).collect();
            let low = u64::from_str_radix(&format!("{digits:0<16}"), 16).ok()?;
            let high = u64::from_str_radix(&format!("{digits:f<16}"), 16).ok()?;
            return Some(low..=high);
        }
        self.term().map(|term| term..=term)
    }

    /// The number that an index has for this, when an entry says it.
    #[must_use]
    pub fn term(&self) -> Option<u64> {
        match self {
            Self::User(name) => Some(hashed(b'u', name.to_lowercase().as_bytes())),
            Self::Repository(name) => Some(hashed(b'p', name.to_lowercase().as_bytes())),
            Self::Ref(name) => Some(hashed(b'r', name)),
            Self::Outcome(Outcome::Permitted) | Self::Kind("decision") => None,
            Self::Outcome(Outcome::Refused) => Some(hashed(b'o', b"refused")),
            Self::Outcome(Outcome::Undecided) => Some(hashed(b'o', b"undecided")),
            Self::Rule(id) => Some(hashed(b'l', id.as_bytes())),
            Self::Reason(code) => Some(hashed(b'c', code.as_bytes())),
            // In order of the ids, so that some first digits are a range.
            Self::Decision(id) => {
                let digits: String = id.chars().filter(|digit| *digit != '-').take(16).collect();
                let number = u64::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 16);
                Some(number.unwrap_or_else(|| hashed(b'd', id.as_bytes())))
            }
            Self::Kind(kind) => Some(hashed(b'k', kind.as_bytes())),
            Self::Lifted => Some(hashed(b'w', b"")),
            Self::ForAWhile => Some(hashed(b'a', b"")),
        }
    }
}

/// Two that collide are told apart when the entries are read.
fn hashed(tag: u8, text: &[u8]) -> u64 {
    let digest = Sha256::new().chain_update([tag]).chain_update(text).finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Tells all that an entry says, the parts of a decision not included.
pub fn of_event<'a>(event: &'a Event, tell: &mut dyn FnMut(Facet<'a>)) {
    tell(Facet::Kind(event.kind()));
    match event {
        Event::Decision(decision) => {
            tell(Facet::Decision(&decision.decision));
            tell(Facet::User(&decision.principal));
            tell(Facet::Repository(&decision.repository));
            tell(Facet::Outcome(decision.outcome));
            decision.pull_request.iter().for_each(|one| of_pull_request(one, tell));
            of_reasons(&decision.reasons, tell);
            of_updates(&decision.updates, tell);
        }
        Event::DecisionPart(part) => {
            tell(Facet::Decision(&part.decision));
            of_updates(&part.updates, tell);
        }
        Event::SnapshotChanged(changed) => {
            tell(Facet::User(&changed.actor));
            changed.subject.iter().for_each(|subject| tell(Facet::User(subject)));
        }
        Event::PolicyChanged(changed) => {
            tell(Facet::User(&changed.author));
            changed.approved_by.iter().for_each(|by| tell(Facet::User(by)));
        }
        Event::PolicyRejected(rejected) => tell(Facet::User(&rejected.author)),
        Event::PolicyProposed(proposed) => tell(Facet::User(&proposed.author)),
        Event::PolicyApproved(approved) => {
            tell(Facet::User(&approved.author));
            tell(Facet::User(&approved.by));
        }
        Event::PolicyWithdrawn(withdrawn) => {
            tell(Facet::User(&withdrawn.author));
            tell(Facet::User(&withdrawn.by));
        }
        Event::PermittedWhileUnavailable(permitted) => {
            tell(Facet::Decision(&permitted.spool));
            tell(Facet::User(&permitted.principal));
            tell(Facet::Repository(&permitted.repository));
            permitted.updates.iter().for_each(|update| tell(Facet::Ref(update.name.as_bytes())));
        }
        Event::RefsApplied(applied) => {
            tell(Facet::User(&applied.principal));
            tell(Facet::Repository(&applied.repository));
            for update in &applied.updates {
                tell(Facet::Ref(update.name.as_bytes()));
                update.decision.iter().for_each(|id| tell(Facet::Decision(id)));
            }
        }
        Event::CanaryTried(canary) => {
            tell(Facet::Repository(&canary.repository));
            tell(Facet::Ref(canary.branch.as_bytes()));
            canary.decision.iter().for_each(|id| tell(Facet::Decision(id)));
        }
        Event::PrivilegeRequested(asked) => tell(Facet::User(&asked.by)),
        Event::PrivilegeApproved(approved) => tell(Facet::User(&approved.by)),
        Event::PrivilegeEnded(ended) => tell(Facet::User(&ended.by)),
        Event::PrivilegeReminded(reminded) => tell(Facet::User(&reminded.by)),
        Event::PrivilegeSignedOff(signed) => tell(Facet::User(&signed.by)),
        Event::PrivilegeUsed(used) => tell(Facet::User(&used.by)),
        Event::PrivilegeBegan(_) => {}
        Event::KeyRotated(rotated) => tell(Facet::User(&rotated.actor)),
        Event::AccessAttested(attested) => {
            tell(Facet::User(&attested.by));
            for row in &attested.rows {
                tell(Facet::User(&row.who));
                tell(Facet::Repository(&row.repository));
                tell(Facet::Ref(row.r#ref.as_bytes()));
            }
        }
        Event::BitbucketChanged(changed) => {
            tell(Facet::User(&changed.actor));
            changed.user.iter().for_each(|user| tell(Facet::User(user)));
            let repository = changed.place.iter().filter(|place| place.contains('/'));
            repository.for_each(|place| tell(Facet::Repository(place)));
        }
        Event::BitbucketDrift(drift) => {
            tell(Facet::User(&drift.actor));
            for one in &drift.found {
                one.user.iter().for_each(|user| tell(Facet::User(user)));
                let repository = one.place.iter().filter(|place| place.contains('/'));
                repository.for_each(|place| tell(Facet::Repository(place)));
            }
        }
        Event::AdminDenied(denied) => tell(Facet::User(&denied.actor)),
        Event::SignalReceived(told) => told.person.iter().for_each(|person| tell(Facet::User(person))),
        Event::SignalStream(stream) => tell(Facet::User(&stream.actor)),
        Event::SourceToken(token) => tell(Facet::User(&token.actor)),
        Event::PersonErased(erased) => {
            tell(Facet::User(&erased.actor));
            erased.aliases.iter().for_each(|alias| tell(Facet::User(alias)));
        }
        Event::EntriesPruned(_)
        | Event::PeopleKept(_)
        | Event::DaemonStarted(_)
        | Event::DaemonStopped
        | Event::StoreHealed(_)
        | Event::LogRepaired(_) => {}
    }
}

/// Who approved it, and the rules that asked for approvals.
fn of_pull_request<'a>(pull_request: &'a PullRequest, tell: &mut dyn FnMut(Facet<'a>)) {
    if let Said::Known { author, approvals, committers: _ } = &pull_request.said {
        tell(Facet::User(author));
        approvals.all.iter().flatten().for_each(|approval| tell(Facet::User(&approval.by)));
    }
    pull_request.counts.iter().for_each(|count| tell(Facet::Rule(&count.rule)));
}

fn of_updates<'a>(updates: &'a [Update], tell: &mut dyn FnMut(Facet<'a>)) {
    for update in updates {
        tell(Facet::Ref(update.name.as_bytes()));
        of_reasons(&update.reasons, tell);
        if update.waiver.is_some() || !update.lifted.is_empty() {
            tell(Facet::Lifted);
        }
        if update.privilege.is_some() || !update.privileges_beside.is_empty() {
            tell(Facet::ForAWhile);
        }
        let rules = update.grant.iter().chain(&update.other_grants).chain(&update.waiver);
        let lifted = update.lifted.iter().flat_map(|lifted| [&lifted.rule, &lifted.waiver]);
        let shadow = update.shadow.iter().map(|shadow| &shadow.rule);
        rules.chain(lifted).chain(shadow).for_each(|rule| tell(Facet::Rule(rule)));
    }
}

fn of_reasons<'a>(reasons: &'a [Reason], tell: &mut dyn FnMut(Facet<'a>)) {
    for reason in reasons {
        tell(Facet::Reason(&reason.code));
        reason.rule.iter().for_each(|rule| tell(Facet::Rule(rule)));
    }
}

#[cfg(test)]
mod tests {
    use super::Facet;

    #[test]
    fn the_first_digits_of_a_decision_are_a_range_that_holds_it() {
        let id = Facet::Decision("0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f");
        for digits in ["0192f7d0", "0192f7d0-5b7a-7c3e", "0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f"] {
            let wanted = Facet::Decision(digits);
            assert!(wanted.terms().unwrap().contains(&id.term().unwrap()), "{digits}");
            assert!(wanted.is_met_by(&id), "{digits}");
        }
        let other = Facet::Decision("0192f7d1");
        assert!(!other.terms().unwrap().contains(&id.term().unwrap()) && !other.is_met_by(&id));
    }

    #[test]
    fn names_fold_case_and_refs_do_not() {
        let (ada, upper) = (Facet::User("ada"), Facet::User("Ada"));
        assert!(ada.is_met_by(&upper));
        assert_eq!(ada.term(), upper.term());
        assert!(!Facet::Ref(b"refs/heads/main").is_met_by(&Facet::Ref(b"refs/heads/MAIN")));
        assert!(!ada.is_met_by(&Facet::Repository("ada")));
        assert_ne!(ada.term(), Facet::Repository("ada").term());
    }
}
