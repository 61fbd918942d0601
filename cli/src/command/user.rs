//! `oam user …`.

use clap::{Args, Subcommand};
use oam_policy::Username;
use oam_proto::v1::{DeactivateUserRequest, GetUserRequest, ReactivateUserRequest};

use super::{Context, Ending, reason};
use crate::{
    exit::Exit,
    output::{
        help,
        user::{self, ChangedJson, UserJson},
    },
};

/// `oam user …`.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Show a user: groups, roles, and whether they are cut off
    #[command(after_long_help = help::user())]
    Show {
        /// The username, as Bitbucket knows it
        name: Username,
    },
    /// Cut a user off; answered once it is stored, recorded and in force
    #[command(alias = "revoke", after_long_help = help::user_changed())]
    Deactivate(Deactivate),
    /// Lift a cut by command; whoever the directory deactivated stays so
    #[command(after_long_help = help::user_changed())]
    Reactivate {
        /// The username, as Bitbucket knows it
        name: Username,
        /// Why, for the audit log
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

/// `oam user deactivate`.
#[derive(Debug, Args)]
pub struct Deactivate {
    /// The username, as Bitbucket knows it
    name: Username,
    /// Why, for the audit log
    #[arg(long, value_parser = reason)]
    reason: String,
    /// Also when the directory does not know the name
    #[arg(long)]
    even_if_unknown: bool,
}

/// Runs one of them.
///
/// # Errors
/// When the daemon cannot be asked, or says no.
pub async fn run(command: User, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    match command {
        User::Show { name } => {
            let request = GetUserRequest { username: name.as_str().into() };
            let found = admin.get_user(request).await?.into_inner();
            context.terminal.answer(&UserJson::from(&found), |page| user::text(&found, page))?;
        }
        User::Deactivate(Deactivate { name, reason, even_if_unknown }) => {
            let username = name.as_str().to_owned();
            let request = DeactivateUserRequest { username, reason, even_if_unknown };
            let changed = admin.deactivate_user(request).await?.into_inner();
            let text = |page: &_| user::deactivated_text(&changed, name.as_str(), page);
            context.terminal.answer(&ChangedJson::from(&changed), text)?;
        }
        User::Reactivate { name, reason } => {
            let request = ReactivateUserRequest { username: name.as_str().into(), reason };
            let changed = admin.reactivate_user(request).await?.into_inner();
            let text = |page: &_| user::reactivated_text(&changed, name.as_str(), page);
            context.terminal.answer(&ChangedJson::from(&changed), text)?;
        }
    }
    Ok(Exit::Ok)
}
