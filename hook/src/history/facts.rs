//! Objects, as the daemon is told of them.

use oam_policy::ObjectId;
use oam_proto::v1;

use crate::git::{
    Kind, Objects, Unreadable,
    commit::Commit,
    signed::{Signed, in_commit, in_tag},
    tag::Tag,
    tree::EntryKind,
};

/// How long an e-mail may be. A longer one is nobody's, and is told cut off, with a mark.
const MAX_EMAIL: usize = 1_000;

/// How large a signature may be, and what it signs.
const MAX_SIGNED: usize = 256 * 1024;

/// How many tags of tags are followed.
const MAX_TAGS: usize = 16;

/// A commit, but for its signature and how it stands to others.
pub(super) fn commit(id: ObjectId, commit: &Commit<'_>) -> Result<v1::Commit, Unreadable> {
    let makers = commit.makers().map_err(|why| Unreadable::damaged(id, why))?;
    Ok(v1::Commit {
        id: id.as_bytes().to_vec(),
        subject: commit.subject(),
        author: email(makers.author),
        committer: email(makers.committer),
        parents: u32::try_from(commit.parents.len()).unwrap_or(u32::MAX),
        signed_off: commit.is_signed_off(&makers),
        ..v1::Commit::default()
    })
}

/// The signature of a raw commit.
pub(super) fn signature(id: ObjectId, commit: &[u8]) -> Option<v1::Signed> {
    in_commit(commit, id.format()).map(signed)
}

/// What a ref is to name.
pub(super) fn tip(objects: &Objects, id: ObjectId, signatures: bool) -> Result<v1::Tip, Unreadable> {
    let kind = objects.size(id)?.0;
    let mut tip = v1::Tip { kind: kind.to_string(), ..v1::Tip::default() };
    let (mut at, mut at_kind) = (id, kind);
    let mut buffer = Vec::new();
    for _ in 0..MAX_TAGS {
        if at_kind != Kind::Tag {
            if kind == Kind::Tag {
                tip.peeled = at_kind.to_string();
            }
            return Ok(tip);
        }
        objects.read(at, &mut buffer)?;
        let tag = Tag::parse(&buffer).map_err(|why| Unreadable::damaged(at, why))?;
        if at == id {
            tip.tagger = email(tag.tagger().map_err(|why| Unreadable::damaged(at, why))?);
            tip.signed = signatures.then(|| in_tag(&buffer).map(signed)).flatten();
        }
        let target = objects.size(tag.target)?.0;
        if target.to_string().as_bytes() != tag.kind {
            return Err(Unreadable::damaged(at, format_args!("it says that {} is no {target}", tag.target)));
        }
        (at, at_kind) = (tag.target, target);
    }
    Err(Unreadable::Tags(id))
}

/// How large new content is, by its header. That of a submodule is elsewhere.
pub(super) fn size(objects: &Objects, kind: EntryKind, id: ObjectId) -> Result<u64, Unreadable> {
    if kind == EntryKind::Submodule {
        return Ok(0);
    }
    match objects.size(id)? {
        (Kind::Blob, size) => Ok(size),
        (found, _) => Err(Unreadable::not_a(id, found, Kind::Blob)),
    }
}

fn email(email: &[u8]) -> Vec<u8> {
    match email.get(..MAX_EMAIL) {
        Some(cut) if email.len() > MAX_EMAIL => [cut, "…".as_bytes()].concat(),
        _ => email.to_vec(),
    }
}

fn signed(signed: Signed) -> v1::Signed {
    let Signed { signature, payload } = signed;
    if signature.len().max(payload.len()) > MAX_SIGNED {
        return v1::Signed { too_large: true, ..v1::Signed::default() };
    }
    v1::Signed { signature, payload, too_large: false }
}
