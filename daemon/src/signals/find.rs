use super::{Receiver, Subject};
use crate::source::{Found, Source};

impl Receiver {
    /// Whom a subject names, by what the configuration says that it names people by. Where it names them in several ways,
    /// all that find anybody must find the same one.
    pub(super) fn find(&self, source: &Source, subject: &Subject) -> Found {
        let names = subject.names(&self.config.subject_issuer).into_iter();
        let searched = names.filter_map(|(format, text)| Some((*self.config.subjects.get(&format)?, text)));
        searched.map(|(attribute, text)| source.find(attribute, text)).fold(Found::Nobody, Found::and)
    }
}
