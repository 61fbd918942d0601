//! Makes the changes of a plan, one after the other.

use std::collections::BTreeSet;

use oam_bitbucket::{
    AccountId, Bitbucket as Client, Error,
    permission::Holder,
    provision::{self, Basis, Change, Outcome, Seen, Standing, Step},
};
use oam_proto::v1::{BeginBitbucketChangeRequest, EndBitbucketChangeRequest};
use tonic::Code;

use super::{accounts, basis, provision::Look};
use crate::{
    client::Admin,
    command::{Context, Ending},
    exit::Exit,
    failure::Failure,
    output::provision::{AppliedJson, applied_text, change_text},
};

/// How much of what Bitbucket said the daemon is told, in characters.
const TOLD: usize = 500;

/// What was done of a plan so far.
#[derive(Debug, Default)]
struct Done {
    done: usize,
    /// What Bitbucket did not do, and what it said.
    failed: Vec<(Change, String)>,
    /// Those who are gone from whom something was taken.
    leavers: BTreeSet<Holder>,
    given_up: GivenUp,
}

/// Why a change is not made.
struct Not {
    why: String,
    /// Set where others would not be made either.
    stops: Option<Error>,
}

/// Of whom nothing more is taken in this run, since something of them could not be.
#[derive(Debug, Default)]
struct GivenUp {
    users: BTreeSet<Holder>,
    /// How many in a row, with nothing made in between.
    in_a_row: usize,
}

/// Makes the changes of a plan. `yes_really`: however many there are.
pub(super) async fn carry_out(
    client: &Client,
    admin: &mut Admin,
    look: &mut Look,
    yes_really: bool,
    context: &mut Context,
) -> Ending {
    accounts::note(admin, &look.seen, context).await;
    let mut too_much = Vec::new();
    if !yes_really {
        (look.plan, too_much) = std::mem::take(&mut look.plan).bounded(&look.seen, &look.basis);
    }
    let mut done = Done::default();
    for change in look.plan.changes.clone() {
        done.one(client, admin, look, change, context).await?;
    }
    // As long as somebody had something they could make a token, since it was looked which they have.
    for user in done.leavers.clone() {
        match provision::tokens_since(client, &look.seen, &look.basis, &user).await {
            Ok(changes) => {
                for change in changes {
                    done.one(client, admin, look, change, context).await?;
                }
            }
            Err(error) if error.is_busy() => return Err(error.into()),
            Err(error) => look.plan.unread.push((user, error.to_string())),
        }
    }
    let (Done { done, failed, .. }, plan) = (done, &look.plan);
    let json = AppliedJson::of(done, &failed, plan, &too_much);
    context.terminal.answer(&json, |page| applied_text(done, &failed, plan, &too_much, page))?;
    let is_read = plan.unread.is_empty() && plan.unread_places.is_empty();
    let whole = failed.is_empty() && plan.held_back.is_empty() && is_read;
    Ok(if whole && too_much.is_empty() { Exit::Ok } else { Exit::No })
}

impl Done {
    /// Makes one, if nothing before is in the way.
    async fn one(
        &mut self,
        client: &Client,
        admin: &mut Admin,
        look: &mut Look,
        change: Change,
        context: &mut Context,
    ) -> Result<(), Failure> {
        let leaver = change.leaver(&look.basis);
        let not = if leaver.as_ref().is_some_and(|user| self.given_up.users.contains(user)) {
            Some(Not {
                why: "not tried, since something before it could not be taken from them".to_owned(),
                stops: None,
            })
        } else {
            make(client, admin, &change, &mut look.seen, &look.basis).await?
        };
        let Some(Not { why, stops }) = not else {
            self.done += 1;
            self.given_up.in_a_row = 0;
            // Whoever had something may have made more: they are read again in the next round, whatever comes of this one.
            if let Some(known) = leaver.as_ref().and_then(|user| look.seen.doors.get_mut(user)) {
                known.at = 0;
            }
            self.leavers.extend(leaver);
            context.terminal.note(&format!("done: {}", change_text(&change)));
            return Ok(());
        };
        context.terminal.note(&format!("NOT done: {}: {why}", change_text(&change)));
        self.failed.push((change, why));
        stops.map_or(Ok(()), |error| self.given_up.after(leaver, error))
    }
}

