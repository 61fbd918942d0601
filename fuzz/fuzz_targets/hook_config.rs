//! The hook's configuration: what is taken can be used, what is not is told plainly.
#![no_main]

use std::{path::PathBuf, time::Duration};

use libfuzzer_sys::fuzz_target;
use oam_fuzz::assert_told_plainly;
use oam_hook::config::{Config, ConfigError, Endpoint, PlainRepository};

fuzz_target!(|text: &str| {
    let config = match Config::parse(text) {
        Ok(config) => config,
        Err(detail) => {
            return assert_told_plainly(ConfigError::Unusable { path: PathBuf::from("hook.toml"), detail });
        }
    };
    assert!(!config.endpoints.is_empty());
    assert!(config.deadline > Duration::ZERO && config.deadline <= Duration::from_secs(100));
    for endpoint in &config.endpoints {
        match endpoint {
            Endpoint::Unix(path) => assert!(path.is_absolute()),
            Endpoint::Tls(endpoint) => {
                let tls = &endpoint.tls;
                assert!([&tls.ca, &tls.certificate, &tls.key].iter().all(|path| path.is_absolute()));
            }
        }
    }
    if let Some(plain) = &config.plain {
        assert!(!plain.principal_env.is_empty());
        if let PlainRepository::Below(folder) = &plain.repository {
            assert!(folder.is_absolute());
        }
    }
    if let Some(open) = &config.on_unavailable {
        assert!(!open.refs.is_empty() && open.spool.is_absolute());
    }
});
