//! `oam explain`.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use clap::{
    Args, ValueEnum,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use jiff::Timestamp;
use oam_policy::{RefName, Repository, Username, printable::Printable};
use oam_proto::v1::{ExplainRequest, Outcome};

use super::{Context, Ending};
use crate::{
    client::CallError,
    exit::Exit,
    output::{
        explain::{self, Question},
        help,
    },
};

/// `oam explain`.
#[derive(Debug, Args)]
#[command(after_long_help = help::explain())]
pub struct Explain {
    /// The username, as Bitbucket knows it
    user: Username,
    /// The repository, `PROJECT/slug`
    repo: Repository,
    /// The full name of the ref, as in `refs/heads/main`
    #[arg(value_parser = OsStringValueParser::new().try_map(|text| full_name(&text)))]
    r#ref: RefName,
    /// What they want to do to it
    verb: Verb,
    /// Decide as of that moment, as in `2026-12-24T08:00:00Z`, instead of now
    #[arg(long, value_parser = moment)]
    at: Option<Timestamp>,
}

/// What can be done to a ref.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Verb {
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
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Force => "force",
            Self::Delete => "delete",
        }
    }
}

/// `main` may be a branch or a tag: it is not guessed which.
fn full_name(text: &OsStr) -> Result<RefName, String> {
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

/// Prints what would be decided, and why.
///
/// # Errors
/// When the daemon cannot be asked, or says no.
pub async fn run(command: Explain, context: &mut Context) -> Ending {
    let repository = command.repo.to_string();
    let request = ExplainRequest {
        username: command.user.as_str().into(),
        repository: repository.clone(),
        r#ref: command.r#ref.as_bytes().to_vec(),
        verb: command.verb.as_str().into(),
        at_micros: command.at.map_or(0, Timestamp::as_microsecond),
    };
    let mut admin = context.address.connect().await?;
    let explanation = admin.explain(request).await?.into_inner();
    let decision = explanation.decision.as_ref().ok_or(CallError::Incomplete { missing: "the decision" })?;
    let question =
        Question { repository: &repository, name: command.r#ref.as_bytes(), verb: command.verb.as_str() };
    let json = explain::json(&explanation, decision, question);
    context.terminal.answer(&json, |page| explain::text(&explanation, decision, question, page))?;
    Ok(match decision.outcome() {
        Outcome::Permitted => Exit::Ok,
        Outcome::Refused => Exit::No,
        Outcome::Undecided | Outcome::Unspecified => Exit::Undecided,
    })
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
