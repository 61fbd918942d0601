//! Bitbucket Data Center's hook scripts: `BB_*`, for each trigger.

use oam_policy::{Channel, Merging, ObjectId, RefChange, RefName, RefUpdate, printable::Printable};

use super::{EnvironmentError, Invocation, Moment, Updates, Variables, malformed, repository, username};

/// The variable that only Bitbucket's own hook scripts have: what made it run the hook.
pub const TRIGGER: &str = "BB_HOOK_TRIGGER_ID";
/// `PRE` or `POST`: how the hook script is registered.
pub const TYPE: &str = "BB_HOOK_TYPE";

/// Reads the variables of a hook script.
///
/// # Errors
/// The first variable that is missing or cannot be used; a trigger that is not known.
pub fn read(variables: &Variables) -> Result<Invocation, EnvironmentError> {
    let trigger = trigger(variables)?;
    let dry_run = is_dry_run(variables)?;
    let (channel, updates) = match (trigger, dry_run) {
        (trigger, false) => (trigger, Updates::Stdin),
        (Channel::PullRequestMerge, true) => {
            (Channel::PullRequestDryRun, Updates::DryRun(dry_merge(variables)?))
        }
        (trigger, true) => {
            return Err(malformed(
                "BB_IS_DRY_RUN",
                format_args!("a dry run of the trigger `{trigger}` is not known"),
            ));
        }
    };
    Ok(Invocation {
        repository: repository(variables, "BB_PROJECT_KEY", "BB_REPO_SLUG")?,
        pusher: username(variables, "BB_USER_NAME")?,
        pull_request: if channel.has_pull_request() { merging(variables)? } else { None },
        channel,
        lease: None,
        updates,
    })
}

/// Whether the hook script is registered to run before the change or after it.
///
/// # Errors
/// When that is not told, or something unknown.
pub fn moment(variables: &Variables) -> Result<Moment, EnvironmentError> {
    match variables.text(TYPE)? {
        "PRE" => Ok(Moment::Before),
        "POST" => Ok(Moment::After),
        other => Err(malformed(TYPE, format_args!("`{}` is not known", Printable::new(other)))),
    }
}

/// The trigger; `pull-request-dry-run` is our name for one, not Bitbucket's.
fn trigger(variables: &Variables) -> Result<Channel, EnvironmentError> {
    let trigger = variables.text(TRIGGER)?;
    let unknown = || malformed(TRIGGER, format_args!("`{}` is not a known trigger", Printable::new(trigger)));
    Channel::parse(trigger).filter(|channel| !channel.is_dry_run()).ok_or_else(unknown)
}

fn is_dry_run(variables: &Variables) -> Result<bool, EnvironmentError> {
    match variables.text("BB_IS_DRY_RUN")? {
        "true" => Ok(true),
        "false" => Ok(false),
        other => {
            let detail =
                format_args!("`{}` is neither `true` nor `false`", Printable::new(other)).to_string();
            Err(malformed("BB_IS_DRY_RUN", detail))
        }
    }
}

/// What a pull request's page asks about. The merge commit does not exist yet, and standard input is empty.
fn dry_merge(variables: &Variables) -> Result<RefUpdate, EnvironmentError> {
    // A display id: `main`, where standard input would say `refs/heads/main`.
    let display = variables.text("BB_TO_REF")?;
    let full =
        if display.starts_with("refs/") { display.to_owned() } else { format!("refs/heads/{display}") };
    let name = RefName::parse(full.as_bytes()).map_err(|error| {
        malformed("BB_TO_REF", format_args!("`{}` is no ref name: {error}", Printable::new(display)))
    })?;
    let onto = object(variables, "BB_TO_HASH")?
        .ok_or_else(|| EnvironmentError::Missing { variable: "BB_TO_HASH".to_owned() })?;
    let from = object(variables, "BB_FROM_HASH")?;
    Ok(RefUpdate { name, change: RefChange::Merge { onto, from } })
}

/// The pull request, where Bitbucket says which. Most policies need not know.
fn merging(variables: &Variables) -> Result<Option<Merging>, EnvironmentError> {
    const NUMBER: &str = "BB_PULL_REQUEST_ID";
    let Some(text) = variables.optional_text(NUMBER)? else { return Ok(None) };
    let number = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|text| text.parse().ok()).filter(|number| *number > 0);
    let number = number
        .ok_or_else(|| malformed(NUMBER, format_args!("`{}` is no number of one", Printable::new(text))))?;
    Ok(Some(Merging { number, head: object(variables, "BB_FROM_HASH")? }))
}

