//! Tells the daemon which accounts there are, so that whoever is called otherwise later is known all the same.

use std::collections::BTreeSet;

use oam_bitbucket::{
    Account, AccountId,
    permission::Holder,
    provision::{Basis, Seen},
};
use oam_policy::printable::Printable;
use oam_proto::v1::{BitbucketAccount, TellBitbucketAccountsRequest};

use super::basis;
use crate::{client::Admin, command::Context, failure::Failure};

/// How many accounts one message has.
const PER_MESSAGE: usize = 1_000;

/// Whose account it is that has another one's name now, as somebody says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Accepted {
    /// Every one is the one of its name.
    All,
    /// The one of that name and number is.
    One(Holder, AccountId),
}

impl Accepted {
    /// `NAME=NUMBER`, or `all`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let account = text.rsplit_once('=').and_then(|(name, number)| {
            Some(Self::One(Holder::user(name)?, AccountId::of_wire(number.parse().ok()?)?))
        });
        account.ok_or_else(|| {
            "it is neither NAME=NUMBER, as `oam bitbucket drift` prints it, nor `all`".to_owned()
        })
    }
}

/// Whoever says that every one is has not looked whose any of them is: that goes with no other.
pub(super) fn check_alone(all: &[Accepted]) -> Result<(), Failure> {
    match all.len() > 1 && all.contains(&Accepted::All) {
        false => Ok(()),
        true => Err(Failure::Usage {
            what: "`--accept-accounts all` is every account, and others are named besides".to_owned(),
            help: "name each one, as `oam bitbucket drift` prints it, or say `all` alone",
        }),
    }
}

/// Of whom nothing is held back any more once that is so.
pub(super) fn accepted(all: &[Accepted], seen: &Seen, basis: &Basis) -> BTreeSet<Holder> {
    let is_one = |user: &&Holder| {
        basis.renamed.may_be_accepted(user)
            && all.iter().any(|one| match one {
                Accepted::All => true,
                Accepted::One(name, id) => name == *user && seen.id_of(user) == Some(*id),
            })
    };
    basis.renamed.another.keys().filter(is_one).cloned().collect()
}

/// Has it that these are whose names they have, for the daemon, too: it records who said so. `users`: of whom nothing is to be held back
/// then. Gives what there should be from then on.
pub(super) async fn accept(
    admin: &mut Admin,
    seen: &Seen,
    accepted: &[Accepted],
    users: &BTreeSet<Holder>,
) -> Result<Basis, Failure> {
    tell(admin, &seen.accounts.is, accepted).await?;
    let now = basis::ask(admin, seen).await?;
    check_taken(accepted, users, &now)?;
    Ok(now)
}

/// Whether the daemon took them for whose names they have. An earlier version does not know what it is told, or only some of it, and says
/// nothing of that.
fn check_taken(accepted: &[Accepted], users: &BTreeSet<Holder>, now: &Basis) -> Result<(), Failure> {
    let held = users.iter().find(|user| now.renamed.another.contains_key(*user));
    // Where all are accepted nobody is anybody by a number: whoever still is would lose what is theirs as that one.
    let is_all = accepted.contains(&Accepted::All);
    let held = held.or_else(|| now.renamed.was.keys().find(|_| is_all));
    held.map_or(Ok(()), |user| {
        let name = Printable::new(user.name());
        Err(Failure::HeldBack {
            what: format!(
                "nothing was done: the daemon still has it that the account of `{name}` is another one's: it did not accept what it was told"
            ),
            help: "see by `oam status` whether the daemon is as new as this `oam`: one that is older cannot accept accounts",
        })
    })
}

