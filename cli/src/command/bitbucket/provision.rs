//! `oam bitbucket plan`, `apply` and `watch`: permissions in Bitbucket as the policy and the directory want them.

use std::{collections::BTreeSet, fs, mem, path::PathBuf, time::Duration};

use clap::Args;
use oam_bitbucket::{
    Bitbucket as Client,
    permission::{Holder, Level},
    provision::{self, Basis, Fixes, Pending, Plan as Drawn, Reading, Seen, Standing},
};
use tokio::time;

use super::{
    accounts::{self, Accepted},
    basis,
    carry_out::{carry_out, end},
    drift::Around,
    looking::{Looking, Search},
    mending::Mending,
    seen::{Keeping, length},
    server::Server,
    watching::{self, Left},
};
use crate::{
    client::Admin,
    command::{Context, Ending},
    exit::Exit,
    failure::Failure,
    output::provision::{PlanJson, change_text, plan_text},
};

/// Everything is read, whatever was kept.
const ANEW: Reading = Reading { now: 1, within: 0 };

/// How many changes are named that were not in a plan.
const MOST_NAMED: usize = 5;

/// `oam bitbucket plan`.
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    keeping: Keeping,
    /// Keep the plan in a file, for `oam bitbucket apply`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    keys: AccessKeys,
    #[command(flatten)]
    mending: Mending,
}

/// Whether access keys are looked at.
#[derive(Debug, Clone, Copy, Args)]
struct AccessKeys {
    /// Delete SSH access keys, too, that may write and never end, where `adopt` says that what others gave is ours
    #[arg(long)]
    access_keys: bool,
}

/// `oam bitbucket apply`.
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    server: Server,
    /// A plan that was kept: nothing beyond it is done, but that tokens go which those who are gone made meanwhile; without it, what a plan would say now
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// Also when more is taken than the daemon's configuration allows at once
    #[arg(long)]
    yes_really: bool,
    /// This account, which has the name of another one now, is the one of its name, as `oam bitbucket drift` prints it (see `another-account` there); may be given again; `all`, alone: every one, after a move to another Bitbucket
    #[arg(long, value_name = "NAME=NUMBER", value_parser = Accepted::parse)]
    accept_accounts: Vec<Accepted>,
    #[command(flatten)]
    keys: AccessKeys,
    #[command(flatten)]
    mending: Mending,
}

/// `oam bitbucket watch`.
#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    keeping: Keeping,
    /// Again and again, with so much time between, as in `5m`; without it, once
    #[arg(long, value_name = "TIME", value_parser = length)]
    every: Option<Duration>,
    /// Look as well what Bitbucket has beside what the policy says, with so much time between, as in `6h`, and tell the daemon
    #[arg(long, value_name = "TIME", value_parser = length)]
    drift_every: Option<Duration>,
    #[command(flatten)]
    around: Around,
}

/// What was found, what should be, and what lies between.
pub(super) struct Look {
    pub(super) seen: Seen,
    pub(super) basis: Basis,
    pub(super) plan: Drawn,
    wish: Wish,
}

/// What is looked at besides, as whoever runs it says.
#[derive(Debug, Clone, Default)]
struct Wish {
    /// Access keys, where they are ours to take.
    with_keys: bool,
    fixes: Fixes,
}

/// Runs `oam bitbucket plan`.
pub(super) async fn plan(task: &Plan, context: &mut Context) -> Ending {
    let (client, mut admin) = (task.server.open()?, context.address.connect().await?);
    let kept = task.keeping.read(&task.server.url)?;
    let wish = Wish { with_keys: task.keys.access_keys, fixes: task.mending.fixes() };
    let look = Look::kept(&client, &mut admin, kept, task.keeping.reading(), wish).await?;
    basis::check_own(&client.own_names(), &look.basis)?;
    task.keeping.write(&task.server.url, &look.seen)?;
    if let Some(file) = &task.out {
        let fault = |error| Failure::write(file, error);
        let text = serde_json::to_string_pretty(&look.plan).map_err(|error| fault(error.into()))?;
        fs::write(file, text + "\n").map_err(fault)?;
    }
    let pending = look.basis.pending.len();
    let json = PlanJson::of(&look.plan, pending);
    context.terminal.answer(&json, |page| plan_text(&look.plan, pending, page))?;
    Ok(Exit::Ok)
}

/// Runs `oam bitbucket apply`.
pub(super) async fn apply(task: &Apply, context: &mut Context) -> Ending {
    accounts::check_alone(&task.accept_accounts)?;
    let looked_at = task.plan.as_ref().map(read_plan).transpose()?;
    let (client, mut admin) = (task.server.open()?, context.address.connect().await?);
    let fixes = match &looked_at {
        Some(looked_at) => task.mending.of_plan(&looked_at.fixes),
        None => task.mending.fixes(),
    };
    let wish = Wish { with_keys: task.keys.access_keys, fixes };
    let mut look = Look::wished(&client, &mut admin, wish).await?;
    basis::check_own(&client.own_names(), &look.basis)?;
    look.settle(&client, &mut admin, ANEW).await?;
    let accepted = look.accept(&task.accept_accounts);
    if let Some(looked_at) = looked_at {
        check_same(&look.plan, &looked_at.accepting(&accepted))?;
    }
    // By a plan that is refused nothing is accepted.
    if !task.accept_accounts.is_empty() {
        let now = accounts::accept(&mut admin, &look.seen, &task.accept_accounts, &accepted).await?;
        look.leave_to_others(now);
    }
    carry_out(&client, &mut admin, &mut look, task.yes_really, context).await
}

