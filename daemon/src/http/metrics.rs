use std::{fmt, sync::atomic::AtomicU64, time::Duration};

use oam_policy::{
    Channel, Decision, NonEmpty, Outcome, RefusalReason, UndecidedReason, Verdict, decide::PushVerdict,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::{
    exchange,
    oidc::{REMARKS, TokenError},
    privilege::{News, Stage, What},
    pull_request::{Found, How},
    secrets::{self, State},
    service::Live,
    signals,
};

/// What is counted. Every label has few values: an outcome, a channel, a reason's code; never a user or a ref.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pushes: Family<Pushes, Counter>,
    reasons: Family<Code, Counter>,
    seconds: Histogram,
    applied_without_decision: Counter,
    generation: Gauge<u64, AtomicU64>,
    directory_age: Gauge<f64, AtomicU64>,
    users: Gauge<u64, AtomicU64>,
    audit_entries: Gauge<u64, AtomicU64>,
    witness_well: Family<Witness, Gauge<u64, AtomicU64>>,
    witness_entries: Family<Witness, Gauge<u64, AtomicU64>>,
    ready: Gauge<u64, AtomicU64>,
    source_age: Family<OfSource, Gauge<f64, AtomicU64>>,
    source_stale: Family<OfSource, Gauge<u64, AtomicU64>>,
    source_users: Family<OfSource, Gauge<u64, AtomicU64>>,
    source_followed: Family<OfSource, Gauge<u64, AtomicU64>>,
    source_held: Family<OfSource, Gauge<u64, AtomicU64>>,
    source_not_called: Family<OfSource, Gauge<u64, AtomicU64>>,
    source_reconnects: Family<OfSource, Gauge<u64, AtomicU64>>,
    source_requests: Family<Requests, Counter>,
    tokens: Family<Code, Counter>,
    token_remarks: Family<Code, Counter>,
    exchanges: Family<Code, Counter>,
    issuers_in_trouble: Gauge<u64, AtomicU64>,
    canaries: Family<Canary, Counter>,
    canary_accepted: Gauge<u64, AtomicU64>,
    canary_proven_age: Gauge<f64, AtomicU64>,
    bitbucket_drift: Family<OfFinding, Gauge<u64, AtomicU64>>,
    bitbucket_drift_age: Gauge<f64, AtomicU64>,
    bitbucket_watch_overdue: Gauge<f64, AtomicU64>,
    bitbucket_watch_left: Gauge<u64, AtomicU64>,
    bitbucket_watch_unread: Gauge<u64, AtomicU64>,
    pull_requests: Family<Looked, Counter>,
    pull_request_seconds: Histogram,
    privileges: Family<OfStage, Gauge<u64, AtomicU64>>,
    webhook_well: Family<OfWebhook, Gauge<u64, AtomicU64>>,
    webhook_passed_over: Family<OfWebhook, Counter>,
    export_well: Family<OfExport, Gauge<u64, AtomicU64>>,
    export_waiting: Family<OfExport, Gauge<u64, AtomicU64>>,
    export_waits: Family<OfExport, Gauge<f64, AtomicU64>>,
    privilege_news: Family<OfNews, Counter>,
    clock_behind: Gauge<f64, AtomicU64>,
    signals: Family<Signal, Counter>,
    signals_blind: Family<OfTransmitter, Gauge<u64, AtomicU64>>,
    signals_verified_age: Family<OfTransmitter, Gauge<f64, AtomicU64>>,
    secret_age: Family<OfSecret, Gauge<f64, AtomicU64>>,
    secret_left: Family<OfSecret, Gauge<f64, AtomicU64>>,
    secrets: Family<OfState, Gauge<u64, AtomicU64>>,
}

/// One of those that are configured, or of the two tokens that each may have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSecret {
    secret: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    state: &'static str,
}

/// One of the few that are configured, and one of the few words for what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Signal {
    transmitter: String,
    outcome: &'static str,
}

