use thiserror::Error;

use super::Token;

/// How many lists of tokens the braces of one pattern may multiply to.
const MAX_ALTERNATIVES: usize = 256;

/// How many signs the lists may have together: a pattern of 4 KiB could multiply to a million.
const MAX_SIGNS: usize = 50_000;

/// The longest pattern, in bytes.
const MAX_LEN: usize = 4096;

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GlobError {
    /// Nothing at all.
    #[error("the pattern is empty")]
    Empty,
    /// Longer than 4,096 bytes.
    #[error("the pattern is {0} bytes long; {MAX_LEN} are allowed")]
    TooLong(usize),
    /// `feature**`, `a**b`.
    #[error("`**` stands for whole segments: write `/**` or `**/`, or `*` within a segment")]
    PartialDoubleStar,
    /// `{a,b`, `a}`.
    #[error("a `{{` or `}}` has no partner; write `\\{{` for the character itself")]
    UnbalancedBrace,
    /// `{a,{b,c}}`.
    #[error("`{{…}}` inside `{{…}}` is not supported: list the alternatives side by side")]
    NestedBrace,
    /// `${team}`.
    #[error("`${{{0}}}` is unknown; only `${{user}}` exists")]
    UnknownVariable(String),
    /// A `\` at the end.
    #[error("the `\\` at the end escapes nothing")]
    TrailingEscape,
    /// The braces multiply to too long patterns.
    #[error("the alternatives multiply to patterns of more than {MAX_SIGNS} characters: split the pattern")]
    TooManySigns,
    /// The braces multiply to too many patterns.
    #[error("the alternatives multiply to more than {MAX_ALTERNATIVES} patterns: split the pattern")]
    TooManyAlternatives,
}

/// A pattern cut into characters of their own meaning, before alternatives are multiplied out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sign {
    Character(char),
    One,
    Star,
    User,
}

/// Parses a pattern and multiplies out its alternatives.
pub(super) fn alternatives(source: &str) -> Result<Box<[Box<[Token]>]>, GlobError> {
    if source.is_empty() {
        return Err(GlobError::Empty);
    }
    if source.len() > MAX_LEN {
        return Err(GlobError::TooLong(source.len()));
    }
    multiply_out(source)?.iter().map(|signs| tokens(signs)).collect()
}

/// The lists of signs that a pattern stands for, one for each choice among its alternatives.
fn multiply_out(source: &str) -> Result<Vec<Vec<Sign>>, GlobError> {
    let mut done: Vec<Vec<Sign>> = vec![Vec::new()];
    let mut rest = source.chars();
    while let Some(sign) = next_piece(&mut rest)? {
        let choices = match sign {
            Piece::Sign(sign) => vec![vec![sign]],
            Piece::Open => choices(&mut rest)?,
            Piece::Close => return Err(GlobError::UnbalancedBrace),
            Piece::Comma => vec![vec![Sign::Character(',')]],
        };
        if done.len().saturating_mul(choices.len()) > MAX_ALTERNATIVES {
            return Err(GlobError::TooManyAlternatives);
        }
        let signs = |lists: &[Vec<Sign>]| lists.iter().map(Vec::len).sum::<usize>();
        if signs(&done) * choices.len() + signs(&choices) * done.len() > MAX_SIGNS {
            return Err(GlobError::TooManySigns);
        }
        done = done
            .iter()
            .flat_map(|head| choices.iter().map(move |tail| [head.as_slice(), tail.as_slice()].concat()))
            .collect();
    }
    Ok(done)
}

/// What stands between `{` and `}`.
fn choices(rest: &mut std::str::Chars<'_>) -> Result<Vec<Vec<Sign>>, GlobError> {
    let mut all = Vec::new();
    let mut current = Vec::new();
    loop {
        match next_piece(rest)?.ok_or(GlobError::UnbalancedBrace)? {
            Piece::Sign(sign) => current.push(sign),
            Piece::Comma => all.push(std::mem::take(&mut current)),
            Piece::Open => return Err(GlobError::NestedBrace),
            Piece::Close => {
                all.push(current);
                return Ok(all);
            }
        }
        if all.len() > MAX_ALTERNATIVES {
            return Err(GlobError::TooManyAlternatives);
        }
    }
}

