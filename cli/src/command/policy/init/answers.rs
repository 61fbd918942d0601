//! What a policy can be made of.

use oam_policy::{
    GroupName, RefName, Repository,
    rule::{RefSet, RepositorySet},
};

use crate::output::shown;

/// The answers to the questions.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    /// Whom a refused person may ask.
    pub(super) contact: String,
    /// The groups of those who develop.
    pub(super) developers: Vec<GroupName>,
    /// The groups of those who release.
    pub(super) maintainers: Vec<GroupName>,
    /// The repositories.
    pub(super) projects: Vec<Exemplified>,
    /// The branches that only move forward.
    pub(super) protected: Vec<Exemplified>,
    /// Whether tags never move.
    pub(super) tags_are_forever: bool,
    /// Whether protected branches change through pull requests only.
    pub(super) pull_requests: bool,
}

/// A pattern, with something that it matches: that is what the policy's tests ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exemplified {
    pub(super) pattern: String,
    pub(super) example: String,
}

impl Exemplified {
    fn new(pattern: &str) -> Self {
        let example = pattern.replace("**", "*").replace('*', "example");
        Self { pattern: pattern.to_owned(), example }
    }

    /// Whether the pattern, of refs, matches `name`.
    pub(super) fn matches_ref(&self, name: &str) -> bool {
        let set = RefSet::parse_one(&self.pattern).and_then(|one| RefSet::new([one]));
        let name = RefName::parse(name.as_bytes());
        // No pattern here holds `${user}`.
        set.is_ok_and(|set| name.is_ok_and(|name| set.matches(&name, "somebody")))
    }

    /// Whether the pattern, of repositories, matches its example.
    fn is_of_repositories(&self) -> bool {
        let set = RepositorySet::parse_one(&self.pattern).and_then(|one| RepositorySet::new([one]));
        let example = Repository::parse(&self.example);
        set.is_ok_and(|set| example.is_ok_and(|example| set.matches(&example)))
    }
}

/// A line that people read.
pub(super) fn contact(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty".into()),
        text if text.chars().any(char::is_control) => Err("it is one line of text".into()),
        text => Ok(text.to_owned()),
    }
}

/// Each of several, once.
pub(super) fn each<T: PartialEq>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let mut all = Vec::with_capacity(texts.len());
    for text in texts {
        let one = parse(text)?;
        if !all.contains(&one) {
            all.push(one);
        }
    }
    Ok(all)
}

/// `source:group`, or a group of `source`.
pub(super) fn group(source: Option<&str>, text: &str) -> Result<GroupName, String> {
    let text = text.trim();
    let full = match source {
        Some(source) if !text.contains(':') => format!("{source}:{text}"),
        _ => text.to_owned(),
    };
    GroupName::parse(&full).map_err(|error| error.to_string())
}

/// The name of a source of groups.
pub(super) fn source(text: &str) -> Result<String, String> {
    let name = text.trim();
    match GroupName::parse(&format!("{name}:x")) {
        Ok(group) if group.source() == name => Ok(name.to_owned()),
        _ => Err(format!(
            "`{}` is no source: its name is lower-case letters, digits, `-` or `_`, as in `okta`",
            shown(text)
        )),
    }
}

/// `PAY`, `PAY/*` or `PAY/api`.
pub(super) fn project(text: &str) -> Result<Exemplified, String> {
    let text = text.trim();
    let pattern = if text.contains('/') || text == "**" { text.to_owned() } else { format!("{text}/*") };
    let mut exemplified = Exemplified::new(&pattern);
    if pattern == "**" {
        exemplified.example = "EXAMPLE/example".into();
    }
    let wrong =
        format!("`{}` is no project: write it as in `PAY`, or a repository as in `PAY/api`", shown(text));
    if exemplified.is_of_repositories() { Ok(exemplified) } else { Err(wrong) }
}

/// `main` or `release/**`.
pub(super) fn branch(text: &str) -> Result<Exemplified, String> {
    let short = text.trim();
    if short.starts_with('!') {
        let is = format!("`{}` is an exclusion, and there are none here", shown(text));
        return Err(format!("{is}: name the branches that only move forward"));
    }
    let short = short.strip_prefix("refs/heads/").unwrap_or(short);
    let exemplified = Exemplified::new(&format!("refs/heads/{short}"));
    // White space parts the words of a test's `push`.
    let is_plain = !short.contains("${") && !short.contains(char::is_whitespace);
    let is_one = is_plain && exemplified.matches_ref(&exemplified.example);
    let wrong =
        format!("`{}` is no branch: write one as in `main`, or several as in `release/**`", shown(text));
    if is_one { Ok(exemplified) } else { Err(wrong) }
}

/// The word for no branch at all.
pub(super) const NONE: &str = "none";

/// The branches, or [`NONE`].
pub(super) fn branches(texts: &[String]) -> Result<Vec<Exemplified>, String> {
    match texts {
        [none] if none.trim() == NONE => Ok(Vec::new()),
        texts => each(texts, branch),
    }
}

/// `yes` or `no`.
pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "y" => Ok(true),
        "no" | "n" => Ok(false),
        _ => Err(format!("`{}` is neither `yes` nor `no`", shown(text))),
    }
}
