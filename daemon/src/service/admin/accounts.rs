//! Accounts of Bitbucket by their numbers: a username can be another one tomorrow, or another's.
//!
//! Whoever is gone is gone also where their account has a name now that nobody knows. And what somebody has who has the name of
//! another one is for people to look at: neither is taken from them what that one is to lose, nor given what that one is to have.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oam_audit::entry::{BitbucketChanged, ChangeStage, Event};
use oam_bitbucket::{
    AccountId,
    permission::{Holder, Level},
    provision::{Settings, Told},
};
use oam_policy::{
    Policy, Snapshot, State, Username,
    entitle::{self, Standing},
    printable::Printable,
};
use oam_proto::v1;
use tonic::{Status, Streaming};

use super::{
    provisioning::{MOST_ASKED, kept, record},
    unavailable,
};
use crate::{
    provisioning::{Numbers, granted, is_member},
    service::Live,
};

/// How an account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stands {
    pub(super) standing: Standing,
    /// The name by which it was known, where nobody knows the one that it has.
    pub(super) was: Option<Holder>,
    /// Why nothing is given to it or taken from it: it is another account than the one that was known by its name, or somebody who is
    /// active was renamed.
    pub(super) another: Option<String>,
}

/// Takes which accounts there are, and notes by what names they are known. One that nobody knows by its name stays known as before,
/// but where somebody says that this is another Bitbucket.
pub(super) async fn tell(
    live: &Live,
    actor: &str,
    mut messages: Streaming<v1::TellBitbucketAccountsRequest>,
) -> Result<v1::TellBitbucketAccountsResponse, Status> {
    let (_, ledger) = kept(live)?;
    let (mut told, mut accept) = (Vec::new(), Accept::default());
    while let Some(message) = messages.message().await? {
        accept.all |= message.accept;
        accept.named.extend(message.accepted.iter().filter_map(numbered));
        told.extend(message.accounts.iter().filter_map(numbered));
        if told.len().max(accept.named.len()) > MOST_ASKED {
            return Err(Status::resource_exhausted(format!("more than {MOST_ASKED} accounts")));
        }
    }
    let taken = Taken::of(&live.state(), &ledger.numbers(), &told, (&accept, actor))?;
    let Taken { known, move_on, dropped, forgotten, accepted, let_go } = taken;
    let names = accepted.len();
    if names > 0 {
        tracing::warn!(actor, names, "accounts of Bitbucket are taken for whoever has their names");
    }
    if !forgotten.is_empty() {
        let numbers = forgotten.len();
        tracing::warn!(actor, numbers, "numbers that no account of this Bitbucket has are forgotten");
    }
    // Before it is so: by it somebody gets or loses what is another one's.
    for event in accepted.into_iter().chain(let_go) {
        record(live, event).await?;
    }
    let noted = known.len() as u64;
    let done = ledger.know(known, &move_on, &dropped).and_then(|()| ledger.forget(forgotten));
    done.map_err(|error| unavailable(&error))?;
    Ok(v1::TellBitbucketAccountsResponse { noted })
}

/// An account as it is told, where both its name and its number are ones.
fn numbered(wire: &v1::BitbucketAccount) -> Option<(Holder, AccountId)> {
    Holder::user(&wire.name).zip(AccountId::of_wire(wire.id))
}

/// The accounts that somebody says are those of whoever has their names.
#[derive(Debug, Default)]
struct Accept {
    /// All of them, as in another Bitbucket.
    all: bool,
    named: BTreeSet<(Holder, AccountId)>,
}

impl Accept {
    fn has(&self, account: &(Holder, AccountId)) -> bool {
        self.all || self.named.contains(account)
    }
}

/// What is taken of accounts that were told.
#[derive(Debug, Default)]
struct Taken {
    /// By what names they are known from now on.
    known: Vec<(AccountId, Holder)>,
    /// Those of them that have what was theirs under another name.
    move_on: BTreeSet<AccountId>,
    /// The names under which nobody can tell whose is what was given.
    dropped: BTreeSet<Holder>,
    /// The numbers that no account has any more, where they were those of another Bitbucket.
    forgotten: BTreeSet<AccountId>,
    /// What is recorded of those that had another's name or number, and are whose it is now.
    accepted: Vec<Event>,
    /// The same of the numbers that are forgotten, where none of those tells it.
    let_go: Vec<Event>,
}

