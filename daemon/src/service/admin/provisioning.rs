//! Permissions in Bitbucket: what they should be, by the policy and the directory in force, and the record of how they are
//! changed. The daemon changes nothing there itself: whoever does tells it before, and afterwards.

use std::{collections::BTreeSet, iter, sync::Arc};

use jiff::Timestamp;
use oam_audit::entry::{BitbucketChanged, ChangeStage, Event};
use oam_bitbucket::{
    AccountId,
    mirror::{Mirrored, Protections},
    permission::{Holder, Level, Place},
    provision::{LONGEST_TOLD, Managed, Settings, Told},
};
use oam_policy::{
    Policy, Snapshot, State, UndecidedReason, decide,
    entitle::{self, Entitlement, NameInOrder, Receiver, Standing},
    words,
};
use oam_proto::v1::{self, provisioning_step::Step};
use tokio::{sync::mpsc, task};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{
    accounts::{Stands, Why, anothers, is_gone, still_right},
    drift::may_be_lifted,
    unavailable,
};
use crate::{
    provisioning::{Ledger, LedgerError},
    service::Live,
};

/// How many names one message has: with the longest names, a quarter of the largest message.
const NAMES_PER_MESSAGE: usize = 4_000;
/// How many places or users may be asked about.
pub(super) const MOST_ASKED: usize = 200_000;

type Answers = mpsc::Sender<Result<v1::ProvisioningStep, Status>>;

/// What permissions there should be.
pub(super) async fn wanted(
    live: Arc<Live>,
    request: v1::GetProvisioningRequest,
) -> Result<ReceiverStream<Result<v1::ProvisioningStep, Status>>, Status> {
    // Looked at here, so that who asks in vain is told so at once.
    kept(&live)?;
    let asked = Asked::of(request)?;
    let own = live.pull_requests.own_names().await;
    let (state, now) = (live.state(), Timestamp::now());
    // What rests on a source that is late would take from people what they may have. Who is gone is gone all the same: one late
    // source must not keep the doors open of those whom another one put out.
    let obstacles = decide::obstacles(&state, now);
    let late = obstacles.first().map(|first| {
        let why = words::of_undecided(first).summary;
        format!("nobody can say what permissions there should be: {why}")
    });
    if !obstacles.iter().all(UndecidedReason::is_of_a_source) {
        return Err(Status::unavailable(late.unwrap_or_default()));
    }
    let (answers, stream) = mpsc::channel(16);
    // `None`: nobody listens any more.
    task::spawn_blocking(move || tell(&answers, &live, &state, &asked, &own, (now, late)));
    Ok(ReceiverStream::new(stream))
}

/// Records that a change is about to be made. Answered once that is durable.
pub(super) async fn begin(
    live: &Live,
    actor: String,
    request: v1::BeginBitbucketChangeRequest,
) -> Result<v1::BeginBitbucketChangeResponse, Status> {
    let (settings, ledger) = kept(live)?;
    let v1::BeginBitbucketChangeRequest { change, policy, of_leaver, of_stranger, account } = request;
    let change = self::change(change.unwrap_or_default())?;
    let why = match (of_leaver, of_stranger) {
        (true, _) => Why::Gone,
        (false, true) => Why::Stranger,
        (false, false) => Why::Else,
    };
    let was = AccountId::of_wire(account).and_then(|id| ledger.known_as(id));
    still_right((settings, &live.state()), &change, was.as_ref(), (&policy, why))?;
    may_be_lifted(&live.drift, ledger, &change)?;
    let entry = record(live, event(&change, actor, ChangeStage::Begun, None, None)).await?;
    ledger.begin(entry, &change).map_err(|error| unavailable(&error))?;
    Ok(v1::BeginBitbucketChangeResponse { entry })
}

/// Records what became of a change.
pub(super) async fn end(
    live: &Live,
    actor: String,
    request: v1::EndBitbucketChangeRequest,
) -> Result<v1::EndBitbucketChangeResponse, Status> {
    let (_, ledger) = kept(live)?;
    let v1::EndBitbucketChangeRequest { entry, outcome, detail } = request;
    let (stage, done) = match outcome.as_str() {
        "done" => (ChangeStage::Done, Some(true)),
        "failed" => (ChangeStage::Failed, Some(false)),
        "unknown" => (ChangeStage::Unknown, None),
        _ => return Err(Status::invalid_argument("the outcome is `done`, `failed` or `unknown`")),
    };
    let change = ledger.begun(entry).ok_or_else(|| ended(&LedgerError::NotPending(entry)))?;
    let detail = Some(bounded("detail", detail)?).filter(|detail| !detail.is_empty());
    record(live, event(&change, actor, stage, Some(entry), detail)).await?;
    ledger.end(entry, done).map_err(|error| ended(&error))?;
    Ok(v1::EndBitbucketChangeResponse {})
}

