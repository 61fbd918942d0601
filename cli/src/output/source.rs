//! Where the directory comes from.

use oam_proto::v1::{
    Feed, PreviewSourceResponse, PreviewedUser, RotateSourceTokenResponse, Source, SourceToken,
    SyncSourceResponse,
};
use serde::Serialize;

use super::{
    Page, json,
    layout::{Fields, Table, counts, names as names_of},
    page::{counted, moment},
    quoted, shown,
};

/// A source.
#[derive(Debug, Serialize)]
pub struct SourceJson<'a> {
    name: &'a str,
    kind: &'a str,
    retired: bool,
    seen: Option<String>,
    max_age_seconds: Option<u64>,
    stale: bool,
    lost: bool,
    users: u64,
    groups: u64,
    gone: u64,
    unusable: u64,
    changes: u64,
    path: Option<&'a str>,
    mapping: Option<MappingJson<'a>>,
    feed: Option<FeedJson<'a>>,
    tokens: Vec<TokenJson<'a>>,
}

#[derive(Debug, Serialize)]
struct FeedJson<'a> {
    server: Option<&'a str>,
    last_event: Option<String>,
    last_load: Option<String>,
    cookie: Option<String>,
    trouble: Option<&'a str>,
    held: Option<&'a str>,
    shared_names: &'a [String],
    reconnects: u64,
    reads_all: Option<&'a str>,
    not_called: Option<&'a str>,
    unread: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct MappingJson<'a> {
    username: &'a str,
    username_suffix: Option<&'a str>,
    group: &'a str,
}

/// What is known of a token.
#[derive(Debug, Serialize)]
pub struct TokenJson<'a> {
    id: &'a str,
    created: Option<String>,
    created_by: &'a str,
    expires: Option<String>,
    last_used: Option<String>,
    expired: bool,
}

/// What came of `oam source sync`.
#[derive(Debug, Serialize)]
pub struct SyncJson<'a> {
    source: Option<SourceJson<'a>>,
    advice: Option<&'a str>,
}

/// What a user or a group would be.
#[derive(Debug, Serialize)]
pub struct PreviewJson<'a> {
    user: Option<PreviewedJson<'a>>,
    group: Option<&'a str>,
    users: Vec<PreviewedJson<'a>>,
    groups: Vec<PreviewedGroupJson<'a>>,
    problems: &'a [String],
}

#[derive(Debug, Serialize)]
struct PreviewedGroupJson<'a> {
    group: &'a str,
    members: u64,
}

#[derive(Debug, Serialize)]
struct PreviewedJson<'a> {
    username: &'a str,
    id: Option<&'a str>,
    display_name: Option<&'a str>,
    emails: &'a [String],
    active: bool,
    already: Option<&'a str>,
}

impl<'a> From<&'a Source> for SourceJson<'a> {
    fn from(source: &'a Source) -> Self {
        let mapping = MappingJson {
            username: &source.username,
            username_suffix: json::some(&source.username_suffix),
            group: &source.group,
        };
        Self {
            name: &source.name,
            kind: &source.kind,
            retired: source.retired,
            seen: json::time(source.seen_micros),
            max_age_seconds: (source.max_age_millis > 0).then_some(source.max_age_millis / 1000),
            stale: source.stale,
            lost: source.lost,
            users: source.users,
            groups: source.groups,
            gone: source.gone,
            unusable: source.unusable,
            changes: source.changes,
            path: json::some(&source.path),
            mapping: Some(mapping).filter(|_| !source.username.is_empty()),
            feed: source.feed.as_ref().map(FeedJson::from),
            tokens: source.tokens.iter().map(TokenJson::from).collect(),
        }
    }
}

impl<'a> From<&'a Feed> for FeedJson<'a> {
    fn from(feed: &'a Feed) -> Self {
        Self {
            server: json::some(&feed.server),
            last_event: json::time(feed.last_event_micros),
            last_load: json::time(feed.last_load_micros),
            cookie: json::time(feed.cookie_micros),
            trouble: json::some(&feed.trouble),
            held: json::some(&feed.held),
            shared_names: &feed.shared_names,
            reconnects: feed.reconnects,
            reads_all: json::some(&feed.reads_all),
            not_called: json::some(&feed.not_called),
            unread: json::some(&feed.unread),
        }
    }
}

impl<'a> From<&'a SourceToken> for TokenJson<'a> {
    fn from(token: &'a SourceToken) -> Self {
        Self {
            id: &token.id,
            created: json::time(token.created_micros),
            created_by: &token.created_by,
            expires: json::time(token.expires_micros),
            last_used: json::time(token.last_used_micros),
            expired: token.expired,
        }
    }
}