/// Runs `oam bitbucket watch`.
pub(super) async fn watch(task: &Watch, context: &mut Context) -> Ending {
    let mut looking = Looking::default();
    loop {
        let ended = round(task, &mut looking, context).await;
        let Some(every) = task.every else { return ended };
        if let Err(failure) = ended {
            // The next round may find it mended.
            context.terminal.fail(&failure);
        }
        time::sleep(every).await;
    }
}

/// Does what may be done without being asked.
async fn round(task: &Watch, looking: &mut Looking, context: &mut Context) -> Ending {
    let (client, mut admin) = (task.server.open()?, context.address.connect().await?);
    let kept = task.keeping.read(&task.server.url)?;
    let reading = task.keeping.reading();
    let mut look = Look::kept(&client, &mut admin, kept, reading, Wish::default()).await?;
    basis::check_own(&client.own_names(), &look.basis)?;
    look.settle(&client, &mut admin, Reading { within: 0, ..reading }).await?;
    let left = look.plan.changes.len();
    let whole = look.plan.clone();
    look.plan = whole.automatic(&look.seen, &look.basis);
    let left = left - look.plan.changes.len();
    let ended = carry_out(&client, &mut admin, &mut look, false, context).await;
    task.keeping.write(&task.server.url, &look.seen)?;
    if left > 0 {
        context.terminal.note(&format!(
            "{left} changes are left to `oam bitbucket apply`: `bitbucket.provisioning.automatic` does not name them"
        ));
    }
    // What comes of the search for drift is another matter: whoever is gone has lost what they had.
    let not_out = Left::by(&look);
    // Also of a round that ended early whom it left; where it left nobody it is missed, as one that was not done.
    if let Some(every) = task.every.filter(|_| ended.is_ok() || not_out.is_anybody()) {
        let told = watching::rounded(every, not_out, context).await;
        // Why it ended early says more.
        if ended.is_ok() {
            told?;
        }
    }
    if let Some(search) = task.search().filter(|search| looking.is_due(search)) {
        // Of what was just mended nothing is told.
        let is_mended = !look.plan.changes.is_empty();
        look.plan = whole;
        looking.round(&search, (&client, &mut admin), (look, is_mended), context).await?;
        if let Some(every) = task.every {
            watching::rounded(every, not_out, context).await?;
        }
    }
    ended
}

impl Watch {
    /// What is looked for besides.
    fn search(&self) -> Option<Search<'_>> {
        let every = self.drift_every?;
        Some(Search { every, around: &self.around, url: &self.server.url })
    }
}

impl Look {
    /// Reads all of it again.
    pub(super) async fn anew(client: &Client, admin: &mut Admin, with_keys: bool) -> Result<Self, Failure> {
        Self::wished(client, admin, Wish { with_keys, fixes: Fixes::default() }).await
    }

    async fn wished(client: &Client, admin: &mut Admin, wish: Wish) -> Result<Self, Failure> {
        Self::at(client, admin, Seen::default(), ANEW, wish).await
    }

    /// With what was kept; but nobody loses anything by a name that was somebody else's when it was read.
    async fn kept(
        client: &Client,
        admin: &mut Admin,
        kept: Seen,
        reading: Reading,
        wish: Wish,
    ) -> Result<Self, Failure> {
        let known = kept.accounts.at;
        let look = Self::at(client, admin, kept, reading, wish.clone()).await?;
        let takes = look.plan.changes.iter().any(|change| change.leaver(&look.basis).is_some());
        if !takes || look.seen.accounts.at != known {
            return Ok(look);
        }
        let mut seen = look.seen;
        seen.accounts.at = 0;
        Self::at(client, admin, seen, reading, wish).await
    }

    async fn at(
        client: &Client,
        admin: &mut Admin,
        kept: Seen,
        reading: Reading,
        wish: Wish,
    ) -> Result<Self, Failure> {
        let mut seen = provision::see(client, kept, reading).await?;
        let mut basis = basis::ask(admin, &seen).await?;
        basis.fixes = wish.fixes.clone();
        if let Some(why) = basis.late.as_ref().filter(|_| !basis.fixes.are_none()) {
            let help = "mend it when the source is back: see `oam status`; without `--fix` those who are gone lose what they have";
            return Err(Failure::HeldBack { what: format!("nothing is mended: {why}"), help });
        }
        let groups = provision::see_strangers(client, &seen, &basis).await?;
        provision::give_up_strangers(&seen, &mut basis, &groups);
        provision::see_leavers(client, &mut seen, &gone(&basis), reading).await?;
        provision::see_restrictions(client, &mut seen, &basis.mirror.places()).await?;
        provision::see_anybody(client, &mut seen, &basis, reading, wish.with_keys).await?;
        provision::see_beside(client, &mut seen, &basis).await?;
        provision::see_members(client, &mut seen, &basis, reading).await?;
        let plan = Drawn::of(&seen, &basis);
        Ok(Self { seen, basis, plan, wish })
    }

