use std::{fmt, path::PathBuf};

use oam_audit::entry::StoreHealed;

/// What opening a store found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    /// What was damaged, and mended. Belongs into the audit log.
    pub healed: Vec<Healed>,
    /// There was a directory, up to this generation, and no trustworthy copy of it is left. Nobody is in force until
    /// the next import, and revocations have to be given again.
    pub lost: Option<u64>,
    /// What somebody should look at; one sentence each.
    pub warnings: Vec<String>,
}

/// One thing that was damaged, and mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healed {
    /// What: `store`, `recovery` or `floor`.
    pub what: &'static str,
    /// Where the damaged one is kept; absent when there is nothing left of it to keep.
    pub set_aside: Option<PathBuf>,
    /// What was wrong with it.
    pub found: String,
    /// The generation it was rebuilt to; absent when it starts empty.
    pub rebuilt_generation: Option<u64>,
}

impl OpenReport {
    /// All of it in sentences, for the status.
    pub fn sentences(&self) -> Vec<String> {
        let lost = self.lost.map(|generation| {
            format!(
                "the directory (up to generation {generation}) is lost: every copy is damaged, and nothing can be \
                 permitted; import it again, and deactivate again whoever was deactivated by command"
            )
        });
        lost.into_iter()
            .chain(self.healed.iter().map(ToString::to_string))
            .chain(self.warnings.clone())
            .collect()
    }
}

impl fmt::Display for Healed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} was damaged ({}); ", self.what, self.found)?;
        match self.rebuilt_generation {
            Some(generation) => write!(f, "it was rebuilt to generation {generation}")?,
            None => write!(f, "it starts empty")?,
        }
        match &self.set_aside {
            Some(path) => write!(f, ", and the damaged one is kept in `{}`", path.display()),
            None => Ok(()),
        }
    }
}

impl From<&Healed> for StoreHealed {
    fn from(healed: &Healed) -> Self {
        Self {
            what: healed.what.to_owned(),
            set_aside: healed.set_aside.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
            found: healed.found.clone(),
            rebuilt_generation: healed.rebuilt_generation,
        }
    }
}