impl<'a> From<&'a SyncSourceResponse> for SyncJson<'a> {
    fn from(done: &'a SyncSourceResponse) -> Self {
        Self { source: done.source.as_ref().map(SourceJson::from), advice: json::some(&done.advice) }
    }
}

impl<'a> From<&'a PreviewSourceResponse> for PreviewJson<'a> {
    fn from(preview: &'a PreviewSourceResponse) -> Self {
        let user = |user: &'a PreviewedUser| PreviewedJson {
            username: &user.username,
            id: json::some(&user.id),
            display_name: json::some(&user.display_name),
            emails: &user.emails,
            active: user.active,
            already: json::some(&user.already),
        };
        Self {
            user: preview.user.as_ref().map(user),
            group: json::some(&preview.group),
            users: preview.users.iter().map(user).collect(),
            groups: preview
                .groups
                .iter()
                .map(|group| PreviewedGroupJson { group: &group.group, members: group.members })
                .collect(),
            problems: &preview.problems,
        }
    }
}

/// All sources, one a line.
pub fn list_text(sources: &[Source], page: &Page) -> String {
    let mut table = Table::new(["source", "kind", "state", "heard", "users", "groups"]);
    for source in sources {
        let heard = moment(source.seen_micros).map_or_else(|| "never".to_owned(), |seen| page.age(seen));
        let numbers = [source.users, source.groups].map(super::page::number);
        let [users, groups] = numbers;
        table.push([shown(&source.name), shown(&source.kind), word(source).to_owned(), heard, users, groups]);
    }
    table.laid_out(page)
}

/// One source with all that is known.
pub fn text(source: &Source, page: &Page) -> String {
    let heard = if source.seen_micros == 0 { "never".to_owned() } else { page.time(source.seen_micros) };
    let bound = match source.max_age_millis {
        0 => "any age".to_owned(),
        millis => format!("at most {} s", millis / 1000),
    };
    let held = counts(&[(source.users, "users"), (source.groups, "groups")], "");
    let mut fields = Fields::new()
        .with("kind", shown(&source.kind))
        .with("heard", heard)
        .with("may be", bound)
        .with("holds", held)
        .with("gone", if source.gone == 0 { String::new() } else { counted(source.gone, "name", "names") })
        .with("changes", format!("{} since the daemon started", super::page::number(source.changes)));
    if source.unusable > 0 {
        let users = counted(source.unusable, "user", "users");
        fields = fields.with("unusable", format!("{users} without a Bitbucket username, or who share one"));
    }
    if !source.path.is_empty() {
        let suffix = Some(&source.username_suffix).filter(|suffix| !suffix.is_empty());
        let suffix = suffix.map_or_else(String::new, |suffix| format!(" without {}", quoted(suffix)));
        fields = fields
            .with("address", format!("{} below that of `[scim]`", shown(&source.path)))
            .with("username", format!("{}{suffix}", shown(&source.username)))
            .with("group", shown(&source.group));
    }
    if let Some(feed) = &source.feed {
        fields = fed(feed, fields, page);
    }
    let heading = format!("{}: {}\n", page.bold(&shown(&source.name)), state(source, page));
    let tokens = match source.tokens.as_slice() {
        [] if source.path.is_empty() => String::new(),
        tokens => format!("\n{}", tokens_text(tokens, page)),
    };
    heading + &fields.laid_out(page) + &tokens
}

/// How it is followed.
fn fed(feed: &Feed, fields: Fields, page: &Page) -> Fields {
    let time = |micros: i64, never: &str| if micros == 0 { never.to_owned() } else { page.time(micros) };
    let names = match feed.shared_names.as_slice() {
        [] => String::new(),
        names => format!("several groups have these, and count for nobody: {}", names_of(names)),
    };
    fields
        .with("server", if feed.server.is_empty() { "none".to_owned() } else { shown(&feed.server) })
        .with("trouble", shown(&feed.trouble))
        .with("held back", shown(&feed.held))
        .with("last change", time(feed.last_event_micros, "none since the daemon started"))
        .with("last load", time(feed.last_load_micros, "none since the daemon started"))
        .with("goes on from", time(feed.cookie_micros, ""))
        .with("reads all", shown(&feed.reads_all))
        .with("not called", shown(&feed.not_called))
        .with("not read", shown(&feed.unread))
        .with("names", names)
        .with("failures", format!("{} since the daemon started", super::page::number(feed.reconnects)))
}

fn state(source: &Source, page: &Page) -> String {
    match word(source) {
        word @ ("lost" | "stale") => page.bad(word),
        word @ "fresh" => page.good(word),
        word => page.warn(word),
    }
}