    /// Plans as it is once these accounts are the ones of their names; tells whose they are.
    fn accept(&mut self, accepted: &[Accepted]) -> BTreeSet<Holder> {
        let users = accounts::accepted(accepted, &self.seen, &self.basis);
        self.basis.renamed.another.retain(|user, _| !users.contains(user));
        self.plan = Drawn::of(&self.seen, &self.basis);
        users
    }

    /// Leaves out what rests on it that something is ours which was given to the account that had the name before, or that somebody is who
    /// had the number before. Nothing is added to what was looked at.
    fn leave_to_others(&mut self, now: Basis) {
        let Basis { managed, standing, renamed, .. } = now;
        let before = mem::replace(&mut self.basis.standing, standing);
        (self.basis.managed, self.basis.renamed) = (managed, renamed);
        // The daemon knows nothing of whom is given up since somebody named that.
        let given_up = before.into_iter().filter(|(_, standing)| *standing == Standing::Stranger);
        for (user, stranger) in given_up {
            let known = self.basis.standing.get_mut(&user);
            if let Some(known) = known.filter(|known| **known == Standing::Unknown) {
                *known = stranger;
            }
        }
        let looked_at = mem::replace(&mut self.plan, Drawn::of(&self.seen, &self.basis)).changes;
        self.plan.changes.retain(|change| looked_at.contains(change));
    }

    /// Finds out what became of changes that were begun when somebody was interrupted, and plans anew, by a `reading` that believes nothing.
    async fn settle(&mut self, client: &Client, admin: &mut Admin, reading: Reading) -> Result<(), Failure> {
        if self.basis.pending.is_empty() {
            return Ok(());
        }
        for pending in &self.basis.pending {
            let outcome = match (pending.change.permission(), pending.change.restriction()) {
                // What was kept may be older than the change.
                (Some((place, holder)), _) => {
                    let there = client.permissions(&place).await.map(|there| there.get(&holder).copied());
                    there.map(|has| became(pending, has)).unwrap_or("unknown")
                }
                (None, Some((place, thing))) => {
                    let there = client.restrictions(&place).await;
                    there
                        .map(|all| restricted(pending, all.iter().any(|one| one.thing() == thing)))
                        .unwrap_or("unknown")
                }
                (None, None) => "unknown",
            };
            let detail = "found after an interruption".to_owned();
            end(admin, pending.entry, outcome, detail).await?;
        }
        // What Bitbucket refused is still known: it does not count as if it were new, and is tried no sooner than otherwise.
        let seen = Seen { stuck: mem::take(&mut self.seen.stuck), ..Seen::default() };
        *self = Self::at(client, admin, seen, reading, self.wish.clone()).await?;
        Ok(())
    }
}

/// What became of a change of a permission, by what is there now. What is not there may be given by another run this very moment:
/// as long as that is not known, it is ours.
fn became(pending: &Pending, has: Option<Level>) -> &'static str {
    let wanted = Level::parse(&pending.change.after);
    match pending.change.step.as_str() {
        "forget" => "done",
        _ if has == wanted => "done",
        "permit" => "unknown",
        _ => "failed",
    }
}

/// The same of a restriction, by whether it is there now.
fn restricted(pending: &Pending, is_there: bool) -> &'static str {
    match (pending.change.step.as_str(), is_there) {
        // There it was before, too: nobody can tell.
        ("restrict", true) if pending.change.was_ours() => "unknown",
        // Another run may be making it.
        ("restrict", false) => "unknown",
        ("restrict", true) | ("lift", false) => "done",
        _ => "failed",
    }
}

/// Whether nothing would be done that was not looked at.
fn check_same(now: &Drawn, looked_at: &Drawn) -> Result<(), Failure> {
    let beyond: Vec<_> = now.beyond(looked_at).map(change_text).collect();
    if beyond.is_empty() {
        return Ok(());
    }
    let more = match beyond.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        many => format!("; and {many} more"),
    };
    let named = beyond.into_iter().take(MOST_NAMED).collect::<Vec<_>>().join("; ");
    Err(Failure::HeldBack {
        what: format!(
            "nothing was done: what is there, or what should be, is not as it was when the plan was made: {named}{more}"
        ),
        help: "make another plan, and read it",
    })
}

/// Of whom is read by what they could come in; also of the daemon's own account, since they are told.
fn gone(basis: &Basis) -> BTreeSet<Holder> {
    let gone = basis.standing.iter().filter(|(_, standing)| standing.is_gone()).map(|(user, _)| user);
    gone.filter(|user| !basis.settings.names(None, user)).cloned().collect()
}

fn read_plan(file: &PathBuf) -> Result<Drawn, Failure> {
    let text = fs::read_to_string(file).map_err(|error| Failure::read(file, error))?;
    serde_json::from_str(&text).map_err(|error| Failure::read(file, error.into()))
}

#[cfg(test)]
mod tests;
