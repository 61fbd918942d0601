use std::collections::BTreeSet;

use oam_fetch::Form;

use super::{
    ONE_USER,
    api::{Asking, is_id},
    object::{GraphUser, ListedGroup, ListedMember},
};
use crate::{
    config::{EntraConfig, SourceConfig},
    follow::Previewed,
    pull::{
        PullError,
        http::Trail,
        mirror::{User, View},
        preview::Preview,
    },
};

/// Reads some users and groups, or the one user with this id or principal name, without taking them.
///
/// # Errors
/// When Graph does not answer; in words.
pub async fn preview(source: &SourceConfig, config: &EntraConfig, user: &str) -> Result<Previewed, String> {
    read(source, config, user).await.map_err(|error| error.to_string())
}

async fn read(source: &SourceConfig, config: &EntraConfig, user: &str) -> Result<Previewed, PullError> {
    let mut asking = Asking::new(config.clone());
    let mut preview = Preview::new(source);
    if !user.is_empty() {
        // A principal name is an e-mail address as a rule: one step of a path, whatever it holds.
        let name = Form::new().with(user, "");
        let path = format!("/v1.0/users/{}{ONE_USER}", name.encoded().trim_end_matches('='));
        match asking.one::<GraphUser>("the user", &path).await? {
            Some(found) => preview.user(&found.id.clone(), &found.user(User::default())),
            None => {
                preview.problem(format!("`{}` is nobody's id or principal name there", user.escape_debug()));
            }
        }
        return Ok(preview.done());
    }
    let view = View::new(source, &config.pull, config.nested);
    let users = asking.place(&format!("/v1.0/users{ONE_USER}&$top=10"));
    let users = asking.page::<GraphUser>("users", &users, &mut Trail::default()).await?;
    for user in users.listed().0.into_iter().take(Preview::MOST) {
        preview.user(&user.id.clone(), &user.user(User::default()));
    }
    let groups = asking.place("/v1.0/groups?$select=id,displayName&$top=100");
    let groups = asking.page::<ListedGroup>("groups", &groups, &mut Trail::default()).await?.listed().0;
    let named = groups.into_iter().map(|group| (group.id, group.display_name.unwrap_or_default()));
    let taken = named.filter(|(id, name)| view.takes(id, name) && is_id(id));
    let members = if config.nested { "transitiveMembers" } else { "members" };
    for (id, name) in taken.take(Preview::MOST) {
        let (mut known, mut trail) = (BTreeSet::new(), Trail::default());
        let mut next =
            Some(asking.place(&format!("/v1.0/groups/{id}/{members}/microsoft.graph.user?$select=id")));
        while let Some(place) = next {
            let page = asking.page::<ListedMember>("members of a group", &place, &mut trail).await?;
            let (listed, following) = page.listed();
            known.extend(listed.into_iter().map(|member| member.id));
            next = following;
        }
        preview.group(&id, &name, known.len());
    }
    Ok(preview.done())
}
