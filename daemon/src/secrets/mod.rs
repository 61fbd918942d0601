//! Secrets and certificates: how old each is, when it ends, and whether it could be used as it lies there now.
//!
//! **In:** the files that the configuration names, the tokens that were made for others, the key of the audit log. **Out:** a list
//! for people and metrics, and sentences about those that somebody should renew.
//!
//! Nothing is kept: each file is looked at when somebody wants to know. Who uses one reads it by itself.
//!
//! **Must never:** tell what stands in one.

mod file;
mod inventory;

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use crate::{config::SecretsConfig, service::Live};

pub(crate) use file::SecretFile;

/// What a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Our own certificate.
    Certificate,
    /// Authorities whose certificates are believed.
    Authority,
    /// A private key.
    Key,
    /// A text that we show, or compare with: a password, a token of somebody else's.
    Secret,
    /// A token that we made, of which only a digest is kept.
    Token,
}

/// One secret, or one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The key of the configuration that names it, or what it is.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where it lies.
    pub path: Option<PathBuf>,
    /// Since when it is good, or lies there.
    pub since: Option<Timestamp>,
    /// When it ends; `None`: never, or nobody can tell.
    pub ends: Option<Timestamp>,
    /// Why it could not be used as it lies there.
    pub fault: Option<String>,
}

/// How one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Well,
    /// It has no end, and is old.
    Old,
    /// It has no end, and is older by half: nobody heeded the warning.
    TooOld,
    /// It ends soon.
    EndsSoon,
    /// It ends very soon.
    EndsNow,
    /// It has ended.
    Ended,
    /// It could not be used.
    Unusable,
}

impl Kind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Authority => "authority",
            Self::Key => "key",
            Self::Secret => "secret",
            Self::Token => "token",
        }
    }

    /// Whether it is to be rotated for its age alone.
    const fn grows_old(self) -> bool {
        matches!(self, Self::Key | Self::Secret)
    }
}

impl State {
    /// Every one.
    pub const ALL: [Self; 7] =
        [Self::Well, Self::Old, Self::TooOld, Self::EndsSoon, Self::EndsNow, Self::Ended, Self::Unusable];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Old => "old",
            Self::TooOld => "too-old",
            Self::EndsSoon => "ends-soon",
            Self::EndsNow => "ends-now",
            Self::Ended => "ended",
            Self::Unusable => "unusable",
        }
    }

    /// Whether somebody must look at it now: it does not work, or soon does not, or the next start may fail by it.
    const fn is_alarm(self) -> bool {
        matches!(self, Self::TooOld | Self::EndsNow | Self::Ended | Self::Unusable)
    }

    /// Whether somebody should look at it.
    const fn is_warning(self) -> bool {
        matches!(self, Self::Old | Self::EndsSoon)
    }
}

impl Held {
    /// How it is at `now`.
    pub fn state(&self, bounds: &SecretsConfig, now: Timestamp) -> State {
        let days = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
        if self.fault.is_some() {
            return State::Unusable;
        }
        match (self.ends, self.since) {
            (Some(ends), _) => match ends.duration_since(now) {
                left if left <= SignedDuration::ZERO => State::Ended,
                left if left <= days(bounds.alarm_days) => State::EndsNow,
                left if left <= days(bounds.warn_days) => State::EndsSoon,
                _ => State::Well,
            },
            (None, Some(since)) if self.kind.grows_old() => {
                let rotate = days(bounds.rotate_days);
                match now.duration_since(since) {
                    age if age >= rotate + rotate / 2 => State::TooOld,
                    age if age >= rotate => State::Old,
                    _ => State::Well,
                }
            }
            (None, _) => State::Well,
        }
    }

