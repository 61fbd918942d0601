use oam_policy::lint::{Lint, Report, Warning};

use crate::v1;

/// The message for what the lints of a policy found; nothing of what it replaces.
pub fn warnings_to_wire(report: Report) -> v1::PolicyWarnings {
    v1::PolicyWarnings {
        warnings: report.warnings.into_iter().map(warning_to_wire).collect(),
        omitted: report.omitted as u64,
        unfinished: report.unfinished.into_iter().map(|lint: Lint| lint.id().to_owned()).collect(),
        of_change: Vec::new(),
    }
}

fn warning_to_wire(warning: Warning) -> v1::PolicyWarning {
    v1::PolicyWarning {
        lint: warning.lint.id().to_owned(),
        kind: warning.about.kind().to_owned(),
        id: warning.about.id().to_owned(),
        message: warning.message,
        help: warning.help.unwrap_or_default(),
        allowed: warning.allowed.unwrap_or_default(),
    }
}
