//! `oam status`.

use oam_proto::v1::GetStatusRequest;

use super::{Context, Ending};
use crate::{
    exit::Exit,
    output::status::{self, StatusJson},
};

/// Prints how the daemon is.
///
/// # Errors
/// When it cannot be asked.
pub async fn run(context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let answer = admin.get_status(GetStatusRequest {}).await?.into_inner();
    context.terminal.answer(&StatusJson::from(&answer), |page| status::text(&answer, page))?;
    Ok(match answer.ready {
        true if answer.alarms.is_empty() => Exit::Ok,
        true => Exit::No,
        false => Exit::Undecided,
    })
}
