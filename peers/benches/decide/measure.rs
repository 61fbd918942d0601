//! Taking times in turns, and what remains of them.

use std::{hint::black_box, time::Instant};

use rustix::time::{ClockId, clock_gettime};

/// Rounds that only warm up.
const WARMING: usize = 3;

/// Something that decides the pushes of the benchmark.
pub(crate) struct Engine<'a> {
    pub(crate) name: String,
    /// How often all pushes are decided in one round: a turn must be long for the clock, and short for the patient.
    passes: usize,
    permits: Box<dyn FnMut(usize) -> bool + 'a>,
    /// Nanoseconds per decision, by round.
    pub(crate) rounds: Vec<f64>,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(name: impl Into<String>, permits: impl FnMut(usize) -> bool + 'a) -> Self {
        Self { name: name.into(), passes: 1, permits: Box::new(permits), rounds: Vec::new() }
    }

    /// The verdicts on all pushes.
    pub(crate) fn verdicts(&mut self, pushes: usize) -> Vec<bool> {
        (0..pushes).map(|push| (self.permits)(push)).collect()
    }

    /// Nanoseconds per decision, by one round.
    pub(crate) fn turn(&mut self, pushes: usize) -> f64 {
        let start = processor_time();
        for _ in 0..self.passes {
            for push in 0..pushes {
                black_box((self.permits)(black_box(push)));
            }
        }
        (processor_time() - start) / (self.passes * pushes) as f64
    }

    /// Nanoseconds per decision.
    pub(crate) fn cost(&self) -> f64 {
        median(self.rounds.clone())
    }
}

/// How long a turn is at least, in nanoseconds: about as long as one pass of a slow engine. What a turn begins with is in none of
/// the processor's nearer caches, after all that the others have looked at; no push comes to such a machine twice.
const TURN: f64 = 4e7;

/// Times all engines in turns, so that noise meets all alike. The first rounds only warm up, and tell how many passes make
/// a turn: the very first one waits for memory, and would make the turns of a fast engine so short that they are mostly that.
pub(crate) fn interleave(engines: &mut [Engine<'_>], pushes: usize, rounds: usize) {
    for engine in &mut *engines {
        for _ in 0..WARMING {
            let nanoseconds = engine.turn(pushes) * pushes as f64;
            engine.passes = (TURN / nanoseconds).ceil().max(1.0) as usize;
        }
    }
    for _ in 0..rounds {
        for engine in &mut *engines {
            let cost = engine.turn(pushes);
            engine.rounds.push(cost);
        }
    }
}

/// Nanoseconds that this thread had a processor. Who else wants one at the time is no part of what a decision costs.
pub(crate) fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// How many times as much `other` costs as `ours`: the median of what each round says.
pub(crate) fn ratio(other: &Engine<'_>, ours: &Engine<'_>) -> f64 {
    median(other.rounds.iter().zip(&ours.rounds).map(|(other, ours)| other / ours).collect())
}

/// The median time of a few repetitions, in milliseconds, each with what `prepare` makes.
pub(crate) fn milliseconds<T, U>(
    repetitions: usize,
    mut prepare: impl FnMut() -> T,
    mut run: impl FnMut(T) -> U,
) -> f64 {
    let times = (0..repetitions).map(|_| {
        let prepared = prepare();
        let start = Instant::now();
        let result = black_box(run(prepared));
        let time = start.elapsed().as_secs_f64() * 1e3;
        drop(result);
        time
    });
    median(times.collect())
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A time in the unit in which it reads best.
pub(crate) fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        few if few < 1e3 => format!("{few:.0} ns"),
        some if some < 1e6 => format!("{:.1} µs", some / 1e3),
        many => format!("{:.1} ms", many / 1e6),
    }
}

/// Prints whether a target is met, and counts it when it is not.
pub(crate) fn target(what: &str, met: bool) -> usize {
    println!("  {} {what}", if met { "met:   " } else { "MISSED:" });
    usize::from(!met)
}
