//! Who is who in the log: the table of people on the disk.
//!
//! It lies beside the log and not in it, so that a copy of the log has no names, and somebody can be forgotten. A person
//! who is named for the first time is known at once and durable before the entry that names them: the log's writer asks
//! for that before each group (`People::settle`), and pays for it only when there is somebody new.
//!
//! | file | what it is |
//! |---|---|
//! | `people/table` | a line for each person, appended; replaced as a whole when somebody is erased |
//! | `audit-people` | as what people stand in the log: a table that is gone is noticed by it |
//!
//! It must never give one person two aliases: a table that is damaged or missing is told, and nothing is begun.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use oam_audit::{
    entry::{DecodeError, EncodeError, Entry, PeopleForm},
    people::{Alias, Aliases, Known, Person, SECRET_BYTES, Table, TableError},
};
use oam_policy::Username;

use super::log_file::LogFile;
use crate::{
    directory::DirectoryReader,
    store::durable::{self, make_folder, sync_parent},
};

const FOLDER: &str = "people";
const TABLE: &str = "table";
const MARK: &str = "audit-people";

/// The table of people, open.
#[derive(Debug)]
pub struct People {
    path: PathBuf,
    form: PeopleForm,
    table: RwLock<Table>,
    /// Who is known, and not yet on the disk.
    unstored: Mutex<Vec<Arc<Person>>>,
    file: Mutex<Stored>,
    /// Whom the directory knows.
    directory: OnceLock<DirectoryReader>,
}

/// The file of the table.
#[derive(Debug)]
struct Stored {
    file: LogFile,
    /// Set after a failure of which it is not known what it left on the disk: the file is written anew.
    doubtful: bool,
}

/// As what people stand in the log from now on.
#[derive(Debug)]
pub struct OpenPeople {
    /// The table; none where people stand by name and always did.
    pub people: Option<Arc<People>>,
    /// Set when it is otherwise than before: the log tells it, and then it is noted ([`note_form`]).
    pub changed: Option<PeopleForm>,
    /// How many bytes of half a line a crash has left, which were cut off.
    pub torn_bytes: u64,
}

/// Opens the table, or begins one. `state` is the folder of the daemon's state.
///
/// # Errors
/// When it is damaged, or missing although it was begun, or the disk refuses.
pub fn open(state: &Path, form: PeopleForm) -> Result<OpenPeople, PeopleError> {
    let path = state.join(FOLDER).join(TABLE);
    let before = read_form(state)?;
    let changed = (before != form).then_some(form);
    let text = match fs::read(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(PeopleError::io("read", &path)(error)),
    };
    let (table, whole, torn_bytes) = match (text, before, form) {
        (None, PeopleForm::Aliases, _) => return Err(PeopleError::Missing { path }),
        (None, PeopleForm::Names, PeopleForm::Names) => {
            return Ok(OpenPeople { people: None, changed, torn_bytes: 0 });
        }
        (None, PeopleForm::Names, PeopleForm::Aliases) => {
            make_folder(&state.join(FOLDER)).map_err(PeopleError::io("create", &path))?;
            begin(&path).map_err(PeopleError::io("create", &path))?;
            (Table::default(), 0, 0)
        }
        (Some(text), _, _) => {
            let (table, whole) =
                Table::read(&text).map_err(|source| PeopleError::Damaged { path: path.clone(), source })?;
            if whole == 0 && before == PeopleForm::Aliases {
                return Err(PeopleError::Damaged { path, source: TableError::Title });
            }
            (table, whole, (text.len() - whole) as u64)
        }
    };
    let file = LogFile::open(&path).map_err(PeopleError::io("open", &path))?;
    // Nothing is written yet: another daemon may have the log. What is torn, and nobody relies on, goes with the first group.
    let stored = Stored { file, doubtful: whole == 0 || torn_bytes > 0 };
    let people = People {
        path,
        form,
        table: RwLock::new(table),
        unstored: Mutex::default(),
        file: Mutex::new(stored),
        directory: OnceLock::new(),
    };
    Ok(OpenPeople { people: Some(Arc::new(people)), changed, torn_bytes })
}

