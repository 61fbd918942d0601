use oam_policy::{Channel, ObjectId, RefChange, RefName, RefUpdate};

use crate::{WireError, v1};

/// The message for one ref update.
pub fn update_to_wire(update: &RefUpdate) -> v1::RefUpdate {
    let bytes = |id: &ObjectId| id.as_bytes().to_vec();
    let change = match &update.change {
        RefChange::Create { new } => {
            v1::ref_update::Change::Create(v1::ref_update::Create { new: bytes(new) })
        }
        RefChange::Move { old, new } => {
            v1::ref_update::Change::Move(v1::ref_update::Move { old: bytes(old), new: bytes(new) })
        }
        RefChange::Delete { old } => {
            v1::ref_update::Change::Delete(v1::ref_update::Delete { old: bytes(old) })
        }
        RefChange::Merge { onto, from } => v1::ref_update::Change::Merge(v1::ref_update::Merge {
            onto: bytes(onto),
            from: from.as_ref().map(bytes).unwrap_or_default(),
        }),
    };
    v1::RefUpdate { name: update.name.as_bytes().to_vec(), change: Some(change) }
}

/// The ref update of one message.
///
/// # Errors
/// When the name breaks git's rules, an object id is no object id, or the change is missing.
pub fn update_from_wire(message: v1::RefUpdate) -> Result<RefUpdate, WireError> {
    let name = RefName::parse(&message.name).map_err(|error| WireError::new("name", error))?;
    let id = |field, bytes: &[u8]| ObjectId::from_bytes(bytes).map_err(|error| WireError::new(field, error));
    let change = match message.change.ok_or_else(|| WireError::new("change", "it is missing"))? {
        v1::ref_update::Change::Create(create) => RefChange::Create { new: id("create.new", &create.new)? },
        v1::ref_update::Change::Move(moved) => {
            RefChange::Move { old: id("move.old", &moved.old)?, new: id("move.new", &moved.new)? }
        }
        v1::ref_update::Change::Delete(delete) => RefChange::Delete { old: id("delete.old", &delete.old)? },
        v1::ref_update::Change::Merge(merge) => RefChange::Merge {
            onto: id("merge.onto", &merge.onto)?,
            from: if merge.from.is_empty() { None } else { Some(id("merge.from", &merge.from)?) },
        },
    };
    Ok(RefUpdate { name, change })
}

/// The message's value for a channel.
pub fn channel_to_wire(channel: Channel) -> v1::Channel {
    match channel {
        Channel::Push => v1::Channel::Push,
        Channel::BranchCreate => v1::Channel::BranchCreate,
        Channel::BranchDelete => v1::Channel::BranchDelete,
        Channel::TagCreate => v1::Channel::TagCreate,
        Channel::TagDelete => v1::Channel::TagDelete,
        Channel::FileEdit => v1::Channel::FileEdit,
        Channel::PullRequestMerge => v1::Channel::PullRequestMerge,
        Channel::PullRequestDryRun => v1::Channel::PullRequestDryRun,
        Channel::Merge => v1::Channel::Merge,
    }
}

/// The channel of a message's value.
///
/// # Errors
/// For the zero value, and for one that this version does not know.
pub fn channel_from_wire(value: i32) -> Result<Channel, WireError> {
    Channel::ALL
        .into_iter()
        .find(|channel| channel_to_wire(*channel) as i32 == value)
        .ok_or_else(|| WireError::new("channel", format_args!("{value} is no channel")))
}

#[cfg(test)]
mod tests {
    use oam_policy::{Channel, ObjectId, RefChange, RefName, RefUpdate};

    use super::{channel_from_wire, channel_to_wire, update_from_wire, update_to_wire};
    use crate::v1;

    #[test]
    fn every_change_survives_the_wire() {
        let (old, new) = (ObjectId::Sha1([1; 20]), ObjectId::Sha256([2; 32]));
        for change in [
            RefChange::Create { new },
            RefChange::Move { old, new },
            RefChange::Delete { old },
            RefChange::Merge { onto: old, from: None },
            RefChange::Merge { onto: old, from: Some(new) },
        ] {
            let update = RefUpdate { name: RefName::parse(b"refs/heads/\xff").unwrap(), change };
            assert_eq!(update_from_wire(update_to_wire(&update)), Ok(update));
        }
    }

    #[test]
    fn every_channel_survives_the_wire_and_zero_is_none() {
        for channel in Channel::ALL {
            assert_eq!(channel_from_wire(channel_to_wire(channel) as i32), Ok(channel));
        }
        assert!(channel_from_wire(0).is_err() && channel_from_wire(99).is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |name: &[u8], change| v1::RefUpdate { name: name.to_vec(), change };
        let create =
            |new: &[u8]| Some(v1::ref_update::Change::Create(v1::ref_update::Create { new: new.to_vec() }));
        for (message, field) in [
            (message(b"HEAD", create(&[1; 20])), "name"),
            (message(b"refs/heads/x", None), "change"),
            (message(b"refs/heads/x", create(&[0; 20])), "create.new"),
            (message(b"refs/heads/x", create(b"")), "create.new"),
        ] {
            assert_eq!(update_from_wire(message).unwrap_err().field, field);
        }
    }
}
