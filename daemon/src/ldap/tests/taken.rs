//! OpenLDAP with `refint` takes whoever is deleted out of groups, and tells nobody.

use std::collections::BTreeSet;

use oam_ldap::{
    DnKey, Replica,
    account::Standing,
    replica::{Group, Touched, User},
};

use super::{config, found, outcome, password, server, user_dn, uuid};
use crate::{
    config::Flavour,
    ldap::{connection::Connection, looked_up::look_up_naming},
};

fn user(number: usize) -> User {
    User {
        dn: DnKey::of(&user_dn(number)).unwrap(),
        username: Some(format!("u{number}")),
        display_name: None,
        emails: Vec::new(),
        standing: Standing::Active,
    }
}

#[tokio::test]
async fn who_gets_a_name_that_a_group_holds_is_in_it_if_the_server_says_so() {
    let address = server(|asked| {
        assert_eq!(asked.base, "ou=groups,dc=x");
        let id = uuid(100).to_string();
        assert!(asked.filter.windows(id.len()).any(|part| part == id.as_bytes()));
        let attributes = [("cn", &["g100".to_owned()][..]), ("member", &[user_dn(1)][..])];
        vec![(found("cn=g100,ou=groups,dc=x", &attributes), Vec::new()), (outcome(0x65, 0), Vec::new())]
    });
    let folder = tempfile::tempdir().unwrap();
    let config = config(address, Flavour::Openldap, &password(&folder));
    let mut connection = Connection::open(&config).await.unwrap();

    let (mut replica, mut touched) = (Replica::default(), Touched::default());
    replica.put_user(uuid(0), user(0), &mut touched);
    replica.put_user(uuid(1), user(1), &mut touched);
    let members = [0, 1].map(|number| user(number).dn).into();
    let group = Group { dn: DnKey::of("cn=g100,ou=groups,dc=x").unwrap(), name: "g100".into(), members };
    replica.put_group(uuid(100), group, &mut touched);
    replica.remove_user(uuid(0), &mut touched);
    // Somebody else is called so.
    replica.put_user(uuid(2), user(0), &mut touched);
    assert_eq!(replica.members(&uuid(100)), BTreeSet::from([uuid(1), uuid(2)]), "as far as it was told");
    look_up_naming(&mut connection, &config, &mut replica, &mut touched).await.unwrap();
    assert_eq!(replica.members(&uuid(100)), BTreeSet::from([uuid(1)]));
    assert!(touched.groups.contains(&uuid(100)));
}
