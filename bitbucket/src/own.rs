//! Whose token it is that is used: Bitbucket names its user in each answer, without being asked.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use oam_fetch::{Answer, Form};
use serde::de::IgnoredAny;

use crate::{
    client::{API, Ask, Bitbucket},
    error::Error,
    permission::Holder,
};

/// The header in which the user is named.
const HEADER: &str = "x-ausername";

/// By which names the user may be meant that Bitbucket named last; empty: it named nobody.
#[derive(Debug, Default)]
pub(crate) struct Own(Mutex<BTreeSet<Holder>>);

impl Own {
    /// Notes who is named in a good answer, if anybody is.
    pub(crate) fn note(&self, answer: &Answer) {
        let names: BTreeSet<_> = answer.header(HEADER).flat_map(meant).collect();
        if !names.is_empty() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = names;
        }
    }

    fn names(&self) -> BTreeSet<Holder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Bitbucket {
    /// By which names the user may be meant whose token this is, as far as Bitbucket has told; empty: it has not.
    pub fn own_names(&self) -> BTreeSet<Holder> {
        self.own.names()
    }

    /// The same, after something was asked that everybody may ask: whoever was renamed has another name now than when it was told last.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn ask_own_names(&self) -> Result<BTreeSet<Holder>, Error> {
        let ask = Ask::get("finding out whose token it is", format!("{API}/projects"));
        self.first::<IgnoredAny>(ask).await?;
        Ok(self.own_names())
    }
}

/// Whom a value of the header may mean. It is said to be written as in a form; where it is not, its very text is meant.
fn meant(text: &str) -> impl Iterator<Item = Holder> {
    let names = [Some(text.to_owned()), Form::decode(text)];
    names.into_iter().flatten().filter_map(|name| Holder::user(&name))
}

#[cfg(test)]
mod tests {
    use super::{Holder, meant};

    #[test]
    fn a_name_is_meant_as_it_stands_there_and_as_a_form_would_write_it() {
        for (text, name) in [
            ("svc-oam", "SVC-oam"),
            ("svc%40example.com", "svc@example.com"),
            ("j%C3%BCrgen+b", "jürgen b"),
            ("a+b", "a+b"),
            ("100%", "100%"),
        ] {
            assert!(meant(text).any(|one| Some(one) == Holder::user(name)), "{text}");
        }
        for text in ["", "%4", "%zz", "%ff", "%0a"] {
            assert!(meant(text).all(|one| one.name() == text), "{text:?}");
        }
    }
}
