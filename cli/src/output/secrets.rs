//! Secrets and certificates: how old each is, and when it ends.

use oam_proto::v1::Secret;
use serde::Serialize;

use super::{Page, json, layout::Table, page::moment, shown};

/// A secret or certificate; never what stands in it.
#[derive(Debug, Serialize)]
pub struct SecretJson<'a> {
    name: &'a str,
    kind: &'a str,
    path: Option<&'a str>,
    since: Option<String>,
    ends: Option<String>,
    state: &'a str,
    fault: Option<&'a str>,
}

impl<'a> From<&'a Secret> for SecretJson<'a> {
    fn from(secret: &'a Secret) -> Self {
        Self {
            name: &secret.name,
            kind: &secret.kind,
            path: json::some(&secret.path),
            since: json::time(secret.since_micros),
            ends: json::time(secret.ends_micros),
            state: &secret.state,
            fault: json::some(&secret.fault),
        }
    }
}

/// All of them, one a line, and what is wrong with some.
pub fn text(secrets: &[Secret], page: &Page) -> String {
    let mut table = Table::new(["secret", "kind", "since", "ends", "state"]);
    for secret in secrets {
        let since = moment(secret.since_micros).map_or_else(|| "unknown".to_owned(), |at| page.age(at));
        let ends = if secret.ends_micros == 0 { "never".to_owned() } else { page.time(secret.ends_micros) };
        table.push([shown(&secret.name), shown(&secret.kind), since, ends, shown(&secret.state)]);
    }
    let faulty = secrets.iter().filter(|secret| !secret.fault.is_empty());
    let faults: String = faulty
        .map(|secret| {
            let said = format!("{}: {}: {}", shown(&secret.name), shown(&secret.path), shown(&secret.fault));
            format!("{}\n", page.bad(&said))
        })
        .collect();
    table.laid_out(page) + &faults
}