impl GivenUp {
    /// Something failed so that the rest would, too: the rest of that person, where it is about one who is gone, and else of all.
    fn after(&mut self, leaver: Option<Holder>, error: Error) -> Result<(), Failure> {
        self.in_a_row += 1;
        match leaver {
            Some(user) if !error.is_busy() && self.in_a_row < provision::MOST_IN_A_ROW => {
                self.users.insert(user);
                Ok(())
            }
            _ => Err(error.into()),
        }
    }
}

/// Makes one change: looked at again, recorded before, and what came of it afterwards. `None`: it is made.
async fn make(
    client: &Client,
    admin: &mut Admin,
    change: &Change,
    seen: &mut Seen,
    basis: &Basis,
) -> Result<Option<Not>, Failure> {
    match provision::look_again(client, change, seen, basis).await {
        Ok(None) => {}
        Ok(Some(why)) => return Ok(Some(Not { why, stops: None })),
        Err(error) => return Ok(Not::of(Outcome::of(error))),
    }
    // By what was kept nothing may have been asked before.
    basis::check_own(&client.own_names(), basis)?;
    let leaver = change.leaver(basis);
    let of_stranger = leaver.as_ref().and_then(|user| basis.standing(user)) == Some(Standing::Stranger);
    let begin = BeginBitbucketChangeRequest {
        change: Some(basis::to_wire(change.told())),
        policy: basis.policy.clone(),
        of_leaver: leaver.is_some() && !of_stranger,
        of_stranger,
        account: AccountId::on_wire(leaver.as_ref().and_then(|user| seen.id_of(user))),
    };
    let entry = match admin.begin_bitbucket_change(begin).await {
        Ok(begun) => begun.into_inner().entry,
        // Somebody went, or came back, since it was planned.
        Err(status) if status.code() == Code::FailedPrecondition => {
            return Ok(Some(Not { why: status.message().to_owned(), stops: None }));
        }
        Err(status) if status.code() == Code::Aborted => {
            let help = "plan again; what was done so far stays done";
            return Err(Failure::HeldBack { what: status.message().to_owned(), help });
        }
        Err(status) => return Err(status.into()),
    };
    let outcome = provision::apply(client, &change.step, seen).await;
    let detail = |error: &Error| error.to_string().chars().take(TOLD).collect();
    let (said, detail) = match &outcome {
        Outcome::Done => ("done", String::new()),
        Outcome::Failed(error) | Outcome::Stopped(error) => ("failed", detail(error)),
        Outcome::Unknown(error) => ("unknown", detail(error)),
    };
    end(admin, entry, said, detail).await?;
    Ok(Not::of(outcome).map(|not| not.of_step(&change.step)))
}

impl Not {
    /// What a change that is not made comes to; `None`: it is made.
    fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Done => None,
            Outcome::Failed(error) => Some(Self { why: error.to_string(), stops: None }),
            Outcome::Stopped(error) | Outcome::Unknown(error) => {
                Some(Self { why: error.to_string(), stops: Some(error) })
            }
        }
    }

    /// A group that a directory has which Bitbucket only reads cannot be left, whatever it answers then: that says nothing of others. But
    /// where it is the token that may not, all else fails, too.
    fn of_step(self, step: &Step) -> Self {
        let is_of_all = |error: &Error| error.is_busy() || error.is_silence() || error.is_not_allowed();
        match step {
            Step::LeaveGroup { .. } => Self { stops: self.stops.filter(is_of_all), ..self },
            _ => self,
        }
    }
}

/// Says what became of a change.
pub(super) async fn end(admin: &mut Admin, entry: u64, outcome: &str, detail: String) -> Result<(), Failure> {
    let request = EndBitbucketChangeRequest { entry, outcome: outcome.to_owned(), detail };
    match admin.end_bitbucket_change(request).await {
        // Another run said before what became of it.
        Err(status) if status.code() == Code::NotFound => Ok(()),
        ended => ended.map(drop).map_err(Failure::from),
    }
}
