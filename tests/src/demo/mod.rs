//! The demo: a story in steps, each shown with its command and its real output, and each checked.

mod playground;
mod story;

use std::path::PathBuf;

use playground::Playground;

/// How the demo is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Leave the playground running at the end.
    pub keep: bool,
    /// Where the playground is made.
    pub folder: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self { keep: false, folder: "playground".into() }
    }
}

/// The step that failed, and how.
pub type Failed = String;

/// Tells the whole story.
///
/// # Errors
/// The first step that did not go as it should.
pub fn run(options: &Options) -> Result<(), Failed> {
    println!("Bitbucket OAM decides who may push what. This is it at work, with real git, here and now.");
    let mut playground = Playground::new(&options.folder)?;
    story::tell(&mut playground)?;
    if options.keep {
        playground.keep();
    } else {
        playground.remove();
    }
    Ok(())
}
