use crate::{facts::Identity, name::Username, snapshot::Snapshot};

/// Who is meant by what commits name, as far as the directory knows. Addresses are compared without regard to ASCII case.
#[derive(Debug, Clone, Copy)]
pub(super) struct People<'a> {
    /// The directory; `None` where the question is about roles and nobody in particular.
    pub(super) snapshot: Option<&'a Snapshot>,
    pub(super) pusher: &'a Username,
}

impl People<'_> {
    /// Whether the directory knows `email` as one of theirs.
    pub(super) fn has_email(self, user: &Username, email: &str) -> bool {
        let user = self.snapshot.and_then(|snapshot| snapshot.user(&user.key()));
        user.is_some_and(|user| user.emails().any(|known| known.eq_ignore_ascii_case(email)))
    }

    /// Whether the directory knows `email` as that of anybody, active or not.
    pub(super) fn is_of_somebody(self, email: &str) -> bool {
        self.snapshot.is_some_and(|snapshot| snapshot.is_email_of_somebody(email))
    }

    /// Whether `who` is the pusher, by any of their e-mails.
    pub(super) fn is_pusher(self, who: &Identity) -> bool {
        match who {
            Identity::Pusher => true,
            Identity::Stranger | Identity::NoEmail(_) => false,
            Identity::Email(email) => self.has_email(self.pusher, email),
        }
    }

    /// Whether `who` is an active user of the directory.
    pub(super) fn is_known(self, who: &Identity) -> bool {
        match who {
            Identity::Pusher => true,
            Identity::Stranger | Identity::NoEmail(_) => false,
            Identity::Email(email) => {
                self.snapshot.is_some_and(|snapshot| snapshot.is_email_of_somebody_active(email))
            }
        }
    }

    /// Whether `maker` is `user`, by any of their e-mails.
    pub(super) fn is_one(self, user: &Username, maker: &Identity) -> bool {
        match maker {
            Identity::Email(email) => self.has_email(user, email),
            Identity::Pusher => user.key() == self.pusher.key(),
            Identity::Stranger | Identity::NoEmail(_) => false,
        }
    }
}
