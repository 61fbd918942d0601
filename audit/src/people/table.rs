//! The table of people, and the text of the file that keeps it.

use std::{borrow::Cow, collections::HashMap, convert::Infallible, sync::Arc};

use super::{Alias, Person, PersonError, sealed};
use crate::entry::{Entry, Event, Personal, history::Text};

/// The first line of the file.
const TITLE: &str = "oam-people-v1\n";

/// Everybody who is known, by name and by alias. Names fold case, as Bitbucket's do.
#[derive(Debug, Clone, Default)]
pub struct Table {
    by_name: HashMap<Box<str>, Arc<Person>>,
    by_alias: HashMap<Alias, Arc<Person>>,
}

impl Table {
    /// Reads the text of a file. Returns also how many bytes of it are whole: what comes after them is half a line that a
    /// crash left, which no entry relies on. None are, when it was only begun.
    ///
    /// # Errors
    /// When a whole line is not what this program writes, or somebody is there twice.
    pub fn read(text: &[u8]) -> Result<(Self, usize), TableError> {
        let Some(rows) = text.strip_prefix(TITLE.as_bytes()) else {
            // What a crash leaves of one that was begun.
            let begun = TITLE.as_bytes().starts_with(text);
            return if begun { Ok((Self::default(), 0)) } else { Err(TableError::Title) };
        };
        let whole = rows.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (rows, _) = rows.split_at_checked(whole).unwrap_or_default();
        let mut table = Self::default();
        for (number, line) in (2..).zip(rows.split_inclusive(|byte| *byte == b'\n')) {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let person = Person::of_line(line).map_err(|source| TableError::Line { number, source })?;
            if table.person(person.name()).is_some() {
                return Err(TableError::Twice { number });
            }
            table.insert(Arc::new(person));
        }
        Ok((table, TITLE.len() + whole))
    }

    /// The text of a file that holds all of it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<_> = self.by_name.values().map(|person| person.line()).collect();
        lines.sort_unstable();
        TITLE.to_owned() + &lines.concat()
    }

    /// How many people are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Whoever has that name.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<&Arc<Person>> {
        self.by_name.get(&*folded(name))
    }

    /// Whoever has that alias.
    #[must_use]
    pub fn of_alias(&self, alias: &Alias) -> Option<&Arc<Person>> {
        self.by_alias.get(alias)
    }

    /// Makes somebody known. One of that name who is known already stays who they are.
    pub fn insert(&mut self, person: Arc<Person>) {
        let name = folded(person.name()).into();
        if let std::collections::hash_map::Entry::Vacant(place) = self.by_name.entry(name) {
            self.by_alias.insert(person.alias(), Arc::clone(&person));
            place.insert(person);
        }
    }

    /// Forgets somebody.
    pub fn forget(&mut self, alias: &Alias) -> Option<Arc<Person>> {
        let person = self.by_alias.remove(alias)?;
        self.by_name.remove(&*folded(person.name()));
        Some(person)
    }

    /// What an entry says with the names that are known, and what they wrote as they wrote it. What is of somebody who is
    /// not known stays as it is.
    pub fn open_entry(&self, entry: &mut Entry) {
        self.open(&mut entry.event);
    }

    /// The same for what happened.
    pub fn open(&self, event: &mut Event) {
        let opened: Result<(), Infallible> = event.personal(&mut |field| {
            match field {
                Personal::Party(text)
                | Personal::Actor(text)
                | Personal::Name(text)
                | Personal::Repository(text)
                | Personal::Words(text) => {
                    if let Some(opened) = self.opened(text) {
                        *text = opened;
                    }
                }
                Personal::Text(text) => {
                    let opened =
                        std::str::from_utf8(text.as_bytes()).ok().and_then(|text| self.unsealed(text));
                    if let Some(opened) = opened {
                        *text = Text::from(opened.as_slice());
                    }
                }
            }
            Ok(())
        });
        let Ok(()) = opened;
    }

    /// Under what somebody may stand in entries who is called `name` there: by name, and by alias or sealed where they are
    /// known. What is given as an alias, be it without its space, is that alias.
    #[must_use]
    pub fn spellings(&self, name: &str) -> Vec<String> {
        let alias: Option<Alias> = format!(" {}", name.trim()).parse().ok();
        if let Some(alias) = alias {
            let person = self.of_alias(&alias).map(|person| person.name().to_owned());
            return person.into_iter().chain([alias.to_string()]).collect();
        }
        let known = self.person(name).map(|person| person.alias().to_string());
        let of_actor = super::write::user_of(name)
            .and_then(|user| self.person(user))
            .map(|person| sealed::seal(&[person], name.as_bytes()));
        [name.to_owned()].into_iter().chain(known).chain(of_actor).collect()
    }

    /// The same for a repository: that of a person holds their name.
    #[must_use]
    pub fn repository_spellings(&self, repository: &str) -> Vec<String> {
        let by_alias = repository.strip_prefix('~').and_then(|rest| {
            let (user, slug) = rest.split_once('/')?;
            Some(format!("~{}/{slug}", self.person(user)?.alias()))
        });
        [repository.to_owned()].into_iter().chain(by_alias).collect()
    }

    fn opened(&self, text: &str) -> Option<String> {
        if let Ok(alias) = text.parse() {
            return self.of_alias(&alias).map(|person| person.name().to_owned());
        }
        if let Some((alias, slug)) = text.strip_prefix('~').and_then(|rest| rest.split_once('/'))
            && let Ok(alias) = alias.parse()
        {
            return self.of_alias(&alias).map(|person| format!("~{}/{slug}", person.name()));
        }
        String::from_utf8(self.unsealed(text)?).ok()
    }

    fn unsealed(&self, text: &str) -> Option<Vec<u8>> {
        sealed::open(text, |alias| self.of_alias(alias).map(AsRef::as_ref))
    }
}

/// The text by which names are compared.
fn folded(name: &str) -> Cow<'_, str> {
    let is_folded = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_folded { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase()) }
}

/// Why a text is not a table of people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It does not begin as one.
    #[error("it does not begin with the line `{}`", TITLE.trim_end())]
    Title,
    /// A line is none.
    #[error("line {number}: {source}")]
    Line {
        /// Which, from 1.
        number: u64,
        /// What is wrong.
        source: PersonError,
    },
    /// Somebody is there twice.
    #[error("line {number}: whom it is about is there already")]
    Twice {
        /// Which, from 1.
        number: u64,
    },
}
