//! The readers of directory files: JSON or TOML in, a [`Directory`] out, or every fault of the file at once.
//!
//! ```json
//! {
//!   "version": 1,
//!   "users": [{"username": "alice", "id": "00u1", "name": "Alice A.", "emails": [], "active": true,
//!              "groups": ["okta:eng"]}],
//!   "groups": [{"name": "okta:eng", "members": ["alice"]}]
//! }
//! ```
//!
//! Of a user only `username` is needed; `active` is true unless it is given, and `ssh_keys` and `openpgp_keys` hold public keys
//! as `ssh-keygen` and `gpg --armor --export` write them. `groups` may be left out. Membership may
//! be given at the user, at the group or at both, and is united. TOML is the same, with `[[users]]` and `[[groups]]`.
//!
//! A file of 80 MB is read in a few seconds, in memory that grows with its length.

mod builder;
mod json;
mod write;

pub use write::to_json;

use super::Directory;
use crate::{
    fault::{Collector, Faults, Source},
    file::{
        check_version, read_toml,
        reader::{Notation, Report, TableReader},
        tree::{Node, Spanned},
    },
};
use builder::Builder;

/// Reads a directory file written in JSON.
///
/// # Errors
/// Everything that is wrong with it, each with its place: at most a thousand faults, and how many there are. Of a text
/// that is not well-formed, the first place that is not.
pub fn parse_json(name: &str, text: &str) -> Result<Directory, Faults> {
    let mut faults = Collector::new();
    let source = Source::new(name, text);
    let mut report = Report::new(Notation::Json, &source, &mut faults);
    let document = json::read_document(&mut report);
    let directory = document.map(|document| build(document, json::node, &mut report));
    faults.finish(directory)
}

/// Reads a directory file written in TOML.
///
/// # Errors
/// As [`parse_json`]; of a text that is not well-formed, every place that is not, if it is short.
pub fn parse_toml(name: &str, text: &str) -> Result<Directory, Faults> {
    let mut faults = Collector::new();
    let source = Source::new(name, text);
    let mut report = Report::new(Notation::Toml, &source, &mut faults);
    let mut top = TableReader::new(FILE, 0..0, read_toml(&mut report));
    let mut elements = |key| {
        let node = top.take(key)?;
        let Node::List(elements) = node.value else {
            not_a_list(key, &node, &mut report);
            return Some(Vec::new());
        };
        Some(elements)
    };
    let (users, groups) = (elements("users"), elements("groups"));
    let directory = build(Document { top, users, groups }, |node, _| node, &mut report);
    faults.finish(Some(directory))
}

/// A well-formed file, of which only the outermost layer was looked at.
struct Document<'a, E> {
    /// All but the users and groups.
    top: TableReader<'a>,
    users: Option<Vec<E>>,
    groups: Option<Vec<E>>,
}

const FILE: &str = "a directory file";
const KEYS: [&str; 3] = ["version", "users", "groups"];

/// Reads what JSON and TOML have in common. Elements become nodes one by one, since a file has many.
fn build<'a, E>(
    mut document: Document<'a, E>,
    node: impl Fn(E, &mut Report<'_, 'a>) -> Spanned<Node<'a>>,
    report: &mut Report<'_, 'a>,
) -> Directory {
    check_version(FILE, &mut document.top, report);
    if document.users.is_none() && !report.is_broken() {
        report
            .whole_file("a directory file has no `users`", "add it, an empty list if there are none".into());
    }
    document.top.finish(&KEYS, report);
    let mut builder = Builder::default();
    for user in document.users.into_iter().flatten() {
        let user = node(user, report);
        builder.user(user, report);
    }
    for group in document.groups.into_iter().flatten() {
        let group = node(group, report);
        builder.group(group, report);
    }
    builder.finish()
}

fn not_a_list(key: &str, node: &Spanned<Node<'_>>, report: &mut Report<'_, '_>) {
    report.add(node.span.clone(), format!("`{key}` is a list, not {}", report.kind(&node.value)), None);
}

#[cfg(test)]
mod tests;