fn object(variables: &Variables, variable: &str) -> Result<Option<ObjectId>, EnvironmentError> {
    let hash = variables.optional_text(variable)?;
    hash.map(|hash| ObjectId::parse_hex(hash.as_bytes()).map_err(|error| malformed(variable, error)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    use oam_policy::{Channel, Merging, ObjectId, RefChange};

    use super::{moment, read};
    use crate::environment::{EnvironmentError, Invocation, Moment, Updates, Variables};

    const ONTO: &str = "1111111111111111111111111111111111111111";
    const FROM: &str = "2222222222222222222222222222222222222222";

    fn with(changes: &[(&str, Option<&str>)]) -> Result<Invocation, EnvironmentError> {
        let mut all: Vec<(String, String)> = [
            ("BB_HOOK_TRIGGER_ID", "push"),
            ("BB_HOOK_TYPE", "PRE"),
            ("BB_IS_DRY_RUN", "false"),
            ("BB_PROJECT_KEY", "PAY"),
            ("BB_REPO_SLUG", "api"),
            ("BB_USER_NAME", "alice"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (name, value) in changes {
            all.retain(|(known, _)| known != name);
            all.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
        }
        read(&all.into_iter().collect::<Variables>())
    }

    #[test]
    fn every_trigger_is_a_channel() {
        for (trigger, channel) in [
            ("push", Channel::Push),
            ("branch-create", Channel::BranchCreate),
            ("branch-delete", Channel::BranchDelete),
            ("tag-create", Channel::TagCreate),
            ("tag-delete", Channel::TagDelete),
            ("file-edit", Channel::FileEdit),
            ("pull-request-merge", Channel::PullRequestMerge),
            ("merge", Channel::Merge),
        ] {
            let invocation = with(&[("BB_HOOK_TRIGGER_ID", Some(trigger))]).unwrap();
            assert_eq!(invocation.channel, channel);
            assert_eq!(invocation.updates, Updates::Stdin);
            assert_eq!(invocation.repository.as_str(), "PAY/api");
            assert_eq!(invocation.pusher.as_str(), "alice");
        }
    }

    fn dry(changes: &[(&str, Option<&str>)]) -> Result<Invocation, EnvironmentError> {
        let merge = [
            ("BB_HOOK_TRIGGER_ID", Some("pull-request-merge")),
            ("BB_IS_DRY_RUN", Some("true")),
            ("BB_TO_REF", Some("release/1.0")),
            ("BB_TO_HASH", Some(ONTO)),
            ("BB_FROM_HASH", Some(FROM)),
            ("BB_MERGE_HASH", Some("")),
        ];
        with(&[&merge, changes].concat())
    }

    #[test]
    fn a_dry_run_is_decided_from_the_target() {
        let id = |text: &str| ObjectId::parse_hex(text.as_bytes()).unwrap();
        for (display, full) in [("release/1.0", "refs/heads/release/1.0"), ("refs/heads/x", "refs/heads/x")] {
            let invocation = dry(&[("BB_TO_REF", Some(display))]).unwrap();
            assert_eq!(invocation.channel, Channel::PullRequestDryRun);
            let Updates::DryRun(update) = invocation.updates else { panic!("{display}") };
            assert_eq!(update.name.as_bytes(), full.as_bytes());
            assert_eq!(update.change, RefChange::Merge { onto: id(ONTO), from: Some(id(FROM)) });
        }
        let Updates::DryRun(update) = dry(&[("BB_FROM_HASH", None)]).unwrap().updates else { panic!() };
        assert_eq!(update.change, RefChange::Merge { onto: id(ONTO), from: None });
    }

    #[test]
    fn a_pull_request_is_told_by_its_number_and_its_head() {
        let told = |channel, changes: &[(&str, Option<&str>)]| {
            with(&[&[("BB_HOOK_TRIGGER_ID", Some(channel))], changes].concat()).map(|told| told.pull_request)
        };
        let head = ObjectId::parse_hex(FROM.as_bytes()).ok();
        let (number, hash) = (("BB_PULL_REQUEST_ID", Some("17")), ("BB_FROM_HASH", Some(FROM)));
        assert_eq!(told("pull-request-merge", &[number, hash]), Ok(Some(Merging { number: 17, head })));
        assert_eq!(dry(&[number]).unwrap().pull_request, Some(Merging { number: 17, head }));
        assert_eq!(told("pull-request-merge", &[number]), Ok(Some(Merging { number: 17, head: None })));
        // Bitbucket says it nowhere else, and who pushes may not.
        for channel in ["push", "merge", "file-edit"] {
            assert_eq!(told(channel, &[number, hash]), Ok(None));
        }
        assert_eq!(told("pull-request-merge", &[hash]), Ok(None));
        for wrong in ["0", "-1", "+1", "1 ", "x", "99999999999999999999"] {
            let error = told("pull-request-merge", &[("BB_PULL_REQUEST_ID", Some(wrong))]).unwrap_err();
            assert_eq!(named(&error), "BB_PULL_REQUEST_ID", "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (changes, variable) in [
            (vec![("BB_HOOK_TRIGGER_ID", Some("pushy"))], "BB_HOOK_TRIGGER_ID"),
            (vec![("BB_HOOK_TRIGGER_ID", Some("pull-request-dry-run"))], "BB_HOOK_TRIGGER_ID"),
            (vec![("BB_IS_DRY_RUN", None)], "BB_IS_DRY_RUN"),
            (vec![("BB_IS_DRY_RUN", Some("TRUE"))], "BB_IS_DRY_RUN"),
            (vec![("BB_IS_DRY_RUN", Some("true"))], "BB_IS_DRY_RUN"),
            (vec![("BB_PROJECT_KEY", None)], "BB_PROJECT_KEY"),
            (vec![("BB_REPO_SLUG", Some(""))], "BB_REPO_SLUG"),
            (vec![("BB_REPO_SLUG", Some("a b"))], "BB_PROJECT_KEY/BB_REPO_SLUG"),
            (vec![("BB_USER_NAME", None)], "BB_USER_NAME"),
            (vec![("BB_USER_NAME", Some("al\u{1b}ice"))], "BB_USER_NAME"),
        ] {
            assert_eq!(named(&with(&changes).unwrap_err()), variable, "{changes:?}");
        }
        for (change, variable) in [
            (("BB_TO_REF", None), "BB_TO_REF"),
            (("BB_TO_REF", Some("a..b")), "BB_TO_REF"),
            (("BB_TO_HASH", None), "BB_TO_HASH"),
            (("BB_TO_HASH", Some("abc")), "BB_TO_HASH"),
            (("BB_TO_HASH", Some("0000000000000000000000000000000000000000")), "BB_TO_HASH"),
            (("BB_FROM_HASH", Some("abc")), "BB_FROM_HASH"),
        ] {
            assert_eq!(named(&dry(&[change]).unwrap_err()), variable, "{change:?}");
        }
    }

    fn named(error: &EnvironmentError) -> &str {
        match error {
            EnvironmentError::Missing { variable }
            | EnvironmentError::NotText { variable }
            | EnvironmentError::Malformed { variable, .. } => variable,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn bitbucket_says_when_the_hook_runs() {
        let told = |kind: &str| moment(&[("BB_HOOK_TYPE", kind)].into_iter().collect::<Variables>());
        assert_eq!(told("PRE"), Ok(Moment::Before));
        assert_eq!(told("POST"), Ok(Moment::After));
        for wrong in ["", "MID", "post"] {
            assert_eq!(named(&told(wrong).unwrap_err()), "BB_HOOK_TYPE");
        }
    }

    #[test]
    fn a_name_that_is_not_text_is_no_name() {
        let variables: Variables = [
            ("BB_HOOK_TRIGGER_ID", OsString::from("push")),
            ("BB_HOOK_TYPE", "PRE".into()),
            ("BB_IS_DRY_RUN", "false".into()),
            ("BB_PROJECT_KEY", "PAY".into()),
            ("BB_REPO_SLUG", "api".into()),
            ("BB_USER_NAME", OsString::from_vec(b"al\xffice".to_vec())),
        ]
        .into_iter()
        .collect();
        let error = EnvironmentError::NotText { variable: "BB_USER_NAME".into() };
        assert_eq!(read(&variables), Err(error));
    }
}
