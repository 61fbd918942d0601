//! `packed-refs`: what git would list is a tip, or the file is complained of.
#![no_main]

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use libfuzzer_sys::fuzz_target;
use oam_fuzz::{assert_plain, scratch};
use oam_hook::{
    environment::Variables,
    git::{Git, Tips},
};
use oam_policy::{ObjectId, RefName, rule::RefSet};

static REPOSITORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = scratch("hook_packed_refs");
    fs::create_dir_all(folder.join("refs")).unwrap();
    folder
});

/// Names and tips by the format's description; `None` where a line is none.
fn by_the_book(content: &[u8]) -> Option<Vec<(Vec<u8>, ObjectId)>> {
    let mut refs: Vec<(Vec<u8>, ObjectId)> = Vec::new();
    let mut may_peel = false;
    let Some(content) = content.strip_suffix(b"\n") else {
        return content.is_empty().then_some(refs);
    };
    for line in content.split(|byte| *byte == b'\n') {
        match line.first() {
            Some(b'#') if !may_peel => {}
            Some(b'^') if may_peel => {
                refs.last_mut()?.1 = ObjectId::parse_hex(&line[1..]).ok()?;
                may_peel = false;
            }
            _ => {
                let space = line.iter().position(|byte| *byte == b' ')?;
                refs.push((line[space + 1..].to_vec(), ObjectId::parse_hex(&line[..space]).ok()?));
                may_peel = true;
            }
        }
    }
    Some(refs)
}

fuzz_target!(|content: &[u8]| {
    fs::write(REPOSITORY.join("packed-refs"), content).unwrap();
    let (git, _leash) = Git::new(&REPOSITORY, Arc::new(Variables::from_iter([("PATH", "/nowhere")])));
    let all = RefSet::new([RefSet::parse_one("refs/**").unwrap()]).unwrap();
    match (Tips::matching(&git, &all, "alice"), by_the_book(content)) {
        (Ok(tips), Some(refs)) => {
            // A file that says it is sorted is taken at its word, as git does.
            if refs.is_sorted() || !content.starts_with(b"# pack-refs with:") {
                let named = refs.iter().filter(|(name, _)| RefName::parse(name).is_ok());
                let expected: BTreeSet<_> = named.map(|(_, id)| *id).collect();
                assert_eq!(tips.ids().iter().copied().collect::<BTreeSet<_>>(), expected);
            }
        }
        (Ok(_), None) => assert!(content.starts_with(b"# pack-refs with:"), "read to its end"),
        (Err(error), _) => assert_plain(&error.to_string()),
    }
});
