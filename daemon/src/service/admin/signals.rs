use jiff::Timestamp;
use oam_policy::printable::Printable;
use oam_proto::v1;
use tonic::Status;

use super::{convert, source::token_info, unavailable};
use crate::{
    service::Live,
    signals::{Receiver, Report, SetUpError},
    source::TokenError,
};

pub(super) fn list(live: &Live) -> v1::ListSignalsResponse {
    v1::ListSignalsResponse { transmitters: live.signals.all().iter().map(|one| told(one)).collect() }
}

pub(super) async fn set_up(live: &Live, actor: &str, name: &str) -> Result<v1::SetUpSignalsResponse, Status> {
    let receiver = find(live, name)?;
    let done = receiver.set_up(live, actor).await.map_err(|error| status(&error))?;
    Ok(v1::SetUpSignalsResponse {
        token: done.token.map(|token| token.reveal().to_owned()).unwrap_or_default(),
        advice: done.advice,
        transmitter: Some(told(receiver)),
    })
}

pub(super) async fn verify(live: &Live, name: &str) -> Result<v1::VerifySignalsResponse, Status> {
    let receiver = find(live, name)?;
    let verified = receiver.verify().await.map_err(|error| status(&error))?;
    Ok(v1::VerifySignalsResponse { transmitter: Some(told(receiver)), verified })
}

pub(super) async fn remove(
    live: &Live,
    actor: &str,
    name: &str,
) -> Result<v1::RemoveSignalsResponse, Status> {
    let receiver = find(live, name)?;
    receiver.remove(live, actor).await.map_err(|error| status(&error))?;
    Ok(v1::RemoveSignalsResponse { transmitter: Some(told(receiver)) })
}

fn find<'a>(live: &'a Live, name: &str) -> Result<&'a Receiver, Status> {
    live.signals.get(name).map(AsRef::as_ref).ok_or_else(|| {
        let name = Printable::new(name);
        Status::not_found(format!(
            "there is no transmitter `{name}`; `oam signals list` shows those that are configured"
        ))
    })
}

fn told(receiver: &Receiver) -> v1::Transmitter {
    let Report {
        name,
        issuer,
        source,
        delivery,
        stream,
        flow,
        why,
        heard,
        verified,
        asked,
        trouble,
        blind,
        received,
        refused,
        tokens,
    } = receiver.report(Timestamp::now());
    let micros = |at: Option<Timestamp>| at.map(convert::micros).unwrap_or_default();
    v1::Transmitter {
        path: if delivery == "push" { format!("/signals/{name}") } else { String::new() },
        name,
        issuer,
        source,
        delivery: delivery.to_owned(),
        stream: stream.unwrap_or_default(),
        flow: flow.as_str().to_owned(),
        why: why.unwrap_or_default(),
        heard_micros: micros(heard),
        verified_micros: micros(verified),
        asked_micros: micros(asked),
        trouble: trouble.unwrap_or_default(),
        blind: blind.unwrap_or_default(),
        received,
        refused,
        tokens: tokens.iter().map(token_info).collect(),
    }
}

fn status(error: &SetUpError) -> Status {
    match error {
        SetUpError::NoAddress(_) | SetUpError::ByHand(_) | SetUpError::NoStream(_) => {
            Status::failed_precondition(error.to_string())
        }
        SetUpError::Token(TokenError::TooMany(..) | TokenError::Unknown(_)) => {
            Status::failed_precondition(error.to_string())
        }
        SetUpError::Transmitter { .. } | SetUpError::Token(_) | SetUpError::Store(_) => unavailable(error),
    }
}
