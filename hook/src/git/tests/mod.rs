//! The repository, compared with what git itself says of it.

use std::{collections::HashMap, path::Path, rc::Rc};

use oam_policy::ObjectId;

use crate::{environment::Variables, git_dir::Places, testing::Git};

mod ancestry;
pub(crate) mod chance;
mod child;
mod commits;
mod histories;
mod hostile;
mod hostile_content;
mod laws;
mod new_commits;
mod packs;
mod refs;
mod trees;

/// Where a hook of that repository finds things, with more variables.
pub(crate) fn places(git: &Git, variables: &[(&str, &str)]) -> Places {
    let mut all = vec![("GIT_DIR", git.dir())];
    all.extend(variables);
    Places::find(&all.into_iter().collect::<Variables>(), Path::new("/")).unwrap()
}

pub(crate) fn id(hex: &str) -> ObjectId {
    ObjectId::parse_hex(hex.trim().as_bytes()).unwrap()
}

/// The raw objects of a repository.
struct Raw(HashMap<ObjectId, Rc<[u8]>>);

impl Raw {
    fn of(git: &Git) -> Self {
        let all = git.feed(&["cat-file", "--batch-all-objects", "--batch"], b"");
        let mut objects = HashMap::new();
        let mut rest = &all[..];
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
            let header = String::from_utf8(rest[..end].to_vec()).unwrap();
            let [name, _, size] = header.split(' ').collect::<Vec<_>>()[..] else { panic!("{header}") };
            let size: usize = size.parse().unwrap();
            objects.insert(id(name), Rc::from(&rest[end + 1..end + 1 + size]));
            rest = &rest[end + 2 + size..];
        }
        Self(objects)
    }

    fn get(&self, id: ObjectId) -> Rc<[u8]> {
        Rc::clone(&self.0[&id])
    }
}
