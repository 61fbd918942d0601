//! JSON that is stable for programs, and harmless on a terminal.

use std::io;

use serde::Serialize;

use super::{page, shown};

/// A value as JSON text, without a line feed. Characters that a terminal could act upon, or that hide, are written
/// as `\u` escapes: the same value to a program.
pub(super) fn text(value: &impl Serialize, pretty: bool) -> io::Result<String> {
    let json = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    Ok(escaped(&json?))
}

/// Beyond ASCII, JSON has characters in its strings only, where each may be written as an escape.
pub(super) fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        let mut bytes = [0; 4];
        let plain: &str = character.encode_utf8(&mut bytes);
        if character >= '\u{7f}' && shown(plain) != plain {
            for unit in character.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// A moment of a message as RFC 3339 in UTC, to the microsecond.
pub(super) fn time(micros: i64) -> Option<String> {
    page::moment(micros).map(|at| format!("{at:.6}"))
}

/// A text that may be empty, which stands for "none".
pub(super) fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{shown, text};

    #[test]
    fn what_a_terminal_could_act_upon_is_escaped_and_means_the_same() {
        let hostile = "é\u{1b}[2J\u{9b}2J\u{7f}\u{202e}\u{e0001}\\\"\n";
        let json = text(&[hostile], false).unwrap();
        assert!(!json.chars().any(char::is_control), "{json:?}");
        assert!(json.contains('é') && !json.contains('\u{202e}'));
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), [hostile]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_survives_and_none_reaches_the_terminal_raw(any: String) {
            let json = text(&any, false).unwrap();
            proptest::prop_assert!(json.chars().all(|c| c == '\\' || shown(&c.to_string()) == c.to_string()));
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), any);
        }
    }
}
