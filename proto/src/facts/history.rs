use oam_policy::{
    ObjectId, TreePath,
    facts::{Commit, End, HistoryPart, Identity, Learnt, NewFile, News, SignatureState, Tip, Unreadable},
    printable::Printable,
};

use super::{Asked, AskedHistory, clipped};
use crate::{WireError, limits, v1};

/// What one message tells of one history.
#[derive(Debug)]
pub struct HistoryNews {
    /// Which: the position in [`Asked::histories`].
    pub history: usize,
    /// What it tells.
    pub news: News,
    /// How it ends, where it does.
    pub end: Option<End>,
}

impl HistoryNews {
    pub(super) fn from_wire(
        message: v1::HistoryFacts,
        asked: &Asked,
        worth: &mut impl FnMut(&v1::Signed) -> Learnt<SignatureState>,
    ) -> Result<Self, WireError> {
        let v1::HistoryFacts { history, paths, files, commits, tip, last, unreadable } = message;
        let position = usize::try_from(history).unwrap_or(usize::MAX);
        let of = asked.histories().get(position);
        let of = of.ok_or_else(|| not_asked("histories.history", format_args!("history {history}")))?;
        for (field, is_told, is_asked) in [
            ("histories.paths", !paths.is_empty(), of.wants(HistoryPart::Paths)),
            ("histories.files", !files.is_empty(), of.wants(HistoryPart::Files)),
            ("histories.commits", !commits.is_empty(), of.wants(HistoryPart::Commits)),
            ("histories.tip", tip.is_some(), of.wants(HistoryPart::Tip)),
        ] {
            if is_told && !is_asked {
                return Err(not_asked(field, "it"));
            }
        }
        let (paths, of_paths) = each(paths, |path| path_from_wire(&path));
        let (files, of_files) =
            each(files, |file| Ok(NewFile { path: path_from_wire(&file.path)?, size: file.size }));
        let commits = commits.into_iter().map(|commit| commit_from_wire(commit, of, worth));
        let (commits, of_commits) = each(commits.collect::<Result<Vec<_>, _>>()?, |commit| commit);
        let (tip, of_tip) = match tip.map(|tip| tip_from_wire(&tip, worth)).transpose() {
            Ok(tip) => (tip, None),
            Err(unreadable) => (None, Some(unreadable)),
        };
        let news = News { paths, files, commits, tip };
        let unreadable = (!unreadable.is_empty()).then(|| Unreadable { why: clipped(unreadable) });
        let end = of_paths.or(of_files).or(of_commits).or(of_tip).or(unreadable).map(End::Unreadable);
        Ok(Self { history: position, news, end: end.or(last.then_some(End::Complete)) })
    }
}

/// What could be understood, up to the first that could not. That git shows a path which is none here is no fault of
/// the hook's: the history cannot be judged.
fn each<T, U>(all: Vec<T>, understand: impl Fn(T) -> Result<U, Unreadable>) -> (Vec<U>, Option<Unreadable>) {
    let mut understood = Vec::with_capacity(all.len());
    for one in all {
        match understand(one) {
            Ok(one) => understood.push(one),
            Err(unreadable) => return (understood, Some(unreadable)),
        }
    }
    (understood, None)
}

fn path_from_wire(path: &[u8]) -> Result<TreePath, Unreadable> {
    TreePath::parse(path).map_err(|error| {
        let shown = path.get(..limits::PATH_BYTES_SHOWN).unwrap_or(path);
        Unreadable { why: format!("the path `{}` cannot be judged: {error}", Printable::new(shown)) }
    })
}

fn commit_from_wire(
    commit: v1::Commit,
    of: &AskedHistory,
    worth: &mut impl FnMut(&v1::Signed) -> Learnt<SignatureState>,
) -> Result<Learnt<Commit>, WireError> {
    let v1::Commit { id, subject, author, committer, parents, signed_off, foreign, signed } = commit;
    let id = ObjectId::from_bytes(&id).map_err(|error| WireError::new("histories.commits.id", error))?;
    if subject.len() > limits::SUBJECT_BYTES {
        let most = limits::SUBJECT_BYTES;
        return Err(WireError::new(
            "histories.commits.subject",
            format_args!("of {id}: more than {most} bytes"),
        ));
    }
    if signed.is_some() && !of.wants(HistoryPart::Signatures) && !of.wants(HistoryPart::Tip) {
        return Err(not_asked("histories.commits.signed", "it"));
    }
    let signed = signed.filter(|_| of.wants(HistoryPart::Signatures));
    let signature = match signed.map(|signed| worth(&signed)).transpose() {
        Ok(signature) => signature.unwrap_or(SignatureState::Absent),
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    Ok(Ok(Commit {
        id,
        subject,
        signed_off,
        author: identity(&author),
        committer: identity(&committer),
        parents: usize::try_from(parents).unwrap_or(usize::MAX),
        foreign,
        signature,
    }))
}

/// What is no tag object has nothing that a rule asks for.
fn tip_from_wire(
    tip: &v1::Tip,
    worth: &mut impl FnMut(&v1::Signed) -> Learnt<SignatureState>,
) -> Learnt<Tip> {
    if tip.kind != "tag" {
        return Ok(Tip::Other);
    }
    let signature = tip.signed.as_ref().map(worth).transpose()?.unwrap_or(SignatureState::Absent);
    Ok(Tip::Tag { tagger: identity(&tip.tagger), signature })
}

/// Whom an e-mail names. What is no text, or longer than any address, names nobody.
fn identity(email: &[u8]) -> Identity {
    match std::str::from_utf8(email) {
        Ok(text) if text.len() <= limits::EMAIL_BYTES => Identity::Email(text.into()),
        Ok(_) | Err(_) => {
            let shown = email.get(..limits::EMAIL_BYTES).unwrap_or(email);
            Identity::NoEmail(Printable::new(shown).to_string().into())
        }
    }
}

fn not_asked(field: &'static str, what: impl std::fmt::Display) -> WireError {
    WireError::new(field, format_args!("{what} was not asked for"))
}
