//! Patterns, against the plainest matcher there is. The input is a pattern, a text and a username, with zero bytes
//! between them.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use oam_policy::glob::Glob;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Sign {
    Character(char),
    One,
    Star,
    User,
}

/// Every choice among the alternatives of a pattern that is known to be well-formed.
fn choices(pattern: &str) -> Vec<Vec<Sign>> {
    let mut all = vec![Vec::new()];
    // Within braces: what stood before them, and the choices that are finished.
    let mut open: Option<(Vec<Vec<Sign>>, Vec<Vec<Sign>>)> = None;
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        let sign = match character {
            '\\' => Sign::Character(rest.next().unwrap()),
            '?' => Sign::One,
            '*' => Sign::Star,
            '$' if rest.peek() == Some(&'{') => {
                assert_eq!(rest.by_ref().take(6).collect::<String>(), "{user}");
                Sign::User
            }
            '{' => {
                open = Some((std::mem::replace(&mut all, vec![Vec::new()]), Vec::new()));
                continue;
            }
            ',' if open.is_some() => {
                open.as_mut().unwrap().1.append(&mut all);
                all = vec![Vec::new()];
                continue;
            }
            '}' => {
                let (before, mut done) = open.take().unwrap();
                done.append(&mut all);
                let joined = |head: &Vec<Sign>| -> Vec<Vec<Sign>> {
                    done.iter().map(|tail| [&head[..], tail].concat()).collect()
                };
                all = before.iter().flat_map(joined).collect();
                continue;
            }
            other => Sign::Character(other),
        };
        all.iter_mut().for_each(|choice| choice.push(sign));
    }
    all
}

struct Matcher<'a> {
    signs: &'a [Sign],
    text: &'a [u8],
    user: &'a str,
    known: HashMap<(usize, usize), bool>,
}

impl Matcher<'_> {
    fn from(&mut self, sign: usize, place: usize) -> bool {
        if let Some(known) = self.known.get(&(sign, place)) {
            return *known;
        }
        let found = self.look(sign, place);
        self.known.insert((sign, place), found);
        found
    }

    fn look(&mut self, sign: usize, place: usize) -> bool {
        let rest = &self.text[place..];
        match &self.signs[sign..] {
            [] => rest.is_empty(),
            [Sign::Star, Sign::Star] => !rest.is_empty(),
            [Sign::Star, Sign::Star, ..] => {
                let ends = (place..self.text.len()).filter(|at| self.text[*at] == b'/');
                let starts: Vec<usize> = std::iter::once(place).chain(ends.map(|at| at + 1)).collect();
                starts.into_iter().any(|start| self.from(sign + 3, start))
            }
            [Sign::Star, ..] => {
                let run = rest.iter().take_while(|byte| **byte != b'/').count();
                (0..=run).any(|length| self.from(sign + 1, place + length))
            }
            [Sign::One, ..] => {
                let Some(chunk) = rest.utf8_chunks().next() else { return false };
                let length = chunk.valid().chars().next().map_or(1, char::len_utf8);
                rest[0] != b'/' && self.from(sign + 1, place + length)
            }
            [Sign::Character(character), ..] => {
                let text = character.to_string();
                rest.starts_with(text.as_bytes()) && self.from(sign + 1, place + text.len())
            }
            [Sign::User, ..] => {
                rest.starts_with(self.user.as_bytes()) && self.from(sign + 1, place + self.user.len())
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(3, |byte| *byte == 0);
    let (Some(pattern), Some(text), Some(user)) = (parts.next(), parts.next(), parts.next()) else { return };
    let (Ok(pattern), Ok(user)) = (std::str::from_utf8(pattern), std::str::from_utf8(user)) else { return };
    if let Ok(text) = std::str::from_utf8(text) {
        let escaped: String = text.chars().flat_map(|character| ['\\', character]).collect();
        if let Ok(literal) = Glob::parse(&escaped) {
            assert!(literal.matches(text.as_bytes(), user), "{text:?} itself");
        }
    }
    let Ok(glob) = Glob::parse(pattern) else { return };
    assert_eq!(glob.as_str(), pattern);
    // Long enough to find out that something is slow, too long for the plain matcher.
    if pattern.len() > 200 || text.len() > 200 {
        glob.matches(text, user);
        return;
    }
    let expected = choices(pattern).iter().any(|signs| {
        let known = HashMap::new();
        Matcher { signs, text, user, known }.from(0, 0)
    });
    assert_eq!(
        glob.matches(text, user),
        expected,
        "`{pattern}` and {:?} for {user:?}",
        text.escape_ascii().to_string()
    );
});
