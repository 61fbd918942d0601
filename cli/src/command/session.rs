//! `oam login`, `oam logout` and `oam whoami`.

use std::{env, process::Stdio};

use clap::Args;
use oam_fetch::Form;
use oam_proto::v1::{GetSignInRequest, SignInIssuer, WhoAmIRequest};
use tokio::process::Command;

use super::{Context, Ending};
use crate::{
    exit::Exit,
    output::session::{self, LogoutJson, MeJson},
    remote::Remote,
    signin::{Issuer, Session, Sessions, SignInError, browser, device, tokens::Tokens},
};

/// `oam login`.
#[derive(Debug, Args)]
pub struct Login {
    /// With a code that you type in on another machine
    #[arg(long, conflicts_with = "browser")]
    device: bool,
    /// With a browser on this machine
    #[arg(long)]
    browser: bool,
    /// Do not open the browser, only tell the address
    #[arg(long, conflicts_with = "device")]
    no_open: bool,
    /// The provider, by its name in the daemon's configuration, where there are several
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
}

/// Signs somebody in at the daemon.
///
/// # Errors
/// When nobody signs in, or the daemon does not take the token.
pub async fn login(command: Login, context: &mut Context) -> Ending {
    let daemon = remote(context)?.url.clone();
    let sessions = Sessions::of_caller()?;
    let mut identity = context.address.identity_without_token().await?;
    let offered = identity.get_sign_in(GetSignInRequest {}).await?.into_inner().issuers;
    let issuer = Issuer::find(choose(offered, command.issuer.as_deref())?).await?;
    let by_device = command.device || (!command.browser && prefers_device(&issuer));
    let tokens = if by_device {
        with_device(&issuer, context).await?
    } else {
        with_browser(&issuer, !command.no_open, context).await?
    };
    let made = Session::new(issuer.said, tokens);
    // Kept only when the daemon takes it.
    let mut identity = context.address.identity_with(made.token()).await?;
    let me = identity.who_am_i(WhoAmIRequest {}).await?.into_inner();
    sessions.write(&daemon, &made)?;
    context.terminal.answer(&MeJson::from(&me), |page| session::signed_in(&me, page))?;
    Ok(Exit::Ok)
}

/// Forgets the session at the daemon, and has the provider take the tokens back where it can.
///
/// # Errors
/// When the file of the session cannot be removed.
pub async fn logout(context: &mut Context) -> Ending {
    let daemon = remote(context)?.url.clone();
    let sessions = Sessions::of_caller()?;
    let taken_back = match sessions.read(&daemon) {
        Ok(session) => take_back(&session).await,
        // Whatever is wrong with the file, it is to go.
        Err(_) => false,
    };
    let was_signed_in = sessions.forget(&daemon)?;
    let answer = LogoutJson { was_signed_in, taken_back };
    context.terminal.answer(&answer, |page| session::signed_out(was_signed_in, taken_back, page))?;
    Ok(Exit::Ok)
}

/// Tells who the daemon takes the caller for.
///
/// # Errors
/// When it cannot be asked.
pub async fn whoami(context: &mut Context) -> Ending {
    let mut identity = context.address.identity().await?;
    let me = identity.who_am_i(WhoAmIRequest {}).await?.into_inner();
    context.terminal.answer(&MeJson::from(&me), |page| session::me(&me, page))?;
    Ok(Exit::Ok)
}

fn remote(context: &Context) -> Result<&Remote, SignInError> {
    context.address.remote.as_ref().ok_or_else(|| {
        SignInError::NoIssuer(
            "say where you sign in: `--daemon https://HOST:PORT` or OAM_DAEMON; over the socket nobody needs to".to_owned(),
        )
    })
}

fn choose(offered: Vec<SignInIssuer>, name: Option<&str>) -> Result<SignInIssuer, SignInError> {
    let names: Vec<_> = offered.iter().map(|issuer| format!("`{}`", issuer.name)).collect();
    let names = names.join(", ");
    let mut fitting = offered.into_iter().filter(|issuer| name.is_none_or(|name| issuer.name == name));
    match (fitting.next(), fitting.next(), name) {
        (Some(one), None, _) => Ok(one),
        (Some(_), Some(_), _) => {
            Err(SignInError::NoIssuer(format!("choose a provider with `--issuer`: {names}")))
        }
        (None, _, Some(_)) if !names.is_empty() => {
            Err(SignInError::NoIssuer(format!("the daemon has no such provider: it has {names}")))
        }
        (None, ..) => Err(SignInError::NoIssuer(
            "nobody can sign in here: no `issuer` of the daemon's configuration has a `client`".to_owned(),
        )),
    }
}

/// Where no browser can be expected.
fn prefers_device(issuer: &Issuer) -> bool {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_browser = is_set("BROWSER") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    issuer.provider.device_authorization_endpoint.is_some() && (is_set("SSH_CONNECTION") || !has_browser)
}

async fn with_device(issuer: &Issuer, context: &Context) -> Result<Tokens, SignInError> {
    let code = device::begin(issuer).await?;
    context.terminal.tell(&session::device(&code, &context.terminal.page()));
    device::wait(issuer, code).await
}

async fn with_browser(issuer: &Issuer, open: bool, context: &Context) -> Result<Tokens, SignInError> {
    let browser = browser::begin(issuer).await?;
    context.terminal.tell(&session::browser(&browser.url));
    // Whoever has none opens the address by hand.
    let _opened = open.then(|| opener(&browser.url));
    browser.wait(issuer).await
}

/// Opens a browser, and does not wait for it.
fn opener(url: &str) -> Option<tokio::process::Child> {
    let program =
        env::var_os("BROWSER").filter(|program| !program.is_empty()).unwrap_or_else(|| "xdg-open".into());
    Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

/// Whether the provider took the refresh token back (RFC 7009).
async fn take_back(session: &Session) -> bool {
    let Some(token) = session.refresh_token() else { return false };
    let Ok(issuer) = Issuer::find(session.issuer().clone()).await else { return false };
    let Some(endpoint) = &issuer.provider.revocation_endpoint else { return false };
    let form = Form::new()
        .with("token", token.reveal())
        .with("token_type_hint", "refresh_token")
        .with("client_id", &issuer.said.client);
    issuer.client.post(endpoint, &form).await.is_ok_and(|answer| answer.status.is_success())
}
