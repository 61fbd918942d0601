use oam_policy::SnapshotVersion;

use super::{ArchiveError, archive::Archive, floor};

/// What became of sled.
pub(super) enum Sled {
    Usable(Archive),
    /// Whole, but for what was acknowledged last: it is brought there after the answer, and a crash came in between. Not to
    /// be believed as the newest.
    Behind(Archive),
    /// It opens, and holds nothing, although there is a floor: why that may be.
    Empty(String),
    /// Not to be used again: why.
    Damaged(String),
    /// It may be whole, but the system is in the way.
    Unavailable(ArchiveError),
}

/// Whether sled can be believed beside the floor. `shelved` is up to where it was brought: below that it went back.
pub(super) fn judge(
    archive: Archive,
    floor: Option<SnapshotVersion>,
    shelved: &floor::Found,
    was_there: bool,
) -> Sled {
    let Some(floor) = floor else { return Sled::Usable(archive) };
    let shelf = archive.shelf();
    // Where nobody noted it, it was brought up to the floor, as earlier versions did before the answer.
    let least = match shelved {
        floor::Found::Known(shelved) => shelved.generation,
        floor::Found::New => 0,
        floor::Found::Absent | floor::Found::Damaged(_) => floor.generation,
    };
    let fault = match shelf.newest() {
        None if was_there && least == 0 => return Sled::Behind(archive),
        None => {
            let why = if was_there { "it went back to nothing" } else { "its files are missing" };
            archive.close();
            return Sled::Empty(why.to_owned());
        }
        Some(newest) if newest.generation < least => Some(format!(
            "it went back to generation {}, although it held generation {least}, and lies below the floor {}",
            newest.generation, floor.generation
        )),
        Some(newest) if newest.generation < floor.generation => return Sled::Behind(archive),
        // A floor older than all that is kept says nothing about them.
        Some(_) => shelf
            .version(floor.generation)
            .filter(|version| *version != floor)
            .map(|_| format!("its generation {} is not the one that was acknowledged", floor.generation)),
    };
    match fault {
        None => Sled::Usable(archive),
        Some(why) => {
            archive.close();
            Sled::Damaged(why)
        }
    }
}
