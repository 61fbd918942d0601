//! The file of a loose ref: what git would follow is followed or complained of, never passed over.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use oam_fuzz::{assert_told_plainly, scratch};
use oam_hook::{environment::Variables, symref};
use oam_policy::{ObjectId, RefChange, RefName, RefUpdate};
use tokio::runtime::{Builder, Runtime};

static REPOSITORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = scratch("hook_symref");
    fs::create_dir_all(folder.join("refs/heads")).unwrap();
    folder
});
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

/// What git takes for the target: after `ref:` and white space, up to a zero byte, without white space at the end.
fn by_git(content: &[u8]) -> Option<&[u8]> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let end = content.iter().rposition(|byte| !is_space(byte)).map_or(0, |last| last + 1);
    let target = content[..end].strip_prefix(b"ref:")?;
    let start = target.iter().position(|byte| !is_space(byte)).unwrap_or(target.len());
    target[start..].split(|byte| *byte == 0).next()
}

fuzz_target!(|content: &[u8]| {
    fs::write(REPOSITORY.join("refs/heads/alias"), content).unwrap();
    let alias = RefUpdate {
        name: RefName::parse(b"refs/heads/alias").unwrap(),
        change: RefChange::Create { new: ObjectId::Sha1([1; 20]) },
    };
    let variables: Variables = [("PATH", "/nowhere")].into_iter().collect();
    let found = RUNTIME.block_on(symref::resolve(vec![alias.clone()], &REPOSITORY, &variables));
    let expected = by_git(content);
    match found {
        Ok(updates) => {
            let (first, others) = updates.split_first().unwrap();
            assert_eq!(first, &alias);
            assert!(others.iter().all(|update| update.change == alias.change));
            match expected {
                None => assert!(others.is_empty()),
                Some(target) => match RefName::parse(target) {
                    Ok(target) => assert_eq!(others.first().map(|update| &update.name), Some(&target)),
                    // git has no such ref either, or ends the name elsewhere: one that is asked for is harmless.
                    Err(_) => assert_eq!(others.len(), 1),
                },
            }
        }
        Err(error) => {
            assert!(expected.is_some());
            assert_told_plainly(error);
        }
    }
});
