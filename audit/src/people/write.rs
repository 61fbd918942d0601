//! From names to aliases, and from words to sealed ones.

use std::sync::Arc;

use super::{Alias, Person, sealed};
use crate::entry::{Decision, Event, History, Personal, Update, history::Text, json_bytes};

/// Parts of the daemon that act by themselves. They stand in entries as they are.
const PARTS: [&str; 6] = ["clock", "directory", "files", "oamd", "policy", "start"];

/// Whom words are sealed for that are by nobody and about nobody known: the daemon itself.
const NOBODYS: &str = "oamd";

/// What stands in the place of words that are about more people than they can be sealed for.
pub(super) const NOT_KEPT: &str = "not kept: it names more people than a text can be sealed for";

/// How long an update may be, in bytes: it must fit an entry, beside what every part of a decision says.
const MOST_UPDATE_BYTES: usize = 56 << 10;

/// How long a decision without its updates may be, in bytes: likewise.
const MOST_HEAD_BYTES: usize = 56 << 10;

/// Who is known. What fails is why somebody cannot be given an alias.
pub struct Known<'k, E> {
    /// Whoever has that name. Somebody who is not known becomes so.
    pub person: &'k dyn Fn(&str) -> Result<Arc<Person>, E>,
    /// Whom a word names, a username or an address: only who is known already, here or to the directory.
    pub named: &'k dyn Fn(&str) -> Result<People, E>,
}

/// Some people.
type People = Vec<Arc<Person>>;

/// Writes people by their aliases: those of one entry, or of one decision with all its parts.
pub struct Aliases<'k, E> {
    known: Known<'k, E>,
    /// Whom the entry is about, or who did it.
    parties: People,
}

impl<'k, E> Aliases<'k, E> {
    /// For an entry that was not looked at yet.
    #[must_use]
    pub fn new(known: Known<'k, E>) -> Self {
        Self { known, parties: Vec::new() }
    }

    /// Puts aliases in the place of names.
    ///
    /// # Errors
    /// When somebody cannot become known; what was given must not be written then.
    pub fn event(&mut self, event: &mut Event) -> Result<(), E> {
        event.personal(&mut |field| self.field(field))
    }

    /// The same for a decision. Its parties are those of its updates too. What it lists of its pull request is told by
    /// digests where it becomes too long by being sealed.
    ///
    /// # Errors
    /// As [`Self::event`].
    pub fn decision(&mut self, decision: &mut Decision) -> Result<(), E> {
        if decision.pull_request.is_none() {
            return decision.personal(&mut |field| self.field(field));
        }
        let mut written = decision.clone();
        written.personal(&mut |field| self.field(field))?;
        if json_bytes(&written).is_ok_and(|bytes| bytes <= MOST_HEAD_BYTES) {
            *decision = written;
            return Ok(());
        }
        decision.pull_request.iter_mut().for_each(|pull_request| pull_request.digest_lists());
        decision.personal(&mut |field| self.field(field))
    }

    /// The same for an update of a decision that was given before. What it lists of commits becomes longer by being
    /// sealed; lists that find no room in an entry any more are told by their digests.
    ///
    /// # Errors
    /// As [`Self::event`].
    pub fn update(&mut self, mut update: Update) -> Result<Update, E> {
        if update.histories.is_empty() {
            return Ok(update);
        }
        let mut written = update.clone();
        written.personal(&mut |field| self.field(field))?;
        if json_bytes(&written).is_ok_and(|bytes| bytes <= MOST_UPDATE_BYTES) {
            return Ok(written);
        }
        update.histories.iter_mut().for_each(History::digest_lists);
        update.personal(&mut |field| self.field(field))?;
        Ok(update)
    }

    fn field(&mut self, field: Personal<'_>) -> Result<(), E> {
        match field {
            Personal::Party(name) => self.party(name),
            Personal::Actor(actor) => self.actor(actor),
            Personal::Name(name) => self.name(name).map(drop),
            Personal::Repository(repository) => self.repository(repository),
            Personal::Words(words) => {
                if let Some(sealed) = self.sealed(words.as_bytes())? {
                    *words = sealed;
                }
                Ok(())
            }
            Personal::Text(text) => {
                if let Some(sealed) = self.sealed(text.as_bytes())? {
                    *text = Text::from(sealed.as_bytes());
                }
                Ok(())
            }
        }
    }

