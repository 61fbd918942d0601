use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use oam_policy::Username;
use tokio::{task::block_in_place, time};

use super::{Planned, Sources};
use crate::source::{Change, Request, Source, StoredUser};

/// How soon it is looked again whether somebody's time is over, were the clock set meanwhile.
const LOOK: Duration = Duration::from_secs(1);

impl Sources {
    /// Makes those inactive whose time is over, as their source said beforehand that it would be.
    pub(super) async fn expire(&self, now: Timestamp) {
        for source in &self.sources {
            let is_due = |roster: &crate::source::Roster| {
                roster
                    .provisioned()
                    .and_then(crate::source::Provisioned::next_end)
                    .is_some_and(|at| at <= now)
            };
            if !is_due(&source.roster()) {
                continue;
            }
            if let Err(error) = self.end(source, now).await {
                tracing::error!(%error, source = %source.name(), "an account ended, and not all of it is done");
            }
        }
    }

    async fn end(&self, source: &Source, now: Timestamp) -> Result<(), super::CommitError<String>> {
        self.change(source, "oamd", |roster, at| {
            let ended = roster.provisioned().into_iter().flat_map(|provisioned| provisioned.ended(now));
            let users: Vec<_> = ended.map(|user| user.inactive(at)).collect();
            let subject = match users.as_slice() {
                [user] => user_name(roster, &user.id),
                _ => None,
            };
            let accounts = match users.len() {
                1 => "1 account".to_owned(),
                many => format!("{many} accounts"),
            };
            let what = format!("the time of {accounts} is over, as `{}` said before", source.name());
            Ok(Planned {
                changes: users.into_iter().map(Change::PutUser).collect(),
                subject,
                what,
                answer: (),
            })
        })
        .await
    }

    /// Has everything read again of sources some of whose people were made inactive by a clock that was ahead, once it is put
    /// right: that they are active can be said by the source alone.
    pub(super) fn reread_what_ended(&self, known: &mut Option<Timestamp>) {
        let set_back = self.sources.first().and_then(|source| source.heard.set_back());
        if set_back.is_none() || *known == set_back {
            *known = set_back;
            return;
        }
        *known = set_back;
        let now = Timestamp::now();
        for source in self.sources.iter().filter(|source| source.config.kind.is_followed()) {
            let is_early = |user: &Arc<StoredUser>| user.ended_before(now);
            let some_are = block_in_place(|| {
                source.roster().provisioned().is_some_and(|known| known.users().any(is_early))
            });
            if some_are {
                tracing::warn!(source = %source.name(), "the clock was set back, and accounts had ended by it: all is read again");
                let reason = Some("the clock was set back, and accounts had ended by it".to_owned());
                source.feed.ask(Request { actor: "oamd".to_owned(), reason, accept_loss: false });
            }
        }
    }

    /// Waits until the time of the next account is over; looks at the clock now and then.
    pub(super) async fn next_end(&self) {
        let next = self.sources.iter().filter_map(|source| source.roster().provisioned()?.next_end()).min();
        let left = next.map(|at| Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default());
        // Those that cannot be made inactive yet are no reason to look without a pause.
        let left = left.filter(|left| !left.is_zero()).unwrap_or(LOOK);
        time::sleep(left.min(LOOK)).await;
    }
}

fn user_name(roster: &crate::source::Roster, id: &str) -> Option<Username> {
    let provisioned = roster.provisioned()?;
    provisioned.mapping().username(&provisioned.user(id)?.document())
}
