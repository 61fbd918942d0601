//! What people have for a while: roles by elevations, and rules lifted by waivers; and what jobs lease for minutes.
//!
//! **In:** what people ask for, approve, take back and sign off, by the policy and the directory in force; and the time.
//! **Out:** what is in force at a moment, for decisions; and what somebody should look at.
//!
//! The audit log is the truth: each change is an entry there, durable before it is in force or anybody is answered, and
//! the set in force is what the entries make of nothing ([`Set::apply`]). A file holds that set as of an entry, so that
//! a start reads only what was logged since; a file that is old, damaged or gone costs time, and gives nobody anything.
//!
//! **Must never:** give more than was asked for and approved, take one person's word for another's, or give back what
//! is over because a clock was set back.

mod clock;
mod disk;
mod error;
mod id;
mod in_force;
mod keeper;
mod lease;
mod news;
mod open;
mod person;
mod recorded;
mod report;
mod review;
mod rules;
mod said;
mod save;
mod set;
#[cfg(test)]
mod tests;
mod uses;
mod what;

pub use clock::{Clock, TimeOfDay};
pub use error::PrivilegeError;
pub use in_force::InForce;
pub use keeper::Privileges;
pub use lease::{LeaseAsk, LeaseError, MOST_REFS};
pub use news::{Counts, News};
pub use open::OpenError;
pub use person::Person;
pub(crate) use recorded::{held, of_held};
pub use report::{Report, UsedBy, UsedOn};
pub use rules::{answering, concerns};
pub use set::{Approval, Privilege, Reminded, Set, SignOff, Stage};
pub use what::{Ask, Given, Leased, MAX_PATTERNS, MOST_PATTERNS, Room, Wanted, What, is_regex};
