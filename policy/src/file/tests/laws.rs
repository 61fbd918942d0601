use proptest::prelude::*;

use super::{DESCRIBED, read, starter};

/// The tables of a file, each with its header, without what stands before the first.
fn tables(text: &str) -> Vec<String> {
    let mut tables = Vec::new();
    for line in text.lines() {
        if line.starts_with("[[") {
            tables.push(String::new());
        }
        if let Some(last) = tables.last_mut() {
            *last += line;
            *last += "\n";
        }
    }
    tables
}

proptest! {
    #[test]
    fn neither_order_nor_files_mean_anything(
        tables in Just(tables(DESCRIBED)).prop_shuffle(),
        homes in proptest::collection::vec(0..3_usize, 7),
    ) {
        let mut files = vec!["version = 1\n".to_owned(); 3];
        for (table, home) in tables.iter().zip(homes) {
            files[home] += table;
        }
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        prop_assert_eq!(read(&files).unwrap().digest(), read(&[DESCRIBED]).unwrap().digest());
    }

    #[test]
    fn a_rule_less_is_another_policy(without in 0..7_usize) {
        let mut tables = tables(DESCRIBED);
        tables.remove(without);
        if let Ok(less) = read(&[&format!("version = 1\n{}", tables.concat())]) {
            prop_assert_ne!(less.digest(), read(&[DESCRIBED]).unwrap().digest());
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}|([a-z=\\[\\]\"{}.,# \\n0-9:TZ-]{0,200})") {
        if let Err(faults) = read(&[&text]) {
            prop_assert!(!faults.to_string().is_empty());
        }
    }

    /// Whatever becomes of a good policy: no panic, and every fault lies within the file.
    #[test]
    fn a_mutilated_policy_is_read_or_refused(
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), 0..30_usize), 1..5),
        inserts in proptest::collection::vec((any::<proptest::sample::Index>(), "[\\[\\]\"={}\\n#a-z]{0,5}|\\PC"), 0..5),
    ) {
        let mut text: Vec<char> = starter().lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n").chars().collect();
        for (at, length) in cuts {
            let at = at.index(text.len());
            text.drain(at..(at + length).min(text.len()));
        }
        for (at, insert) in inserts {
            let at = at.index(text.len());
            text.splice(at..at, insert.chars());
        }
        let text: String = text.into_iter().collect();
        let lines = text.matches('\n').count() + 1;
        if let Err(faults) = read(&[&text]) {
            for fault in faults.iter() {
                prop_assert!(fault.line as usize <= lines, "{}", fault);
            }
            prop_assert!(!faults.to_string().replace('\n', "").chars().any(char::is_control));
        }
    }
}
