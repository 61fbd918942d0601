//! A policy that was written from answers.

use std::path::Path;

use oam_policy::Policy;
use serde::Serialize;

use super::{Page, page::counted, quoted, shown};

/// What was written.
#[derive(Debug, Serialize)]
pub struct Written {
    path: String,
    roles: usize,
    grants: usize,
    blocks: usize,
    requires: usize,
    tests: usize,
}

impl Written {
    /// Of a policy at `path`.
    pub fn new(path: &Path, policy: &Policy) -> Self {
        Self {
            path: path.to_string_lossy().into_owned(),
            roles: policy.roles().len(),
            grants: policy.grants().len(),
            blocks: policy.blocks().len(),
            requires: policy.requires().len(),
            tests: policy.tests().len(),
        }
    }

    /// For people: what there is, and what to do with it.
    pub fn text(&self, page: &Page) -> String {
        let counts = [
            (self.roles, "role", "roles"),
            (self.grants, "grant", "grants"),
            (self.blocks, "block", "blocks"),
            (self.requires, "require", "requires"),
            (self.tests, "test", "tests"),
        ];
        let counts = counts.iter().filter(|(count, _, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, one, many)| counted(*count as u64, one, many)).collect();
        format!(
            "{} {}: {}; every test passes\n  next  read it, then `oam policy check {}`\n",
            page.good("written"),
            quoted(&self.path),
            counts.join(", "),
            shown(&self.path)
        )
    }
}
