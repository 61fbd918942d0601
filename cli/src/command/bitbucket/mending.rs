//! What `oam bitbucket plan` and `apply` mend besides, whoever gave it: only what is named.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use oam_bitbucket::provision::{FindingKind, Fixes, MendedBy};

use super::seen::length;

/// What is mended besides.
#[derive(Debug, Args)]
pub(super) struct Mending {
    /// Mend, too, what `oam bitbucket drift` finds of these kinds, whoever gave it: as in `endless,unused`
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    fix: Vec<FindingKind>,
    /// With `--fix unused`: for how long a token or key must not have been used, as in `90d`
    #[arg(long, default_value = "90d", value_name = "TIME", value_parser = length)]
    unused_for: Duration,
}

impl Mending {
    /// What was named, as of now.
    pub(super) fn fixes(&self) -> Fixes {
        let now = u128::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let unused_since = u64::try_from(now.saturating_sub(self.unused_for.as_millis())).unwrap_or_default();
        Fixes { kinds: self.fix.iter().copied().collect(), unused_since }
    }

    /// What was named, or all that was when a plan was made; by the moment of the plan.
    pub(super) fn of_plan(&self, planned: &Fixes) -> Fixes {
        match self.fix.is_empty() {
            true => planned.clone(),
            false => Fixes { unused_since: planned.unused_since, ..self.fixes() },
        }
    }
}

/// A kind that has to be named to be mended.
fn kind(name: &str) -> Result<FindingKind, String> {
    let Some(kind) = FindingKind::parse(name) else {
        let fixable = FindingKind::ALL.iter().filter(|kind| kind.mended_by() == MendedBy::Fix);
        let all: Vec<_> = fixable.map(|kind| kind.as_str()).collect();
        return Err(format!("it is none of {}", all.join(", ")));
    };
    let told = match kind.mended_by() {
        MendedBy::Fix => return Ok(kind),
        MendedBy::Install => "that is mended by `oam bitbucket install … --apply`, once more",
        MendedBy::Apply => "that is mended by `oam bitbucket apply` without being named",
        MendedBy::Somebody if kind == FindingKind::AnotherAccount => {
            "no fix mends that: see whose it is; if it is theirs, run `oam bitbucket apply --accept-accounts=NAME=NUMBER`"
        }
        MendedBy::Somebody => "no fix mends that: see what it is",
    };
    Err(told.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oam_bitbucket::provision::{FindingKind, Fixes};

    use super::{Mending, kind};

    #[test]
    fn what_is_mended_otherwise_is_told_so() {
        assert_eq!(kind("endless"), Ok(FindingKind::Endless));
        for (name, told) in [
            ("hook-off", "install … --apply"),
            ("gone", "`oam bitbucket apply` without"),
            ("another-account", "apply --accept-accounts"),
            ("unread", "no fix mends that: see what it is"),
            ("x", "unused"),
        ] {
            assert!(kind(name).unwrap_err().contains(told), "{name}");
        }
    }

    #[test]
    fn a_plan_that_was_kept_is_carried_out_by_its_own_moment() {
        let mending = |fix| Mending { fix, unused_for: Duration::from_secs(1) };
        let (endless, unused) = (FindingKind::Endless, FindingKind::Unused);
        let planned = Fixes { kinds: [endless, unused].into(), unused_since: 7 };
        assert_eq!(mending(vec![]).of_plan(&planned), planned);
        let named = mending(vec![unused]).of_plan(&planned);
        assert_eq!(named, Fixes { kinds: [unused].into(), unused_since: 7 });
    }
}
