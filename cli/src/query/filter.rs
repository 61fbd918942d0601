//! Which entries are wanted.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use oam_audit::{
    entry::{Event, Outcome, Time},
    people::Table,
};

use super::facet::{Facet, of_event};

/// What an entry must say to be wanted: all of it.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Somebody whom it is about, or who did it.
    pub user: Option<String>,
    /// A repository.
    pub repository: Option<String>,
    /// Under what else these two stand in entries, in lower case: by aliases.
    pub aliases: Spellings,
    /// A ref.
    pub name: Option<Vec<u8>>,
    /// The verdict on a whole push.
    pub outcome: Option<Outcome>,
    /// A rule that had a part in it.
    pub rule: Option<String>,
    /// Why it was not permitted.
    pub reason: Option<String>,
    /// The first digits of the id of a decision.
    pub decision: Option<String>,
    /// What happened.
    pub kind: Option<String>,
    /// A waiver lifted a rule.
    pub lifted: bool,
    /// What the pusher had for a while carried it.
    pub for_a_while: bool,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not at or after.
    pub until: Option<Timestamp>,
}

/// Under what else somebody or something stands in entries.
#[derive(Debug, Clone, Default)]
pub struct Spellings {
    users: Vec<String>,
    repositories: Vec<String>,
}

/// Which of the wanted facets were met so far: a bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Met(u16);

impl Filter {
    /// The same for a log whose people these are. Names fold case.
    #[must_use]
    pub fn among(self, people: &Table) -> Self {
        let lower = |names: Vec<String>| names.into_iter().map(|name| name.to_lowercase()).collect();
        let Self { user, repository, .. } = &self;
        let aliases = Spellings {
            users: user.as_deref().map(|name| lower(people.spellings(name))).unwrap_or_default(),
            repositories: repository
                .as_deref()
                .map(|name| lower(people.repository_spellings(name)))
                .unwrap_or_default(),
        };
        let (user, repository) = (user.as_ref(), repository.as_ref());
        Self {
            user: user.map(|name| name.to_lowercase()),
            repository: repository.map(|name| name.to_lowercase()),
            aliases,
            ..self
        }
    }

    /// What an index is asked for: of each list, any.
    pub fn terms(&self) -> impl Iterator<Item = Vec<RangeInclusive<u64>>> {
        self.facets().filter_map(|facet| {
            let all = [facet.terms()?];
            Some(all.into_iter().chain(self.others(&facet).filter_map(|other| other.terms())).collect())
        })
    }

    /// What says the same as `facet`.
    fn others(&self, facet: &Facet<'_>) -> impl Iterator<Item = Facet<'_>> {
        let Spellings { users, repositories } = &self.aliases;
        let (users, repositories): (&[_], &[_]) = match facet {
            Facet::User(_) => (users, &[]),
            Facet::Repository(_) => (&[], repositories),
            _ => (&[], &[]),
        };
        let users = users.iter().map(|name| Facet::User(name));
        users.chain(repositories.iter().map(|name| Facet::Repository(name)))
    }

    /// What an entry must say, besides its time.
    pub fn facets(&self) -> impl Iterator<Item = Facet<'_>> {
        [
            self.user.as_deref().map(Facet::User),
            self.repository.as_deref().map(Facet::Repository),
            self.name.as_deref().map(Facet::Ref),
            self.outcome.map(Facet::Outcome),
            self.rule.as_deref().map(Facet::Rule),
            self.reason.as_deref().map(Facet::Reason),
            self.decision.as_deref().map(Facet::Decision),
            self.kind.as_deref().map(Facet::Kind),
            self.lifted.then_some(Facet::Lifted),
            self.for_a_while.then_some(Facet::ForAWhile),
        ]
        .into_iter()
        .flatten()
    }

    /// Whether entries between `earliest` and `latest`, both in microseconds and included, may be wanted.
    #[must_use]
    pub fn reaches(&self, earliest: i64, latest: i64) -> bool {
        self.since.is_none_or(|since| latest >= since.as_microsecond())
            && self.until.is_none_or(|until| earliest < until.as_microsecond())
    }

    /// Notes what an event says.
    pub fn note(&self, event: &Event, met: &mut Met) {
        of_event(event, &mut |said| {
            for (place, wanted) in self.facets().enumerate() {
                if wanted.is_met_by(&said) || self.others(&wanted).any(|other| other.is_met_by(&said)) {
                    met.0 |= 1 << place;
                }
            }
        });
    }

    /// Notes what a part of a decision says. That it is a part says nothing of the decision.
    pub fn note_part(&self, event: &Event, met: &mut Met) {
        let kind = self.facets().position(|wanted| matches!(wanted, Facet::Kind(_)));
        let before = *met;
        self.note(event, met);
        if let Some(place) = kind {
            met.0 = (met.0 & !(1 << place)) | (before.0 & (1 << place));
        }
    }

    /// Whether an entry of that time that said so much is wanted.
    #[must_use]
    pub fn wants(&self, at: Time, met: Met) -> bool {
        let at = at.timestamp().as_microsecond();
        self.reaches(at, at) && met.0.count_ones() as usize == self.facets().count()
    }
}
