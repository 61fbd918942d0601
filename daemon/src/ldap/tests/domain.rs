//! Active Directory: whom a group names follows whoever is renamed or deleted, and of the group nothing is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use oam_ldap::{
    Filter, Replica,
    replica::Touched,
    request::{Scope, Search},
};

use super::{Asked, config, found, outcome, paged, password, user_dn, uuid};
use crate::{
    config::{Flavour, LdapConfig},
    ldap::{
        LdapError,
        connection::Connection,
        load,
        looked_up::{MANY, look_up},
        notified::{Notified, most_with},
    },
};

type Answers = Vec<(Vec<u8>, Vec<u8>)>;

/// Users and groups by their numbers, and whom a group names, by numbers as well.
#[derive(Default)]
struct Domain {
    users: BTreeMap<usize, String>,
    groups: BTreeMap<usize, (String, Vec<usize>)>,
    /// Of whom it tells that they changed.
    told: Vec<usize>,
    /// Who has another name as soon as all users were read.
    moved: BTreeMap<usize, String>,
    /// How often a group was read.
    reads: usize,
}

impl Domain {
    fn group(&self, number: usize) -> Option<Vec<u8>> {
        let (dn, members) = self.groups.get(&number)?;
        let members: Vec<_> = members.iter().filter_map(|number| self.dn(*number)).cloned().collect();
        let name = [format!("g{number}")];
        Some(found(dn, &[("entryUUID", &id(number)[..]), ("cn", &name[..]), ("member", &members[..])]))
    }

    fn dn(&self, number: usize) -> Option<&String> {
        self.users.get(&number).or_else(|| self.groups.get(&number).map(|(dn, _)| dn))
    }

    fn answer(&mut self, asked: &Asked) -> Answers {
        let done = outcome(0x65, 0);
        if asked.base == "dc=x" {
            // Without an end.
            let told = self.told.iter().map(|number| found("cn=told", &[("entryUUID", &id(*number)[..])]));
            return told.map(|entry| (entry, Vec::new())).collect();
        }
        if asked.base == "ou=people,dc=x" {
            let users = self.users.iter().map(|(number, dn)| (user(*number, dn), Vec::new()));
            let all = users.chain([(done, paged(b""))]).collect();
            self.users.append(&mut self.moved);
            return all;
        }
        let wants_group = asked.attributes.iter().any(|name| name == "member");
        if asked.base == "ou=groups,dc=x" && wants_group {
            let groups = self.groups.keys().filter_map(|number| self.group(*number));
            return groups.map(|group| (group, Vec::new())).chain([(done, paged(b""))]).collect();
        }
        if asked.base == "ou=groups,dc=x" {
            let names_it = |members: &[usize]| {
                let mut dns = members.iter().filter_map(|number| self.dn(*number));
                dns.any(|dn| asked.filter.windows(dn.len()).any(|part| part == dn.as_bytes()))
            };
            let naming = self.groups.iter().filter(|(_, (_, members))| names_it(members));
            let naming =
                naming.map(|(number, (dn, _))| (found(dn, &[("entryUUID", &id(*number)[..])]), Vec::new()));
            return naming.chain([(done, paged(b""))]).collect();
        }
        let is_it = |number: &&usize| asked.base == format!("<GUID={}>", uuid(**number));
        let entry = if wants_group {
            let group = self.groups.keys().find(is_it).and_then(|number| self.group(*number));
            self.reads += usize::from(group.is_some());
            group
        } else {
            self.users.iter().find(|(number, _)| is_it(number)).map(|(number, dn)| user(*number, dn))
        };
        entry.into_iter().chain([done]).map(|answer| (answer, Vec::new())).collect()
    }
}

fn user(number: usize, dn: &str) -> Vec<u8> {
    found(dn, &[("entryUUID", &id(number)[..]), ("uid", &[format!("u{number}")][..])])
}

/// An id as Active Directory writes it; those of tests are text, too.
fn id(number: usize) -> [String; 1] {
    [String::from_utf8(uuid(number).to_bytes_le().to_vec()).unwrap()]
}

fn group_dn(number: usize) -> String {
    format!("cn=g{number},ou=groups,dc=x")
}

/// A domain, and what is known of it.
struct Followed {
    domain: Arc<Mutex<Domain>>,
    connection: Connection,
    config: LdapConfig,
    replica: Replica,
}

