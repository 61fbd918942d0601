use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use oam_policy::Digest;

/// For how long after its last delivery an event that could not be taken still says something of those to come. Whoever was to
/// deliver it again has given up by then, and it is for a sign of life, or the next event, to say whether others would be taken.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(60 * 60);
/// How many events that could not be taken are known again. Where there are more, that all of those are refused ends nothing.
const MOST_KNOWN: usize = 256;

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
    /// Events that could not be taken for what every event meets, while none was taken.
    untaken: Option<Untaken>,
    /// Events that could not be carried out, while none was.
    undone: Option<Untaken>,
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

/// How far an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is checked, read and noted, as every event is. A sign of life, and one that was taken before, meets nothing else.
    Arriving,
    /// It is carried out and recorded.
    Acting,
    /// It was.
    Acted,
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
    /// Which they are: the digests of their tokens.
    events: BTreeSet<Digest>,
    /// Whether there are more of them.
    is_more: bool,
}

impl Told {
    /// An event was taken: others would be, too, as far as it came.
    pub(super) fn taken(&mut self, id: &str, step: Step) {
        // It came again, and is understood by now.
        self.not_understood.take_if(|one| one.id.as_deref() == Some(id));
        self.untaken = None;
        if step == Step::Acted {
            self.undone = None;
        }
        self.heard = Some(Timestamp::now());
        self.received += 1;
    }

    /// An event never will be taken: it is not waited for.
    pub(super) fn refuse(&mut self, event: Digest) {
        self.refused += 1;
        for those in [&mut self.untaken, &mut self.undone] {
            those.take_if(|those| those.end_with(event));
        }
    }

    /// An event is to be delivered again, since it came no further.
    pub(super) fn later(
        &mut self,
        event: Digest,
        why: &str,
        step: Step,
        alarm_after: Duration,
        now: Instant,
    ) {
        let those = if step == Step::Acting { &mut self.undone } else { &mut self.untaken };
        // What was given up long ago is not when this began.
        those.take_if(|those| !those.is_told(alarm_after, now));
        those.get_or_insert_with(|| Untaken::begin(now)).note(event, why, now);
    }

    /// Whether events could not be taken for what a sign of life meets, too, and none was since.
    pub(super) fn waits(&self) -> bool {
        self.untaken.is_some()
    }

    /// Why none could be taken for as long, where that still says anything.
    pub(super) fn not_taken(&self, alarm_after: Duration, now: Instant) -> Option<&str> {
        let is_long = |those: &&Untaken| now.duration_since(those.since) >= alarm_after;
        let mut all = [&self.untaken, &self.undone].into_iter().flatten();
        all.find(|those| is_long(those) && those.is_told(alarm_after, now)).map(|those| those.why.as_str())
    }
}

impl Untaken {
    fn begin(now: Instant) -> Self {
        Self { why: String::new(), since: now, last: now, events: BTreeSet::new(), is_more: false }
    }

    fn note(&mut self, event: Digest, why: &str, now: Instant) {
        (self.why, self.last) = (why.to_owned(), now);
        if self.events.len() < MOST_KNOWN {
            self.events.insert(event);
        } else {
            self.is_more |= !self.events.contains(&event);
        }
    }

    /// Whether they still say something of those to come.
    fn is_told(&self, alarm_after: Duration, now: Instant) -> bool {
        now.duration_since(self.last) < alarm_after.saturating_add(GIVEN_UP_AFTER)
    }

    /// Takes one out. Whether it was the last one.
    fn end_with(&mut self, event: Digest) -> bool {
        self.events.remove(&event) && self.events.is_empty() && !self.is_more
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use oam_policy::Digest;

    use super::{GIVEN_UP_AFTER, MOST_KNOWN, Step, Told};

    const ALARM_AFTER: Duration = Duration::from_secs(15 * 60);

    fn event(token: &str) -> Digest {
        Digest::of(token.as_bytes())
    }

    fn later(told: &mut Told, token: &str, step: Step, now: Instant) {
        told.later(event(token), token, step, ALARM_AFTER, now);
    }

    #[test]
    fn an_event_that_was_given_up_days_ago_is_not_when_another_one_began() {
        let (mut told, monday) = (Told::default(), Instant::now());
        later(&mut told, "monday", Step::Arriving, monday);
        assert_eq!(told.not_taken(ALARM_AFTER, monday + ALARM_AFTER), Some("monday"));
        let given_up = monday + ALARM_AFTER + GIVEN_UP_AFTER;
        assert_eq!(told.not_taken(ALARM_AFTER, given_up), None);
        later(&mut told, "thursday", Step::Arriving, given_up);
        assert_eq!(told.not_taken(ALARM_AFTER, given_up), None);
        // The one of thursday alone is waited for.
        told.refuse(event("thursday"));
        assert!(!told.waits());
        // One that comes while another one still counts goes on with it.
        later(&mut told, "friday", Step::Arriving, given_up);
        later(&mut told, "friday too", Step::Arriving, given_up + ALARM_AFTER);
        assert_eq!(told.not_taken(ALARM_AFTER, given_up + ALARM_AFTER), Some("friday too"));
    }

    #[test]
    fn an_event_that_is_refused_in_the_end_is_not_waited_for() {
        for step in [Step::Arriving, Step::Acting] {
            let (mut told, now) = (Told::default(), Instant::now());
            let is_told = |told: &Told| told.not_taken(ALARM_AFTER, now + ALARM_AFTER).is_some();
            later(&mut told, "one", step, now);
            later(&mut told, "two", step, now);
            later(&mut told, "one", step, now);
            told.refuse(event("another"));
            told.refuse(event("one"));
            assert!(is_told(&told), "the other one may still be taken");
            told.refuse(event("two"));
            assert!(!is_told(&told));
            assert_eq!(told.refused, 3);
        }
    }

    #[test]
    fn of_more_events_than_are_known_again_nobody_can_tell_that_all_are_refused() {
        let (mut told, now) = (Told::default(), Instant::now());
        let tokens: Vec<_> = (0..=MOST_KNOWN).map(|number| number.to_string()).collect();
        for token in &tokens {
            later(&mut told, token, Step::Arriving, now);
        }
        for token in &tokens {
            told.refuse(event(token));
        }
        assert!(told.waits());
        told.taken("id", Step::Arriving);
        assert!(!told.waits());
    }

    #[test]
    fn a_sign_of_life_says_nothing_of_what_it_does_not_meet() {
        let (mut told, now) = (Told::default(), Instant::now());
        later(&mut told, "cannot be recorded", Step::Acting, now);
        assert!(!told.waits(), "it is not for a sign of life to say");
        told.taken("sign of life", Step::Arriving);
        assert_eq!(told.not_taken(ALARM_AFTER, now + ALARM_AFTER), Some("cannot be recorded"));
        told.taken("another", Step::Acted);
        assert_eq!(told.not_taken(ALARM_AFTER, now + ALARM_AFTER), None);
        // That it was taken could not be noted: a sign of life is noted, too.
        later(&mut told, "cannot be noted", Step::Acted, now);
        assert!(told.waits());
        told.taken("sign of life", Step::Arriving);
        assert_eq!(told.not_taken(ALARM_AFTER, now + ALARM_AFTER), None);
    }
}
