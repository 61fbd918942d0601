//! `oam source …`.

use std::{io::Read as _, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use oam_policy::Username;
use oam_proto::v1::{
    ForgetInSourceRequest, GetSourceRequest, ListSourcesRequest, PreviewSourceRequest,
    RevokeSourceTokenRequest, RotateSourceTokenRequest, SyncSourceRequest,
};

use super::{Context, Ending, reason};
use crate::{
    exit::Exit,
    failure::Failure,
    output::{
        help,
        source::{self, PreviewJson, SourceJson, SyncJson, TokenJson},
    },
};

/// `oam source …`.
#[derive(Debug, Subcommand)]
pub enum Source {
    /// List the sources of the directory, and how fresh they are
    #[command(after_long_help = help::sources())]
    List,
    /// Show one source: how fresh it is, what it holds, its mapping and its tokens
    #[command(after_long_help = help::source())]
    Status {
        /// The source, as in `[source.NAME]`
        name: String,
    },
    /// Have a source read again, or tell how it is made to say everything again, or that it did
    #[command(after_long_help = help::source_sync())]
    Sync(Sync),
    /// Show what a user or a group of a source would be here; changes nothing
    #[command(after_long_help = help::source_preview())]
    Preview {
        /// The source, as in `[source.NAME]`
        name: String,
        /// One user or group as JSON: as SCIM has it, or a user of a directory file; `-` is standard input. Left out for
        /// `ldap`, `okta` and `entra`: they are asked
        file: Option<PathBuf>,
        /// For `ldap`: which of the objects on the server, as in `(uid=alice)`; for `okta` and `entra`: somebody's name there or id.
        /// Without it some of them
        #[arg(long, conflicts_with = "file")]
        filter: Option<String>,
    },
    /// Forget that a name was known once; whoever is called so next starts anew
    #[command(after_long_help = help::source_forget())]
    Forget {
        /// The source, as in `[source.NAME]`
        name: String,
        /// The username
        user: Username,
        /// Why, for the audit log
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// The tokens with which a source proves who it is
    #[command(subcommand)]
    Token(Token),
}

/// `oam source sync`.
#[derive(Debug, Args)]
pub struct Sync {
    /// The source, as in `[source.NAME]`
    name: String,
    /// It told everything again after what it said was lost
    #[arg(long, requires = "reason")]
    complete: bool,
    /// For sources that are asked: it is so that many lose everything, or are let in, by what is there now
    #[arg(long, requires = "reason", conflicts_with = "complete")]
    accept_loss: bool,
    /// Why, for the audit log
    #[arg(long, value_parser = reason)]
    reason: Option<String>,
}

/// `oam source token …`.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make another token beside the one in use; it is shown once
    #[command(after_long_help = help::source_token_new())]
    Rotate {
        /// The source, as in `[source.NAME]`
        name: String,
        /// How long it is to live, as in `90d`; a year without it
        #[arg(long, value_parser = lifetime)]
        lifetime: Option<Duration>,
    },
    /// List the tokens, and when they were last used
    #[command(after_long_help = help::source_tokens())]
    List {
        /// The source, as in `[source.NAME]`
        name: String,
    },
    /// Make a token worthless, at once
    #[command(after_long_help = help::source_token())]
    Revoke {
        /// The source, as in `[source.NAME]`
        name: String,
        /// The token's id, as `oam source token list` shows it
        id: String,
    },
}

/// Runs one of them.
///
/// # Errors
/// When the daemon cannot be asked, or says no.
pub async fn run(command: Source, context: &mut Context) -> Ending {
    match command {
        Source::List => list(context).await,
        Source::Status { name } => status(name, context).await,
        Source::Sync(sync) => self::sync(sync, context).await,
        Source::Preview { name, file, filter } => preview(name, file, filter, context).await,
        Source::Forget { name, user, reason } => {
            let username = user.as_str().to_owned();
            let mut admin = context.address.connect().await?;
            let request = ForgetInSourceRequest { name: name.clone(), username: username.clone(), reason };
            admin.forget_in_source(request).await?;
            context.terminal.answer(&source::forgotten_json(&name, &username), |_| {
                source::forgotten_text(&name, &username)
            })?;
            Ok(Exit::Ok)
        }
        Source::Token(token) => self::token(token, context).await,
    }
}

async fn list(context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let list = admin.list_sources(ListSourcesRequest {}).await?.into_inner();
    let json: Vec<_> = list.sources.iter().map(SourceJson::from).collect();
    context.terminal.answer(&json, |page| source::list_text(&list.sources, page))?;
    Ok(Exit::Ok)
}

async fn status(name: String, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let found = admin.get_source(GetSourceRequest { name }).await?.into_inner();
    context.terminal.answer(&SourceJson::from(&found), |page| source::text(&found, page))?;
    Ok(if found.stale || found.lost { Exit::No } else { Exit::Ok })
}

async fn sync(command: Sync, context: &mut Context) -> Ending {
    let Sync { name, complete, accept_loss, reason } = command;
    let mut admin = context.address.connect().await?;
    let request = SyncSourceRequest { name, complete, reason: reason.unwrap_or_default(), accept_loss };
    let done = admin.sync_source(request).await?.into_inner();
    context.terminal.answer(&SyncJson::from(&done), |page| source::sync_text(&done, page))?;
    Ok(Exit::Ok)
}

async fn preview(
    name: String,
    file: Option<PathBuf>,
    filter: Option<String>,
    context: &mut Context,
) -> Ending {
    let mut json = Vec::new();
    if let Some(file) = file {
        let read = if file.as_os_str() == "-" {
            std::io::stdin().read_to_end(&mut json).map(|_| ())
        } else {
            std::fs::read(&file).map(|bytes| json = bytes)
        };
        read.map_err(|error| Failure::read(&file, error))?;
    }
    let filter = filter.unwrap_or_default();
    let mut admin = context.address.connect().await?;
    let preview = admin.preview_source(PreviewSourceRequest { name, json, filter }).await?.into_inner();
    context.terminal.answer(&PreviewJson::from(&preview), |page| source::preview_text(&preview, page))?;
    Ok(if preview.problems.is_empty() { Exit::Ok } else { Exit::No })
}

async fn token(command: Token, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    match command {
        Token::Rotate { name, lifetime } => {
            let lifetime = lifetime.unwrap_or_default().as_millis();
            let lifetime_millis = u64::try_from(lifetime).unwrap_or(u64::MAX);
            let request = RotateSourceTokenRequest { name: name.clone(), lifetime_millis };
            let made = admin.rotate_source_token(request).await?.into_inner();
            context
                .terminal
                .answer(&source::made_json(&made), |page| source::made_text(&name, &made, page))?;
        }
        Token::List { name } => {
            let found = admin.get_source(GetSourceRequest { name }).await?.into_inner();
            let json: Vec<_> = found.tokens.iter().map(TokenJson::from).collect();
            context.terminal.answer(&json, |page| source::tokens_text(&found.tokens, page))?;
        }
        Token::Revoke { name, id } => {
            let request = RevokeSourceTokenRequest { name: name.clone(), id };
            let revoked = admin.revoke_source_token(request).await?.into_inner().info.unwrap_or_default();
            context.terminal.answer(&TokenJson::from(&revoked), |_| source::revoked_text(&name, &revoked))?;
        }
    }
    Ok(Exit::Ok)
}

/// A duration as people write it: `90d`, `12h`.
fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration such as `90d` or `12h`");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let duration = span.to_duration(days).map_err(|_| wrong())?;
    Duration::try_from(duration).ok().filter(|duration| !duration.is_zero()).ok_or_else(wrong)
}