    fn party(&mut self, name: &mut String) -> Result<(), E> {
        let person = self.name(name)?;
        self.parties.extend(person);
        Ok(())
    }

    /// What is copied from an older entry may be written so already, and stays.
    ///
    /// A caller with a token is called by an issuer's name for them, and by their own: the seal is that of the latter.
    fn actor(&mut self, actor: &mut String) -> Result<(), E> {
        if ["source ", "signals ", "workload "].iter().any(|part| actor.starts_with(part))
            || sealed::is_sealed(actor)
        {
            return Ok(());
        }
        let Some(user) = user_of(actor) else { return self.party(actor) };
        let person = (self.known.person)(user)?;
        *actor = sealed::seal(&[&person], actor.as_bytes());
        self.parties.push(person);
        Ok(())
    }

    fn name(&self, name: &mut String) -> Result<Option<Arc<Person>>, E> {
        if name.is_empty() || PARTS.contains(&name.as_str()) || name.parse::<Alias>().is_ok() {
            return Ok(None);
        }
        let person = (self.known.person)(name)?;
        *name = person.alias().to_string();
        Ok(Some(person))
    }

    /// Only that of a person holds a name. What is a pattern of such is sealed as a whole.
    fn repository(&self, repository: &mut String) -> Result<(), E> {
        let plain = |text: &str| !text.contains(['*', '?', '{', '}', '[', ']', '!', ':', ',']);
        match repository.strip_prefix('~').and_then(|rest| rest.split_once('/')) {
            Some((user, slug)) if !user.is_empty() && plain(user) => {
                *repository = format!("~{}/{slug}", (self.known.person)(user)?.alias());
            }
            _ if repository.contains('~') => {
                if let Some(sealed) = self.sealed(repository.as_bytes())? {
                    *repository = sealed;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Words, sealed for the parties and for everybody whom they name. `None`: there are none, or they are sealed already.
    fn sealed(&self, words: &[u8]) -> Result<Option<String>, E> {
        if words.is_empty() || std::str::from_utf8(words).is_ok_and(super::is_closed) {
            return Ok(None);
        }
        let mut people = self.parties.clone();
        for word in words_of(&String::from_utf8_lossy(words)) {
            people.extend((self.known.named)(word)?);
            // Whoever writes a thousand names finds them looked up no longer.
            if people.len() > MOST_FOUND {
                return Ok(Some(NOT_KEPT.to_owned()));
            }
        }
        if people.is_empty() {
            people.push((self.known.person)(NOBODYS)?);
        }
        people.sort_by_key(|person| person.alias());
        people.dedup_by_key(|person| person.alias());
        if people.len() > sealed::MOST_PEOPLE {
            return Ok(Some(NOT_KEPT.to_owned()));
        }
        let people: Vec<_> = people.iter().map(AsRef::as_ref).collect();
        Ok(Some(sealed::seal(&people, words)))
    }
}

/// How many names are looked at in one text, be they those of few.
const MOST_FOUND: usize = 256;

/// The username that stands in the name of a caller: `alice` in `corp:00u1 (alice)`.
pub(super) fn user_of(actor: &str) -> Option<&str> {
    let (_, user) = actor.strip_suffix(')')?.split_once(" (")?;
    (!user.is_empty()).then_some(user)
}

/// What may be a name in a text. Marks of punctuation end it, but those that names have within.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let marks = |sign: char| "._-+@~$".contains(sign);
    text.split(move |sign: char| !sign.is_alphanumeric() && !marks(sign))
        .flat_map(move |word| {
            let trimmed = word.trim_matches(marks);
            [Some(word), (trimmed != word).then_some(trimmed)]
        })
        .flatten()
        .filter(|word| !word.is_empty())
}
