//! What real servers seldom do: many members in parts, pages, interrupted refreshes, and nonsense.

mod domain;
mod taken;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use oam_ldap::{
    Entry, Filter, Message, Replica,
    ber::{self, ENUMERATED, INTEGER, Reader, SEQUENCE, SET, all, boolean, element, number, octets},
    control::{PAGED, SYNC_INFO, SYNC_STATE},
    entry::Attribute,
    message::{Control, Response},
    replica::Touched,
};
use uuid::Uuid;

use super::{
    LdapError,
    connection::Connection,
    load,
    refresh::{Refresh, Told},
};
use crate::config::{Flavour, LdapConfig, LdapGroups, LdapSecurity, LdapServer, LdapUsers};

fn config(server: SocketAddr, flavour: Flavour, password_file: &Path) -> LdapConfig {
    LdapConfig {
        servers: vec![LdapServer {
            host: server.ip().to_string(),
            port: server.port(),
            security: LdapSecurity::None,
        }],
        flavour,
        ca: "/nowhere".into(),
        bind_dn: "cn=oam".into(),
        password_file: password_file.into(),
        resync: std::time::Duration::from_secs(60),
        max_loss: 20,
        users: LdapUsers {
            base: "ou=people,dc=x".into(),
            filter_text: String::new(),
            filter: Filter::everything(),
            username: "uid".into(),
            display_name: "cn".into(),
            email: "mail".into(),
            id: "entryUUID".into(),
            limits: Vec::new(),
        },
        groups: LdapGroups {
            base: "ou=groups,dc=x".into(),
            filter_text: String::new(),
            filter: Filter::everything(),
            name: "cn".into(),
            member: "member".into(),
        },
    }
}

/// What a search asks for: its base, what its filter is made of, the attributes, and the cookie of its page.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    base: String,
    filter: Vec<u8>,
    attributes: Vec<String>,
    page: Option<Vec<u8>>,
}

/// A server that takes every bind, and answers a search with what `answer` makes of it: operations and controls.
fn server(answer: impl Fn(&Asked) -> Vec<(Vec<u8>, Vec<u8>)> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve(stream, &answer);
        }
    });
    address
}

