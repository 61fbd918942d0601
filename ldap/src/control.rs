//! Controls: what extends a search, and what comes with its answers.

use uuid::Uuid;

use crate::ber::{
    ENUMERATED, Fault, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET, all, boolean, number, octets,
};

/// Paged results (RFC 2696).
pub const PAGED: &str = "1.2.840.113556.1.4.319";
/// Content synchronization (RFC 4533): the request.
pub const SYNC_REQUEST: &str = "1.3.6.1.4.1.4203.1.9.1.1";
/// Content synchronization: what comes with an entry.
pub const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
/// Content synchronization: what comes with the end.
pub const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
/// Content synchronization: what comes in between.
pub const SYNC_INFO: &str = "1.3.6.1.4.1.4203.1.9.1.4";
/// Change notifications of Active Directory.
pub const NOTIFICATION: &str = "1.2.840.113556.1.4.528";
/// Active Directory: deleted objects, too.
pub const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";

/// What changed in Active Directory since a cookie (DirSync).
pub const DIR_SYNC: &str = "1.2.840.113556.1.4.841";

/// A control that we send. All are critical: a server that does not know one must say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask<'a> {
    /// A part of what is found, behind what this cookie stands for.
    Page {
        /// How many objects.
        size: i32,
        /// Where the part before it ended; empty: the first.
        cookie: &'a [u8],
    },
    /// All that is found and is not as the cookie's owner knows it, and from then on whatever changes.
    Sync {
        /// What is known; `None`: nothing.
        cookie: Option<&'a [u8]>,
    },
    /// Whatever changes.
    Notify,
    /// Deleted objects, too.
    ShowDeleted,
    /// What changed since this cookie was given, deleted objects too; empty: ever.
    DirSync {
        /// What is known.
        cookie: &'a [u8],
    },
}

/// Where a part of what changed ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Whether another part follows.
    pub more: bool,
    /// What is known by now.
    pub cookie: Vec<u8>,
}

/// What a server says of an entry in a synchronization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncState {
    /// What became of it.
    pub state: State,
    /// Which it is.
    pub id: Uuid,
    /// What is known by now.
    pub cookie: Option<Vec<u8>>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is as it was.
    Present,
    /// It is new.
    Add,
    /// It is another.
    Modify,
    /// It is gone, or no longer looked for.
    Delete,
}

/// What a server says between entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncInfo {
    /// What is known by now.
    Cookie(Vec<u8>),
    /// A phase of the refresh ended.
    Phase {
        /// Whether those are gone that were not named; otherwise those that were named as gone.
        present: bool,
        /// Whether the refresh ended with it.
        done: bool,
        /// What is known by now.
        cookie: Option<Vec<u8>>,
    },
    /// Several entries at once.
    Ids {
        /// Whether they are gone; otherwise they are as they were.
        gone: bool,
        /// Which.
        ids: Vec<Uuid>,
        /// What is known by now.
        cookie: Option<Vec<u8>>,
    },
}

impl Ask<'_> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (oid, value) = match self {
            Self::Page { size, cookie } => {
                (PAGED, Some(all(SEQUENCE, &[number(INTEGER, *size), octets(cookie)])))
            }
            Self::Sync { cookie } => {
                let refresh_and_persist = number(ENUMERATED, 3);
                let cookie = cookie.map(octets).unwrap_or_default();
                (SYNC_REQUEST, Some(all(SEQUENCE, &[refresh_and_persist, cookie])))
            }
            Self::Notify => (NOTIFICATION, None),
            Self::ShowDeleted => (SHOW_DELETED, None),
            // No flags: with the one for which any account will do, deleted objects are left out in silence.
            Self::DirSync { cookie } => {
                let parts = [number(INTEGER, 0), number(INTEGER, i32::MAX), octets(cookie)];
                (DIR_SYNC, Some(all(SEQUENCE, &parts)))
            }
        };
        let value = value.map(|value| octets(&value)).unwrap_or_default();
        all(SEQUENCE, &[octets(oid.as_bytes()), boolean(true), value])
    }
}

/// Where the next page begins, by the control of the last; `None`: there is none.
///
/// # Errors
/// When the control is malformed.
pub fn next_page(value: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let mut value = Reader::new(value).inside(SEQUENCE)?;
    value.integer(INTEGER)?;
    let cookie = value.take(OCTET_STRING)?;
    Ok((!cookie.is_empty()).then(|| cookie.to_vec()))
}

/// Reads what comes with an entry.
///
/// # Errors
/// When it is malformed.
pub fn sync_state(value: &[u8]) -> Result<SyncState, Fault> {
    let mut value = Reader::new(value).inside(SEQUENCE)?;
    let state = match value.integer(ENUMERATED)? {
        0 => State::Present,
        1 => State::Add,
        2 => State::Modify,
        3 => State::Delete,
        _ => return Err(Fault::Value("the state of an entry")),
    };
    let id = id(value.take(OCTET_STRING)?)?;
    Ok(SyncState { state, id, cookie: cookie(&mut value)? })
}

