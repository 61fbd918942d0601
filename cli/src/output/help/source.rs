//! What the long help of `oam source`, `oam signals` and `oam secrets` says.

use super::document;

/// What the words in `oam secrets` are.
const SECRET: &str = "kind: certificate, authority, key, secret, token; state: well, old, too-old, ends-soon, ends-now, ended, \
                      unusable; ends is null where there is no end, or nobody can tell";

/// `TRANSMITTER` in the texts below.
const TRANSMITTER: &str = "TRANSMITTER: {name, issuer, source, delivery, path, stream, flow, why, heard, verified, asked, \
                           trouble, blind, received, refused, tokens: [TOKEN]}; flow: unknown, enabled, paused, \
                           disabled";

/// `SOURCE` in the texts below.
const SOURCE: &str = "SOURCE: {name, kind, retired, seen, max_age_seconds, stale, lost, users, groups, gone, unusable, \
                      changes, path, mapping: {username, username_suffix, group}, feed: FEED, tokens: [TOKEN]}";

/// `FEED` in the texts below.
const FEED: &str = "FEED: {server, last_event, last_load, cookie, trouble, held, shared_names: [NAME], reconnects, reads_all, not_called, unread}";

/// `TOKEN` in the texts below.
const TOKEN: &str = "TOKEN: {id, created, created_by, expires, last_used, expired}";

/// `oam source list`.
pub fn sources() -> String {
    document("[SOURCE]", &[SOURCE, FEED, TOKEN])
}

/// `oam source status`.
pub fn source() -> String {
    format!("{}\n\nExit code 1 when the source is stale or lost.", document("SOURCE", &[SOURCE, FEED, TOKEN]))
}

/// `oam secrets`.
pub fn secrets() -> String {
    format!(
        "{}\n\nExit code 1 when one ends within `secrets.alarm_days`, has ended, is too old, or could not be used.",
        document("[{name, kind, path, since, ends, state, fault}]", &[SECRET])
    )
}

/// `oam signals list`.
pub fn signals() -> String {
    format!("{}\n\nExit code 1 when one of them is blind.", document("[TRANSMITTER]", &[TRANSMITTER, TOKEN]))
}

/// `oam signals status`.
pub fn signals_status() -> String {
    format!("{}\n\nExit code 1 when it is blind.", signals_remove())
}

/// `oam signals remove`.
pub fn signals_remove() -> String {
    document("TRANSMITTER", &[TRANSMITTER, TOKEN])
}

/// `oam signals setup`.
pub fn signals_setup() -> String {
    document("{transmitter: TRANSMITTER, token, advice}", &[TRANSMITTER, TOKEN])
}

/// `oam signals verify`.
pub fn signals_verify() -> String {
    format!(
        "{}\n\nExit code 1 when none came within ten seconds.",
        document("{transmitter: TRANSMITTER, verified}", &[TRANSMITTER, TOKEN])
    )
}

/// `oam source sync`.
pub fn source_sync() -> String {
    document("{source: SOURCE, advice}", &[SOURCE, FEED, TOKEN])
}

/// `oam source preview`.
pub fn source_preview() -> String {
    const USER: &str = "USER: {username, id, display_name, emails, active, already}";
    let shape = "{user: USER, group, users: [USER], groups: [{group, members}], problems}";
    format!("{}\n\nExit code 1 when there is a problem.", document(shape, &[USER]))
}

/// `oam source forget`.
pub fn source_forget() -> String {
    document("{source, forgotten}", &[])
}

/// `oam source token rotate`.
pub fn source_token_new() -> String {
    document("{token, info: TOKEN}", &[TOKEN])
}

/// `oam source token list`.
pub fn source_tokens() -> String {
    document("[TOKEN]", &[TOKEN])
}

/// `oam source token revoke`.
pub fn source_token() -> String {
    document("TOKEN", &[TOKEN])
}
