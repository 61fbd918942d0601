use std::path::Path;

use oam_policy::ObjectId;

use crate::{environment::Variables, git_dir::Places, testing::Git};

mod ancestry;
mod child;
mod histories;
mod hostile;
mod laws;
mod new_commits;
mod refs;

/// Where a hook of that repository finds things, with more variables.
fn places(git: &Git, variables: &[(&str, &str)]) -> Places {
    let mut all = vec![("GIT_DIR", git.dir())];
    all.extend(variables);
    Places::find(&all.into_iter().collect::<Variables>(), Path::new("/")).unwrap()
}

fn id(hex: &str) -> ObjectId {
    ObjectId::parse_hex(hex.as_bytes()).unwrap()
}
