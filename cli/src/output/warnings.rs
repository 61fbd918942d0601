//! What a policy says that is probably not meant.

use oam_policy::lint::Lint;
use oam_proto::v1::{PolicyWarning, PolicyWarnings};
use serde::Serialize;

use super::{Page, json, page::counted, shown, shown_line};

/// Which warnings are listed, and which are taken for a no.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Also those that the policy allows.
    pub all: bool,
    /// Ids of lints, or `all`.
    pub deny: Vec<String>,
}

impl Wanted {
    fn denies(&self, lint: &str) -> bool {
        self.deny.iter().any(|denied| denied == "all" || denied == lint)
    }

    /// How many of the warnings that are not allowed are denied.
    pub fn denied(&self, warnings: Option<&PolicyWarnings>) -> u64 {
        let denied = |warning: &&PolicyWarning| is_open(warning) && self.denies(&warning.lint);
        warnings.map_or(0, |warnings| warnings.warnings.iter().filter(denied).count() as u64)
    }

    /// Whether a lint that is denied by its id was not looked for everywhere, so that nothing is known of it.
    pub fn is_unknown(&self, warnings: Option<&PolicyWarnings>) -> bool {
        warnings.is_some_and(|warnings| warnings.unfinished.iter().any(|lint| self.deny.contains(lint)))
    }
}

fn is_open(warning: &PolicyWarning) -> bool {
    warning.allowed.is_empty()
}

/// A warning.
#[derive(Debug, Serialize)]
pub struct WarningJson<'a> {
    lint: &'a str,
    kind: &'a str,
    id: &'a str,
    message: &'a str,
    help: Option<&'a str>,
    allowed: Option<&'a str>,
}

impl<'a> From<&'a PolicyWarning> for WarningJson<'a> {
    fn from(warning: &'a PolicyWarning) -> Self {
        Self {
            lint: &warning.lint,
            kind: &warning.kind,
            id: &warning.id,
            message: &warning.message,
            help: json::some(&warning.help),
            allowed: json::some(&warning.allowed),
        }
    }
}

/// The fields of a document that tell of warnings.
#[derive(Debug, Serialize)]
pub(super) struct WarningsJson<'a> {
    warnings: Vec<WarningJson<'a>>,
    warnings_omitted: u64,
    warnings_of_change: &'a [String],
    lints_unfinished: &'a [String],
}

/// See [`WarningsJson`].
pub(super) fn of(warnings: Option<&PolicyWarnings>) -> WarningsJson<'_> {
    WarningsJson {
        warnings: warnings.map(|all| all.warnings.iter().map(Into::into).collect()).unwrap_or_default(),
        warnings_omitted: warnings.map_or(0, |all| all.omitted),
        warnings_of_change: warnings.map_or(&[], |all| &all.of_change),
        lints_unfinished: warnings.map_or(&[], |all| &all.unfinished),
    }
}

/// Warnings as people read them; nothing where there are none.
pub(super) fn text(warnings: Option<&PolicyWarnings>, wanted: &Wanted, page: &Page) -> String {
    let Some(warnings) = warnings else { return String::new() };
    let listed = warnings.warnings.iter().filter(|warning| wanted.all || is_open(warning));
    let of_change = |text: &String| format!("{} {}\n", page.warn("warning:"), shown_line(text));
    let mut text: String = warnings.of_change.iter().map(of_change).collect();
    text.extend(listed.map(|warning| one(warning, wanted, page)));
    let allowed = warnings.warnings.iter().filter(|warning| !is_open(warning)).count() as u64;
    if allowed > 0 && !wanted.all {
        let are = if allowed == 1 { "is" } else { "are" };
        text += &format!("{} {are} allowed by the policy.\n", counted(allowed, "warning", "warnings"));
    }
    if warnings.omitted > 0 {
        let more = counted(warnings.omitted, "more warning", "more warnings");
        text += &format!("{more} of these lints: there are too many to be listed.\n");
    }
    text + &unfinished(&warnings.unfinished, page)
}

fn one(warning: &PolicyWarning, wanted: &Wanted, page: &Page) -> String {
    let lint = shown(&warning.lint);
    let mark = match (is_open(warning), wanted.denies(&warning.lint)) {
        (true, true) => page.bad(&format!("denied[{lint}]:")),
        (true, false) => page.warn(&format!("warning[{lint}]:")),
        (false, _) => page.dim(&format!("allowed[{lint}]:")),
    };
    let mut text = format!("{mark} {}\n", shown_line(&warning.message));
    for (what, line) in [("help:", &warning.help), ("reason:", &warning.allowed)] {
        if !line.is_empty() && (is_open(warning) || what == "reason:") {
            text += &format!("  {} {}\n", page.bold(what), shown_line(line));
        }
    }
    text
}

fn unfinished(lints: &[String], page: &Page) -> String {
    // Groups are looked up whenever there is a directory.
    let has_none = lints.iter().any(|lint| lint == Lint::UnknownGroup.id());
    let needs_one = |lint: &&String| has_none && Lint::parse(lint).is_some_and(Lint::needs_directory);
    let (without, too_large): (Vec<_>, Vec<_>) = lints.iter().partition(needs_one);
    let listed =
        |lints: &[&String]| lints.iter().map(|lint| shown(lint.as_str())).collect::<Vec<_>>().join(", ");
    let mut text = String::new();
    for (why, lints) in [
        ("Not looked for, without a directory", without),
        ("Not looked for everywhere, since there is too much of it", too_large),
    ] {
        if !lints.is_empty() {
            text += &page.dim(&format!("{why}: {}.", listed(&lints)));
            text.push('\n');
        }
    }
    text
}