fn word(source: &Source) -> &'static str {
    match (source.retired, source.lost, source.stale, source.seen_micros) {
        (true, ..) => "not configured",
        (_, true, ..) => "lost",
        (_, _, true, _) => "stale",
        (_, _, _, 0) => "silent",
        _ => "fresh",
    }
}

/// The tokens of a source.
pub fn tokens_text(tokens: &[SourceToken], page: &Page) -> String {
    if tokens.is_empty() {
        return "There is no token: make one with `oam source token rotate NAME`.\n".to_owned();
    }
    let mut table = Table::new(["token", "made", "by", "ends", "last used"]);
    for token in tokens {
        let used = moment(token.last_used_micros).map_or_else(|| "never".to_owned(), |used| page.age(used));
        let ends = page.time(token.expires_micros);
        let ends = if token.expired { format!("{ends}, ended") } else { ends };
        table.push([shown(&token.id), page.time(token.created_micros), shown(&token.created_by), ends, used]);
    }
    table.laid_out(page)
}

/// A new token, for the one time that it is shown.
#[derive(Debug, Serialize)]
pub struct MadeJson<'a> {
    token: &'a str,
    info: Option<TokenJson<'a>>,
}

/// A new token, for the one time that it is shown.
pub fn made_json(made: &RotateSourceTokenResponse) -> MadeJson<'_> {
    MadeJson { token: &made.token, info: made.info.as_ref().map(TokenJson::from) }
}

/// A new token, for the one time that it is shown.
pub fn made_text(name: &str, made: &RotateSourceTokenResponse, page: &Page) -> String {
    let info = made.info.clone().unwrap_or_default();
    format!(
        "{}\n\nThis is shown once: give it to the identity provider as its bearer token. It ends {}.\nWhen it is in use, \
         make the one before it worthless: `oam source token list {name}`, `oam source token revoke {name} ID`.\n",
        page.bold(&shown(&made.token)),
        page.time(info.expires_micros),
        name = shown(name)
    )
}

/// That a token is worthless.
pub fn revoked_text(name: &str, token: &SourceToken) -> String {
    format!("The token {} of the source {} is worth nothing any more.\n", quoted(&token.id), quoted(name))
}

/// What came of `oam source sync`.
pub fn sync_text(done: &SyncSourceResponse, page: &Page) -> String {
    let source = done.source.as_ref().map(|source| text(source, page)).unwrap_or_default();
    match done.advice.as_str() {
        "" => source,
        advice => format!("{source}\nTo do: {}.\n", shown(advice)),
    }
}

/// What a user or a group would be.
pub fn preview_text(preview: &PreviewSourceResponse, page: &Page) -> String {
    let mut fields = Fields::new();
    if let Some(user) = &preview.user {
        fields = fields
            .with("username", shown(&user.username))
            .with("name", shown(&user.display_name))
            .with("id", shown(&user.id))
            .with("e-mail", if user.emails.is_empty() { String::new() } else { names_of(&user.emails) })
            .with("active", if user.active { "yes" } else { "no" })
            .with("already", if user.already.is_empty() { String::new() } else { quoted(&user.already) });
    }
    if !preview.group.is_empty() {
        fields = fields.with("group", shown(&preview.group));
    }
    let problems: String = preview
        .problems
        .iter()
        .map(|problem| format!("{}\n", page.warn(&format!("problem: {}", shown(problem)))))
        .collect();
    let mut some = String::new();
    if !preview.users.is_empty() {
        let mut table = Table::new(["username", "active", "name", "e-mail", "id"]);
        for user in &preview.users {
            let active = if user.active { "yes" } else { "no" };
            let emails = if user.emails.is_empty() { String::new() } else { names_of(&user.emails) };
            table.push([
                shown(&user.username),
                active.to_owned(),
                shown(&user.display_name),
                emails,
                shown(&user.id),
            ]);
        }
        some += &table.laid_out(page);
    }
    if !preview.groups.is_empty() {
        let mut table = Table::new(["group", "names"]);
        for group in &preview.groups {
            table.push([shown(&group.group), super::page::number(group.members)]);
        }
        some = some + "\n" + &table.laid_out(page);
    }
    fields.laid_out(page) + &some + &problems
}

/// That a name is forgotten.
#[derive(Debug, Serialize)]
pub struct ForgottenJson<'a> {
    source: &'a str,
    forgotten: &'a str,
}

/// That a name is forgotten.
pub fn forgotten_json<'a>(source: &'a str, username: &'a str) -> ForgottenJson<'a> {
    ForgottenJson { source, forgotten: username }
}

/// That a name is forgotten.
pub fn forgotten_text(source: &str, username: &str) -> String {
    format!("The source {} does not remember {} any more.\n", quoted(source), quoted(username))
}
