//! Whether somebody may act.
//!
//! Directory servers say it in many ways, and none in all of them. What is there and cannot be read makes an account
//! inactive: it was put there to limit it.

use jiff::{Timestamp, civil::DateTime};
use serde::{Deserialize, Serialize};

use crate::Entry;

/// An attribute that may make an account inactive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// `userAccountControl`: the bit `ACCOUNTDISABLE` (Active Directory).
    UserAccountControl,
    /// `accountExpires`: since then (Active Directory).
    AccountExpires,
    /// `shadowExpire`: since the start of that day (`shadowAccount`).
    ShadowExpire,
    /// `pwdAccountLockedTime`: whatever it holds (OpenLDAP's password policies).
    PwdAccountLockedTime,
    /// `nsAccountLock`: `TRUE` (389 Directory Server, FreeIPA).
    NsAccountLock,
    /// `krbPrincipalExpiration`: since then (FreeIPA).
    KrbPrincipalExpiration,
}

/// Until when an account may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Standing {
    /// Not at all.
    Inactive,
    /// Until this instant.
    Until(Timestamp),
    /// Without an end.
    Active,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::UserAccountControl,
        Self::AccountExpires,
        Self::ShadowExpire,
        Self::PwdAccountLockedTime,
        Self::NsAccountLock,
        Self::KrbPrincipalExpiration,
    ];

    /// The attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserAccountControl => "userAccountControl",
            Self::AccountExpires => "accountExpires",
            Self::ShadowExpire => "shadowExpire",
            Self::PwdAccountLockedTime => "pwdAccountLockedTime",
            Self::NsAccountLock => "nsAccountLock",
            Self::KrbPrincipalExpiration => "krbPrincipalExpiration",
        }
    }

    fn standing(self, value: &str) -> Standing {
        let number = || value.trim().parse::<i64>().ok();
        let until = |instant: Option<Timestamp>| instant.map_or(Standing::Inactive, Standing::Until);
        match self {
            Self::UserAccountControl => match number() {
                Some(flags) if flags & 2 == 0 => Standing::Active,
                _ => Standing::Inactive,
            },
            Self::AccountExpires => match number() {
                Some(0 | i64::MAX) => Standing::Active,
                other => until(other.and_then(of_windows)),
            },
            Self::ShadowExpire => match number() {
                Some(-1) => Standing::Active,
                other => until(other.and_then(of_days)),
            },
            Self::PwdAccountLockedTime => Standing::Inactive,
            Self::NsAccountLock if value.eq_ignore_ascii_case("false") => Standing::Active,
            Self::NsAccountLock => Standing::Inactive,
            Self::KrbPrincipalExpiration => until(generalized_time(value)),
        }
    }
}

/// Until when somebody may act, by all of these attributes: the earliest end.
pub fn standing(entry: &Entry, limits: &[Limit]) -> Standing {
    let of = |limit: &Limit| {
        let values = entry.values(limit.as_str()).iter();
        let read = |value: &Vec<u8>| {
            std::str::from_utf8(value).map_or(Standing::Inactive, |text| limit.standing(text))
        };
        // Every account of Active Directory has it: where it is missing, we are not allowed to read it.
        let missing = Some(Standing::Inactive).filter(|_| *limit == Limit::UserAccountControl);
        values.map(read).min().or(missing)
    };
    limits.iter().filter_map(of).min().unwrap_or(Standing::Active)
}

/// Hundreds of nanoseconds since 1601.
fn of_windows(ticks: i64) -> Option<Timestamp> {
    let seconds = ticks.div_euclid(10_000_000).checked_sub(11_644_473_600)?;
    let nanoseconds = i32::try_from(ticks.rem_euclid(10_000_000) * 100).ok()?;
    Timestamp::new(seconds, nanoseconds).ok()
}

fn of_days(days: i64) -> Option<Timestamp> {
    Timestamp::from_second(days.checked_mul(86_400)?).ok()
}

/// `YYYYMMDDHHMMSS[.f]Z`, which is how servers write it.
fn generalized_time(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z')?;
    let text = text.split(['.', ',']).next()?;
    if text.len() != 14 {
        return None;
    }
    let at = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::entry;

    #[test]
    fn each_server_says_it_in_its_own_way() {
        let until = |text: &str| Standing::Until(text.parse().unwrap());
        for (name, value, expected) in [
            ("userAccountControl", "512", Standing::Active),
            ("userAccountControl", "514", Standing::Inactive),
            ("userAccountControl", "x", Standing::Inactive),
            ("accountExpires", "0", Standing::Active),
            ("accountExpires", "9223372036854775807", Standing::Active),
            ("accountExpires", "133484544005000000", until("2023-12-31T00:00:00.5Z")),
            ("accountExpires", "-1", until("1600-12-31T23:59:59.9999999Z")),
            ("accountExpires", "", Standing::Inactive),
            ("shadowExpire", "-1", Standing::Active),
            ("shadowExpire", "19722", until("2023-12-31T00:00:00Z")),
            ("shadowExpire", "0", until("1970-01-01T00:00:00Z")),
            ("shadowExpire", "9223372036854775807", Standing::Inactive),
            ("pwdAccountLockedTime", "000001010000Z", Standing::Inactive),
            ("nsAccountLock", "false", Standing::Active),
            ("nsAccountLock", "TRUE", Standing::Inactive),
            ("krbPrincipalExpiration", "20231231000000Z", until("2023-12-31T00:00:00Z")),
            ("krbPrincipalExpiration", "20231231000000.5Z", until("2023-12-31T00:00:00Z")),
            ("krbPrincipalExpiration", "2023", Standing::Inactive),
        ] {
            let entry = entry("uid=a", &[(name, &[value])]);
            let limit = Limit::ALL.into_iter().find(|limit| limit.as_str() == name).unwrap();
            assert_eq!(standing(&entry, &[limit]), expected, "{name}: {value}");
            // What is not looked at limits nobody.
            assert_eq!(standing(&entry, &[]), Standing::Active, "{name}: {value}");
        }
    }

    #[test]
    fn the_earliest_end_counts() {
        let both = [("shadowExpire", &["19722"][..]), ("accountExpires", &["0"][..])];
        let limits = [Limit::AccountExpires, Limit::ShadowExpire];
        let end = Standing::Until("2023-12-31T00:00:00Z".parse().unwrap());
        assert_eq!(standing(&entry("uid=a", &both), &limits), end);
        assert_eq!(standing(&entry("uid=a", &[]), &limits), Standing::Active);
    }

    #[test]
    fn an_account_whose_state_we_may_not_read_is_inactive() {
        assert_eq!(standing(&entry("cn=a", &[]), &[Limit::UserAccountControl]), Standing::Inactive);
    }
}
