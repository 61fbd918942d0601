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
}

impl<'a> From<&'a Lease> for LeaseJson<'a> {
    fn from(lease: &'a Lease) -> Self {
        Self { id: &lease.id, principal: &lease.principal, seconds: lease.expires_in, scope: &lease.scope }
    }
}

/// What it is, and who must push.
pub fn text(lease: &Lease, page: &Page) -> String {
    let seconds = i64::try_from(lease.expires_in).unwrap_or(i64::MAX);
    let length = format!("{:#}", jiff::SignedDuration::from_secs(seconds));
    let headline = page.good(&format!("Leased for {length} as {}.", quoted(&lease.id)));
    let fields = Fields::new().with("push as", quoted(&lease.principal)).with("for", shown(&lease.scope));
    format!("{headline}\n{}", fields.laid_out(page))
}
