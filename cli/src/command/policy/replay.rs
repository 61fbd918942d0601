//! `oam policy replay` and `oam policy usage`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use oam_proto::v1::{
    ReplayBy, ReplayDone, ReplayPolicyRequest, ReplayPolicyResponse, replay_policy_response::Step,
};
use tonic::Streaming;

use super::{
    super::{
        Context, Ending,
        question::faulty,
        when::{When, when},
    },
    files,
};
use crate::{
    client::CallError,
    exit::Exit,
    output::{Progress, replay, usage},
};

/// `oam policy replay`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("by").required(true).args(["path", "digest", "recorded"]))]
pub struct Replay {
    /// The policy to decide by: a file, or a folder whose `*.toml` files are one policy
    path: Option<PathBuf>,
    /// Instead of a path: the digest of a policy of the history, or the beginning of it
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Instead of a path: decide each push by the policy and directory of then, and tell what does not come out as it
    /// is recorded
    #[arg(long, conflicts_with_all = ["against", "directory"])]
    recorded: bool,
    /// From when on: so long ago (`30d`, `12h`), or a moment as in `2026-12-24T08:00:00Z`
    #[arg(long, value_name = "WHEN", default_value = "30d", value_parser = when)]
    since: When,
    /// Until when; without it, until now
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<When>,
    /// Only pushes to repositories that match, as in the `on` of a rule; may be given more than once
    #[arg(long, value_name = "PATTERN")]
    repo: Vec<String>,
    /// By which directory
    #[arg(long, value_enum, default_value_t)]
    directory: Directory,
    /// What to compare with
    #[arg(long, value_enum, default_value_t)]
    against: Against,
    /// List each ref that comes out otherwise, before the groups of them
    #[arg(long)]
    all: bool,
    /// Also tell which rules of the policy in force were not used since then
    #[arg(long, value_name = "WHEN", default_value = "90d", value_parser = when)]
    unused_since: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Directory {
    /// That of then, as long as it is kept; else the one in force now
    #[default]
    Then,
    /// The one in force now
    Now,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Against {
    /// What was decided then
    #[default]
    Recorded,
    /// What the policy in force would decide, by the same directory
    InForce,
}

impl Replay {
    /// What was recorded in the last 30 days, by the policy at `path`.
    pub(super) fn of(path: PathBuf) -> Self {
        let since = When::Ago(SignedDuration::from_hours(30 * 24));
        Self {
            path: Some(path),
            digest: None,
            recorded: false,
            since,
            until: None,
            repo: Vec::new(),
            directory: Directory::default(),
            against: Against::default(),
            all: false,
            unused_since: since,
        }
    }
}

/// `oam policy usage`.
#[derive(Debug, Args)]
pub struct Usage {
    /// From when on: so long ago (`90d`, `12h`), or a moment as in `2026-12-24T08:00:00Z`
    #[arg(long, value_name = "WHEN", default_value = "90d", value_parser = when)]
    since: When,
}

/// Makes recorded decisions again.
///
/// # Errors
/// When the daemon cannot be asked, or says no; when the files cannot be read.
pub(super) async fn run(command: Replay, context: &mut Context) -> Ending {
    let now = Timestamp::now();
    let files = command.path.as_deref().map(files::read).transpose()?.unwrap_or_default();
    let by = if command.recorded { ReplayBy::Recorded } else { ReplayBy::Policy };
    let request = ReplayPolicyRequest {
        by: by as i32,
        files,
        digest: command.digest.unwrap_or_default(),
        since_micros: command.since.before(now),
        until_micros: command.until.map_or(0, |until| until.before(now)),
        repositories: command.repo,
        directory_now: command.directory == Directory::Now,
        against_in_force: command.against == Against::InForce,
        each: command.all,
        uses_since_micros: if command.recorded { 0 } else { command.unused_since.before(now) },
    };
    let mut steps = Steps::of(request, context).await?;
    while !context.terminal.is_closed() {
        match steps.next().await? {
            Step::Verdict(verdict) => context
                .terminal
                .item(&replay::verdict_json(&verdict), |page| replay::verdict_text(&verdict, page))?,
            Step::Group(group) => context
                .terminal
                .item(&replay::group_json(&group), |page| replay::group_text(&group, command.all, page))?,
            Step::Done(done) => {
                context.terminal.item(&replay::done_json(&done), |page| {
                    replay::done_text(&done, command.recorded, page)
                })?;
                return Ok(exit(&done, command.recorded));
            }
            Step::Faults(found) => return faulty(&found, context),
            Step::Opening(_) | Step::Progress(_) => {}
        }
    }
    Ok(Exit::Ok)
}

/// Other grounds change no verdict, but what is recorded must come out to the letter.
fn exit(done: &ReplayDone, recorded: bool) -> Exit {
    let outcomes = done.newly_permitted + done.newly_refused + done.newly_undecided;
    let changed = if recorded { outcomes + done.other_grounds } else { outcomes };
    match (changed, done.untold.iter().any(|untold| untold.doubt)) {
        (1.., _) => Exit::No,
        (0, true) => Exit::Undecided,
        (0, false) => Exit::Ok,
    }
}

/// Counts how often each rule of the policy in force was used.
///
/// # Errors
/// When the daemon cannot be asked, or says no.
pub(super) async fn usage(command: Usage, context: &mut Context) -> Ending {
    let now = Timestamp::now();
    let request = ReplayPolicyRequest {
        by: ReplayBy::Nothing as i32,
        since_micros: now.as_microsecond(),
        uses_since_micros: command.since.before(now),
        ..ReplayPolicyRequest::default()
    };
    let mut steps = Steps::of(request, context).await?;
    loop {
        if let Step::Done(done) = steps.next().await? {
            context.terminal.answer(&usage::json(&done), |page| usage::text(&done, page))?;
            return Ok(Exit::Ok);
        }
    }
}

/// The steps of the answer, with a bar for whoever watches.
struct Steps {
    steps: Streaming<ReplayPolicyResponse>,
    is_watched: bool,
    bar: Option<Progress>,
}

impl Steps {
    async fn of(request: ReplayPolicyRequest, context: &Context) -> Result<Self, CallError> {
        let mut admin = context.address.connect().await?;
        let steps = admin.replay_policy(request).await?.into_inner();
        Ok(Self { steps, is_watched: context.terminal.shows_progress(), bar: None })
    }

    async fn next(&mut self) -> Result<Step, CallError> {
        let message = self.steps.message().await?;
        let step = message
            .and_then(|message| message.step)
            .ok_or(CallError::Incomplete { missing: "what came of the pushes" })?;
        match &step {
            Step::Opening(opening) => self.bar = Some(Progress::of_entries(opening.entries, self.is_watched)),
            Step::Progress(progress) => {
                if let Some(bar) = &self.bar {
                    bar.reached("reading", progress.entries);
                }
            }
            // The bar must not stand between the lines of the answer.
            Step::Verdict(_) | Step::Group(_) | Step::Done(_) | Step::Faults(_) => self.bar = None,
        }
        Ok(step)
    }
}

#[cfg(test)]
mod tests {
    use oam_proto::v1::{ReplayDone, ReplayUntold};

    use super::exit;
    use crate::exit::Exit;

    #[test]
    fn a_verdict_that_changes_is_a_no_and_a_doubt_is_no_yes() {
        let untold = |doubt| ReplayUntold { doubt, refs: 1, ..ReplayUntold::default() };
        let doubtful = ReplayDone { untold: vec![untold(false), untold(true)], ..ReplayDone::default() };
        let other = ReplayDone { other_grounds: 1, ..ReplayDone::default() };
        let harmless = ReplayDone { untold: vec![untold(false)], ..ReplayDone::default() };
        assert_eq!(exit(&harmless, false), Exit::Ok);
        assert_eq!(exit(&doubtful, false), Exit::Undecided);
        assert_eq!((exit(&other, false), exit(&other, true)), (Exit::Ok, Exit::No));
        for done in [
            ReplayDone { newly_permitted: 1, ..doubtful.clone() },
            ReplayDone { newly_refused: 1, ..doubtful.clone() },
            ReplayDone { newly_undecided: 1, ..doubtful },
        ] {
            assert_eq!(exit(&done, false), Exit::No);
        }
    }
}
