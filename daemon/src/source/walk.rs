//! Going through everybody of a source while others change it.

use std::{ops::Bound, sync::Arc};

use super::{Provisioned, Source, StoredGroup, StoredUser};

/// How many are taken at once.
const AT_ONCE: usize = 1_000;

impl Source {
    /// Goes through every user, in the order in which we heard of them. Who looks at one may take their time: a change of the
    /// source waits for whoever holds the roster, and behind it every decision, so nobody holds it meanwhile.
    pub(crate) fn each_user(&self, look: impl FnMut(Arc<StoredUser>)) {
        self.each(
            |known, last| known.users_behind(last).take(AT_ONCE).cloned().collect(),
            |user| &user.id,
            look,
        );
    }

    /// [`Self::each_user`] for groups.
    pub(crate) fn each_group(&self, look: impl FnMut(Arc<StoredGroup>)) {
        self.each(
            |known, last| known.groups_behind(last).take(AT_ONCE).cloned().collect(),
            |group| &group.id,
            look,
        );
    }

    fn each<T>(
        &self,
        some: impl Fn(&Provisioned, Option<&str>) -> Vec<Arc<T>>,
        id: impl Fn(&T) -> &str,
        mut look: impl FnMut(Arc<T>),
    ) {
        let mut last: Option<Box<str>> = None;
        loop {
            let next =
                self.roster().provisioned().map(|known| some(known, last.as_deref())).unwrap_or_default();
            let Some(newest) = next.last() else { return };
            last = Some(id(newest).into());
            next.into_iter().for_each(&mut look);
        }
    }
}

/// Behind an id, or from the first one on.
pub(super) fn behind(last: Option<&str>) -> (Bound<&str>, Bound<&str>) {
    (last.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{
        config::{SourceConfig, SourceKind, SourceName},
        directory,
        source::{Change, NotSo, Planned, Sources, tests::stored},
        store::{Opened, Store},
    };

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_goes_through_everybody_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let Opened { store, loaded, .. } = Store::open(folder.path()).unwrap();
        let directory = directory::start(store, loaded, Box::new(|_| Ok(()))).unwrap();
        let okta = SourceConfig::bare(SourceName::parse("okta").unwrap(), SourceKind::Scim);
        let (sources, _) = Sources::open(&[okta], folder.path(), directory).await.unwrap();
        let source = Arc::clone(sources.get("okta").unwrap());
        let said = |changes| {
            let planned = Planned { changes, subject: None, what: String::new(), answer: () };
            sources.change(&source, "test", |_, _| Ok::<_, NotSo>(planned))
        };
        let everybody = (0..2_500).map(|number| Change::PutUser(stored(number, &format!("n{number}"), true)));
        said(everybody.collect()).await.unwrap();
        let mut seen = Vec::new();
        source.each_user(|user| {
            // As a change takes it, behind which decisions wait.
            assert!(source.roster.try_write().is_ok(), "it is held while {} is looked at", user.id);
            seen.push(user.id.to_string());
        });
        let mut expected: Vec<_> = (0..2_500).map(|number| format!("u{number}")).collect();
        expected.sort();
        assert_eq!(seen, expected);
        // Who is gone meanwhile is not met.
        let mut left = 0;
        source.each_user(|_| {
            if left == 0 {
                let all = (0..2_500).map(|number| Change::DropUser(format!("u{number}").into()));
                let entry = crate::source::Entry { at: jiff::Timestamp::UNIX_EPOCH, changes: all.collect() };
                source.roster.write().unwrap().apply(entry);
            }
            left += 1;
        });
        assert_eq!(left, super::AT_ONCE);
    }
}
