use std::{collections::BTreeSet, fs, path::PathBuf};

use oam_tests::binaries::workspace;

use crate::book::{Page, pages, shown, source};

/// The targets of the links in a line, outside of code.
fn targets(line: &str) -> Vec<String> {
    let prose: Vec<_> = line.split('`').step_by(2).collect();
    // A link's text may be code: what stands behind it must not be torn off.
    let line = prose.join("code");
    let parts = line.split("](").skip(1);
    parts.filter_map(|part| part.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// A heading as mdBook and GitHub name its place.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn anchors(page: &Page) -> BTreeSet<String> {
    (1..=6).flat_map(|level| page.headings(level)).map(|heading| anchor(&heading)).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut checked = 0;
    for page in pages() {
        for (number, line) in &page.prose {
            for target in targets(line) {
                if target.contains("://") {
                    continue;
                }
                checked += 1;
                let place = format!("{}:{number}", shown(&page.path));
                let (file, fragment) = target.split_once('#').unwrap_or((&target, ""));
                let path =
                    if file.is_empty() { page.path.clone() } else { page.path.parent().unwrap().join(file) };
                let path =
                    path.canonicalize().unwrap_or_else(|_| panic!("{place}: `{target}` leads nowhere"));
                if page.path.starts_with(source()) {
                    assert!(path.starts_with(source()), "{place}: `{target}` leads out of the book");
                }
                if !fragment.is_empty() {
                    let known = anchors(&Page::read(&path));
                    assert!(known.contains(fragment), "{place}: `#{fragment}` is none of {known:?}");
                }
            }
        }
    }
    assert!(checked > 100, "only {checked} links were found");
}

#[test]
fn the_summary_lists_every_page_once() {
    let summary = Page::read(&source().join("SUMMARY.md"));
    let listed: Vec<_> = summary.prose.iter().flat_map(|(_, line)| targets(line)).collect();
    let listed: Vec<_> = listed.into_iter().map(|target| source().join(target)).collect();
    let unique: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(unique.len(), listed.len(), "a page is listed twice");
    let there = pages().into_iter().map(|page| page.path);
    let there: BTreeSet<_> =
        there.filter(|path| path.starts_with(source()) && !path.ends_with("SUMMARY.md")).collect();
    assert_eq!(unique, there);
}

#[test]
fn every_page_begins_with_its_title() {
    for page in pages() {
        let titles = page.headings(1);
        let first = page.prose.first().map(|(_, line)| line.as_str()).unwrap_or_default();
        assert!(first.starts_with("# "), "{} has no title at its beginning", shown(&page.path));
        assert!(titles.len() == 1 || page.path.ends_with("SUMMARY.md"), "{}: {titles:?}", shown(&page.path));
    }
}

/// Every file and every test that ARCHITECTURE.md and CONTRIBUTING.md name.
#[test]
fn files_and_tests_that_are_named_exist() {
    let mut sources = String::new();
    for folder in
        ["policy", "audit", "proto", "fetch", "bitbucket", "hook", "daemon", "cli", "tests", "peers/tests"]
    {
        read_all(&workspace().join(folder), &mut sources);
    }
    let mut names = 0;
    for file in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        for (number, line) in Page::read(&workspace().join(file)).prose {
            for code in line.split('`').skip(1).step_by(2) {
                let is_path =
                    code.contains('/') && !code.contains(['*', ' ', ':', '<']) && !code.starts_with("http");
                if is_path {
                    assert!(workspace().join(code).exists(), "{file}:{number}: there is no `{code}`");
                    names += 1;
                }
                let is_test = code.matches('_').count() >= 3
                    && code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                if is_test {
                    // A scene that is played with several providers has them as its parameter.
                    let written = ["(", "<"].iter().any(|next| sources.contains(&format!("fn {code}{next}")));
                    assert!(written, "{file}:{number}: there is no test `{code}`");
                    names += 1;
                }
            }
        }
    }
    assert!(names > 60, "only {names} names were found");
}

fn read_all(folder: &PathBuf, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *sources += &fs::read_to_string(path).unwrap();
        }
    }
}
