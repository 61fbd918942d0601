use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::{
    mirror::MirrorSettings,
    permission::{Holder, NameError, Place},
};

/// How permissions are kept, as the daemon's configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The user of Bitbucket whose token is used: nothing of it is touched.
    pub account: Holder,
    /// By which names Bitbucket knows the user whose token the daemon has, as far as it told: nothing of it is touched either.
    pub daemon: BTreeSet<Holder>,
    /// The sources whose groups Bitbucket has under the same names.
    pub groups: BTreeSet<String>,
    /// Whether Bitbucket writes group memberships itself when somebody signs in: then none are touched.
    pub jit: bool,
    /// Where permissions that others gave are treated as our own.
    pub adopt: BTreeSet<Place>,
    /// What is never touched.
    pub ignore: BTreeSet<Chosen>,
    /// How much may be taken at once, in hundredths of what is there.
    pub most_removed: u8,
    /// What `watch` does without being asked.
    pub automatic: BTreeSet<Automatic>,
    /// Which rules are written as branch restrictions, too.
    pub mirror: MirrorSettings,
}

/// Places, users and groups that are chosen: `PAY`, `PAY/api`, `user:ada`, `group:eng`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chosen {
    /// A place, and all that lies in it.
    Place(Place),
    /// A user or a group, wherever.
    Holder(Holder),
}

/// Why a text chooses nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write `PROJECT`, `PROJECT/slug`, `user:NAME` or `group:NAME`")]
pub struct ChosenError(#[from] NameError);

/// What may be done without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Automatic {
    /// Those who are gone lose all that they have.
    Leavers,
    /// What the policy gives is given.
    Give,
    /// What the policy gives no more is taken.
    Take,
}

impl Settings {
    /// Whether it is an account of ours: the one that is used, or the daemon's.
    pub fn is_own(&self, holder: &Holder) -> bool {
        *holder == self.account || self.daemon.contains(holder)
    }

    /// Whether something at a place, of somebody, is never touched.
    pub fn ignores(&self, place: Option<&Place>, holder: &Holder) -> bool {
        self.daemon.contains(holder) || self.names(place, holder)
    }

    /// Whether it is the configuration that says so: of what it names nothing is told either, also where somebody is gone.
    pub fn names(&self, place: Option<&Place>, holder: &Holder) -> bool {
        *holder == self.account
            || self.ignore.iter().any(|chosen| match chosen {
                Chosen::Place(one) => place.is_some_and(|place| one.holds(place)),
                Chosen::Holder(one) => one == holder,
            })
    }

    /// Whether nothing at a place is ever touched.
    pub fn ignores_place(&self, place: &Place) -> bool {
        self.ignore.iter().any(|chosen| matches!(chosen, Chosen::Place(one) if one.holds(place)))
    }

    /// Whether what others gave there is treated as our own.
    pub fn adopts(&self, place: &Place) -> bool {
        self.adopt.iter().any(|one| one.holds(place))
    }
}

impl FromStr for Chosen {
    type Err = ChosenError;

    fn from_str(text: &str) -> Result<Self, ChosenError> {
        match text.contains(':') {
            true => Ok(Self::Holder(text.parse()?)),
            false => Ok(Self::Place(text.parse()?)),
        }
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => place.fmt(f),
            Self::Holder(holder) => holder.fmt(f),
        }
    }
}

impl Automatic {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Leavers, Self::Give, Self::Take];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leavers => "leavers",
            Self::Give => "give",
            Self::Take => "take",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Chosen, Settings};
    use crate::permission::Holder;

    pub(super) fn settings() -> Settings {
        Settings {
            account: Holder::user("svc-oam").unwrap(),
            daemon: [Holder::user("svc-guard").unwrap()].into(),
            groups: Default::default(),
            jit: false,
            adopt: ["PAY".parse().unwrap()].into(),
            ignore: ["OPS".parse().unwrap(), "user:backup".parse().unwrap()].into(),
            most_removed: 10,
            automatic: Default::default(),
            mirror: Default::default(),
        }
    }

    #[test]
    fn what_is_ignored_and_what_is_adopted() {
        let settings = settings();
        let holder = |text: &str| text.parse::<Holder>().unwrap();
        let place = |text: &str| text.parse().unwrap();
        assert!(settings.ignores(None, &holder("user:SVC-oam")));
        assert!(settings.ignores(Some(&place("PAY")), &holder("user:Svc-Guard")));
        assert!(!settings.ignores(None, &holder("group:svc-guard")));
        assert!(
            settings.names(None, &holder("user:svc-OAM")) && !settings.names(None, &holder("user:svc-guard"))
        );
        assert!(settings.ignores(Some(&place("WEB")), &holder("user:backup")));
        assert!(!settings.ignores(Some(&place("WEB")), &holder("group:backup")));
        assert!(settings.ignores(Some(&place("ops/api")), &holder("user:ada")));
        assert!(settings.adopts(&place("PAY/api")) && !settings.adopts(&place("WEB")));
        for bad in ["", "role:x", "user:", "a/b/c"] {
            assert!(bad.parse::<Chosen>().is_err(), "{bad:?}");
        }
        assert_eq!("PAY/api".parse::<Chosen>().unwrap().to_string(), "PAY/api");
    }
}