enum Piece {
    Sign(Sign),
    Open,
    Comma,
    Close,
}

fn next_piece(rest: &mut std::str::Chars<'_>) -> Result<Option<Piece>, GlobError> {
    let Some(character) = rest.next() else { return Ok(None) };
    let piece = match character {
        '\\' => Piece::Sign(Sign::Character(rest.next().ok_or(GlobError::TrailingEscape)?)),
        '?' => Piece::Sign(Sign::One),
        '*' => Piece::Sign(Sign::Star),
        '$' if rest.as_str().starts_with('{') => Piece::Sign(variable(rest)?),
        '{' => Piece::Open,
        ',' => Piece::Comma,
        '}' => Piece::Close,
        other => Piece::Sign(Sign::Character(other)),
    };
    Ok(Some(piece))
}

fn variable(rest: &mut std::str::Chars<'_>) -> Result<Sign, GlobError> {
    let (name, after) = rest.as_str().split_once('}').ok_or(GlobError::UnbalancedBrace)?;
    *rest = after.chars();
    if name == "{user" { Ok(Sign::User) } else { Err(GlobError::UnknownVariable(name.replacen('{', "", 1))) }
}

/// Joins characters to literals, and finds which stars are `**`.
fn tokens(signs: &[Sign]) -> Result<Box<[Token]>, GlobError> {
    let mut tokens = Vec::new();
    let mut literal = String::new();
    let mut rest = signs;
    let mut at_start = true;
    while let Some((sign, tail)) = rest.split_first() {
        rest = tail;
        if let Sign::Character(character) = sign {
            literal.push(*character);
            at_start = *character == '/';
            continue;
        }
        if !literal.is_empty() {
            tokens.push(Token::Literal(std::mem::take(&mut literal).into_bytes().into()));
        }
        let token = match (sign, tail) {
            (Sign::Star, [Sign::Star, after @ ..]) => {
                let (token, after) = double_star(at_start, after)?;
                rest = after;
                at_start = true;
                tokens.push(token);
                continue;
            }
            (Sign::Star, _) => Token::Run,
            (Sign::One, _) => Token::One,
            (Sign::User | Sign::Character(_), _) => Token::User,
        };
        at_start = false;
        tokens.push(token);
    }
    if !literal.is_empty() {
        tokens.push(Token::Literal(literal.into_bytes().into()));
    }
    Ok(tokens.into())
}

fn double_star(at_start: bool, after: &[Sign]) -> Result<(Token, &[Sign]), GlobError> {
    match after {
        [] if at_start => Ok((Token::Rest, after)),
        [Sign::Character('/'), after @ ..] if at_start => Ok((Token::Segments, after)),
        _ => Err(GlobError::PartialDoubleStar),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Glob, GlobError as E};

    #[test]
    fn faults_are_told_apart() {
        for (pattern, error) in [
            ("", E::Empty),
            ("feature**", E::PartialDoubleStar),
            ("a/**b", E::PartialDoubleStar),
            ("a/***", E::PartialDoubleStar),
            ("{a,b", E::UnbalancedBrace),
            ("a}", E::UnbalancedBrace),
            ("refs/heads/${user", E::UnbalancedBrace),
            ("${us", E::UnbalancedBrace),
            ("{a,{b}}", E::NestedBrace),
            ("${team}", E::UnknownVariable("team".into())),
            ("a\\", E::TrailingEscape),
        ] {
            assert_eq!(Glob::parse(pattern), Err(error), "{pattern}");
        }
    }

    #[test]
    fn a_bomb_of_braces_is_refused() {
        assert_eq!(Glob::parse(&"{a,b}".repeat(9)), Err(E::TooManyAlternatives));
        assert_eq!(Glob::parse(&"x".repeat(4097)), Err(E::TooLong(4097)));
        assert_eq!(Glob::parse(&format!("{}{}", "{a,b}".repeat(8), "?".repeat(4000))), Err(E::TooManySigns));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(pattern in "[a/{},*?$\\\\]{0,40}|\\PC{0,40}", text: Vec<u8>) {
            if let Ok(glob) = Glob::parse(&pattern) {
                glob.matches(&text, "user");
            }
        }
    }
}
