//! What a question is decided by: the policy and the directory in force, or a draft and an earlier generation.

use std::sync::Arc;

use jiff::Timestamp;
use oam_policy::{
    Channel, Policy, Question, RefName, Repository, State, Username, Verb, fault::Faults, file,
};
use oam_proto::v1;
use tokio::task;
use tonic::Status;

use super::{
    circumstances, convert,
    drafts::{DRAFTS, Turn, beside, fits},
    policy, unavailable,
};
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

/// What to decide by, as it was found. With a draft, deciding by it is work in turn, as reading it is.
pub(super) struct Basis {
    pub(super) state: State,
    pub(super) at: Timestamp,
    pub(super) snapshot: Option<v1::SnapshotInfo>,
    _turn: Option<Turn>,
}

impl Basis {
    /// The policy's digest; empty for none.
    pub(super) fn policy(&self) -> String {
        self.state.policy.as_ref().map(|policy| policy.digest().to_string()).unwrap_or_default()
    }
}

/// What to decide by, or what is wrong with the draft.
pub(super) async fn find(live: &Live, wanted: Wanted) -> Result<Result<Basis, v1::Faults>, Status> {
    // Before anything else is looked at: it may wait, and meanwhile others come into force.
    let (turn, draft) = match draft(wanted.files).await? {
        None => (None, None),
        Some((turn, Ok(draft))) => (Some(turn), Some(Arc::new(draft))),
        Some((_, Err(faults))) => return Ok(Err(convert::faults(&faults))),
    };
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
    if draft.is_some() {
        state.policy = draft;
    }
    let loaded = if wanted.generation == 0 {
        live.directory.current()
    } else {
        let directory = live.directory.clone();
        let loaded = task::spawn_blocking(move || directory.load(wanted.generation)).await;
        let loaded =
            loaded.map_err(|error| unavailable(&error))?.map_err(|error| convert::status(&error.into()))?;
        // What pushes know of the directory in force must not make room for this one.
        state.policy = state.policy.as_deref().map(|policy| Arc::new(policy.apart()));
        Some(loaded)
    };
    // What is told of the directory is told of the one that it is decided by.
    state.snapshot = loaded.as_ref().map(|loaded| loaded.snapshot.clone());
    let snapshot = loaded.map(|loaded| convert::snapshot_info(&loaded.info));
    Ok(Ok(Basis { state, at, snapshot, _turn: turn }))
}

/// A draft, or what is wrong with it, and its turn, which is not over.
type Drafted = (Turn, Result<Policy, Faults>);

/// The draft that these files are, if there are any.
async fn draft(files: Vec<v1::PolicyFile>) -> Result<Option<Drafted>, Status> {
    if files.is_empty() {
        return Ok(None);
    }
    fits(&files)?;
    let files = policy::sources(files)?;
    let turn = DRAFTS.take().await?;
    beside(move || Some((turn, file::parse(&files)))).await
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use oam_policy::snapshot::{Directory, Person};
    use oam_proto::v1;
    use tokio::time::timeout;

    use super::{DRAFTS, Wanted, find};
    use crate::{
        directory::By,
        replay::tests::{POLICY, live},
        service::Live,
    };

    fn by_a_draft() -> Wanted {
        let files = vec![v1::PolicyFile { name: "policy.toml".into(), text: POLICY.into() }];
        Wanted { files, generation: 0, at_micros: 0, about: None }
    }

    async fn import(live: &Live, name: &str) {
        let person = Person {
            username: name.parse().unwrap(),
            id: None,
            display_name: None,
            emails: Vec::new(),
            active: true,
            groups: ["s:eng"].iter().map(|group| group.parse().unwrap()).collect(),
            keys: Default::default(),
        };
        let directory = Directory { people: vec![person], groups: Default::default() };
        let by = By { actor: "test".into(), reason: String::new() };
        live.changes.import(directory, Timestamp::now(), by).await.unwrap();
    }

    /// Also deciding by a draft takes its time.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_turn_of_a_draft_lasts_as_long_as_somebody_decides_by_it() {
        let (live, _folder) = live().await;
        let Ok(basis) = find(&live, by_a_draft()).await.unwrap() else { panic!() };
        assert!(timeout(Duration::from_millis(20), DRAFTS.take()).await.is_err());
        drop(basis);
        assert!(timeout(Duration::from_secs(10), DRAFTS.take()).await.unwrap().is_ok());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_told_of_the_directory_is_told_of_the_one_that_it_is_decided_by() {
        let (live, _folder) = live().await;
        let turn = DRAFTS.take().await.unwrap();
        let mut waiting = Box::pin(find(&live, by_a_draft()));
        assert!(timeout(Duration::from_millis(20), waiting.as_mut()).await.is_err());
        import(&live, "frank").await;
        drop(turn);
        let Ok(basis) = waiting.await.unwrap() else { panic!() };
        let decided_by = basis.state.snapshot.unwrap().version().generation;
        assert_eq!(basis.snapshot.unwrap().generation, decided_by);
        assert_eq!(decided_by, live.snapshot().unwrap().version().generation);
    }
}
