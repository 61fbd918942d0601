//! What `explain` and `who` have in common: a ref, a verb, and what to decide by.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::PathBuf};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use jiff::Timestamp;
use oam_policy::{
    Channel, RefName, RoleId, RuleId, Username,
    printable::Printable,
    question::{ImaginedCommit, ImaginedTag},
};
use oam_proto::v1::{self, Faults, PolicyFile};

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
    #[command(flatten)]
    circumstances: Circumstances,
}

/// What else is so, where the answer depends on it.
#[derive(Debug, Args)]
struct Circumstances {
    /// The paths that change; `--paths=` for a push that changes none
    #[arg(long, value_name = "PATH,…", value_delimiter = ',', num_args = 0..)]
    paths: Option<Vec<String>>,
    /// Somebody who approved the pull request; once for each of them
    #[arg(long, value_name = "USER", value_parser = |text: &str| Username::parse(text))]
    approved_by: Vec<Username>,
    /// Somebody with this role who approved it; once for each of them
    #[arg(long, value_name = "ROLE", value_parser = |text: &str| RoleId::parse(text))]
    approved_by_role: Vec<RoleId>,
    /// A waiver that is in use, as it should be
    #[arg(long = "waiver", value_name = "WAIVER", value_parser = |text: &str| RuleId::parse(text))]
    waivers: Vec<RuleId>,
    /// What is wrong with a new commit
    #[arg(long = "commit", value_name = "FLAW,…", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(ImaginedCommit::FLAWS))]
    commit_flaws: Vec<String>,
    /// The first line of the message of a new commit
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// How large the files are that a new commit changes, in bytes
    #[arg(long, value_name = "BYTES")]
    blob: Option<u64>,
    /// How many new commits there are
    #[arg(long, value_name = "NUMBER")]
    commits: Option<u64>,
    /// What kind of tag it is
    #[arg(long, value_name = "KIND", default_value = "signed",
        value_parser = PossibleValuesParser::new(ImaginedTag::ALL.map(ImaginedTag::as_str)))]
    tag: String,
}

impl Circumstances {
    fn of_request(&self) -> v1::Circumstances {
        let by_name = self
            .approved_by
            .iter()
            .map(|user| v1::Approver { username: user.as_str().to_owned(), ..v1::Approver::default() });
        let by_role = self
            .approved_by_role
            .iter()
            .map(|role| v1::Approver { roles: vec![role.to_string()], ..v1::Approver::default() });
        // `--paths=` gives one empty text.
        let paths = self.paths.iter().flatten().filter(|path| !path.is_empty());
        v1::Circumstances {
            paths_given: self.paths.is_some(),
            paths: paths.map(|path| path.clone().into_bytes()).collect(),
            approved_by: by_name.chain(by_role).collect(),
            waivers: self.waivers.iter().map(ToString::to_string).collect(),
            commit_flaws: self.commit_flaws.clone(),
            commits: self.commits,
            tag: self.tag.clone(),
            commit_message: self.message.clone(),
            commit_blob: self.blob.unwrap_or_default(),
        }
    }
}

/// What a request says of what to decide by.
pub(super) struct OfRequest {
    pub(super) at_micros: i64,
    pub(super) policy: Vec<PolicyFile>,
    pub(super) generation: u64,
    pub(super) channel: String,
    pub(super) circumstances: Option<v1::Circumstances>,
}

impl Basis {
    /// Whether the daemon answered by what was said of a commit. An earlier version does not know it, and answers without a word
    /// as if it had not been said.
    pub(super) fn check_taken(&self, taken: bool) -> Result<(), Failure> {
        let said = &self.circumstances;
        let is_said = said.message.is_some() || said.blob.is_some_and(|blob| blob > 0);
        if taken || !is_said {
            return Ok(());
        }
        Err(Failure::NoAnswer {
            what: "the daemon did not hear what was said by `--message` or `--blob`, so its answer is none"
                .to_owned(),
            help: "see by `oam status` whether the daemon is as new as this `oam`: one that is older cannot hear it",
        })
    }

    /// The fields of a request.
    pub(super) fn of_request(&self) -> Result<OfRequest, Failure> {
        Ok(OfRequest {
            at_micros: self.at.map_or(0, Timestamp::as_microsecond),
            policy: self.policy.as_deref().map(files::read).transpose()?.unwrap_or_default(),
            generation: self.snapshot.unwrap_or(0),
            channel: self.channel.clone(),
            circumstances: Some(self.circumstances.of_request()),
        })
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
