//! What a policy file may hold, said once: the keys of each table, with their shapes and what they mean. The readers
//! know their keys from here, and the JSON Schema by which editors complete a policy is made of it.
//!
//! A new key is one line in [`tables`], and what takes it from its table in the reader. The readers say more than
//! these tables can: what a shape does not express is left to them, and a shape never refuses what they accept.

mod forms;
mod schema;
mod tables;
mod workload;

pub(super) use forms::{MODES, WAYS_IN};
pub use schema::json_schema;
pub(super) use tables::{
    ALLOW, APPROVALS, BLOCK, CHANGE, COMMIT, COMMITS, ELEVATION, GRANT, REQUIRE, ROLE, TAGS, TEST, TOP,
    WAIVER, WEEKLY,
};
pub(super) use workload::WORKLOAD;

/// A kind of table: what people call one, and what may stand in it.
pub(super) struct TableKind {
    /// Among the kinds of tables.
    pub(super) name: &'static str,
    /// In a sentence: `a grant`.
    pub(super) what: &'static str,
    /// What it is for, for a reader who has the cursor on it.
    pub(super) about: &'static str,
    pub(super) keys: &'static [Key],
    /// What the keys have to do with each other.
    pub(super) laws: &'static [Law],
}

impl TableKind {
    /// The names of the keys, in the order in which people are told of them.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.name).collect()
    }
}

/// A key that a table may have.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// Whether every such table has it.
    pub(super) needed: bool,
    /// What it means, for a reader who has the cursor on it. A table says that itself.
    pub(super) about: &'static str,
}

/// What keys of a table have to do with each other.
pub(super) enum Law {
    /// Just one of them is there.
    OneOf(&'static [&'static str]),
    /// At least one of them is there.
    AnyOf(&'static [&'static str]),
    /// Where the first is, the others are too.
    With(&'static str, &'static [&'static str]),
    /// The key is there, unless the list holds nothing but these words.
    Unless { key: &'static str, list: &'static str, only: Words },
    /// The table holds something.
    NotEmpty,
}

/// The words of a closed list.
pub(super) type Words = fn() -> Vec<&'static str>;

/// What may stand behind a key.
pub(super) enum Shape {
    /// The one version of the format that there is.
    Version,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number { from: u32, to: u32 },
    /// A string of a form.
    Text(Form),
    /// One of a closed list of words.
    Word(Words),
    /// What a test expects: a word, or a word with what it is about.
    Expectation,
    /// A date-time with an offset.
    Moment,
    /// A list.
    List { of: &'static Shape, may_be_empty: bool },
    /// A table of a kind.
    Table(&'static TableKind),
    /// A table of texts, under whatever names there are.
    Texts,
    /// Any of these.
    Either(&'static [Shape]),
}

/// What strings of a kind look like. None is empty.
pub(super) struct Form {
    /// A regular expression, of the part of the syntax that all engines share, that finds something in each of them.
    pub(super) pattern: Option<&'static str>,
    /// How many characters they have at most.
    pub(super) most: Option<usize>,
    pub(super) example: &'static str,
}
