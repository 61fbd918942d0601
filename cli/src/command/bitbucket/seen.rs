use std::{fs, io, path::PathBuf, time::Duration};

use clap::Args;
use jiff::Timestamp;
use oam_bitbucket::provision::{Reading, Seen};
use oam_fetch::WebUrl;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What was read of Bitbucket before, and whether that is believed.
#[derive(Debug, Args)]
pub(super) struct Keeping {
    /// A file that keeps what was read in Bitbucket, so that it need not be read again at once
    #[arg(long, value_name = "FILE")]
    seen: Option<PathBuf>,
    /// How old what that file says may be, as in `15m`; without it all is read again
    #[arg(long, requires = "seen", value_name = "TIME", value_parser = length)]
    seen_within: Option<Duration>,
}

/// The file, for one Bitbucket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    url: String,
    seen: Seen,
}

impl Keeping {
    /// What is believed now.
    pub(super) fn reading(&self) -> Reading {
        let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
        Reading { now, within: self.seen_within.unwrap_or_default().as_secs() }
    }

    /// What was kept; nothing where there is none that can be read: then it is read in Bitbucket.
    pub(super) fn read(&self, url: &WebUrl) -> Result<Seen, Failure> {
        let Some(file) = &self.seen else { return Ok(Seen::default()) };
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Seen::default()),
            Err(error) => return Err(Failure::read(file, error)),
        };
        let kept = serde_json::from_str(&text).ok().filter(|kept: &Kept| kept.url == url.as_str());
        Ok(kept.map(|kept| kept.seen).unwrap_or_default())
    }

    /// Keeps it, whole or not at all.
    pub(super) fn write(&self, url: &WebUrl, seen: &Seen) -> Result<(), Failure> {
        let Some(file) = &self.seen else { return Ok(()) };
        let fault = |error| Failure::write(file, error);
        let kept = Kept { url: url.as_str().to_owned(), seen: seen.clone() };
        let text = serde_json::to_string(&kept).map_err(|error| fault(error.into()))?;
        let draft = file.with_extension("draft");
        fs::write(&draft, text + "\n").map_err(fault)?;
        fs::rename(&draft, file).map_err(fault)
    }
}

/// A length of time, as in `15m` or `90d`.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    let seconds = match text.chars().last() {
        Some('d') => 24 * 60 * 60,
        Some('h') => 60 * 60,
        Some('m') => 60,
        Some('s') => 1,
        _ => 0,
    };
    let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<u64>().ok());
    let length = number.and_then(|number| number.checked_mul(seconds)).filter(|length| *length > 0);
    length.map(Duration::from_secs).ok_or_else(|| "write it like `90d`, `1h`, `15m` or `30s`".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::length;

    #[test]
    fn lengths_of_time_are_read_and_none_is_nothing() {
        assert_eq!(length("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(length("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(length("90d"), Ok(Duration::from_secs(90 * 86_400)));
        for bad in
            ["", "15", "0s", "-1h", "soon", "m", "15ä", "99999999999999999999d", "9999999999999999999d"]
        {
            assert!(length(bad).is_err(), "{bad:?}");
        }
    }
}