/// Tells of them, and which of them are the people of their names also where another account was known so.
async fn tell(admin: &mut Admin, accounts: &[Account], accepted: &[Accepted]) -> Result<(), Failure> {
    let wire = |account: &Account| {
        let id = AccountId::on_wire(account.id);
        (id > 0).then(|| BitbucketAccount { name: account.name.clone(), id })
    };
    let numbered: Vec<_> = accounts.iter().filter_map(wire).collect();
    let named = accepted.iter().filter_map(|one| match one {
        Accepted::All => None,
        Accepted::One(name, id) => {
            Some(BitbucketAccount { name: name.name().to_owned(), id: AccountId::on_wire(Some(*id)) })
        }
    });
    let first = TellBitbucketAccountsRequest {
        accept: accepted.contains(&Accepted::All),
        accepted: named.collect(),
        ..TellBitbucketAccountsRequest::default()
    };
    let some = |accounts: &[BitbucketAccount]| TellBitbucketAccountsRequest {
        accounts: accounts.to_vec(),
        ..TellBitbucketAccountsRequest::default()
    };
    let all: Vec<_> = std::iter::once(first).chain(numbered.chunks(PER_MESSAGE).map(some)).collect();
    admin.tell_bitbucket_accounts(tokio_stream::iter(all)).await?;
    Ok(())
}

/// Tells of those that were seen. Where that fails whoever is gone still loses what they have: it is said, and no more.
pub(super) async fn note(admin: &mut Admin, seen: &Seen, context: &Context) {
    if let Err(failure) = tell(admin, &seen.accounts.is, &[]).await {
        context.terminal.fail(&failure);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use oam_bitbucket::{AccountId, permission::Holder};
    use oam_proto::v1::ProvisioningOpening;

    use super::{Accepted, basis, check_taken};

    #[test]
    fn whose_an_account_is_is_said_by_name_and_number_or_of_all() {
        let one = |name, id| Accepted::One(Holder::user(name).unwrap(), AccountId::of_wire(id).unwrap());
        assert_eq!(Accepted::parse("all"), Ok(Accepted::All));
        assert_eq!(Accepted::parse("all=7"), Ok(one("all", 7)));
        assert_eq!(Accepted::parse("a=b=17"), Ok(one("a=b", 17)));
        for wrong in ["carl", "carl=", "carl=0", "carl=x", "=7", ""] {
            assert!(Accepted::parse(wrong).unwrap_err().contains("nor `all`"), "{wrong}");
        }
    }

    /// By a daemon that does not know what it is told they would be given and taken what is another one's, and nobody would have said so.
    #[test]
    fn what_the_daemon_did_not_take_is_not_done() {
        let opening = ProvisioningOpening { account: "svc-oam".into(), ..ProvisioningOpening::default() };
        let mut now = basis::opened(opening).unwrap();
        let [ada, bob] = ["ada", "bob"].map(|name| Holder::user(name).unwrap());
        now.renamed.another.insert(ada.clone(), "another account was known by this name".into());
        assert!(check_taken(&[], &BTreeSet::from([bob.clone()]), &now).is_ok());
        let refused = check_taken(&[], &BTreeSet::from([ada.clone(), bob]), &now).unwrap_err();
        assert!(refused.to_string().contains("the account of `ada` is another one's"), "{refused}");
        now.renamed.another.remove(&ada);
        assert!(check_taken(&[], &BTreeSet::from([ada]), &now).is_ok());
    }

    /// One that is a little older accepts by name, and takes whoever has the number of a leaver for that one still.
    #[test]
    fn once_all_are_accepted_nobody_is_left_to_be_a_leaver_by_a_number() {
        let opening = ProvisioningOpening { account: "svc-oam".into(), ..ProvisioningOpening::default() };
        let mut now = basis::opened(opening).unwrap();
        let [ada, build, lena] = ["ada", "svc-build", "lena"].map(|name| Holder::user(name).unwrap());
        let one = [Accepted::One(ada, AccountId::of_wire(7).unwrap())];
        let is_taken = |accepted: &[Accepted], now: &_| check_taken(accepted, &BTreeSet::new(), now);
        assert!(is_taken(&[Accepted::All], &now).is_ok());
        now.renamed.was.insert(build, lena);
        let refused = is_taken(&[Accepted::All], &now).unwrap_err();
        assert!(refused.to_string().contains("the account of `svc-build` is another one's"), "{refused}");
        // In the same Bitbucket that is how a leaver loses all.
        assert!(is_taken(&one, &now).is_ok());
    }
}
