use oam_policy::{
    Snapshot, Username,
    snapshot::{SnapshotDiff, UserChange},
};
use oam_proto::v1::{self, snapshot_change::Change};
use tokio::{sync::mpsc, task};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::Status;

use super::{convert, source, unavailable};
use crate::{directory::By, service::Live};

/// The snapshot of a generation; 0: the one in force.
pub(super) async fn find(live: &Live, generation: u64) -> Result<Snapshot, Status> {
    if generation == 0 {
        return live
            .snapshot()
            .ok_or_else(|| Status::failed_precondition("no directory is loaded: `oam snapshot import` one"));
    }
    let directory = live.directory.clone();
    let loaded = task::spawn_blocking(move || directory.load(generation)).await;
    match loaded.map_err(|error| unavailable(&error))? {
        Ok(loaded) => Ok(loaded.snapshot.clone()),
        Err(error) => Err(convert::status(&error.into())),
    }
}

/// Every user of a snapshot.
pub(super) fn users(snapshot: Snapshot) -> impl Stream<Item = Result<v1::User, Status>> {
    let (users, stream) = mpsc::channel(256);
    task::spawn_blocking(move || {
        for user in snapshot.users() {
            if users.blocking_send(Ok(convert::user(&user))).is_err() {
                return;
            }
        }
    });
    ReceiverStream::new(stream)
}

pub(super) fn list(live: &Live) -> v1::ListSnapshotsResponse {
    v1::ListSnapshotsResponse {
        snapshots: live.directory.history().iter().map(convert::snapshot_info).collect(),
    }
}

pub(super) async fn diff(
    live: &Live,
    request: v1::DiffSnapshotsRequest,
) -> Result<Vec<v1::SnapshotChange>, Status> {
    let from = find(live, request.from).await?;
    let to = find(live, request.to).await?;
    task::spawn_blocking(move || changes(SnapshotDiff::between(&from, &to)))
        .await
        .map_err(|error| unavailable(&error))
}

fn changes(diff: SnapshotDiff) -> Vec<v1::SnapshotChange> {
    let name = |user: Username| user.as_str().to_owned();
    let SnapshotDiff { added, removed, changed, groups_added, groups_removed } = diff;
    let users_added = added.into_iter().map(|user| Change::UserAdded(name(user)));
    let users_removed = removed.into_iter().map(|user| Change::UserRemoved(name(user)));
    let users_changed = changed.into_iter().map(|change| Change::UserChanged(user_diff(&change)));
    let groups_added = groups_added.iter().map(|group| Change::GroupAdded(group.to_string()));
    let groups_removed = groups_removed.iter().map(|group| Change::GroupRemoved(group.to_string()));
    let all = users_added.chain(users_removed).chain(users_changed).chain(groups_added).chain(groups_removed);
    all.map(|change| v1::SnapshotChange { change: Some(change) }).collect()
}

fn user_diff(change: &UserChange) -> v1::UserDiff {
    v1::UserDiff {
        username: change.username.as_str().to_owned(),
        activity_changed: change.active.is_some(),
        active: change.active.unwrap_or_default(),
        joined: change.joined.iter().map(ToString::to_string).collect(),
        left: change.left.iter().map(ToString::to_string).collect(),
        details: change.details,
    }
}

pub(super) async fn roll_back(
    live: &Live,
    actor: String,
    request: v1::RollBackSnapshotRequest,
) -> Result<v1::RollBackSnapshotResponse, Status> {
    let reason = convert::required_reason(&request.reason)?;
    let by = By { actor, reason };
    let rolled_back = live.sources.roll_back(request.generation, request.reactivate, by).await;
    let changed = rolled_back.map_err(|error| source::status(&error))?;
    Ok(v1::RollBackSnapshotResponse {
        snapshot: Some(convert::snapshot_info(&changed.after.info)),
        cut_off_since: changed.cut_off_since.iter().map(|user| user.as_str().to_owned()).collect(),
    })
}