/// Reads what comes between entries.
///
/// # Errors
/// When it is malformed.
pub fn sync_info(value: &[u8]) -> Result<SyncInfo, Fault> {
    let choice = Reader::new(value).any()?;
    let mut inner = Reader::new(choice.content);
    match choice.tag {
        0x80 => Ok(SyncInfo::Cookie(choice.content.to_vec())),
        tag @ (0xa1 | 0xa2) => {
            let cookie = cookie(&mut inner)?;
            let done = inner.optional_boolean()?.unwrap_or(true);
            Ok(SyncInfo::Phase { present: tag == 0xa2, done, cookie })
        }
        0xa3 => {
            let cookie = cookie(&mut inner)?;
            let gone = inner.optional_boolean()?.unwrap_or(false);
            let mut set = inner.inside(SET)?;
            let mut ids = Vec::new();
            while !set.is_done() {
                ids.push(id(set.take(OCTET_STRING)?)?);
            }
            Ok(SyncInfo::Ids { gone, ids, cookie })
        }
        _ => Err(Fault::Value("what stands between entries")),
    }
}

/// Where a part of what changed ends, by the control of its end.
///
/// # Errors
/// When the control is malformed.
pub fn dir_sync(value: &[u8]) -> Result<Part, Fault> {
    let mut value = Reader::new(value).inside(SEQUENCE)?;
    let more = value.integer(INTEGER)? != 0;
    value.integer(INTEGER)?;
    Ok(Part { more, cookie: value.take(OCTET_STRING)?.to_vec() })
}

fn id(bytes: &[u8]) -> Result<Uuid, Fault> {
    Uuid::from_slice(bytes).map_err(|_| Fault::Value("the id of an entry"))
}

fn cookie(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Fault> {
    Ok(reader.optional(OCTET_STRING)?.map(<[u8]>::to_vec))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ber::element;

    const ID: Uuid = Uuid::from_bytes([7; 16]);

    #[test]
    fn states_are_read_as_rfc_4533_has_them() {
        for (number_of, state) in
            [(0, State::Present), (1, State::Add), (2, State::Modify), (3, State::Delete)]
        {
            let value = all(SEQUENCE, &[number(ENUMERATED, number_of), octets(ID.as_bytes()), octets(b"c")]);
            assert_eq!(sync_state(&value), Ok(SyncState { state, id: ID, cookie: Some(b"c".to_vec()) }));
        }
        let unknown = all(SEQUENCE, &[number(ENUMERATED, 4), octets(ID.as_bytes())]);
        assert!(sync_state(&unknown).is_err());
        let short = all(SEQUENCE, &[number(ENUMERATED, 1), octets(b"short")]);
        assert!(sync_state(&short).is_err());
    }

    #[test]
    fn phases_have_their_defaults() {
        for (bytes, info) in [
            (element(0x80, b"c"), SyncInfo::Cookie(b"c".to_vec())),
            (all(0xa1, &[]), SyncInfo::Phase { present: false, done: true, cookie: None }),
            (
                all(0xa2, &[octets(b"c"), boolean(false)]),
                SyncInfo::Phase { present: true, done: false, cookie: Some(b"c".to_vec()) },
            ),
            (
                all(0xa3, &[all(SET, &[octets(ID.as_bytes())])]),
                SyncInfo::Ids { gone: false, ids: vec![ID], cookie: None },
            ),
            (
                all(0xa3, &[boolean(true), all(SET, &[])]),
                SyncInfo::Ids { gone: true, ids: vec![], cookie: None },
            ),
        ] {
            assert_eq!(sync_info(&bytes), Ok(info));
        }
    }

    #[test]
    fn the_last_page_has_no_cookie() {
        let value = |cookie: &[u8]| all(SEQUENCE, &[number(INTEGER, 0), octets(cookie)]);
        assert_eq!(next_page(&value(b"")), Ok(None));
        assert_eq!(next_page(&value(b"x")), Ok(Some(b"x".to_vec())));
    }

    #[test]
    fn parts_of_what_changed_say_whether_more_follow() {
        for more in [0, 1, 2] {
            let value = all(SEQUENCE, &[number(INTEGER, more), number(INTEGER, 0), octets(b"c")]);
            assert_eq!(dir_sync(&value), Ok(Part { more: more != 0, cookie: b"c".to_vec() }));
        }
        assert!(dir_sync(&all(SEQUENCE, &[number(INTEGER, 0), octets(b"c")])).is_err());
    }

    proptest! {
        #[test]
        fn no_control_is_a_crash(bytes in prop::collection::vec(any::<u8>(), 0..64), tag in any::<u8>()) {
            for bytes in [bytes.clone(), element(tag & !0x1f, &bytes), element(SEQUENCE, &bytes)] {
                let _ = (next_page(&bytes), sync_state(&bytes), sync_info(&bytes), dir_sync(&bytes));
            }
        }
    }
}
