//! Facts that were asked for, as they arrive.

use std::time::Duration;

use jiff::Timestamp;
use oam_policy::{
    Channel, Outcome, Snapshot, Username,
    decide::Sieve,
    facts::{Bounds, End, FactsNeeded, Intake, Unreadable},
};
use oam_proto::{Asked, FactsNews, HistoryNews, facts_from_wire, v1};
use prost::Message as _;
use tokio::{
    task,
    time::{self, Instant},
};
use tonic::Status;

use super::{Incoming, invalid, room::Share};
use crate::{
    authorize::{self, Attempt, Claimed, Question, Unrecorded},
    pull_request::How,
    service::Live,
    signature::Judge,
};

/// From how many bytes on a message is taken in beside the other conversations rather than between them.
const MANY_BYTES: usize = 64 << 10;

/// From how many refs on a decision is made beside the other conversations rather than between them.
const MANY_REFS: usize = 500;

/// How long more reasons are looked for at most, whatever the configuration says.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Why what is left is not looked at.
const ENOUGH: &str = "it was not looked at to its end, since the push is refused anyway";

/// Why commits are not known that were only to be counted.
const COUNTED: &str = "the commits were counted, and not looked at to their end";

/// Why commits are not known for which there was no room beside what others are pushing.
const CROWDED: &str = "others are pushing so much at the moment that there is no room to look at it: push again in a minute, or fewer \
                       refs or commits at once";

/// Why a history is not known that was asked for and not told.
const UNTOLD: &str = "the hook does not tell what was asked: it may be older than the daemon";

/// Why what would be needed without a lease is not known.
const TAKEN: &str = "a lease was used up by another push while this one was being decided: push again";

/// How long ago Bitbucket may have said who approved a pull request for a merge to rest on it. It is asked again where more time
/// went by, as while a hook reads a long history.
const APPROVALS_AGE: Duration = Duration::from_secs(2);

/// How often a push is decided anew since others took its leases: there are not more of them.
const MOST_CLAIMS: usize = 64;

/// One push that is being decided.
pub(super) struct Push<'a> {
    pub(super) live: &'a Live,
    pub(super) question: &'a Question,
    pub(super) intake: Intake,
    /// What it holds of what all pushes together may hold.
    share: Share,
    /// Who judges its signatures: by one directory for a round.
    judge: Option<Judge>,
    /// Until when more reasons are looked for: set once it is certain that the push is refused.
    until: Option<Instant>,
    /// When it was told who approved the pull request, and whether that was remembered.
    approvals_told: Option<(Instant, How)>,
}

impl<'a> Push<'a> {
    pub(super) fn new(live: &'a Live, question: &'a Question) -> Self {
        let (mut intake, share) = (Intake::new(Bounds::default()), Share::of(&live.facts_room));
        if let Some(shown) = &question.shown_lease {
            intake.learn_shown_lease(shown.clone());
        }
        Self { live, question, intake, share, judge: None, until: None, approvals_told: None }
    }

    /// Finds out who approved the pull request. Whoever comes for it a second time is answered by nothing that is remembered.
    pub(super) async fn learn_pull_request(&mut self) {
        let recall = self.approvals_told.is_none();
        let found = self.live.pull_requests.find(self.question, recall).await;
        self.approvals_told = Some((Instant::now(), found.how));
        self.live.metrics.pull_request(&found);
        self.intake.learn_pull_request(found.facts);
    }

    /// Whether a merge is to be permitted by approvals that may have been taken back since, or a page is to be told no by what is
    /// remembered.
    pub(super) fn rests_on_old_approvals(&self, decided: &Unrecorded) -> bool {
        let told = self.approvals_told.map(|(at, how)| (at.elapsed(), how));
        must_ask_again(self.question.request.channel, decided.outcome(), told)
    }

    /// The pusher as the directory spells them, as rules see them.
    pub(super) fn pusher(&self) -> Username {
        let pusher = &self.question.request.pusher;
        let snapshot = self.live.snapshot();
        let known = snapshot.as_ref().and_then(|snapshot| snapshot.user(&pusher.key()));
        known.map_or_else(|| pusher.clone(), |user| user.username().clone())
    }

    /// Decides by what is known.
    pub(super) fn decide(&self) -> Attempt {
        if self.question.request.updates.len() < MANY_REFS && self.intake.held() < MANY_BYTES {
            return authorize::attempt(self.live, self.question, self.intake.facts());
        }
        task::block_in_place(|| authorize::attempt(self.live, self.question, self.intake.facts()))
    }

    /// What is still needed, where anybody should wait for it; else what came of it.
    pub(super) fn settle(&mut self) -> Result<Settled, Status> {
        let needed = match self.decide() {
            Attempt::Decided(decided) => return Ok(Settled::Decided(decided)),
            Attempt::Needs(needed) => needed,
        };
        if !needed.refused_anyway {
            self.until = None;
            return Ok(Settled::Needs(needed));
        }
        if !self.is_enough() {
            return Ok(Settled::Needs(needed));
        }
        self.intake.learn_lack(&needed, ENOUGH);
        match self.decide() {
            Attempt::Decided(decided) => Ok(Settled::Decided(decided)),
            Attempt::Needs(_) => Err(changed()),
        }
    }

