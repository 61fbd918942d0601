use jiff::Timestamp;
use oam_audit::checkpoint::SignedCheckpoint;
use oam_policy::Outcome;
use oam_proto::v1;

use super::{convert, policy};
use crate::{export::Report, service::Live};

pub(super) fn status(live: &Live) -> v1::Status {
    let checkpoint = live.audit.checkpoint();
    v1::Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: live.audit.verifier().name().to_string(),
        started_micros: convert::micros(live.started),
        snapshot: live.directory.current().map(|loaded| convert::snapshot_info(&loaded.info)),
        policy: policy::in_force(live),
        audit: Some(v1::AuditInfo {
            entries: live.audit.size(),
            root: root(live, &checkpoint),
            checkpoint: checkpoint.to_string(),
            writable: live.audit_works(),
        }),
        warnings: live.warnings(),
        ready: live.obstacles().is_empty(),
        permitted: live.metrics.count(Outcome::Permitted),
        refused: live.metrics.count(Outcome::Refused),
        undecided: live.metrics.count(Outcome::Undecided),
        alarms: live.alarms(),
        state_dir: live.config.state.display().to_string(),
        collectors: live.exports.reports(&live.audit, Timestamp::now()).into_iter().map(collector).collect(),
    }
}

fn collector(report: Report) -> v1::Collector {
    v1::Collector {
        name: report.name,
        kind: report.kind.to_owned(),
        taken: report.taken,
        waiting: report.waiting,
        waits_millis: u64::try_from(report.waits.as_millis()).unwrap_or(u64::MAX),
        trouble: report.trouble.unwrap_or_default(),
    }
}

/// The root hash that the latest checkpoint signs, in hexadecimal; empty when it is none.
fn root(live: &Live, checkpoint: &str) -> String {
    SignedCheckpoint::parse(checkpoint)
        .and_then(|signed| signed.verify(live.audit.verifier()).map(|checkpoint| checkpoint.root.to_string()))
        .unwrap_or_default()
}
