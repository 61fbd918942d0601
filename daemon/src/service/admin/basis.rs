//! What a question is decided by: the policy and the directory in force, or a draft and an earlier generation.

use std::sync::Arc;

use jiff::Timestamp;
use oam_policy::{
    Channel, Question, RefName, Repository, State, Username, Verb,
    file::{self},
};
use oam_proto::v1;
use tokio::task;
use tonic::Status;

use super::{circumstances, convert, drafts::in_turn, policy, unavailable};
use crate::service::Live;

/// What to decide by, as it was asked for.
pub(super) struct Wanted {
    /// A draft; empty: the policy in force.
    pub(super) files: Vec<v1::PolicyFile>,
    /// 0: the directory in force.
    pub(super) generation: u64,
    /// 0: now.
    pub(super) at_micros: i64,
    /// Whom the question is about; `None`: more than one.
    pub(super) about: Option<Username>,
}

/// What to decide by, as it was found.
pub(super) struct Basis {
    pub(super) state: State,
    pub(super) at: Timestamp,
    pub(super) snapshot: Option<v1::SnapshotInfo>,
}

impl Basis {
    /// The policy's digest; empty for none.
    pub(super) fn policy(&self) -> String {
        self.state.policy.as_ref().map(|policy| policy.digest().to_string()).unwrap_or_default()
    }
}

/// What to decide by, or what is wrong with the draft.
pub(super) async fn find(live: &Live, wanted: Wanted) -> Result<Result<Basis, v1::Faults>, Status> {
    let at = match wanted.at_micros {
        0 => Timestamp::now(),
        micros => Timestamp::from_microsecond(micros).map_err(|error| invalid("at_micros", &error))?,
    };
    let mut state = wanted.about.as_ref().map_or_else(|| live.state(), |user| live.state_for(user));
    if wanted.at_micros != 0 || wanted.generation != 0 {
        // How old the directory may be is a rule for pushes, which happen now and by what is in force.
        (state.sources, state.approvers) = Default::default();
    }
    if wanted.at_micros != 0 && at < Timestamp::now() {
        // What people had then, and not what they have now.
        let (privileges, about) = (Arc::clone(&live.privileges), wanted.about.as_ref().map(Username::key));
        let then = task::spawn_blocking(move || privileges.in_force_at(at, about.as_ref())).await;
        let then = then.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))?;
        (state.elevations, state.waivers) = (then.elevations.into(), then.waivers.into());
        state.leases = then.leases.into();
    }
    if !wanted.files.is_empty() {
        let files = policy::sources(wanted.files)?;
        match in_turn(move || file::parse(&files)).await? {
            Ok(draft) => state.policy = Some(draft.into()),
            Err(faults) => return Ok(Err(convert::faults(&faults))),
        }
    }
    let snapshot = if wanted.generation == 0 {
        live.directory.current().map(|loaded| convert::snapshot_info(&loaded.info))
    } else {
        let directory = live.directory.clone();
        let loaded = task::spawn_blocking(move || directory.load(wanted.generation)).await;
        let loaded =
            loaded.map_err(|error| unavailable(&error))?.map_err(|error| convert::status(&error.into()))?;
        state.snapshot = Some(loaded.snapshot.clone());
        // What pushes know of the directory in force must not make room for this one.
        state.policy = state.policy.as_deref().map(|policy| Arc::new(policy.apart()));
        Some(convert::snapshot_info(&loaded.info))
    };
    Ok(Ok(Basis { state, at, snapshot }))
}

/// One question about one ref. An empty `channel` is a push.
pub(super) fn question(
    repository: &str,
    name: &[u8],
    verb: &str,
    channel: &str,
    circumstances: Option<&v1::Circumstances>,
) -> Result<Question, Status> {
    let verb = Verb::parse(verb)
        .filter(|verb| !matches!(verb, Verb::Read | Verb::Admin))
        .ok_or_else(|| Status::invalid_argument("the verb is `create`, `update`, `force` or `delete`"))?;
    let channel = match channel {
        "" => Channel::Push,
        name => Channel::parse(name).ok_or_else(|| {
            let all: Vec<_> = Channel::ALL.iter().map(|channel| format!("`{channel}`")).collect();
            Status::invalid_argument(format!("the channel is one of {}", all.join(", ")))
        })?,
    };
    Ok(Question {
        repository: Repository::parse(repository).map_err(|error| invalid("repository", &error))?,
        name: RefName::parse(name).map_err(|error| invalid("ref", &error))?,
        verb,
        channel,
        circumstances: circumstances.map(circumstances::from_wire).transpose()?.unwrap_or_default(),
    })
}

pub(super) fn invalid(field: &str, error: &dyn std::fmt::Display) -> Status {
    Status::invalid_argument(format!("{field}: {error}"))
}
