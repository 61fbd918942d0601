//! What is read off the state in force.

use super::{
    Metrics,
    labels::{
        OfExport, OfFinding, OfNews, OfSecret, OfSource, OfStage, OfState, OfTransmitter, OfWebhook, Signal,
        Witness,
    },
};
use crate::{
    privilege::{News, Stage, What},
    secrets::{self, State},
    service::Live,
    signals,
};

impl Metrics {
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
}
