mod labels;
mod observe;
mod register;

use std::{fmt, sync::atomic::AtomicU64, time::Duration};

use oam_policy::{
    Channel, Decision, NonEmpty, Outcome, RefusalReason, UndecidedReason, Verdict, decide::PushVerdict,
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use self::labels::{
    Canary, Code, Looked, OfExport, OfFinding, OfNews, OfSecret, OfSource, OfStage, OfState, OfTransmitter,
    OfWebhook, Pushes, Requests, Signal, Witness,
};
use crate::{
    exchange,
    oidc::{REMARKS, TokenError},
    pull_request::{Found, How},
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
    /// Counts a canary.
    pub fn canary(&self, outcome: &'static str) {
        self.canaries.get_or_create(&Canary { outcome }).inc();
    }

    /// Counts a pull request.
    pub fn pull_request(&self, found: &Found) {
        self.pull_requests.get_or_create(&Looked { outcome: found.how.as_str() }).inc();
        self.pull_request_seconds.observe(found.took.as_secs_f64());
    }

    /// Counts a signal.
    pub fn signal(&self, transmitter: &str, outcome: &'static str) {
        self.signals.get_or_create(&Signal { transmitter: transmitter.to_owned(), outcome }).inc();
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
