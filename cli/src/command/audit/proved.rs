//! `oam audit verify` of less than a whole log: some entries, or a proof alone.

use std::{fs, ops::Range, path::Path, str::FromStr};

use oam_audit::{
    checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint},
    files::{CHECKPOINT, FileError},
    keys::VerifierKey,
    proof::{EntryProof, GrowthProof, ProofTextError},
    verify::{VerifyError, verify_range},
};

use crate::{
    command::{Context, Ending},
    exit::Exit,
    failure::Failure,
    log::LogFolder,
    output::proof::{self, Proved},
};

/// Entries by their numbers: `7`, or `100..200` without the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entries(pub(super) Range<u64>);

impl FromStr for Entries {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "give a number as `7`, or two as `100..200`; the second is not included";
        let number = |text: &str| text.parse::<u64>().map_err(|_| WRONG);
        let range = match text.split_once("..") {
            Some((from, to)) => number(from)?..number(to)?,
            None => {
                let only = number(text)?;
                only..only.checked_add(1).ok_or(WRONG)?
            }
        };
        if range.is_empty() { Err(WRONG) } else { Ok(Self(range)) }
    }
}

/// Checks some entries against the checkpoint of the log.
pub(super) fn range(log: &LogFolder, key: &VerifierKey, entries: &Entries, context: &mut Context) -> Ending {
    let path = log.path().join(CHECKPOINT);
    let text = fs::read_to_string(&path).map_err(|source| Failure::read(&path, source))?;
    let found = signed(&text, std::slice::from_ref(key)).map_err(VerifyError::from).and_then(|checkpoint| {
        verify_range(&log.files(), &checkpoint, entries.0.clone(), |_| ())?;
        Ok(checkpoint.size)
    });
    match found {
        Err(VerifyError::Read { source, .. } | VerifyError::File(FileError::Io { source, .. })) => {
            Err(Failure::read(log.path(), source))
        }
        Ok(size) => {
            let what = match entries.0.end - entries.0.start {
                1 => format!("Entry {} is", entries.0.start),
                _ => format!("Entries {} to {} are", entries.0.start, entries.0.end - 1),
            };
            answer(context, &Ok(Proved { what, size, entry: None }))
        }
        Err(error) => answer(context, &Err(error.to_string())),
    }
}

/// Checks a proof, with nothing but keys; one of growth with the earlier checkpoint, too.
pub(super) fn proof(file: &Path, keys: &[VerifierKey], kept: Option<&str>, context: &mut Context) -> Ending {
    let text = fs::read_to_string(file).map_err(|source| Failure::read(file, source))?;
    let proved = if text.starts_with("old ") {
        let Some(kept) = kept else {
            return Err(Failure::Usage {
                what: "the proof is that a log continues an earlier checkpoint".into(),
                help: "give the checkpoint that you kept with `--checkpoint FILE`",
            });
        };
        growth(&text, keys, kept)
    } else {
        EntryProof::parse(&text).and_then(|proof| {
            let (entry, checkpoint) = proof.verify(keys)?;
            let what = format!("Entry {} is", entry.seq);
            Ok(Proved { what, size: checkpoint.size, entry: Some(proof.entry) })
        })
    };
    answer(context, &proved.map_err(|error| error.to_string()))
}

fn growth(text: &str, keys: &[VerifierKey], kept: &str) -> Result<Proved, ProofTextError> {
    let proof = GrowthProof::parse(text)?;
    let (old, new) = (signed(kept, keys)?, signed(&proof.checkpoint, keys)?);
    if old.size != proof.old_size {
        return Err(ProofTextError::OtherSize { stated: proof.old_size, kept: old.size });
    }
    proof.verify(&old.root, &new)?;
    Ok(Proved {
        what: format!("Every one of the first {} entries is", old.size),
        size: new.size,
        entry: None,
    })
}

/// What a checkpoint says that one of these keys has signed.
fn signed(text: &str, keys: &[VerifierKey]) -> Result<Checkpoint, CheckpointError> {
    Ok(SignedCheckpoint::parse(text)?.verify_by_any(keys)?.clone())
}

fn answer(context: &mut Context, found: &Result<Proved, String>) -> Ending {
    let found = found.as_ref().map_err(String::as_str);
    context.terminal.answer(&proof::proved_json(found), |page| proof::text(found, page))?;
    Ok(if found.is_ok() { Exit::Ok } else { Exit::No })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_a_number_or_two() {
        let range = |text: &str| text.parse::<Entries>().map(|entries| entries.0);
        assert_eq!(range("7"), Ok(7..8));
        assert_eq!(range("100..200"), Ok(100..200));
        for wrong in ["", "x", "1..", "..1", "5..5", "6..5", "-1", "18446744073709551615"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
