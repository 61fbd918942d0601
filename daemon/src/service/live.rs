use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use jiff::Timestamp;
use oam_policy::{
    Facts, Request, Snapshot, State, UndecidedReason, Username,
    decide::{Freshness, WaiverUse},
    facts::{LeaseFault, ShownLease},
    name::UsernameKey,
    rule::{Asker, RepositorySet},
};

use super::{Applied, Permits, conversation::Room, denials::Denials, spooled::Spooled, waiting};
use crate::{
    audit_log::AuditLog,
    canary::Canaries,
    config::Config,
    directory::{DirectoryReader, DirectoryWriter},
    drift::Drift,
    export::Exports,
    http::Metrics,
    oidc::{Issuers, OwnTokens},
    policy::PolicyManager,
    privilege::{InForce, Privileges},
    provisioning::Ledger,
    pull_request::PullRequests,
    secrets,
    signals::Signals,
    signature::Signatures,
    source::Sources,
    watched::Watched,
    webhook::Webhooks,
    witnesses::Witnesses,
};

/// Everything that the services share. Readers take what is in force at the moment, without a lock.
#[derive(Debug)]
pub struct Live {
    /// The configuration.
    pub config: Config,
    /// The policy.
    pub policies: Arc<PolicyManager>,
    /// The directory.
    pub directory: DirectoryReader,
    /// The way to change it by command.
    pub changes: DirectoryWriter,
    /// Where it comes from.
    pub sources: Arc<Sources>,
    /// Whose shared signals are received.
    pub signals: Arc<Signals>,
    /// Whose tokens are believed.
    pub issuers: Issuers,
    /// The keys with which people sign.
    pub signatures: Signatures,
    /// The audit log.
    pub audit: AuditLog,
    /// Who cosigns it.
    pub witnesses: Witnesses,
    /// What people have for a while.
    pub privileges: Arc<Privileges>,
    /// The tokens of leases; `None`: there are none.
    pub own_tokens: Option<OwnTokens>,
    /// Who is told of it.
    pub webhooks: Arc<Webhooks>,
    /// Who collects the audit log.
    pub exports: Arc<Exports>,
    /// What is counted.
    pub metrics: Metrics,
    /// Pushes that hooks let through on their own, as far as they were delivered.
    pub spooled: Spooled,
    /// What was permitted of late.
    pub permits: Permits,
    /// What hooks reported as applied.
    pub applied: Applied,
    /// What came of canaries.
    pub canaries: Canaries,
    /// What OAM gave in Bitbucket; `None`: permissions are not kept there.
    pub provisioned: Option<Ledger>,
    /// What Bitbucket has beside what the policy says.
    pub drift: Drift,
    /// Whether `oam bitbucket watch` still runs.
    pub watched: Watched,
    /// Who approved what.
    pub pull_requests: PullRequests,
    /// Where what hooks tell is held.
    pub(super) facts_room: Arc<Room>,
    /// What nobody was let do of late.
    pub(super) denials: Denials,
    /// When the daemon started.
    pub started: Timestamp,
    /// What was found at the start that somebody should know.
    pub found_at_start: Vec<String>,
    /// Whether the last entry could not be stored.
    audit_fails: AtomicBool,
}

impl Live {
    /// Puts the parts together.
    pub fn new(
        config: Config,
        policies: Arc<PolicyManager>,
        (changes, directory, sources): (DirectoryWriter, DirectoryReader, Arc<Sources>),
        (audit, privileges): (AuditLog, Privileges),
        (spooled, permits): (Spooled, Permits),
        found_at_start: Vec<String>,
    ) -> Self {
        let witnesses = Witnesses::start(&audit, &config.witnesses);
        let privileges = Arc::new(privileges);
        sources.end_with_it(Arc::clone(&privileges), Arc::clone(&policies));
        Self {
            signatures: Signatures::start(config.signatures.clone()),
            facts_room: Room::new(config.facts_memory),
            pull_requests: PullRequests::new(config.bitbucket.clone()),
            witnesses,
            config,
            policies,
            directory,
            changes,
            sources,
            signals: Arc::default(),
            issuers: Issuers::default(),
            audit,
            privileges,
            own_tokens: None,
            webhooks: Arc::default(),
            exports: Arc::default(),
            metrics: Metrics::default(),
            spooled,
            permits,
            applied: Applied::default(),
            canaries: Canaries::default(),
            provisioned: None,
            drift: Drift::default(),
            watched: Watched::default(),
            denials: Denials::default(),
            started: Timestamp::now(),
            found_at_start,
            audit_fails: AtomicBool::new(false),
        }
    }

