//! Tells the daemon which accounts there are, so that whoever is called otherwise later is known all the same.

use oam_bitbucket::{Account, AccountId, provision::Seen};
use oam_proto::v1::{BitbucketAccount, TellBitbucketAccountsRequest};

use crate::{client::Admin, command::Context, failure::Failure};

/// How many accounts one message has.
const PER_MESSAGE: usize = 1_000;

/// Tells of them. `accept`: these are the people of those names also where another account was known so.
pub(super) async fn tell(admin: &mut Admin, accounts: &[Account], accept: bool) -> Result<(), Failure> {
    let wire = |account: &Account| {
        let id = AccountId::on_wire(account.id);
        (id > 0).then(|| BitbucketAccount { name: account.name.clone(), id })
    };
    let numbered: Vec<_> = accounts.iter().filter_map(wire).collect();
    let some =
        |accounts: &[BitbucketAccount]| TellBitbucketAccountsRequest { accounts: accounts.to_vec(), accept };
    let all: Vec<_> = numbered.chunks(PER_MESSAGE).map(some).collect();
    admin.tell_bitbucket_accounts(tokio_stream::iter(all)).await?;
    Ok(())
}

/// Tells of those that were seen. Where that fails whoever is gone still loses what they have: it is said, and no more.
pub(super) async fn note(admin: &mut Admin, seen: &Seen, context: &Context) {
    if let Err(failure) = tell(admin, &seen.accounts.is, false).await {
        context.terminal.fail(&failure);
    }
}
