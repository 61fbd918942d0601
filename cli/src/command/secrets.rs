//! `oam secrets`.

use oam_proto::v1::ListSecretsRequest;

use super::{Context, Ending};
use crate::{
    exit::Exit,
    output::secrets::{self, SecretJson},
};

/// Runs it.
///
/// # Errors
/// When the daemon cannot be asked, or says no.
pub async fn run(context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let list = admin.list_secrets(ListSecretsRequest {}).await?.into_inner().secrets;
    let json: Vec<_> = list.iter().map(SecretJson::from).collect();
    context.terminal.answer(&json, |page| secrets::text(&list, page))?;
    let is_well =
        |secret: &oam_proto::v1::Secret| matches!(secret.state.as_str(), "well" | "old" | "ends-soon");
    Ok(if list.iter().all(is_well) { Exit::Ok } else { Exit::No })
}
