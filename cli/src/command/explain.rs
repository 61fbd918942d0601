//! `oam explain`.

use std::{ffi::OsString, fmt, str::FromStr};

use clap::{Args, ValueEnum as _};
use oam_policy::{RefName, Repository, RoleId, Username, printable::Printable};
use oam_proto::v1::{ExplainRequest, Outcome};

use super::{
    Context, Ending,
    question::{Basis, OfRequest, Verb, faulty, full_name},
};
use crate::{
    client::CallError,
    exit::Exit,
    failure::Failure,
    output::{
        explain::{self, Question},
        faults, help,
    },
};

/// `oam explain`.
#[derive(Debug, Args)]
#[command(after_long_help = help::explain())]
#[command(override_usage = "oam explain [OPTIONS] <USER> <REPO> <REF> <VERB>\n       \
                            oam explain [OPTIONS] --as <ROLE,…> <REPO> <REF> <VERB>")]
pub struct Explain {
    /// The username, as Bitbucket knows it (not with `--as`); the repository, `PROJECT/slug`; the full name of the
    /// ref, as in `refs/heads/main`; and what they want to do to it: `create`, `update`, `force` or `delete`
    #[arg(num_args = 3..=4, required = true, value_names = ["USER", "REPO", "REF", "VERB"])]
    question: Vec<OsString>,
    /// Instead of USER: somebody who holds just these roles; in REF, `${user}` stands for them
    #[arg(long = "as", value_name = "ROLE,…", value_delimiter = ',', value_parser = |text: &str| RoleId::parse(text))]
    roles: Vec<RoleId>,
    #[command(flatten)]
    basis: Basis,
    /// Tell of each rule all that it was asked, not only the first thing that does not match
    #[arg(short, long)]
    verbose: bool,
}

/// The question, taken apart.
#[derive(Debug)]
struct Asked {
    username: Option<Username>,
    repository: Repository,
    name: RefName,
    verb: Verb,
}

impl Asked {
    /// The words are those of a user's question, or with `by_roles` those of one without a user.
    fn parse(words: &[OsString], by_roles: bool) -> Result<Self, Failure> {
        let (user, repository, name, verb) = match (words, by_roles) {
            ([user, repository, name, verb], false) => (Some(user), repository, name, verb),
            ([repository, name, verb], true) => (None, repository, name, verb),
            (_, false) => return Err(usage("one of USER, REPO, REF and VERB is missing")),
            (_, true) => return Err(usage("with `--as` there is no USER")),
        };
        Ok(Self {
            username: user.map(|user| parsed("USER", user)).transpose()?,
            repository: parsed("REPO", repository)?,
            name: full_name(name).map_err(|error| usage(format!("REF: {error}")))?,
            verb: Verb::from_str(&verb.to_string_lossy(), false).map_err(|_| {
                let verb = Printable::new(verb.as_encoded_bytes());
                usage(format!("VERB: `{verb}` is none of `create`, `update`, `force` and `delete`"))
            })?,
        })
    }
}

fn parsed<T: FromStr<Err: fmt::Display>>(what: &str, word: &OsString) -> Result<T, Failure> {
    let text = word.to_str().ok_or_else(|| usage(format!("{what}: it is not UTF-8 text")))?;
    text.parse().map_err(|error| usage(format!("{what}: {error}")))
}

fn usage(what: impl Into<String>) -> Failure {
    let help = "write `oam explain USER PROJECT/slug refs/heads/NAME VERB`; see `oam explain --help`";
    Failure::Usage { what: what.into(), help }
}

/// Prints what would be decided, and why.
///
/// # Errors
/// When the daemon cannot be asked, or says no; when the draft cannot be read.
pub async fn run(command: Explain, context: &mut Context) -> Ending {
    let asked = Asked::parse(&command.question, !command.roles.is_empty())?;
    let repository = asked.repository.to_string();
    let OfRequest { at_micros, policy, generation, channel, circumstances } = command.basis.of_request()?;
    let request = ExplainRequest {
        username: asked.username.map(|user| user.as_str().to_owned()).unwrap_or_default(),
        repository: repository.clone(),
        r#ref: asked.name.as_bytes().to_vec(),
        verb: asked.verb.as_str().into(),
        at_micros,
        roles: command.roles.iter().map(ToString::to_string).collect(),
        policy,
        generation,
        channel,
        circumstances,
    };
    let mut admin = context.address.connect().await?;
    let explanation = admin.explain(request).await?.into_inner();
    if let Some(found) = explanation.faults.as_ref().filter(|found| faults::any(found)) {
        return faulty(found, context);
    }
    command.basis.check_taken(explanation.commit_taken)?;
    let question = Question {
        repository: &repository,
        name: asked.name.as_bytes(),
        verb: asked.verb.as_str(),
        verbose: command.verbose,
    };
    if !explanation.depends_on.is_empty() {
        let text = |page: &_| explain::depends_text(&explanation, question, page);
        context.terminal.answer(&explain::depends_json(&explanation, question), text)?;
        return Ok(Exit::Undecided);
    }
    let decision = explanation.decision.as_ref().ok_or(CallError::Incomplete { missing: "the decision" })?;
    let json = explain::json(&explanation, decision, question);
    context.terminal.answer(&json, |page| explain::text(&explanation, decision, question, page))?;
    Ok(match decision.outcome() {
        Outcome::Permitted => Exit::Ok,
        Outcome::Refused => Exit::No,
        Outcome::Undecided | Outcome::Unspecified => Exit::Undecided,
    })
}
