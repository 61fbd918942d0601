//! Leases: what a job gets for its token.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::{EncodeError, Event, PrivilegeRequested};
use oam_policy::{
    ObjectId, RefName, Repository, RoleId, RuleId, State,
    rule::{Mode, PathSet, RefSet, VerbSet, Workload},
};
use thiserror::Error;

use super::{
    Given, Leased, News, Privilege, PrivilegeError, Privileges, Set, Stage, What, id, recorded,
    rules::{Rules, on_trial, told},
    said::began,
    set::is_good_for_nothing,
    what,
};
use crate::{audit_log::AppendError, oidc::WorkloadToken};

/// How many leases there may be at once…
const MOST: usize = 4_096;
/// …and of one account in one repository: each stands in the entry of each of its pushes there.
const MOST_OF_ONE: usize = 32;
/// How many bytes those may take there before there is another one.
const MOST_BYTES: usize = 24 << 10;
/// How many bytes one may take.
const LONGEST: usize = 4 << 10;
/// How many tokens are remembered until they expire.
const MOST_TOKENS: usize = 100_000;
/// How long a token may be good for from now on: so long it is remembered.
const LONGEST_TOKEN: SignedDuration = SignedDuration::from_hours(24);
/// For how long after a lease began its token may ask for the same once more.
const ASKED_AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// On how many refs one lease may be.
pub const MOST_REFS: usize = 32;

/// What a job asks for. What it does not say is as its workload allows.
#[derive(Debug, Clone)]
pub struct LeaseAsk {
    /// Where.
    pub repository: Repository,
    /// On which refs; at least one.
    pub refs: Vec<RefName>,
    /// To do what; `None`: whatever the workload allows.
    pub verbs: Option<VerbSet>,
    /// Of what the workload allows; `None`: where that is one role.
    pub role: Option<RoleId>,
    /// What the refs must come to name; `None`: anything.
    pub commit: Option<ObjectId>,
    /// Changes to these paths only; `None`: whatever the workload allows.
    pub paths: Option<PathSet>,
    /// Whether it is to count only for pushes that show its token.
    pub by_token: bool,
    /// For how many pushes; `None`: one.
    pub uses: Option<u32>,
    /// For how long; `None`: five minutes, or as long as may be where that is less.
    pub length: Option<Duration>,
}

/// Why a job gets no lease. The texts are read in the job's log.
#[derive(Debug, Error)]
pub enum LeaseError {
    /// Nothing can be decided now.
    #[error("nobody can tell now who may lease what: {0}")]
    Undecided(String),
    /// The token is over.
    #[error("the token has expired")]
    Expired,
    /// The clock was set back: which tokens were shown before is known of later ones only.
    #[error(
        "the clock of the daemon's machine was set back at {0}, and this token does not say that it was issued later: have another one issued"
    )]
    BeforeSetBack(Timestamp),
    /// The token is good for longer than any is remembered.
    #[error("the token is good for more than {} hours: have shorter ones issued", LONGEST_TOKEN.as_hours())]
    LongToken,
    /// The token was shown before.
    #[error("this token was shown before, and each is good for one lease: have another one issued")]
    Shown,
    /// No workload is about it.
    #[error(
        "no workload of the policy is about this token: its `issuer` and `claims` must be those of the token, to the letter"
    )]
    NoWorkload,
    /// Only one that is tried out is about it.
    #[error("{}", on_trial("workload", .0))]
    OnTrial(RuleId),
    /// The workload does not allow it.
    #[error("{0}")]
    OutOfScope(String),
    /// The account that pushes may not act.
    #[error("`{0}` may not act at all: it is deactivated or cut off")]
    Barred(String),
    /// There are too many.
    #[error("there are {0} leases, as many as there may be: try again when some are over")]
    TooMany(usize),
    /// Too many tokens must be remembered.
    #[error(
        "{0} tokens were shown that have not expired, as many as are remembered: have shorter ones issued, and try again when some are over"
    )]
    TooManyTokens(usize),
    /// One account has too many.
    #[error(
        "`{account}` has {count} leases in `{repository}`, as many as one account may have there: try again when some are over"
    )]
    TooManyOfOne {
        /// Who pushes.
        account: String,
        /// Where.
        repository: Repository,
        /// How many.
        count: usize,
    },
    /// Those of one account are too long together.
    #[error(
        "the leases of `{account}` in `{repository}` take {bytes} bytes of the audit log with each of its pushes, and {MOST_BYTES} are enough: name fewer or shorter refs and paths, or try again when some are over"
    )]
    TooLongOfOne {
        /// Who pushes.
        account: String,
        /// Where.
        repository: Repository,
        /// How many.
        bytes: usize,
    },
    /// It could not be recorded.
    #[error("it was not recorded, so it is not so: {0}")]
    Append(#[from] AppendError),
    /// It does not fit.
    #[error("it was not recorded, so it is not so: {0}")]
    Encode(#[from] EncodeError),
}

/// What a workload makes of what a job asks for.
struct Allowed<'p> {
    workload: &'p Workload,
    role: &'p RoleId,
    verbs: VerbSet,
    uses: u32,
    length: Duration,
}