/// The table as it was used last, for whoever is not the daemon and adds an entry.
///
/// # Errors
/// As [`open`].
pub fn as_noted(state: &Path) -> Result<Option<Arc<People>>, PeopleError> {
    Ok(open(state, read_form(state)?)?.people)
}

/// Notes as what people stand in the log, once the log tells it.
///
/// # Errors
/// When the disk refuses.
pub fn note_form(state: &Path, form: PeopleForm) -> Result<(), PeopleError> {
    let path = state.join(MARK);
    replace(&path, &format!("{}\n", form.as_str())).map_err(PeopleError::io("write", &path))
}

fn read_form(state: &Path) -> Result<PeopleForm, PeopleError> {
    let path = state.join(MARK);
    match fs::read_to_string(&path) {
        Ok(text) if text.trim_end() == PeopleForm::Names.as_str() => Ok(PeopleForm::Names),
        Ok(text) if text.trim_end() == PeopleForm::Aliases.as_str() => Ok(PeopleForm::Aliases),
        Ok(_) => Err(PeopleError::Mark { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(PeopleForm::Names),
        Err(error) => Err(PeopleError::io("read", &path)(error)),
    }
}

/// Begins a table. One that is there already, however little of it, stays.
fn begin(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created?.sync_all().and_then(|()| sync_parent(path)),
    }
}

/// Writes a whole file so that, whatever happens, either the old or the new one is there.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("tmp");
    let mut file = durable::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    sync_parent(path)
}

impl People {
    /// Knows whom the directory knows, too: what is written about them is sealed for them.
    pub fn know(&self, directory: DirectoryReader) {
        // Told twice, it is the same one.
        let _ = self.directory.set(directory);
    }

    /// Whether entries are written with aliases.
    #[must_use]
    pub fn writes_aliases(&self) -> bool {
        self.form == PeopleForm::Aliases
    }

    /// With what names become aliases, of one entry or one decision; works on what it is given.
    pub(super) fn aliased<T>(
        &self,
        work: impl FnOnce(&mut Aliases<'_, EncodeError>) -> Result<T, EncodeError>,
    ) -> Result<T, EncodeError> {
        let person = |name: &str| self.person(name);
        let named = |word: &str| self.named(word);
        work(&mut Aliases::new(Known { person: &person, named: &named }))
    }

    /// Whoever has that name. Somebody new is durable only after [`Self::settle`].
    fn person(&self, name: &str) -> Result<Arc<Person>, EncodeError> {
        if let Some(person) = self.table().person(name) {
            return Ok(Arc::clone(person));
        }
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret).map_err(|error| EncodeError::Alias(Box::new(error)))?;
        let mut table = self.table_mut();
        if let Some(person) = table.person(name) {
            return Ok(Arc::clone(person));
        }
        let person = Arc::new(Person::new(name, secret));
        table.insert(Arc::clone(&person));
        self.unstored().push(Arc::clone(&person));
        Ok(person)
    }

    /// Whom a word names, of those who are known here or to the directory.
    fn named(&self, word: &str) -> Result<Vec<Arc<Person>>, EncodeError> {
        let mut people: Vec<_> = self.table().person(word).cloned().into_iter().collect();
        let Some(loaded) = self.directory.get().and_then(DirectoryReader::current) else { return Ok(people) };
        let snapshot = &loaded.snapshot;
        let by_name = Username::parse(word).ok().and_then(|name| snapshot.user(&name.key()));
        let by_address = word.contains('@').then(|| snapshot.users_with_email(word));
        for user in by_name.into_iter().chain(by_address.into_iter().flatten()) {
            people.push(self.person(user.username().as_str())?);
        }
        Ok(people)
    }

    /// Makes everybody durable who is known. It costs nothing when nobody is new.
    ///
    /// # Errors
    /// When the disk refuses; whoever is new must not stand in the log then.
    pub(super) fn settle(&self) -> Result<(), PeopleError> {
        let mut stored = self.stored();
        if stored.doubtful {
            return self.store_all(&mut stored, |_| ());
        }
        let new = std::mem::take(&mut *self.unstored());
        if new.is_empty() {
            return Ok(());
        }
        let lines: String = new.iter().map(|person| person.line()).collect();
        let written = stored.file.append(lines.as_bytes()).and_then(|()| stored.file.sync());
        if let Err(error) = written {
            stored.doubtful = true;
            self.unstored().extend(new);
            return Err(PeopleError::io("write", &self.path)(error));
        }
        Ok(())
    }

