use jiff::Timestamp;

use super::{Lint, Report, Scope};
use crate::rule::Policy;

/// Rules that are over.
pub(super) fn look(policy: &Policy, now: Timestamp, report: &mut Report) {
    for scope in Scope::all(policy) {
        if let Some(end) = scope.window.to().filter(|end| *end <= now) {
            let message = format!("the {} has been over since {end}", scope.about);
            report.add(Lint::Expired, scope.about, message, Some("it can be taken out".into()));
        }
    }
}