/// Why it is not noted what became of a change. Whoever is told that nobody waits for it knows that another one said so before.
fn ended(error: &LedgerError) -> Status {
    match error {
        LedgerError::NotPending(_) => Status::not_found(error.to_string()),
        LedgerError::File { .. } | LedgerError::TooManyPending => unavailable(error),
    }
}

pub(super) fn kept(live: &Live) -> Result<(&Settings, &Ledger), Status> {
    let settings = live.config.bitbucket.as_ref().and_then(|bitbucket| bitbucket.provisioning.as_ref());
    settings.zip(live.provisioned.as_ref()).ok_or_else(|| {
        Status::failed_precondition(
            "permissions in Bitbucket are not kept: write `[bitbucket.provisioning]` into the daemon's configuration",
        )
    })
}

/// What is asked about.
struct Asked {
    places: Vec<Place>,
    users: Vec<(Holder, Option<AccountId>)>,
}

impl Asked {
    fn of(request: v1::GetProvisioningRequest) -> Result<Self, Status> {
        let v1::GetProvisioningRequest { places, users, ids } = request;
        if places.len() > MOST_ASKED || users.len() > MOST_ASKED {
            return Err(Status::invalid_argument(format!("ask about at most {MOST_ASKED} places and users")));
        }
        if !ids.is_empty() && ids.len() != users.len() {
            return Err(Status::invalid_argument("`ids` has one for each of `users`, or none at all"));
        }
        let place = |text: &String| {
            text.parse().map_err(|error: oam_bitbucket::permission::NameError| {
                Status::invalid_argument(error.to_string())
            })
        };
        let ids = ids.into_iter().map(AccountId::of_wire).chain(iter::repeat(None));
        let users = users.iter().zip(ids).filter_map(|(name, id)| Some((Holder::user(name)?, id)));
        let users = users.collect();
        Ok(Self { places: places.iter().map(place).collect::<Result<_, _>>()?, users })
    }
}

fn tell(
    answers: &Answers,
    live: &Live,
    state: &State,
    asked: &Asked,
    own: &BTreeSet<Holder>,
    (now, late): (Timestamp, Option<String>),
) -> Option<()> {
    let (settings, ledger) = kept(live).ok()?;
    let (policy, snapshot) = (state.policy.as_deref()?, state.snapshot.as_ref()?);
    let is_late = late.is_some();
    let late = late.unwrap_or_default();
    let daemon = own.iter().map(|one| one.name().to_owned()).collect();
    let opening = v1::ProvisioningOpening { late, daemon, ..opening(settings, policy, snapshot) };
    send(answers, Step::Opening(opening))?;
    if !is_late {
        tell_rights(answers, policy, snapshot, asked, now)?;
    }
    let numbers = ledger.numbers();
    for (name, id) in &asked.users {
        let stands = Stands::of((policy, snapshot), &numbers, name, *id);
        let was = id.and_then(|id| numbers.name_of(id)).filter(|was| *was != name);
        tell_another(answers, name.name(), &stands, was)?;
        tell_standing(answers, name.name(), stands, is_late)?;
    }
    let anothers = anothers(&numbers, &asked.users);
    let managed = ledger.managed().into_iter().filter(|((_, holder), _)| !anothers.contains(holder));
    for ((place, holder), Managed { level, below }) in managed {
        let below = below.map(|level| level.to_string()).unwrap_or_default();
        let (place, holder, level) = (place.to_string(), holder.to_string(), level.to_string());
        send(answers, Step::Managed(v1::ManagedPermission { place, holder, level, below }))?;
    }
    for pending in ledger.pending() {
        let change = Some(to_wire(pending.change));
        send(answers, Step::Pending(v1::PendingChange { entry: pending.entry, change }))?;
    }
    if !is_late {
        tell_mirror(answers, settings, policy, asked)?;
    }
    for (place, thing) in ledger.restrictions() {
        send(answers, Step::Owned(v1::OwnedRestriction { place: place.to_string(), thing }))?;
    }
    send(answers, Step::Done(true))
}

