//! Any other git server: the pusher stands in a variable that the configuration names, and the repository is the one
//! that the configuration names, or follows from its path.

use std::path::Path;

use oam_policy::{Channel, Repository, printable::Printable};

use super::{EnvironmentError, Invocation, Updates, Variables, push_options, username};
use crate::{
    config::{Plain, PlainRepository},
    git_dir::Places,
};

/// Reads the pusher from the configured variable.
///
/// # Errors
/// When the variable is missing or no username, or the repository's path is not below the configured folder.
pub fn read(variables: &Variables, plain: &Plain, places: &Places) -> Result<Invocation, EnvironmentError> {
    let pusher = username(variables, &plain.principal_env)?;
    let repository = match &plain.repository {
        PlainRepository::Named(repository) => repository.clone(),
        PlainRepository::Below(folder) => below(folder, places)?,
    };
    Ok(Invocation {
        repository,
        pusher,
        channel: Channel::Push,
        pull_request: None,
        lease: push_options::lease(variables),
        updates: Updates::Stdin,
    })
}

/// `/srv/git/DEMO/app.git` below `/srv/git` is `DEMO/app`. Both are resolved first, so that a link cannot rename it.
fn below(folder: &Path, places: &Places) -> Result<Repository, EnvironmentError> {
    let wrong = |detail: String| EnvironmentError::RepositoryPath { detail };
    let resolve = |path: &Path| {
        let unreadable = |error| wrong(format!("`{}`: {error}", shown(path)));
        path.canonicalize().map_err(unreadable)
    };
    let git_dir = places.git_dir.as_deref().ok_or_else(|| wrong("the hook was not run in one".to_owned()))?;
    let (folder, git_dir) = (resolve(folder)?, resolve(git_dir)?);
    let outside = |_| wrong(format!("`{}` is not below `{}`", shown(&git_dir), shown(&folder)));
    let path = git_dir.strip_prefix(&folder).map_err(outside)?;
    let name = path.to_str().ok_or_else(|| wrong(format!("`{}` is not UTF-8", shown(path))))?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    Repository::parse(name).map_err(|error| wrong(error.to_string()))
}

fn shown(path: &Path) -> String {
    Printable::new(path.as_os_str().as_encoded_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use oam_policy::Repository;

    use super::read;
    use crate::{
        config::{Plain, PlainRepository},
        environment::{EnvironmentError, Variables},
        git_dir::Places,
    };

    fn plain(repository: PlainRepository) -> Plain {
        Plain { principal_env: "REMOTE_USER".into(), repository }
    }

    fn alice() -> Variables {
        [("REMOTE_USER", "alice"), ("BB_USER_NAME", "root")].into_iter().collect()
    }

    #[test]
    fn the_pusher_is_in_the_configured_variable_only() {
        let named = plain(PlainRepository::Named(Repository::parse("DEMO/app").unwrap()));
        let invocation = read(&alice(), &named, &Places::default()).unwrap();
        assert_eq!(invocation.pusher.as_str(), "alice");
        assert_eq!(invocation.repository.as_str(), "DEMO/app");
        let nobody: Variables = [("BB_USER_NAME", "root")].into_iter().collect();
        let missing = EnvironmentError::Missing { variable: "REMOTE_USER".into() };
        assert_eq!(read(&nobody, &named, &Places::default()), Err(missing));
    }

    #[test]
    fn the_repository_follows_from_its_path() {
        let root = tempfile::tempdir().unwrap();
        let below = |path: &str, folder: &str| {
            let git_dir = root.path().join(path);
            fs::create_dir_all(&git_dir).unwrap();
            fs::create_dir_all(root.path().join(folder)).unwrap();
            let places = Places { git_dir: Some(git_dir), ..Places::default() };
            read(&alice(), &plain(PlainRepository::Below(root.path().join(folder))), &places)
        };
        assert_eq!(below("git/DEMO/app.git", "git").unwrap().repository.as_str(), "DEMO/app");
        assert_eq!(below("git/DEMO/bare", "git").unwrap().repository.as_str(), "DEMO/bare");
        for (path, folder) in
            [("git/app.git", "git"), ("git/a/b/c.git", "git"), ("else/DEMO/app.git", "git"), ("git", "git")]
        {
            assert!(matches!(below(path, folder), Err(EnvironmentError::RepositoryPath { .. })), "{path}");
        }
    }
}
