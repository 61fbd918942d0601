use std::sync::Arc;

use jiff::Timestamp;
use tonic::{Request, Status};

use super::{Live, Peer};
use crate::access::{Caller, Held};

/// Who calls: by the token that they show, or else by what the kernel says of the socket's other end.
pub(super) async fn of<T>(request: &Request<T>, live: &Arc<Live>) -> Result<Caller, Status> {
    let Some(header) = request.metadata().get("authorization") else {
        return match Peer::of(request)? {
            Peer::Unix { uid, gid, .. } => Ok(Caller::Host { uid, gid }),
            Peer::Tls { .. } => Err(no_token()),
        };
    };
    // To the letter (RFC 6750), and only one.
    let token =
        header.to_str().ok().and_then(|header| header.strip_prefix("Bearer ")).ok_or_else(no_token)?;
    if request.metadata().get_all("authorization").iter().count() != 1 {
        return Err(no_token());
    }
    let verified = live.issuers.verify(token).await;
    live.metrics.token(verified.as_ref().err());
    match verified {
        Ok(token) => {
            for (code, remark) in token.remarks() {
                tracing::warn!(
                    issuer = token.issuer(),
                    subject = token.subject(),
                    "of an administrator's token: {remark}"
                );
                live.metrics.token_remark(code);
            }
            Ok(Caller::Person(Box::new(token)))
        }
        Err(error) if error.is_undecided() => {
            Err(Status::unavailable(format!("nobody can tell whether your token is good: {error}")))
        }
        Err(error) => {
            tracing::info!(code = error.code(), "a token was not accepted: {error}");
            Err(Status::unauthenticated(format!("your token is not accepted: {error}")))
        }
    }
}

/// What they hold by what is in force now: of the sources, those count that know them.
pub(super) fn held(caller: &Caller, live: &Live) -> Held {
    let (state, ids) = match caller.username() {
        Some(username) => (live.state_for(username), live.sources.ids_of(&username.key())),
        None => (live.state(), Vec::new()),
    };
    caller.held(&live.config, &state, &ids, Timestamp::now())
}

fn no_token() -> Status {
    Status::unauthenticated("no token was shown: `oam login` gets one")
}