    /// What somebody should know of it, in a sentence.
    fn sentence(&self, state: State, now: Timestamp) -> Option<String> {
        let name = &self.name;
        let days = |duration: SignedDuration| duration.as_hours() / 24;
        let path = self.path.as_ref().map(|path| format!(" (`{}`)", path.display())).unwrap_or_default();
        match (state, self.ends, self.since, &self.fault) {
            (State::Unusable, _, _, Some(fault)) => Some(format!(
                "`{name}`{path} could not be used as it lies there now: {fault}. What was read before stays in use as long as \
                 the daemon runs: mend it before the next start"
            )),
            (State::Ended, Some(ends), ..) => Some(format!(
                "`{name}`{path} has ended, {} days ago: put another one there",
                days(now.duration_since(ends))
            )),
            (State::EndsSoon | State::EndsNow, Some(ends), ..) => {
                let left = match days(ends.duration_since(now)) {
                    0 => "within a day".to_owned(),
                    1 => "in 1 day".to_owned(),
                    days => format!("in {days} days"),
                };
                Some(format!("`{name}`{path} ends {left}: put another one there, no restart is needed"))
            }
            (State::Old | State::TooOld, _, Some(since), _) => Some(format!(
                "`{name}`{path} is {} days old: rotate it before somebody has to",
                days(now.duration_since(since))
            )),
            _ => None,
        }
    }
}

/// All of them, by name.
pub fn list(live: &Live) -> Vec<Held> {
    let mut list = inventory::of(live);
    list.sort_by(|one, other| one.name.cmp(&other.name));
    list
}

/// What somebody must look at now, a sentence each.
pub fn alarms(live: &Live, now: Timestamp) -> Vec<String> {
    told(live, now, State::is_alarm)
}

/// What somebody should look at, a sentence each.
pub fn warnings(live: &Live, now: Timestamp) -> Vec<String> {
    told(live, now, State::is_warning)
}

fn told(live: &Live, now: Timestamp, is_wanted: impl Fn(State) -> bool) -> Vec<String> {
    // Whoever made a token warns of it, with what is to be done.
    let others = list(live).into_iter().filter(|held| held.kind != Kind::Token);
    let one = |held: Held| {
        let state = held.state(&live.config.secrets, now);
        held.sentence(state, now).filter(|_| is_wanted(state))
    };
    others.filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Held, Kind, SecretsConfig, State};

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_hours(24 * day)).unwrap()
    }

    #[test]
    fn ends_are_told_early_and_age_only_where_there_is_no_end() {
        let bounds = SecretsConfig { warn_days: 30, alarm_days: 3, rotate_days: 365 };
        let held = |kind, ends: Option<i64>| Held {
            name: "tcp.key".into(),
            kind,
            path: None,
            since: Some(at(0)),
            ends: ends.map(at),
            fault: None,
        };
        let certificate = held(Kind::Certificate, Some(1_000));
        for (day, state) in [
            (969, State::Well),
            (970, State::EndsSoon),
            (996, State::EndsSoon),
            (997, State::EndsNow),
            (1_000, State::Ended),
            (2_000, State::Ended),
        ] {
            assert_eq!(certificate.state(&bounds, at(day)), state, "{day}");
        }
        for (kind, old, too_old) in [
            (Kind::Key, State::Old, State::TooOld),
            (Kind::Secret, State::Old, State::TooOld),
            (Kind::Authority, State::Well, State::Well),
        ] {
            assert_eq!(held(kind, None).state(&bounds, at(364)), State::Well);
            assert_eq!(held(kind, None).state(&bounds, at(365)), old);
            // Half of 365 days more: 547 and a half.
            assert_eq!(held(kind, None).state(&bounds, at(547)), old);
            assert_eq!(held(kind, None).state(&bounds, at(548)), too_old);
        }
        let said = held(Kind::Key, None).sentence(State::TooOld, at(548)).unwrap();
        assert!(said.contains("is 548 days old"), "{said}");
        let broken = Held { fault: Some("it is empty".into()), ..certificate };
        assert_eq!(broken.state(&bounds, at(0)), State::Unusable);
        let said = broken.sentence(State::Unusable, at(0)).unwrap();
        assert!(said.contains("it is empty") && said.contains("stays in use"), "{said}");
    }

    #[test]
    fn each_state_but_that_of_what_is_well_is_a_warning_or_an_alarm() {
        let of = |is: fn(State) -> bool| State::ALL.into_iter().filter(move |state| is(*state));
        let alarms: Vec<_> = of(State::is_alarm).collect();
        assert_eq!(alarms, [State::TooOld, State::EndsNow, State::Ended, State::Unusable]);
        assert_eq!(of(State::is_warning).collect::<Vec<_>>(), [State::Old, State::EndsSoon]);
    }
}
