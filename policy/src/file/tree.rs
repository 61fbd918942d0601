use std::{borrow::Cow, ops::Range};

use toml::{
    de::{DeTable, DeValue},
    value::Datetime,
};

/// A value and the bytes of the file that say so.
#[derive(Debug, Clone)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A string of a file.
pub(crate) type Text<'a> = Spanned<Cow<'a, str>>;

/// A value of a file, TOML or JSON, with the place of everything in it.
#[derive(Debug, Clone)]
pub(crate) enum Node<'a> {
    Text(Cow<'a, str>),
    /// As it is written.
    Number(Cow<'a, str>),
    Boolean(bool),
    Datetime(Datetime),
    Null,
    List(Vec<Spanned<Node<'a>>>),
    Table(Table<'a>),
    /// Deeper than anything that means something.
    TooDeep,
}

/// Keys and values, no key twice.
pub(crate) type Table<'a> = Vec<(Text<'a>, Spanned<Node<'a>>)>;

impl Node<'_> {
    /// The kind of value, in a sentence.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Number(_) => "a number",
            Self::Boolean(_) => "a boolean",
            Self::Datetime(_) => "a date-time",
            Self::Null => "null",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::TooDeep => "something deeply nested",
        }
    }
}

impl<'a> Node<'a> {
    /// The node of a TOML value. (The parser bounds the depth at 80.)
    pub(crate) fn of_toml(value: DeValue<'a>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text),
            DeValue::Integer(number) => Self::Number(number.to_string().into()),
            DeValue::Float(number) => Self::Number(number.to_string().into()),
            DeValue::Boolean(boolean) => Self::Boolean(boolean),
            DeValue::Datetime(datetime) => Self::Datetime(datetime),
            DeValue::Array(list) => {
                let spanned = |element: toml::Spanned<DeValue<'a>>| {
                    let span = element.span();
                    Spanned { value: Self::of_toml(element.into_inner()), span }
                };
                Self::List(list.into_iter().map(spanned).collect())
            }
            DeValue::Table(table) => Self::Table(table_of_toml(table)),
        }
    }
}

/// The entries of a TOML table.
pub(crate) fn table_of_toml<'a>(table: DeTable<'a>) -> Table<'a> {
    let entry = |(key, value): (toml::Spanned<Cow<'a, str>>, toml::Spanned<DeValue<'a>>)| {
        let (key_span, span) = (key.span(), value.span());
        let key = Spanned { value: key.into_inner(), span: key_span };
        (key, Spanned { value: Node::of_toml(value.into_inner()), span })
    };
    table.into_iter().map(entry).collect()
}