    /// Takes the uses of leases that a decision rests on. Where another push was faster it is decided anew, by what is
    /// known, until it rests on none that is gone.
    pub(super) fn claim(&mut self, mut decided: Unrecorded) -> Result<Claimed, Status> {
        for _ in 0..MOST_CLAIMS {
            if let Some(claimed) = authorize::claim(self.live, self.question, decided) {
                return Ok(claimed);
            }
            decided = match self.decide() {
                Attempt::Decided(decided) => *decided,
                Attempt::Needs(needed) => {
                    self.intake.learn_lack(&needed, TAKEN);
                    match self.decide() {
                        Attempt::Decided(decided) => *decided,
                        Attempt::Needs(_) => return Err(changed()),
                    }
                }
            };
        }
        Err(changed())
    }

    /// Whether all reasons have been looked for as long as anybody waits for them. The time begins to run when it is first
    /// asked, which is when the refusal is certain.
    fn is_enough(&mut self) -> bool {
        let now = Instant::now();
        *self.until.get_or_insert(now + self.live.config.all_reasons_within.min(LONGEST)) <= now
    }

    /// Listens until everything that was asked for has been told, or nothing of it matters any more: then there is a
    /// decision.
    pub(super) async fn listen(
        &mut self,
        asked: &Asked,
        incoming: &mut Incoming<'_>,
    ) -> Result<Option<Box<Unrecorded>>, Status> {
        // A round is seen by one policy and one directory. What is not so by those in force at its end is asked anew.
        let state = self.live.state_of(&self.question.request);
        let policy = state.policy.as_deref().ok_or_else(changed)?;
        let sieve = Sieve::new(policy, state.snapshot.as_ref(), &self.question.request);
        let sieve = sieve.beside(&state.leases);
        self.intake.expect(&asked.histories_needed(), &sieve);
        self.judge = state.snapshot.clone().map(|snapshot| self.judge(snapshot));
        let mut ends: Vec<Option<End>> = vec![None; asked.histories().len()];
        let (mut messages, mut due) = (0_u64, 1);
        loop {
            let Some(facts) = self.next(incoming).await? else {
                match self.settle()? {
                    Settled::Decided(decided) => return Ok(Some(decided)),
                    // It is not certain any more.
                    Settled::Needs(_) => continue,
                }
            };
            let is_last = facts.last;
            self.take(facts, asked, &mut ends, &sieve).await?;
            if is_last {
                return self.finish(asked, &ends).map(|()| None);
            }
            messages += 1;
            if messages >= due && self.until.is_none() {
                due = messages * 2;
                if let Some(decided) = self.look() {
                    return Ok(Some(decided));
                }
            }
        }
    }

    /// The next message; nothing once nobody waits any longer.
    async fn next(&self, incoming: &mut Incoming<'_>) -> Result<Option<v1::Facts>, Status> {
        match self.until {
            None => incoming.next_facts().await.map(Some),
            Some(until) if until <= Instant::now() => Ok(None),
            Some(until) => match time::timeout_at(until, incoming.next_facts()).await {
                Ok(facts) => facts.map(Some),
                Err(_) => Ok(None),
            },
        }
    }

    /// Sees whether it is certain already what becomes of the push. A refusal may have more reasons than this one.
    fn look(&mut self) -> Option<Box<Unrecorded>> {
        match self.decide() {
            Attempt::Decided(decided) => {
                (decided.outcome() != Outcome::Refused || self.is_enough()).then_some(decided)
            }
            Attempt::Needs(needed) => {
                if needed.refused_anyway {
                    self.is_enough();
                }
                None
            }
        }
    }

    /// Clones of one count together, so that a push has one over all its rounds where the directory stays.
    fn judge(&self, snapshot: Snapshot) -> Judge {
        let version = snapshot.version();
        let known = self.judge.as_ref().filter(|judge| judge.is_by(version));
        known.cloned().unwrap_or_else(|| self.live.signatures.judge(snapshot, Timestamp::now()))
    }

    async fn take(
        &mut self,
        message: v1::Facts,
        asked: &Asked,
        ends: &mut [Option<End>],
        sieve: &Sieve<'_>,
    ) -> Result<(), Status> {
        let is_signed = message.histories.iter().any(|history| {
            history.commits.iter().any(|commit| commit.signed.is_some())
                || history.tip.as_ref().is_some_and(|tip| tip.signed.is_some())
        });
        let _turn = if is_signed { self.live.signatures.turn().await } else { None };
        if message.encoded_len() < MANY_BYTES && !is_signed {
            return self.take_now(message, asked, ends, sieve);
        }
        task::block_in_place(|| self.take_now(message, asked, ends, sieve))
    }