    /// Believes the tokens of these issuers.
    #[must_use]
    pub fn with_issuers(self, issuers: Issuers) -> Self {
        Self { issuers, ..self }
    }

    /// The same, with tokens of leases.
    #[must_use]
    pub fn with_own_tokens(self, own_tokens: Option<OwnTokens>) -> Self {
        Self { own_tokens, ..self }
    }

    /// What the tokens that a push shows are worth; `None`: it shows none.
    pub fn shown_lease(&self, tokens: &[impl AsRef<[u8]>]) -> Option<ShownLease> {
        let worth = match (tokens, &self.own_tokens) {
            ([], _) => return None,
            ([one], Some(own)) => own.verify(one.as_ref(), self.privileges.clock().now()),
            ([_], None) => Err(LeaseFault::NotOurs),
            _ => Err(LeaseFault::Several),
        };
        Some(worth.map_or_else(ShownLease::NotAccepted, ShownLease::Of))
    }

    /// The same, with what OAM gave in Bitbucket.
    #[must_use]
    pub fn with_provisioned(self, provisioned: Option<Ledger>) -> Self {
        Self { provisioned, ..self }
    }

    /// The same, with what came of canaries before.
    #[must_use]
    pub fn with_canaries(self, canaries: Canaries) -> Self {
        Self { canaries, ..self }
    }

    /// The same, with what was found in Bitbucket before.
    #[must_use]
    pub fn with_drift(self, drift: Drift) -> Self {
        Self { drift, ..self }
    }

    /// The same, with when rounds of `oam bitbucket watch` are expected.
    #[must_use]
    pub fn with_watched(self, watched: Watched) -> Self {
        Self { watched, ..self }
    }

    /// The same, with others who are told what people have for a while.
    #[must_use]
    pub fn with_webhooks(self, webhooks: Webhooks) -> Self {
        Self { webhooks: Arc::new(webhooks), ..self }
    }

    /// The same, with others whose shared signals are received.
    #[must_use]
    pub fn with_signals(self, signals: Signals) -> Self {
        signals.tell(&self.sources);
        Self { signals: Arc::new(signals), ..self }
    }

    /// What a decision rests on now, whomever it is about.
    pub fn state(&self) -> State {
        self.state_by(self.sources.all_freshness(), None)
    }

    /// What a decision about `user` rests on now: of the sources, those that know them.
    pub fn state_for(&self, user: &Username) -> State {
        let key = user.key();
        self.state_by(self.sources.freshness(&key), Some(&key))
    }

    /// What a decision about `request` rests on now: of what the pusher has for a while, what is in its repository.
    pub fn state_of(&self, request: &Request) -> State {
        let mut state = self.state_for(&request.pusher);
        let here = |on: &RepositorySet| on.matches(&request.repository);
        state.leases = state.leases.iter().filter(|one| here(&one.on)).cloned().collect();
        state.elevations = state.elevations.iter().filter(|one| here(&one.on)).cloned().collect();
        let waives = |one: &&WaiverUse| one.on.as_ref().is_none_or(here);
        state.waivers = state.waivers.iter().filter(waives).cloned().collect();
        state
    }

    /// The same with the sources that know those who approved the pull request that `facts` tell of.
    pub fn with_approvers(&self, state: State, facts: &Facts) -> State {
        let Some(Ok(told)) = facts.pull_request() else { return state };
        let more = self.knowing(told.approvals.iter().map(|one| &one.by));
        let approvers = state.approvers.iter().cloned().chain(more).collect();
        State { approvers, ..state }
    }

