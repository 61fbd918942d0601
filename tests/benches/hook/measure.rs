//! Medians of interleaved runs, and their ratios beside the targets.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::resource::{UsageWho, getrusage};

/// One thing that is measured.
pub(crate) struct Case<'a> {
    /// Its name in the table.
    pub(crate) name: String,
    /// Does it once, given the number of the run, and says how long that took.
    pub(crate) run: Box<dyn FnMut(usize) -> Duration + 'a>,
}

/// What is hoped for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// The smaller the better.
    AtMost(f64),
    /// The larger the better.
    AtLeast(f64),
}

impl<'a> Case<'a> {
    /// A case of that name.
    pub(crate) fn new(name: &str, run: impl FnMut(usize) -> Duration + 'a) -> Self {
        Self { name: name.to_owned(), run: Box::new(run) }
    }
}

/// Runs every case in turn, `runs` times after one round that is not counted: what slows the machine down slows all
/// alike. Gives the median of each, in milliseconds.
pub(crate) fn medians(cases: &mut [Case<'_>], runs: usize) -> Vec<f64> {
    let mut times = vec![Vec::new(); cases.len()];
    for run in 0..=runs {
        for (case, times) in cases.iter_mut().zip(&mut times) {
            let time = (case.run)(run);
            if run > 0 {
                times.push(time.as_secs_f64() * 1e3);
            }
        }
    }
    times.into_iter().map(median).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    if times.len().is_multiple_of(2) {
        f64::midpoint(times[middle - 1], times[middle])
    } else {
        times[middle]
    }
}

/// Prints a table of medians, and their ratios to the first.
pub(crate) fn table(title: &str, cases: &[Case<'_>], medians: &[f64]) {
    println!("\n{title}");
    for (case, median) in cases.iter().zip(medians) {
        println!("  {:<46}{median:>10.3} ms  x {:<8.3}", case.name, median / medians[0]);
    }
}

/// Prints a figure beside its target; gives 1 when it is missed.
pub(crate) fn judge(what: &str, figure: f64, target: Target) -> u32 {
    let (met, shown) = match target {
        Target::AtMost(bound) => (figure <= bound, format!("<= {bound}")),
        Target::AtLeast(bound) => (figure >= bound, format!(">= {bound}")),
    };
    println!("  {} {what}: {figure:.3} ({shown})", if met { "met   " } else { "MISSED" });
    u32::from(!met)
}

/// Runs a process with a file on its standard input, and says how long it took.
pub(crate) fn process(command: &mut Command, input: &Path, code: i32) -> Duration {
    command.stdin(File::open(input).unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status().unwrap();
    let time = started.elapsed();
    assert_eq!(status.code(), Some(code), "{command:?}");
    time
}

const PEAK: &str = "--measure-peak";

/// The most memory that a process held at once, in MiB. It is run by a small process of its own, which is this program
/// again: the system tells only of all children together, and counts what they were before they became themselves.
pub(crate) fn peak_mib(program: &Path, folder: &Path, user: &str, input: &Path) -> f64 {
    let mut own = Command::new(std::env::current_exe().unwrap());
    own.arg(PEAK).arg(program).current_dir(folder).env_clear().env("REMOTE_USER", user);
    own.env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let output = own.stdin(File::open(input).unwrap()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse::<f64>().unwrap_or_else(|_| panic!("{output:?}")) / 1024.0
}

/// Whether this process is the one that [`peak_mib`] starts; then it has done its work.
pub(crate) fn is_peak_child(arguments: &[String]) -> bool {
    let [mark, program, ..] = arguments else { return false };
    if mark != PEAK {
        return false;
    }
    let status = Command::new(program).status().unwrap();
    assert!(status.success(), "{program}: {status}");
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss());
    true
}
