//! What is recorded of new commits, as facts again.

use oam_audit::{
    entry::{
        self, Update,
        history::{Commit, Listed, Named, Signature},
    },
    people::is_closed,
};
use oam_policy::{
    Facts, ObjectId, TreePath, Username,
    facts::{
        self, BadSignature, Cover, Identity, Learnt, NewFile, SignatureState, Tip, Unreadable, UpdateIndex,
    },
    reason::SignatureFault,
};

/// Learns what is recorded of one update as a whole. What is not, or is not understood, was not asked.
pub(super) fn learn(facts: &mut Facts, index: UpdateIndex, update: &Update) {
    for history in &update.histories {
        let cover = || Cover::of_patterns(history.refs.clone());
        if let Some((paths, end)) = history.paths.as_ref().and_then(|paths| all(paths, path)) {
            facts.learn_paths_until(index, cover(), paths, end);
        }
        let file =
            |file: &entry::history::NewFile| Some(NewFile { path: path(&file.path)?, size: file.size });
        if let Some((files, end)) = history.files.as_ref().and_then(|files| all(files, file)) {
            facts.learn_files_until(index, cover(), files, end);
        }
        if let Some((commits, end)) = history.commits.as_ref().and_then(|commits| all(commits, commit)) {
            facts.learn_commits_until(index, cover(), commits, end, history.signatures);
        }
        if let Some(known) = history.tip.as_ref().and_then(tip) {
            facts.learn_tip(index, cover(), known);
        }
    }
}

fn all<E, T>(listed: &Listed<E>, item: impl Fn(&E) -> Option<T>) -> Option<(Vec<T>, facts::End)> {
    let all = listed.all.as_ref()?.iter().map(item).collect::<Option<Vec<T>>>()?;
    let end = match listed.end {
        entry::history::End::Complete => facts::End::Complete,
        // Nothing follows now. That the verdict did not depend on it is seen by its coming out the same.
        entry::history::End::Open | entry::history::End::Unreadable => {
            facts::End::Unreadable(Unreadable { why: "it was not read to its end then".into() })
        }
    };
    Some((all, end))
}

fn path(text: &entry::history::Text) -> Option<TreePath> {
    TreePath::parse(text.as_bytes()).ok()
}

fn commit(commit: &Commit) -> Option<facts::Commit> {
    let Commit { id, subject, author, committer, parents, signed_off, foreign, signature } = commit;
    // What was erased is not known: neither who it was, nor that it was nobody.
    if std::str::from_utf8(subject.as_bytes()).is_ok_and(is_closed) {
        return None;
    }
    Some(facts::Commit {
        id: ObjectId::parse_hex(id.as_bytes()).ok()?,
        subject: subject.as_bytes().to_vec(),
        signed_off: *signed_off,
        author: identity(author)?,
        committer: identity(committer)?,
        parents: usize::try_from(*parents).ok()?,
        foreign: *foreign,
        signature: worth(signature)?,
    })
}

fn worth(signature: &Signature) -> Option<SignatureState> {
    Some(match signature {
        Signature::Absent => SignatureState::Absent,
        Signature::Good { by } => SignatureState::Good { by: Username::parse(by).ok()? },
        Signature::GoodByAddress { address } if is_closed(address) => return None,
        Signature::GoodByAddress { address } => {
            SignatureState::GoodByAddress { address: address.as_str().into() }
        }
        Signature::Bad { cause, why } => {
            let cause =
                BadSignature::ALL.into_iter().find(|known| SignatureFault::Bad(*known).code() == cause)?;
            SignatureState::Bad { cause, why: why.clone() }
        }
    })
}

fn tip(tip: &entry::history::Tip) -> Option<Learnt<Tip>> {
    Some(match tip {
        entry::history::Tip::Tag { tagger, signature } => {
            Ok(Tip::Tag { tagger: identity(tagger)?, signature: worth(signature)? })
        }
        entry::history::Tip::Other => Ok(Tip::Other),
        entry::history::Tip::Unreadable => Err(Unreadable { why: "it could not be read then".into() }),
    })
}

fn identity(who: &Named) -> Option<Identity> {
    match who {
        Named::Email(email) if is_closed(email) => None,
        Named::Email(email) => Some(Identity::Email(email.as_str().into())),
        // That it is no e-mail is known all the same.
        Named::NoEmail(shown) => Some(Identity::NoEmail(shown.as_str().into())),
    }
}
