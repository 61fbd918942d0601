//! Signing in and out, and who somebody is.

use oam_proto::v1::Me;
use serde::Serialize;

use super::{
    Page, json,
    layout::{Fields, names},
    quoted, shown, shown_line,
};
use crate::signin::device::Code;

/// Who the daemon takes somebody for.
#[derive(Debug, Serialize)]
pub struct MeJson<'a> {
    actor: &'a str,
    issuer: Option<&'a str>,
    subject: Option<&'a str>,
    username: Option<&'a str>,
    roles: &'a [String],
    bar: Option<&'a str>,
    doubts: &'a [String],
    expires: Option<String>,
    warnings: &'a [String],
}

impl<'a> From<&'a Me> for MeJson<'a> {
    fn from(me: &'a Me) -> Self {
        Self {
            actor: &me.actor,
            issuer: json::some(&me.issuer),
            subject: json::some(&me.subject),
            username: json::some(&me.username),
            roles: &me.roles,
            bar: json::some(&me.bar),
            doubts: &me.doubts,
            expires: (me.expires_micros != 0).then(|| json::time(me.expires_micros)).flatten(),
            warnings: &me.warnings,
        }
    }
}

/// What came of signing out.
#[derive(Debug, Serialize)]
pub struct LogoutJson {
    /// Whether there was a session.
    pub was_signed_in: bool,
    /// Whether the provider took its tokens back.
    pub taken_back: bool,
}

/// What somebody must do to sign in with a code.
pub fn device(code: &Code, page: &Page) -> String {
    let mut text = format!(
        "Open {} and type in {}\n",
        shown(&code.verification_uri),
        page.bold(&shown(&code.user_code))
    );
    if let Some(whole) = &code.verification_uri_complete {
        text.push_str(&format!("or open {}\n", shown(whole)));
    }
    text + "Type in no code that somebody else gave you. Waiting…\n"
}

/// What somebody must do to sign in with a browser.
pub fn browser(url: &str) -> String {
    format!(
        "Sign in with the browser. Where none opens, open this address on this machine:\n{}\n",
        shown(url)
    )
}

/// Who signed in.
pub fn signed_in(me: &Me, page: &Page) -> String {
    format!("{}\n{}", page.good("Signed in."), self::me(me, page))
}

/// What came of signing out.
pub fn signed_out(was_signed_in: bool, taken_back: bool, page: &Page) -> String {
    let text = match (was_signed_in, taken_back) {
        (true, true) => "Signed out, here and at the identity provider.",
        (true, false) => {
            "Signed out here. What was kept is removed; the identity provider could not be told."
        }
        (false, _) => "You were not signed in.",
    };
    format!("{}\n", page.good(text))
}

/// Who the daemon takes somebody for.
pub fn me(me: &Me, page: &Page) -> String {
    let roles =
        if me.roles.is_empty() { "none: only what is about yourself".to_owned() } else { names(&me.roles) };
    let mut fields = Fields::new().with("recorded as", quoted(&me.actor));
    if !me.issuer.is_empty() {
        fields = fields
            .with("provider", shown(&me.issuer))
            .with("username", if me.username.is_empty() { "none".to_owned() } else { shown(&me.username) })
            .with("token until", page.time(me.expires_micros));
    }
    let mut text = fields.with("roles", roles).laid_out(page);
    if !me.bar.is_empty() {
        text.push_str(&format!(
            "{}\n",
            page.bad(&format!("You may not administer: {}.", shown_line(&me.bar)))
        ));
    }
    for line in me.doubts.iter().chain(&me.warnings) {
        text.push_str(&format!("{}\n", page.warn(&shown_line(line))));
    }
    text
}