impl Taken {
    fn of(
        state: &State,
        numbers: &Numbers,
        told: &[(Holder, AccountId)],
        (accept, actor): (&Accept, &str),
    ) -> Result<Self, Status> {
        let in_force = in_force(state)?;
        let (mut taken, mut unseen) = (Self::default(), accept.named.clone());
        for account in told {
            let (holder, id) = account;
            let Stands { standing, was, another } = Stands::of(in_force, numbers, holder, Some(*id));
            let is_known = standing != Standing::Unknown && was.is_none();
            if is_known {
                unseen.remove(account);
            }
            // In another Bitbucket whoever nobody knows is not who had the number before, be that a leaver or not.
            let is_other = accept.all && was.is_some();
            let is_told = another.is_none() || accept.has(account);
            if (is_known || is_other) && numbers.name_of(*id) != Some(holder) && is_told {
                if let Some(why) = was.map(|was| had_number(&was)).or(another) {
                    taken.accepted.push(accepted(actor, holder, (numbers, *id), why));
                }
                taken.known.push((*id, holder.clone()));
            }
        }
        if let Some((holder, id)) = unseen.first() {
            let name = Printable::new(holder.name());
            return Err(Status::failed_precondition(format!(
                "nothing is accepted: Bitbucket has no account `{name}` with the number {id}, or nobody knows it by that name; \
                 see `another-account` of `oam bitbucket drift`"
            )));
        }
        // In another Bitbucket a number is another account's.
        if accept.all {
            let there: BTreeSet<_> = told.iter().map(|(_, id)| *id).collect();
            let gone: Vec<_> = numbers.all().filter(|(id, _)| !there.contains(id)).collect();
            taken.forgotten = gone.iter().map(|(id, _)| *id).collect();
            // Whoever is accepted has the numbers beside their own that the name had.
            let names: BTreeSet<_> = taken.known.iter().map(|(_, name)| name).collect();
            let untold = gone.iter().filter(|(_, name)| !names.contains(name));
            taken.let_go = untold.map(|(id, name)| let_go(actor, name, *id)).collect();
        } else {
            (taken.move_on, taken.dropped) = moving_on(numbers, told, &taken.known);
        }
        Ok(taken)
    }
}

/// Those who have what was theirs under another name, and the names under which nobody can tell whose it is.
///
/// That goes by numbers. What was given under a name is that of the one account that was known by it, whoever has the name now: never of
/// whoever has it next.
fn moving_on(
    numbers: &Numbers,
    told: &[(Holder, AccountId)],
    known: &[(AccountId, Holder)],
) -> (BTreeSet<AccountId>, BTreeSet<Holder>) {
    // Of whoever has a name already is what is noted under it, also where another was known by it before.
    let holders = told.iter().filter(|(name, id)| numbers.name_of(*id) == Some(name));
    let held: BTreeSet<_> = holders.map(|(name, _)| name).collect();
    let (mut move_on, mut dropped) = (BTreeSet::new(), BTreeSet::new());
    for (id, name) in known {
        // What was another one's there is not theirs, unless it goes with that one.
        if numbers.ids_of(name).any(|other| other != *id) {
            dropped.insert(name.clone());
        }
        let Some(was) = numbers.name_of(*id).filter(|was| !held.contains(was)) else { continue };
        if numbers.ids_of(was).all(|other| other == *id) {
            move_on.insert(*id);
        } else {
            dropped.insert(was.clone());
        }
    }
    (move_on, dropped)
}

/// The names that another account has than the one that was known by them: what was given under these is not theirs to lose, also
/// where no directory knows them.
pub(super) fn anothers<'a>(
    numbers: &Numbers,
    users: &'a [(Holder, Option<AccountId>)],
) -> BTreeSet<&'a Holder> {
    let is_another = |name: &Holder, id: Option<AccountId>| id.is_some_and(|id| numbers.is_another(name, id));
    users.iter().filter(|(name, id)| is_another(name, *id)).map(|(name, _)| name).collect()
}

/// What is recorded where an account is taken for whoever has its name: the numbers of those that were known by it, and its own.
fn accepted(actor: &str, name: &Holder, (numbers, id): (&Numbers, AccountId), why: String) -> Event {
    let before: Vec<_> = numbers.ids_of(name).map(|id| id.to_string()).collect();
    let before = (!before.is_empty()).then(|| before.join(", "));
    of_account("accept-account", actor, name, (before, Some(id)), why)
}

/// What is recorded where a number is forgotten that was known by a name.
fn let_go(actor: &str, name: &Holder, id: AccountId) -> Event {
    let why = "no account has its number in another Bitbucket".to_owned();
    of_account("forget-account", actor, name, (Some(id.to_string()), None), why)
}

/// What is recorded of what the daemon takes an account for, with its numbers before and afterwards.
fn of_account(
    step: &str,
    actor: &str,
    name: &Holder,
    (before, after): (Option<String>, Option<AccountId>),
    because: String,
) -> Event {
    Event::BitbucketChanged(BitbucketChanged {
        stage: ChangeStage::Done,
        begun: None,
        actor: actor.to_owned(),
        step: step.to_owned(),
        place: None,
        user: Some(name.name().to_owned()),
        group: None,
        thing: None,
        before,
        after: after.map(|id| id.to_string()),
        because,
        detail: None,
    })
}

