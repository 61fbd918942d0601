//! The daemon's configuration: `oamd check-config` shows a file that gives the same one again.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use oam_daemon::config::{Config, Overrides};
use oam_fuzz::scratch;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| scratch("daemon_config").join("oamd.toml"));

fuzz_target!(|text: &str| {
    fs::write(&*FILE, text).unwrap();
    let load = || Config::load(Some(&FILE), Overrides::default());
    let config = match load() {
        Ok(config) => config,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(config.state.is_absolute() && config.runtime.is_absolute());
    let shown = config.to_string();
    fs::write(&*FILE, &shown).unwrap();
    let again = load().unwrap_or_else(|error| panic!("{shown}\n{error}"));
    // What the daemon chose itself is shown as a comment, and chosen again.
    assert_eq!(format!("{again:?}"), format!("{config:?}"), "{shown}");
});
