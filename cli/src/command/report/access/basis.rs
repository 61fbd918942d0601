//! By which policy and which directory it is said: those of then, as the signed log names them.

use jiff::Timestamp;
use oam_audit::entry::Event;
use oam_policy::{
    Policy,
    fault::Faults,
    file::{PolicySource, parse},
};
use oam_proto::v1::{ListSnapshotsRequest, PolicyFile, ShowPolicyRequest, SnapshotInfo};

use super::super::Work;
use crate::{client::Admin, failure::Failure, output::report::moment, query::Filter};

/// A policy and a directory, and the moment that they are asked about.
#[derive(Debug)]
pub(super) struct Basis {
    pub(super) at: Timestamp,
    /// The policy's digest.
    pub(super) policy: String,
    pub(super) files: Vec<PolicyFile>,
    /// The directory's digest.
    pub(super) directory: String,
    /// A kept generation with that digest.
    pub(super) generation: u64,
}

impl Basis {
    /// The policy, read.
    pub(super) fn parsed(&self) -> Result<Policy, Faults> {
        let source = |file: &PolicyFile| PolicySource { name: file.name.clone(), text: file.text.clone() };
        parse(&self.files.iter().map(source).collect::<Vec<_>>())
    }

    /// What was in force at `at`.
    pub(super) async fn find(work: &mut Work, admin: &mut Admin, at: Timestamp) -> Result<Self, Failure> {
        let policy = last(work, "policy-changed", at, |event| match event {
            Event::PolicyChanged(changed) => Some(changed.digest.clone()),
            _ => None,
        })?;
        let policy = policy.ok_or_else(|| unknown("policy", at))?;
        let directory = last(work, "snapshot-changed", at, |event| match event {
            Event::SnapshotChanged(changed) => Some((changed.generation, changed.digest.clone())),
            _ => None,
        })?;
        let (then, directory) = directory.ok_or_else(|| unknown("directory", at))?;
        let kept = admin.list_snapshots(ListSnapshotsRequest {}).await?.into_inner().snapshots;
        // Another generation with the same digest says the same of everybody.
        let found = kept.iter().find(|kept| kept.digest == directory).map(|kept| kept.generation);
        let generation = found.ok_or_else(|| out_of_reach(then, at, &kept))?;
        let shown = admin.show_policy(ShowPolicyRequest { digest: policy.clone() }).await?.into_inner();
        Ok(Self { at, policy, files: shown.files, directory, generation })
    }
}

/// What the last entry of a kind before a moment says.
fn last<T>(
    work: &mut Work,
    kind: &str,
    at: Timestamp,
    read: impl Fn(&Event) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let until = at.checked_add(jiff::SignedDuration::from_micros(1)).unwrap_or(at);
    work.search.again(Filter { kind: Some(kind.to_owned()), until: Some(until), ..Filter::default() });
    let mut last = None;
    while let Some(found) = work.search.next()? {
        last = read(&found.entry.event).or(last);
    }
    Ok(last)
}

fn unknown(what: &str, at: Timestamp) -> Failure {
    Failure::NoAnswer {
        what: format!("the signed log names no {what} that was in force at {}", moment(at)),
        help: "the log begins later, or there was none yet: see `oam audit query --kind policy-changed` and \
               `--kind snapshot-changed`",
    }
}

fn out_of_reach(generation: u64, at: Timestamp, kept: &[SnapshotInfo]) -> Failure {
    let oldest = kept.iter().min_by_key(|kept| kept.generation);
    let oldest = oldest.map_or_else(
        || "none is kept".to_owned(),
        |kept| {
            let since = Timestamp::from_microsecond(kept.changed_micros).map(moment).unwrap_or_default();
            format!("the oldest that is kept is generation {}, of {since}", kept.generation)
        },
    );
    Failure::NoAnswer {
        what: format!(
            "the directory in force at {} was generation {generation}, which the daemon does not keep any more: {oldest}",
            moment(at)
        ),
        help: "print the matrix regularly and keep it: the daemon keeps the last 100 generations of the directory",
    }
}