impl Followed {
    /// Users 1 and 2 are in the group 50, user 3 by way of the group 51, all of which is known.
    async fn begin() -> Self {
        let users = (1..=3).map(|number| (number, user_dn(number))).collect();
        let groups =
            [(50, (group_dn(50), vec![1, 2, 51])), (51, (group_dn(51), vec![3]))].into_iter().collect();
        let domain = Arc::new(Mutex::new(Domain { users, groups, ..Domain::default() }));
        let served = Arc::clone(&domain);
        let address = super::server(move |asked| served.lock().unwrap().answer(asked));
        let folder = tempfile::tempdir().unwrap();
        let config = config(address, Flavour::ActiveDirectory, &password(&folder));
        let connection = Connection::open(&config).await.unwrap();
        let mut followed = Self { domain, connection, config, replica: Replica::default() };
        followed.tell(&[1, 2, 3, 50, 51]).await.unwrap();
        assert_eq!(followed.members(50), [1, 2, 3]);
        followed
    }

    fn change(&self, change: impl FnOnce(&mut Domain)) {
        change(&mut self.domain.lock().unwrap());
    }

    /// The server tells that these changed.
    async fn tell(&mut self, numbers: &[usize]) -> Result<Touched, LdapError> {
        let mut touched = Touched::default();
        let ids: BTreeSet<_> = numbers.iter().map(|number| uuid(*number)).collect();
        let most = most_with(&ids);
        look_up(ids, most, &mut self.connection, &self.config, &mut self.replica, &mut touched).await?;
        Ok(touched)
    }

    /// Begins to be told, and then reads everything.
    async fn read_everything(&mut self) {
        let notified = self.notified().await;
        let all = load::everything(&mut self.connection, &self.config, Some(&notified)).await.unwrap();
        self.replica = all.replica;
    }

    /// Begins to be told; what is told is there before the next answer.
    async fn notified(&mut self) -> Notified {
        let filter = Filter::everything();
        let attributes = ["entryUUID".to_owned()];
        let search = Search { base: "dc=x", scope: Scope::Subtree, filter: &filter, attributes: &attributes };
        Notified::of(self.connection.begin(&search, &[]).await.unwrap())
    }

    fn members(&self, group: usize) -> Vec<u128> {
        self.replica.members(&uuid(group)).iter().map(uuid::Uuid::as_u128).collect()
    }
}

#[tokio::test]
async fn who_is_moved_or_renamed_stays_in_their_groups() {
    let mut followed = Followed::begin().await;
    followed.change(|domain| drop(domain.users.insert(1, "uid=u1,ou=sub,ou=people,dc=x".into())));
    followed.tell(&[1]).await.unwrap();
    assert_eq!(followed.members(50), [1, 2, 3]);
    // A group as well, with everybody below it.
    followed.change(|domain| {
        domain.groups.insert(51, ("cn=other,ou=groups,dc=x".into(), vec![3]));
    });
    followed.tell(&[51]).await.unwrap();
    assert_eq!(followed.members(50), [1, 2, 3]);
    // Be it that the group was changed, too, and is told first.
    followed.change(|domain| {
        domain.users.insert(2, "uid=second,ou=people,dc=x".into());
        domain.groups.insert(50, (group_dn(50), vec![2, 51]));
    });
    followed.tell(&[50]).await.unwrap();
    assert_eq!(followed.members(50), [2, 3]);
}

#[tokio::test]
async fn who_gets_the_name_of_somebody_else_gets_nothing_by_it() {
    let mut followed = Followed::begin().await;
    // One is deleted, of which nobody may have told us, and one renamed; others are called so now.
    followed.change(|domain| {
        domain.users.remove(&1);
        domain.users.insert(2, "uid=second,ou=people,dc=x".into());
        domain.users.insert(4, user_dn(1));
        domain.users.insert(5, user_dn(2));
    });
    followed.tell(&[4]).await.unwrap();
    assert_eq!(followed.members(50), [2, 3]);
    assert!(followed.replica.user(&uuid(1)).is_none(), "nobody has a name that is another's");
    followed.tell(&[5]).await.unwrap();
    assert_eq!(followed.members(50), [2, 3]);
    // And a group by a group's.
    followed.change(|domain| {
        domain.groups.remove(&51);
        domain.groups.insert(52, (group_dn(51), vec![4]));
    });
    followed.tell(&[52]).await.unwrap();
    assert_eq!(followed.members(50), [2]);
}

