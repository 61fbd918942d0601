//! One user, all users, and cutting off.

use oam_proto::v1::{Revocation, User, UserChanged};
use serde::Serialize;

use super::{
    Page, json,
    layout::{Fields, names},
    quoted, shown,
    snapshot::{SnapshotJson, named},
};

/// A user.
#[derive(Debug, Serialize)]
pub struct UserJson<'a> {
    username: &'a str,
    id: Option<&'a str>,
    display_name: Option<&'a str>,
    emails: &'a [String],
    active: bool,
    active_at_source: bool,
    groups: &'a [String],
    roles: &'a [String],
    revocation: Option<RevocationJson<'a>>,
    in_directory: bool,
}

#[derive(Debug, Serialize)]
struct RevocationJson<'a> {
    at: Option<String>,
    by: &'a str,
    reason: Option<&'a str>,
}

impl<'a> From<&'a User> for UserJson<'a> {
    fn from(user: &'a User) -> Self {
        let revocation = |revocation: &'a Revocation| RevocationJson {
            at: json::time(revocation.at_micros),
            by: &revocation.by,
            reason: json::some(&revocation.reason),
        };
        Self {
            username: &user.username,
            id: json::some(&user.id),
            display_name: json::some(&user.display_name),
            emails: &user.emails,
            active: user.active,
            active_at_source: user.active_at_source,
            groups: &user.groups,
            roles: &user.roles,
            revocation: user.revocation.as_ref().map(revocation),
            in_directory: user.in_directory,
        }
    }
}

/// A user with all that is known.
pub fn text(user: &User, page: &Page) -> String {
    let heading = format!("{}: {}\n", page.bold(&shown(&user.username)), state(user, page));
    heading + &fields(user, page).laid_out(page)
}

fn fields(user: &User, page: &Page) -> Fields {
    let source = match (user.in_directory, user.active_at_source) {
        (false, _) => "does not know the name",
        (true, true) => "active",
        (true, false) => "deactivated",
    };
    let known = |list: &[String]| if list.is_empty() { "none".to_owned() } else { names(list) };
    let mut fields = Fields::new()
        .with("name", shown(&user.display_name))
        .with("id", shown(&user.id))
        .with("e-mail", if user.emails.is_empty() { String::new() } else { names(&user.emails) })
        .with("directory", source)
        .with("groups", known(&user.groups))
        .with("roles", known(&user.roles));
    if let Some(revocation) = &user.revocation {
        let by = format!("{} by {}", page.time(revocation.at_micros), quoted(&revocation.by));
        fields = fields.with("cut off", by).with("reason", shown(&revocation.reason));
    }
    fields
}

fn state(user: &User, page: &Page) -> String {
    match (&user.revocation, user.active, user.in_directory) {
        (Some(_), _, _) => page.bad("cut off by command"),
        (None, _, false) => page.warn("not in the directory"),
        (None, true, true) => page.good("active"),
        (None, false, true) => page.bad("deactivated"),
    }
}

/// A user on one line of a list.
pub fn line(user: &User, page: &Page) -> String {
    let state = match (&user.revocation, user.active) {
        (Some(_), _) => page.bad("cut off    "),
        (None, true) => page.good("active     "),
        (None, false) => page.bad("deactivated"),
    };
    let groups = if user.groups.is_empty() { String::new() } else { names(&user.groups) };
    let line = format!("{state}  {:24}  {groups}", shown(&user.username));
    format!("{}\n", line.trim_end())
}

/// What came of cutting somebody off, or the opposite.
#[derive(Debug, Serialize)]
pub struct ChangedJson<'a> {
    changed: bool,
    user: Option<UserJson<'a>>,
    snapshot: Option<SnapshotJson<'a>>,
}

impl<'a> From<&'a UserChanged> for ChangedJson<'a> {
    fn from(changed: &'a UserChanged) -> Self {
        Self {
            changed: changed.changed,
            user: changed.user.as_ref().map(Into::into),
            snapshot: changed.snapshot.as_ref().map(Into::into),
        }
    }
}

/// What came of cutting `name` off.
pub fn deactivated_text(changed: &UserChanged, name: &str, page: &Page) -> String {
    let name = quoted(name);
    changed_text(
        changed,
        page,
        &format!("{name} is cut off: stored, recorded and in force."),
        &format!("{name} was cut off already; nothing has changed."),
    )
}

/// What came of lifting the cut of `name`. Whoever is deactivated at the source stays without access, which is said.
pub fn reactivated_text(changed: &UserChanged, name: &str, page: &Page) -> String {
    let name = quoted(name);
    let mut text = changed_text(
        changed,
        page,
        &format!("{name} is no longer cut off by command."),
        &format!("{name} was not cut off by command; nothing has changed."),
    );
    if changed.user.as_ref().is_some_and(|user| !user.active) {
        let still = "They still have no access: the directory does not know them as active.";
        text.push_str(&format!("{}\n", page.warn(still)));
    }
    text
}

fn changed_text(changed: &UserChanged, page: &Page, done: &str, was_so: &str) -> String {
    let mut text = if changed.changed { page.good(done) } else { was_so.to_owned() };
    text.push('\n');
    if let Some(user) = &changed.user {
        text.push_str(&fields(user, page).laid_out(page));
    }
    if let Some(info) = &changed.snapshot {
        text.push_str(&format!("The directory is at {}.\n", named(info)));
    }
    text
}
