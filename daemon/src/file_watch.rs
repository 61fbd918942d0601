//! When files that are followed are read again.

use std::time::Duration;

use tokio::{sync::Notify, time};

use crate::{aside::Seen, backoff::Again};

/// How often files are looked at. Looking, unlike waiting for notifications, also works on NFS and on folders that are swapped
/// by a link, as Bitbucket's shared home and configuration maps are.
const EVERY: Duration = Duration::from_millis(500);

/// What is known of files that are looked at now and then; `L` is how they look.
///
/// They are read when they have changed and lain still for one look, when somebody asks for it, and again, less and less often,
/// when they could not be read for a reason that may pass.
#[derive(Debug)]
pub(crate) struct FileWatch<L> {
    /// How they looked when they were read; `None` where they are to be read however they look.
    read: Option<L>,
    seen: Option<L>,
    again: Option<Again>,
}

impl<L: Clone + PartialEq> FileWatch<L> {
    /// Of files that looked so when they were read at the start, before they are followed; `None` where they could not be.
    pub(crate) fn new(read: Option<L>) -> Self {
        Self { seen: read.clone(), read, again: None }
    }

    /// Waits for the next look, and whether it is one that was asked for.
    pub(crate) async fn next(&self, now: &Notify) -> bool {
        tokio::select! {
            () = time::sleep(EVERY) => false,
            () = now.notified() => true,
        }
    }

    /// Whether they are to be read, as they look now.
    pub(crate) fn is_due(&mut self, look: Seen<L>, asked: bool) -> bool {
        // That they were silent was told, and is so until they are read, also where nothing has changed.
        if look.was_late {
            self.read = None;
        }
        let is_still = look.what == self.seen;
        self.seen = look.what;
        let is_time = self.again.as_ref().is_some_and(Again::is_due);
        asked || (is_still && (is_time || self.read != self.seen))
    }

    /// They were read, and `looked` so then; `None`: as they were seen last.
    pub(crate) fn was_read(&mut self, looked: Option<L>, may_be_read_later: bool) {
        self.read = looked.or_else(|| self.seen.clone());
        self.again = may_be_read_later.then(|| Again::after(self.again.take()));
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use tokio::sync::Notify;

    use super::{FileWatch, Seen};

    fn looks(what: u8) -> Seen<u8> {
        Seen { what: Some(what), was_late: false }
    }

    #[test]
    fn what_changed_and_lies_still_is_read_once() {
        let mut watch = FileWatch::new(Some(1));
        assert!(!watch.is_due(looks(1), false));
        assert!(!watch.is_due(looks(2), false), "somebody may be writing");
        assert!(!watch.is_due(looks(3), false));
        assert!(watch.is_due(looks(3), false));
        watch.was_read(None, false);
        assert!(!watch.is_due(looks(3), false));
        // It changed once more before it was read, and back.
        assert!(!watch.is_due(looks(4), false) && watch.is_due(looks(4), false));
        watch.was_read(Some(5), false);
        assert!(watch.is_due(looks(4), false));
    }

    #[test]
    fn what_changed_since_the_start_is_read_and_so_is_what_could_not_be_read_then() {
        let mut watch = FileWatch::new(Some(1));
        assert!(!watch.is_due(looks(2), false) && watch.is_due(looks(2), false));
        let mut watch = FileWatch::new(None);
        assert!(!watch.is_due(looks(1), false) && watch.is_due(looks(1), false));
    }

    #[tokio::test]
    async fn what_is_asked_for_is_read_at_once() {
        let (mut watch, now) = (FileWatch::new(Some(1)), Notify::new());
        now.notify_one();
        assert!(watch.next(&now).await);
        assert!(watch.is_due(looks(1), true));
        assert!(!watch.next(&now).await);
    }

    #[test]
    fn what_was_silent_is_read_when_it_answers_though_nothing_has_changed() {
        let mut watch = FileWatch::new(Some(1));
        assert!(watch.is_due(Seen { what: Some(1), was_late: true }, false));
        watch.was_read(None, false);
        assert!(!watch.is_due(looks(1), false));
    }

    /// Less and less often: not at each look.
    #[test]
    fn what_could_not_be_read_for_a_passing_reason_is_tried_again() {
        let mut watch = FileWatch::new(Some(1));
        assert!(!watch.is_due(looks(2), false) && watch.is_due(looks(2), false));
        watch.was_read(None, true);
        assert!(!watch.is_due(looks(2), false));
        while !watch.is_due(looks(2), false) {
            thread::sleep(Duration::from_millis(20));
        }
        // Never while somebody is writing.
        assert!(!watch.is_due(looks(3), false));
        watch.was_read(None, false);
        thread::sleep(Duration::from_millis(1_100));
        assert!(!watch.is_due(looks(3), false), "it was read");
    }
}
