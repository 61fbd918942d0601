//! What is given to nobody by name: default permissions of projects, and access keys.

use super::{Basis, Change, Reading, Seen, Step, seen::Silence};
use crate::{AccessKey, Bitbucket, Error, permission::Place};

/// Reads what is given to nobody by name, where that is ours to take; access keys only where that is wanted. A place where it cannot
/// be read is noted.
///
/// # Errors
/// When there is too much asking, or no answer at all.
pub async fn see_anybody(
    bitbucket: &Bitbucket,
    seen: &mut Seen,
    basis: &Basis,
    reading: Reading,
    with_keys: bool,
) -> Result<(), Error> {
    let is_ours = |place: &&Place| is_ours(basis, place);
    let ours: Vec<_> = seen.places.is.iter().filter(is_ours).cloned().collect();
    seen.defaults.retain(|place, _| ours.contains(place));
    seen.access_keys.clear();
    let mut silence = Silence::default();
    for place in ours {
        if let Place::Project(project) = &place
            && !seen.defaults.get(&place).is_some_and(|known| reading.believes(known.at))
        {
            seen.defaults.remove(&place);
            let read = bitbucket.default_permission(project).await;
            if let Some(level) = silence.broken_by(read, &place, &mut seen.unread_places)? {
                seen.defaults.insert(place.clone(), reading.dated(level));
            }
        }
        if with_keys {
            let read = bitbucket.access_keys(&place).await;
            if let Some(keys) = silence.broken_by(read, &place, &mut seen.unread_places)? {
                seen.access_keys.insert(place, keys);
            }
        }
    }
    Ok(())
}

/// What takes it: no rule gives anything to everybody, and a key that writes has to end.
pub(super) fn changes(seen: &Seen, basis: &Basis) -> Vec<Change> {
    let ours = |place: &Place| is_ours(basis, place);
    let defaults = seen.defaults.iter().filter(|(place, _)| ours(place));
    let defaults = defaults.filter_map(|(place, known)| {
        let step = Step::RevokeDefault { place: place.clone(), before: known.is? };
        Some(Change { step, because: "no rule gives anything to everybody".to_owned() })
    });
    let keys = seen.access_keys.iter().filter(|(place, _)| ours(place));
    let keys = keys.flat_map(|(place, keys)| keys.iter().map(move |key| (place, key)));
    let keys = keys.filter(|(_, key)| key.writes && !key.key.ends).map(|(place, AccessKey { key, .. })| {
        let step = Step::DeleteAccessKey { place: place.clone(), key: key.clone() };
        Change { step, because: "it may write, whoever has it, and never ends".to_owned() }
    });
    defaults.chain(keys).collect()
}

/// We gave none of it, so it is ours only where we were told so.
fn is_ours(basis: &Basis, place: &Place) -> bool {
    basis.settings.adopts(place) && !basis.settings.ignores_place(place)
}
