//! The External Hooks app for Bitbucket: no trigger id, but `BB_*` or the older `STASH_*`. Every call is a push.

use oam_policy::Channel;

use super::{EnvironmentError, Invocation, Updates, Variables, repository, username};

/// Each thing by its newer and its older name.
const USER: [&str; 2] = ["BB_USER_NAME", "STASH_USER_NAME"];
const PROJECT: [&str; 2] = ["BB_PROJECT_KEY", "STASH_PROJECT_KEY"];
const SLUG: [&str; 2] = ["BB_REPO_SLUG", "STASH_REPO_NAME"];

/// Reads the variables of the External Hooks app.
///
/// # Errors
/// [`EnvironmentError::NoServer`] when there are none of them; else the first that is missing or cannot be used.
pub fn read(variables: &Variables) -> Result<Invocation, EnvironmentError> {
    if ![USER, PROJECT, SLUG].as_flattened().iter().any(|name| variables.get(name).is_some()) {
        return Err(EnvironmentError::NoServer);
    }
    let pusher = username(variables, either(variables, USER)?)?;
    let repository = repository(variables, either(variables, PROJECT)?, either(variables, SLUG)?)?;
    Ok(Invocation {
        repository,
        pusher,
        channel: Channel::Push,
        pull_request: None,
        lease: None,
        updates: Updates::Stdin,
    })
}

/// The name under which a thing is given; both may be, if they agree.
fn either(
    variables: &Variables,
    [newer, older]: [&'static str; 2],
) -> Result<&'static str, EnvironmentError> {
    match (variables.get(newer), variables.get(older)) {
        (Some(one), Some(other)) if one != other => {
            Err(EnvironmentError::Contradiction { first: newer, second: older })
        }
        (None, Some(_)) => Ok(older),
        _ => Ok(newer),
    }
}

#[cfg(test)]
mod tests {
    use oam_policy::Channel;

    use super::read;
    use crate::environment::{EnvironmentError, Updates, Variables};

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().copied().collect()
    }

    #[test]
    fn newer_and_older_names() {
        for names in [
            ["BB_USER_NAME", "BB_PROJECT_KEY", "BB_REPO_SLUG"],
            ["STASH_USER_NAME", "STASH_PROJECT_KEY", "STASH_REPO_NAME"],
        ] {
            let [user, project, slug] = names;
            let invocation = read(&variables(&[(user, "alice"), (project, "PAY"), (slug, "api")])).unwrap();
            assert_eq!(invocation.pusher.as_str(), "alice");
            assert_eq!(invocation.repository.as_str(), "PAY/api");
            assert_eq!((invocation.channel, invocation.updates), (Channel::Push, Updates::Stdin));
        }
    }

    #[test]
    fn what_is_missing_or_contradicts_is_named() {
        let missing = read(&variables(&[("STASH_USER_NAME", "alice"), ("STASH_PROJECT_KEY", "PAY")]));
        assert_eq!(missing, Err(EnvironmentError::Missing { variable: "BB_REPO_SLUG".into() }));
        let two = read(&variables(&[("BB_USER_NAME", "alice"), ("STASH_USER_NAME", "root")]));
        let contradiction =
            EnvironmentError::Contradiction { first: "BB_USER_NAME", second: "STASH_USER_NAME" };
        assert_eq!(two, Err(contradiction));
        assert_eq!(read(&variables(&[("REMOTE_USER", "alice")])), Err(EnvironmentError::NoServer));
    }
}
