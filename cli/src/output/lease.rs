//! What a job has leased, for the job's log.

use serde::Serialize;

use super::{Page, layout::Fields, quoted, shown};
use crate::ci::exchange::Lease;

/// A lease.
#[derive(Debug, Serialize)]
pub struct LeaseJson<'a> {
    id: &'a str,
    principal: &'a str,
    seconds: u64,
    scope: &'a str,
    push_option: Option<String>,
}

impl<'a> From<&'a Lease> for LeaseJson<'a> {
    fn from(lease: &'a Lease) -> Self {
        Self {
            id: &lease.id,
            principal: &lease.principal,
            seconds: lease.expires_in,
            scope: &lease.scope,
            push_option: push_option(lease),
        }
    }
}

/// What `git push -o` is given, where the push must show a token.
pub fn push_option(lease: &Lease) -> Option<String> {
    lease.token.as_ref().map(|token| format!("oam-lease={}", token.reveal()))
}

/// What it is, and who must push. Of its token not more than that it must be shown.
pub fn text(lease: &Lease, page: &Page) -> String {
    let seconds = i64::try_from(lease.expires_in).unwrap_or(i64::MAX);
    let length = format!("{:#}", jiff::SignedDuration::from_secs(seconds));
    let headline = page.good(&format!("Leased for {length} as {}.", quoted(&lease.id)));
    let with = lease.token.as_ref().map_or("", |_| "`git push -o`, and what is on standard output");
    let fields = Fields::new()
        .with("push as", quoted(&lease.principal))
        .with("push with", with.to_owned())
        .with("for", shown(&lease.scope));
    format!("{headline}\n{}", fields.laid_out(page))
}
