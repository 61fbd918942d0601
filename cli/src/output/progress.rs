//! How far a long work has come, on standard error, for whoever is watching.

use std::borrow::Cow;

use indicatif::{ProgressBar, ProgressStyle};

/// Below this, in bytes, the work is done before a bar is read.
const BIG: u64 = 4 * 1024 * 1024;

/// Below this, in entries of the audit log, too.
const MANY: u64 = 5_000;

/// A progress bar that vanishes when it is dropped; perhaps an invisible one.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar for `bytes` of work, 0 when it is not known how many. It is shown when somebody is watching
    /// (`is_watched`) and the work is big.
    pub fn of_bytes(bytes: u64, is_watched: bool) -> Self {
        if !is_watched || (bytes != 0 && bytes < BIG) {
            return Self(ProgressBar::hidden());
        }
        let (bar, template) = if bytes == 0 {
            (ProgressBar::new_spinner(), "{spinner} {msg} {bytes}")
        } else {
            (ProgressBar::new(bytes), "{msg:10} [{bar:30}] {bytes}/{total_bytes} {eta}")
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    /// A bar for reading so many entries of the audit log.
    pub fn of_entries(entries: u64, is_watched: bool) -> Self {
        if !is_watched || entries < MANY {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(entries);
        if let Ok(style) =
            ProgressStyle::with_template("{msg:10} [{bar:30}] {human_pos}/{human_len} entries {eta}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    /// The work is at `stage`, with so much of it done.
    pub fn reached(&self, stage: &str, done: u64) {
        self.0.set_message(Cow::<'static, str>::Owned(super::shown(stage)));
        // Later stages count nothing.
        if done > 0 {
            self.0.set_position(done);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
