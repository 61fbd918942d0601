//! What an answer may depend on besides the push, as it was asked.

use std::collections::BTreeSet;

use oam_policy::{
    Circumstances, RoleId, RuleId, TreePath, Username,
    printable::Printable,
    question::{ImaginedCommit, ImaginedTag},
    rule::Asker,
};
use oam_proto::v1;
use tonic::Status;

use super::basis::invalid;

pub(super) fn from_wire(asked: &v1::Circumstances) -> Result<Circumstances, Status> {
    let path = |path: &Vec<u8>| TreePath::parse(path).map_err(|error| invalid("paths", &error));
    let paths = asked.paths.iter().map(path).collect::<Result<Vec<_>, _>>()?;
    let waiver = |id: &String| RuleId::parse(id).map_err(|error| invalid("waivers", &error));
    Ok(Circumstances {
        paths: asked.paths_given.then_some(paths),
        commit: commit(&asked.commit_flaws)?,
        commits: asked.commits,
        tag: tag(&asked.tag)?,
        approved_by: asked.approved_by.iter().map(approver).collect::<Result<_, _>>()?,
        waivers: asked.waivers.iter().map(waiver).collect::<Result<_, _>>()?,
    })
}

fn approver(asked: &v1::Approver) -> Result<Asker, Status> {
    if asked.username.is_empty() {
        let role = |id: &String| RoleId::parse(id).map_err(|error| invalid("approved_by", &error));
        return Ok(Asker::Roles(asked.roles.iter().map(role).collect::<Result<BTreeSet<_>, _>>()?));
    }
    Username::parse(&asked.username).map(Asker::User).map_err(|error| invalid("approved_by", &error))
}

fn tag(kind: &str) -> Result<ImaginedTag, Status> {
    if kind.is_empty() {
        return Ok(ImaginedTag::default());
    }
    ImaginedTag::parse(kind)
        .ok_or_else(|| Status::invalid_argument(format!("`{}` is no kind of tag", Printable::new(kind))))
}

fn commit(flaws: &[String]) -> Result<Option<ImaginedCommit>, Status> {
    if flaws.is_empty() {
        return Ok(None);
    }
    let add = |commit: ImaginedCommit, flaw: &String| {
        commit.with_flaw(flaw).ok_or_else(|| {
            let message = format!("`{}` is nothing that can be wrong with a commit", Printable::new(flaw));
            Status::invalid_argument(message)
        })
    };
    flaws.iter().try_fold(ImaginedCommit::default(), add).map(Some)
}
