//! What the exit code of `oam` says, for scripts.

use std::process::ExitCode;

/// How a command ended. "No" ([`Exit::No`]) and "could not tell" ([`Exit::Undecided`]) are never mixed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was done, or the answer is yes.
    Ok,
    /// The answer is no.
    No,
    /// The command line is wrong, or a file that it names cannot be used.
    Usage,
    /// There is no answer: the daemon is not ready, or could not tell.
    Undecided,
    /// The daemon cannot be reached.
    Unreachable,
    /// It is not allowed, or the socket is not to be trusted.
    NotAllowed,
    /// It is taken down, and waits for others.
    Waits,
}

impl Exit {
    /// Every way to end, in order of the codes.
    pub const ALL: [Self; 7] =
        [Self::Ok, Self::No, Self::Usage, Self::Undecided, Self::Unreachable, Self::NotAllowed, Self::Waits];

    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Undecided => 3,
            Self::Unreachable => 4,
            Self::NotAllowed => 5,
            Self::Waits => 6,
        }
    }

    /// What it means, as `oam --help` says it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done, or the answer is yes; also when there was nothing to change",
            Self::No => {
                "the answer is no: faults, refused, verdicts change, log not in order, findings, no such name"
            }
            Self::Usage => "the command line is wrong, or a file that it names cannot be read or written",
            Self::Undecided => "no answer: the daemon is not ready, is undecided, or failed",
            Self::Unreachable => "the daemon cannot be reached",
            Self::NotAllowed => {
                "you are not allowed or not signed in, or the socket belongs to somebody who is not trusted"
            }
            Self::Waits => "proposed or approved, and not in force: it waits for the approval of others",
        }
    }

    /// The table of `oam --help`.
    pub fn table() -> String {
        let rows: Vec<_> =
            Self::ALL.iter().map(|exit| format!("  {}  {}", exit.code(), exit.meaning())).collect();
        format!("Exit codes:\n{}", rows.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn codes_are_their_places_in_the_table() {
        for (place, exit) in Exit::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(exit.code()), place);
        }
    }
}
