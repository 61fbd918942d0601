use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use oam_policy::{Policy, RefusalReason, Snapshot, State, Username, decide::Subject, decide::obstacles};

use super::{AdminRole, Holder};
use crate::{
    config::{AdminConfig, Config},
    oidc::VerifiedToken,
};

/// Who calls the admin service.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A user of this host, over the socket: the kernel vouches for them.
    Host {
        /// Their user id.
        uid: u32,
        /// Their main group.
        gid: u32,
    },
    /// Somebody with a token.
    Person(Box<VerifiedToken>),
}

/// What a caller holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The roles.
    pub roles: BTreeSet<AdminRole>,
    /// Who it is in the directory: somebody who may ask about themselves.
    pub username: Option<Username>,
    /// Why they hold none, whatever the configuration says.
    pub bar: Option<String>,
    /// What could not be told, a sentence each.
    pub doubts: Vec<String>,
}

/// As the audit log names them. What identifies somebody with a token, and never changes, stands before the name.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { uid, .. } => write!(f, "uid {uid}"),
            Self::Person(token) => {
                write!(f, "{}:{}", token.issuer(), token.subject().replace('%', "%25").replace(' ', "%20"))?;
                match token.username() {
                    Some(username) => write!(f, " ({})", username.as_str()),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Whether two names of the audit log are of one person, whatever they are called now.
pub fn same_person(one: &str, other: &str) -> bool {
    fn identity(actor: &str) -> &str {
        actor.split_once(" (").map_or(actor, |(identity, _)| identity)
    }
    identity(one) == identity(other)
}

/// Who a name of the audit log is in the directory, where it tells.
fn username_of(actor: &str) -> Option<Username> {
    actor.split_once(" (")?.1.strip_suffix(')')?.parse().ok()
}

/// Whether the one whom a name of the audit log tells may still be an administrator. Of users of this host the directory says
/// nothing; and what a token said is not kept, so that who administers by the word of an issuer is told by their next one.
pub fn may_still_administer(actor: &str, admin: &AdminConfig, policy: &Policy, snapshot: &Snapshot) -> bool {
    let Some(username) = username_of(actor) else { return true };
    let (subject, bar) = Subject::resolve(policy, snapshot, &username);
    // Whom no source knows may administer by what their token says.
    if !matches!(bar, None | Some(RefusalReason::UnknownPrincipal { .. })) {
        return false;
    }
    let issued_by = actor.split_once(':').map_or(actor, |(issuer, _)| issuer);
    let user = snapshot.user(&username.key());
    let is_meant = |holder: &Holder| match holder {
        Holder::Uid(_) | Holder::Gid(_) => false,
        Holder::Token { issuer, name: _ } => issuer == issued_by,
        Holder::Role(role) => bar.is_none() && subject.roles().any(|held| held == role),
        Holder::Group(group) => user.is_some_and(|user| user.groups().any(|one| one == group)),
    };
    admin.roles.get(&AdminRole::Admin).is_some_and(|holders| holders.iter().any(is_meant))
}

impl Caller {
    /// Who it is in the directory, if their token tells.
    pub fn username(&self) -> Option<&Username> {
        match self {
            Self::Host { .. } => None,
            Self::Person(token) => token.username(),
        }
    }

    /// What the caller holds by what is in force now. `ids` are those by which sources know the one of the caller's name.
    pub fn held(&self, config: &Config, state: &State, ids: &[String], now: Timestamp) -> Held {
        match self {
            Self::Host { uid, gid } => of_host(config, state, *uid, *gid),
            Self::Person(token) => of_person(token, config, state, ids, now),
        }
    }
}

fn of_host(config: &Config, state: &State, uid: u32, gid: u32) -> Held {
    let holds = |holder: &Holder| match holder {
        Holder::Uid(one) => *one == uid,
        Holder::Gid(one) => *one == gid,
        Holder::Role(_) | Holder::Group(_) | Holder::Token { .. } => false,
    };
    let configured = config.admin.roles.iter().filter(|(_, holders)| holders.iter().any(holds));
    let always = config.admin_uids.contains(&uid).then_some(AdminRole::Admin);
    // Whoever is cut off is nobody of the directory. What the configuration gives the user of the host stays.
    let username = config.admin.people.get(&uid).filter(|username| may_act(state, username)).cloned();
    Held { roles: configured.map(|(role, _)| *role).chain(always).collect(), username, ..Held::default() }
}

fn may_act(state: &State, username: &Username) -> bool {
    let (Some(policy), Some(snapshot)) = (state.policy.as_deref(), &state.snapshot) else { return false };
    Subject::resolve(policy, snapshot, username).1.is_none()
}

fn of_person(token: &VerifiedToken, config: &Config, state: &State, ids: &[String], now: Timestamp) -> Held {
    let person = match Person::find(token, state, ids, now) {
        Ok(person) => person,
        Err(bar) => return Held { bar: Some(bar), ..Held::default() },
    };
    let mut held =
        Held { username: Some(person.username.clone()), bar: person.cut_off.clone(), ..Held::default() };
    if held.bar.is_some() {
        return held;
    }
    for (role, holders) in &config.admin.roles {
        for holder in holders {
            match person.is(holder, token) {
                Ok(true) => {
                    held.roles.insert(*role);
                }
                Ok(false) => {}
                Err(doubt) => held.doubts.push(doubt),
            }
        }
    }
    held.doubts.sort();
    held.doubts.dedup();
    held
}

/// Somebody with a token, as the directory and the policy know them.
struct Person<'a> {
    username: Username,
    cut_off: Option<String>,
    state: &'a State,
    /// Why nobody can tell what they hold by the directory and the policy.
    untold: Option<String>,
    subject: Option<Subject<'static>>,
}

impl<'a> Person<'a> {
    /// Finds them, unless they must not be taken for the one of that name.
    fn find(token: &VerifiedToken, state: &'a State, ids: &[String], now: Timestamp) -> Result<Self, String> {
        let username = token.username().cloned().ok_or_else(|| {
            format!(
                "the token does not tell a name of the directory (`issuer.{}.username`), so nobody can tell whether you \
                 were cut off",
                token.issuer()
            )
        })?;
        let mut person = Self { username, cut_off: None, state, untold: None, subject: None };
        let why = obstacles(state, now);
        person.untold = why.first().map(|reason| oam_policy::words::of_undecided(reason).summary);
        let Some(snapshot) = &state.snapshot else { return Ok(person) };
        let key = person.username.key();
        if let Some(user) = snapshot.user(&key) {
            // Each source has an id of its own for them, and the directory keeps one.
            let is_known_so = ids.iter().any(|id| token.is_of(Some(id)));
            if !is_known_so && !token.is_of(user.id()) {
                let username = user.username().as_str();
                return Err(format!(
                    "the directory knows another `{username}` than the one that the token is about"
                ));
            }
            if !user.is_active() {
                person.cut_off = Some("the directory knows you as deactivated or cut off".to_owned());
            }
        }
        if snapshot.revocations().contains_key(&key) {
            person.cut_off = Some("you are cut off by command".to_owned());
        }
        if let Some(policy) = state.policy.as_deref() {
            let (subject, bar) = Subject::resolve(policy, snapshot, &person.username);
            match bar {
                None => person.subject = Some(subject.into_owned()),
                Some(RefusalReason::UnknownPrincipal { .. }) => {}
                Some(_) => person.cut_off = person.cut_off.or(Some("you may not act at all".to_owned())),
            }
        }
        Ok(person)
    }

    /// Whether it is they who are meant, or why nobody can tell.
    fn is(&self, holder: &Holder, token: &VerifiedToken) -> Result<bool, String> {
        match holder {
            Holder::Uid(_) | Holder::Gid(_) => Ok(false),
            Holder::Token { issuer, .. } if issuer != token.issuer() => Ok(false),
            Holder::Token { name, .. } => token.groups().has(name).ok_or_else(|| token.groups().doubt()),
            Holder::Role(_) | Holder::Group(_) if self.untold.is_some() => Err(format!(
                "What you hold by the directory cannot be told: {}",
                self.untold.clone().unwrap_or_default()
            )),
            Holder::Role(role) => {
                Ok(self.subject.as_ref().is_some_and(|subject| subject.roles().any(|held| held == role)))
            }
            Holder::Group(group) => {
                let user =
                    self.state.snapshot.as_ref().and_then(|snapshot| snapshot.user(&self.username.key()));
                Ok(user.is_some_and(|user| user.groups().any(|one| one == group)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