impl Privileges {
    /// Gives a job what its workload allows. It is in force when this returns, and its token is good for no other. Whoever asks
    /// the same with the same token within a minute, and before the lease was used, is told of the same lease.
    ///
    /// # Errors
    /// When the policy does not allow it, the token was shown before, or it cannot be recorded.
    pub async fn lease(
        &self,
        state: &State,
        token: &WorkloadToken,
        ask: &LeaseAsk,
    ) -> Result<Arc<Privilege>, LeaseError> {
        let _one_at_a_time = self.changing.lock().await;
        let (now, set) = (self.clock().now(), self.set());
        let rules = Rules::of(state).map_err(undecided)?;
        // Whoever issues tokens goes by the right time, as the machine does again when its clock was wrong for a while.
        let machine = self.clock().of_the_machine();
        if is_good_for_nothing(token.expires(), machine) {
            return Err(LeaseError::Expired);
        }
        if let Some(back) = self.clock().set_back()
            && token.issued().is_none_or(|issued| issued < back)
        {
            return Err(LeaseError::BeforeSetBack(back));
        }
        if token.expires().duration_since(machine) > LONGEST_TOKEN {
            return Err(LeaseError::LongToken);
        }
        let shown = token.id().to_string();
        let is_seen = set.has_seen(&shown);
        let allowed =
            allowed(&rules, token, ask).map_err(|why| if is_seen { LeaseError::Shown } else { why })?;
        let workload = allowed.workload;
        let principal = &workload.principal;
        let subject =
            rules.subject(principal).map_err(|_| LeaseError::Barred(principal.as_str().to_owned()))?;
        let asked = Asked::of(&allowed, token, ask)?;
        if is_seen {
            return self.given_just_now(&set, &asked, now).ok_or(LeaseError::Shown);
        }
        let leases =
            || set.iter().filter(|one| matches!(one.stage, Stage::Live { .. }) && one.what.lease().is_some());
        let here = |one: &&Privilege| one.by.key() == principal.key() && one.on.matches(&ask.repository);
        let of_one: Vec<_> = leases().filter(here).collect();
        let bytes: usize = of_one.iter().map(|one| recorded_bytes(one)).sum();
        let (all, tokens, count) = (leases().count(), set.tokens().count(), of_one.len());
        let (account, repository) = (principal.as_str().to_owned(), ask.repository.clone());
        if all >= MOST {
            return Err(LeaseError::TooMany(all));
        }
        if tokens >= MOST_TOKENS {
            return Err(LeaseError::TooManyTokens(tokens));
        }
        if count >= MOST_OF_ONE {
            return Err(LeaseError::TooManyOfOne { account, repository, count });
        }
        if bytes > MOST_BYTES {
            return Err(LeaseError::TooLongOfOne { account, repository, bytes });
        }
        let id = id::fresh(|id| set.get(id).is_some());
        let requested = Event::PrivilegeRequested(PrivilegeRequested {
            id: id.to_string(),
            privilege: asked.what.kind(),
            by: subject.username.as_str().to_owned(),
            actor: format!("workload {} ({})", workload.id, clipped(token.subject())),
            on: asked.on,
            refs: asked.refs,
            seconds: asked.length.as_secs(),
            reason: String::new(),
            needed: 0,
        });
        if serde_json::to_vec(&requested).map_or(usize::MAX, |written| written.len()) > LONGEST {
            let why = "the lease is too long to be recorded: name fewer or shorter refs and paths".to_owned();
            return Err(LeaseError::OutOfScope(why));
        }
        let began = began(&id, asked.what.sort(), now, asked.length.as_secs());
        self.record(&id, &[requested, began], News::Requested).await.map_err(|error| match error {
            PrivilegeError::Append(error) => LeaseError::Append(error),
            PrivilegeError::Encode(error) => LeaseError::Encode(error),
            other => LeaseError::Undecided(other.to_string()),
        })
    }
}

