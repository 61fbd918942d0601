use jiff::Timestamp;
use oam_proto::v1;

use super::convert;
use crate::{secrets, service::Live};

pub(super) fn list(live: &Live) -> v1::ListSecretsResponse {
    let now = Timestamp::now();
    let micros = |at: Option<Timestamp>| at.map(convert::micros).unwrap_or_default();
    let told = |held: secrets::Held| v1::Secret {
        state: held.state(&live.config.secrets, now).as_str().to_owned(),
        kind: held.kind.as_str().to_owned(),
        path: held.path.map(|path| path.display().to_string()).unwrap_or_default(),
        since_micros: micros(held.since),
        ends_micros: micros(held.ends),
        fault: held.fault.unwrap_or_default(),
        name: held.name,
    };
    v1::ListSecretsResponse { secrets: secrets::list(live).into_iter().map(told).collect() }
}
