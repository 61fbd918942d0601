use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{
    follow::Touched,
    pull::mirror::{Group, Mirror, User},
};

/// What an answer says of a property: nothing, that it has no value, or which.
type Said<T> = Option<Option<T>>;

/// A user, as far as it matters here. What an answer leaves out has not changed, or never had a value.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphUser {
    pub(super) id: Box<str>,
    #[serde(default, deserialize_with = "said")]
    user_principal_name: Said<Box<str>>,
    #[serde(default, deserialize_with = "said")]
    mail_nickname: Said<Box<str>>,
    #[serde(default, deserialize_with = "said")]
    display_name: Said<Box<str>>,
    #[serde(default, deserialize_with = "said")]
    mail: Said<Box<str>>,
    #[serde(default, deserialize_with = "said")]
    employee_id: Said<Box<str>>,
    #[serde(default, deserialize_with = "said")]
    account_enabled: Said<bool>,
    #[serde(rename = "@removed")]
    removed: Option<Removed>,
}

/// A group, with those who came into it and went out of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphGroup {
    pub(super) id: Box<str>,
    #[serde(default, deserialize_with = "said")]
    pub(super) display_name: Said<Box<str>>,
    #[serde(rename = "members@delta", default)]
    members: Vec<Member>,
    #[serde(rename = "@removed")]
    removed: Option<Removed>,
}

/// Somebody or something in a group: a user, a group, a device.
#[derive(Debug, Clone, Deserialize)]
struct Member {
    id: Box<str>,
    #[serde(rename = "@removed")]
    removed: Option<Removed>,
}

/// That something is gone: for good, or so that it may come back.
#[derive(Debug, Clone, Deserialize)]
struct Removed {}

fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Said<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What a delta tells of.
pub(super) trait Told: DeserializeOwned + Send {
    /// Takes it as it is.
    fn put(self, mirror: &mut Mirror, touched: &mut Touched);
}

impl Told for GraphUser {
    fn put(self, mirror: &mut Mirror, touched: &mut Touched) {
        if self.removed.is_some() {
            mirror.drop_user(&self.id, touched);
            return;
        }
        let (id, before) = (self.id.clone(), mirror.known(&self.id));
        mirror.put_user(id, self.user(before), touched);
    }
}

impl GraphUser {
    /// What they are, by what was known before.
    pub(super) fn user(self, before: User) -> User {
        User {
            username: self.user_principal_name.unwrap_or(before.username),
            nick_name: self.mail_nickname.unwrap_or(before.nick_name),
            display_name: self.display_name.unwrap_or(before.display_name),
            email: self.mail.unwrap_or(before.email),
            employee_number: self.employee_id.unwrap_or(before.employee_number),
            // Of whom nobody says that they may act, may not.
            active: self.account_enabled.map_or(before.active, |enabled| enabled == Some(true)),
        }
    }
}

impl Told for GraphGroup {
    fn put(self, mirror: &mut Mirror, touched: &mut Touched) {
        if self.removed.is_some() {
            mirror.drop_group(&self.id, touched);
            return;
        }
        let Group { name, mut members } = mirror.known_group(&self.id);
        for member in self.members {
            if member.removed.is_some() {
                members.remove(&member.id);
            } else {
                members.insert(member.id);
            }
        }
        let name = self.display_name.map_or(name, Option::unwrap_or_default);
        mirror.put_group(self.id, Group { name, members }, touched);
    }
}

/// A group in a list, and no more of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedGroup {
    pub(super) id: Box<str>,
    pub(super) display_name: Option<Box<str>>,
}

/// Whoever is in a list of members.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ListedMember {
    pub(super) id: Box<str>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::follow::Picture as _;

    fn tell(mirror: &mut Mirror, user: Value) {
        let user: GraphUser = serde_json::from_value(user).unwrap();
        user.put(mirror, &mut Touched::default());
    }

    fn tell_group(mirror: &mut Mirror, group: Value) {
        let group: GraphGroup = serde_json::from_value(group).unwrap();
        group.put(mirror, &mut Touched::default());
    }

    #[test]
    fn what_is_left_out_is_as_it_was_and_what_is_null_is_gone() {
        let mut mirror = Mirror::default();
        tell(
            &mut mirror,
            json!({"id": "u1", "userPrincipalName": "a@x", "mail": "a@x", "accountEnabled": true}),
        );
        tell(&mut mirror, json!({"id": "u1", "mail": null, "displayName": "A"}));
        let user = mirror.known("u1");
        assert_eq!(
            (user.username.as_deref(), user.email, user.display_name.as_deref()),
            (Some("a@x"), None, Some("A"))
        );
        assert!(user.active);
        tell(&mut mirror, json!({"id": "u1", "accountEnabled": false}));
        assert!(mirror.is_inactive("u1"));
        // Nobody says that this one may act.
        tell(&mut mirror, json!({"id": "u2", "userPrincipalName": "b@x"}));
        tell(&mut mirror, json!({"id": "u3", "accountEnabled": null}));
        assert!(mirror.is_inactive("u2") && mirror.is_inactive("u3"));
        tell(&mut mirror, json!({"id": "u1", "@removed": {"reason": "changed"}}));
        assert_eq!(mirror.user_ids().len(), 2);
    }

    #[test]
    fn a_group_comes_again_with_more_of_its_members() {
        let mut mirror = Mirror::default();
        for id in ["u1", "u2", "u3"] {
            tell(&mut mirror, json!({"id": id, "accountEnabled": true}));
        }
        let members = |ids: &[&str]| {
            ids.iter().map(|id| json!({"@odata.type": "#microsoft.graph.user", "id": id})).collect::<Vec<_>>()
        };
        tell_group(
            &mut mirror,
            json!({"id": "g1", "displayName": "eng", "members@delta": members(&["u1", "u2"])}),
        );
        tell_group(
            &mut mirror,
            json!({"id": "g1", "displayName": "eng", "members@delta": members(&["u3", "device"])}),
        );
        assert_eq!((mirror.group("g1"), mirror.members("g1").len()), (Some("eng"), 3));
        let gone = json!({"id": "u1", "@removed": {"reason": "deleted"}});
        tell_group(&mut mirror, json!({"id": "g1", "members@delta": [gone]}));
        assert_eq!((mirror.group("g1"), mirror.members("g1").len()), (Some("eng"), 2));
        tell_group(&mut mirror, json!({"id": "g1", "@removed": {"reason": "deleted"}}));
        assert_eq!(mirror.group("g1"), None);
    }
}
