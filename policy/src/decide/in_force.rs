/// Why something that somebody has for a while gives nothing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotInForce {
    /// The policy does not have the rule that allows it, or only tries it out, or says something else there now.
    NoRule,
    /// It has not begun.
    Early,
    /// It is over.
    Over,
    /// Whoever asked for it may not ask for it any more.
    Asker,
    /// It takes a reason.
    Reason,
    /// It has fewer approvals that count than it takes.
    Approval,
}
