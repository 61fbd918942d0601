use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// How deep a document may be nested.
const DEEPEST: u8 = 16;

/// Why bytes are not JSON that means one thing only. What stands there is not repeated: it may be secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StrictError {
    /// A name twice in one object: one reader would take the first value, another the last.
    #[error("a name stands twice in one object")]
    Twice,
    /// Nested too deeply.
    #[error("it is nested more than {DEEPEST} deep")]
    Deep,
    /// No JSON in UTF-8, or something after its end.
    #[error("it is not JSON (column {0})")]
    Json(usize),
}

/// Reads a JSON document in which every name stands once in its object.
///
/// # Errors
/// When it is none.
pub fn strict(bytes: &[u8]) -> Result<Value, StrictError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Strict { deeper: DEEPEST }.deserialize(&mut reader);
    let fault = |error: serde_json::Error| match error.to_string() {
        text if text.starts_with(TWICE) => StrictError::Twice,
        text if text.starts_with(DEEP) => StrictError::Deep,
        _ => StrictError::Json(error.column()),
    };
    let value = read.map_err(fault)?;
    reader.end().map_err(fault)?;
    Ok(value)
}

// Our own words, since serde's errors are texts.
const TWICE: &str = "oam: a name twice";
const DEEP: &str = "oam: too deep";

#[derive(Clone, Copy)]
struct Strict {
    deeper: u8,
}

impl Strict {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        self.deeper.checked_sub(1).map(|deeper| Self { deeper }).ok_or_else(|| E::custom(DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(below)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut map = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(below)?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{StrictError, strict};

    #[test]
    fn a_name_stands_once() {
        assert_eq!(
            strict(br#"{"a":{"b":1},"c":[{"b":2}]}"#).unwrap(),
            json!({"a": {"b": 1}, "c": [{"b": 2}]})
        );
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"x":{"a":null,"b":0,"a":null}}]"#] {
            assert_eq!(strict(text.as_bytes()), Err(StrictError::Twice), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_told() {
        for text in
            ["", "{", "{}x", "{} {}", "{'a':1}", "\u{feff}{}", "{\"a\":NaN}", "{\"a\":1e999}", "\"\\ud800\""]
        {
            assert!(matches!(strict(text.as_bytes()), Err(StrictError::Json(_))), "{text}");
        }
        assert!(matches!(strict(b"\"\xff\""), Err(StrictError::Json(_))));
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(strict(nested(16).as_bytes()).is_ok());
        assert_eq!(strict(nested(17).as_bytes()), Err(StrictError::Deep));
        assert!(strict(nested(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn what_it_reads_everybody_reads_alike(text in r#"[\[\]{}":,0-9a-b\\ .e-]{0,40}"#) {
            if let Ok(value) = strict(text.as_bytes()) {
                prop_assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