impl Privileges {
    /// The lease that this very token was just given for this very wish, as long as no push has used it: its answer may not have
    /// come through, and the job has nothing else to ask with. It is no other lease, and is good for no more.
    fn given_just_now(&self, set: &Set, asked: &Asked, now: Timestamp) -> Option<Arc<Privilege>> {
        let (on, refs) = (what::repositories(&asked.on).ok()?, what::refs(&asked.refs).ok()?);
        let one = set.live(now).find(|one| {
            one.what == asked.what && one.on == on && one.refs == refs && one.length == asked.length
        })?;
        let (began, _) = one.time()?;
        let is_fresh = now.duration_since(began) <= ASKED_AGAIN && self.uses.count(&one.id) == 0;
        is_fresh.then(|| Arc::new(one.clone()))
    }
}

/// What a job asks for, as it is recorded.
struct Asked {
    /// With what tells its token from every other.
    what: What,
    on: Vec<String>,
    refs: Vec<String>,
    length: Duration,
}

impl Asked {
    fn of(allowed: &Allowed<'_>, token: &WorkloadToken, ask: &LeaseAsk) -> Result<Self, LeaseError> {
        let given =
            Given { uses: allowed.uses, token: token.id().to_string(), token_expires: token.expires() };
        let leased = Leased {
            workload: allowed.workload.id.clone(),
            role: allowed.role.clone(),
            verbs: allowed.verbs,
            commit: ask.commit,
            paths: ask.paths.clone(),
            by_token: ask.by_token,
            issuer: token.issuer().to_owned(),
            claims: allowed.workload.claims.clone(),
            given: Some(given),
        };
        Ok(Self {
            what: What::Lease(Box::new(leased)),
            on: vec![literal(ask.repository.as_str())],
            refs: ask.refs.iter().map(pattern).collect::<Result<_, _>>()?,
            length: allowed.length,
        })
    }
}

fn undecided(error: PrivilegeError) -> LeaseError {
    match error {
        PrivilegeError::Undecided(why) => LeaseError::Undecided(why),
        other => LeaseError::Undecided(other.to_string()),
    }
}

/// What the workloads that are about a token make of a wish: the first that allows it, or why the last does not.
fn allowed<'p>(rules: &Rules<'p>, token: &WorkloadToken, ask: &LeaseAsk) -> Result<Allowed<'p>, LeaseError> {
    let workloads = rules.policy.workloads().iter();
    let about = workloads.filter(|workload| workload.is_shown_by(token.issuer(), token.claims()));
    let (about, tried): (Vec<_>, Vec<_>) = about.partition(|workload| workload.mode == Mode::Enforce);
    let mut refused = tried.first().map_or(LeaseError::NoWorkload, |one| LeaseError::OnTrial(one.id.clone()));
    for workload in about {
        match allowed_by(rules, workload, ask) {
            Ok(allowed) => return Ok(allowed),
            Err(why) => {
                refused = LeaseError::OutOfScope(format!("the workload `{}` {why}", workload.id));
            }
        }
    }
    Err(refused)
}

