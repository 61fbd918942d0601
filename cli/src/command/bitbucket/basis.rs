//! What the daemon says that permissions should be.

use std::collections::{BTreeMap, BTreeSet};

use oam_bitbucket::{
    AccountId, Matcher, MatcherKind,
    mirror::{MirrorSettings, Mirrored},
    permission::{Holder, Level, Place},
    provision::{
        Automatic, Basis, Chosen, Fixes, Given, GivenTo, Managed, MirrorBasis, Pending, Renamed, Seen,
        Settings, Standing, Told,
    },
};
use oam_policy::{entitle::Right, printable::Printable};
use oam_proto::v1::{self, GetProvisioningRequest, provisioning_step::Step};

use crate::{
    client::{Admin, CallError},
    failure::Failure,
};

/// Asks about everything that was seen.
pub(super) async fn ask(admin: &mut Admin, seen: &Seen) -> Result<Basis, CallError> {
    let request = GetProvisioningRequest {
        places: seen.places.is.iter().map(ToString::to_string).collect(),
        users: seen.usernames().map(str::to_owned).collect(),
        ids: seen.accounts.is.iter().map(|account| AccountId::on_wire(account.id)).collect(),
    };
    let mut steps = admin.get_provisioning(request).await?.into_inner();
    let first = steps.message().await?.and_then(|message| message.step);
    let Some(Step::Opening(opening)) = first else { return Err(incomplete("how permissions are kept")) };
    let mut basis = opened(opening)?;
    while let Some(message) = steps.message().await? {
        if let Some(Step::Done(true)) = message.step {
            return Ok(basis);
        }
        add(&mut basis, message.step.ok_or_else(|| incomplete("a part of what permissions should be"))?)?;
    }
    // With a part of it, permissions would be taken that are granted.
    Err(incomplete("the end of what permissions should be"))
}

/// Whether the token that is used is that of the account which the daemon keeps from being touched. Where Bitbucket does not tell
/// whose it is, nobody knows.
pub(super) fn check_own(names: &BTreeSet<Holder>, basis: &Basis) -> Result<(), Failure> {
    let account = &basis.settings.account;
    // An account that was renamed is the same.
    let is_it = |name: &Holder| name == account || basis.renamed.was.get(name) == Some(account);
    match names.last() {
        Some(name) if !names.iter().any(is_it) => Err(Failure::HeldBack {
            what: format!(
                "nothing is done: the token is that of `{}`, and `bitbucket.provisioning.account` is `{}`, so the account that is used would not be left alone",
                Printable::new(name.name()),
                Printable::new(account.name())
            ),
            help: "use a token of that account, or write into the daemon's configuration whose it is",
        }),
        _ => Ok(()),
    }
}

fn incomplete(missing: &'static str) -> CallError {
    CallError::Incomplete { missing }
}

pub(super) fn opened(opening: v1::ProvisioningOpening) -> Result<Basis, CallError> {
    let unclear = || incomplete("settings that this version understands");
    let v1::ProvisioningOpening {
        policy,
        directory,
        account,
        groups,
        jit,
        adopt,
        ignore,
        most_removed,
        automatic,
        late,
        daemon,
    } = opening;
    let settings = Settings {
        account: Holder::user(&account).ok_or_else(unclear)?,
        daemon: daemon.iter().filter_map(|name| Holder::user(name)).collect(),
        groups: groups.into_iter().collect(),
        jit,
        adopt: adopt.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(|_| unclear())?,
        ignore: ignore.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(|_| unclear())?,
        most_removed: u8::try_from(most_removed).map_err(|_| unclear())?,
        automatic: automatic
            .iter()
            .map(|name| Automatic::parse(name))
            .collect::<Option<_>>()
            .ok_or_else(unclear)?,
        // What of it is to be is told by the daemon.
        mirror: MirrorSettings::default(),
    };
    Ok(Basis {
        late: Some(late).filter(|late| !late.is_empty()),
        policy,
        directory,
        settings,
        roles: BTreeMap::new(),
        given: Vec::new(),
        standing: BTreeMap::new(),
        managed: BTreeMap::new(),
        pending: Vec::new(),
        unsaid: Vec::new(),
        renamed: Renamed::default(),
        mirror: MirrorBasis::default(),
        fixes: Fixes::default(),
    })
}