fn tell_another(answers: &Answers, user: &str, stands: &Stands, was: Option<&Holder>) -> Option<()> {
    let Some(why) = stands.another.clone() else { return Some(()) };
    let was = was.map(|was| was.name().to_owned()).unwrap_or_default();
    send(answers, Step::Another(v1::AnotherAccount { user: user.to_owned(), why, was }))
}

fn tell_standing(answers: &Answers, user: &str, stands: Stands, is_late: bool) -> Option<()> {
    let Stands { standing, was, another: _ } = stands;
    let user = user.to_owned();
    if is_gone(standing) || (standing != Standing::Active && !is_late) {
        let was = was.map(|was| was.name().to_owned()).unwrap_or_default();
        let standing = standing.as_str().to_owned();
        send(answers, Step::Standing(v1::AccountStanding { user, standing, was }))?;
    }
    Some(())
}

/// What rules give, and to whom.
fn tell_rights(
    answers: &Answers,
    policy: &Policy,
    snapshot: &Snapshot,
    asked: &Asked,
    now: Timestamp,
) -> Option<()> {
    for (role, holders) in entitle::role_holders(policy, snapshot) {
        let groups = holders.groups.as_ref();
        let told = v1::RoleHolders {
            role: role.to_string(),
            by_groups: groups.is_some(),
            groups: groups
                .into_iter()
                .flatten()
                .map(|group| format!("{}:{}", group.source(), group.name()))
                .collect(),
            people: Vec::new(),
            named: names(&holders.named),
        };
        let people = names(&holders.people);
        send(answers, Step::Role(told.clone()))?;
        for some in people.chunks(NAMES_PER_MESSAGE) {
            send(answers, Step::Role(v1::RoleHolders { people: some.to_vec(), ..told.clone() }))?;
        }
    }
    for place in &asked.places {
        let at = match place {
            Place::Project(project) => entitle::Place::Project(project.as_str()),
            Place::Repository(repository) => entitle::Place::Repository(repository),
        };
        for one in entitle::entitlements(policy, at, now) {
            send(answers, Step::Given(given(place, one)))?;
        }
    }
    for one in entitle::unsaid(policy, now) {
        send(answers, Step::Unsaid(v1::UnsaidRule { rule: one.rule.to_string(), what: one.what }))?;
    }
    Some(())
}

/// Which branch restrictions there should be.
fn tell_mirror(answers: &Answers, settings: &Settings, policy: &Policy, asked: &Asked) -> Option<()> {
    if !settings.mirror.at.is_empty() {
        let protections = Protections::of(policy, &settings.mirror, &settings.groups);
        for place in &asked.places {
            for (mirrored, rules) in protections.at(place, &settings.mirror) {
                send(answers, Step::Mirrored(restriction(place, mirrored, rules)))?;
            }
        }
        for (rule, what) in protections.unsaid {
            send(answers, Step::Unsaid(v1::UnsaidRule { rule: rule.to_string(), what }))?;
        }
    }
    Some(())
}

fn restriction(place: &Place, mirrored: Mirrored, rules: BTreeSet<String>) -> v1::MirroredRestriction {
    let Mirrored { kind, matcher, users, groups } = mirrored;
    v1::MirroredRestriction {
        place: place.to_string(),
        kind,
        matcher: matcher.kind.as_str().to_owned(),
        id: matcher.id,
        users: users.into_iter().collect(),
        groups: groups.into_iter().collect(),
        rules: rules.into_iter().collect(),
    }
}

/// `None` when nobody listens any more.
fn send(answers: &Answers, step: Step) -> Option<()> {
    answers.blocking_send(Ok(v1::ProvisioningStep { step: Some(step) })).ok()
}

fn opening(settings: &Settings, policy: &Policy, snapshot: &Snapshot) -> v1::ProvisioningOpening {
    let Settings { account, daemon: _, groups, jit, adopt, ignore, most_removed, automatic, mirror: _ } =
        settings;
    let version = snapshot.version();
    v1::ProvisioningOpening {
        policy: policy.digest().to_string(),
        directory: format!("{} {}", version.generation, version.digest),
        account: account.name().to_owned(),
        groups: groups.iter().cloned().collect(),
        jit: *jit,
        adopt: adopt.iter().map(ToString::to_string).collect(),
        ignore: ignore.iter().map(ToString::to_string).collect(),
        most_removed: u32::from(*most_removed),
        automatic: automatic.iter().map(|one| one.as_str().to_owned()).collect(),
        late: String::new(),
        daemon: Vec::new(),
    }
}

