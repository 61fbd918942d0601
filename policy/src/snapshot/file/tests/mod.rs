mod laws;
mod size;

use super::{parse_json, parse_toml, to_json};
use crate::{
    fault::Faults,
    name::{GroupName, Username},
    snapshot::{Directory, Person},
};

fn json(text: &str) -> Faults {
    parse_json("d.json", text).expect_err("a fault is expected")
}

const WHOLE: &str = r#"{
  "version": 1,
  "users": [
    {"username": "Alice", "id": "00u1", "name": "Alice \"A\"", "emails": ["a@x"], "groups": ["okta:eng"]},
    {"username": "bob", "active": false, "id": null}
  ],
  "groups": [
    {"name": "okta:ops", "members": ["alice", "BOB"]},
    {"name": "okta:empty"}
  ]
}"#;

const WHOLE_TOML: &str = r#"
version = 1

[[users]]
username = "Alice"
id = "00u1"
name = 'Alice "A"'
emails = ["a@x"]
groups = ["okta:eng"]

[[users]]
username = "bob"
active = false

[[groups]]
name = "okta:ops"
members = ["alice", "BOB"]

[[groups]]
name = "okta:empty"
"#;

fn whole() -> Directory {
    let group = |name| GroupName::parse(name).unwrap();
    let alice = Person {
        username: Username::parse("Alice").unwrap(),
        id: Some("00u1".into()),
        display_name: Some("Alice \"A\"".into()),
        emails: vec!["a@x".into()],
        active: true,
        groups: [group("okta:eng"), group("okta:ops")].into(),
        keys: Default::default(),
    };
    let bob = Person {
        username: Username::parse("bob").unwrap(),
        id: None,
        display_name: None,
        emails: vec![],
        active: false,
        groups: [group("okta:ops")].into(),
        keys: Default::default(),
    };
    Directory { people: vec![alice, bob], groups: [group("okta:ops"), group("okta:empty")].into() }
}