    fn take_now(
        &mut self,
        message: v1::Facts,
        asked: &Asked,
        ends: &mut [Option<End>],
        sieve: &Sieve<'_>,
    ) -> Result<(), Status> {
        let judge = self.judge.as_ref();
        let news = facts_from_wire(message, asked, |signed| match judge {
            Some(judge) => judge.judge(Some(signed)),
            None => Err(Unreadable { why: "there is no directory with anybody's keys".to_owned() }),
        });
        let FactsNews { ancestry, histories, last: _ } = news.map_err(|error| invalid(&error))?;
        for (index, ancestry) in ancestry {
            self.intake.learn_ancestry(index, ancestry);
        }
        for HistoryNews { history, news, end } in histories {
            let (Some(of), Some(ended)) = (asked.histories().get(history), ends.get_mut(history)) else {
                continue;
            };
            match ended {
                None => self.intake.take(of.update, &of.cover, news, sieve),
                Some(End::Unreadable(_)) => continue,
                Some(End::Complete | End::Open) => {
                    return Err(Status::invalid_argument(format!("history {history} goes on after its end")));
                }
            }
            if let Some(mut end) = end {
                // What was asked for only to be counted ends early.
                if let Some(most) = of.at_most().filter(|_| end == End::Complete)
                    && self.intake.commits_told(of.update, &of.cover) > most
                {
                    end = End::Unreadable(Unreadable { why: COUNTED.to_owned() });
                }
                self.intake.end(of.update, &of.cover, &end);
                *ended = Some(end);
            }
        }
        self.make_room(asked, ends, sieve);
        Ok(())
    }

    /// Where all pushes together hold too much, this one keeps only a few of each kind; and where that is not enough, what it has not
    /// told by now is not taken in any more.
    fn make_room(&mut self, asked: &Asked, ends: &mut [Option<End>], sieve: &Sieve<'_>) {
        if self.share.hold(self.intake.held()) {
            return;
        }
        self.intake.fold(sieve);
        if self.share.hold(self.intake.held()) {
            return;
        }
        for (of, end) in asked.histories().iter().zip(ends).filter(|(_, end)| end.is_none()) {
            let crowded = End::Unreadable(Unreadable { why: CROWDED.to_owned() });
            self.intake.end(of.update, &of.cover, &crowded);
            *end = Some(crowded);
        }
    }

    /// Sees that everything is answered.
    fn finish(&mut self, asked: &Asked, ends: &[Option<End>]) -> Result<(), Status> {
        let facts = self.intake.facts();
        if let Some(index) = asked.ancestry().iter().find(|index| facts.ancestry(**index).is_none()) {
            return Err(Status::invalid_argument(format!(
                "the ancestry of update {index} was asked for and not answered"
            )));
        }
        for (of, _) in asked.histories().iter().zip(ends).filter(|(_, end)| end.is_none()) {
            let unreadable = End::Unreadable(Unreadable { why: UNTOLD.to_owned() });
            self.intake.end(of.update, &of.cover, &unreadable);
        }
        Ok(())
    }
}

/// Whether Bitbucket must be asked again before something is answered: `told` is how long ago it said who approved, and whether that
/// was remembered, where it was asked at all. Nothing tells us of an approval, and a page that goes on saying no may be what Bitbucket
/// waits for to merge by itself: it looks once when somebody approves, and not again.
fn must_ask_again(channel: Channel, outcome: Outcome, told: Option<(Duration, How)>) -> bool {
    let Some((age, how)) = told else { return false };
    match channel.is_dry_run() {
        true => outcome != Outcome::Permitted && how == How::Remembered,
        false => outcome == Outcome::Permitted && age > APPROVALS_AGE,
    }
}

/// What came of an attempt to decide.
pub(super) enum Settled {
    Decided(Box<Unrecorded>),
    /// These facts are worth waiting for.
    Needs(FactsNeeded),
}

pub(super) fn changed() -> Status {
    Status::aborted("the policy changed again and again while this push was being decided: push again")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oam_policy::{Channel, Outcome};

    use super::{APPROVALS_AGE, How, must_ask_again};

    #[test]
    fn a_merge_is_permitted_by_no_approvals_that_may_have_been_taken_back() {
        let told = |age| Some((age, How::Asked));
        let (young, old) = (told(APPROVALS_AGE), told(APPROVALS_AGE + Duration::from_millis(1)));
        let merge = |outcome, told| must_ask_again(Channel::PullRequestMerge, outcome, told);
        assert!(merge(Outcome::Permitted, old) && !merge(Outcome::Permitted, young));
        // Without approvals, and where nothing goes in, nobody need be asked; a page may be a little old.
        assert!(!merge(Outcome::Permitted, None));
        assert!(!merge(Outcome::Refused, old) && !merge(Outcome::Undecided, old));
        assert!(!must_ask_again(Channel::PullRequestDryRun, Outcome::Permitted, old));
    }

    #[test]
    fn a_page_is_told_no_by_nothing_that_is_remembered() {
        let page = |outcome, how| {
            must_ask_again(Channel::PullRequestDryRun, outcome, Some((Duration::from_secs(5), how)))
        };
        assert!(page(Outcome::Refused, How::Remembered) && page(Outcome::Undecided, How::Remembered));
        assert!(!page(Outcome::Permitted, How::Remembered));
        for how in [How::Asked, How::Differs, How::Failed] {
            assert!(!page(Outcome::Refused, how) && !page(Outcome::Undecided, how), "{how:?}");
        }
    }
}
