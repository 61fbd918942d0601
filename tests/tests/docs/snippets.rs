//! What the pages show as a file is read by the real readers.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use oam_policy::{
    file::{self, PolicySource},
    snapshot::file as directory,
    trial::TestOutcome,
};
use oam_tests::{Finished, Run, binaries};
use tempfile::TempDir;

use crate::{
    book::{Block, pages},
    lints,
};

/// Every block with one of the marks, or all that begin with `toml,` and `json,`: a mark that is mistyped is no mark.
pub(crate) fn marked(info: &str) -> Vec<Block> {
    let blocks = pages().into_iter().flat_map(|page| page.blocks);
    let blocks: Vec<_> = blocks.filter(|block| block.info == info).collect();
    assert!(!blocks.is_empty(), "no page has a block `{info}`");
    blocks
}

#[test]
fn no_mark_is_mistyped() {
    let known =
        ["toml,policy", "toml,policy-file", "json,directory", "toml,directory", "toml,daemon", "toml,hook"];
    for block in pages().iter().flat_map(|page| &page.blocks) {
        let plain = ["sh", "text", "toml", "ini", "yaml", "groovy"].contains(&block.info.as_str());
        assert!(
            plain || known.contains(&block.info.as_str()) || lints::is_example(block),
            "{}: `{}` is not known",
            block.place,
            block.info
        );
    }
}

/// It has no fault, and each of its tests is run and passes.
fn passes(place: &str, sources: &[PolicySource]) {
    let tested = file::parse_and_test(sources, None, "2026-11-23T09:00:00Z".parse().unwrap());
    let tested = tested.unwrap_or_else(|faults| panic!("{place}:\n{faults}"));
    for result in &tested.tests {
        let left_out = matches!(result.outcome, TestOutcome::NotRun(_));
        assert!(!left_out, "{place}: `{}` is not run here: ask by `as`", result.case.push());
    }
    if let Err(faults) = tested.passed() {
        panic!("{place}:\n{faults}");
    }
}

#[test]
fn policies_are_read_and_their_tests_pass() {
    for block in marked("toml,policy") {
        passes(&block.place, &[PolicySource { name: block.place.clone(), text: block.text }]);
    }
}

/// What a page marks `toml,policy-file` are the files of one policy.
#[test]
fn policies_in_several_files_are_read() {
    let mut pages: BTreeMap<String, Vec<PolicySource>> = BTreeMap::new();
    for block in marked("toml,policy-file") {
        let (page, _) = block.place.rsplit_once(':').unwrap();
        let source = PolicySource { name: block.place.clone(), text: block.text };
        pages.entry(page.to_owned()).or_default().push(source);
    }
    for (page, sources) in pages {
        assert!(sources.len() > 1, "{page}: one file is `toml,policy`");
        passes(&page, &sources);
    }
}

#[test]
fn directories_are_read() {
    for block in marked("json,directory") {
        if let Err(faults) = directory::parse_json(&block.place, &block.text) {
            panic!("{}:\n{faults}", block.place);
        }
    }
    for block in marked("toml,directory") {
        if let Err(faults) = directory::parse_toml(&block.place, &block.text) {
            panic!("{}:\n{faults}", block.place);
        }
    }
}

fn written(text: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::Builder::new().prefix("oam").tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

fn check_daemon(file: &Path) -> Finished {
    let mut oamd = Command::new(binaries::path("oamd"));
    oamd.env_clear().arg("--config").arg(file).arg("check-config").run()
}

/// The hook has no command that only reads its configuration. `deliver` reads it first, and says when it is faulty.
fn check_hook(file: &Path) -> Finished {
    let mut hook = Command::new(binaries::path("oam-hook"));
    hook.env_clear().arg("--config").arg(file).arg("deliver").run()
}

fn complains_of_its_configuration(hook: &Finished) -> bool {
    let said = hook.stderr_text().split_whitespace().collect::<Vec<_>>().join(" ");
    said.to_lowercase().contains("the configuration `")
}

#[test]
fn configurations_of_the_daemon_are_read() {
    for block in marked("toml,daemon") {
        let (_folder, file) = written(&block.text);
        check_daemon(&file).expect_success(&block.place);
    }
    let (_folder, file) = written("[http]\nport = 1\n");
    assert_eq!(check_daemon(&file).code, 2, "it would say so if a key were unknown");
}

#[test]
fn configurations_of_the_hook_are_read() {
    for block in marked("toml,hook") {
        let (_folder, file) = written(&block.text);
        let hook = check_hook(&file);
        assert!(!complains_of_its_configuration(&hook), "{}: {hook:?}", block.place);
    }
    let (_folder, file) = written("endpoint = \"unix:/run/oam/hook.sock\"\n");
    assert!(complains_of_its_configuration(&check_hook(&file)), "it would say so if a key were unknown");
}

/// The keys of a TOML text, `section.key`.
pub(crate) fn keys(toml: &str) -> Vec<String> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            // A source, a transmitter, a webhook and a collector are called as their owner likes.
            let named = ["source", "signals", "webhook", "export"].into_iter().find_map(|kind| {
                let rest = name.strip_prefix(kind)?.strip_prefix('.')?;
                Some((kind, rest.split_once('.').map(|(_, below)| below)))
            });
            section = match named {
                Some((kind, Some(below))) => format!("{kind}.NAME.{below}."),
                Some((kind, None)) => format!("{kind}.NAME."),
                None => format!("{name}."),
            };
        } else if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.starts_with('#')) {
            keys.push(format!("{section}{}", key.trim()));
        }
    }
    keys
}

/// The block of a reference page that shows the most keys: it is there to show all of them.
pub(crate) fn full_example(page: &str, info: &str) -> Block {
    let of_page = |block: &Block| block.place.starts_with(&format!("docs/src/reference/{page}:"));
    let by_size: BTreeMap<_, _> =
        marked(info).into_iter().filter(of_page).map(|block| (block.text.len(), block)).collect();
    by_size.into_values().next_back().expect("a full example")
}

/// What `oamd check-config` prints for the full example.
pub(crate) fn daemon_keys_in_force() -> Vec<String> {
    let (_folder, file) = written(&full_example("oamd.md", "toml,daemon").text);
    keys(&check_daemon(&file).expect_success("oamd check-config").stdout_text())
}
