//! Filters as people write them (RFC 4515).

use thiserror::Error;

use crate::ber::{all, boolean, element, octets};

/// How deep a filter may nest.
const DEPTH: usize = 16;

/// Who is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of these hold.
    And(Vec<Filter>),
    /// One of these holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// The attribute is there.
    Present(String),
    /// The attribute compares so with a value: `=`, `>=`, `<=` or `~=`.
    Compare(Comparison, String, Vec<u8>),
    /// The attribute is made of these parts, between which anything may stand.
    Parts {
        /// The attribute.
        name: String,
        /// How it begins.
        first: Option<Vec<u8>>,
        /// What stands in it, in this order.
        middle: Vec<Vec<u8>>,
        /// How it ends.
        last: Option<Vec<u8>>,
    },
    /// The attribute matches a value by a rule of the server.
    Rule {
        /// The attribute, if one is named.
        name: Option<String>,
        /// The rule, if one is named.
        rule: Option<String>,
        /// The value.
        value: Vec<u8>,
        /// Whether the attributes of the name count as well.
        dn: bool,
    },
}

/// How an attribute compares with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `~=`
    About,
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilterError {
    /// Something else was to come.
    #[error("`{expected}` was to come at character {at}")]
    Expected {
        /// What.
        expected: &'static str,
        /// Where.
        at: usize,
    },
    /// It nests too deep.
    #[error("it nests deeper than {DEPTH}")]
    TooDeep,
}

impl Filter {
    /// Everything.
    pub fn everything() -> Self {
        Self::Present("objectClass".into())
    }