fn add(basis: &mut Basis, step: Step) -> Result<(), CallError> {
    match step {
        Step::Opening(_) | Step::Done(_) => return Err(incomplete("one opening and one end")),
        Step::Role(role) => {
            let groups = role.by_groups.then_some(role.groups);
            let users = |names: Vec<String>| names.into_iter().filter_map(|name| Holder::user(&name));
            let holders = basis.roles.entry(role.role).or_default();
            holders.groups = groups;
            holders.people.extend(users(role.people));
            holders.named.extend(users(role.named));
        }
        Step::Given(given) => basis.given.push(self::given(given).ok_or_else(|| incomplete("a right"))?),
        Step::Standing(one) => stands(basis, &one)?,
        Step::Another(one) => {
            let user = Holder::user(&one.user).ok_or_else(|| incomplete("whose account it is"))?;
            basis.renamed.another.insert(user, one.why);
            basis.renamed.before.extend(Holder::user(&one.was));
        }
        Step::Managed(one) => {
            let (key, managed) = managed(&one).ok_or_else(|| incomplete("a permission"))?;
            basis.managed.insert(key, managed);
        }
        Step::Pending(pending) => {
            let change = pending.change.ok_or_else(|| incomplete("a change"))?;
            basis.pending.push(Pending { entry: pending.entry, change: told(change) });
        }
        Step::Unsaid(one) => basis.unsaid.push((one.rule, one.what)),
        Step::Mirrored(one) => {
            let mirrored = mirrored(one)
                .ok_or_else(|| incomplete("a branch restriction that this version understands"))?;
            basis.mirror.wanted.push(mirrored);
        }
        Step::Owned(one) => {
            let place = one.place.parse().map_err(|_| incomplete("where a branch restriction is"))?;
            basis.mirror.owned.insert((place, one.thing));
        }
    }
    Ok(())
}

fn stands(basis: &mut Basis, one: &v1::AccountStanding) -> Result<(), CallError> {
    let mut standing = match one.standing.as_str() {
        "deactivated" => Standing::Deactivated,
        "cut-off" => Standing::CutOff,
        "unknown" => Standing::Unknown,
        _ => return Err(incomplete("how an account stands")),
    };
    let whose = || incomplete("whose account it is");
    let user = Holder::user(&one.user).ok_or_else(whose)?;
    if !one.was.is_empty() {
        let was = Holder::user(&one.was).ok_or_else(whose)?;
        // What is never touched is not touched under another name.
        if basis.settings.ignores(None, &was) {
            standing = Standing::Unknown;
            basis.settings.ignore.insert(Chosen::Holder(user.clone()));
        }
        basis.renamed.was.insert(user.clone(), was);
    }
    basis.standing.insert(user, standing);
    Ok(())
}

fn given(wire: v1::GivenRight) -> Option<Given> {
    let to = match (wire.role.as_str(), wire.account.as_str()) {
        ("", account) => GivenTo::Account(Holder::user(account)?),
        (_, "") => GivenTo::Role(wire.role),
        _ => return None,
    };
    let level = Level::from(Right::parse(&wire.right)?);
    Some(Given { place: wire.place.parse().ok()?, level, rule: wire.rule, to })
}

type Key = (Place, Holder);

fn managed(wire: &v1::ManagedPermission) -> Option<(Key, Managed)> {
    let below = match wire.below.as_str() {
        "" => None,
        below => Some(Level::parse(below)?),
    };
    let key = (wire.place.parse().ok()?, wire.holder.parse().ok()?);
    Some((key, Managed { level: Level::parse(&wire.level)?, below }))
}

fn mirrored(wire: v1::MirroredRestriction) -> Option<(Place, Mirrored, BTreeSet<String>)> {
    let v1::MirroredRestriction { place, kind, matcher, id, users, groups, rules } = wire;
    let matcher = MatcherKind::KNOWN.into_iter().find(|known| known.as_str() == matcher)?;
    let matcher = Matcher { kind: matcher, shown: id.clone(), id };
    let (users, groups) = (users.into_iter().collect(), groups.into_iter().collect());
    Some((place.parse().ok()?, Mirrored { kind, matcher, users, groups }, rules.into_iter().collect()))
}

