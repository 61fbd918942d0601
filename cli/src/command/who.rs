//! `oam who`.

use clap::{
    Args,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use oam_policy::{RefName, Repository};
use oam_proto::v1::{WhoRequest, who_response::Step};

use super::{
    Context, Ending,
    question::{Basis, OfRequest, Verb, faulty, full_name},
};
use crate::{
    client::CallError,
    exit::Exit,
    output::{
        help,
        who::{self, Answer, Question},
    },
};

/// `oam who`.
#[derive(Debug, Args)]
#[command(after_long_help = help::who())]
pub struct Who {
    /// The repository, `PROJECT/slug`
    repo: Repository,
    /// The full name of the ref, as in `refs/heads/main`
    #[arg(value_parser = OsStringValueParser::new().try_map(|text| full_name(&text)))]
    r#ref: RefName,
    /// What could be done to it
    verb: Verb,
    #[command(flatten)]
    basis: Basis,
}

/// Prints everybody who can, as they come.
///
/// # Errors
/// When the daemon cannot be asked, or says no; when the draft cannot be read.
pub async fn run(command: Who, context: &mut Context) -> Ending {
    let repository = command.repo.to_string();
    let OfRequest { at_micros, policy, generation, channel, circumstances } = command.basis.of_request()?;
    let request = WhoRequest {
        repository: repository.clone(),
        r#ref: command.r#ref.as_bytes().to_vec(),
        verb: command.verb.as_str().into(),
        at_micros,
        policy,
        generation,
        channel,
        circumstances,
    };
    let question =
        Question { repository: &repository, name: command.r#ref.as_bytes(), verb: command.verb.as_str() };
    let mut admin = context.address.connect().await?;
    let mut steps = admin.who(request).await?.into_inner();
    let opening = match steps.message().await?.and_then(|response| response.step) {
        Some(Step::Faults(found)) => return faulty(&found, context),
        Some(Step::Opening(opening)) => opening,
        _ => return Err(CallError::Incomplete { missing: "how many there are" }.into()),
    };
    command.basis.check_taken(opening.commit_taken)?;
    context
        .terminal
        .item(&who::opening_json(&opening, question), |page| who::opening_text(&opening, question, page))?;
    if !opening.undecided.is_empty() {
        return Ok(Exit::Undecided);
    }
    let mut answer = Answer::new(&opening);
    while !context.terminal.is_closed()
        && let Some(response) = steps.message().await?
    {
        match response.step {
            Some(Step::Can(can)) => {
                for item in answer.people(&can) {
                    context.terminal.item(&item.json(), |page| item.text(page))?;
                }
            }
            Some(Step::Stopped(stopped)) if context.terminal.is_json() => {
                context.terminal.item(&who::stopped_json(&stopped), |_| String::new())?;
            }
            Some(Step::Stopped(stopped)) => answer.stop(stopped),
            _ => return Err(CallError::Incomplete { missing: "who it is" }.into()),
        }
    }
    if !context.terminal.is_closed() && !answer.is_whole() {
        return Err(CallError::Incomplete { missing: "some of them" }.into());
    }
    if !context.terminal.is_json() {
        let text = answer.stopped_text(&context.terminal.page());
        context.terminal.print(text.as_bytes())?;
    }
    Ok(Exit::Ok)
}
