//! What a server says of one object.

/// One object with those of its attributes that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its distinguished name, as the server spells it.
    pub dn: String,
    /// The attributes, in the server's order.
    pub attributes: Vec<Attribute>,
}

/// An attribute with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The description: the type, and options behind `;`.
    pub name: String,
    /// The values.
    pub values: Vec<Vec<u8>>,
}

/// How far a server went through the values of an attribute that has many, as in `member;range=0-1499`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range<'a> {
    /// The values of this part.
    pub values: &'a [Vec<u8>],
    /// Where the next part starts; `None`: this is the last.
    pub next: Option<u32>,
}

impl Entry {
    /// The values of an attribute, whatever case it is written in.
    pub fn values(&self, name: &str) -> &[Vec<u8>] {
        let found = self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name));
        found.map_or(&[], |attribute| attribute.values.as_slice())
    }

    /// The first value of an attribute.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.values(name).first().map(Vec::as_slice)
    }

    /// The first value of an attribute, if it is a text that is not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    /// The values of an attribute that are texts and not empty.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let texts = self.values(name).iter().filter_map(|value| std::str::from_utf8(value).ok());
        texts.filter(|text| !text.is_empty())
    }

    /// The part of an attribute's values that the server sent in place of all of them.
    pub fn range(&self, name: &str) -> Option<Range<'_>> {
        self.attributes.iter().find_map(|attribute| {
            let (base, option) = attribute.name.split_once(';')?;
            let (word, range) = option.split_once('=')?;
            if !base.eq_ignore_ascii_case(name) || !word.eq_ignore_ascii_case("range") {
                return None;
            }
            let (_, end) = range.split_once('-')?;
            let next = match end {
                "*" => None,
                number => Some(number.parse::<u32>().ok()?.checked_add(1)?),
            };
            Some(Range { values: &attribute.values, next })
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Entry {
        let attribute = |(name, values): &(&str, &[&str])| Attribute {
            name: (*name).to_owned(),
            values: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
        };
        Entry { dn: dn.to_owned(), attributes: attributes.iter().map(attribute).collect() }
    }

    #[test]
    fn names_of_attributes_have_no_case() {
        let entry = entry("cn=a", &[("sAMAccountName", &["", "alice"])]);
        assert_eq!(entry.text("samaccountname"), Some("alice"));
        assert_eq!(entry.text("mail"), None);
    }

    #[test]
    fn parts_of_many_values_are_told_apart_from_all_of_them() {
        for (name, next) in [
            ("member;range=0-1499", Some(Some(1500))),
            ("Member;Range=1500-*", Some(None)),
            ("member", None),
            ("member;binary", None),
            ("member;range=0", None),
            ("member;range=0-x", None),
            ("member;range=0-4294967295", None),
            ("members;range=0-1", None),
        ] {
            let entry = entry("cn=g", &[(name, &["cn=a"])]);
            assert_eq!(entry.range("member").map(|range| range.next), next, "{name}");
        }
    }
}
