//! Policy files, with zero bytes between them: read the same in any order, or refused with faults that lie in them.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use oam_fuzz::assert_plain;
use oam_policy::{
    file::{PolicySource, parse},
    lint::lint,
    trial,
};

fuzz_target!(|text: &str| {
    let name = |index| format!("{index}.toml");
    let mut files: Vec<_> = text
        .split('\0')
        .enumerate()
        .map(|(index, text)| PolicySource { name: name(index), text: text.to_owned() })
        .collect();
    match parse(&files) {
        Ok(policy) => {
            files.reverse();
            let again = parse(&files).expect("the order of files means nothing");
            assert_eq!(policy.digest(), again.digest());
            for warning in lint(&policy, None, Timestamp::UNIX_EPOCH).warnings {
                assert_plain(&warning.message);
                warning.help.iter().for_each(|help| assert_plain(help));
            }
            let results = policy.run_tests(None, Timestamp::UNIX_EPOCH);
            if let Some(faults) = trial::faults(&results) {
                assert_plain(&faults.to_string());
            }
        }
        Err(faults) => {
            assert_plain(&faults.to_string());
            for fault in faults.iter() {
                let file = files.iter().find(|file| file.name == fault.file).expect("a file of ours");
                assert!(fault.line as usize <= file.text.matches('\n').count() + 1, "{fault}");
                assert_plain(&fault.excerpt);
            }
        }
    }
});
