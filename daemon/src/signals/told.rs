use std::time::{Duration, Instant};

use jiff::Timestamp;

/// For how long after its last delivery an event that could not be taken still says something of those to come. Whoever was to
/// deliver it again has given up by then, and it is for a sign of life to say whether others would be taken.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(60 * 60);

/// What came of late.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// When something was last taken.
    pub(super) heard: Option<Timestamp>,
    pub(super) received: u64,
    pub(super) refused: u64,
    /// What is wrong with how we ask, and since when.
    pub(super) trouble: Option<(String, Instant)>,
    /// The last event that was not taken for what it says, and has not been since.
    pub(super) not_understood: Option<NotUnderstood>,
    /// Events that could not be taken, while none was.
    untaken: Option<Untaken>,
    /// When a sign of life was last asked for; `None`: not since the start, or that failed.
    pub(super) asked: Option<Instant>,
}

/// An event that is signed as it should be, and was not taken for what it says.
#[derive(Debug, Clone)]
pub(super) struct NotUnderstood {
    /// What the transmitter calls it.
    pub(super) id: Option<String>,
    pub(super) why: String,
    pub(super) at: Instant,
}

/// Events that are to be delivered again, since none was taken.
#[derive(Debug, Clone)]
struct Untaken {
    /// Why the last one was not.
    why: String,
    /// When the first one came.
    since: Instant,
    /// When the last one came.
    last: Instant,
}

impl Told {
    /// An event was taken: others would be, too.
    pub(super) fn taken(&mut self, id: &str) {
        // It came again, and is understood by now.
        self.not_understood.take_if(|one| one.id.as_deref() == Some(id));
        self.untaken = None;
        self.heard = Some(Timestamp::now());
        self.received += 1;
    }

    /// An event is to be delivered again.
    pub(super) fn later(&mut self, why: &str) {
        let now = Instant::now();
        let since = self.untaken.as_ref().map_or(now, |untaken| untaken.since);
        self.untaken = Some(Untaken { why: why.to_owned(), since, last: now });
    }

    /// Whether events could not be taken, and none was since.
    pub(super) fn waits(&self) -> bool {
        self.untaken.is_some()
    }

    /// Why none could be taken for as long, where that still says anything.
    pub(super) fn not_taken(&self, alarm_after: Duration) -> Option<&str> {
        let is_told = |untaken: &&Untaken| {
            untaken.since.elapsed() >= alarm_after
                && untaken.last.elapsed() < alarm_after.saturating_add(GIVEN_UP_AFTER)
        };
        self.untaken.as_ref().filter(is_told).map(|untaken| untaken.why.as_str())
    }
}