    /// Forgets people, each given by name or alias, or none of them: durable when it returns. Returns their aliases.
    ///
    /// # Errors
    /// When one is not known, or the disk refuses.
    pub fn forget(&self, names: &[String]) -> Result<Vec<Alias>, ForgetError> {
        let mut stored = self.stored();
        let mut aliases = names.iter().map(|name| self.find(name)).collect::<Result<Vec<_>, _>>()?;
        aliases.sort_unstable();
        aliases.dedup();
        self.store_all(&mut stored, |table| {
            for alias in &aliases {
                table.forget(alias);
            }
        })?;
        let mut table = self.table_mut();
        for alias in &aliases {
            table.forget(alias);
        }
        Ok(aliases)
    }

    /// The name of somebody who is given by name or alias.
    ///
    /// # Errors
    /// When they are not known.
    pub fn name_of(&self, name: &str) -> Result<String, ForgetError> {
        let alias = self.find(name)?;
        let person = self.table().of_alias(&alias).map(|person| person.name().to_owned());
        Ok(person.unwrap_or_else(|| name.to_owned()))
    }

    fn find(&self, name: &str) -> Result<Alias, ForgetError> {
        let table = self.table();
        let by_alias: Option<Alias> = format!(" {}", name.trim()).parse().ok();
        let by_alias = by_alias.filter(|alias| table.of_alias(alias).is_some());
        let alias = by_alias.or_else(|| table.person(name).map(|person| person.alias()));
        alias.ok_or_else(|| ForgetError::Unknown { name: name.to_owned() })
    }

    /// Writes the whole table anew, as `change` makes it. Whoever is new is in it.
    fn store_all(&self, stored: &mut Stored, change: impl FnOnce(&mut Table)) -> Result<(), PeopleError> {
        // Whoever becomes known from here on is not in it, and stays new.
        let (mut table, new) = {
            let table = self.table();
            (table.clone(), std::mem::take(&mut *self.unstored()))
        };
        change(&mut table);
        let written = stored.file.faults().and_then(|()| replace(&self.path, &table.text()));
        match written.and_then(|()| LogFile::open(&self.path)) {
            Ok(file) => {
                stored.file.go_on_with(file);
                stored.doubtful = false;
                Ok(())
            }
            Err(error) => {
                stored.doubtful = true;
                self.unstored().extend(new);
                Err(PeopleError::io("write", &self.path)(error))
            }
        }
    }

    /// An entry as its line says it, with names where they are known.
    pub(super) fn read(&self, line: &[u8]) -> Result<Entry, DecodeError> {
        let mut entry = Entry::decode(line)?;
        self.table().open_entry(&mut entry);
        Ok(entry)
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn table_mut(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn unstored(&self) -> MutexGuard<'_, Vec<Arc<Person>>> {
        self.unstored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults that a test asks for.
    #[cfg(test)]
    pub(super) fn faults(&self) -> Arc<super::log_file::Faults> {
        Arc::clone(&self.stored().file.faults)
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the table of people cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The operating system refuses.
    #[error("cannot {doing} the table of people `{}`: {source}; check its owner, its permissions and the free space", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// It is not what was written.
    #[error("table of people `{}` is damaged, and nobody can tell who is who in the audit log: {source}; restore it from a copy, and erase again whom the log tells to be erased since", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: TableError,
    },
    /// It was begun, and is gone.
    #[error("table of people `{}` is missing, although the audit log names people by aliases; restore it from a copy, or, if nobody shall ever know who they were, remove `audit-people` from the state folder to begin another", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is not known as what people stand in the log.
    #[error("`{}` says neither `names` nor `aliases`; write there how people stood in the audit log", path.display())]
    Mark {
        /// The file.
        path: PathBuf,
    },
}

impl PeopleError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}

/// Why nobody was forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// There is nobody of that name.
    #[error("the table of people knows nobody called `{name}`: the log has no alias for them")]
    Unknown {
        /// The name, as it was given.
        name: String,
    },
    /// The table.
    #[error(transparent)]
    Table(#[from] PeopleError),
}
