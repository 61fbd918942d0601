//! What an answer may depend on besides the push, as it was asked.

use std::collections::BTreeSet;

use oam_policy::{
    Circumstances, Question, RoleId, RuleId, TreePath, Username,
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
        commit: commit(asked)?,
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

/// Whether the message or the files of a new commit are part of the question.
pub(super) fn are_of_commit(question: &Question) -> bool {
    let commit = question.circumstances.commit.as_ref();
    commit.is_some_and(|commit| commit.message.is_some() || commit.blob > 0)
}

fn commit(asked: &v1::Circumstances) -> Result<Option<ImaginedCommit>, Status> {
    let v1::Circumstances { commit_flaws, commit_message, commit_blob, .. } = asked;
    if commit_flaws.is_empty() && commit_message.is_none() && *commit_blob == 0 {
        return Ok(None);
    }
    let mut plain = ImaginedCommit { blob: *commit_blob, ..ImaginedCommit::default() };
    if let Some(message) = commit_message {
        plain.message = Some(message.lines().next().unwrap_or_default().to_owned());
    }
    let add = |commit: ImaginedCommit, flaw: &String| {
        commit.with_flaw(flaw).ok_or_else(|| {
            let message = format!("`{}` is nothing that can be wrong with a commit", Printable::new(flaw));
            Status::invalid_argument(message)
        })
    };
    commit_flaws.iter().try_fold(plain, add).map(Some)
}

#[cfg(test)]
mod tests {
    use oam_policy::question::ImaginedCommit;
    use oam_proto::v1;

    use super::from_wire;

    #[test]
    fn what_is_said_of_a_commit_is_what_it_is_judged_by() {
        let commit = |asked: v1::Circumstances| from_wire(&asked).unwrap().commit;
        assert_eq!(commit(v1::Circumstances::default()), None);
        let message = Some("A-1 fix\n\nand why".to_owned());
        let said = v1::Circumstances { commit_message: message, commit_blob: 7, ..Default::default() };
        let message = Some("A-1 fix".to_owned());
        let plain = ImaginedCommit { message, blob: 7, ..ImaginedCommit::default() };
        assert_eq!(commit(said.clone()), Some(plain.clone()));
        let flawed = v1::Circumstances { commit_flaws: vec!["merge".into()], ..said };
        assert_eq!(commit(flawed), Some(ImaginedCommit { merge: true, ..plain }));
        let none = v1::Circumstances { commit_message: Some(String::new()), ..Default::default() };
        assert_eq!(commit(none).map(|commit| commit.message), Some(Some(String::new())));
        let large = v1::Circumstances { commit_blob: 7, ..Default::default() };
        assert_eq!(commit(large).map(|commit| commit.message), Some(None));
    }
}
