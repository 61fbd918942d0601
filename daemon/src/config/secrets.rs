use serde::Deserialize;

use super::ConfigError;

/// The longest that may be said, in days: a hundred years.
const LONGEST: u32 = 36_500;

/// `[secrets]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretsSection {
    /// How many days before its end one is warned of.
    pub warn_days: Option<u32>,
    /// How many days before its end it is an alarm.
    pub alarm_days: Option<u32>,
    /// From how many days on one without an end is to be rotated.
    pub rotate_days: Option<u32>,
}

/// When secrets and certificates are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretsConfig {
    /// How many days before its end one is warned of.
    pub warn_days: u32,
    /// How many days before its end it is an alarm.
    pub alarm_days: u32,
    /// From how many days on one without an end is to be rotated.
    pub rotate_days: u32,
}

impl Default for SecretsConfig {
    fn default() -> Self {
        Self { warn_days: 30, alarm_days: 3, rotate_days: 365 }
    }
}

impl SecretsConfig {
    pub(super) fn from_file(section: &SecretsSection) -> Result<Self, ConfigError> {
        let default = Self::default();
        let read = Self {
            warn_days: section.warn_days.unwrap_or(default.warn_days),
            alarm_days: section.alarm_days.unwrap_or(default.alarm_days),
            rotate_days: section.rotate_days.unwrap_or(default.rotate_days),
        };
        let fault = |key: &'static str, detail: String| Err(ConfigError::Value { key, detail });
        for (key, days) in [("secrets.warn_days", read.warn_days), ("secrets.rotate_days", read.rotate_days)]
        {
            if days == 0 || days > LONGEST {
                return fault(key, format!("it is 1 to {LONGEST} days"));
            }
        }
        if read.alarm_days > read.warn_days {
            return fault(
                "secrets.alarm_days",
                "an alarm comes after the warning: not more than `warn_days`".into(),
            );
        }
        Ok(read)
    }
}
