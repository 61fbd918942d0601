//! The directory's generations, what differs between them, and going back.

use oam_proto::v1::{
    ListSnapshotsResponse, RollBackSnapshotResponse, SnapshotChange, SnapshotInfo, UserDiff,
    snapshot_change::Change,
};
use serde::Serialize;

use super::{
    Page, json,
    layout::{Fields, Table, counts, names},
    page::{counted, moment, number, short, utc},
    quoted, shown,
};

/// A generation of the directory.
#[derive(Debug, Serialize)]
pub struct SnapshotJson<'a> {
    generation: u64,
    digest: &'a str,
    as_of: Option<String>,
    users: u64,
    active_users: u64,
    groups: u64,
    memberships: u64,
    revocations: u64,
    cause: &'a str,
    actor: Option<&'a str>,
    reason: Option<&'a str>,
    changed: Option<String>,
}

impl<'a> From<&'a SnapshotInfo> for SnapshotJson<'a> {
    fn from(info: &'a SnapshotInfo) -> Self {
        Self {
            generation: info.generation,
            digest: &info.digest,
            as_of: json::time(info.as_of_micros),
            users: info.users,
            active_users: info.active_users,
            groups: info.groups,
            memberships: info.memberships,
            revocations: info.revocations,
            cause: &info.cause,
            actor: json::some(&info.actor),
            reason: json::some(&info.reason),
            changed: json::time(info.changed_micros),
        }
    }
}

/// `generation 12 (c0ffee…)`.
pub(super) fn named(info: &SnapshotInfo) -> String {
    format!("generation {} ({})", info.generation, short(&info.digest))
}

/// What a generation holds and where it came from.
pub(super) fn fields(info: &SnapshotInfo) -> Fields {
    let holds = [
        format!("{} ({} active)", counted(info.users, "user", "users"), number(info.active_users)),
        counted(info.groups, "group", "groups"),
        counted(info.memberships, "membership", "memberships"),
    ];
    let cut_off = if info.revocations == 0 {
        String::new()
    } else {
        counted(info.revocations, "user by command", "users by command")
    };
    Fields::new().with("holds", holds.join(", ")).with("cut off", cut_off).with("came by", origin(info))
}

fn origin(info: &SnapshotInfo) -> String {
    let by = if info.actor.is_empty() { String::new() } else { format!(" by {}", quoted(&info.actor)) };
    format!("{}{by}", shown(&info.cause))
}

/// The generations, newest first.
#[derive(Debug, Serialize)]
pub struct HistoryJson<'a> {
    snapshots: Vec<SnapshotJson<'a>>,
}

/// See [`HistoryJson`].
pub fn history_json(list: &ListSnapshotsResponse) -> HistoryJson<'_> {
    HistoryJson { snapshots: list.snapshots.iter().map(Into::into).collect() }
}

/// The generations as a table.
pub fn history_text(list: &ListSnapshotsResponse, page: &Page) -> String {
    if list.snapshots.is_empty() {
        return "The directory was never loaded; load it with `oam snapshot import FILE`.\n".into();
    }
    let mut table = Table::new(["GENERATION", "CHANGED", "AGE", "USERS", "ACTIVE", "CAUSE", "BY", "REASON"]);
    for info in &list.snapshots {
        let at = moment(info.changed_micros);
        table.push([
            info.generation.to_string(),
            at.map_or_else(|| "-".into(), utc),
            at.map_or_else(|| "-".into(), |at| page.age(at)),
            number(info.users),
            number(info.active_users),
            shown(&info.cause),
            shown(&info.actor),
            shown(&info.reason),
        ]);
    }
    table.laid_out(page)
}

/// One difference; a JSON line.
#[derive(Debug, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum ChangeJson<'a> {
    /// A user is new.
    UserAdded {
        /// Who.
        username: &'a str,
    },
    /// A user is gone.
    UserRemoved {
        /// Who.
        username: &'a str,
    },
    /// A user is another than before.
    UserChanged {
        /// Who.
        username: &'a str,
        /// The new activity; null when it did not change.
        active: Option<bool>,
        /// Groups joined.
        joined: &'a [String],
        /// Groups left.
        left: &'a [String],
        /// Whether name, id or addresses changed.
        details: bool,
    },
    /// A group is new.
    GroupAdded {
        /// Which.
        group: &'a str,
    },
    /// A group is gone.
    GroupRemoved {
        /// Which.
        group: &'a str,
    },
}

