use std::fmt::Write as _;

use crate::Secret;

/// Fields as a form sends them (`application/x-www-form-urlencoded`). They may hold secrets, and are not printed.
#[derive(Debug, Clone)]
pub struct Form(Secret);

impl Default for Form {
    fn default() -> Self {
        Self(Secret::new(""))
    }
}

impl Form {
    /// No field.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more field.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        let mut text = self.0.reveal().to_owned();
        if !text.is_empty() {
            text.push('&');
        }
        encode(&mut text, name);
        text.push('=');
        encode(&mut text, value);
        Self(Secret::new(text))
    }

    /// With one more field where there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// As it is sent in a body, or after the `?` of a URL.
    pub fn encoded(&self) -> &str {
        self.0.reveal()
    }

    /// The fields of an encoded text, in order. `None` when it is not one.
    pub fn parse(text: &str) -> Option<Vec<(String, String)>> {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((Self::decode(name)?, Self::decode(value)?))
        };
        text.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
    }

    /// A name or a value of an encoded text. `None` when it is not one.
    pub fn decode(text: &str) -> Option<String> {
        let mut bytes = text.bytes();
        let mut decoded = Vec::with_capacity(text.len());
        while let Some(byte) = bytes.next() {
            decoded.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                    let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                    u8::try_from(high * 16 + low).ok()?
                }
                byte => byte,
            });
        }
        String::from_utf8(decoded).ok()
    }
}

fn encode(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn what_was_encoded_is_read_again() {
        let form = Form::new().with("scope", "openid profile").with("a&b", "ü=%+").with_some("no", None);
        assert_eq!(form.encoded(), "scope=openid%20profile&a%26b=%C3%BC%3D%25%2B");
        let fields = Form::parse(form.encoded()).unwrap();
        assert_eq!(fields, [("scope".into(), "openid profile".into()), ("a&b".into(), "ü=%+".into())]);
        assert!(!format!("{form:?}").contains("openid"));
    }

    #[test]
    fn what_is_not_encoded_well_is_none() {
        for text in ["a=%", "a=%2", "a=%zz", "a=%ff"] {
            assert_eq!(Form::parse(text), None, "{text}");
        }
        assert_eq!(Form::parse("a+b"), Some(vec![("a b".into(), String::new())]));
    }
}
