//! What was attested before, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oam_audit::entry::{AccessVerdict, Event, ReviewedRow};

use super::super::Work;
use crate::{failure::Failure, output::report::moment, query::Filter};

/// How many that are gone are told by name.
const MOST_NAMED: usize = 20;

/// Whose access to what: repository and user in lower case, as Bitbucket compares them.
type Key = (String, String, String);

/// The last attestation of each row.
#[derive(Debug)]
pub(super) struct Reviewed {
    last: BTreeMap<Key, Attested>,
    seen: BTreeSet<Key>,
}

#[derive(Debug)]
struct Attested {
    seq: u64,
    at: Timestamp,
    by: String,
    verdict: AccessVerdict,
    row: ReviewedRow,
}

impl Attested {
    /// As in `accepted by rita, #7 2026-11-23T17:21:14Z`.
    fn told(&self) -> String {
        format!("{} by {}, #{} {}", self.verdict, self.by, self.seq, moment(self.at))
    }
}

impl Reviewed {
    /// Reads all that was attested so far, whenever the report is about.
    pub(super) fn find(work: &mut Work) -> Result<Self, Failure> {
        work.search.again(Filter { kind: Some("access-attested".into()), ..Filter::default() });
        let mut last = BTreeMap::new();
        while let Some(found) = work.search.next()? {
            let (seq, at) = (found.entry.seq, found.entry.time.timestamp());
            let Event::AccessAttested(attested) = found.entry.event else { continue };
            for row in attested.rows {
                let key = key(&row.repository, &row.r#ref, &row.who);
                let (by, verdict) = (attested.by.clone(), attested.verdict);
                last.insert(key, Attested { seq, at, by, verdict, row });
            }
        }
        Ok(Self { last, seen: BTreeSet::new() })
    }

    /// What was said of a row of today's, and whether that wants looking at.
    pub(super) fn of(&mut self, [repository, name, who, _, may, through]: [&str; 6]) -> (String, bool) {
        let key = key(repository, name, who);
        let told = match self.last.get(&key) {
            None => (String::new(), false),
            Some(last) if last.verdict == AccessVerdict::Revoked => {
                (format!("STILL THERE, {}", last.told()), true)
            }
            Some(last) if (last.row.may.as_str(), last.row.through.as_str()) == (may, through) => {
                (last.told(), false)
            }
            Some(last) => {
                let ReviewedRow { may, through, .. } = &last.row;
                (format!("CHANGED, was {may} through {through} when {}", last.told()), true)
            }
        };
        self.seen.insert(key);
        told
    }

    /// What was attested of a place and is no longer there.
    pub(super) fn gone(&self, is_looked_at: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let gone: Vec<_> = self
            .last
            .iter()
            .filter(|((repository, name, _), _)| is_looked_at(repository, name))
            .filter(|(key, _)| !self.seen.contains(*key))
            .map(|(_, last)| {
                let ReviewedRow { repository, r#ref: name, who, .. } = &last.row;
                // An alias begins with a space, so that nobody can be called that.
                let who = who.trim_start();
                format!("gone since it was reviewed: {who} on {name} in {repository}, {}", last.told())
            })
            .collect();
        let more = gone.len().saturating_sub(MOST_NAMED);
        let more = (more > 0).then(|| format!("gone since they were reviewed: {more} more"));
        gone.into_iter().take(MOST_NAMED).chain(more).collect()
    }
}

fn key(repository: &str, name: &str, who: &str) -> Key {
    (repository.to_lowercase(), name.to_owned(), who.to_lowercase())
}