/// See [`ChangeJson`]; `None` for a difference that this version does not know.
pub fn change_json(change: &SnapshotChange) -> Option<ChangeJson<'_>> {
    Some(match change.change.as_ref()? {
        Change::UserAdded(username) => ChangeJson::UserAdded { username },
        Change::UserRemoved(username) => ChangeJson::UserRemoved { username },
        Change::UserChanged(diff) => ChangeJson::UserChanged {
            username: &diff.username,
            active: diff.activity_changed.then_some(diff.active),
            joined: &diff.joined,
            left: &diff.left,
            details: diff.details,
        },
        Change::GroupAdded(group) => ChangeJson::GroupAdded { group },
        Change::GroupRemoved(group) => ChangeJson::GroupRemoved { group },
    })
}

/// One difference on a line.
pub fn change_text(change: &SnapshotChange, page: &Page) -> String {
    match &change.change {
        Some(Change::UserAdded(name)) => format!("{} user   {}\n", page.good("+"), shown(name)),
        Some(Change::UserRemoved(name)) => format!("{} user   {}\n", page.bad("-"), shown(name)),
        Some(Change::UserChanged(diff)) => {
            format!("{} user   {}: {}\n", page.warn("~"), shown(&diff.username), user_diff(diff))
        }
        Some(Change::GroupAdded(name)) => format!("{} group  {}\n", page.good("+"), shown(name)),
        Some(Change::GroupRemoved(name)) => format!("{} group  {}\n", page.bad("-"), shown(name)),
        None => "? a difference that this version of oam does not know\n".into(),
    }
}

fn user_diff(diff: &UserDiff) -> String {
    let mut parts = Vec::new();
    if diff.activity_changed {
        parts.push(if diff.active { "active again" } else { "no longer active" }.to_owned());
    }
    if !diff.joined.is_empty() {
        parts.push(format!("joined {}", names(&diff.joined)));
    }
    if !diff.left.is_empty() {
        parts.push(format!("left {}", names(&diff.left)));
    }
    if diff.details {
        parts.push("other details".into());
    }
    parts.join("; ")
}

/// How many differences there were, by kind, while they stream past.
#[derive(Debug, Default)]
pub struct DiffCount {
    users: [u64; 3],
    groups: [u64; 2],
}

impl DiffCount {
    /// Counts one.
    pub fn add(&mut self, change: &SnapshotChange) {
        let [users_added, users_removed, users_changed] = &mut self.users;
        let [groups_added, groups_removed] = &mut self.groups;
        match change.change {
            Some(Change::UserAdded(_)) => *users_added += 1,
            Some(Change::UserRemoved(_)) => *users_removed += 1,
            Some(Change::UserChanged(_)) => *users_changed += 1,
            Some(Change::GroupAdded(_)) => *groups_added += 1,
            Some(Change::GroupRemoved(_)) => *groups_removed += 1,
            None => {}
        }
    }

    /// The sum in words.
    pub fn text(&self) -> String {
        let sum = |numbers: &[u64]| {
            let parts: Vec<_> = numbers.iter().copied().zip(["added", "removed", "changed"]).collect();
            counts(&parts, "no difference")
        };
        format!("users: {}; groups: {}\n", sum(&self.users), sum(&self.groups))
    }
}

/// What came of going back.
#[derive(Debug, Serialize)]
pub struct RollbackJson<'a> {
    snapshot: Option<SnapshotJson<'a>>,
    cut_off_since: &'a [String],
    reactivated: bool,
}

/// See [`RollbackJson`]. `reactivate` is what was asked for.
pub fn rollback_json(response: &RollBackSnapshotResponse, reactivate: bool) -> RollbackJson<'_> {
    RollbackJson {
        snapshot: response.snapshot.as_ref().map(Into::into),
        cut_off_since: &response.cut_off_since,
        reactivated: reactivate,
    }
}

/// What came of going back to generation `to`, and who stays cut off.
pub fn rollback_text(response: &RollBackSnapshotResponse, to: u64, reactivate: bool, page: &Page) -> String {
    let mut text = format!("{} The directory is as it was in generation {to}", page.good("Done."));
    if let Some(info) = &response.snapshot {
        text.push_str(&format!(", now as {}.\n{}", named(info), fields(info).laid_out(page)));
    } else {
        text.push_str(".\n");
    }
    let people = &response.cut_off_since;
    if people.is_empty() {
        text.push_str("Nobody was deactivated or removed since then.\n");
        return text;
    }
    let count = counted(people.len() as u64, "person", "people");
    text.push_str(&if reactivate {
        page.warn(&format!("Deactivated or removed since then, and given access again: {count}"))
    } else {
        format!("Deactivated or removed since then, and still cut off: {count}")
    });
    text.push('\n');
    for name in people {
        text.push_str(&format!("  {}\n", shown(name)));
    }
    if !reactivate {
        text.push_str("Give one of them access again with `oam user reactivate NAME --reason …`.\n");
    }
    text
}
