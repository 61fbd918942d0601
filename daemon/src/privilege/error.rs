use oam_audit::entry::EncodeError;
use oam_policy::{PrivilegeId, RuleId, rule::PatternError};
use thiserror::Error;

use crate::audit_log::AppendError;

/// Why somebody does not get what they ask for. The texts are read by whoever asked.
#[derive(Debug, Error)]
pub enum PrivilegeError {
    /// Nothing can be decided now.
    #[error("nobody can tell now who may ask for what: {0}")]
    Undecided(String),
    /// Whoever asks may not act at all.
    #[error("`{0}` may not act at all: the directory does not know them, or they are deactivated or cut off")]
    Barred(String),
    /// The policy lets nobody like them ask for it.
    #[error("{0}")]
    NotAllowed(String),
    /// It is longer than may be.
    #[error("`{rule}` allows at most {most}, and {asked} were asked for")]
    TooLong {
        /// The rule.
        rule: RuleId,
        /// How long it may last.
        most: String,
        /// How long it was to last.
        asked: String,
    },
    /// It would end as it begins.
    #[error("say for how long, as in `--for 30m`: a second at least")]
    NoTime,
    /// No reason was given.
    #[error("`{0}` takes a reason: add `--reason`")]
    NoReason(RuleId),
    /// The reason is too long to be read.
    #[error("the reason has {0} characters; {max} are enough", max = super::rules::MAX_REASON)]
    LongReason(usize),
    /// Too many patterns, or too long ones.
    #[error("fewer or shorter patterns, please: at most {most} of {max} characters together, with all their alternatives (`{{a,b}}`) written out", most = super::what::MOST_PATTERNS, max = super::what::MAX_PATTERNS)]
    LongPatterns,
    /// A regular expression.
    #[error(
        "`{0}`: those who ask write patterns as `refs/heads/release/*`; regular expressions are for the policy"
    )]
    Regex(String),
    /// A pattern is none.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Somebody has asked for too much at once.
    #[error(
        "`{0}` asks for, has, or left to be signed off {1} things already: have some ended or signed off first (`oam grant list`)"
    )]
    TooManyOfOne(String, usize),
    /// Too much was asked for at once.
    #[error(
        "{0} things are asked for, had, or wait to be signed off: have some of them ended or signed off first"
    )]
    TooMany(usize),
    /// There is no such thing.
    #[error("nobody asked for `{0}`, or it has been over for long: `oam grant list` shows what there is")]
    Unknown(PrivilegeId),
    /// It is too late.
    #[error("`{0}` is not waiting any more")]
    NotWaiting(PrivilegeId),
    /// It is over.
    #[error("`{0}` is over already")]
    IsOver(PrivilegeId),
    /// Somebody approved their own.
    #[error("`{0}` asked for it themselves: somebody else must approve it")]
    Own(String),
    /// Somebody approved twice.
    #[error("`{0}` has approved it already: somebody else must, too")]
    Twice(String),
    /// Somebody may not answer.
    #[error("`{by}` holds none of the roles that may answer: {roles}")]
    MayNotAnswer {
        /// Who.
        by: String,
        /// The roles.
        roles: String,
    },
    /// It is not over.
    #[error(
        "`{0}` is not over: it is signed off when it has ended (`oam grant revoke {0} --reason …` ends it)"
    )]
    NotOver(PrivilegeId),
    /// It was signed off.
    #[error("`{0}` was signed off already, by `{1}`")]
    SignedOff(PrivilegeId, String),
    /// It needs no signature.
    #[error("`{0}` is nothing to sign off: it lifted no rule")]
    NothingToSign(PrivilegeId),
    /// It could not be recorded.
    #[error("it was not recorded, so it is not so: {0}")]
    Append(#[from] AppendError),
    /// It does not fit.
    #[error("it was not recorded, so it is not so: {0}")]
    Encode(#[from] EncodeError),
}