/// Why an account is its own that was taken for somebody else by its number.
fn had_number(was: &Holder) -> String {
    format!("its number was that of `{}` in another Bitbucket", was.name())
}

fn in_force(state: &State) -> Result<(&Policy, &Snapshot), Status> {
    let in_force = state.policy.as_deref().zip(state.snapshot.as_ref());
    in_force.ok_or_else(|| Status::unavailable("there is no policy, or no directory"))
}

impl Stands {
    /// How the account of that name and number stands.
    pub(super) fn of(
        (policy, snapshot): (&Policy, &Snapshot),
        numbers: &Numbers,
        name: &Holder,
        id: Option<AccountId>,
    ) -> Self {
        let by_name = |name: &str| {
            Username::parse(name).map_or(Standing::Unknown, |user| entitle::standing(policy, snapshot, &user))
        };
        let standing = by_name(name.name());
        let known = id.and_then(|id| numbers.name_of(id)).filter(|known| *known != name);
        let before = known.map(|known| (known.clone(), by_name(known.name())));
        match (standing, before) {
            (Standing::Unknown, Some((was, before))) => {
                let standing = if is_gone(before) { before } else { Standing::Unknown };
                // Who is not gone loses nothing by a rename, whatever else takes from those whom nobody knows.
                let another = (before == Standing::Active).then(|| {
                    format!(
                        "this account was `{}`, who is active: the directory has the old name",
                        was.name()
                    )
                });
                Self { standing, was: Some(was), another }
            }
            // A leaver under the name of somebody who is known.
            (standing, Some((was, before))) if is_gone(before) => {
                let another = format!("this account was `{}`, who is gone", was.name());
                Self { standing, was: None, another: Some(another) }
            }
            (standing, _) => {
                let is_another = id.is_some_and(|id| numbers.is_another(name, id));
                let another = is_another.then(|| "another account was known by this name".to_owned());
                Self { standing, was: None, another: another.filter(|_| standing != Standing::Unknown) }
            }
        }
    }
}

/// Why a change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Whoever it takes from is gone.
    Gone,
    /// No source knows whoever it takes from.
    Stranger,
    /// For something else.
    Else,
}

/// Refuses what is not right any more. A plan of thousands of changes takes an hour: nobody gets by it what was withdrawn meanwhile, and
/// from nobody is taken who is back. `was` is by what name the account was known that it is about: whoever is gone may have another one.
pub(super) fn still_right(
    (settings, state): (&Settings, &State),
    change: &Told,
    was: Option<&Holder>,
    (planned_by, why): (&str, Why),
) -> Result<(), Status> {
    let (policy, snapshot) = in_force(state)?;
    if policy.digest().to_string() != planned_by {
        return Err(Status::aborted("another policy is in force now than the one by which this was planned"));
    }
    let user = &change.user;
    let standing = |name: &str| {
        Username::parse(name).map_or(Standing::Unknown, |user| entitle::standing(policy, snapshot, &user))
    };
    let standing = match (standing(user), was.map(|was| standing(was.name()))) {
        (Standing::Unknown, Some(before)) if is_gone(before) => before,
        // A colleague who has another name is no stranger.
        (Standing::Unknown, Some(Standing::Active)) if why == Why::Stranger => Standing::Active,
        (standing, _) => standing,
    };
    let gives = change.step == "permit" && Level::parse(&change.after) > Level::parse(&change.before);
    let told = match standing {
        Standing::Deactivated | Standing::CutOff | Standing::Unknown if gives && !user.is_empty() => {
            "may not act any more"
        }
        Standing::Active | Standing::Unknown if why == Why::Gone => "is not gone any more",
        Standing::Active | Standing::Deactivated | Standing::CutOff if why == Why::Stranger => "is known now",
        _ if why == Why::Else
            && change.step == "leave-group"
            && is_member(settings, policy, snapshot, change) =>
        {
            "is to be in that group now"
        }
        // Whoever was given the role since it was planned.
        _ if why == Why::Else && !is_gone(standing) && takes_too_much(settings, policy, snapshot, change) => {
            "is granted more than that now"
        }
        _ => return Ok(()),
    };
    Err(Status::failed_precondition(format!("`{user}` {told} ({}): plan again", standing.as_str())))
}

/// Whether a change takes what rules give whoever it is about by name.
fn takes_too_much(settings: &Settings, policy: &Policy, snapshot: &Snapshot, change: &Told) -> bool {
    let after = Level::parse(&change.after);
    matches!(change.step.as_str(), "permit" | "revoke")
        && after < Level::parse(&change.before)
        && granted(settings, policy, snapshot, change, Timestamp::now()) > after
}

/// Whether whoever stands so is gone.
pub(super) const fn is_gone(standing: Standing) -> bool {
    matches!(standing, Standing::Deactivated | Standing::CutOff)
}

#[cfg(test)]
mod tests;
