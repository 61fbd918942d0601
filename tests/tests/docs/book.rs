//! Reading the Markdown.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oam_tests::binaries::workspace;

/// A block of code in a page.
pub(crate) struct Block {
    /// `page:line`, for messages.
    pub(crate) place: String,
    /// What stands behind the fence: `toml,policy`.
    pub(crate) info: String,
    /// Its text, with what it includes.
    pub(crate) text: String,
}

/// A page, with its code apart.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    /// The lines outside of code, with their numbers.
    pub(crate) prose: Vec<(usize, String)>,
    pub(crate) blocks: Vec<Block>,
    /// What its code includes.
    pub(crate) includes: Vec<PathBuf>,
}

/// The folder of the book's pages.
pub(crate) fn source() -> PathBuf {
    workspace().join("docs/src")
}

/// Every Markdown file: those at the top, and the book's.
pub(crate) fn pages() -> Vec<Page> {
    let mut files = Vec::new();
    markdown(workspace(), false, &mut files);
    markdown(&workspace().join("docs"), true, &mut files);
    assert!(files.len() > 30, "the pages are not where they were: {files:?}");
    files.sort();
    files.iter().map(|file| Page::read(file)).collect()
}

fn markdown(folder: &Path, deep: bool, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        } else if deep && path.is_dir() {
            markdown(&path, true, files);
        }
    }
}

/// A path as messages show it.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap_or(path).display().to_string()
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", shown(path)));
        let mut page =
            Self { path: path.to_owned(), prose: Vec::new(), blocks: Vec::new(), includes: Vec::new() };
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            match line.trim_start().strip_prefix("```") {
                Some(info) => {
                    let indent = line.len() - line.trim_start().len();
                    let code = lines.by_ref().map(|(_, line)| line);
                    let code: Vec<_> = code.take_while(|line| line.trim() != "```").collect();
                    page.code(number + 1, info, indent, &code);
                }
                None => page.prose.push((number + 1, line.to_owned())),
            }
        }
        page
    }

    fn code(&mut self, line: usize, info: &str, indent: usize, code: &[&str]) {
        let mut text = String::new();
        for line in code {
            let line = line.get(indent..).unwrap_or_default();
            match line.strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}")) {
                Some(included) => {
                    let path = self.path.parent().unwrap().join(included);
                    text += &fs::read_to_string(&path)
                        .unwrap_or_else(|error| panic!("{} includes {included}: {error}", shown(&self.path)));
                    self.includes.push(path.canonicalize().unwrap());
                }
                None => text += &format!("{line}\n"),
            }
        }
        let place = format!("{}:{line}", shown(&self.path));
        self.blocks.push(Block { place, info: info.to_owned(), text });
    }

    /// The headings of a level, without its `#`s.
    pub(crate) fn headings(&self, level: usize) -> Vec<String> {
        let mark = format!("{} ", "#".repeat(level));
        self.prose.iter().filter_map(|(_, line)| line.strip_prefix(&mark)).map(str::to_owned).collect()
    }
}

/// The headings of level 3 of a page of the reference that are a code in backticks, without these.
pub(crate) fn codes(page: &str) -> Vec<String> {
    let page = Page::read(&source().join("reference").join(page));
    let plain = |heading: &String| heading.strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
    page.headings(3).iter().filter_map(plain).collect()
}