/// One of the few that are configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTransmitter {
    transmitter: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Canary {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFinding {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Looked {
    outcome: &'static str,
}

/// One of the few stages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStage {
    kind: &'static str,
    stage: &'static str,
}

/// One of the few that are configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfWebhook {
    webhook: String,
}

/// One of the few that are configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfExport {
    export: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfNews {
    kind: &'static str,
    event: &'static str,
}

/// One of the few that are configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Witness {
    witness: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pushes {
    outcome: &'static str,
    channel: &'static str,
}

/// The name of a source that is configured: nobody from outside can make one up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSource {
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Requests {
    source: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("oam"),
            pushes: Family::default(),
            reasons: Family::default(),
            // 50 µs to about 1.6 s.
            seconds: Histogram::new(exponential_buckets(50e-6, 2.0, 16)),
            applied_without_decision: Counter::default(),
            generation: Gauge::default(),
            directory_age: Gauge::default(),
            users: Gauge::default(),
            audit_entries: Gauge::default(),
            witness_well: Family::default(),
            witness_entries: Family::default(),
            ready: Gauge::default(),
            source_age: Family::default(),
            source_stale: Family::default(),
            source_users: Family::default(),
            source_followed: Family::default(),
            source_held: Family::default(),
            source_not_called: Family::default(),
            source_reconnects: Family::default(),
            source_requests: Family::default(),
            tokens: Family::default(),
            token_remarks: Family::default(),
            exchanges: Family::default(),
            issuers_in_trouble: Gauge::default(),
            canaries: Family::default(),
            canary_accepted: Gauge::default(),
            canary_proven_age: Gauge::default(),
            bitbucket_drift: Family::default(),
            bitbucket_drift_age: Gauge::default(),
            bitbucket_watch_overdue: Gauge::default(),
            bitbucket_watch_left: Gauge::default(),
            bitbucket_watch_unread: Gauge::default(),
            pull_requests: Family::default(),
            // 1 ms to about 16 s.
            pull_request_seconds: Histogram::new(exponential_buckets(1e-3, 2.0, 15)),
            privileges: Family::default(),
            webhook_well: Family::default(),
            webhook_passed_over: Family::default(),
            export_well: Family::default(),
            export_waiting: Family::default(),
            export_waits: Family::default(),
            privilege_news: Family::default(),
            clock_behind: Gauge::default(),
            signals: Family::default(),
            signals_blind: Family::default(),
            signals_verified_age: Family::default(),
            secret_age: Family::default(),
            secret_left: Family::default(),
            secrets: Family::default(),
        };
        metrics.register();
        // There from the start, so that the first of a kind is a change.
        for code in TokenError::CODES.into_iter().chain(["accepted"]) {
            drop(metrics.tokens.get_or_create(&Code { code }));
        }
        for code in REMARKS {
            drop(metrics.token_remarks.get_or_create(&Code { code }));
        }
        for code in exchange::CODES {
            drop(metrics.exchanges.get_or_create(&Code { code }));
        }
        for how in How::ALL {
            drop(metrics.pull_requests.get_or_create(&Looked { outcome: how.as_str() }));
        }
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let Self { registry, .. } = self;
        registry.register("pushes", "Pushes decided, by outcome and channel", self.pushes.clone());
        registry.register("reasons", "Reasons why refs were not permitted, by code", self.reasons.clone());
        registry.register_with_unit(
            "decision",
            "From the whole question to the durable answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "applied_without_decision",
            "Refs that changed without a decision, as hooks reported after the push",
            self.applied_without_decision.clone(),
        );
        registry.register("directory_generation", "The directory in force", self.generation.clone());
        registry.register_with_unit(
            "directory_age",
            "How old the directory in force is",
            Unit::Seconds,
            self.directory_age.clone(),
        );
        registry.register("directory_users", "Users in the directory in force", self.users.clone());
        registry.register("audit_entries", "Entries in the audit log", self.audit_entries.clone());
        registry.register(
            "tokens",
            "Tokens of administrators, by what came of them: `accepted`, or why not",
            self.tokens.clone(),
        );
        registry.register(
            "token_remarks",
            "Good tokens of administrators that better were others, by why",
            self.token_remarks.clone(),
        );
        registry.register(
            "exchanges",
            "Tokens that jobs showed for a lease, by what came of them: `issued`, or why not",
            self.exchanges.clone(),
        );
        registry.register(
            "issuers_in_trouble",
            "Issuers of tokens whose keys could not be fetched when they were needed last",
            self.issuers_in_trouble.clone(),
        );
        registry.register(
            "witness_well",
            "1 when the witness cosigned the last checkpoint that it was asked for, else 0",
            self.witness_well.clone(),
        );
        registry.register(
            "witness_entries",
            "Entries that the witness has cosigned",
            self.witness_entries.clone(),
        );
        self.register_sources();
        self.register_canaries();
        self.register_drift();
        self.register_pull_requests();
        self.register_privileges();
        self.register_exports();
        self.register_signals();
        self.register_secrets();
        let Self { registry, .. } = self;
        registry.register("ready", "1 when the daemon can permit, else 0", self.ready.clone());
    }

    fn register_sources(&mut self) {
        let Self { registry, .. } = self;
        registry.register_with_unit(
            "source_age",
            "How long ago a source last said anything",
            Unit::Seconds,
            self.source_age.clone(),
        );
        registry.register(
            "source_stale",
            "1 when a source is older than it may be, or lost, else 0",
            self.source_stale.clone(),
        );
        registry.register("source_users", "Users of a source", self.source_users.clone());
        registry.register(
            "source_followed",
            "1 when a source that is followed is read or waited for, else 0",
            self.source_followed.clone(),
        );
        registry.register(
            "source_held",
            "1 when what a server has was not taken, since too many would lose everything, else 0",
            self.source_held.clone(),
        );
        registry.register(
            "source_not_called",
            "1 when a provider was asked to call when something changes and does not, else 0",
            self.source_not_called.clone(),
        );
        registry.register(
            "source_reconnects",
            "How often a source that is followed could not be since the daemon started",
            self.source_reconnects.clone(),
        );
        registry.register(
            "source_requests",
            "SCIM requests and event hooks that were let in, by source and HTTP status",
            self.source_requests.clone(),
        );
    }

    fn register_canaries(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "canaries",
            "Forbidden branches that were tried, by what came of it",
            self.canaries.clone(),
        );
        registry.register(
            "canary_accepted",
            "Repositories into which a forbidden branch went last time",
            self.canary_accepted.clone(),
        );
        registry.register_with_unit(
            "canary_proven_age",
            "How long ago a canary was refused, or the daemon started, where it sends any",
            Unit::Seconds,
            self.canary_proven_age.clone(),
        );
    }

    fn register_drift(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "bitbucket_drift",
            "What Bitbucket has beside what the policy says, by kind, as somebody found it last",
            self.bitbucket_drift.clone(),
        );
        registry.register_with_unit(
            "bitbucket_drift_age",
            "How long ago somebody looked",
            Unit::Seconds,
            self.bitbucket_drift_age.clone(),
        );
        registry.register_with_unit(
            "bitbucket_watch_overdue",
            "How long ago a round of oam bitbucket watch should have been done",
            Unit::Seconds,
            self.bitbucket_watch_overdue.clone(),
        );
        registry.register(
            "bitbucket_watch_left",
            "How many who are gone still have something in Bitbucket after the last round of oam bitbucket watch",
            self.bitbucket_watch_left.clone(),
        );
        registry.register(
            "bitbucket_watch_unread",
            "How many projects and repositories the last round could not read",
            self.bitbucket_watch_unread.clone(),
        );
    }

    /// Counts a canary.
    pub fn canary(&self, outcome: &'static str) {
        self.canaries.get_or_create(&Canary { outcome }).inc();
    }

    fn register_pull_requests(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "pull_requests",
            "Pull requests that decisions depended on, by how it was found out who approved them",
            self.pull_requests.clone(),
        );
        registry.register_with_unit(
            "pull_request",
            "How long it took to find out who approved a pull request",
            Unit::Seconds,
            self.pull_request_seconds.clone(),
        );
    }

    /// Counts a pull request.
    pub fn pull_request(&self, found: &Found) {
        self.pull_requests.get_or_create(&Looked { outcome: found.how.as_str() }).inc();
        self.pull_request_seconds.observe(found.took.as_secs_f64());
    }

    fn register_privileges(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "privileges",
            "What people ask for, have, or must still answer for, by kind and stage",
            self.privileges.clone(),
        );
        registry.register(
            "privilege_events",
            "What happened to what people have for a while, since the start",
            self.privilege_news.clone(),
        );
        registry.register(
            "webhook_well",
            "1 when the webhook takes what it is told, else 0",
            self.webhook_well.clone(),
        );
        registry.register(
            "webhook_passed_over",
            "Messages that the webhook would not have, and that were passed over, since the start",
            self.webhook_passed_over.clone(),
        );
        registry.register_with_unit(
            "clock_behind",
            "How far the clock of the machine is behind what it was",
            Unit::Seconds,
            self.clock_behind.clone(),
        );
    }

    fn register_exports(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "export_well",
            "1 when the collector takes the audit log, else 0",
            self.export_well.clone(),
        );
        registry.register(
            "export_waiting",
            "Entries of the audit log that the collector has not taken",
            self.export_waiting.clone(),
        );
        registry.register_with_unit(
            "export_waits",
            "How old the first entry is that the collector has not taken",
            Unit::Seconds,
            self.export_waits.clone(),
        );
    }

    fn register_signals(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "signals",
            "Shared signals that came, by transmitter and what came of them",
            self.signals.clone(),
        );
        registry.register(
            "signals_blind",
            "1 when the signals of a transmitter must be taken not to reach us, else 0",
            self.signals_blind.clone(),
        );
        registry.register_with_unit(
            "signals_verified_age",
            "How long ago a transmitter gave a sign of life that was asked for",
            Unit::Seconds,
            self.signals_verified_age.clone(),
        );
    }

    fn register_secrets(&mut self) {
        let Self { registry, .. } = self;
        registry.register_with_unit(
            "secret_age",
            "Since when a secret or certificate is good, or lies there",
            Unit::Seconds,
            self.secret_age.clone(),
        );
        registry.register_with_unit(
            "secret_left",
            "How long a secret or certificate is still good; below nothing when it has ended",
            Unit::Seconds,
            self.secret_left.clone(),
        );
        registry.register("secrets", "Secrets and certificates, by how they are", self.secrets.clone());
    }

    fn observe_secrets(&self, live: &Live) {
        let now = jiff::Timestamp::now();
        let (list, bounds) = (secrets::list(live), &live.config.secrets);
        // Tokens that are gone are not told of any more.
        self.secret_age.clear();
        self.secret_left.clear();
        for held in &list {
            let labels = OfSecret { secret: held.name.clone() };
            if let Some(since) = held.since {
                self.secret_age.get_or_create(&labels).set(now.duration_since(since).as_secs_f64());
            }
            if let Some(ends) = held.ends {
                self.secret_left.get_or_create(&labels).set(ends.duration_since(now).as_secs_f64());
            }
        }
        for state in State::ALL {
            let count = list.iter().filter(|held| held.state(bounds, now) == state).count();
            self.secrets.get_or_create(&OfState { state: state.as_str() }).set(count as u64);
        }
    }

    fn observe_signals(&self, live: &Live) {
        let now = jiff::Timestamp::now();
        for receiver in live.signals.all() {
            let (labels, report) =
                (OfTransmitter { transmitter: receiver.name().to_owned() }, receiver.report(now));
            self.signals_blind.get_or_create(&labels).set(report.blind.is_some().into());
            let age = now.duration_since(report.verified.unwrap_or(live.started)).as_secs_f64();
            self.signals_verified_age.get_or_create(&labels).set(age);
            // There from the start, so that the first of a kind is a change.
            for outcome in signals::OUTCOMES {
                let transmitter = labels.transmitter.clone();
                drop(self.signals.get_or_create(&Signal { transmitter, outcome }));
            }
        }
    }

    /// Counts a signal.
    pub fn signal(&self, transmitter: &str, outcome: &'static str) {
        self.signals.get_or_create(&Signal { transmitter: transmitter.to_owned(), outcome }).inc();
    }

    fn observe_exports(&self, live: &Live) {
        for report in live.exports.reports(&live.audit, jiff::Timestamp::now()) {
            let labels = OfExport { export: report.name };
            self.export_well.get_or_create(&labels).set(report.trouble.is_none().into());
            self.export_waiting.get_or_create(&labels).set(report.waiting);
            self.export_waits.get_or_create(&labels).set(report.waits.as_secs_f64());
        }
    }

    fn observe_privileges(&self, live: &Live) {
        let set = live.privileges.set();
        for kind in What::WORDS {
            let of_kind = || set.iter().filter(|one| one.what.word() == kind);
            let counts = [
                ("waiting", of_kind().filter(|one| one.stage == Stage::Waiting).count()),
                ("live", of_kind().filter(|one| matches!(one.stage, Stage::Live { .. })).count()),
                ("unsigned", of_kind().filter(|one| one.wants_sign_off()).count()),
            ];
            for (stage, count) in counts {
                self.privileges.get_or_create(&OfStage { kind, stage }).set(count as u64);
            }
            for news in News::ALL {
                let counter = self.privilege_news.get_or_create(&OfNews { kind, event: news.code() });
                let count = live.privileges.counts().of(kind, news);
                counter.inc_by(count.saturating_sub(counter.get()));
            }
        }
        for (webhook, well) in live.webhooks.states() {
            self.webhook_well.get_or_create(&OfWebhook { webhook: webhook.to_owned() }).set(well.into());
        }
        for (webhook, count) in live.webhooks.passed_over() {
            let counter = self.webhook_passed_over.get_or_create(&OfWebhook { webhook: webhook.to_owned() });
            counter.inc_by(count.saturating_sub(counter.get()));
        }
        let behind = live.privileges.clock().behind().unwrap_or_default();
        self.clock_behind.set(behind.as_secs_f64());
    }

    /// Counts a request of a source.
    pub fn source_asked(&self, source: &str, status: u16) {
        self.source_requests.get_or_create(&Requests { source: source.to_owned(), status }).inc();
    }

    /// Counts a decision.
    pub fn decided(&self, decision: &Decision, channel: Channel, took: Duration) {
        let labels = Pushes { outcome: decision.outcome().as_str(), channel: channel.as_str() };
        self.pushes.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
        match decision.verdict() {
            PushVerdict::Refused(reasons) => self.refused(reasons),
            PushVerdict::Undecided(reasons) => self.undecided(reasons),
            PushVerdict::PerRef(refs) => {
                for one in refs {
                    match &one.verdict {
                        Verdict::Permitted(_) => {}
                        Verdict::Refused(reasons) => self.refused(reasons),
                        Verdict::Undecided(reasons) => self.undecided(reasons),
                    }
                }
            }
        }
    }

    /// Counts a token: accepted, or why not.
    pub fn token(&self, fault: Option<&TokenError>) {
        let code = fault.map_or("accepted", TokenError::code);
        self.tokens.get_or_create(&Code { code }).inc();
    }

    /// Counts what there is to know of a good token.
    pub fn token_remark(&self, code: &'static str) {
        self.token_remarks.get_or_create(&Code { code }).inc();
    }

    /// Counts a token that a job showed for a lease.
    pub fn exchanged(&self, code: &'static str) {
        self.exchanges.get_or_create(&Code { code }).inc();
    }

    /// Counts refs that changed without a decision.
    pub fn applied_without_decision(&self, refs: u64) {
        self.applied_without_decision.inc_by(refs);
    }

    /// How many pushes had this outcome, over all channels.
    pub fn count(&self, outcome: Outcome) -> u64 {
        let of = |channel: Channel| Pushes { outcome: outcome.as_str(), channel: channel.as_str() };
        Channel::ALL.into_iter().map(|channel| self.pushes.get_or_create(&of(channel)).get()).sum()
    }

    fn refused(&self, reasons: &NonEmpty<RefusalReason>) {
        reasons.iter().for_each(|reason| self.reason(reason.code()));
    }

    fn undecided(&self, reasons: &NonEmpty<UndecidedReason>) {
        reasons.iter().for_each(|reason| self.reason(reason.code()));
    }

    fn reason(&self, code: &'static str) {
        self.reasons.get_or_create(&Code { code }).inc();
    }

    /// Reads the gauges off the state in force.
    pub fn observe(&self, live: &Live) {
        self.observe_privileges(live);
        self.observe_exports(live);
        self.observe_signals(live);
        self.observe_secrets(live);
        if let Some(snapshot) = live.snapshot() {
            self.generation.set(snapshot.version().generation);
            self.users.set(snapshot.user_count() as u64);
            let age = jiff::Timestamp::now().duration_since(snapshot.as_of());
            self.directory_age.set(age.as_secs_f64());
        }
        for source in live.sources.all().iter().filter(|source| !source.is_retired()) {
            let (labels, report) = (OfSource { source: source.name().to_string() }, source.report());
            if let Some(seen) = report.seen {
                let age = jiff::Timestamp::now().duration_since(seen);
                self.source_age.get_or_create(&labels).set(age.as_secs_f64());
            }
            self.source_stale.get_or_create(&labels).set(u64::from(report.is_stale));
            self.source_users.get_or_create(&labels).set(report.users as u64);
            if let Some(feed) = report.feed {
                let is_followed = feed.trouble.is_none() && feed.last_load.is_some();
                self.source_followed.get_or_create(&labels).set(u64::from(is_followed));
                self.source_held.get_or_create(&labels).set(u64::from(feed.held.is_some()));
                self.source_not_called.get_or_create(&labels).set(u64::from(feed.not_called.is_some()));
                self.source_reconnects.get_or_create(&labels).set(feed.reconnects);
            }
        }
        self.issuers_in_trouble.set(live.issuers.troubles().len() as u64);
        self.audit_entries.set(live.audit.size());
        for report in live.witnesses.report() {
            let labels = Witness { witness: report.name };
            self.witness_well.get_or_create(&labels).set(u64::from(report.well));
            self.witness_entries.get_or_create(&labels).set(report.size.unwrap_or(0));
        }
        self.canary_accepted.set(live.canaries.accepted());
        if live.config.bitbucket.is_some() {
            let age = live.canaries.unproven_for(std::time::Instant::now());
            self.canary_proven_age.set(age.as_secs_f64());
        }
        for (kind, count) in live.drift.counts() {
            self.bitbucket_drift.get_or_create(&OfFinding { kind: kind.as_str() }).set(count);
        }
        if let Some(looked) = live.drift.looked() {
            self.bitbucket_drift_age.set(jiff::Timestamp::now().duration_since(looked).as_secs_f64());
        }
        let overdue = live.watched.overdue(jiff::Timestamp::now()).unwrap_or_default();
        self.bitbucket_watch_overdue.set(overdue.as_secs_f64());
        let left = live.watched.left();
        self.bitbucket_watch_left.set(left.leavers);
        self.bitbucket_watch_unread.set(left.places);
        self.ready.set(u64::from(live.obstacles().is_empty()));
    }

    /// All of it as OpenMetrics text.
    ///
    /// # Errors
    /// When a value cannot be formatted.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
