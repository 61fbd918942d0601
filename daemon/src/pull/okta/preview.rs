use oam_fetch::Form;

use super::{
    api::{Asking, is_id},
    object::{OktaGroup, OktaUser},
};
use crate::{
    config::{OktaConfig, SourceConfig},
    follow::Previewed,
    pull::{PullError, mirror::View, preview::Preview},
};

/// Reads some users and groups, or the one user with this id or login, without taking them.
///
/// # Errors
/// When Okta does not answer; in words.
pub async fn preview(source: &SourceConfig, config: &OktaConfig, user: &str) -> Result<Previewed, String> {
    read(source, config, user).await.map_err(|error| error.to_string())
}

async fn read(source: &SourceConfig, config: &OktaConfig, user: &str) -> Result<Previewed, PullError> {
    let mut asking = Asking::new(config)?;
    let mut preview = Preview::new(source);
    let view = View::new(source, &config.pull, false);
    if user.is_empty() {
        let users = asking.list("users", "/api/v1/users", Form::new())?.next::<OktaUser>(&mut asking).await?;
        for user in users.into_iter().flatten().take(Preview::MOST) {
            preview.user(&user.id.clone(), &user.user());
        }
        let groups =
            asking.list("groups", "/api/v1/groups", Form::new())?.next::<OktaGroup>(&mut asking).await?;
        let taken = groups.into_iter().flatten().filter(|group| group.is_taken(&view) && is_id(&group.id));
        for group in taken.take(Preview::MOST) {
            let path = format!("/api/v1/groups/{}/users", group.id);
            let mut pages = asking.list("members of a group", &path, Form::new())?;
            let mut count = 0;
            while let Some(page) = pages.next::<OktaUser>(&mut asking).await? {
                count += page.len();
            }
            preview.group(&group.id, &group.profile.name, count);
        }
        return Ok(preview.done());
    }
    // A login is an e-mail address as a rule: one step of a path, whatever it holds.
    let name = Form::new().with(user, "");
    let path = format!("/api/v1/users/{}", name.encoded().trim_end_matches('='));
    match asking.one::<OktaUser>("the user", &path).await? {
        Some(found) => preview.user(&found.id.clone(), &found.user()),
        None => preview.problem(format!("`{}` is nobody's id or login there", user.escape_debug())),
    }
    Ok(preview.done())
}
