//! What `explain` and `who` have in common: a ref, a verb, and what to decide by.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::PathBuf};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use jiff::Timestamp;
use oam_policy::{Channel, RefName, printable::Printable};
use oam_proto::v1::{Faults, PolicyFile};

use super::{Context, Ending, policy::files};
use crate::{
    exit::Exit,
    failure::Failure,
    output::faults::{self, DraftJson},
};

/// What can be done to a ref.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Verb {
    /// The ref does not exist yet
    Create,
    /// The new tip has the old one in its history
    Update,
    /// Any other move; moving a tag always is one
    Force,
    /// The ref ceases to exist
    Delete,
}

impl Verb {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Force => "force",
            Self::Delete => "delete",
        }
    }
}

/// What to decide by, where it is not what is in force now.
#[derive(Debug, Args)]
pub struct Basis {
    /// Decide as of that moment, as in `2026-12-24T08:00:00Z`, instead of now
    #[arg(long, value_parser = moment, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Decide by a draft instead of the policy in force: a file, or a folder whose `*.toml` files are one policy
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    /// Decide by the directory as it was in that generation, instead of the one in force
    #[arg(long, value_name = "GENERATION", value_parser = clap::value_parser!(u64).range(1..))]
    snapshot: Option<u64>,
    /// By which way in
    #[arg(long, default_value = "push", value_name = "CHANNEL",
        value_parser = PossibleValuesParser::new(Channel::ALL.map(Channel::as_str)))]
    channel: String,
}

impl Basis {
    /// The fields of a request: when, the draft's files, the generation, the channel.
    pub(super) fn of_request(&self) -> Result<(i64, Vec<PolicyFile>, u64, String), Failure> {
        let files = self.policy.as_deref().map(files::read).transpose()?.unwrap_or_default();
        let at = self.at.map_or(0, Timestamp::as_microsecond);
        Ok((at, files, self.snapshot.unwrap_or(0), self.channel.clone()))
    }
}

/// The draft has faults: that is all there is to tell.
pub(super) fn faulty(found: &Faults, context: &mut Context) -> Ending {
    let text = |page: &_| faults::text(found, "nothing was decided by it.", page);
    context.terminal.answer(&DraftJson::from(found), text)?;
    Ok(Exit::No)
}

/// `main` may be a branch or a tag: it is not guessed which.
pub(super) fn full_name(text: &OsStr) -> Result<RefName, String> {
    RefName::parse(text.as_bytes()).map_err(|error| {
        let hint = if text.as_bytes().starts_with(b"refs/") {
            String::new()
        } else {
            let short = Printable::new(text.as_bytes());
            format!("; write `refs/heads/{short}` for the branch, `refs/tags/{short}` for the tag")
        };
        format!("{error}{hint}")
    })
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let at: Timestamp = text
        .parse()
        .map_err(|_| "it is no moment in time; write it like `2026-12-24T08:00:00Z`".to_owned())?;
    if at.as_microsecond() > 0 { Ok(at) } else { Err("it lies before 1970".into()) }
}

#[cfg(test)]
mod tests {
    use super::{full_name, moment};

    #[test]
    fn a_short_ref_is_not_guessed() {
        let error = full_name("main".as_ref()).unwrap_err();
        assert!(error.contains("`refs/heads/main`") && error.contains("`refs/tags/main`"), "{error}");
        assert!(!full_name("refs/heads/a..b".as_ref()).unwrap_err().contains("refs/tags"));
        assert_eq!(full_name("refs/heads/main".as_ref()).unwrap().as_bytes(), b"refs/heads/main");
    }

    #[test]
    fn now_cannot_be_asked_for_by_accident() {
        assert!(moment("1970-01-01T00:00:00Z").is_err() && moment("today").is_err());
        assert!(moment("2026-12-24T08:00:00+01:00").is_ok());
    }
}
