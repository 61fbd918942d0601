mod asked;
mod history;
#[cfg(test)]
mod tests;

use oam_policy::facts::{Ancestry, Learnt, SignatureState, UpdateIndex};

pub use asked::{Asked, AskedHistory};
pub use history::HistoryNews;

use crate::{WireError, v1};

/// What one message tells.
#[derive(Debug, Default)]
pub struct FactsNews {
    /// What was found out of the ancestry of which update.
    pub ancestry: Vec<(UpdateIndex, Ancestry)>,
    /// More of histories.
    pub histories: Vec<HistoryNews>,
    /// Whether this is all that the hook tells.
    pub last: bool,
}

/// What one message tells of what was asked for. `worth` judges the signatures, since nobody keeps what they sign.
///
/// # Errors
/// When a fact was not asked for, or is none.
pub fn facts_from_wire(
    message: v1::Facts,
    asked: &Asked,
    mut worth: impl FnMut(&v1::Signed) -> Learnt<SignatureState>,
) -> Result<FactsNews, WireError> {
    let v1::Facts { ancestry, last, histories } = message;
    let ancestry =
        ancestry.into_iter().map(|fact| ancestry_from_wire(fact, asked)).collect::<Result<_, _>>()?;
    let histories = histories.into_iter().map(|one| HistoryNews::from_wire(one, asked, &mut worth));
    Ok(FactsNews { ancestry, histories: histories.collect::<Result<_, _>>()?, last })
}

fn ancestry_from_wire(fact: v1::AncestryFact, asked: &Asked) -> Result<(UpdateIndex, Ancestry), WireError> {
    let index = usize::try_from(fact.index).map_err(|error| WireError::new("ancestry.index", error))?;
    if !asked.is_ancestry_of(index) {
        return Err(WireError::new("ancestry.index", format_args!("{index} was not asked for")));
    }
    let ancestry = match v1::Ancestry::try_from(fact.ancestry) {
        Ok(v1::Ancestry::FastForward) => Ancestry::FastForward,
        Ok(v1::Ancestry::Diverged) => Ancestry::Diverged,
        Ok(v1::Ancestry::Unreadable) => Ancestry::Unreadable { why: clipped(fact.why) },
        Err(error) => return Err(WireError::new("ancestry.ancestry", error)),
    };
    Ok((index, ancestry))
}

/// How long the reason may be for which something cannot be read, in bytes.
const WHY_BYTES: usize = 500;

fn clipped(mut why: String) -> String {
    let end = (0..=WHY_BYTES.min(why.len())).rev().find(|end| why.is_char_boundary(*end));
    why.truncate(end.unwrap_or_default());
    why
}