#[tokio::test]
async fn who_is_gone_and_comes_back_has_what_the_server_says() {
    let mut followed = Followed::begin().await;
    // To where nobody looks: groups go on naming them.
    followed.change(|domain| drop(domain.users.insert(1, "uid=u1,ou=leavers,dc=x".into())));
    followed.tell(&[1]).await.unwrap();
    assert_eq!(followed.members(50), [2, 3]);
    followed.change(|domain| drop(domain.users.insert(1, user_dn(1))));
    followed.tell(&[1]).await.unwrap();
    assert_eq!(followed.members(50), [1, 2, 3]);
    // Deleted, so that no group names them, and brought back with their groups.
    followed.change(|domain| drop(domain.users.remove(&1)));
    followed.tell(&[1]).await.unwrap();
    assert_eq!(followed.members(50), [2, 3]);
    followed.change(|domain| drop(domain.users.insert(1, user_dn(1))));
    followed.tell(&[1]).await.unwrap();
    assert_eq!(followed.members(50), [1, 2, 3]);
}

#[tokio::test]
async fn too_many_are_not_looked_up_one_by_one() {
    let mut followed = Followed::begin().await;
    followed.change(|domain| {
        domain.users.insert(1, "uid=u1,ou=sub,ou=people,dc=x".into());
        // Ids that are no text cannot be told by this server.
        let numbers = (0..).filter(|number| String::from_utf8(uuid(*number).to_bytes_le().to_vec()).is_ok());
        let groups = numbers.filter(|number| *number > 100).take(MANY + 1);
        domain.groups.extend(groups.map(|number| (number, (group_dn(number), vec![1]))));
    });
    let outcome = followed.tell(&[1]).await;
    assert!(matches!(outcome, Err(LdapError::AllAgain)), "{outcome:?}");
}

/// Or everything would be read again while they are moved, and again.
#[tokio::test]
async fn many_who_are_moved_at_once_are_no_more_than_each_by_itself() {
    let mut followed = Followed::begin().await;
    followed.change(|domain| {
        let numbers = (0..).filter(|number| String::from_utf8(uuid(*number).to_bytes_le().to_vec()).is_ok());
        let groups = numbers.filter(|number| *number > 100).take(MANY / 3 * 4);
        domain.groups.extend(groups.map(|number| (number, (group_dn(number), vec![1 + number % 2]))));
        for number in [1, 2] {
            domain.moved.insert(number, format!("uid=u{number},ou=sub,ou=people,dc=x"));
        }
        domain.told = vec![1, 2];
    });
    followed.read_everything().await;
    assert_eq!(followed.members(50), [1, 2, 3]);
}

#[tokio::test]
async fn who_is_moved_while_everything_is_read_stays_in_their_groups() {
    let mut followed = Followed::begin().await;
    followed.change(|domain| {
        // Users are read before groups; one was deleted before and comes back meanwhile.
        domain.moved.insert(1, "uid=u1,ou=sub,ou=people,dc=x".into());
        domain.users.remove(&2);
        domain.moved.insert(2, user_dn(2));
        domain.told = vec![1, 2];
    });
    followed.read_everything().await;
    assert_eq!(followed.members(50), [1, 2, 3]);
}

#[tokio::test]
async fn of_many_who_are_moved_at_once_the_groups_are_looked_up_once() {
    let mut followed = Followed::begin().await;
    followed.change(|domain| {
        for number in 1..=3 {
            domain.users.insert(number, format!("uid=u{number},ou=sub,ou=people,dc=x"));
        }
        (domain.told, domain.reads) = (vec![1, 2, 3], 0);
    });
    let notified = followed.notified().await;
    // While anything is looked up, all that is told waits.
    followed.tell(&[99]).await.unwrap();
    let first = followed.connection.receive().await.unwrap();
    let ids = notified.take(first, &mut followed.connection, &followed.config).unwrap();
    assert_eq!(ids, BTreeSet::from([1, 2, 3].map(uuid)));
    let mut touched = Touched::default();
    let most = most_with(&ids);
    look_up(ids, most, &mut followed.connection, &followed.config, &mut followed.replica, &mut touched)
        .await
        .unwrap();
    assert_eq!(followed.members(50), [1, 2, 3]);
    assert_eq!(followed.domain.lock().unwrap().reads, 2, "each group is read once");
}