    /// Reads a filter.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut parser = Parser { text, rest: text.trim() };
        let filter = parser.filter(0)?;
        if parser.rest.is_empty() { Ok(filter) } else { parser.expected("the end") }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let parts = |filters: &[Self]| filters.iter().map(Self::encode).collect::<Vec<_>>();
        let name = |name: &str| octets(name.as_bytes());
        match self {
            Self::And(filters) => all(0xa0, &parts(filters)),
            Self::Or(filters) => all(0xa1, &parts(filters)),
            Self::Not(filter) => all(0xa2, &[filter.encode()]),
            Self::Present(attribute) => element(0x87, attribute.as_bytes()),
            Self::Compare(comparison, attribute, value) => {
                let tag = match comparison {
                    Comparison::Equal => 0xa3,
                    Comparison::AtLeast => 0xa5,
                    Comparison::AtMost => 0xa6,
                    Comparison::About => 0xa8,
                };
                all(tag, &[name(attribute), octets(value)])
            }
            Self::Parts { name: attribute, first, middle, last } => {
                let first = first.iter().map(|part| element(0x80, part));
                let middle = middle.iter().map(|part| element(0x81, part));
                let last = last.iter().map(|part| element(0x82, part));
                let parts: Vec<_> = first.chain(middle).chain(last).collect();
                all(0xa4, &[name(attribute), all(0x30, &parts)])
            }
            Self::Rule { name, rule, value, dn } => {
                let mut parts = Vec::new();
                parts.extend(rule.iter().map(|rule| element(0x81, rule.as_bytes())));
                parts.extend(name.iter().map(|name| element(0x82, name.as_bytes())));
                parts.push(element(0x83, value));
                // What is not so is left out (RFC 4511, 5.1).
                parts.extend(dn.then(|| element(0x84, boolean(true).get(2..).unwrap_or_default())));
                all(0xa9, &parts)
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Parser<'_> {
    fn expected<T>(&self, expected: &'static str) -> Result<T, FilterError> {
        let at = self.text.trim_end().chars().count() - self.rest.chars().count() + 1;
        Err(FilterError::Expected { expected, at })
    }

    fn take(&mut self, token: &'static str) -> Result<(), FilterError> {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => self.expected(token),
        }
    }

    fn filter(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth > DEPTH {
            return Err(FilterError::TooDeep);
        }
        self.take("(")?;
        let filter = match self.rest.chars().next() {
            Some('&') => self.list("&", depth).map(Filter::And)?,
            Some('|') => self.list("|", depth).map(Filter::Or)?,
            Some('!') => {
                self.take("!")?;
                Filter::Not(Box::new(self.filter(depth + 1)?))
            }
            _ => self.item()?,
        };
        self.take(")")?;
        Ok(filter)
    }

    fn list(&mut self, token: &'static str, depth: usize) -> Result<Vec<Filter>, FilterError> {
        self.take(token)?;
        let mut filters = vec![self.filter(depth + 1)?];
        while self.rest.trim_start().starts_with('(') {
            filters.push(self.filter(depth + 1)?);
        }
        Ok(filters)
    }

    fn item(&mut self) -> Result<Filter, FilterError> {
        let is_description = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';');
        let end = self.rest.find(|c| !is_description(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        let name = name.to_owned();
        self.rest = rest;
        if self.rest.starts_with(':') {
            return self.rule(Some(name).filter(|name| !name.is_empty()));
        }
        if name.is_empty() {
            return self.expected("the name of an attribute");
        }
        for (token, comparison) in
            [(">=", Comparison::AtLeast), ("<=", Comparison::AtMost), ("~=", Comparison::About)]
        {
            if self.rest.starts_with(token) {
                self.take(token)?;
                let value = self.value(false)?.concat();
                return Ok(Filter::Compare(comparison, name, value));
            }
        }
        self.take("=")?;
        let mut parts = self.value(true)?;
        if parts.len() == 1 {
            return Ok(Filter::Compare(Comparison::Equal, name, parts.concat()));
        }
        if parts.iter().all(Vec::is_empty) {
            return Ok(Filter::Present(name));
        }
        let some = |part: Vec<u8>| Some(part).filter(|part| !part.is_empty());
        let last = parts.pop().and_then(some);
        let mut parts = parts.into_iter();
        let first = parts.next().and_then(some);
        Ok(Filter::Parts { name, first, middle: parts.filter(|part| !part.is_empty()).collect(), last })
    }

    /// What stands behind the attribute of an extensible match: `[:dn][:rule]:=value`.
    fn rule(&mut self, name: Option<String>) -> Result<Filter, FilterError> {
        let Some((between, rest)) = self.rest.split_once(":=") else { return self.expected(":=") };
        let mut words: Vec<_> = between.split(':').skip(1).collect();
        let dn = words.first().is_some_and(|word| word.eq_ignore_ascii_case("dn"));
        if dn {
            words.remove(0);
        }
        let is_rule = |word: &&str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        };
        let rule = match words.as_slice() {
            [] if name.is_some() => None,
            [word] if is_rule(word) => Some((*word).to_owned()),
            _ => return self.expected("a matching rule"),
        };
        self.rest = rest;
        let value = self.value(false)?.concat();
        Ok(Filter::Rule { name, rule, value, dn })
    }

    /// A value up to the `)` behind it: the parts between its stars, if these have a meaning.
    fn value(&mut self, stars: bool) -> Result<Vec<Vec<u8>>, FilterError> {
        let mut parts = vec![Vec::new()];
        loop {
            let mut chars = self.rest.chars();
            let Some(c) = chars.next() else { return self.expected(")") };
            match c {
                ')' => return Ok(parts),
                '(' => return self.expected(")"),
                '*' if stars => parts.push(Vec::new()),
                '*' => return self.expected("`\\2a` for a star"),
                '\\' => {
                    let hex = chars.as_str().get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                    let Some(byte) = hex else { return self.expected("two hexadecimal digits") };
                    parts.last_mut().into_iter().for_each(|part| part.push(byte));
                    self.rest = chars.as_str().get(2..).unwrap_or_default();
                    continue;
                }
                c => {
                    let mut buffer = [0; 4];
                    let bytes = c.encode_utf8(&mut buffer).bytes();
                    parts.last_mut().into_iter().for_each(|part| part.extend(bytes.clone()));
                }
            }
            self.rest = chars.as_str();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn equal(name: &str, value: &str) -> Filter {
        Filter::Compare(Comparison::Equal, name.into(), value.into())
    }

    #[test]
    fn filters_are_read_as_rfc_4515_has_them() {
        let rule = |name: Option<&str>, rule: Option<&str>, value: &str, dn| Filter::Rule {
            name: name.map(Into::into),
            rule: rule.map(Into::into),
            value: value.into(),
            dn,
        };
        for (text, filter) in [
            ("(cn=Babs Jensen)", equal("cn", "Babs Jensen")),
            ("(!(cn=Tim Howes))", Filter::Not(Box::new(equal("cn", "Tim Howes")))),
            (
                "(&(objectClass=Person) (|(sn=Jensen)(cn=B)))",
                Filter::And(vec![
                    equal("objectClass", "Person"),
                    Filter::Or(vec![equal("sn", "Jensen"), equal("cn", "B")]),
                ]),
            ),
            (
                "(o=univ*of*mich*)",
                Filter::Parts {
                    name: "o".into(),
                    first: Some(b"univ".to_vec()),
                    middle: vec![b"of".to_vec(), b"mich".to_vec()],
                    last: None,
                },
            ),
            ("(seeAlso=)", equal("seeAlso", "")),
            ("(uid=*)", Filter::Present("uid".into())),
            ("(uid>=a)", Filter::Compare(Comparison::AtLeast, "uid".into(), b"a".to_vec())),
            ("(o=Parens R Us \\28for all\\29)", equal("o", "Parens R Us (for all)")),
            (
                "(cn=*\\2A*)",
                Filter::Parts { name: "cn".into(), first: None, middle: vec![b"*".to_vec()], last: None },
            ),
            ("(cn:caseExactMatch:=Fred)", rule(Some("cn"), Some("caseExactMatch"), "Fred", false)),
            ("(cn:=Betty)", rule(Some("cn"), None, "Betty", false)),
            ("(sn:dn:2.4.6.8.10:=Barney)", rule(Some("sn"), Some("2.4.6.8.10"), "Barney", true)),
            ("(:DN:2.4.6.8.10:=Dino)", rule(None, Some("2.4.6.8.10"), "Dino", true)),
            (
                "(memberOf:1.2.840.113556.1.4.1941:=cn=a,dc=x)",
                rule(Some("memberOf"), Some("1.2.840.113556.1.4.1941"), "cn=a,dc=x", false),
            ),
        ] {
            assert_eq!(Filter::parse(text), Ok(filter), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_named_with_its_place() {
        for (text, expected, at) in [
            ("cn=a", "(", 1),
            ("(cn=a", ")", 6),
            ("(cn=a))", "the end", 7),
            ("(&)", "(", 3),
            ("(=a)", "the name of an attribute", 2),
            ("(cn>a)", "=", 4),
            ("(cn=\\2)", "two hexadecimal digits", 5),
            ("(cn>=a*)", "`\\2a` for a star", 7),
            ("(:=x)", "a matching rule", 2),
        ] {
            assert_eq!(Filter::parse(text), Err(FilterError::Expected { expected, at }), "{text}");
        }
        let deep = "(!".repeat(20) + "(a=b)" + &")".repeat(20);
        assert_eq!(Filter::parse(&deep), Err(FilterError::TooDeep));
    }

    #[test]
    fn filters_are_encoded_as_rfc_4511_has_them() {
        let encoded = |text: &str| Filter::parse(text).unwrap().encode();
        assert_eq!(encoded("(uid=*)"), b"\x87\x03uid");
        assert_eq!(encoded("(!(a=b))"), b"\xa2\x08\xa3\x06\x04\x01a\x04\x01b");
        assert_eq!(encoded("(a=b*c*d)"), b"\xa4\x0e\x04\x01a\x30\x09\x80\x01b\x81\x01c\x82\x01d");
        assert_eq!(encoded("(a:dn:1.2:=v)"), b"\xa9\x0e\x81\x031.2\x82\x01a\x83\x01v\x84\x01\xff");
    }

    proptest! {
        #[test]
        fn no_text_is_a_crash(text in "[(&|!)a=*\\\\:<>~ 2é]{0,40}") {
            if let Ok(filter) = Filter::parse(&text) {
                prop_assert!(!filter.encode().is_empty());
            }
        }
    }
}
