use serde_json::Value;

use super::{Filter, Name, Operator};
use crate::error::{Problem, ScimType};

/// The longest filter that is read.
const MAX_BYTES: usize = 4_096;
/// How deep brackets may lie within each other.
const MAX_DEPTH: u32 = 16;

pub(super) fn parse(text: &str) -> Result<Filter, Problem> {
    if text.len() > MAX_BYTES {
        return Err(fault(&format!("it is longer than {MAX_BYTES} bytes")));
    }
    let mut parser = Parser { rest: text.trim(), depth: 0 };
    let filter = parser.any()?;
    if parser.rest.is_empty() { Ok(filter) } else { Err(parser.expected("`and`, `or` or the end")) }
}

fn fault(why: &str) -> Problem {
    Problem::bad(ScimType::InvalidFilter, format!("the filter is no filter: {why}"))
}

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn expected(&self, what: &str) -> Problem {
        let here: String = self.rest.chars().take(20).filter(|c| !c.is_control()).collect();
        let place = if here.is_empty() { "at its end".to_owned() } else { format!("at `{here}`") };
        fault(&format!("{place} it must have {what}"))
    }

    /// One or more, with `or` between them.
    fn any(&mut self) -> Result<Filter, Problem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(fault("its brackets lie too deep"));
        }
        let mut any = vec![self.all()?];
        while self.word("or") {
            any.push(self.all()?);
        }
        self.depth -= 1;
        Ok(if any.len() == 1 { any.swap_remove(0) } else { Filter::Or(any) })
    }

    /// One or more, with `and` between them.
    fn all(&mut self) -> Result<Filter, Problem> {
        let mut all = vec![self.one()?];
        while self.word("and") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.swap_remove(0) } else { Filter::And(all) })
    }

    fn one(&mut self) -> Result<Filter, Problem> {
        if self.sign('(') {
            let filter = self.any()?;
            return if self.sign(')') { Ok(filter) } else { Err(self.expected("`)`")) };
        }
        if self.word("not") {
            if !self.sign('(') {
                return Err(self.expected("`(`"));
            }
            let filter = self.any()?;
            return if self.sign(')') {
                Ok(Filter::Not(Box::new(filter)))
            } else {
                Err(self.expected("`)`"))
            };
        }
        let name = self.name()?;
        if self.sign('[') {
            let filter = Box::new(self.any()?);
            if !self.sign(']') {
                return Err(self.expected("`]`"));
            }
            let behind = match self.rest.strip_prefix('.') {
                None => None,
                Some(rest) => {
                    self.rest = rest;
                    let Name(mut sub) = self.name()?;
                    let (Some(sub), true) = (sub.pop(), sub.is_empty()) else {
                        return Err(self.expected("one name"));
                    };
                    let operator = self.operator()?;
                    Some((sub, operator, self.value()?))
                }
            };
            return Ok(Filter::Among(name, filter, behind));
        }
        if self.word("pr") {
            return Ok(Filter::Present(name));
        }
        let operator = self.operator()?;
        Ok(Filter::Compare(name, operator, self.value()?))
    }

    fn name(&mut self) -> Result<Name, Problem> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '.' | ':');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (whole, rest) = self.rest.split_at(end);
        // A schema's name ends with the last colon; its own version number holds a dot.
        let name = match whole.rsplit_once(':') {
            Some((schema, name)) if schema.get(..4).is_some_and(|urn| urn.eq_ignore_ascii_case("urn:")) => {
                name
            }
            _ => whole,
        };
        let parts: Vec<String> = name.split('.').map(str::to_ascii_lowercase).collect();
        if parts.iter().any(|part| part.is_empty() || part.contains(':')) {
            return Err(self.expected("the name of an attribute"));
        }
        self.rest = rest;
        Ok(Name(parts))
    }

    fn operator(&mut self) -> Result<Operator, Problem> {
        const ALL: [(&str, Operator); 9] = [
            ("eq", Operator::Eq),
            ("ne", Operator::Ne),
            ("co", Operator::Co),
            ("sw", Operator::Sw),
            ("ew", Operator::Ew),
            ("gt", Operator::Gt),
            ("ge", Operator::Ge),
            ("lt", Operator::Lt),
            ("le", Operator::Le),
        ];
        let found = ALL.into_iter().find(|(word, _)| self.word(word));
        found.map(|(_, operator)| operator).ok_or_else(|| {
            self.expected("an operator: `eq`, `ne`, `co`, `sw`, `ew`, `gt`, `ge`, `lt`, `le` or `pr`")
        })
    }

    /// A value as JSON writes it.
    fn value(&mut self) -> Result<Value, Problem> {
        self.space();
        let end = match self.rest.strip_prefix('"') {
            Some(rest) => end_of_text(rest).map(|end| end + 2),
            None => Some(self.rest.find([' ', ')', ']']).unwrap_or(self.rest.len())),
        };
        let (written, rest) = end
            .and_then(|end| self.rest.split_at_checked(end))
            .ok_or_else(|| self.expected("a text that ends with `\"`"))?;
        let value = match written {
            _ if written.eq_ignore_ascii_case("true") => Value::Bool(true),
            _ if written.eq_ignore_ascii_case("false") => Value::Bool(false),
            _ => serde_json::from_str(written)
                .ok()
                .filter(|value: &Value| !value.is_array() && !value.is_object())
                .ok_or_else(|| {
                    self.expected("a value: a text between `\"`, a number, `true`, `false` or `null`")
                })?,
        };
        self.rest = rest;
        Ok(value)
    }

    /// Takes a word, if it stands here.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let Some((found, behind)) = rest.split_at_checked(word.len()) else { return false };
        let ends = behind
            .chars()
            .next()
            .is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | ':' | '_' | '-'));
        if found.eq_ignore_ascii_case(word) && ends {
            self.rest = behind.trim_start();
            return true;
        }
        false
    }

    /// Takes a sign, if it stands here.
    fn sign(&mut self, sign: char) -> bool {
        let Some(rest) = self.rest.trim_start().strip_prefix(sign) else { return false };
        // What follows `]` without a space is about the same values.
        self.rest = if sign == ']' { rest } else { rest.trim_start() };
        true
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// Where the text between quotation marks ends.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}