#[test]
fn both_formats_say_the_same() {
    assert_eq!(parse_json("d", WHOLE).unwrap(), whole());
    assert_eq!(parse_toml("d", WHOLE_TOML).unwrap(), whole());
    assert_eq!(parse_json("d", &format!("\u{feff}{WHOLE}")).unwrap(), whole(), "with a byte order mark");
    assert_eq!(parse_json("d", r#"{"version":1,"users":[]}"#).unwrap(), Directory::default());
}

#[test]
fn what_is_written_is_stable() {
    insta::assert_snapshot!(to_json(&whole()), @r#"
    {"version":1,
    "users":[
    {"username":"Alice","id":"00u1","name":"Alice \"A\"","emails":["a@x"],"active":true,"groups":["okta:eng","okta:ops"]},
    {"username":"bob","emails":[],"active":false,"groups":["okta:ops"]}],
    "groups":[
    {"name":"okta:empty"},
    {"name":"okta:ops"}]}
    "#);
}

#[test]
fn every_fault_is_told_with_its_place() {
    insta::assert_snapshot!(json(r#"{
  "version": 2,
  "user": [],
  "users": [
    {"username": "alice", "id": "1", "grops": ["okta:eng"]},
    {"username": "ALICE", "id": "1", "active": "yes"},
    {"name": "nobody"}, "carol",
    {"username": " dave", "groups": ["eng", 7], "emails": "d@x"},
    {"username": "erin", "id": "", "username": "eve", "active": null}
  ],
  "groups": [
    {"name": "okta:eng", "members": ["alise", "alice"]},
    {"name": "okta:eng", "members": ["\u001b[31m"]},
    {"members": {"a": 1}}
  ]
}"#), @r#"
    this version of the format is not known
     --> d.json:2:14
      |
    2 |   "version": 2,
      |              ^
      = write `"version": 1`; a newer version needs a newer release

    a directory file has no key `user`
     --> d.json:3:3
      |
    3 |   "user": [],
      |   ^^^^^^
      = did you mean `users`?

    a user has no key `grops`
     --> d.json:5:38
      |
    5 |     {"username": "alice", "id": "1", "grops": ["okta:eng"]},
      |                                      ^^^^^^^
      = did you mean `groups`?

    the user `ALICE` is given twice (Bitbucket folds case): at d.json:5:18 and here
     --> d.json:6:18
      |
    6 |     {"username": "ALICE", "id": "1", "active": "yes"},
      |                  ^^^^^^^
      = keep one

    two users have the id `1`: at d.json:5:33 and here
     --> d.json:6:33
      |
    6 |     {"username": "ALICE", "id": "1", "active": "yes"},
      |                                 ^^^
      = an id names one person, for ever

    `active` is `true` or `false`, not a string
     --> d.json:6:48
      |
    6 |     {"username": "ALICE", "id": "1", "active": "yes"},
      |                                                ^^^^^

    a user has no `username`
     --> d.json:7:5
      |
    7 |     {"name": "nobody"}, "carol",
      |     ^^^^^^^^^^^^^^^^^^
      = add `"username": "alice"`

    a user is an object, not a string
     --> d.json:7:25
      |
    7 |     {"name": "nobody"}, "carol",
      |                         ^^^^^^^

    ` dave` is no username: it has a control character, or white space at an end
     --> d.json:8:18
      |
    8 |     {"username": " dave", "groups": ["eng", 7], "emails": "d@x"},
      |                  ^^^^^^^

    `groups` is a list of strings; this is a number
     --> d.json:8:45
      |
    8 |     {"username": " dave", "groups": ["eng", 7], "emails": "d@x"},
      |                                             ^

    `emails` is a list of strings, not a string
     --> d.json:8:59
      |
    8 |     {"username": " dave", "groups": ["eng", 7], "emails": "d@x"},
      |                                                           ^^^^^
      = write `"emails": ["d@x"]`

    `id` is empty
     --> d.json:9:32
      |
    9 |     {"username": "erin", "id": "", "username": "eve", "active": null}
      |                                ^^
      = give a value, or leave it out

    the key `username` is given twice in one object
     --> d.json:9:36
      |
    9 |     {"username": "erin", "id": "", "username": "eve", "active": null}
      |                                    ^^^^^^^^^^
      = keep one

    `active` is `true` or `false`, not null
     --> d.json:9:65
      |
    9 |     {"username": "erin", "id": "", "username": "eve", "active": null}
      |                                                                 ^^^^

    there is no user `alise`
      --> d.json:12:38
       |
    12 |     {"name": "okta:eng", "members": ["alise", "alice"]},
       |                                      ^^^^^^^
       = did you mean `alice`?

    the group `okta:eng` is given twice: at d.json:12:14 and here
      --> d.json:13:14
       |
    13 |     {"name": "okta:eng", "members": ["\u001b[31m"]},
       |              ^^^^^^^^^^
       = put all members into one

    `\x1b[31m` is no username: it has a control character, or white space at an end
      --> d.json:13:38
       |
    13 |     {"name": "okta:eng", "members": ["\u001b[31m"]},
       |                                      ^^^^^^^^^^^^

    a group has no `name`
      --> d.json:14:5
       |
    14 |     {"members": {"a": 1}}
       |     ^^^^^^^^^^^^^^^^^^^^^
       = add `"name": "okta:eng"`

    `members` is a list of strings, not an object
      --> d.json:14:17
       |
    14 |     {"members": {"a": 1}}
       |                 ^^^^^^^^
    "#);
}

#[test]
fn every_fault_of_toml_is_told_with_its_place() {
    let faults =
        parse_toml("d.toml", "[[users]]\nusername = \"a\"\nx = 1\n[[users]]\nusername = \"A\"\n[groups]\n");
    insta::assert_snapshot!(faults.unwrap_err(), @r#"
    a directory file has no `version`
      --> d.toml
      = add `version = 1`

    a user has no key `x`
     --> d.toml:3:1
      |
    3 | x = 1
      | ^
      = it may have `username`, `id`, `name`, `emails`, `active`, `groups`, `ssh_keys`, `openpgp_keys`

    the user `A` is given twice (Bitbucket folds case): at d.toml:2:12 and here
     --> d.toml:5:12
      |
    5 | username = "A"
      |            ^^^
      = keep one

    `groups` is a list, not a table
     --> d.toml:6:1
      |
    6 | [groups]
      | ^^^^^^^^
    "#);
}

#[test]
fn what_is_no_directory_at_all() {
    let told = [
        "",
        "{\"version\": 1,\n \"users\": [{\"username\": \"a\"",
        "[]",
        "\u{feff}{\n  x}",
        "{\"version\": 1}",
        "{\"version\": 1, \"users\": {\"alice\": {}}}",
        r#"{"version": 1, "users": [{"username": "\ud800"}]}"#,
    ]
    .map(|text| json(text).to_string());
    insta::assert_snapshot!(told.join("\n\n"), @r#"
    this is not JSON: EOF while parsing a value
     --> d.json:1:1
      |
    1 | 
      | ^
      = fix this first: more may come to light

    this is not JSON: EOF while parsing an object
     --> d.json:2:27
      |
    2 |  "users": [{"username": "a"
      |                           ^
      = fix this first: more may come to light

    a directory file is an object: `{"version": 1, "users": []}`
     --> d.json:1:1
      |
    1 | []
      | ^^

    this is not JSON: key must be a string
     --> d.json:2:3
      |
    2 |   x}
      |   ^
      = fix this first: more may come to light

    a directory file has no `users`
      --> d.json
      = add it, an empty list if there are none

    `users` is a list, not an object
     --> d.json:1:25
      |
    1 | {"version": 1, "users": {"alice": {}}}
      |                         ^^^^^^^^^^^^^

    this string holds an escape that stands for no character
     --> d.json:1:39
      |
    1 | {"version": 1, "users": [{"username": "\ud800"}]}
      |                                       ^^^^^^^^
    "#);
}

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
/// No key of anybody: the form is all that is read here.
const OPENPGP: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxgQEAQID\n-----END PGP PUBLIC KEY BLOCK-----";

#[test]
fn keys_are_read_in_both_formats() {
    let json = parse_json(
        "d",
        &format!(
            r#"{{"version":1,"users":[{{"username":"ann","ssh_keys":["{ED25519} ann@laptop","{ED25519}"],
            "openpgp_keys":[{}]}},{{"username":"bob"}}]}}"#,
            serde_json::Value::from(OPENPGP)
        ),
    );
    let toml = parse_toml(
        "d",
        &format!(
            "version = 1\n[[users]]\nusername = \"ann\"\nssh_keys = [\"{ED25519}\"]\nopenpgp_keys = ['''\n{OPENPGP}\n''']\n\
             [[users]]\nusername = \"bob\"\n"
        ),
    );
    let (json, toml) = (json.unwrap(), toml.unwrap());
    assert_eq!(json, toml);
    let [ann, bob] = json.people.as_slice() else { panic!("{json:?}") };
    assert_eq!(ann.keys.ssh.iter().map(crate::snapshot::SshKey::as_str).collect::<Vec<_>>(), [ED25519]);
    assert_eq!(
        ann.keys.openpgp.iter().map(crate::snapshot::OpenPgpKey::armored).collect::<Vec<_>>(),
        [OPENPGP]
    );
    assert!(bob.keys.is_empty());
}

#[test]
fn what_is_no_key_is_told_with_whose_it_is() {
    let many = vec!["\"x\""; 65].join(",");
    insta::assert_snapshot!(json(&format!(r#"{{"version": 1, "users": [
  {{"username": "ann", "ssh_keys": ["{ED25519}",
    "ssh-dss AAAA", 7]}},
  {{"username": "bob", "ssh_keys": "x", "openpgp_keys": ["-----BEGIN PGP PRIVATE KEY BLOCK-----"]}},
  {{"username": "eve", "ssh_keys": ["ssh-dss AAAA",
    "-----BEGIN OPENSSH PRIVATE KEY-----"],
   "openpgp_keys": [{many}]}}
]}}"#)), @r#"
    `ssh_keys` is a list of strings; this is a number
     --> d.json:3:21
      |
    3 |     "ssh-dss AAAA", 7]},
      |                     ^

    `ssh_keys` is a list of strings, not a string
     --> d.json:4:35
      |
    4 |   {"username": "bob", "ssh_keys": "x", "openpgp_keys": ["-----BEGIN PGP PRIVATE KEY BLOCK-----"]},
      |                                   ^^^
      = write `"ssh_keys": ["x"]`

    key 1 in `openpgp_keys` of `bob`: this is a private key: take it out of the file, make a new one, and give the public half of that
     --> d.json:4:57
      |
    4 |   {"username": "bob", "ssh_keys": "x", "openpgp_keys": ["-----BEGIN PGP PRIVATE KEY BLOCK-----"]},
      |                                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    key 1 in `ssh_keys` of `eve`: `ssh-dss` is no kind of SSH key that is accepted: `ssh-ed25519`, `ecdsa-sha2-nistp256` (384, 521), `ssh-rsa`, `sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`
     --> d.json:5:36
      |
    5 |   {"username": "eve", "ssh_keys": ["ssh-dss AAAA",
      |                                    ^^^^^^^^^^^^^^

    key 2 in `ssh_keys` of `eve`: this is a private key: take it out of the file, make a new one, and give the public half of that
     --> d.json:6:5
      |
    6 |     "-----BEGIN OPENSSH PRIVATE KEY-----"],
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    `openpgp_keys` of `eve` holds 65 keys: at most 64
     --> d.json:7:20
      |
    7 |    "openpgp_keys": ["x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x"…
      |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn keys_count_for_the_digest_and_for_what_changed() {
    let snapshot = |keys: &str| {
        let directory = parse_json("d", &format!(r#"{{"version":1,"users":[{{"username":"ann"{keys}}}]}}"#));
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        crate::Snapshot::of_directory(1, now, &directory.unwrap(), Default::default()).unwrap()
    };
    let (without, with) = (snapshot(""), snapshot(&format!(r#","ssh_keys":["{ED25519}"]"#)));
    assert_eq!(without.version(), snapshot(r#","ssh_keys":[]"#).version());
    assert_ne!(without.version(), with.version());
    let changed = crate::snapshot::SnapshotDiff::between(&without, &with).changed;
    assert!(changed.first().is_some_and(|change| change.details), "{changed:?}");
}
