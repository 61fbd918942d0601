//! Asking for nothing but an answer, to know that the server is there.

use oam_ldap::{
    Filter, Message,
    message::Response,
    request::{Scope, Search},
};
use tokio::time::Instant;

use super::{
    LdapError,
    connection::{ANSWER, Connection},
};

/// What was asked, if it is not answered yet, and since when the answer is waited for.
#[derive(Debug, Default)]
pub(super) struct Probe {
    open: Option<(i32, Instant)>,
}

impl Probe {
    /// Asks.
    pub(super) async fn begin(connection: &mut Connection) -> Result<Self, LdapError> {
        // RFC 4511, 4.5.1.8: no attributes at all.
        let attributes = ["1.1".to_owned()];
        let filter = Filter::everything();
        let search = Search { base: "", scope: Scope::Base, filter: &filter, attributes: &attributes };
        let id = connection.begin(&search, &[]).await?;
        Ok(Self { open: Some((id, Instant::now())) })
    }

    /// Whether it is not answered yet.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether a message is an answer, or a part of one.
    pub(super) fn is_about(&self, message: &Message) -> bool {
        self.open.is_some_and(|(id, _)| id == message.id)
    }

    /// Takes a message that is about it; tells whether it is answered by that.
    pub(super) fn take(&mut self, message: &Message) -> bool {
        let is_end = matches!(message.response, Response::Done(_));
        if is_end {
            self.open = None;
        }
        is_end
    }

    /// Something else was taken until now: the answer may stand behind it, and was not looked for.
    pub(super) fn wait_from(&mut self, now: Instant) {
        if let Some((_, since)) = &mut self.open {
            *since = now;
        }
    }

    /// Whether the answer does not come.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.open.is_some_and(|(_, since)| now.duration_since(since) >= ANSWER)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_that_stands_behind_what_is_looked_up_is_waited_for() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let mut probe = Probe { open: Some((7, begin)) };
        assert!(!probe.is_silent(begin + ANSWER - second));
        assert!(probe.is_silent(begin + ANSWER));
        // Looking up whoever was moved took longer than that.
        let after = begin + ANSWER + ANSWER;
        probe.wait_from(after);
        assert!(!probe.is_silent(after + second));
        assert!(probe.is_silent(after + ANSWER), "the server is waited for from then on");
        let mut probe = Probe::default();
        probe.wait_from(begin);
        assert!(!probe.is_open() && !probe.is_silent(after));
    }
}
