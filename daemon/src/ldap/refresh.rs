//! Content synchronization (RFC 4533): what is told at first is taken as a whole, what is told then one by one.

use std::collections::HashSet;

use oam_ldap::{
    Entry, Message, Replica,
    control::{self, Ask, SYNC_INFO, SYNC_STATE, State, SyncInfo},
    message::{Code, Response},
    replica::{Group, Touched, User},
    request::{Scope, Search},
};
use uuid::Uuid;

use super::{
    LdapError,
    connection::{Connection, granted},
    load::MAX_ENTRIES,
    mapped,
};
use crate::config::LdapConfig;

/// Up to where changes of users and of groups are known, in the server's words.
#[derive(Debug, Clone, Default)]
pub(super) struct Cookies {
    users: Option<Vec<u8>>,
    groups: Option<Vec<u8>>,
}

/// The two searches that go on.
#[derive(Debug)]
pub(super) struct Refresh {
    users: Half,
    groups: Half,
}

/// What a search is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Users,
    Groups,
}

/// One of them.
#[derive(Debug)]
struct Half {
    id: i32,
    side: Side,
    /// What was told before the refresh ended.
    staged: Vec<Item>,
    /// Who is as they were.
    present: HashSet<Uuid>,
    /// Whether whoever was not named is gone.
    rest_is_gone: bool,
    is_done: bool,
    cookie: Option<Vec<u8>>,
}

/// What was told of one object.
#[derive(Debug)]
enum Item {
    User(Uuid, User),
    Group(Uuid, Group),
    Gone(Uuid),
}

/// What a message came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing that counts.
    Nothing,
    /// The refresh is whole, or something changed since.
    Change,
}

impl Cookies {
    /// Whether the server can go on from where it was.
    pub(super) fn are_known(&self) -> bool {
        self.users.is_some() && self.groups.is_some()
    }
}

impl Refresh {
    /// Begins, from where the cookies were.
    pub(super) async fn begin(
        connection: &mut Connection,
        config: &LdapConfig,
        cookies: &Cookies,
    ) -> Result<Self, LdapError> {
        let (users, groups) = (mapped::user_attributes(config), mapped::group_attributes(config));
        let of_users = Search {
            base: &config.users.base,
            scope: Scope::Subtree,
            filter: &config.users.filter,
            attributes: &users,
        };
        let of_groups = Search {
            base: &config.groups.base,
            scope: Scope::Subtree,
            filter: &config.groups.filter,
            attributes: &groups,
        };
        let ask = |cookie| [Ask::Sync { cookie }];
        let users = connection.begin(&of_users, &ask(cookies.users.as_deref())).await?;
        let groups = connection.begin(&of_groups, &ask(cookies.groups.as_deref())).await?;
        Ok(Self::of(users, groups))
    }

    /// The two searches, by their numbers.
    pub(super) fn of(users: i32, groups: i32) -> Self {
        Self { users: Half::new(users, Side::Users), groups: Half::new(groups, Side::Groups) }
    }

    /// Whether all that was so at the beginning is told.
    pub(super) fn is_done(&self) -> bool {
        self.users.is_done && self.groups.is_done
    }

    /// Takes a message; `replica` is another when this is a change.
    pub(super) fn take(
        &mut self,
        message: Message,
        config: &LdapConfig,
        replica: &mut Replica,
        touched: &mut Touched,
    ) -> Result<Told, LdapError> {
        let was_done = self.is_done();
        let side = if message.id == self.users.id {
            Side::Users
        } else if message.id == self.groups.id {
            Side::Groups
        } else {
            return Ok(Told::Nothing);
        };
        self.half(side).take(message, config)?;
        if !self.is_done() {
            return Ok(Told::Nothing);
        }
        if !was_done {
            self.users.settle(replica.user_ids().collect(), replica, touched);
            self.groups.settle(replica.group_ids().collect(), replica, touched);
            return Ok(Told::Change);
        }
        let half = self.half(side);
        if half.staged.is_empty() {
            return Ok(Told::Nothing);
        }
        half.apply(replica, touched);
        Ok(Told::Change)
    }

    fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Users => &mut self.users,
            Side::Groups => &mut self.groups,
        }
    }

    /// Up to where changes are known, once they are kept.
    pub(super) fn note(&self, cookies: &mut Cookies) {
        let newest = |half: &Half, cookie: &mut Option<Vec<u8>>| {
            if half.cookie.is_some() {
                cookie.clone_from(&half.cookie);
            }
        };
        newest(&self.users, &mut cookies.users);
        newest(&self.groups, &mut cookies.groups);
    }
}