fn names(all: &BTreeSet<NameInOrder>) -> Vec<String> {
    all.iter().map(|name| name.0.as_str().to_owned()).collect()
}

fn given(place: &Place, one: Entitlement) -> v1::GivenRight {
    let (role, account) = match one.to {
        Receiver::Role(role) => (role.to_string(), String::new()),
        Receiver::Account(account) => (String::new(), account.as_str().to_owned()),
    };
    v1::GivenRight {
        place: place.to_string(),
        right: one.right.as_str().to_owned(),
        rule: one.rule.to_string(),
        role,
        account,
    }
}

pub(super) async fn record(live: &Live, event: Event) -> Result<u64, Status> {
    let batch = live.audit.batch(&event).map_err(|error| Status::invalid_argument(error.to_string()))?;
    let appended = live.audit.append(batch).await;
    live.audit_took_it(appended.is_ok());
    Ok(appended.map_err(|error| unavailable(&error))?.first)
}

fn event(
    change: &Told,
    actor: String,
    stage: ChangeStage,
    begun: Option<u64>,
    detail: Option<String>,
) -> Event {
    let Told { step, place, user, group, thing, before, after, because } = change.clone();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Event::BitbucketChanged(BitbucketChanged {
        stage,
        begun,
        actor,
        step,
        place: some(place),
        user: some(user),
        group: some(group),
        thing: some(thing),
        before: some(before),
        after: some(after),
        because,
        detail,
    })
}

/// A change as it may be recorded: what it is about is named as it must be.
fn change(wire: v1::BitbucketChange) -> Result<Told, Status> {
    let wrong = |what: String| Status::invalid_argument(what);
    let v1::BitbucketChange { step, place, user, group, thing, before, after, because } = wire;
    let told = Told {
        step,
        place: bounded("place", place)?,
        user: bounded("user", user)?,
        group: bounded("group", group)?,
        thing: bounded("thing", thing)?,
        before: bounded("before", before)?,
        after: bounded("after", after)?,
        because: bounded("because", because)?,
    };
    let (user, group) = (Holder::user(&told.user), Holder::group(&told.group));
    if user.is_some() == told.user.is_empty() || group.is_some() == told.group.is_empty() {
        return Err(wrong("`user` and `group` are names".into()));
    }
    let (before, after) = (Level::parse(&told.before), Level::parse(&told.after));
    let is_permission = told.permission().is_some();
    let is_right = match told.step.as_str() {
        "permit" => is_permission && after.is_some() && (told.before.is_empty() || before.is_some()),
        "revoke" => is_permission && before.is_some() && told.after.is_empty(),
        "forget" => is_permission,
        "revoke-global" => user.is_some() != group.is_some() && told.place.is_empty(),
        "delete-token" | "delete-ssh-key" | "delete-gpg-key" => user.is_some() && !told.thing.is_empty(),
        "revoke-default" => {
            before.is_some() && told.after.is_empty() && is_of_place(&told) && told.thing.is_empty()
        }
        "delete-access-key" | "delete-place-token" => is_of_place(&told) && !told.thing.is_empty(),
        "leave-group" => user.is_some() && group.is_some(),
        "restrict" | "lift" => told.restriction().is_some() && user.is_none() && group.is_none(),
        _ => false,
    };
    match is_right {
        // What is somebody's own is never changed, and so no name of a person stands there.
        true if told.place.starts_with('~') => {
            Err(wrong("nothing is changed in a person's own project".into()))
        }
        true => Ok(told),
        false => Err(wrong("no such change is known, or it does not say what it is about".into())),
    }
}

/// Whether it is about a place, and about nobody.
fn is_of_place(told: &Told) -> bool {
    told.place.parse::<Place>().is_ok() && told.user.is_empty() && told.group.is_empty()
}

pub(super) fn bounded(field: &str, text: String) -> Result<String, Status> {
    match text.len() {
        0..=LONGEST_TOLD => Ok(text),
        _ => Err(Status::invalid_argument(format!("`{field}` has more than {LONGEST_TOLD} bytes"))),
    }
}

fn to_wire(told: Told) -> v1::BitbucketChange {
    let Told { step, place, user, group, thing, before, after, because } = told;
    v1::BitbucketChange { step, place, user, group, thing, before, after, because }
}
