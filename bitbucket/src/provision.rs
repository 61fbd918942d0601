//! Permissions in Bitbucket as a policy and a directory want them: what is there, what should be, and the steps between.
//!
//! [`see`] reads what is there, [`Basis`] is what a daemon says should be, [`Plan`] is what lies between, and [`apply()`] takes
//! its steps. Nothing here decides who may do what: that is said by `oam_policy::entitle`.
//!
//! **Must never:** touch what OAM did not give and nobody told it to adopt or named to be mended, but for those who are gone; take away the
//! last administrator or the account that it works with; or take more than it was allowed at once.

mod anybody;
mod apply;
mod basis;
mod change;
mod door;
mod drift;
mod finding;
mod fixes;
mod guard;
mod mend;
mod much;
mod plan;
mod renamed;
mod seen;
mod settings;
mod shorten;
mod strangers;
mod stuck;
#[cfg(test)]
mod tests;
mod wanted;

pub use anybody::see_anybody;
pub use apply::{Outcome, apply, look_again, tokens_since};
pub use basis::{Basis, Given, GivenTo, Managed, MirrorBasis, Pending, RoleHolders, Standing};
pub use change::{Change, Step, Told};
pub use drift::{Around, findings, look_around};
pub use finding::{Finding, FindingKind, FoundIn, MendedBy};
pub use fixes::Fixes;
pub use mend::{Beside, give_up_strangers, see_beside};
pub use much::TooMuch;
pub use plan::{HeldBack, Plan, Surplus};
pub use renamed::Renamed;
pub use seen::{Dated, Reading, Seen, see, see_leavers, see_members, see_restrictions};
pub use settings::{Automatic, Chosen, ChosenError, Settings};
pub use shorten::{LONGEST_TOLD, shortened};
pub use strangers::{Strangers, look_at_strangers, see_strangers, strange};

/// With how many of those who are gone something must fail, one after the other, until nothing more is tried.
pub const MOST_IN_A_ROW: usize = 3;