impl Half {
    fn new(id: i32, side: Side) -> Self {
        Self {
            id,
            side,
            staged: Vec::new(),
            present: HashSet::new(),
            rest_is_gone: false,
            is_done: false,
            cookie: None,
        }
    }

    fn take(&mut self, message: Message, config: &LdapConfig) -> Result<(), LdapError> {
        if self.staged.len() + self.present.len() > MAX_ENTRIES {
            return Err(LdapError::TooMuch { what: "users and groups", limit: MAX_ENTRIES });
        }
        let state = message.control(SYNC_STATE).map(control::sync_state).transpose()?;
        match message.response {
            Response::Entry(entry) => {
                let state =
                    state.ok_or(LdapError::Unexpected("an entry without word of what became of it"))?;
                self.cookie = state.cookie.or(self.cookie.take());
                match state.state {
                    State::Present => {
                        self.present.insert(state.id);
                    }
                    State::Delete => self.staged.push(Item::Gone(state.id)),
                    State::Add | State::Modify => {
                        self.staged.push(self.side.item(state.id, &entry, config));
                    }
                }
                Ok(())
            }
            Response::Intermediate { name, value } if name == SYNC_INFO => {
                self.inform(control::sync_info(&value)?);
                Ok(())
            }
            Response::Intermediate { .. } | Response::Reference => Ok(()),
            Response::Done(outcome) if outcome.code == Code::REFRESH_REQUIRED => Err(LdapError::AllAgain),
            Response::Done(outcome) => {
                granted("the search that was to go on", &outcome)?;
                Err(LdapError::Lost("the server ended the search that was to go on".into()))
            }
            Response::Bind(_) | Response::Extended(_) => {
                Err(LdapError::Unexpected("something else than an answer to a search"))
            }
        }
    }

    fn inform(&mut self, info: SyncInfo) {
        let cookie = match info {
            SyncInfo::Cookie(cookie) => Some(cookie),
            SyncInfo::Phase { present, done, cookie } => {
                self.rest_is_gone |= present;
                self.is_done |= done;
                cookie
            }
            SyncInfo::Ids { gone, ids, cookie } => {
                if gone {
                    self.staged.extend(ids.into_iter().map(Item::Gone));
                } else {
                    self.present.extend(ids);
                }
                cookie
            }
        };
        self.cookie = cookie.or(self.cookie.take());
    }

    /// Ends the refresh: what was known and is neither named anew nor as it was is gone, if a present phase said so.
    fn settle(&mut self, known: Vec<Uuid>, replica: &mut Replica, touched: &mut Touched) {
        if self.rest_is_gone {
            let named: HashSet<_> = self.staged.iter().map(Item::id).collect();
            let gone = known.into_iter().filter(|id| !named.contains(id) && !self.present.contains(id));
            for id in gone {
                self.side.remove(id, replica, touched);
            }
        }
        self.present = HashSet::new();
        self.apply(replica, touched);
    }

    fn apply(&mut self, replica: &mut Replica, touched: &mut Touched) {
        for item in self.staged.drain(..) {
            match item {
                Item::User(id, user) => replica.put_user(id, user, touched),
                Item::Group(id, group) => replica.put_group(id, group, touched),
                Item::Gone(id) => self.side.remove(id, replica, touched),
            }
        }
    }
}

impl Item {
    const fn id(&self) -> Uuid {
        match self {
            Self::User(id, _) | Self::Group(id, _) | Self::Gone(id) => *id,
        }
    }
}

impl Side {
    /// What an entry is now. One that cannot be understood is gone: it gives nobody anything.
    fn item(self, id: Uuid, entry: &Entry, config: &LdapConfig) -> Item {
        let understood = match self {
            Self::Users => mapped::user(config, entry).map(|user| Item::User(id, user)),
            Self::Groups => mapped::group(config, entry).map(|group| Item::Group(id, group)),
        };
        understood.unwrap_or(Item::Gone(id))
    }

    /// Takes out what a search names as gone: of what the other one is for it knows nothing. Servers with a log of their sessions
    /// name in a resumed search whatever was changed and is none of *its* entries, too.
    fn remove(self, id: Uuid, replica: &mut Replica, touched: &mut Touched) {
        match self {
            Self::Users => replica.remove_user(id, touched),
            Self::Groups => replica.remove_group(id, touched),
        }
    }
}