fn allowed_by<'p>(rules: &Rules<'p>, workload: &'p Workload, ask: &LeaseAsk) -> Result<Allowed<'p>, String> {
    let principal = workload.principal.as_str();
    if !workload.on.matches(&ask.repository) {
        return Err(format!("is not on `{}`", ask.repository));
    }
    if let Some(name) = ask.refs.iter().find(|name| !workload.refs.matches(name, principal)) {
        return Err(format!("is not about `{name}`"));
    }
    let verbs = ask.verbs.unwrap_or(workload.verbs);
    if let Some(verb) = verbs.iter().find(|verb| !workload.verbs.contains(*verb)) {
        return Err(format!("is not for `{verb}`"));
    }
    let role = match &ask.role {
        Some(wanted) => {
            workload.roles.get(wanted).ok_or_else(|| format!("does not give the role `{wanted}`"))?
        }
        None => {
            let mut roles = workload.roles.iter();
            match (roles.next(), roles.next()) {
                (Some(role), None) => role,
                _ => return Err("gives one of several roles: say which".to_owned()),
            }
        }
    };
    let bound = rules.policy.roles().iter().find(|known| known.id == *role).and_then(|role| role.max_lease);
    let most = bound.map_or(workload.max_lease, |bound| bound.min(workload.max_lease));
    let length = ask.length.unwrap_or_else(|| Workload::USUAL.min(most));
    if length > most {
        return Err(format!("gives the role `{role}` for at most {}, not {}", told(most), told(length)));
    }
    if length < Duration::from_secs(1) {
        return Err("gives a lease for a second at least".to_owned());
    }
    let uses = ask.uses.unwrap_or(1);
    if uses == 0 || uses > workload.uses.get() {
        return Err(format!("gives a lease for at most {} pushes, not {uses}", workload.uses));
    }
    Ok(Allowed { workload, role, verbs, uses, length })
}

/// The pattern that matches this text and nothing else.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '?' | '*' | '$' | '{' | '}' | ',' | '!') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// The pattern of a ref that matches it alone.
fn pattern(name: &RefName) -> Result<String, LeaseError> {
    let not_so = || LeaseError::OutOfScope("leases are on refs whose names are UTF-8".to_owned());
    let pattern = literal(std::str::from_utf8(name.as_bytes()).map_err(|_| not_so())?);
    match RefSet::parse_one(&pattern) {
        Ok(_) => Ok(pattern),
        Err(error) => Err(LeaseError::OutOfScope(format!("no lease can be on `{name}`: {error}"))),
    }
}

/// How long it is in the entry of a push.
fn recorded_bytes(one: &Privilege) -> usize {
    let lease = one.time().and_then(|time| one.leased(time));
    let written = lease.and_then(|lease| serde_json::to_vec(&recorded::of_lease(&lease)).ok());
    written.map_or(0, |written| written.len())
}

/// Short enough for an entry.
fn clipped(text: &str) -> String {
    text.chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::{literal, pattern};
    use oam_policy::{
        RefName, Repository,
        rule::{RefSet, RepositorySet},
    };

    #[test]
    fn a_pattern_matches_the_one_name() {
        let names = [
            "refs/heads/main",
            "refs/heads/a{b,c}",
            "refs/heads/${user}",
            "refs/heads/!x",
            "refs/heads/a,b",
            "refs/heads/ü",
        ];
        let parsed = |name: &str| RefName::parse(name.as_bytes()).unwrap();
        for name in names {
            let set = RefSet::new([RefSet::parse_one(&pattern(&parsed(name)).unwrap()).unwrap()]).unwrap();
            for other in names.into_iter().chain(["refs/heads/ab", "refs/heads/svc", "refs/heads/main/x"]) {
                assert_eq!(set.matches(&parsed(other), "svc"), name == other, "{name} {other}");
            }
        }
        assert!(pattern(&RefName::parse(b"refs/heads/\xff").unwrap()).is_err());
        let on = RepositorySet::new([RepositorySet::parse_one(&literal("~ann/x")).unwrap()]).unwrap();
        assert!(
            on.matches(&Repository::parse("~ann/x").unwrap())
                && !on.matches(&Repository::parse("ann/x").unwrap())
        );
    }
}
