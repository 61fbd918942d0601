//! What everything that is counted is called.

use prometheus_client::registry::Unit;

use super::Metrics;

impl Metrics {
    /// Gives everything its name.
    pub(super) fn register(&mut self) {
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
            "1 when a source is older than it may be, or lost, or nothing is decided by it for want of signals, else 0",
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
}