fn serve(mut stream: TcpStream, answer: &impl Fn(&Asked) -> Vec<(Vec<u8>, Vec<u8>)>) {
    let mut buffer = Vec::new();
    loop {
        let Some(length) = ber::framed(&buffer, 1 << 20).unwrap().filter(|length| *length <= buffer.len())
        else {
            let mut more = [0; 4096];
            match stream.read(&mut more) {
                Ok(read) if read > 0 => buffer.extend(&more[..read]),
                _ => return,
            }
            continue;
        };
        let bytes: Vec<u8> = buffer.drain(..length).collect();
        let mut message = Reader::new(&bytes).inside(SEQUENCE).unwrap();
        let id = message.integer(INTEGER).unwrap();
        let operation = message.any().unwrap();
        let answers = match operation.tag {
            0x60 => vec![(outcome(0x61, 0), Vec::new())],
            0x63 => answer(&asked(operation.content, message)),
            _ => return,
        };
        for (operation, controls) in answers {
            let bytes = all(SEQUENCE, &[number(INTEGER, id), operation, controls]);
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
    }
}

fn asked(search: &[u8], mut rest: Reader<'_>) -> Asked {
    let mut search = Reader::new(search);
    let base = search.text(0x04).unwrap().to_owned();
    for _ in 0..5 {
        search.any().unwrap();
    }
    let filter = search.any().unwrap().content.to_vec();
    let mut list = search.inside(SEQUENCE).unwrap();
    let mut attributes = Vec::new();
    while !list.is_done() {
        attributes.push(list.text(0x04).unwrap().to_owned());
    }
    let page = rest.optional(0xa0).unwrap().map(|controls| {
        let mut control = Reader::new(controls).inside(SEQUENCE).unwrap();
        assert_eq!(control.text(0x04), Ok(PAGED));
        assert_eq!(control.optional_boolean(), Ok(Some(true)));
        let mut value = Reader::new(control.take(0x04).unwrap()).inside(SEQUENCE).unwrap();
        value.integer(INTEGER).unwrap();
        value.take(0x04).unwrap().to_vec()
    });
    Asked { base, filter, attributes, page }
}

fn outcome(tag: u8, code: i32) -> Vec<u8> {
    all(tag, &[number(ENUMERATED, code), octets(b""), octets(b"")])
}

fn found(dn: &str, attributes: &[(&str, &[String])]) -> Vec<u8> {
    let attribute = |(name, values): &(&str, &[String])| {
        let values: Vec<_> = values.iter().map(|value| octets(value.as_bytes())).collect();
        all(SEQUENCE, &[octets(name.as_bytes()), all(SET, &values)])
    };
    let attributes: Vec<_> = attributes.iter().map(attribute).collect();
    all(0x64, &[octets(dn.as_bytes()), all(SEQUENCE, &attributes)])
}

fn paged(cookie: &[u8]) -> Vec<u8> {
    let value = all(SEQUENCE, &[number(INTEGER, 0), octets(cookie)]);
    all(0xa0, &[all(SEQUENCE, &[octets(PAGED.as_bytes()), octets(&value)])])
}

fn uuid(number: usize) -> Uuid {
    Uuid::from_u128(number as u128)
}

fn user_dn(number: usize) -> String {
    format!("uid=u{number},ou=people,dc=x")
}

fn password(folder: &tempfile::TempDir) -> std::path::PathBuf {
    let file = folder.path().join("password");
    std::fs::write(&file, "secret\n").unwrap();
    file
}

/// Seven users on three pages; a group whose members come in parts of three.
fn directory(asked: &Asked, last_part: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let dns = |range: std::ops::Range<usize>| range.map(user_dn).collect::<Vec<_>>();
    let done = outcome(0x65, 0);
    if asked.base == "ou=people,dc=x" {
        let page: usize = match asked.page.as_deref() {
            Some(b"") => 0,
            Some(cookie) => std::str::from_utf8(cookie).unwrap().parse().unwrap(),
            None => panic!("users are read in pages"),
        };
        let users = (page * 3..(page * 3 + 3).min(7)).map(|number| {
            let attributes =
                [("entryUUID", &[uuid(number).to_string()][..]), ("uid", &[format!("u{number}")][..])];
            (found(&user_dn(number), &attributes), Vec::new())
        });
        let next = if page < 2 { (page + 1).to_string() } else { String::new() };
        let reference = (all(0x73, &[octets(b"ldap://elsewhere/")]), Vec::new());
        return users.chain([reference, (done, paged(next.as_bytes()))]).collect();
    }
    if asked.base == "ou=groups,dc=x" {
        let id = [uuid(100).to_string()];
        let attributes = [
            ("entryUUID", &id[..]),
            ("cn", &["eng".to_owned()][..]),
            ("member", &[][..]),
            ("member;range=0-2", &dns(0..3)[..]),
        ];
        return vec![(found("cn=eng,ou=groups,dc=x", &attributes), Vec::new()), (done, paged(b""))];
    }
    assert_eq!(asked.base, "cn=eng,ou=groups,dc=x");
    let part = match asked.attributes[0].as_str() {
        "member;range=3-*" => found(&asked.base, &[("member;range=3-5", &dns(3..6)[..])]),
        "member;range=6-*" => found(&asked.base, &[(last_part, &dns(6..7)[..])]),
        other => panic!("{other}"),
    };
    vec![(part, Vec::new()), (done, Vec::new())]
}

async fn everything(server: SocketAddr) -> Result<load::Everything, LdapError> {
    let folder = tempfile::tempdir().unwrap();
    let config = config(server, Flavour::Plain, &password(&folder));
    let mut connection = Connection::open(&config).await.unwrap();
    load::everything(&mut connection, &config, None).await
}

async fn loaded(server: SocketAddr) -> Result<Replica, LdapError> {
    everything(server).await.map(|all| all.replica)
}

/// Who is followed where these are known by their usernames, and what is told of the others.
async fn settled(
    known: &[(&str, usize)],
    others: &'static [Option<&str>],
) -> Result<(Replica, Option<String>), LdapError> {
    let mut all = everything(server(|asked| strange(asked, others))).await.unwrap();
    let id_of = |username: &str| known.iter().find(|(known, _)| *known == username).map(|(_, id)| uuid(*id));
    let unread = all.settle(id_of, known.iter().map(|(_, id)| uuid(*id)))?;
    Ok((all.replica, unread))
}

/// `u1`, and these without an id.
fn strange(asked: &Asked, others: &[Option<&str>]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let end = (outcome(0x65, 0), paged(b""));
    if asked.base != "ou=people,dc=x" {
        return vec![end];
    }
    let id = [uuid(1).to_string()];
    let first = found(&user_dn(1), &[("entryUUID", &id[..]), ("uid", &["u1".to_owned()][..])]);
    let of = |(number, name): (usize, &Option<&str>)| {
        let name: Vec<_> = name.iter().map(|name| (*name).to_owned()).collect();
        (found(&format!("cn=other{number},ou=people,dc=x"), &[("uid", &name[..])]), Vec::new())
    };
    [(first, Vec::new())].into_iter().chain(others.iter().enumerate().map(of)).chain([end]).collect()
}

#[tokio::test]
async fn who_has_no_id_that_can_be_read_holds_up_nobody_and_has_not_left() {
    // Nobody knows them: they are not followed, and the others are.
    let (replica, unread) = settled(&[("u1", 1)], &[Some("new"), None]).await.unwrap();
    assert_eq!(replica.user_ids().collect::<Vec<_>>(), [uuid(1)]);
    let unread = unread.unwrap();
    assert!(unread.contains("2 of its users") && unread.contains("cn=other0,ou=people,dc=x"), "{unread}");

    // Who was known by that username is who they were; nobody takes the place of somebody who is there.
    let known = [("u1", 1), ("u2", 2)];
    let (replica, _) = settled(&known, &[Some("u2"), Some("u1")]).await.unwrap();
    let mut ids: Vec<_> = replica.user_ids().collect();
    ids.sort_unstable();
    assert_eq!(ids, [uuid(1), uuid(2)]);
    assert_eq!(Some(&replica.user(&uuid(1)).unwrap().dn), oam_ldap::DnKey::of(&user_dn(1)).as_ref());

    // Of whom a name can be read, they are not the one who is missing. Of whom nothing can, nobody knows.
    let (replica, _) = settled(&known, &[Some("new")]).await.unwrap();
    assert!(replica.user(&uuid(2)).is_none());
    let error = settled(&known, &[None]).await.unwrap_err().to_string();
    assert!(error.contains("1 of its users") && error.contains("whether they left is not known"), "{error}");

    let (replica, unread) = settled(&known, &[]).await.unwrap();
    assert_eq!((replica.user_ids().count(), unread), (1, None));
}

#[tokio::test]
async fn a_group_without_an_id_is_passed_over_and_told() {
    let address = server(|asked| {
        let mut answers = directory(asked, "member;range=6-*");
        if asked.base == "ou=groups,dc=x" {
            let nameless = found("cn=odd,ou=groups,dc=x", &[("cn", &["odd".to_owned()][..])]);
            answers.insert(0, (nameless, Vec::new()));
        }
        answers
    });
    let mut all = everything(address).await.unwrap();
    assert_eq!(all.replica.members(&uuid(100)).len(), 7, "the others are followed");
    let unread = all.settle(|_| None, []).unwrap().unwrap();
    assert!(unread.contains("1 of its groups") && unread.contains("cn=odd,ou=groups,dc=x"), "{unread}");
}

#[tokio::test]
async fn pages_and_parts_are_put_together() {
    let replica = loaded(server(|asked| directory(asked, "member;range=6-*"))).await.unwrap();
    assert_eq!(replica.user_ids().count(), 7);
    assert_eq!(replica.members(&uuid(100)).len(), 7);
}

#[tokio::test]
async fn parts_that_do_not_go_on_end_the_load() {
    for last in ["member;range=0-5", "member", "member;range=6-5"] {
        let outcome = loaded(server(move |asked| directory(asked, last))).await;
        assert!(matches!(outcome, Err(LdapError::Unexpected(_))), "{last}: {outcome:?}");
    }
}

#[tokio::test]
async fn half_of_a_load_is_none() {
    // The second page is refused, or the connection ends in it.
    for code in [Some(4), Some(51), None] {
        let asked_for = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked_for);
        let address = server(move |asked| {
            seen.lock().unwrap().push(asked.clone());
            let mut answers = directory(asked, "member;range=6-*");
            if asked.page.as_deref() == Some(b"1") {
                answers.truncate(1);
                answers.push(match code {
                    Some(code) => (outcome(0x65, code), Vec::new()),
                    None => (vec![0xff; 8], Vec::new()),
                });
            }
            answers
        });
        let outcome = loaded(address).await;
        match code {
            Some(code) => {
                let error = outcome.unwrap_err().to_string();
                assert!(error.contains(&format!("({code})")), "{error}");
            }
            None => assert!(matches!(outcome, Err(LdapError::Malformed(_))), "{outcome:?}"),
        }
        assert_eq!(asked_for.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn nobody_binds_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "\n").unwrap();
    let config = config(server(|_| Vec::new()), Flavour::Plain, &file);
    let error = Connection::open(&config).await.err().unwrap().to_string();
    assert!(error.contains("it is empty"), "{error}");
}

/// A refresh of users (1) and groups (2), as it goes on over a replica.
struct Ongoing {
    refresh: Refresh,
    replica: Replica,
    config: LdapConfig,
}

impl Ongoing {
    fn over(replica: Replica) -> Self {
        let config = config("127.0.0.1:1".parse().unwrap(), Flavour::Openldap, Path::new("/nowhere"));
        Self { refresh: Refresh::of(1, 2), replica, config }
    }

    fn take(&mut self, id: i32, response: Response, control: Option<Vec<u8>>) -> Told {
        let controls = control.map(|value| Control { oid: SYNC_STATE.into(), value: Some(value) });
        let message = Message { id, response, controls: controls.into_iter().collect() };
        self.refresh.take(message, &self.config, &mut self.replica, &mut Touched::default()).unwrap()
    }

    fn user(&mut self, state: i32, number_of: usize) -> Told {
        let entry = Entry {
            dn: user_dn(number_of),
            attributes: vec![Attribute { name: "uid".into(), values: vec![format!("u{number_of}").into()] }],
        };
        self.take(1, Response::Entry(entry), Some(state_of(state, uuid(number_of))))
    }

    fn group(&mut self, state: i32, number_of: usize) -> Told {
        let name = format!("g{number_of}");
        let attributes = [
            Attribute { name: "cn".into(), values: vec![name.clone().into()] },
            Attribute { name: "member".into(), values: vec![user_dn(0).into()] },
        ];
        let entry = Entry { dn: format!("cn={name},ou=groups,dc=x"), attributes: attributes.into() };
        self.take(2, Response::Entry(entry), Some(state_of(state, uuid(number_of))))
    }

    fn info(&mut self, id: i32, value: Vec<u8>) -> Told {
        self.take(id, Response::Intermediate { name: SYNC_INFO.into(), value }, None)
    }

    fn users(&self) -> Vec<u128> {
        let mut users: Vec<_> = self.replica.user_ids().map(|id| id.as_u128()).collect();
        users.sort_unstable();
        users
    }
}

fn state_of(state: i32, id: Uuid) -> Vec<u8> {
    all(SEQUENCE, &[number(ENUMERATED, state), octets(id.as_bytes()), octets(b"cookie")])
}

fn ids(gone: bool, numbers: &[usize]) -> Vec<u8> {
    let ids: Vec<_> = numbers.iter().map(|number| octets(uuid(*number).as_bytes())).collect();
    all(0xa3, &[boolean(gone), all(SET, &ids)])
}

const PRESENT_ENDED: [u8; 2] = [0xa2, 0];
const DELETE_ENDED: [u8; 2] = [0xa1, 0];

fn of_five() -> Replica {
    let mut first = Ongoing::over(Replica::default());
    for number in 0..5 {
        assert_eq!(first.user(1, number), Told::Nothing);
    }
    // Nothing counts before all of it is told.
    assert_eq!((first.info(1, PRESENT_ENDED.to_vec()), first.users()), (Told::Nothing, vec![]));
    assert_eq!(first.info(2, PRESENT_ENDED.to_vec()), Told::Change);
    assert_eq!(first.users(), [0, 1, 2, 3, 4]);
    first.replica
}

#[test]
fn who_is_not_named_in_a_present_phase_is_gone() {
    let mut again = Ongoing::over(of_five());
    again.info(2, DELETE_ENDED.to_vec());
    again.user(0, 0);
    again.user(2, 1);
    again.user(1, 7);
    again.info(1, ids(false, &[3]));
    assert_eq!(again.users(), [0, 1, 2, 3, 4]);
    assert_eq!(again.info(1, PRESENT_ENDED.to_vec()), Told::Change);
    assert_eq!(again.users(), [0, 1, 3, 7]);
    // From now on each word counts.
    assert_eq!((again.user(3, 7), again.users()), (Told::Change, vec![0, 1, 3]));
    assert_eq!((again.info(1, ids(true, &[0, 1])), again.users()), (Told::Change, vec![3]));
    assert_eq!(again.info(1, element(0x80, b"cookie")), Told::Nothing);
}

#[test]
fn only_who_is_named_in_a_delete_phase_is_gone() {
    let mut again = Ongoing::over(of_five());
    again.info(2, DELETE_ENDED.to_vec());
    again.user(3, 4);
    again.info(1, ids(true, &[2]));
    assert_eq!(again.info(1, DELETE_ENDED.to_vec()), Told::Change);
    assert_eq!(again.users(), [0, 1, 3]);
}

/// OpenLDAP with a log of its sessions names as gone whatever was changed and is not what this search is for.
#[test]
fn a_search_says_nothing_of_what_the_other_one_is_for() {
    let mut again = Ongoing::over(of_five());
    again.user(2, 3);
    again.info(1, DELETE_ENDED.to_vec());
    again.info(2, ids(true, &[3]));
    assert_eq!(again.info(2, DELETE_ENDED.to_vec()), Told::Change);
    assert_eq!(again.users(), [0, 1, 2, 3, 4]);
    // Nor afterwards.
    again.info(2, ids(true, &[3]));
    assert_eq!(again.users(), [0, 1, 2, 3, 4]);

    let mut first = Ongoing::over(of_five());
    first.group(1, 100);
    first.info(2, DELETE_ENDED.to_vec());
    first.info(1, DELETE_ENDED.to_vec());
    assert!(first.replica.group(&uuid(100)).is_some());
    // In whatever order they are told, and be it that the group was told before.
    let mut again = Ongoing::over(first.replica);
    again.info(2, DELETE_ENDED.to_vec());
    again.info(1, ids(true, &[100]));
    assert_eq!(again.info(1, DELETE_ENDED.to_vec()), Told::Change);
    assert_eq!(again.replica.members(&uuid(100)).len(), 1);
    again.info(1, ids(true, &[100]));
    assert!(again.replica.group(&uuid(100)).is_some());
    again.info(2, ids(true, &[100]));
    assert!(again.replica.group(&uuid(100)).is_none());
}

#[test]
fn a_phase_that_is_not_the_last_ends_nothing() {
    let mut again = Ongoing::over(of_five());
    again.info(2, DELETE_ENDED.to_vec());
    again.info(1, ids(false, &[0, 1]));
    assert_eq!(again.info(1, all(0xa2, &[boolean(false)])), Told::Nothing);
    again.user(3, 1);
    assert_eq!(again.users(), [0, 1, 2, 3, 4]);
    assert_eq!(again.info(1, DELETE_ENDED.to_vec()), Told::Change);
    assert_eq!(again.users(), [0]);
}
