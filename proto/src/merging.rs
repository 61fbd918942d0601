use oam_policy::{Merging, ObjectId};

use crate::{WireError, v1};

/// The message for a pull request.
pub fn merging_to_wire(merging: &Merging) -> v1::Merging {
    let Merging { number, head } = merging;
    v1::Merging {
        number: *number,
        head: head.as_ref().map(|head| head.as_bytes().to_vec()).unwrap_or_default(),
    }
}

/// The pull request of a message.
///
/// # Errors
/// When its number is 0, or its head is no object id.
pub fn merging_from_wire(message: &v1::Merging) -> Result<Merging, WireError> {
    let v1::Merging { number, head } = message;
    if *number == 0 {
        return Err(WireError::new("pull_request.number", "no pull request has the number 0"));
    }
    let id = || ObjectId::from_bytes(head).map_err(|error| WireError::new("pull_request.head", error));
    Ok(Merging { number: *number, head: if head.is_empty() { None } else { Some(id()?) } })
}

#[cfg(test)]
mod tests {
    use oam_policy::{Merging, ObjectId};

    use super::{merging_from_wire, merging_to_wire};
    use crate::v1;

    #[test]
    fn a_pull_request_survives_the_wire_and_what_is_wrong_is_named() {
        for head in [None, Some(ObjectId::Sha1([7; 20])), Some(ObjectId::Sha256([7; 32]))] {
            let merging = Merging { number: 17, head };
            assert_eq!(merging_from_wire(&merging_to_wire(&merging)), Ok(merging));
        }
        for (number, head, field) in [
            (0, vec![7; 20], "pull_request.number"),
            (1, vec![7; 19], "pull_request.head"),
            (1, vec![0; 20], "pull_request.head"),
        ] {
            let message = v1::Merging { number, head };
            assert_eq!(merging_from_wire(&message).unwrap_err().field, field);
        }
    }
}
