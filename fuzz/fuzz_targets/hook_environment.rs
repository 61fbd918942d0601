//! Who pushes where, from variables as /proc/self/environ lists them: `NAME=value`, each followed by a zero byte.
#![no_main]

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use libfuzzer_sys::fuzz_target;
use oam_fuzz::{assert_plain, assert_told_plainly};
use oam_hook::{
    config::{Config, Plain, PlainRepository},
    environment::{self, Updates, Variables, bitbucket, external_hooks},
    git_dir::Places,
};
use oam_policy::{Channel, RefChange, Repository};
use oam_proto::limits;

fn variables(data: &[u8]) -> Variables {
    let pairs = data.split(|byte| *byte == 0).filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        Some((OsStr::from_bytes(&pair[..at]), OsStr::from_bytes(&pair[at + 1..])))
    });
    pairs.collect()
}

fuzz_target!(|data: &[u8]| {
    let variables = variables(data);
    let repository = Repository::parse("DEMO/app").unwrap();
    let plain = Plain { principal_env: "REMOTE_USER".into(), repository: PlainRepository::Named(repository) };
    let plain = Config { plain: Some(plain), ..Config::default() };
    let is_value =
        |text: &str, names: &[&str]| names.iter().any(|name| variables.get(name) == Some(OsStr::new(text)));
    for result in [
        bitbucket::read(&variables),
        external_hooks::read(&variables),
        environment::read(&variables, &Config::default(), &Places::default()),
    ] {
        match result {
            Ok(found) => {
                assert_eq!(found.lease, None, "Bitbucket hands no push options on");
                assert!(is_value(found.pusher.as_str(), &["BB_USER_NAME", "STASH_USER_NAME"]));
                let (project, slug) = found.repository.as_str().split_once('/').unwrap();
                assert!(is_value(project, &["BB_PROJECT_KEY", "STASH_PROJECT_KEY"]));
                assert!(is_value(slug, &["BB_REPO_SLUG", "STASH_REPO_NAME"]));
                let dry = variables.get("BB_IS_DRY_RUN") == Some(OsStr::new("true"));
                match &found.updates {
                    Updates::Stdin => assert!(!found.channel.is_dry_run()),
                    Updates::DryRun(update) => {
                        assert!(dry && found.channel == Channel::PullRequestDryRun);
                        assert!(matches!(update.change, RefChange::Merge { .. }));
                    }
                }
            }
            Err(error) => {
                assert_plain(&error.to_string());
                assert_told_plainly(error);
            }
        }
    }
    // Where a variable is configured, no other one can name the pusher.
    match environment::read(&variables, &plain, &Places::default()) {
        Ok(found) => {
            assert!(is_value(found.pusher.as_str(), &["REMOTE_USER"]));
            assert_eq!((found.channel, found.updates), (Channel::Push, Updates::Stdin));
            let tokens = found.lease.map(|lease| lease.tokens).unwrap_or_default();
            assert!(tokens.len() <= 2);
            for token in tokens.iter().filter(|token| !token.is_empty()) {
                let option = [&b"=oam-lease="[..], token].concat();
                assert!(token.len() <= limits::LEASE_TOKEN_BYTES);
                assert!(data.windows(option.len()).any(|part| part == option));
            }
        }
        Err(error) => assert_told_plainly(error),
    }
});