    /// Those of them who are somebody in particular, with the sources that know them.
    fn knowing<'a>(
        &self,
        approvers: impl Iterator<Item = &'a Asker>,
    ) -> BTreeMap<UsernameKey, Box<[Freshness]>> {
        let named = approvers.filter_map(|by| match by {
            Asker::User(user) => Some(user.key()),
            Asker::Roles(_) => None,
        });
        named.map(|key| (key.clone(), self.sources.freshness(&key).into())).collect()
    }

    /// Who there is and what holds now, for whoever judges what `user` has for a while.
    pub fn rules_for(&self, user: &Username) -> State {
        self.sources.rules_for(&self.policies, user)
    }

    fn state_by(&self, sources: Vec<Freshness>, user: Option<&UsernameKey>) -> State {
        let InForce { elevations, waivers, leases } = self.privileges.in_force(user);
        let seconds = waivers.iter().filter_map(|one| one.approved_by.as_ref());
        let approvers = self.knowing(seconds.chain(elevations.iter().flat_map(|one| &one.approved_by)));
        State {
            approvers: approvers.into_iter().collect(),
            policy: self.policies.live().map(|live| Arc::clone(&live.policy)),
            snapshot: self.snapshot(),
            sources: sources.into(),
            waivers: waivers.into(),
            elevations: elevations.into(),
            leases: leases.into(),
        }
    }

    /// The same, with others who collect the audit log.
    #[must_use]
    pub fn with_exports(self, exports: Exports) -> Self {
        Self { exports: Arc::new(exports), ..self }
    }

    /// The directory in force.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.directory.current().map(|loaded| loaded.snapshot.clone())
    }

    /// Notes whether the audit log took the last entry.
    pub fn audit_took_it(&self, took: bool) {
        self.audit_fails.store(!took, Ordering::Relaxed);
    }

    /// Whether the audit log took the last entry.
    pub fn audit_works(&self) -> bool {
        !self.audit_fails.load(Ordering::Relaxed)
    }

    /// Why nothing can be permitted now, a sentence each; empty when it can.
    pub fn obstacles(&self) -> Vec<String> {
        let mut obstacles = oam_policy::decide::obstacles(&self.state(), Timestamp::now());
        // Those whom another source knows are decided about.
        let of_sources = obstacles.iter().filter(|reason| reason.is_of_a_source()).count();
        if of_sources < self.sources.in_use() {
            obstacles.retain(|reason| !reason.is_of_a_source());
        }
        if !self.audit_works() {
            obstacles.push(UndecidedReason::AuditUnavailable);
        }
        obstacles.iter().map(|reason| oam_policy::words::of_undecided(reason).summary).collect()
    }

    /// What somebody must look at now, a sentence each: what is forbidden goes in somewhere, or may; or nobody elsewhere
    /// learns of what happens here, or we of what happens there; or a certificate is about to end.
    pub fn alarms(&self) -> Vec<String> {
        let now = Timestamp::now();
        let canaries = self
            .config
            .bitbucket
            .as_ref()
            .map(|bitbucket| self.canaries.alarms(bitbucket.canary.alarm_after, Instant::now()));
        canaries
            .unwrap_or_default()
            .into_iter()
            .chain(self.drift.alarms(now))
            .chain(self.watched.alarm())
            .chain(self.exports.alarms(&self.audit, now))
            .chain(self.signals.alarms(now))
            .chain(secrets::alarms(self, now))
            .collect()
    }

    /// What somebody should look at, a sentence each; empty when all is well.
    pub fn warnings(&self) -> Vec<String> {
        let obstacles = self.obstacles();
        let policy = self.policies.trouble().map(|trouble| {
            format!("The policy in `{}` is not in force: {trouble}", self.policies.place().path().display())
        });
        let mut sources = self.sources.warnings();
        // Where nothing can be permitted by it, that was said already.
        sources.retain(|warning| !obstacles.contains(warning));
        let directory = self.directory.troubles();
        let unsealed = self.audit.trouble().map(|trouble| format!("The audit log is not sealed: {trouble}"));
        obstacles
            .into_iter()
            .chain(sources)
            .chain(policy)
            .chain(waiting::warnings(&self.policies, self.config.unapproved_policy))
            .chain(directory)
            .chain(self.issuers.troubles().into_iter().map(|trouble| {
                format!("The keys of issuer `{}` could not be fetched: {}", trouble.issuer, trouble.why)
            }))
            .chain(self.signals.warnings(Timestamp::now()))
            .chain(secrets::warnings(self, Timestamp::now()))
            .chain(self.applied.warning())
            .chain(self.signatures.warnings())
            .chain(unsealed)
            .chain(self.privileges.warnings())
            .chain(self.pull_requests.warning())
            .chain(self.drift.warning(Timestamp::now()))
            .chain(self.watched.warning(Timestamp::now()))
            .chain(self.webhooks.warnings())
            .chain(self.exports.warnings(&self.audit, Timestamp::now()))
            .chain(self.witnesses.warnings())
            .chain(self.found_at_start.iter().cloned())
            .collect()
    }
}
