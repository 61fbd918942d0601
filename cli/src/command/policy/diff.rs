//! `oam policy diff`.

use std::path::PathBuf;

use clap::Args;
use oam_proto::v1::{DiffPoliciesRequest, PolicyDiffDone, diff_policies_response::Step};

use super::{
    super::{Context, Ending},
    files,
};
use crate::{
    client::CallError,
    exit::Exit,
    output::{faults, policy_diff},
};

/// `oam policy diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The new policy: a file, or a folder whose `*.toml` files are one policy
    #[arg(required_unless_present = "new", conflicts_with = "new")]
    path: Option<PathBuf>,
    /// The old policy: its digest or the beginning of it, also of a proposed one; without it, the one in force
    #[arg(long, value_name = "DIGEST")]
    old: Option<String>,
    /// Instead of a path: the digest of a policy of the history or of a proposed one, or the beginning of it
    #[arg(long, value_name = "DIGEST")]
    new: Option<String>,
    /// Tell by the exit code whether anything changes: 0 nothing does, 1 something does, 3 nobody can tell exactly
    #[arg(long)]
    exit_code: bool,
}

/// Runs it.
///
/// # Errors
/// When the daemon cannot be asked, or says no; when the files cannot be read.
pub(super) async fn run(command: Diff, context: &mut Context) -> Ending {
    let files = command.path.as_deref().map(files::read).transpose()?.unwrap_or_default();
    let request = DiffPoliciesRequest {
        old: command.old.unwrap_or_default(),
        files,
        new: command.new.unwrap_or_default(),
    };
    let mut admin = context.address.connect().await?;
    let mut steps = admin.diff_policies(request).await?.into_inner();
    let terminal = &mut context.terminal;
    while !terminal.is_closed() {
        let Some(message) = steps.message().await? else {
            return Err(CallError::Incomplete { missing: "whether these are all changes" }.into());
        };
        match &message.step {
            Some(Step::Change(change)) => terminal
                .item(&policy_diff::change_json(change), |page| policy_diff::change_text(change, page))?,
            Some(Step::Offer(change)) => terminal
                .item(&policy_diff::offer_json(change), |page| policy_diff::offer_text(change, page))?,
            Some(Step::Right(change)) => terminal
                .item(&policy_diff::right_json(change), |page| policy_diff::right_text(change, page))?,
            Some(Step::Role(change)) => {
                terminal
                    .item(&policy_diff::role_json(change), |page| policy_diff::role_text(change, page))?;
            }
            Some(Step::Done(done)) => {
                terminal.item(&policy_diff::done_json(done), |page| policy_diff::done_text(done, page))?;
                return Ok(if command.exit_code { exit(done) } else { Exit::Ok });
            }
            Some(Step::Faults(found)) => {
                terminal.item(&policy_diff::faults_json(found), |page| {
                    faults::text(found, "nothing was compared.", page)
                })?;
                return Ok(Exit::No);
            }
            None => {}
        }
    }
    Ok(Exit::Ok)
}

/// As git has it: whether anything changes; and where nothing is known to, whether that is all.
fn exit(done: &PolicyDiffDone) -> Exit {
    match (done.changes > 0, done.exact && done.snapshot.is_some()) {
        (true, _) => Exit::No,
        (false, true) => Exit::Ok,
        (false, false) => Exit::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use oam_proto::v1::{PolicyDiffDone, SnapshotInfo};

    use super::exit;
    use crate::exit::Exit;

    #[test]
    fn the_exit_code_tells_whether_anything_changes() {
        let nothing =
            PolicyDiffDone { exact: true, snapshot: Some(SnapshotInfo::default()), ..Default::default() };
        assert_eq!(exit(&nothing), Exit::Ok);
        for (done, code) in [
            (PolicyDiffDone { changes: 1, ..nothing.clone() }, Exit::No),
            (PolicyDiffDone { changes: 1, exact: false, ..nothing.clone() }, Exit::No),
            (PolicyDiffDone { exact: false, ..nothing.clone() }, Exit::Undecided),
            (PolicyDiffDone { snapshot: None, ..nothing.clone() }, Exit::Undecided),
        ] {
            assert_eq!(exit(&done), code, "{done:?}");
        }
    }
}