fn told(wire: v1::BitbucketChange) -> Told {
    let v1::BitbucketChange { step, place, user, group, thing, before, after, because } = wire;
    Told { step, place, user, group, thing, before, after, because }
}

/// The same for the daemon.
pub(super) fn to_wire(told: Told) -> v1::BitbucketChange {
    let Told { step, place, user, group, thing, before, after, because } = told;
    v1::BitbucketChange { step, place, user, group, thing, before, after, because }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use oam_bitbucket::{
        Account,
        permission::{Holder, Level, Place},
        provision::{Dated, FindingKind, Plan, Seen, Standing, give_up_strangers},
    };
    use oam_proto::v1::{AccountStanding, ProvisioningOpening};

    use super::{check_own, opened, stands};

    /// A project in which one account may read.
    fn seen(name: &str) -> Seen {
        let (place, user): (Place, _) = ("PAY".parse().unwrap(), Holder::user(name).unwrap());
        let account = Account { id: None, name: name.into(), slug: name.into(), active: true };
        Seen {
            places: Dated { at: 1, is: [place.clone()].into() },
            accounts: Dated { at: 1, is: vec![account] },
            permissions: [(place, Dated { at: 1, is: vec![(user, Level::Read)] })].into(),
            ..Seen::default()
        }
    }

    #[test]
    fn a_token_of_another_account_than_the_one_that_is_left_alone_is_refused() {
        let opening = ProvisioningOpening {
            account: "svc-oam".into(),
            daemon: vec!["svc-guard".into()],
            ..ProvisioningOpening::default()
        };
        let mut basis = opened(opening).unwrap();
        let names = |all: &[&str]| all.iter().filter_map(|name| Holder::user(name)).collect::<BTreeSet<_>>();
        let is_refused = |all: &[&str], basis: &_| check_own(&names(all), basis).is_err();
        // Where nobody knows whose it is it is taken for the right one.
        for right in [&[] as &[&str], &["Svc-OAM"], &["svc%2Doam", "svc-oam"]] {
            assert!(!is_refused(right, &basis), "{right:?}");
        }
        for wrong in ["root", "svc-guard", "svc-o\u{1b}am"] {
            assert!(is_refused(&[wrong, "other"], &basis), "{wrong:?}");
        }
        let (now, was) = (Holder::user("svc-new").unwrap(), basis.settings.account.clone());
        assert!(is_refused(&["svc-new"], &basis));
        basis.renamed.was.insert(now, was);
        assert!(!is_refused(&["svc-new"], &basis));
    }

    /// Whatever takes: that they are gone, that nobody knows them, or that what others gave is ours.
    #[test]
    fn what_is_never_touched_is_not_touched_under_another_name() {
        let seen = seen("other");
        let other = Holder::user("other").unwrap();
        for (was, standing, taken) in [
            ("carl", Standing::CutOff, 1),
            ("Backup", Standing::Unknown, 0),
            ("svc-oam", Standing::Unknown, 0),
        ] {
            let opening = ProvisioningOpening {
                account: "svc-oam".into(),
                ignore: vec!["user:backup".into()],
                adopt: vec!["PAY".into()],
                ..ProvisioningOpening::default()
            };
            let mut basis = opened(opening).unwrap();
            let one = AccountStanding { user: "other".into(), standing: "cut-off".into(), was: was.into() };
            stands(&mut basis, &one).unwrap();
            assert_eq!(basis.standing(&other), Some(standing), "{was}");
            assert_eq!(basis.renamed.was.get(&other), Holder::user(was).as_ref());
            basis.fixes.kinds.insert(FindingKind::UnknownAccount);
            give_up_strangers(&seen, &mut basis, &BTreeMap::new());
            let plan = Plan::of(&seen, &basis);
            let held = plan.held_back.len() + plan.surplus.len();
            assert_eq!((plan.changes.len(), held), (taken, 0), "{was}: {plan:?}");
        }
    }
}
