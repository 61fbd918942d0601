use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::{
    super::{parse_json, parse_toml, to_json},
    WHOLE, WHOLE_TOML,
};
use crate::{
    name::{GroupName, Username},
    snapshot::{Directory, Keys, OpenPgpKey, Person, SshKey},
};

fn keys() -> impl Strategy<Value = Keys> {
    let ssh = prop::collection::btree_set(any::<[u8; 32]>(), 0..3);
    let openpgp = prop::collection::btree_set(prop::collection::vec(any::<u8>(), 0..100), 0..3);
    (ssh, openpgp).prop_map(|(ssh, openpgp)| {
        let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
        let mut ssh: Vec<_> = ssh
            .iter()
            .map(|key| STANDARD.encode([string(b"ssh-ed25519"), string(key)].concat()))
            .map(|base64| SshKey::parse(&format!("ssh-ed25519 {base64} a comment")).unwrap())
            .collect();
        let packet = |body: &Vec<u8>| [&[0xc6, u8::try_from(body.len() + 1).unwrap(), 4], &body[..]].concat();
        let armored = |base64| {
            format!("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{base64}\n-----END PGP PUBLIC KEY BLOCK-----")
        };
        let mut openpgp: Vec<_> = openpgp
            .iter()
            .map(|body| OpenPgpKey::parse(&armored(STANDARD.encode(packet(body)))).unwrap())
            .collect();
        ssh.sort();
        openpgp.sort();
        Keys { ssh, openpgp }
    })
}

fn any_directory() -> impl Strategy<Value = Directory> {
    let name = "[a-zé\"\\\\]{1,6}".prop_filter_map("a username", |name| Username::parse(&name).ok());
    let group =
        || "(okta|ad):[a-zA-Z:é\"\\\\]{1,4}".prop_filter_map("a group", |name| GroupName::parse(&name).ok());
    let groups = || prop::collection::btree_set(group(), 0..4);
    let text = || prop::option::of("\\PC{1,8}");
    let person = (name, text(), prop::collection::vec("\\PC{0,8}", 0..3), any::<bool>(), groups(), keys());
    let person = person.prop_map(|(username, display_name, emails, active, groups, keys)| Person {
        username,
        id: None,
        display_name,
        emails,
        active,
        groups,
        keys,
    });
    (prop::collection::vec(person, 0..6), groups()).prop_map(|(people, groups)| {
        let mut people: Vec<_> = people
            .into_iter()
            .map(|person| (person.username.key(), person))
            .collect::<std::collections::BTreeMap<_, _>>()
            .into_values()
            .collect();
        for (index, person) in people.iter_mut().enumerate() {
            person.id = (index % 2 == 0).then(|| format!("id \"{index}\""));
        }
        Directory { people, groups }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(directory in any_directory()) {
        let text = to_json(&directory);
        let read = parse_json("d", &text).map_err(|faults| TestCaseError::fail(faults.to_string()))?;
        prop_assert_eq!(&to_json(&read), &text);
        prop_assert_eq!(read, directory);
    }

    #[test]
    fn no_text_makes_it_panic(
        text in "\\PC{0,100}|([\\[\\]{}\":,a-z0-9\\\\ \\n.=-]{0,100})",
        cut in any::<prop::sample::Index>(),
        insert in "[\\[\\]{}\":,\\\\0]{0,3}|\\PC",
    ) {
        let _ = (parse_json("d", &text), parse_toml("d", &text));
        for whole in [WHOLE, WHOLE_TOML] {
            let at = cut.index(whole.len());
            let (before, after) = whole.split_at(at);
            let mutilated = [before, &insert, after.split_at(1).1].concat();
            for faults in [parse_json("d", &mutilated), parse_toml("d", &mutilated)].into_iter().filter_map(Result::err) {
                for fault in faults.iter() {
                    prop_assert!(fault.line as usize <= mutilated.matches('\n').count() + 1, "{}", fault);
                }
            }
        }
    }
}
