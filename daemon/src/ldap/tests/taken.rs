//! OpenLDAP with `refint` takes whoever is deleted out of groups, and tells nobody.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use oam_ldap::{
    DnKey, Replica,
    account::Standing,
    replica::{Group, Touched, User},
};
use tokio::time::Instant;

use super::{config, found, outcome, password, server, user_dn, uuid};
use crate::{
    config::{Flavour, LdapConfig},
    ldap::{
        connection::Connection,
        late::Late,
        looked_up::{MANY, look_up_naming},
    },
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

fn group(number: usize, members: &[DnKey]) -> Group {
    let name = format!("g{number}");
    Group { dn: DnKey::of(&format!("cn={name},ou=groups,dc=x")).unwrap(), name, members: members.into() }
}

/// What a search for a group is answered.
fn answers(number: usize, dn: &str, members: &[String]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let name = [format!("g{number}")];
    vec![(found(dn, &[("cn", &name[..]), ("member", members)]), Vec::new()), (outcome(0x65, 0), Vec::new())]
}

/// A server and what was told of it: users 1 and 2, of whom the latter has the name that user 0 had in the group 100.
struct Told {
    connection: Connection,
    config: LdapConfig,
    replica: Replica,
    touched: Touched,
}

impl Told {
    async fn by(address: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(address, Flavour::Openldap, &password(&folder));
        let connection = Connection::open(&config).await.unwrap();
        let (mut replica, mut touched) = (Replica::default(), Touched::default());
        replica.put_user(uuid(0), user(0), &mut touched);
        replica.put_user(uuid(1), user(1), &mut touched);
        let members = [0, 1].map(|number| user(number).dn);
        replica.put_group(uuid(100), group(100, &members), &mut touched);
        replica.remove_user(uuid(0), &mut touched);
        // Somebody else is called so.
        replica.put_user(uuid(2), user(0), &mut touched);
        let told = Self { connection, config, replica, touched };
        assert_eq!(told.members(100), BTreeSet::from([uuid(1), uuid(2)]), "as far as it was told");
        told
    }

    async fn look_up(&mut self) {
        let Self { connection, config, replica, touched } = self;
        look_up_naming(connection, config, replica, touched).await.unwrap();
    }

    fn members(&self, group: usize) -> BTreeSet<uuid::Uuid> {
        self.replica.members(&uuid(group))
    }
}

#[tokio::test]
async fn who_gets_a_name_that_a_group_holds_is_in_it_if_the_server_says_so() {
    let address = server(|asked| {
        assert_eq!(asked.base, "ou=groups,dc=x");
        let id = uuid(100).to_string();
        assert!(asked.filter.windows(id.len()).any(|part| part == id.as_bytes()));
        answers(100, "cn=g100,ou=groups,dc=x", &[user_dn(1)])
    });
    let mut told = Told::by(address).await;
    told.look_up().await;
    assert_eq!(told.members(100), BTreeSet::from([uuid(1)]));
    assert!(told.touched.groups.contains(&uuid(100)));
}

#[tokio::test]
async fn what_refint_takes_out_late_is_looked_up_again() {
    let is_mended = Arc::new(AtomicBool::new(false));
    let served = Arc::clone(&is_mended);
    let address = server(move |_| {
        let first = usize::from(served.load(Ordering::SeqCst));
        let members: Vec<_> = (first..2).map(user_dn).collect();
        answers(100, "cn=g100,ou=groups,dc=x", &members)
    });
    let mut told = Told::by(address).await;
    told.look_up().await;
    assert!(told.members(100).contains(&uuid(2)), "it has not done so yet");
    let (mut late, now) = (Late::default(), Instant::now());
    let second = |number| now + Duration::from_secs(number);
    late.note(&told.touched.taken, now);
    let mut due = |at| late.due(at, MANY, |_| 1);
    assert_eq!(due(second(1)), BTreeSet::new());
    is_mended.store(true, Ordering::SeqCst);
    told.touched = Touched { taken: due(second(2)), ..Touched::default() };
    told.look_up().await;
    assert_eq!(told.members(100), BTreeSet::from([uuid(1)]));
    assert_eq!(told.touched.groups, BTreeSet::from([uuid(100)]));
    // Once more, and not for ever.
    let name = BTreeSet::from([user(0).dn]);
    assert_eq!((due(second(9)), due(second(10))), (BTreeSet::new(), name.clone()));
    assert_eq!((due(second(59)), due(second(60))), (BTreeSet::new(), name));
    assert_eq!(due(second(3600)), BTreeSet::new());
}

#[test]
fn more_names_than_may_be_looked_up_at_once_wait_for_the_next_time() {
    let (mut late, now) = (Late::default(), Instant::now());
    let names = BTreeSet::from([1, 2, 3].map(|number| user(number).dn));
    late.note(&names, now);
    let at = now + Duration::from_secs(2);
    let mut next = || late.due(at, 10, |_| 4).len();
    assert_eq!([next(), next(), next()], [2, 1, 0]);
    // One that is too much by itself is looked up by itself.
    assert_eq!(late.due(now + Duration::from_secs(10), 10, |_| 40).len(), 1);
}

#[tokio::test]
async fn a_group_that_is_found_to_be_called_otherwise_is_looked_for_in_others() {
    let address = server(|asked| {
        let is_for = |number| {
            let id = uuid(number).to_string();
            asked.filter.windows(id.len()).any(|part| part == id.as_bytes())
        };
        if is_for(100) {
            return answers(100, "cn=other,ou=groups,dc=x", &[user_dn(1)]);
        }
        assert!(is_for(101));
        answers(101, "cn=g101,ou=groups,dc=x", &[])
    });
    let mut told = Told::by(address).await;
    // It names what the first one is called now, and does not any more.
    let other = DnKey::of("cn=other,ou=groups,dc=x").unwrap();
    told.replica.put_group(uuid(101), group(101, &[other]), &mut Touched::default());
    told.look_up().await;
    assert_eq!((told.members(100), told.members(101)), (BTreeSet::from([uuid(1)]), BTreeSet::new()));
}
